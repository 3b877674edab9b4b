from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pulumi_atlassian_forge.errors import CODES
from pulumi_atlassian_forge.model.problems import (
    DUPLICATE_EVENT,
    LONG_REFERENCE,
    NOT_A_CHOICE,
    OTHER_FORM,
    OTHER_LENGTH,
    OTHER_PRODUCT,
    UNKNOWN_EVENT,
    UNKNOWN_PROPERTY,
    UNKNOWN_TYPE,
    Problem,
)
from pulumi_atlassian_forge.model.validation import check_content, check_key
from pulumi_atlassian_forge.model.values import MAX_DEPTH, UNKNOWN
from tests.support.samples import SAMPLES, TRIGGERS

JIRA, PAGE = "avi:jira:updated:issue", "avi:confluence:created:page"
ACTION, PANEL, PROPERTY, CONTENT = "jira:issueAction", "jira:issuePanel", "jira:entityProperty", "confluence:contentProperty"
JQL, MACRO, THING = "jira:jqlFunction", "macro", "acme:thing"
ARGUMENT = re.compile(r"\b\w+=|\bdata\[|\b\w+\[\d+\]")


@dataclass(frozen=True)
class Bad:
    name: str
    props: dict[str, Any]
    path: str
    text: str


def typed(**changes: Any) -> dict[str, Any]:
    """A ``TriggerModule``; None removes a property."""
    props = {"events": [JIRA], "endpoint": "hook", **changes}
    return {name: value for name, value in props.items() if value is not None}


def raw(type_: Any, /, **changes: Any) -> dict[str, Any]:
    """A ``DynamicModule``: the least sample of a type, changed; None removes a property."""
    data = {**(SAMPLES[type_][0] if type_ in SAMPLES else {}), **changes}
    return {"type": type_, "data": {name: value for name, value in data.items() if value is not None}}


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


FORM = "must be 1 to 255 of a-z A-Z 0-9 - . _"
UI_FORM = "must be 1 to 255 of a-z A-Z 0-9 - _"
ON_ERROR = "must be one of IGNORE_AND_LOG, IGNORE, RECEIVE_AND_LOG, RECEIVE"
NOT_FINITE = "is not a finite number: JSON has neither NaN nor infinity"
TOO_DEEP = "is nested more than 24 levels deep (our own limit, set by the engine's wire format): flatten it"
SURROGATE = "holds a lone surrogate, which no text encoding can represent: correct the string"
TOO_LARGE = "is an integer beyond 2**53, which the engine cannot represent exactly: give it as a string"
ONLY_WITH = "on_error= is allowed only together with expression="
JIRA_ONLY = "is documented only for events whose name contains 'jira'"
EVENT_KIND = "must be a string or a dictionary"

