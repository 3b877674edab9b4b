"""Comparison of modules: whether two contents mean the same, what differs, and how a live module looks through its declaration.

Paths are JSON Pointers below ``data`` (RFC 6901): ``/filter/onError``, ``/values/0/searchAlias``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from .catalog.module_types import DEFAULTS, TYPES
from .catalog.schema import ListOf, ObjectOf, OneOf, Spec
from .content import TRIGGER, TRIGGER_PROPERTIES, Content, canonical_json
from .values import UNKNOWN

Path = tuple[str, ...]

_ANY_EVENT: Final[Path] = ("events", "0")


def same(a: Content, b: Content) -> bool:
    """Whether two contents mean the same module."""
    return a.type == b.type and not differences(a, b)


def differences(a: Content, b: Content) -> list[str]:
    """The paths at which the data of two contents differ, sorted. The types are not compared."""
    return sorted(_pointer(path) for path in _differ(a.data, b.data, (), _Rules(a.type)))


def value_at(content: Content, pointer: str) -> Any:
    """The value at one of the paths of :func:`differences`; raises KeyError if there is none."""
    value: Any = content.data
    for part in pointer.split("/")[1:]:
        value = value[int(part) if isinstance(value, list) else part.replace("~1", "/").replace("~0", "~")]
    return value


def fingerprint(content: Content) -> str:
    """A canonical text, equal for contents that mean the same module: without defaults, a trigger's events sorted."""
    rules = _Rules(content.type)
    return canonical_json([content.type, _canonical(content.data, (), rules)])


def server_additions(sent: Content, response: Content) -> list[str]:
    """The paths that a response holds and that were not sent: the topmost path of each added part, sorted."""
    return sorted(_pointer(path) for path in _additions(sent.data, response.data, (), _Rules(sent.type)))


def as_declared(declared: Content, live: Content, server: Sequence[str] | None) -> Content:
    """A live module of the declared type as state shows it: with the live values, but without what the server adds by itself.

    It has each declared value if that means the same as the live one, else the live one, and the additions of users. ``server``
    are the paths that the server is known to add. If it is None, they are not known yet: then every addition counts as the
    server's, except a property of a trigger's closed set.
    """
    rules = _Rules(declared.type)
    known = None if server is None else frozenset(server)

    def is_server_default(path: Path) -> bool:
        if rules.closed(path):
            return False
        return known is None or _pointer(path) in known

    return Content(live.type, _live_as_declared(declared.data, live.data, (), rules, is_server_default))


# --- additions: what a live module holds beyond its declaration -------------------------------------------------------------
#
# The API does not tell who added it. Of a known type, a property that users can set and that has a significant value counts as
# the user's, unless the value is the documented default. Everything else counts as the server's.


def matches(declared: Content, live: Content) -> bool:
    """Whether a live module is the declared one, whatever the server has added to it."""
    return live.type == declared.type and same(declared, as_declared(declared, live, None))


def matches_exactly(declared: Content, live: Content) -> bool:
    """Whether a live module is the declared one, and no user has added to it."""
    return matches(declared, live) and not user_additions(declared, live)


def user_additions(declared: Content, live: Content) -> list[str]:
    """The paths of a live module that are not declared, and that a server hardly adds by itself."""
    spec = TYPES.get(declared.type)
    if spec is None:
        return []
    return [path for path in server_additions(declared, live) if _is_settable(spec, path) and _is_significant(live, path)]


def overlap(paths: list[str], others: list[str]) -> list[str]:
    """Those of the paths that are one of the others, or lie above or below one."""
    return [path for path in paths if any(_within(path, other) or _within(other, path) for other in others)]


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}/")


def _is_settable(spec: Spec, path: str) -> bool:
    for part in path.split("/")[1:]:
        if isinstance(spec, OneOf):
            spec = spec.object
        if isinstance(spec, ListOf):
            spec = spec.item
        elif isinstance(spec, ObjectOf) and part in spec.properties:
            spec = spec.properties[part]
        else:
            return False
    return True


