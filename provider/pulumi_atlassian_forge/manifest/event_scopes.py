"""The scopes that an app needs for an event, as data, for 155 of the 184 events of the catalog.

Source: the scope mapping of ``@forge/manifest`` 13.7.0, by which ``forge deploy`` checks the triggers of a manifest. The 29
events that only https://developer.atlassian.com/platform/forge/events-reference/ names are left out: it does not give the
granular scopes of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scopes:
    """The scopes of an event: an app needs all of the classic ones (``read:jira-work``) or all of the granular ones.

    The granular ones (``read:issue:jira``) are empty if the product has none.
    """

    classic: frozenset[str]
    granular: frozenset[str]


# A row: the object of the event, what happened to it, the classic scopes, the granular ones. A granular scope is written without
# its "read:" and its product; one of another form is written in full.
_Row = tuple[str, str, str, str]
_BITBUCKET: Final[tuple[_Row, ...]] = (
    ("deployment", "completed pending started", "read:pipeline:bitbucket", ""),
    ("pullrequest", "created fulfilled rejected updated", "read:pullrequest:bitbucket", ""),
    ("pullrequest-comment", "created deleted updated", "read:pullrequest:bitbucket", ""),
    ("pullrequest-reviewer-status", "updated", "read:pullrequest:bitbucket", ""),
    ("repository", "created deleted push updated", "read:repository:bitbucket", ""),
)
_COMPASS: Final[tuple[_Row, ...]] = (("component_link", "created deleted updated", "read:component:compass", ""),)

_SUMMARY: Final = "read:confluence-content.summary"
_CHANGE: Final = f"{_SUMMARY} write:confluence-content"
_BASE: Final = "content.metadata space user"
_ATTACHMENT: Final = f"{_BASE} attachment blogpost page"
_CUSTOM_CONTENT: Final = f"{_BASE} blogpost custom-content page"
_RELATED: Final = "attachment blogpost content-details custom-content database embed folder page space user whiteboard"
_CONFLUENCE: Final[tuple[_Row, ...]] = (
    ("attachment", "archived created deleted restored trashed unarchived updated viewed", _SUMMARY, _ATTACHMENT),
    ("attachment", "permissions_updated", _SUMMARY, f"{_BASE} attachment blogpost comment custom-content page"),
    ("blogpost", "created liked permissions_updated restored updated viewed", _SUMMARY, f"{_BASE} blogpost"),
    ("blogpost", "deleted trashed", _CHANGE, f"{_BASE} blogpost write:blogpost:confluence"),
    ("comment", "created deleted liked updated", _SUMMARY, f"{_BASE} blogpost comment page"),
    ("comment", "permissions_updated", _SUMMARY, f"{_BASE} blogpost comment custom-content page"),
    ("custom_content", "created deleted permissions_updated restored trashed updated", _SUMMARY, _CUSTOM_CONTENT),
    ("database", "permissions_updated", _SUMMARY, f"{_BASE} database"),
    ("embed", "permissions_updated", _SUMMARY, f"{_BASE} embed"),
    ("folder", "permissions_updated", _SUMMARY, f"{_BASE} folder"),
    ("group", "created deleted", "read:confluence-groups", "group"),
    ("page", "archived children_reordered copied created liked moved", _SUMMARY, f"{_BASE} page"),
    ("page", "permissions_updated restored snapshotted started unarchived updated viewed", _SUMMARY, f"{_BASE} page"),
    ("page", "deleted trashed", _CHANGE, f"{_BASE} page write:page:confluence"),
    ("relation", "created deleted", f"{_SUMMARY} read:confluence-space.summary read:confluence-user", _RELATED),
    ("space:V2", "created updated", "read:confluence-space.summary", "space"),
    ("space:V2", "deleted", "read:confluence-space.summary write:confluence-space", "space write:space:confluence"),
    ("task", "created removed updated", "read:confluence-content.all", f"{_BASE} inlinetask"),
    ("user", "created deleted", "read:confluence-user", "user"),
    ("whiteboard", "permissions_updated", _SUMMARY, f"{_BASE} whiteboard"),
)

_WORK: Final = "read:jira-work"
_ADMIN: Final = "manage:jira-configuration"
_ISSUE: Final = "issue issue-type project status user"
_LINK: Final = f"{_ISSUE} avatar field issue-link-type issue.time-tracking priority project-category"
_JIRA: Final[tuple[_Row, ...]] = (
    ("attachment", "created deleted", _WORK, "attachment"),
    ("comment", "deleted mentioned", _WORK, f"{_ISSUE} comment"),
    ("component", "created updated", _WORK, "project user"),
    ("component", "deleted", _WORK, "project project.component user"),
    ("configuration", "changed", _ADMIN, "instance-configuration"),
    ("expression", "failed", _ADMIN, "issue project workflow"),
    ("field", "created deleted restored trashed updated", _ADMIN, "field"),
    ("field:context", "created deleted updated", _ADMIN, "field"),
    ("field:context:configuration", "updated", _ADMIN, "custom-field-contextual-configuration"),
    ("filter", "created deleted updated", _ADMIN, "filter jql"),
    ("issue", "assigned created deleted mentioned updated viewed", _WORK, _ISSUE),
    ("issue", "commented", _WORK, f"{_ISSUE} comment"),
    ("issue-property", "deleted set", _WORK, "issue.property"),
    ("issuelink", "created deleted", _WORK, _LINK),
    ("issuetype", "created deleted updated", _ADMIN, "issue-type"),
    ("project", "archived created deleted restored softdeleted unarchived updated", _WORK, "project"),
    ("provider:changed", "timetracking", _ADMIN, "issue.time-tracking"),
    ("user", "created deleted updated", "read:jira-user", "application-role avatar group user"),
    ("version", "archived created deleted merged moved released unarchived unreleased updated", _WORK, "project-version"),
    ("worklog", "created deleted updated", _WORK, "avatar comment group issue-worklog issue-worklog.property project-role user"),
)

_BOARD: Final = f"{_WORK} read:jira-user"
_OF_JIRA: Final = "read:project:jira read:user:jira"
_JIRA_SOFTWARE: Final[tuple[_Row, ...]] = (
    ("board", "created deleted updated", _BOARD, f"board-scope read:issue-details:jira {_OF_JIRA}"),
    ("board", "configuration-changed", _BOARD, f"board-scope.admin {_OF_JIRA}"),
    ("sprint", "closed created deleted started updated", _WORK, "sprint"),
)

_REQUEST_TYPE: Final = "read:requesttype:jira-service-management"
_SERVICE_DESK: Final = "read:servicedesk:jira-service-management"
_JSM: Final[tuple[_Row, ...]] = (
    ("portal", "created updated", _ADMIN, _SERVICE_DESK),
    ("request-type", "created deleted updated", _ADMIN, _REQUEST_TYPE),
    ("request-type-group", "created deleted updated", _ADMIN, _REQUEST_TYPE),
    ("service-desk", "created deleted updated", _ADMIN, _SERVICE_DESK),
)


def _events(product: str, rows: tuple[_Row, ...]) -> Iterator[tuple[str, Scopes]]:
    for subject, actions, classic, granular in rows:
        whole = (scope if ":" in scope else f"read:{scope}:{product}" for scope in granular.split())
        scopes = Scopes(frozenset(classic.split()), frozenset(whole))
        for action in actions.split():
            yield f"avi:{product}:{action}:{subject}", scopes


EVENT_SCOPES: Final[dict[str, Scopes]] = {
    **dict(_events("bitbucket", _BITBUCKET)),
    **dict(_events("compass", _COMPASS)),
    **dict(_events("confluence", _CONFLUENCE)),
    **dict(_events("jira", _JIRA)),
    **dict(_events("jira-software", _JIRA_SOFTWARE)),
    **dict(_events("jsm-entity", _JSM)),
}


def missing_scopes(event: str, granted: AbstractSet[str]) -> frozenset[str]:
    """The classic scopes that an app lacks for an event.

    None if it has all of them, or all of the granular ones, or if the event is not in the table.
    """
    need = EVENT_SCOPES.get(event)
    if need is None or need.classic <= granted or (need.granular and need.granular <= granted):
        return frozenset()
    return need.classic - granted
