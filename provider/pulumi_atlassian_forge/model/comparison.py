"""Comparison of modules: whether two contents mean the same, what differs, and how a live module looks through its declaration.

A program and its state are compared exactly. A declaration and what a server has are compared by the rules of
:mod:`.comparison_rules`, because servers normalize what they are sent. Paths are JSON Pointers below ``data`` (RFC 6901):
``/filter/onError``, ``/values/0/searchAlias``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .comparison_rules import ABSENT, ExactRules, Path, ServerRules, pointer, remember
from .content import Content, canonical_json

_ANY_EVENT: Final[Path] = ("events", "0")


def same(a: Content, b: Content) -> bool:
    """Whether two contents are the same module, exactly."""
    return a.type == b.type and not differences(a, b)


def differences(a: Content, b: Content) -> list[str]:
    """The paths at which the data of two contents differ, exactly, sorted. The types are not compared."""
    return sorted(pointer(path) for path in _differ(a.data, b.data, (), ExactRules(a.type)))


def value_at(content: Content, path: str) -> Any:
    """The value at one of the paths of :func:`differences`; raises KeyError if there is none."""
    value: Any = content.data
    for part in path.split("/")[1:]:
        value = value[int(part) if isinstance(value, list) else part.replace("~1", "/").replace("~0", "~")]
    return value


def fingerprint(content: Content) -> str:
    """A canonical text, equal for contents that a server may return for one another: a trigger's events are sorted."""
    return canonical_json([content.type, _canonical(content.data, (), ServerRules(content.type))])


def changed_paths(declared: Content, live: Content, *, any_address: bool = True) -> list[str]:
    """The declared paths at which a live module differs, sorted. What it holds beyond its declaration is not compared.

    Without ``any_address`` a reference to a resource differs from every address, because that may be another resource's.
    """
    rules = ServerRules(declared.type, any_address=any_address)
    return sorted(pointer(path) for path, _ in _changed(declared.data, live.data, (), rules))


def server_additions(sent: Content, response: Content) -> list[str]:
    """The paths that a response holds and that were not sent: the topmost path of each added part, sorted."""
    return sorted(pointer(path) for path in _additions(sent.data, response.data, (), ServerRules(sent.type)))


def normalized_forms(sent: Content, response: Content) -> dict[str, str]:
    """What the server made of what we sent: for each path that differs in the response a hash of the server's form."""
    rules = ServerRules(sent.type)
    return {pointer(path): remember(path, value, rules) for path, value in _changed(sent.data, response.data, (), rules)}


def as_declared(
    declared: Content, live: Content, server: Sequence[str] | None, normalized: Mapping[str, str] | None = None
) -> Content:
    """A live module of the declared type as state shows it: with the live values, but without what the server adds by itself.

    It has each declared value if the live one counts as that, else the live one, and the additions of users. ``server`` are the
    paths that the server is known to add. If it is None, they are not known yet: then every addition counts as the server's,
    except a property of a trigger's closed set. ``normalized`` are the :func:`normalized_forms` of the last write.
    """
    rules = ServerRules(declared.type, normalized, server)
    return Content(live.type, _live_as_declared(declared.data, live.data, (), rules))


def overlap(paths: Sequence[str], others: Sequence[str]) -> list[str]:
    """Those of the paths that are one of the others, or lie above or below one."""
    return [path for path in paths if any(_within(path, other) or _within(other, path) for other in others)]


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}/")


# --- how it is done ---------------------------------------------------------------------------------------------------------


_EQUAL, _SUPERSET, _SAME_NAME = range(3)


def _pair_events(ours: list[Any], theirs: list[Any], rules: ServerRules) -> tuple[list[Any], list[Any]]:
    """The partner of each of our events, or :data:`ABSENT`; and those of their events that have no partner.

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
    return [theirs[partners[i]] if i in partners else ABSENT for i in range(len(ours))], [theirs[j] for j in sorted(free)]


def _similarity(event: Any, item: Any, rules: ServerRules) -> tuple[int, int] | None:
    """How two events are alike, and in how many places they differ; None if they are different events."""
    name = _event_name(event, rules)
    if name != _event_name(item, rules):
        return None
    changes = sum(1 for _ in _differ(event, item, _ANY_EVENT, rules))
    if changes == 0:
        return _EQUAL, 0
    if name is None:
        return None
    return (_SAME_NAME if any(_changed(event, item, _ANY_EVENT, rules)) else _SUPERSET), changes


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


def event_names(content: Content) -> list[str | None]:
    """The names of a trigger's events, sorted, whether each is a text or an object with a filter of its own."""
    events = content.data.get("events")
    rules = ServerRules(content.type)
    return sorted((_event_name(event, rules) for event in events), key=str) if isinstance(events, list) else []


def _event_name(event: Any, rules: ExactRules) -> str | None:
    name = event.get("eventType") if isinstance(event, dict) else event
    return rules.canonical_text(name) if isinstance(name, str) else None


