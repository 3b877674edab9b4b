from __future__ import annotations

import pytest

from pulumi_atlassian_forge.model.catalog.events import EVENTS
from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES
from pulumi_atlassian_forge.model.suggestions import nearest
from pulumi_atlassian_forge.sdk.warnings import MAX_REFERENCE_LENGTH, long_reference, misspelt_event, misspelt_type


@pytest.mark.parametrize("name", EVENTS)
def test_a_known_event_needs_no_advice(name: str) -> None:
    assert misspelt_event(name) is None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("avi:jira:updated:isue", "avi:jira:updated:issue"),
        ("avi:jira:update:issue", "avi:jira:updated:issue"),
        ("jira:updated:issue", "avi:jira:updated:issue"),
        ("avi:confluence:created:pgae", "avi:confluence:created:page"),
        ("AVI:jira:created:issue", "avi:jira:created:issue"),
    ],
)
def test_a_misspelt_event_gets_the_nearest_name(name: str, near: str) -> None:
    text = misspelt_event(name)
    assert text is not None
    assert text.startswith(repr(name))
    assert f"did you mean {near!r}?" in text


@pytest.mark.parametrize("name", ["", "x", "something else"])
def test_an_event_that_is_near_to_none(name: str) -> None:
    assert misspelt_event(name) == f"{name!r} is not a known event; it is registered all the same"


def test_the_events_of_other_apps_are_known() -> None:
    assert misspelt_event("avi:cloud:ecosystem::event/0e6c8d3a-0000-4000-8000-000000000000/done") is None


@pytest.mark.parametrize("name", sorted(KNOWN_TYPES))
def test_a_known_type_needs_no_advice(name: str) -> None:
    assert misspelt_type(name) is None


def test_a_misspelt_type_gets_the_nearest_name() -> None:
    text = misspelt_type("jira:isuePanel")
    assert text is not None
    assert "did you mean 'jira:issuePanel'?" in text
    assert text.endswith("registered unchecked")
    assert misspelt_type("zzz") == "'zzz' is not a known type of dynamic module; it is registered unchecked"


def test_a_reference_is_long_beyond_23_characters() -> None:
    assert long_reference("function", "f" * MAX_REFERENCE_LENGTH) is None
    text = long_reference("endpoint", "e" * (MAX_REFERENCE_LENGTH + 1))
    assert text is not None
    assert text.startswith("endpoint= has 24 characters")
    assert "eee" not in text


def test_nearest() -> None:
    assert nearest("tilte", ["title", "icon"]) == "title"
    assert nearest("q", ["title", "icon"]) is None
    assert nearest("q", []) is None