def _is_significant(live: Content, path: str) -> bool:
    """Whether the value at a path differs from an absent one: false, empty and null as a rule do not."""
    try:
        value = value_at(live, path)
    except (KeyError, IndexError, TypeError):
        return True  # an event has another place in the declaration
    return bool(value) or (value == 0 and not isinstance(value, bool))


# --- how it is done ---------------------------------------------------------------------------------------------------------


class _Rules:
    """The comparison rules of one type: documented defaults, and for a trigger its set of events and its closed properties."""

    def __init__(self, type_: str) -> None:
        self._is_trigger = type_ == TRIGGER
        self._defaults = DEFAULTS.get(type_, {}) if isinstance(type_, str) else {}

    def is_default(self, path: Path, value: Any) -> bool:
        if not self._defaults:
            return False
        pattern = tuple("*" if part.isdigit() else part for part in path)
        return pattern in self._defaults and _scalars_equal(self._defaults[pattern], value)

    def is_set(self, path: Path) -> bool:
        return self._is_trigger and path == ("events",)

    def closed(self, path: Path) -> bool:
        return self._is_trigger and len(path) == 1 and path[0] in TRIGGER_PROPERTIES


_MISSING: Final = object()
"""The partner of an event that has none."""

_EQUAL, _SUPERSET, _SAME_NAME = range(3)


def _pair_events(ours: list[Any], theirs: list[Any], rules: _Rules) -> tuple[list[Any], list[Any]]:
    """The partner of each of our events, or :data:`_MISSING`; and those of their events that have no partner.

    Equal events are paired first, so that a similar one does not take their place; then as many as possible of those to which
    something was only added; then those that share only the name. Of several candidates the one with the fewest differences.
    """
    partners: dict[int, int] = {}
    free = set(range(len(theirs)))
    for kind in (_EQUAL, _SUPERSET, _SAME_NAME):
        wanted: dict[int, list[int]] = {}
        for i in (i for i in range(len(ours)) if i not in partners):
            near = [(found[1], j) for j in free if (found := _similarity(ours[i], theirs[j], rules)) and found[0] == kind]
            wanted[i] = [j for _, j in sorted(near)]
        partners |= _maximum_matching(wanted)
        free -= set(partners.values())
    return [theirs[partners[i]] if i in partners else _MISSING for i in range(len(ours))], [theirs[j] for j in sorted(free)]


def _similarity(event: Any, item: Any, rules: _Rules) -> tuple[int, int] | None:
    """How two events are alike, and in how many places they differ; None if they are different events."""
    name = _event_name(event)
    if name != _event_name(item):
        return None
    changes = sum(1 for _ in _differ(event, item, _ANY_EVENT, rules))
    if changes == 0:
        return _EQUAL, 0
    if name is None:
        return None
    without = _live_as_declared(event, item, _ANY_EVENT, rules, lambda _: True)
    return (_SAME_NAME if any(_differ(event, without, _ANY_EVENT, rules)) else _SUPERSET), changes


def _maximum_matching(wanted: dict[int, list[int]]) -> dict[int, int]:
    """A maximum bipartite matching, by augmenting paths: which of the wanted partners each event gets."""
    owners: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in sorted(wanted[i], key=owners.__contains__):  # free ones first
            if j not in tried:
                tried.add(j)
                if j not in owners or place(owners[j], tried):
                    owners[j] = i
                    return True
        return False

    for i in wanted:
        place(i, set())
    return {i: j for j, i in owners.items()}


def _event_name(event: Any) -> str | None:
    name = event.get("eventType") if isinstance(event, dict) else event
    return name if isinstance(name, str) else None