def _differ(declared: Any, live: Any, path: Path, rules: ExactRules) -> Iterator[Path]:
    if isinstance(declared, dict) and isinstance(live, dict):
        for name in {**declared, **live}:
            below = (*path, name)
            if name in declared and name in live:
                yield from _differ(declared[name], live[name], below, rules)
            elif not rules.equals_absent(below, declared.get(name, live.get(name))):
                yield below
    elif isinstance(declared, list) and isinstance(live, list):
        if len(declared) != len(live) or (rules.is_set(path) and not _equal_sets(declared, live, rules)):
            yield path
        elif not rules.is_set(path):
            for index, (left, right) in enumerate(zip(declared, live, strict=True)):
                yield from _differ(left, right, (*path, str(index)), rules)
    elif not rules.are_equal(declared, live):
        yield path


def _equal_sets(declared: list[Any], live: list[Any], rules: ExactRules) -> bool:
    rest = list(live)
    for event in declared:
        found = next((index for index, item in enumerate(rest) if not any(_differ(event, item, _ANY_EVENT, rules))), None)
        if found is None:
            return False
        del rest[found]
    return True


def _changed(sent: Any, response: Any, path: Path, rules: ServerRules) -> Iterator[tuple[Path, Any]]:
    """Each declared path whose value differs, and the value of the response. A list is one path unless only items changed."""
    if isinstance(sent, dict) and isinstance(response, dict):
        for name, value in sent.items():
            below = (*path, name)
            if name in response:
                yield from _changed(value, response[name], below, rules)
            elif not rules.equals_absent(below, value):
                yield below, ABSENT
    elif isinstance(sent, list) and isinstance(response, list):
        yield from _changed_list(sent, response, path, rules)
    elif not rules.are_equal(sent, response):
        yield path, response


def _changed_list(sent: list[Any], response: list[Any], path: Path, rules: ServerRules) -> Iterator[tuple[Path, Any]]:
    if rules.is_set(path):
        partners, rest = _pair_events(sent, response, rules)
        pairs = list(zip(sent, partners, strict=True))
        if rest or any(theirs is ABSENT or any(_changed(ours, theirs, _ANY_EVENT, rules)) for ours, theirs in pairs):
            yield path, response
        return
    changes = [
        change
        for index, (ours, theirs) in enumerate(zip(sent, response, strict=False))
        for change in _changed(ours, theirs, (*path, str(index)), rules)
    ]
    if len(sent) > len(response) or (changes and not _only_items_changed(sent, response)):
        yield path, response
    else:
        yield from changes


def _only_items_changed(sent: list[Any], response: list[Any]) -> bool:
    """Whether a list has its length, its order and the kinds of its items, so that its items can be compared one by one."""
    if [type(item) for item in sent] != [type(item) for item in response]:
        return False
    return sorted(map(repr, sent)) != sorted(map(repr, response))


def _additions(sent: Any, response: Any, path: Path, rules: ServerRules) -> Iterator[Path]:
    if isinstance(sent, dict) and isinstance(response, dict):
        for name, value in response.items():
            below = (*path, name)
            if name in sent:
                yield from _additions(sent[name], value, below, rules)
            elif not rules.equals_absent(below, value):
                # A default that the server filled in stays comparable: another value later is drift.
                yield below
    elif isinstance(sent, list) and isinstance(response, list):
        partners = _pair_events(sent, response, rules)[0] if rules.is_set(path) else response
        for index, (left, right) in enumerate(zip(sent, partners, strict=False)):
            yield from _additions(left, right, (*path, str(index)), rules)
        if not rules.is_set(path):
            yield from ((*path, str(index)) for index in range(len(sent), len(response)))


def _live_as_declared(declared: Any, live: Any, path: Path, rules: ServerRules) -> Any:
    if rules.is_normalized(path, live):
        return declared
    if isinstance(declared, dict) and isinstance(live, dict):
        kept: dict[str, Any] = {}
        for name, value in declared.items():
            below = (*path, name)
            if name in live:
                kept[name] = _live_as_declared(value, live[name], below, rules)
            elif rules.equals_absent(below, value) or rules.is_normalized(below, ABSENT):
                kept[name] = value
        for name, value in live.items():
            below = (*path, name)
            if name not in declared and not rules.equals_absent(below, value) and not rules.is_server_default(below):
                kept[name] = value
        return kept
    if isinstance(declared, list) and isinstance(live, list):
        if rules.is_set(path):
            partners, rest = _pair_events(declared, live, rules)
        else:
            beyond = range(len(declared), len(live))
            partners, rest = live, [live[index] for index in beyond if not rules.is_server_default((*path, str(index)))]
        pairs = [(index, *pair) for index, pair in enumerate(zip(declared, partners, strict=False)) if pair[1] is not ABSENT]
        return [_live_as_declared(ours, theirs, (*path, str(i)), rules) for i, ours, theirs in pairs] + rest
    return declared if rules.are_equal(declared, live) else live


def _canonical(value: Any, path: Path, rules: ServerRules) -> Any:
    if isinstance(value, dict):
        kept = {name: _canonical(item, (*path, name), rules) for name, item in sorted(value.items())}
        return {name: item for name, item in kept.items() if not rules.equals_absent((*path, name), item)}
    if isinstance(value, list):
        items = [_canonical(item, (*path, str(index)), rules) for index, item in enumerate(value)]
        return sorted(items, key=canonical_json) if rules.is_set(path) else items
    return rules.canonical_text(value) if isinstance(value, str) else value
