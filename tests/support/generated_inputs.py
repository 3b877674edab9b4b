"""Hypothesis strategies for declarations: valid ones with values at the edges, and the same with one invalid part.

What is drawn is what a hook gets: a dictionary of properties, with ``__name``.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import assume
from hypothesis import strategies as st

from pulumi_atlassian_forge.model.catalog.module_types import TRIGGER as TYPED_TRIGGER
from pulumi_atlassian_forge.model.catalog.module_types import TYPES
from pulumi_atlassian_forge.model.catalog.schema import Anything, Bool, Enum, ListOf, ObjectOf, OneOf, Spec, String
from pulumi_atlassian_forge.model.content import TRIGGER, normalize
from pulumi_atlassian_forge.model.values import EXACT, MAX_DEPTH, depth
from tests.model.test_properties import GARBAGE, NAMES, nested

NEW_TYPE: Final = "acme:thing"
"""A type that is in no table of ours, and that the server of a test knows."""

UNHEARD_OF: Final = "acme:unheard-of"
"""An unknown type."""

INSTALLATIONS: Final = {"default": "v1", "modern": "v2"}

Props = dict[str, Any]

_NUMBERS: Final = st.sampled_from([0, -1, EXACT, -EXACT, 1.0, -0.0, 1e-7, 0.1, -2.5, float(EXACT), float(-EXACT), 5e-324])
_FRACTIONS: Final = st.floats(-1e6, 1e6, allow_nan=False)
_ODD_TEXTS: Final = [
    "",
    " ",
    "\x00",
    "e\u0301",
    "\u00e9",
    "\U0001f600",
    "\u2028",
    "\u202e",
    "null",
    "1.0",
    "a" * 300,
    '"\\/',
    "\r\n",
]
VALUES: Final = nested(st.none() | st.booleans() | _NUMBERS | _FRACTIONS | st.text(max_size=3) | st.sampled_from(_ODD_TEXTS))
OBJECTS: Final = st.dictionaries(NAMES | st.text(max_size=3), VALUES, max_size=3)

_SIZE: Final = 60_000  # characters of data: far below the limit, which is a setting

_LENGTHS: Final = (1, 23, 100, 255, 300, 1000, 10_000)
_CANDIDATES: Final = [
    *("x" * length for length in _LENGTHS),
    *("x" * (length + 1) for length in _LENGTHS),
    "-",
    "_",
    "a.b-c_1",
    ".",
    f"{'a' * 23}/{'b' * 23}",
    *filter(None, _ODD_TEXTS),
]
KEYS: Final = (
    st.from_regex(re.compile(r"[a-zA-Z0-9_-]{1,12}", re.ASCII), fullmatch=True)
    | st.sampled_from(["k" * 255, "0", "-", "_", "--", "__name"])
)  # fmt: skip
_EVENTS: Final = ["avi:jira:updated:issue", "avi:jira:created:issue", "avi:confluence:created:page", "e", "\u00fc", "jira" * 70]


def nesting(levels: int) -> Any:
    """Containers in one another, objects and lists in turn."""
    value: Any = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"x": value}
    return value


@st.composite
def declarations(draw: st.DrawFn) -> Props:
    """A declaration that nothing is wrong with, of either resource, for either version of the API."""
    props = draw(TYPED | RAW)
    installation = draw(st.sampled_from(sorted(INSTALLATIONS)))
    props["installation"] = installation
    props["__name"] = [*draw(st.sampled_from([[], ["acme:component$acme:inner::parent"]])), draw(KEYS)]
    if INSTALLATIONS[installation] == "v1" and draw(st.booleans()):
        props["key"] = draw(KEYS)
    if installation == "default" and draw(st.booleans()):
        del props["installation"]
    return props


def another_content(props: Props) -> st.SearchStrategy[Props]:
    """The same resource with another content."""
    rest = {name: value for name, value in props.items() if name in ("key", "installation", "__name")}
    if "type" in props:
        return _raw(st.just(props["type"])).map(lambda other: {**other, **rest})
    return TYPED.map(lambda other: {**other, **rest})


@st.composite
def broken(draw: st.DrawFn) -> Props:
    """A declaration in which something was replaced, removed or added: as a rule something is wrong with it."""
    props = copy.deepcopy(draw(declarations()))
    for _ in range(draw(st.integers(1, 3))):
        if next(places(props), None) is None:
            break  # everything was removed: that is broken enough
        draw(st.sampled_from([_replace, _remove, _add, _repeat, _misuse]))(draw, props)
    return props


# --- good ones --------------------------------------------------------------------------------------------------------------


def texts(spec: String) -> st.SearchStrategy[str]:
    """Texts that a rule takes; of the longest that it takes as well."""
    form = re.compile(spec.pattern.strip("^$") if spec.pattern else r".+", re.ASCII | re.DOTALL)
    longest = spec.max_length or 20_000
    edges = st.sampled_from([text for text in _CANDIDATES if len(text) <= longest and form.fullmatch(text)])
    free = st.from_regex(form, fullmatch=True) if spec.pattern else st.text(min_size=1, max_size=8)
    return free.filter(lambda text: len(text) <= longest) | edges


def values_of(spec: Spec) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one for each kind
    """Values that a rule takes."""
    match spec:
        case String():
            return texts(spec)
        case Enum():
            return st.sampled_from(spec.values)
        case Bool():
            return st.booleans()
        case Anything():
            return VALUES.filter(lambda value: value is not None)
        case ListOf():
            return st.lists(values_of(spec.item), min_size=spec.min_items, max_size=spec.min_items + 2)
        case OneOf():
            return values_of(spec.scalar) | values_of(spec.object)
        case ObjectOf():
            return objects_of(spec)


@st.composite
def objects_of(draw: st.DrawFn, spec: ObjectOf) -> Props:
    """Objects that a rule takes: with any choice of what is optional, null for what is absent, and foreign where it is open."""
    found = {name: draw(values_of(of)) for name, of in spec.required.items()}
    grouped = {name for names in spec.exactly_one for name in names}
    for name, of in spec.optional.items():
        choice = 0 if name in grouped else draw(st.integers(0, 5))
        if choice in (1, 2):
            found[name] = draw(values_of(of))
        elif choice == 3:
            found[name] = None
    for names in spec.exactly_one:
        name = draw(st.sampled_from(names))
        found[name] = draw(values_of({**spec.required, **spec.optional}[name]))
    if spec.at_least_one and not any(found.get(name) is not None for name in spec.at_least_one):
        name = draw(st.sampled_from(spec.at_least_one))
        found[name] = draw(values_of(spec.optional[name]))
    if not spec.closed:
        known = {**spec.required, **spec.optional}
        found |= {name: value for name, value in draw(OBJECTS).items() if name not in known}
    return found


def triggers(spec: ObjectOf) -> st.SearchStrategy[Props]:
    """Triggers whose properties are consistent with each other."""
    return objects_of(spec).flatmap(_with_events).map(_made_consistent).filter(lambda data: len(json.dumps(data)) < _SIZE)


@st.composite
def _with_events(draw: st.DrawFn, trigger: Props) -> Props:
    """With names that events have: which of them are Jira's decides what a filter may say."""
    events = [
        {**event, "eventType": draw(st.sampled_from(_EVENTS))} if isinstance(event, dict) else draw(st.sampled_from(_EVENTS))
        for event in trigger["events"]
    ]
    return {**trigger, "events": events}


