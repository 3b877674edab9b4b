"""Whose an addition is: the server's, or somebody's."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_atlassian_forge.model.additions import is_exactly, means, overlap, somebodys
from pulumi_atlassian_forge.model.content import Content

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
def test_a_known_property_that_says_something_is_somebodys(
    type_: str, declared: dict[str, Any], added: dict[str, Any], found: list[str]
) -> None:
    ours, live = Content(type_, declared), Content(type_, {**declared, **added})
    assert somebodys(ours, live) == found
    assert means(ours, live)
    assert is_exactly(ours, live) is (not found)


def test_another_value_or_type_is_another_module() -> None:
    assert not means(Content("trigger", TRIGGER), Content("trigger", {**TRIGGER, "endpoint": "other"}))
    assert not means(Content("acme:x", {"a": 1}), Content("acme:y", {"a": 1}))


def test_paths_overlap_where_one_lies_in_the_other() -> None:
    assert overlap(["/a", "/b/c", "/d"], ["/a/x", "/b", "/dd"]) == ["/a", "/b/c"]
