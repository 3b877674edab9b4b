"""Additions to a live module: the server's, or a user's."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_atlassian_forge.model.comparison import overlap
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.recognition import matches, matches_exactly, user_additions

TRIGGER: dict[str, Any] = {"events": ["avi:jira:updated:issue"], "endpoint": "h", "filter": {"expression": "true"}}
PANEL: dict[str, Any] = {"title": "Risk", "resource": "main", "icon": "i"}


@pytest.mark.parametrize(
    ("type_", "declared", "added", "found"),
    [
        ("trigger", TRIGGER, {"filter": {"expression": "true", "ignoreSelf": True}}, ["/filter/ignoreSelf"]),
        ("trigger", TRIGGER, {"filter": {"expression": "true", "ignoreSelf": False}}, []),
        ("trigger", TRIGGER, {"filter": {"expression": "true", "onError": "IGNORE_AND_LOG"}}, []),
        ("trigger", TRIGGER, {"links": {"self": "x"}}, []),
        ("jira:issuePanel", PANEL, {"viewportSize": "small"}, ["/viewportSize"]),
        ("jira:issuePanel", PANEL, {"unlicensedAccess": []}, []),
        ("jira:issuePanel", PANEL, {"createdAt": 1}, []),
        ("acme:x", {"a": 1}, {"b": 2}, []),
    ],
)
def test_a_known_property_with_a_significant_value_is_a_user_addition(
    type_: str, declared: dict[str, Any], added: dict[str, Any], found: list[str]
) -> None:
    ours, live = Content(type_, declared), Content(type_, {**declared, **added})
    assert user_additions(ours, live) == found
    assert matches(ours, live)
    assert matches_exactly(ours, live) is (not found)


def test_another_value_or_type_is_another_module() -> None:
    assert not matches(Content("trigger", TRIGGER), Content("trigger", {**TRIGGER, "endpoint": "other"}))
    assert not matches(Content("acme:x", {"a": 1}), Content("acme:y", {"a": 1}))


def test_paths_overlap_if_one_contains_the_other() -> None:
    assert overlap(["/a", "/b/c", "/d"], ["/a/x", "/b", "/dd"]) == ["/a", "/b/c"]
