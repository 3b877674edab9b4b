"""What makes two contents the same, what differs, and how a live module looks through its declaration.

Paths are JSON Pointers below ``data`` (RFC 6901): ``/filter/onError``, ``/values/0/searchAlias``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from .content import TRIGGER, TRIGGER_PROPERTIES, Content
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


def same(a: Content, b: Content) -> bool:
    """Whether two contents mean the same module."""
    return a.type == b.type and not differences(a, b)


def differences(a: Content, b: Content) -> list[str]:
    """The paths at which the data of two contents differ, sorted. Types are the caller's to compare."""
    return sorted(_pointer(path) for path in _differ(a.data, b.data, (), _Rules(a.type)))


def server_additions(sent: Content, answer: Content) -> list[str]:
    """The paths that an answer holds and that were not sent: the topmost of each added part, sorted."""
    rules = _Rules(sent.type)
    return sorted(_pointer(path) for path in _added(sent.data, rules.aligned(sent.data, answer.data), ()))


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

    def is_server_s(path: Path) -> bool:
        if rules.closed(path):
            return False
        return server is None or _pointer(path) in server

    return Content(live.type, _seen(declared.data, rules.aligned(declared.data, live.data), (), rules, is_server_s))


class _Rules:
    """What is special about a type: documented defaults, and for a trigger its events and its closed set."""

    def __init__(self, type_: str) -> None:
        self._is_trigger = type_ == TRIGGER
        self._defaults = DEFAULTS.get(type_, {})

    def is_default(self, path: Path, value: Any) -> bool:
        if not self._defaults:
            return False
        pattern = tuple("*" if part.isdigit() else part for part in path)
        return pattern in self._defaults and _equal(self._defaults[pattern], value)

    def is_set(self, path: Path) -> bool:
        return self._is_trigger and path == ("events",)

    def closed(self, path: Path) -> bool:
        return self._is_trigger and len(path) == 1 and path[0] in TRIGGER_PROPERTIES

    def aligned(self, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
        """The second data with its events in the order of the first's, so that equal sets are equal lists."""
        if not self._is_trigger or not isinstance(first, dict) or not isinstance(second, dict):
            return second
        ours, theirs = first.get("events"), second.get("events")
        if not isinstance(ours, list) or not isinstance(theirs, list):
            return second
        rest, kept = list(theirs), []
        for event in ours:
            found = next((item for item in rest if not list(_differ(event, item, ("events", "0"), self))), None)
            if found is None and isinstance(event, dict):  # an event that the server or a person added something to
                name = event.get("eventType")
                found = next((item for item in rest if isinstance(item, dict) and item.get("eventType") == name), None)
            if found is not None:
                kept.append(found)
                rest.remove(found)
        return {**second, "events": kept + rest}


def _differ(a: Any, b: Any, path: Path, rules: _Rules) -> Iterator[Path]:
    if isinstance(a, dict) and isinstance(b, dict):
        for name in {**a, **b}:
            below = (*path, name)
            if name in a and name in b:
                yield from _differ(a[name], b[name], below, rules)
            elif not rules.is_default(below, a.get(name, b.get(name))):
                yield below
    elif isinstance(a, list) and isinstance(b, list):
        yield from _lists_differ(a, b, path, rules)
    elif not _equal(a, b):
        yield path


def _lists_differ(a: list[Any], b: list[Any], path: Path, rules: _Rules) -> Iterator[Path]:
    if rules.is_set(path):
        if not _same_set(a, b, rules):
            yield path
    elif len(a) != len(b):
        yield path
    else:
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _differ(left, right, (*path, str(index)), rules)


def _same_set(a: list[Any], b: list[Any], rules: _Rules) -> bool:
    rest = list(b)
    for event in a:
        found = next((item for item in rest if not list(_differ(event, item, ("events", "0"), rules))), None)
        if found is None:
            return False
        rest.remove(found)
    return not rest


def _equal(a: Any, b: Any) -> bool:
    """Equality of scalars as JSON has it: 1 is 1.0, but true is not 1, and what is unknown equals nothing."""
    if a is UNKNOWN or b is UNKNOWN or isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b)


def _added(sent: Any, answer: Any, path: Path) -> Iterator[Path]:
    if isinstance(sent, dict) and isinstance(answer, dict):
        for name, value in answer.items():
            if name not in sent:
                yield (*path, name)
            else:
                yield from _added(sent[name], value, (*path, name))
    elif isinstance(sent, list) and isinstance(answer, list):
        for index, (left, right) in enumerate(zip(sent, answer, strict=False)):
            yield from _added(left, right, (*path, str(index)))


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
        pairs = zip(declared, live, strict=False)
        head = [_seen(left, right, (*path, str(index)), rules, is_server_s) for index, (left, right) in enumerate(pairs)]
        return head + live[len(head) :]
    return declared if _equal(declared, live) else live


def _pointer(path: Path) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
