"""The table of module types against the vendor's own schema, by generated instances in both directions.

If Atlassian's pages and its schema differ, the laxer one stands. A difference is either removed from the table or listed here
with its reason, and with an example that shows that it is still there.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft201909Validator

from pulumi_atlassian_forge.model.catalog.module_types import TYPES
from pulumi_atlassian_forge.model.problems import path_of
from pulumi_atlassian_forge.model.validation import data_problems
from testing.soak import SOAK, runs
from tests.support.json_schema_instances import Instances, Schema, spoilt
from tests.support.vendor_schema import manifest_schema

pytestmark = [pytest.mark.complete, pytest.mark.timeout(runs(300, 3600))]
generated = settings(
    max_examples=runs(60, 3000),
    phases=list(Phase) if SOAK else [Phase.generate],  # to shrink a failure takes minutes
    deadline=None,
    derandomize=not SOAK,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Difference:
    """A place where the table and the schema differ on purpose.

    Attributes:
        types: The module types, as a pattern.
        place: The path of the property, as a pattern.
        reason: Why the difference stays.
        example: Data of these types that the two judge differently; if any type will do, of ``jira:issueAction``.
        rule: A part of our message, for a value that only we refuse.
    """

    types: str
    place: str
    reason: str
    example: dict[str, Any]
    rule: str = ""

    def covers(self, type_: str, place: str, text: str = "") -> bool:
        place = re.sub(r"\[\d+\]", "", place)
        return fnmatch.fnmatchcase(type_, self.types) and fnmatch.fnmatchcase(place, self.place) and self.rule in text


TRIGGER = {"events": ["avi:jira:updated:issue"], "function": "f"}
EVENT = {"eventType": "avi:jira:updated:issue", "filter": {"ignoreSelf": True}}
ACTION = {"title": "T", "resource": "r"}
FIELD = {"name": "N", "description": "D", "type": "string"}
INTERNAL = "internal: the vendor's own validator refuses it in a manifest"
JQL = {"name": "n", "operators": ["="], "types": ["issue"], "function": "f"}

STRICTER = [
    Difference(
        "trigger", "data.events*", "no event has an empty name", {**TRIGGER, "events": [""]}, "must not be empty"
    ),
    Difference(
        "trigger",
        "data.*filter.expression",
        "the page wants an expression that evaluates to a Boolean, which an empty one does not",
        {**TRIGGER, "filter": {"expression": ""}},
        "must not be empty",
    ),
    Difference(
        "trigger",
        "data.*filter.expression",
        "the page names the limit",
        {**TRIGGER, "filter": {"expression": "x" * 10_001}},
        "must have at most 10,000 characters",
    ),
    Difference(
        "trigger",
        "data.*filter.onError",
        "the page says so; the schema names the pair and does not enforce it",
        {**TRIGGER, "filter": {"ignoreSelf": True, "onError": "IGNORE"}},
        "only together with",
    ),
    Difference(
        "trigger",
        "data.*filter.ignoreSelf",
        "a warning: the vendor's own validator of triggers refuses it",
        {"events": ["avi:confluence:created:page"], "function": "f", "filter": {"ignoreSelf": True}},
        "documented only for events whose name contains",
    ),
]  # fmt: skip
"""What the schema takes and we refuse or warn of."""

LAXER = [
    Difference("*", "*__i18n", "Forge's tools make it from {i18n: …}; no user writes it", {**ACTION, "title__i18n": 1}),
    Difference("*", "*resolvedResourceEntry", INTERNAL, {**ACTION, "resolvedResourceEntry": 1}),
    Difference("*", "*renderRuntimeType", INTERNAL, {**ACTION, "renderRuntimeType": 1}),
    Difference("*", "*resourceUploadId", "a deployment sets it; users do not write it", {**ACTION, "resourceUploadId": 1}),
    Difference(
        "*", "*notKnown", "Atlassian adds properties without notice: an unknown one passes, also in an object",
        {**ACTION, "resolver": {"function": "f", "notKnown": "x"}},
    ),
    Difference(
        "*", "*unlicensedAccess", "an unknown property passes; Atlassian opens types to unlicensed users one by one",
        {**ACTION, "unlicensedAccess": ["anonymous"]},
    ),
    Difference(
        "trigger", "events*", "no document says that names and objects cannot be mixed, or that an object needs a filter",
        {**TRIGGER, "events": ["e", EVENT]},
    ),
    Difference(
        "jira:customField*", "formatter", "the pages ask for no formatter, the schema does for the type object",
        {**FIELD, "type": "object"},
    ),
    Difference(
        "jira:customField*", "view*", "the pages ask for no formatter, the schema does for the type object",
        {**FIELD, "type": "object", "view": {}},
    ),
    Difference("jira:jqlFunction", "arguments", "the page has it among the optional properties", JQL),
    Difference(
        "confluence:contentBylineItem", "viewport*", "the table does not relate the two: a size in pixels needs a modal",
        {**ACTION, "viewportSize": {"width": "1px"}},
    ),
    Difference("macro", "config*", "one of five forms, which the page does not describe", {**ACTION, "config": {"width": 1}}),
    Difference("macro", "data*", "in the schema only", {**ACTION, "data": []}),
    Difference("macro", "refDataSchema*", "in the schema only", {**ACTION, "refDataSchema": {}}),
    Difference("macro", "static*", "in the schema only", {**ACTION, "static": {}}),
    Difference(
        "macro", "migratedFrom*", "the page shows objects, the schema wants keys", {**ACTION, "migratedFrom": [{"a": "b"}]}
    ),
]  # fmt: skip
"""What the schema refuses and we take. The place is that of the spoilt value."""


@cache
def document() -> Schema:
    return manifest_schema()


@cache
def validator(type_: str) -> Draft201909Validator:
    """Of a newer draft than the schema's: what stands beside ``$ref`` counts, as it does for the vendor's validator."""
    definitions = document()["definitions"]
    return Draft201909Validator({**definitions["ModuleSchema"]["properties"][type_]["items"], "definitions": definitions})


@cache
def instances(type_: str) -> st.SearchStrategy[Any]:
    return (
        Instances(document())
        .of(document()["definitions"]["ModuleSchema"]["properties"][type_]["items"])
        .filter(validator(type_).is_valid)
    )


def takes(type_: str, data: dict[str, Any]) -> bool:
    return bool(validator(type_).is_valid({**data, "key": "k"}))


def refused(type_: str, data: dict[str, Any]) -> list[tuple[str, str]]:
    own = {name: value for name, value in data.items() if name != "key"}
    return [(problem.path, problem.text) for problem in data_problems(type_, own)]


@pytest.mark.parametrize("type_", TYPES)
def test_data_that_the_schema_accepts_passes(type_: str) -> None:
    @generated
    @given(instances(type_))
    def passes(data: dict[str, Any]) -> None:
        unlisted = [(p, t) for p, t in refused(type_, data) if not any(one.covers(type_, p, t) for one in STRICTER)]
        assert unlisted == []

    passes()


@pytest.mark.parametrize("type_", TYPES)
def test_data_that_the_schema_rejects_is_rejected(type_: str) -> None:
    @generated
    @given(spoilt(instances(type_)))
    def is_refused(drawn: tuple[dict[str, Any], tuple[str | int, ...]]) -> None:
        data, place = drawn
        assume(place[0] != "key" and not validator(type_).is_valid(data))
        path = path_of(place)
        assert refused(type_, data) or any(one.covers(type_, path) for one in LAXER), path

    is_refused()


@pytest.mark.parametrize("one", [*STRICTER, *LAXER], ids=lambda one: f"{one.types} {one.place}")
def test_every_listed_difference_is_there(one: Difference) -> None:
    for type_ in fnmatch.filter(TYPES, one.types) if one.types != "*" else ["jira:issueAction"]:
        found = refused(type_, one.example)
        assert takes(type_, one.example) == bool(found)
        assert all(one.covers(type_, path, text) for path, text in found)


def test_the_schema_has_every_type_of_the_table() -> None:
    assert TYPES.keys() <= document()["definitions"]["ModuleSchema"]["properties"].keys()
