"""The catalog of events: 184 names, as data, from two sources that are both incomplete.

As of 2026-11 https://developer.atlassian.com/platform/forge/events-reference/ names 171 of them, the scope mapping of
``@forge/manifest`` 13.7.0 names 155. Atlassian adds events without notice, so an unknown one is registered with a warning.
"""

from typing import Final, Literal, get_args

from pulumi_atlassian_forge.model.suggestions import same_parts

KnownEvent = Literal[
    "avi:bitbucket:completed:deployment", "avi:bitbucket:created:build-status", "avi:bitbucket:created:commit-comment",
    "avi:bitbucket:created:pullrequest", "avi:bitbucket:created:pullrequest-comment", "avi:bitbucket:created:repository",
    "avi:bitbucket:deleted:pullrequest-comment", "avi:bitbucket:deleted:repository", "avi:bitbucket:fulfilled:pullrequest",
    "avi:bitbucket:pending:deployment", "avi:bitbucket:push:repository", "avi:bitbucket:rejected:pullrequest",
    "avi:bitbucket:reopened:pullrequest-comment", "avi:bitbucket:resolved:pullrequest-comment",
    "avi:bitbucket:started:deployment", "avi:bitbucket:updated:build-status", "avi:bitbucket:updated:pullrequest",
    "avi:bitbucket:updated:pullrequest-comment", "avi:bitbucket:updated:pullrequest-reviewer-status",
    "avi:bitbucket:updated:repository",
    "avi:compass:created:component_link", "avi:compass:deleted:component_link", "avi:compass:updated:component_link",
    "avi:confluence:added:label", "avi:confluence:archived:attachment", "avi:confluence:archived:page",
    "avi:confluence:children_reordered:page", "avi:confluence:copied:database", "avi:confluence:copied:embed",
    "avi:confluence:copied:folder", "avi:confluence:copied:page", "avi:confluence:copied:whiteboard",
    "avi:confluence:created:attachment", "avi:confluence:created:blogpost", "avi:confluence:created:comment",
    "avi:confluence:created:custom_content", "avi:confluence:created:database", "avi:confluence:created:embed",
    "avi:confluence:created:folder", "avi:confluence:created:group", "avi:confluence:created:label",
    "avi:confluence:created:page", "avi:confluence:created:relation", "avi:confluence:created:space:V2",
    "avi:confluence:created:task", "avi:confluence:created:user", "avi:confluence:created:whiteboard",
    "avi:confluence:deleted:attachment", "avi:confluence:deleted:blogpost", "avi:confluence:deleted:comment",
    "avi:confluence:deleted:custom_content", "avi:confluence:deleted:group", "avi:confluence:deleted:label",
    "avi:confluence:deleted:page", "avi:confluence:deleted:relation", "avi:confluence:deleted:space:V2",
    "avi:confluence:deleted:user", "avi:confluence:initialized:page", "avi:confluence:liked:blogpost",
    "avi:confluence:liked:comment", "avi:confluence:liked:page", "avi:confluence:moved:database", "avi:confluence:moved:embed",
    "avi:confluence:moved:folder", "avi:confluence:moved:page", "avi:confluence:moved:whiteboard",
    "avi:confluence:performed:search", "avi:confluence:permissions_updated:attachment",
    "avi:confluence:permissions_updated:blogpost", "avi:confluence:permissions_updated:comment",
    "avi:confluence:permissions_updated:custom_content", "avi:confluence:permissions_updated:database",
    "avi:confluence:permissions_updated:embed", "avi:confluence:permissions_updated:folder",
    "avi:confluence:permissions_updated:page", "avi:confluence:permissions_updated:space:V2",
    "avi:confluence:permissions_updated:whiteboard", "avi:confluence:published:page", "avi:confluence:removed:label",
    "avi:confluence:removed:task", "avi:confluence:restored:attachment", "avi:confluence:restored:blogpost",
    "avi:confluence:restored:custom_content", "avi:confluence:restored:page", "avi:confluence:snapshotted:page",
    "avi:confluence:started:page", "avi:confluence:trashed:attachment", "avi:confluence:trashed:blogpost",
    "avi:confluence:trashed:custom_content", "avi:confluence:trashed:page", "avi:confluence:unarchived:attachment",
    "avi:confluence:unarchived:page", "avi:confluence:updated:attachment", "avi:confluence:updated:blogpost",
    "avi:confluence:updated:comment", "avi:confluence:updated:custom_content", "avi:confluence:updated:page",
    "avi:confluence:updated:space:V2", "avi:confluence:updated:task", "avi:confluence:viewed:attachment",
    "avi:confluence:viewed:blogpost", "avi:confluence:viewed:page",
    "avi:ecosystem.app_policy:blocked:app_access_to_objects.v2",
    "avi:ecosystem.app_policy:blocked:app_access_to_objects_in_container.v2",
    "avi:forge:installed:app", "avi:forge:upgraded:app",
    "avi:jira-software:closed:sprint", "avi:jira-software:configuration-changed:board", "avi:jira-software:created:board",
    "avi:jira-software:created:sprint", "avi:jira-software:deleted:board", "avi:jira-software:deleted:sprint",
    "avi:jira-software:started:sprint", "avi:jira-software:updated:board", "avi:jira-software:updated:sprint",
    "avi:jira:archived:project", "avi:jira:archived:version", "avi:jira:assigned:issue", "avi:jira:changed:configuration",
    "avi:jira:commented:issue", "avi:jira:created:attachment", "avi:jira:created:component", "avi:jira:created:field",
    "avi:jira:created:field:context", "avi:jira:created:filter", "avi:jira:created:issue", "avi:jira:created:issuelink",
    "avi:jira:created:issuetype", "avi:jira:created:project", "avi:jira:created:user", "avi:jira:created:version",
    "avi:jira:created:worklog", "avi:jira:deleted:attachment", "avi:jira:deleted:comment", "avi:jira:deleted:component",
    "avi:jira:deleted:field", "avi:jira:deleted:field:context", "avi:jira:deleted:filter", "avi:jira:deleted:issue",
    "avi:jira:deleted:issue-property", "avi:jira:deleted:issuelink", "avi:jira:deleted:issuetype", "avi:jira:deleted:project",
    "avi:jira:deleted:user", "avi:jira:deleted:version", "avi:jira:deleted:worklog", "avi:jira:failed:expression",
    "avi:jira:mentioned:comment", "avi:jira:mentioned:issue", "avi:jira:merged:version", "avi:jira:moved:version",
    "avi:jira:released:version", "avi:jira:restored:field", "avi:jira:restored:project", "avi:jira:set:issue-property",
    "avi:jira:softdeleted:project", "avi:jira:timetracking:provider:changed", "avi:jira:trashed:field",
    "avi:jira:unarchived:project", "avi:jira:unarchived:version", "avi:jira:unreleased:version", "avi:jira:updated:component",
    "avi:jira:updated:field", "avi:jira:updated:field:context", "avi:jira:updated:field:context:configuration",
    "avi:jira:updated:filter", "avi:jira:updated:issue", "avi:jira:updated:issuetype", "avi:jira:updated:project",
    "avi:jira:updated:user", "avi:jira:updated:version", "avi:jira:updated:worklog", "avi:jira:viewed:issue",
    "avi:jsm-entity:created:portal", "avi:jsm-entity:created:request-type", "avi:jsm-entity:created:request-type-group",
    "avi:jsm-entity:created:service-desk", "avi:jsm-entity:deleted:request-type", "avi:jsm-entity:deleted:request-type-group",
    "avi:jsm-entity:deleted:service-desk", "avi:jsm-entity:updated:portal", "avi:jsm-entity:updated:request-type",
    "avi:jsm-entity:updated:request-type-group", "avi:jsm-entity:updated:service-desk",
]  # fmt: skip
"""The known events as a type, so that an editor completes the names."""

EventName = KnownEvent | str
"""The name of an event. Editors complete the known ones; any string passes, because Atlassian adds events without notice."""

EVENTS: Final[tuple[str, ...]] = get_args(KnownEvent)
"""Every known event, sorted."""

APP_EVENTS: Final = "avi:cloud:ecosystem::event/"
"""The prefix of an event that another app publishes: ``{app-id}/{module-key}`` follows."""

_PREFIX: Final = "avi:"
_PRODUCTS: Final = ("jira", "software", "confluence", "bitbucket", "compass", "forge", "jsm", "entity")
"""Parts of an event's product: the names of webhooks leave it out (``page_created``)."""

_MAX_SIMILAR: Final = 3


def similar_events(name: str) -> list[str]:
    """The events that may have been meant: those with the same parts in any order. None if there are more than a few."""
    without = {event.removeprefix(_PREFIX): event for event in EVENTS}
    wanted = name[len(_PREFIX) :] if name.lower().startswith(_PREFIX) else name
    found = same_parts(wanted, without, optional=_PRODUCTS)
    return [without[one] for one in found] if len(found) <= _MAX_SIMILAR else []