def _made_consistent(trigger: Props) -> Props:
    distinct: list[Any] = []
    for event in trigger["events"]:
        if normalize(event) not in [normalize(other) for other in distinct]:
            distinct.append(event)
    trigger["events"] = distinct
    _make_filter_consistent(trigger.get("filter"), distinct)
    for event in distinct:
        if isinstance(event, dict):
            _make_filter_consistent(event.get("filter"), [event])
    return trigger


def _make_filter_consistent(filter_: Any, events: list[Any]) -> None:
    if filter_ is None:
        return
    if filter_.get("onError") is not None and filter_.get("expression") is None:
        filter_["expression"] = "true"
    names = [event["eventType"] if isinstance(event, dict) else event for event in events]
    if filter_.get("ignoreSelf") and any("jira" not in name for name in names):
        filter_["ignoreSelf"] = False


@st.composite
def _raw(draw: st.DrawFn, types: st.SearchStrategy[str]) -> Props:
    kind = draw(types)
    if kind == TRIGGER:
        data = draw(triggers(TYPES[TRIGGER]))
    elif kind in TYPES:
        data = draw(values_of(TYPES[kind]))
    else:
        data = draw(OBJECTS)
        if draw(st.integers(0, 9)) == 0:
            data["deep"] = nesting(MAX_DEPTH - 1)
    if draw(st.integers(0, 9)) == 0:
        data["key"] = draw(VALUES)  # the server's own: it is dropped
    assume(depth(data) <= MAX_DEPTH and len(json.dumps(data)) < _SIZE)
    return {"type": kind, "data": data}