BAD = [
    # --- TriggerModule: references
    Bad("neither", typed(endpoint=None), "", "exactly one of function= and endpoint= is needed, and there is neither"),
    Bad("both", typed(function="f"), "", "exactly one of function= and endpoint= is needed, and there are both: remove one"),
    Bad("empty endpoint", typed(endpoint=""), "endpoint", "endpoint= must not be empty"),
    Bad("endpoint with a space", typed(endpoint="a b"), "endpoint", f"endpoint= {FORM}"),
    Bad("endpoint with a newline", typed(endpoint="ab\n"), "endpoint", f"endpoint= {FORM}"),
    Bad("endpoint of 256", typed(endpoint="e" * 256), "endpoint", "endpoint= must have at most 255 characters"),
    Bad("endpoint is a number", typed(endpoint=3), "endpoint", "endpoint= must be a string"),
    Bad("function is a flag", typed(endpoint=None, function=True), "function", "function= must be a string"),
    Bad("function with a letter", typed(endpoint=None, function="ä"), "function", f"function= {FORM}"),
    # --- TriggerModule: events
    Bad("no events", typed(events=None), "events", "events= is required"),
    Bad("empty events", typed(events=[]), "events", "events= must have at least one entry"),
    Bad("events is text", typed(events=JIRA), "events", "events= must be a list"),
    Bad("events is an object", typed(events={"a": 1}), "events", "events= must be a list"),
    Bad("an empty event", typed(events=[JIRA, ""]), "events[1]", "events[1] must not be empty"),
    Bad("a number", typed(events=[7]), "events[0]", f"events[0] {EVENT_KIND}"),
    Bad("null", typed(events=[JIRA, None]), "events[1]", f"events[1] {EVENT_KIND}"),
    Bad("a list", typed(events=[[JIRA]]), "events[0]", f"events[0] {EVENT_KIND}"),
    Bad("an object", typed(events=[{"eventTyp": JIRA}]), "events[0].eventType", "event_type= is required"),
    Bad("twice", typed(events=[JIRA, PAGE, JIRA]), "events[2]", "events[2] is in the list already: remove one of the two"),
    # --- TriggerModule: filter
    Bad(
        "empty filter",
        typed(filter={}),
        "filter",
        "filter= needs at least one of expression=, ignore_self=, app_is_licensed=",
    ),
    Bad("filter is text", typed(filter="x"), "filter", "filter= must be a dictionary"),
    Bad("filter is a list", typed(filter=["x"]), "filter", "filter= must be a dictionary"),
    Bad("on_error beside no expression", typed(filter={"ignoreSelf": True, "onError": "IGNORE"}), "filter.onError", ONLY_WITH),
    Bad("unknown on_error", typed(filter={"expression": "x", "onError": "PANIC"}), "filter.onError", f"on_error= {ON_ERROR}"),
    Bad("on_error is a number", typed(filter={"expression": "x", "onError": 1}), "filter.onError", f"on_error= {ON_ERROR}"),
    Bad("empty expression", typed(filter={"expression": ""}), "filter.expression", "expression= must not be empty"),
    Bad(
        "long expression",
        typed(filter={"expression": "x" * 10_001}),
        "filter.expression",
        "expression= must have at most 10,000 characters",
    ),
    Bad("expression is a flag", typed(filter={"expression": True}), "filter.expression", "expression= must be a string"),
    Bad("ignore_self is text", typed(filter={"ignoreSelf": "true"}), "filter.ignoreSelf", "ignore_self= must be True or False"),
    Bad("licensed is 1", typed(filter={"appIsLicensed": 1}), "filter.appIsLicensed", "app_is_licensed= must be True or False"),
    Bad("mixed", typed(events=[JIRA, PAGE], filter={"ignoreSelf": True}), "filter.ignoreSelf", f"ignore_self= {JIRA_ONLY}"),
    Bad(
        "python spelling",
        typed(filter={"expression": "x", "on_error": "IGNORE"}),
        "filter.on_error",
        "filter= has no property on_error: in a dictionary its name is onError",
    ),
    Bad(
        "misspelt",
        typed(filter={"expression": "x", "expresion": "x"}),
        "filter.expresion",
        "filter= has no property expresion: did you mean expression?",
    ),
    Bad(
        "nowhere near",
        typed(filter={"expression": "x", "q": 1}),
        "filter.q",
        "filter= has no property q: known here are ignoreSelf, expression, onError, appIsLicensed",
    ),
    Bad(
        "unknown argument of a trigger",
        typed(filters={}),
        "filters",
        "filters= is not an argument of TriggerModule: did you mean filter?",
    ),
    # --- TriggerModule: payload
    Bad("empty payload", typed(payload={}), "payload.include", "include= is required"),
    Bad("payload is text", typed(payload="x"), "payload", "payload= must be a dictionary"),
    Bad(
        "empty include",
        typed(payload={"include": {}}),
        "payload.include",
        "include= needs at least one of property_paths=, fields=",
    ),
    Bad("include is a list", typed(payload={"include": []}), "payload.include", "include= must be a dictionary"),
    Bad(
        "empty paths",
        typed(payload={"include": {"propertyPaths": []}}),
        "payload.include.propertyPaths",
        "property_paths= must have at least one entry",
    ),
    Bad(
        "an empty path",
        typed(payload={"include": {"propertyPaths": ["a", ""]}}),
        "payload.include.propertyPaths[1]",
        "property_paths[1] must not be empty",
    ),
    Bad(
        "fields is text",
        typed(payload={"include": {"fields": "a"}}),
        "payload.include.fields",
        "fields= must be a list",
    ),
    Bad(
        "unknown property of payload",
        typed(payload={"include": {"fields": ["a"]}, "includes": 1}),
        "payload.includes",
        "payload= has no property includes: did you mean include?",
    ),
    # --- what JSON cannot carry
    Bad("NaN", typed(filter={"expression": float("nan")}), "filter.expression", f"expression= {NOT_FINITE}"),
    Bad("surrogate", typed(filter={"expression": "\ud800"}), "filter.expression", f"expression= {SURROGATE}"),
    Bad("surrogate in a list", typed(events=["\udfff"]), "events[0]", f"events[0] {SURROGATE}"),
    Bad("NaN in data", raw(THING, x=float("nan")), "data.x", f"data['x'] {NOT_FINITE}"),
    Bad("infinity in data", raw(THING, x=[1, {"y": float("-inf")}]), "data.x[1].y", f"data['x'][1]['y'] {NOT_FINITE}"),
    Bad("2**60", raw(THING, x=2**60), "data.x", f"data['x'] {TOO_LARGE}"),
    Bad("-2**53 - 1", raw(THING, x=-(2**53) - 1), "data.x", f"data['x'] {TOO_LARGE}"),
    Bad("10**400", raw(THING, x=10**400), "data.x", f"data['x'] {TOO_LARGE}"),
    Bad(
        "bytes",
        raw(THING, x=b"x"),
        "data.x",
        "data['x'] is a bytes, which JSON cannot hold: give text, a number, a list or a dictionary",
    ),
    Bad(
        "a set",
        raw(THING, x={1}),
        "data.x",
        "data['x'] is a set, which JSON cannot hold: give text, a number, a list or a dictionary",
    ),
    Bad("a number as a name", raw(THING, x={1: 2}), "data.x", "data['x'] has a name that is not text: JSON cannot hold it"),
    Bad("a surrogate as a name", raw(THING, **{"\udc00": 2}), "data", "data= has a name that is not text: JSON cannot hold it"),
    Bad("25 deep", raw(THING, x=deep(24)), "data", f"data= {TOO_DEEP}"),
    Bad("very deep", raw(THING, x=deep(5000)), "data", f"data= {TOO_DEEP}"),
    Bad("deep typed", typed(filter=deep(5000)), "filter", f"filter= {TOO_DEEP}"),
    # --- DynamicModule
    Bad("no type", {"data": {}}, "type", "type= must be a string that is not empty, for example 'jira:issuePanel'"),
    Bad(
        "empty type", {"type": "", "data": {}}, "type", "type= must be a string that is not empty, for example 'jira:issuePanel'"
    ),
    Bad(
        "type is a list",
        {"type": [1], "data": {}},
        "type",
        "type= must be a string that is not empty, for example 'jira:issuePanel'",
    ),
    Bad("no data", {"type": THING}, "data", "data= must be a dictionary"),
    Bad("data is text", {"type": THING, "data": "{}"}, "data", "data= must be a dictionary"),
    Bad("data is a list", {"type": ACTION, "data": []}, "data", "data= must be a dictionary"),
    Bad("beside data", {**raw(ACTION), "title": "x"}, "title", "title= is not an argument of DynamicModule: put it into data="),
    Bad("no title", raw(ACTION, title=None), "data.title", "data['title'] is required"),
    Bad("empty title", raw(ACTION, title=""), "data.title", "data['title'] must not be empty"),
    Bad("long title", raw(ACTION, title="t" * 256), "data.title", "data['title'] must have at most 255 characters"),
    Bad("title is a number", raw(ACTION, title=5), "data.title", "data['title'] must be a string or a dictionary"),
    Bad("title without i18n", raw(ACTION, title={}), "data.title.i18n", "data['title']['i18n'] is required"),
    Bad(
        "bad i18n",
        raw(ACTION, title={"i18n": "a..b"}),
        "data.title.i18n",
        "data['title']['i18n'] must be parts of a-z A-Z 0-9 _ - joined by dots, at most 300 characters",
    ),
    Bad(
        "beside i18n",
        raw(ACTION, title={"i18n": "a", "text": "b"}),
        "data.title.text",
        "data['title'] has no property text: known here are i18n",
    ),
    Bad(
        "bad size",
        raw(ACTION, viewportSize="enormous"),
        "data.viewportSize",
        "data['viewportSize'] must be one of small, medium, large, xlarge, max, resizable, or a dictionary",
    ),
    Bad(
        "bad resource",
        raw(ACTION, resource="a/b/c"),
        "data.resource",
        "data['resource'] must be 1 to 23 of a-z A-Z 0-9 _ -, or two such parts joined by /",
    ),
    Bad(
        "long resource",
        raw(ACTION, resource="r" * 48),
        "data.resource",
        "data['resource'] must have at most 47 characters",
    ),
    Bad(
        "both resource and function",
        raw(ACTION, function="f"),
        "data",
        "exactly one of data['resource'] and data['function'] is needed, and there are both: remove one",
    ),
    Bad("bad resolver", raw(ACTION, resolver="r"), "data.resolver", "data['resolver'] must be a dictionary"),
    Bad(
        "bad function of a resolver",
        raw(ACTION, resolver={"function": "a.b"}),
        "data.resolver.function",
        f"data['resolver']['function'] {UI_FORM}",
    ),
    Bad(
        "conditions",
        raw(ACTION, displayConditions=[]),
        "data.displayConditions",
        "data['displayConditions'] must be a dictionary",
    ),
    Bad("several is text", raw(PANEL, allowMultiple="no"), "data.allowMultiple", "data['allowMultiple'] must be True or False"),
    Bad("long icon", raw(PANEL, icon="i" * 256), "data.icon", "data['icon'] must have at most 255 characters"),
    Bad(
        "licence",
        raw(PANEL, unlicensedAccess=["customer", "nobody"]),
        "data.unlicensedAccess[1]",
        "data['unlicensedAccess'][1] must be one of unlicensed, customer, anonymous",
    ),
    Bad("values is a dictionary", raw(PROPERTY, values={}), "data.values", "data['values'] must be a list"),
    Bad("a value is text", raw(PROPERTY, values=["x"]), "data.values[0]", "data['values'][0] must be a dictionary"),
    Bad(
        "a value without a path",
        raw(PROPERTY, values=[{"path": "a", "type": "date"}, {"type": "date"}]),
        "data.values[1].path",
        "data['values'][1]['path'] is required",
    ),
    Bad(
        "a bad alias",
        raw(PROPERTY, values=[{"path": "a", "type": "date", "searchAlias": "a b"}]),
        "data.values[0].searchAlias",
        "data['values'][0]['searchAlias'] must be a-z A-Z 0-9 . _ -",
    ),
    Bad(
        "a key of 101",
        raw(CONTENT, propertyKey="k" * 101),
        "data.propertyKey",
        "data['propertyKey'] must have at most 100 characters",
    ),
    Bad(
        "an unknown operator",
        raw(JQL, operators=["=="]),
        "data.operators[0]",
        "data['operators'][0] must be one of =, !=, >, >=, <, <=, in, not in, ~, !~, ~=, is, is not",
    ),
    Bad(
        "no name", raw(JQL, arguments=[{"required": True}]), "data.arguments[0].name", "data['arguments'][0]['name'] is required"
    ),
    Bad(
        "no matchers",
        raw(MACRO, autoConvert={"matchers": []}),
        "data.autoConvert.matchers",
        "data['autoConvert']['matchers'] must have at least one entry",
    ),
    Bad(
        "no pattern",
        raw(MACRO, autoConvert={"matchers": [{}]}),
        "data.autoConvert.matchers[0].pattern",
        "data['autoConvert']['matchers'][0]['pattern'] is required",
    ),
    # --- a trigger in a DynamicModule
    Bad(
        "an event of another kind",
        raw("trigger", events=[1]),
        "data.events[0]",
        "data['events'][0] must be a string or a dictionary",
    ),
    Bad(
        "an event without a name",
        raw("trigger", events=[{}]),
        "data.events[0].eventType",
        "data['events'][0]['eventType'] is required",
    ),
    Bad(
        "an event of no name that ignores itself",
        raw("trigger", events=[{"filter": {"ignoreSelf": True}}]),
        "data.events[0].eventType",
        "data['events'][0]['eventType'] is required",
    ),
    Bad(
        "a misspelled filter of an event",
        raw("trigger", events=[{"eventType": JIRA, "filter": {"expresion": "x", "ignoreSelf": True}}]),
        "data.events[0].filter.expresion",
        "data['events'][0]['filter'] has no property expresion: did you mean expression?",
    ),
    Bad(
        "neither part of a resolver",
        raw(ACTION, resolver={}),
        "data.resolver",
        "exactly one of data['resolver']['function'] and data['resolver']['endpoint'] is needed, and there is neither",
    ),
    Bad(
        "unknown property of a raw trigger",
        raw("trigger", unlicensedAccess=True),
        "data.unlicensedAccess",
        "data= has no property unlicensedAccess: known here are events, function, endpoint, filter, payload",
    ),
    Bad(
        "empty filter of an event",
        raw("trigger", events=[{"eventType": JIRA, "filter": {}}]),
        "data.events[0].filter",
        "data['events'][0]['filter'] needs at least one of data['events'][0]['filter']['expression'], "
        "data['events'][0]['filter']['ignoreSelf'], data['events'][0]['filter']['appIsLicensed']",
    ),
    Bad(
        "an event's own onError",
        raw("trigger", events=[{"eventType": JIRA, "filter": {"appIsLicensed": True, "onError": "IGNORE"}}]),
        "data.events[0].filter.onError",
        "data['events'][0]['filter']['onError'] is allowed only together with data['events'][0]['filter']['expression']",
    ),
    Bad(
        "an event's own ignoreSelf",
        raw("trigger", events=[{"eventType": PAGE, "filter": {"ignoreSelf": True}}]),
        "data.events[0].filter.ignoreSelf",
        f"data['events'][0]['filter']['ignoreSelf'] {JIRA_ONLY}",
    ),
    Bad(
        "ignoreSelf beside an event that is an object",
        raw("trigger", events=[{"eventType": PAGE}], filter={"ignoreSelf": True}),
        "data.filter.ignoreSelf",
        f"data['filter']['ignoreSelf'] {JIRA_ONLY}",
    ),
    Bad(
        "an object twice",
        raw("trigger", events=[{"eventType": PAGE}, {"eventType": PAGE}]),
        "data.events[1]",
        "data['events'][1] is in the list already: remove one of the two",
    ),
]


