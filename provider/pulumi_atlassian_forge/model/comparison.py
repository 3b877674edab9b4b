"""What makes two contents the same, what differs, and how a live module looks through its declaration.

Paths are JSON Pointers below ``data`` (RFC 6901): ``/filter/onError``, ``/values/0/searchAlias``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from .content import TRIGGER, TRIGGER_PROPERTIES, Content, canonical_json
from .values import UNKNOWN

DEFAULTS: Final[dict[str, dict[tuple[str, ...], Any]]] = {
    TRIGGER: {
        ("filter", "onError"): "IGNORE_AND_LOG",  # docs:events-reference/product_events
        ("events", "*", "filter", "onError"): "IGNORE_AND_LOG",
    },
    "jira:entityProperty": {("entityType",): "issue"},  # docs:manifest-reference/modules/jira-entity-property
    "confluence:contentBylineItem": {("viewportContainer",): "popup"},  # schema of @forge/manifest
}
"""The documented defaults: a value that equals its default equals an absent one, in comparison only."""

Path = tuple[str, ...]

_ANY_EVENT: Final[Path] = ("events", "0")


def same(a: Content, b: Content) -> bool:
    """Whether two contents mean the same module."""
    return a.type == b.type and not differences(a, b)


def differences(a: Content, b: Content) -> list[str]:
    """The paths at which the data of two contents differ, sorted. Types are the caller's to compare."""
    return sorted(_pointer(path) for path in _differ(a.data, b.data, (), _Rules(a.type)))


def value_at(content: Content, pointer: str) -> Any:
    """The value at one of the paths of :func:`differences`, which leads through what both contents have, but for its end.

    Raises:
        KeyError: There is none.
    """
    value: Any = content.data
    for part in pointer.split("/")[1:]:
        value = value[int(part) if isinstance(value, list) else part.replace("~1", "/").replace("~0", "~")]
    return value


def fingerprint(content: Content) -> str:
    """A text that is equal for contents that mean the same module: defaults left out, a trigger's events sorted."""
    rules = _Rules(content.type)
    return canonical_json([content.type, _plain(content.data, (), rules)])


def server_additions(sent: Content, response: Content) -> list[str]:
    """The paths that a response holds and that were not sent: the topmost of each added part, sorted."""
    return sorted(_pointer(path) for path in _added(sent.data, response.data, (), _Rules(sent.type)))


def as_declared(declared: Content, live: Content, server: Sequence[str] | None) -> Content:
    """A live module as state shows it: with the live values, but without what the server adds by itself.

    Args:
        declared: The declaration, of the same type.
        live: The module as the API holds it.
        server: The paths that the server is known to add; None if nobody knows yet, and then every addition is taken for the
            server's, except one of a trigger's closed set.

    Returns:
        The declared values where they mean the same as the live ones, the live ones elsewhere, and the additions of people.
    """
    rules = _Rules(declared.type)
    known = None if server is None else frozenset(server)

    def is_server_s(path: Path) -> bool:
        if rules.closed(path):
            return False
        return known is None or _pointer(path) in known

    return Content(live.type, _seen(declared.data, live.data, (), rules, is_server_s))


class _Rules:
    """What is special about a type: documented defaults, and for a trigger its events and its closed set."""

    def __init__(self, type_: str) -> None:
        self._is_trigger = type_ == TRIGGER
        self._defaults = DEFAULTS.get(type_, {}) if isinstance(type_, str) else {}

    def is_default(self, path: Path, value: Any) -> bool:
        if not self._defaults:
            return False
        pattern = tuple("*" if part.isdigit() else part for part in path)
        return pattern in self._defaults and _equal(self._defaults[pattern], value)

    def is_set(self, path: Path) -> bool:
        return self._is_trigger and path == ("events",)

    def closed(self, path: Path) -> bool:
        return self._is_trigger and len(path) == 1 and path[0] in TRIGGER_PROPERTIES


class _Missing:
    """The type of :data:`_MISSING`."""


_MISSING: Final = _Missing()
"""What stands beside an event that has no partner."""

_EQUAL, _ENLARGED, _NAMESAKE = range(3)


def _matched(ours: list[Any], theirs: list[Any], rules: _Rules) -> tuple[list[Any], list[Any]]:
    """The partner of each of our events, or :data:`_MISSING`; and those of theirs that are nobody's.

    Equal ones first, so that none is taken by an event that is only similar; then those to which something was only added, as
    many as can be; then those that share no more than the name. Of several the nearest.
    """
    partners: dict[int, int] = {}
    free = set(range(len(theirs)))
    for kind in (_EQUAL, _ENLARGED, _NAMESAKE):
        wanted: dict[int, list[int]] = {}
        for i in (i for i in range(len(ours)) if i not in partners):
            near = [(found[1], j) for j in free if (found := _likeness(ours[i], theirs[j], rules)) and found[0] == kind]
            wanted[i] = [j for _, j in sorted(near)]
        partners |= _assigned(wanted)
        free -= set(partners.values())
    return [theirs[partners[i]] if i in partners else _MISSING for i in range(len(ours))], [theirs[j] for j in sorted(free)]


