from __future__ import annotations

import pytest

from pulumi_atlassian_forge.model.catalog.events import EVENTS, similar_events
from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES
from pulumi_atlassian_forge.model.suggestions import nearest, parts_of, same_parts

MEANT = {
    "jira:issue_created": "avi:jira:created:issue",
    "jira:issue_updated": "avi:jira:updated:issue",
    "avi:jira:issue:created": "avi:jira:created:issue",
    "avi:jira-issue-link:created": "avi:jira:created:issuelink",
    "issuelink_created": "avi:jira:created:issuelink",
    "page_created": "avi:confluence:created:page",
    "comment_created": "avi:confluence:created:comment",
    "jira:issueCreated": "avi:jira:created:issue",
    "space_created": "avi:confluence:created:space:V2",
    "pull_request_created": "avi:bitbucket:created:pullrequest",
    "jira:version_unreleased": "avi:jira:unreleased:version",
    "sprint_started": "avi:jira-software:started:sprint",
    "avi:jira:updated:isue": "avi:jira:updated:issue",
    "avi:jira:update:issue": "avi:jira:updated:issue",
    "jira:updated:issue": "avi:jira:updated:issue",
    "avi:confluence:created:pgae": "avi:confluence:created:page",
    "AVI:jira:created:issue": "avi:jira:created:issue",
}
NOTHING = (
    *("", "x", "something else", "created", "issue", "avi:jira:commented", "avi:forge:uninstalled:app", "avi:jira:linked:issue"),
    *("page_removed", "avi:jira:reopened:issue", "avi:jira:created:page", "version_opened", "avi:jira:unassigned:issue"),
)
OPPOSITES = [
    *(("created", "deleted"), ("added", "removed"), ("archived", "unarchived"), ("released", "unreleased"), ("moved", "removed")),
    *(("installed", "uninstalled"), ("opened", "reopened"), ("published", "unpublished"), ("started", "stopped")),
    *(("started", "restarted"), ("assigned", "unassigned"), ("liked", "unliked"), ("resolved", "unresolved")),
    ("trashed", "restored"),
]


@pytest.mark.parametrize(("name", "meant"), MEANT.items())
def test_an_event_is_recognized_by_its_parts_in_any_order(name: str, meant: str) -> None:
    assert similar_events(name) == [meant]


@pytest.mark.parametrize("name", NOTHING)
def test_no_suggestion_is_better_than_a_wrong_one(name: str) -> None:
    assert similar_events(name) == []


def test_a_name_that_fits_several_products_gets_all_of_them() -> None:
    assert similar_events("user_created") == ["avi:confluence:created:user", "avi:jira:created:user"]


@pytest.mark.parametrize("pair", [*OPPOSITES, *((b, a) for a, b in OPPOSITES)])
def test_the_opposite_action_is_never_suggested(pair: tuple[str, str]) -> None:
    action, opposite = pair
    for event in EVENTS:
        if f":{action}:" in event and (name := event.replace(f":{action}:", f":{opposite}:")) not in EVENTS:
            assert similar_events(name) == [], name


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_found_by_its_parts_in_another_order(name: str) -> None:
    assert similar_events("_".join(reversed(parts_of(name.removeprefix("avi:"))))) == [name]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("jira:isuePanel", ["jira:issuePanel"]),
        ("issuePanel", ["jira:issuePanel"]),
        ("jira:issue-panel", ["jira:issuePanel"]),
        ("jira:customfield", ["jira:customField"]),
        ("jira:projectPage", []),
        ("jira:issueGlance", []),
        ("confluence:macro", []),
        ("zzz", []),
    ],
)
def test_a_type_is_recognized_by_its_parts(name: str, meant: list[str]) -> None:
    assert same_parts(name, sorted(KNOWN_TYPES), optional=("jira", "confluence")) == meant


def test_nearest() -> None:
    assert nearest("tilte", ["title", "icon"]) == "title"
    assert nearest("q", ["title", "icon"]) is None
    assert nearest("q", []) is None
