"""One validation error, and what its place is called in state and in a program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Location: TypeAlias = tuple[str | int, ...]
"""Names and indices from a resource's property downwards: ``("filter", "onError")``, ``("data", "values", 0)``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A validation error of a declaration."""

    path: str  # the property, named as in state: ``filter.onError``, ``events[2]``, ``data.title``; empty for the whole resource
    text: str  # the Python argument, the rule and what to do; never a value of the user: it may be a secret
    unknown: Location = ()  # the place of a property that is not known there; empty for any other error


def problem_at(location: Location, rule: str) -> Problem:
    """The error that the value at a place breaks a rule: its text is the argument and then the rule."""
    return Problem(path_of(location), f"{argument_of(location)} {rule}")


def path_of(location: Location) -> str:
    """The path of a place in state: ``data.values[0].path``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def argument_of(location: Location) -> str:
    """What a place is called in a program: ``on_error=``, ``events[2]``, ``data['values'][0]['path']``."""
    root, *below = location
    if root == "data" and below:
        return "data" + "".join(f"[{part!r}]" for part in below)
    last = max(index for index, part in enumerate(location) if isinstance(part, str))
    return snake(str(location[last])) + ("".join(f"[{part}]" for part in location[last + 1 :]) or "=")


def snake(name: str) -> str:
    """The Python name of a property: ``on_error`` for ``onError``."""
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
