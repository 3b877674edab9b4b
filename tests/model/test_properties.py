from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES
from pulumi_atlassian_forge.model.comparison import as_declared, differences, same, server_additions
from pulumi_atlassian_forge.model.content import TRIGGER_PROPERTIES, Content, canonical_json, content_of, normalize, properties_of
from pulumi_atlassian_forge.model.validation import check_content
from pulumi_atlassian_forge.model.values import UNKNOWN
from tests.support.samples import SAMPLES, TRIGGERS

often = settings(max_examples=100, deadline=None)

NAMES = st.sampled_from(["a", "b", "events", "filter", "onError", "eventType", "title", "values", "key", "0", "x/y~z"])
DEFAULTS = st.sampled_from(["IGNORE_AND_LOG", "issue", "popup", "avi:jira:updated:issue"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
    | DEFAULTS
)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=4), max_leaves=12
    )


JSON = nested(SCALARS)
GARBAGE = nested(SCALARS | st.just(UNKNOWN) | st.floats() | st.text(st.characters(), max_size=2) | st.integers())
TYPES = st.sampled_from([*sorted(KNOWN_TYPES), "acme:thing"])
EVENTS = st.lists(
    st.sampled_from(["avi:jira:a", "avi:jira:b"])
    | st.fixed_dictionaries(
        {"eventType": st.sampled_from(["avi:jira:a", "avi:jira:b", "avi:jira:c"])},
        optional={
            "filter": st.fixed_dictionaries(
                {"expression": st.sampled_from(["x", "y"])},
                optional={"onError": st.sampled_from(["IGNORE_AND_LOG", "RECEIVE"])},
            )
        },
    ),
    max_size=4,
)
TRIGGER_DATA = st.fixed_dictionaries(
    {"events": EVENTS, "function": st.just("f")},
    optional={"filter": st.fixed_dictionaries({"expression": st.just("x")}, optional={"onError": DEFAULTS})},
)


def content(type_: str, data: Any) -> Content:
    return content_of({"type": type_, "data": data})


CONTENTS = (
    st.builds(content, TYPES, st.dictionaries(NAMES, JSON, max_size=5))
    | st.builds(content, st.just("trigger"), TRIGGER_DATA)
    | st.sampled_from([content(type_, data) for type_, samples in SAMPLES.items() for data in samples])
)
SERVER = st.none() | st.lists(st.sampled_from(["/a", "/filter", "/filter/onError", "/values/0/b", "/events/0/a", "/title"]))


@often
@given(GARBAGE)
def test_normalising_twice_is_normalising_once(value: Any) -> None:
    once = normalize(value)
    assert repr(normalize(once)) == repr(once)


@often
@given(CONTENTS)
def test_content_round_trips_through_properties(made: Content) -> None:
    back = content_of(properties_of(made, typed=False))
    assert back == made
    assert canonical_json(back.data) == canonical_json(made.data)
    if made.type == "trigger" and set(made.data) <= set(TRIGGER_PROPERTIES):
        assert content_of(properties_of(made, typed=True)) == made


@often
@given(st.sampled_from(TRIGGERS), st.randoms())
def test_the_order_of_names_never_matters(props: dict[str, Any], random: Any) -> None:
    names = list(props)
    random.shuffle(names)
    shuffled = {name: props[name] for name in names}
    assert canonical_json(content_of(shuffled).data) == canonical_json(content_of(props).data)


@often
@given(CONTENTS, SERVER)
def test_a_live_module_that_equals_the_declaration_is_read_as_declared(declared: Content, server: list[str] | None) -> None:
    found = as_declared(declared, copy.deepcopy(declared), server)
    assert same(found, declared)
    assert canonical_json(found.data) == canonical_json(declared.data)


def enlarged(draw: Any, value: Any, *, top: bool) -> Any:
    """A value as a server may respond it: names added at any depth."""
    if isinstance(value, list):
        return [enlarged(draw, item, top=False) for item in value]
    if not isinstance(value, dict):
        return value
    grown = {name: enlarged(draw, item, top=False) for name, item in value.items()}
    for name in draw(st.lists(st.sampled_from(["serverSays", "links", "zz~/"]), max_size=2)):
        grown[name] = draw(JSON)
    return normalize(grown) if top else grown


@often
@given(CONTENTS, st.data(), st.randoms())
def test_what_a_server_adds_is_never_drift(declared: Content, data: Any, random: Any) -> None:
    response = Content(declared.type, enlarged(data.draw, declared.data, top=True))
    if declared.type == "trigger" and isinstance(response.data.get("events"), list):
        random.shuffle(response.data["events"])
    server = server_additions(declared, response)
    assert same(as_declared(declared, response, server), declared)
    assert same(as_declared(declared, response, None), declared)


@often
@given(CONTENTS, CONTENTS, SERVER)
def test_as_declared_is_idempotent(declared: Content, live: Content, server: list[str] | None) -> None:
    live = Content(declared.type, live.data)
    once = as_declared(declared, live, server)
    assert same(as_declared(once, once, server), once)
    if server == []:  # nothing is the server's own: what is seen is the live module
        assert same(once, live)


@often
@given(CONTENTS, CONTENTS)
def test_differences_are_symmetric(a: Content, b: Content) -> None:
    for other in (b, Content(a.type, b.data)):
        assert differences(a, other) == differences(other, a) or a.type != other.type
        assert same(a, other) == same(other, a)


@often
@given(st.data(), st.randoms())
def test_the_order_of_events_never_matters(data: Any, random: Any) -> None:
    made = content("trigger", data.draw(TRIGGER_DATA))
    events = list(made.data["events"])
    random.shuffle(events)
    shuffled = Content("trigger", {**made.data, "events": events})
    assert same(made, shuffled)
    assert as_declared(made, shuffled, []) == made


PROPS = st.dictionaries(st.sampled_from(["type", "data", *TRIGGER_PROPERTIES, "other", "__x"]), GARBAGE, max_size=6)


@often
@given(
    PROPS
    | st.fixed_dictionaries({"type": TYPES, "data": GARBAGE})
    | st.fixed_dictionaries({"events": GARBAGE, "filter": GARBAGE})
)
def test_garbage_never_crashes_a_check(props: dict[str, Any]) -> None:
    for problem in check_content(props):
        assert problem.text


@often
@given(PROPS, PROPS, SERVER)
def test_garbage_never_crashes_a_comparison(a: dict[str, Any], b: dict[str, Any], server: list[str] | None) -> None:
    first, second = content_of(a), content_of(b)
    assert same(first, second) == same(second, first)
    server_additions(first, second)
    as_declared(first, second, server)
    as_declared(first, Content(first.type, second.data), server)