def _likeness(event: Any, item: Any, rules: _Rules) -> tuple[int, int] | None:
    """How two events are alike, and in how many places they differ; None for strangers."""
    name = _event_name(event)
    if name != _event_name(item):
        return None
    changes = sum(1 for _ in _differ(event, item, _ANY_EVENT, rules))
    if changes == 0:
        return _EQUAL, 0
    if name is None:
        return None
    without = _seen(event, item, _ANY_EVENT, rules, lambda _: True)
    return (_NAMESAKE if any(_differ(event, without, _ANY_EVENT, rules)) else _ENLARGED), changes


def _assigned(wanted: dict[int, list[int]]) -> dict[int, int]:
    """As many pairs as can be: one that has its first choice gives it up to one that has no other."""
    owners: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in sorted(wanted[i], key=owners.__contains__):  # a free one before one that somebody would have to give up
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
    elif not _equal(a, b):
        yield path


def _differ_lists(a: list[Any], b: list[Any], path: Path, rules: _Rules) -> Iterator[Path]:
    if len(a) != len(b):
        yield path
    elif rules.is_set(path):
        if not _same_set(a, b, rules):
            yield path
    else:
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _differ(left, right, (*path, str(index)), rules)


def _same_set(a: list[Any], b: list[Any], rules: _Rules) -> bool:
    rest = list(b)
    for event in a:
        found = next((index for index, item in enumerate(rest) if not any(_differ(event, item, _ANY_EVENT, rules))), None)
        if found is None:
            return False
        del rest[found]
    return True


def _equal(a: Any, b: Any) -> bool:
    """Equality of scalars as JSON has it: 1 is 1.0, but true is not 1, and what is unknown equals nothing."""
    if a is UNKNOWN or b is UNKNOWN or isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b)


def _added(sent: Any, response: Any, path: Path, rules: _Rules) -> Iterator[Path]:
    if isinstance(sent, dict) and isinstance(response, dict):
        for name, value in response.items():
            below = (*path, name)
            if name in sent:
                yield from _added(sent[name], value, below, rules)
            elif not rules.is_default(below, value):
                # A default that the server filled in stays comparable: another value later is a person's doing.
                yield below
    elif isinstance(sent, list) and isinstance(response, list):
        partners = _matched(sent, response, rules)[0] if rules.is_set(path) else response
        for index, (left, right) in enumerate(zip(sent, partners, strict=False)):
            yield from _added(left, right, (*path, str(index)), rules)
        if not rules.is_set(path):
            yield from ((*path, str(index)) for index in range(len(sent), len(response)))


def _seen(declared: Any, live: Any, path: Path, rules: _Rules, is_server_s: Callable[[Path], bool]) -> Any:
    if isinstance(declared, dict) and isinstance(live, dict):
        kept: dict[str, Any] = {}
        for name, value in declared.items():
            below = (*path, name)
            if name in live:
                kept[name] = _seen(value, live[name], below, rules, is_server_s)
            elif rules.is_default(below, value):
                kept[name] = value
        for name, value in live.items():
            below = (*path, name)
            if name not in declared and not rules.is_default(below, value) and not is_server_s(below):
                kept[name] = value
        return kept
    if isinstance(declared, list) and isinstance(live, list):
        partners, rest = (
            _matched(declared, live, rules) if rules.is_set(path) else (live, _more(declared, live, path, is_server_s))
        )
        pairs = enumerate(zip(declared, partners, strict=False))
        kept_items = [
            _seen(left, right, (*path, str(index)), rules, is_server_s) for index, (left, right) in pairs if right is not _MISSING
        ]
        return kept_items + rest
    return declared if _equal(declared, live) else live


def _more(declared: list[Any], live: list[Any], path: Path, is_server_s: Callable[[Path], bool]) -> list[Any]:
    """The items behind the declared ones, without those that the server adds by itself."""
    return [live[index] for index in range(len(declared), len(live)) if not is_server_s((*path, str(index)))]


def _plain(value: Any, path: Path, rules: _Rules) -> Any:
    if isinstance(value, dict):
        kept = {name: _plain(item, (*path, name), rules) for name, item in sorted(value.items())}
        return {name: item for name, item in kept.items() if not rules.is_default((*path, name), item)}
    if isinstance(value, list):
        items = [_plain(item, (*path, str(index)), rules) for index, item in enumerate(value)]
        return sorted(items, key=canonical_json) if rules.is_set(path) else items
    return value


def _pointer(path: Path) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
