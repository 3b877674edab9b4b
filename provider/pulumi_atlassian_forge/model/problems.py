"""One thing that is wrong with a declaration, and how the place of it is called in state and in a program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Location: TypeAlias = tuple[str | int, ...]
"""Names and indices from a resource's property downwards: ``("filter", "onError")``, ``("data", "values", 0)``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure of ``check``.

    Attributes:
        path: The property, spelt as in state: ``filter.onError``, ``events[2]``, ``data.title``; empty for the whole resource.
        text: The Python argument, the rule and what to do. Never a value that a user gave: it may be a secret.
        unknown: Where a property stands that is not known there; empty for any other failure.
    """

    path: str
    text: str
    unknown: Location = ()


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
    """The Python spelling of a property: ``on_error`` for ``onError``."""
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
