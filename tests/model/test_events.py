from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pulumi_atlassian_forge.model.catalog.events import APP_EVENTS, EVENTS, EventName
from tests.support.events import DOCUMENTATION_ONLY, MAPPING_ONLY

REFERENCE = [
    line.split() for line in Path(__file__).with_name("events_reference.txt").read_text(encoding="utf-8").splitlines() if line
]


def literals(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [name for part in get_args(hint) for name in literals(part)]


def test_the_catalogue_is_the_reference() -> None:
    assert list(EVENTS) == sorted(line[0] for line in REFERENCE)


def test_there_are_184_and_none_is_there_twice() -> None:
    assert len(EVENTS) == len(set(EVENTS)) == 184


def test_the_names_that_only_one_source_has() -> None:
    assert sorted(line[0] for line in REFERENCE if line[1:] == ["docs-only"]) == sorted(DOCUMENTATION_ONLY)
    assert sorted(line[0] for line in REFERENCE if line[1:] == ["mapping-only"]) == sorted(MAPPING_ONLY)
    assert len(EVENTS) - len(MAPPING_ONLY) == 171
    assert len(EVENTS) - len(DOCUMENTATION_ONLY) == 155


def test_the_type_for_editors_has_the_same_names_and_any_other_string() -> None:
    assert literals(EventName) == list(EVENTS)
    assert str in get_args(EventName)


def test_every_name_has_the_form_of_one() -> None:
    for name in EVENTS:
        assert name.startswith("avi:")
        assert name == name.strip()
        assert not name.startswith(APP_EVENTS)