# The rules of which the server is the judge; every other row of BAD is an error.
WARNINGS = {
    NOT_A_CHOICE: {"unknown on_error", "bad size", "licence", "an unknown operator"},
    OTHER_FORM: {
        *("endpoint with a space", "endpoint with a newline", "function with a letter", "bad i18n", "bad resource"),
        *("bad function of a resolver", "a bad alias"),
    },
    OTHER_LENGTH: {
        *("empty endpoint", "endpoint of 256", "an empty event", "empty expression", "long expression", "an empty path"),
        *("empty title", "long title", "long resource", "long icon", "a key of 101"),
    },
    OTHER_PRODUCT: {"mixed", "an event's own ignoreSelf", "ignoreSelf beside an event that is an object"},
    UNKNOWN_PROPERTY: {
        *("python spelling", "misspelt", "nowhere near", "unknown property of payload", "beside i18n"),
        *("a misspelled filter of an event", "unknown property of a raw trigger"),
    },
    DUPLICATE_EVENT: {"twice", "an object twice"},
}
CATALOG = (UNKNOWN_EVENT, UNKNOWN_TYPE, LONG_REFERENCE)


def found(props: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a declaration, whatever the catalogs know."""
    return [(problem.path, problem.text) for problem in check_content(props) if problem.code not in CATALOG]


@pytest.mark.parametrize("row", BAD, ids=[row.name for row in BAD])
def test_the_severity_belongs_to_the_rule(row: Bad) -> None:
    codes = {problem.code for problem in check_content(row.props) if problem.code not in CATALOG}
    assert codes == {next((code for code, names in WARNINGS.items() if row.name in names), "")}
    assert codes <= {"", *CODES}


def test_an_unknown_argument_of_a_trigger_is_an_error_and_an_unknown_member_is_not() -> None:
    assert [problem.is_error for problem in check_content(typed(tags={}))] == [True]
    assert [problem.is_error for problem in check_content(typed(filter={"expression": "x", "tags": {}}))] == [False]


def test_an_unknown_member_may_be_a_new_one_of_a_group() -> None:
    assert [problem.code for problem in check_content(typed(filter={"sampling": 3}))] == [UNKNOWN_PROPERTY]
    assert [problem.code for problem in check_content(typed(payload={"include": {"headers": []}}))] == [UNKNOWN_PROPERTY]


def test_the_catalogs_warn_with_a_code_and_show_the_value_only_if_asked() -> None:
    problems = check_content(raw("trigger", events=["jira:issue_created"], function="f" * 24, endpoint=None))
    problems += check_content(raw("jira:isuePanel"))
    assert [(problem.path, problem.code) for problem in problems] == [
        ("data.events[0]", UNKNOWN_EVENT),
        ("data.function", LONG_REFERENCE),
        ("type", UNKNOWN_TYPE),
    ]
    event, reference, type_ = problems
    assert event.message() == "data['events'][0] is not a known event (AF401)"
    meant = "'jira:issue_created'; did you mean 'avi:jira:created:issue'?"
    assert event.message(details=True) == f"data['events'][0] is not a known event: {meant} (AF401)"
    assert reference.message(details=True).startswith("data['function'] is longer than the 23 characters")
    assert "fff" not in reference.message(details=True)
    assert "did you mean 'jira:issuePanel'?" in type_.message(details=True)
    assert check_content(typed(endpoint=None, function="f" * 23)) == []


def test_the_table_is_large_enough() -> None:
    assert len(BAD) >= 60
    assert len({row.name for row in BAD}) == len(BAD)


@pytest.mark.parametrize("row", BAD, ids=[row.name for row in BAD])
def test_a_validation_error_has_its_path_and_its_argument(row: Bad) -> None:
    before = copy.deepcopy(row.props) if "deep" not in row.name else None
    assert found(row.props) == [(row.path, row.text)]
    assert before is None or repr(row.props) == repr(before)


@pytest.mark.parametrize("row", BAD, ids=[row.name for row in BAD])
def test_every_text_names_an_argument(row: Bad) -> None:
    assert all(ARGUMENT.search(text) for _, text in found(row.props))


@pytest.mark.parametrize("row", BAD, ids=[row.name for row in BAD])
def test_properties_that_are_not_content_are_ignored(row: Bad) -> None:
    beside = {"key": 1, "installation": [], "apiVersion": {}, "adopt": object(), "__name": ["x"], "__provider": b""}
    assert found({**row.props, **beside}) == [(row.path, row.text)]


# --- what is good ------------------------------------------------------------------------------------------------------------

GOOD = [{"type": type_, "data": data} for type_, samples in SAMPLES.items() for data in samples] + TRIGGERS


@pytest.mark.parametrize("props", GOOD)
def test_every_sample_passes(props: dict[str, Any]) -> None:
    assert found(props) == []


@pytest.mark.parametrize(
    "props",
    [
        typed(events=(JIRA, PAGE)),
        typed(filter={"expression": "x", "onError": None}),
        typed(filter={"ignoreSelf": False}, events=[PAGE]),
        typed(events=["acme.anything at all"], endpoint="e" * 255),
        typed(events=[{"eventType": JIRA}, {"eventType": JIRA, "filter": {"expression": "x"}}, PAGE]),
        typed(endpoint=None, function="a.b-c_D"),
        raw(ACTION, title=("t" * 255), key=7),
        raw(THING, x=deep(MAX_DEPTH - 1)),
        raw(THING, x=[2**53, -(2**53), 1.5, None, 1e300 / 3e299]),
        raw("trigger", events=[{"eventType": PAGE}, {"eventType": PAGE, "filter": {"appIsLicensed": True}}, PAGE]),
        raw("trigger", events=[{"eventType": JIRA, "filters": {}}]),
        raw(JQL, operators=[], types=[]),
        raw(CONTENT, propertyKey="a-b"),
        raw("jira:issueActivity", viewportSize="max"),
    ],
)
def test_other_valid_declarations_pass(props: dict[str, Any]) -> None:
    assert found(props) == []


# --- unknown values ----------------------------------------------------------------------------------------------------------


def places(value: Any, location: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield location
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*location, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*location, index))


def put(value: Any, location: tuple[Any, ...], new: Any) -> Any:
    changed = copy.deepcopy(value)
    inside = changed
    for part in location[:-1]:
        inside = inside[part]
    inside[location[-1]] = new
    return changed


@pytest.mark.parametrize("props", GOOD)
def test_an_unknown_value_anywhere_is_no_problem(props: dict[str, Any]) -> None:
    for location in places(props):
        if location:
            assert found(put(props, location, UNKNOWN)) == [], location


@pytest.mark.parametrize("props", GOOD)
def test_two_unknown_values_anywhere_are_no_problem(props: dict[str, Any]) -> None:
    every = [location for location in places(props) if location]
    for first in every:
        for second in every:
            if first[: len(second)] != second and second[: len(first)] != first:
                assert found(put(put(props, first, UNKNOWN), second, UNKNOWN)) == [], (first, second)


def test_an_unknown_value_hides_no_validation_error_beside_it() -> None:
    assert found({"type": PANEL, "data": {"title": UNKNOWN, "resource": UNKNOWN}}) == [("data.icon", "data['icon'] is required")]
    assert [path for path, _ in found(typed(events=[UNKNOWN, PAGE], filter={"ignoreSelf": True}))] == ["filter.ignoreSelf"]
    assert [path for path, _ in found({"type": "", "data": UNKNOWN})] == ["type"]


def test_a_rule_that_depends_on_an_unknown_value_passes() -> None:
    assert found(typed(function=UNKNOWN)) == []
    assert found(typed(events=UNKNOWN, filter={"ignoreSelf": True})) == []
    assert found(typed(events=[UNKNOWN, UNKNOWN])) == []
    assert found(raw("trigger", events=[{"eventType": UNKNOWN}, {"eventType": UNKNOWN}])) == []
    assert found({"type": UNKNOWN, "data": {"anything": 1}}) == []
    assert found({"type": UNKNOWN, "data": UNKNOWN}) == []


# --- several at once ---------------------------------------------------------------------------------------------------------


def test_all_validation_errors_are_reported_sorted_by_path() -> None:
    props = {
        "events": ["", JIRA, JIRA, PAGE, 4],
        "function": "a b",
        "endpoint": "",
        "filter": {"onError": "PANIC", "ignoreSelf": True, "extra": 1},
        "payload": {"include": {"fields": []}},
    }
    assert [path for path, _ in found(props)] == [
        "",
        "endpoint",
        "events[0]",
        "events[2]",
        "events[4]",
        "filter.extra",
        "filter.ignoreSelf",
        "filter.onError",
        "filter.onError",
        "function",
        "payload.include.fields",
    ]


def test_a_value_that_json_cannot_represent_hides_no_other_validation_error() -> None:
    data = {"title": "\ud800", "resource": "main", "viewportSize": "vast", "more": {"x": float("nan"), "y": 2**60, 3: 4}}
    assert [path for path, _ in found({"type": PANEL, "data": data})] == [
        "data.icon",
        "data.more",
        "data.more.x",
        "data.more.y",
        "data.title",
        "data.viewportSize",
    ]


def test_a_value_that_is_too_deep_hides_no_other_argument() -> None:
    assert [path for path, _ in found(typed(filter=deep(5000), events=[]))] == ["events", "filter"]
    assert [path for path, _ in found({"type": "", "data": deep(5000), "odd.name": deep(5000)})] == [
        "data",
        "odd.name",
        "odd.name",
        "type",
    ]


def test_the_order_of_names_does_not_change_the_result() -> None:
    data = {"resource": "", "title": 1, "icon": "", "allowMultiple": 0}
    backwards = dict(reversed(data.items()))
    assert found({"type": PANEL, "data": data}) == found({"data": backwards, "type": PANEL})


# --- secrets -----------------------------------------------------------------------------------------------------------------

MARK = "s3cr3t välue"


@pytest.mark.parametrize("props", GOOD)
def test_no_value_of_the_user_s_is_in_a_text(props: dict[str, Any]) -> None:
    marks: list[Any] = [MARK, [MARK], {"q": MARK}, 918273645, 2**60 + 918273645, -0.918273645, MARK + "\ud800", MARK * 1000]
    problems: list[Problem] = []
    for location in places(props):
        for mark in marks:
            if location:
                problems += check_content(put(props, location, mark))
    assert problems
    for problem in problems:
        for part in ("s3cr3t", "välue", "918273645", str(2**60 + 918273645)):
            assert part not in problem.message()
            assert part not in problem.path


# --- the key -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a", "A-b_9", "k" * 255, UNKNOWN])
def test_a_good_key(key: Any) -> None:
    assert check_key(key) is None


@pytest.mark.parametrize("key", ["", "a b", "a/b", "a.b", "a\n", "ä", "k" * 256])
def test_a_bad_key(key: str) -> None:
    assert check_key(key) == "key= must be 1 to 255 of a-z A-Z 0-9 _ - (the length is our own limit)"


@pytest.mark.parametrize("key", [None, 1, True, [], {}])
def test_a_key_that_is_no_text(key: Any) -> None:
    assert check_key(key) == "key= must be a string"
