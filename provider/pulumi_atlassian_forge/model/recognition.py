"""Recognition of our own module: whether a live module is the one that a declaration asked for (docs/adr/0003-lost-responses.md).

The API does not tell who registered a module, nor who added to it. Of a known type, a property that users can set and that has a
significant value counts as the user's. Everything else counts as the server's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .catalog.module_types import TYPES
from .catalog.schema import ListOf, ObjectOf, OneOf, Spec
from .comparison import as_declared, changed_paths, event_names, normalized_forms, same, server_additions, value_at
from .comparison_rules import ServerRules
from .content import Content

_HANDLERS: Final = ("function", "endpoint", "resource", "resolver")
"""The properties that say what a module runs, at any depth. No server rewrites or adds them: they are keys of the manifest."""

Likeness = tuple[int, int]
"""In how many declared paths a live module differs, and how many it has beyond them: the smaller, the more alike."""


def likeness(declared: Content, live: Content) -> Likeness | None:
    """How like a declaration a live module is; None if a server cannot have made it of that.

    It can if it has the declared type, runs what is declared on the declared events, and differs in other declared paths only.
    A declaration that says nothing of what it runs is recognized by its whole content only.
    """
    if live.type != declared.type or not (isinstance(declared.data, dict) and isinstance(live.data, dict)):
        return None
    rules, additions = ServerRules(declared.type), server_additions(declared, live)
    if any(rules.is_closed(tuple(path.split("/")[1:])) or _names_handler(path) for path in additions):
        return None
    changed = changed_paths(declared, live)
    if changed and not _runs_the_same(declared, live, changed):
        return None
    return len(changed), len(additions)


def _runs_the_same(declared: Content, live: Content, changed: Sequence[str]) -> bool:
    if any(_names_handler(path) or _holds_handler(value_at(declared, path)) for path in changed):
        return False
    if not any(name in declared.data for name in _HANDLERS):
        return False
    return not any(path.split("/")[1] == "events" for path in changed) or event_names(declared) == event_names(live)


def _names_handler(path: str) -> bool:
    return not {*_HANDLERS}.isdisjoint(path.split("/"))


def _holds_handler(value: Any) -> bool:
    if isinstance(value, dict):
        return any(name in _HANDLERS or _holds_handler(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(_holds_handler, value))


def matches(declared: Content, live: Content) -> bool:
    """Whether a live module is the declared one under the comparison rules, whatever the server has added to it."""
    found = likeness(declared, live)
    return found is not None and found[0] == 0


def matches_exactly(declared: Content, live: Content) -> bool:
    """Whether a live module is the declared one under the comparison rules, and no user has added to it."""
    return matches(declared, live) and not user_additions(declared, live)


def is_duplicate(declared: Content, registered: Content, live: Content) -> bool:
    """Whether a live module has a declared content, or what the server made of it when it was ``registered``."""
    if live.type != declared.type:
        return False
    forms = normalized_forms(declared, registered)
    seen = as_declared(declared, live, server_additions(declared, registered), forms)
    return matches_exactly(declared, live) or same(declared, seen)


def user_additions(declared: Content, live: Content) -> list[str]:
    """The paths of a live module that are not declared, and that a server hardly adds by itself."""
    spec = TYPES.get(declared.type)
    if spec is None:
        return []
    return [path for path in server_additions(declared, live) if _is_settable(spec, path) and _is_significant(live, path)]


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
        value: Any = value_at(live, path)
    except (KeyError, IndexError, TypeError):
        return True  # an event has another place in the declaration
    return bool(value) or (value == 0 and not isinstance(value, bool))
