"""Whose an addition is: what a live module holds beyond its declaration may be the server's, or somebody's.

Nothing in the API tells. Of the known types the properties that people can set are known: one of those with a value that says
something is somebody's, unless it is the documented default; anything else is the server's.
"""

from __future__ import annotations

from pulumi_atlassian_forge.model.catalog.module_types import TYPES
from pulumi_atlassian_forge.model.catalog.schema import ListOf, ObjectOf, OneOf, Spec

from .comparison import as_declared, same, server_additions, value_at
from .content import Content


def means(declared: Content, live: Content) -> bool:
    """Whether a live module is the declared one; what a server adds by itself does not make it another."""
    return live.type == declared.type and same(declared, as_declared(declared, live, None))


def is_exactly(declared: Content, live: Content) -> bool:
    """Whether a live module is the declared one, and nobody has added to it."""
    return means(declared, live) and not somebodys(declared, live)


def somebodys(declared: Content, live: Content) -> list[str]:
    """The paths of a live module that are not declared, and that a server hardly adds by itself."""
    spec = TYPES.get(declared.type)
    if spec is None:
        return []
    return [path for path in server_additions(declared, live) if _is_settable(spec, path) and _says_something(live, path)]


def overlap(paths: list[str], others: list[str]) -> list[str]:
    """Those of the paths that are one of the others, or lie above or below one."""
    return [path for path in paths if any(_within(path, other) or _within(other, path) for other in others)]


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}/")


def _is_settable(spec: Spec, path: str) -> bool:
    for part in path.split("/")[1:]:
        if isinstance(spec, OneOf):
            spec = spec.fields
        if isinstance(spec, ObjectOf):
            inner = {**spec.required, **spec.optional}.get(part)
            if inner is None:
                return False
            spec = inner
        elif isinstance(spec, ListOf):
            spec = spec.of
        else:
            return False
    return True


def _says_something(live: Content, path: str) -> bool:
    """False, empty and null are what an absent value means as a rule."""
    try:
        value = value_at(live, path)
    except (KeyError, IndexError, TypeError):
        return True  # an event has another place in the declaration
    return bool(value) or (value == 0 and not isinstance(value, bool))