TYPED: Final = triggers(TYPED_TRIGGER)
RAW: Final = _raw(st.sampled_from([*sorted(TYPES), NEW_TYPE, NEW_TYPE, UNHEARD_OF]))

# --- broken ones ------------------------------------------------------------------------------------------------------------

_LONG: Final = ["", "x" * 256, "x" * 10_001, "a b", "\u00fc", "a\n"]
_BAD_KEYS: Final = ["", "k" * 256, "a b", "a/b", "..", "\u00fc", "a\n", 3, True, None]
_DEEP: Final = st.sampled_from([MAX_DEPTH, 300]).map(nesting)  # a new one each time: what was drawn is changed again
_UNUSABLE: Final = GARBAGE | _DEEP | st.sampled_from([2**53 + 1, 1e300, float("nan"), b"bytes"]) | st.builds(lambda: {3: 4})


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with every name or index in it, but for the hidden name of the resource."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        if name != "__name":
            yield value, name
            yield from places(inner)


def _place(draw: st.DrawFn, props: Props) -> tuple[Any, Any]:
    found = [place for place in places(props) if depth(place[0]) <= MAX_DEPTH]
    return found[draw(st.integers(0, len(found) - 1))]


def _replace(draw: st.DrawFn, props: Props) -> None:
    container, name = _place(draw, props)
    container[name] = draw(_UNUSABLE | st.sampled_from(_LONG))


def _remove(draw: st.DrawFn, props: Props) -> None:
    container, name = _place(draw, props)
    del container[name]


def _add(draw: st.DrawFn, props: Props) -> None:
    container, _ = _place(draw, props)
    if isinstance(container, dict):
        # The names of arguments are the resource's own: no program can make up one that is hidden, or no text.
        odd = st.text(max_size=3).filter(lambda name: not name.startswith("__"))
        name = draw(NAMES | odd if container is props else NAMES | st.text(st.characters(), max_size=3))
        container[name] = draw(_UNUSABLE)
    else:
        container.append(draw(_UNUSABLE))


def _repeat(draw: st.DrawFn, props: Props) -> None:
    container, name = _place(draw, props)
    if isinstance(container, list):
        container.append(copy.deepcopy(container[name]))


def _misuse(draw: st.DrawFn, props: Props) -> None:
    name, values = draw(st.sampled_from(sorted(_MISUSES.items())))
    props[name] = draw(values)


_MISUSES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "key": st.sampled_from(_BAD_KEYS) | GARBAGE,
    "installation": st.sampled_from(["nobody", "", 3]) | GARBAGE,
    "__name": st.sampled_from([["a b"], [""], ["k" * 256], ["\u00fc"]]),
    "type": GARBAGE,
    "data": GARBAGE,
}