def _differ(a: Any, b: Any, path: Path, rules: _Rules) -> Iterator[Path]:
    if isinstance(a, dict) and isinstance(b, dict):
        for name in {**a, **b}:
            below = (*path, name)
            if name in a and name in b:
                yield from _differ(a[name], b[name], below, rules)
            elif not rules.is_default(below, a.get(name, b.get(name))):
                yield below
    elif isinstance(a, list) and isinstance(b, list):
        yield from _differ_lists(a, b, path, rules)
    elif not _scalars_equal(a, b):
        yield path


def _differ_lists(a: list[Any], b: list[Any], path: Path, rules: _Rules) -> Iterator[Path]:
    if len(a) != len(b):
        yield path
    elif rules.is_set(path):
        if not _equal_sets(a, b, rules):
            yield path
    else:
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _differ(left, right, (*path, str(index)), rules)


def _equal_sets(a: list[Any], b: list[Any], rules: _Rules) -> bool:
    rest = list(b)
    for event in a:
        found = next((index for index, item in enumerate(rest) if not any(_differ(event, item, _ANY_EVENT, rules))), None)
        if found is None:
            return False
        del rest[found]
    return True


def _scalars_equal(a: Any, b: Any) -> bool:
    """Equality of scalars as JSON defines it: 1 is 1.0, but true is not 1; an unknown value equals nothing."""
    if a is UNKNOWN or b is UNKNOWN or isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b)


def _additions(sent: Any, response: Any, path: Path, rules: _Rules) -> Iterator[Path]:
    if isinstance(sent, dict) and isinstance(response, dict):
        for name, value in response.items():
            below = (*path, name)
            if name in sent:
                yield from _additions(sent[name], value, below, rules)
            elif not rules.is_default(below, value):
                # A default that the server filled in stays comparable: another value later is drift.
                yield below
    elif isinstance(sent, list) and isinstance(response, list):
        partners = _pair_events(sent, response, rules)[0] if rules.is_set(path) else response
        for index, (left, right) in enumerate(zip(sent, partners, strict=False)):
            yield from _additions(left, right, (*path, str(index)), rules)
        if not rules.is_set(path):
            yield from ((*path, str(index)) for index in range(len(sent), len(response)))


def _live_as_declared(declared: Any, live: Any, path: Path, rules: _Rules, is_server_default: Callable[[Path], bool]) -> Any:
    if isinstance(declared, dict) and isinstance(live, dict):
        kept: dict[str, Any] = {}
        for name, value in declared.items():
            below = (*path, name)
            if name in live:
                kept[name] = _live_as_declared(value, live[name], below, rules, is_server_default)
            elif rules.is_default(below, value):
                kept[name] = value
        for name, value in live.items():
            below = (*path, name)
            if name not in declared and not rules.is_default(below, value) and not is_server_default(below):
                kept[name] = value
        return kept
    if isinstance(declared, list) and isinstance(live, list):
        if rules.is_set(path):
            partners, rest = _pair_events(declared, live, rules)
        else:
            beyond = range(len(declared), len(live))
            partners, rest = live, [live[index] for index in beyond if not is_server_default((*path, str(index)))]
        pairs = [(index, *pair) for index, pair in enumerate(zip(declared, partners, strict=False)) if pair[1] is not _MISSING]
        return [_live_as_declared(ours, theirs, (*path, str(i)), rules, is_server_default) for i, ours, theirs in pairs] + rest
    return declared if _scalars_equal(declared, live) else live


def _canonical(value: Any, path: Path, rules: _Rules) -> Any:
    if isinstance(value, dict):
        kept = {name: _canonical(item, (*path, name), rules) for name, item in sorted(value.items())}
        return {name: item for name, item in kept.items() if not rules.is_default((*path, name), item)}
    if isinstance(value, list):
        items = [_canonical(item, (*path, str(index)), rules) for index, item in enumerate(value)]
        return sorted(items, key=canonical_json) if rules.is_set(path) else items
    return value


def _pointer(path: Path) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
