"""One validation error or warning, and what its place is called in state and in a program."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeAlias

Location: TypeAlias = tuple[str | int, ...]
"""Names and indices from a resource's property downwards: ``("filter", "onError")``, ``("data", "values", 0)``."""

# The codes of the rules of which the server is the judge. errors.CODES has their titles.
UNKNOWN_EVENT: Final = "AF401"
UNKNOWN_TYPE: Final = "AF402"
NOT_A_CHOICE: Final = "AF403"
OTHER_FORM: Final = "AF404"
OTHER_LENGTH: Final = "AF405"
OTHER_PRODUCT: Final = "AF406"
UNKNOWN_PROPERTY: Final = "AF407"
LONG_REFERENCE: Final = "AF408"
OTHER_KEY: Final = "AF409"
DUPLICATE_EVENT: Final = "AF410"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, or may be, with a declaration. The severity belongs to the rule; a front end only shows it.

    A rule of which the server is the judge, because Atlassian adds values without notice, has a ``code``: it is a warning, and
    with the setting ``strict`` an error. A rule without a code is always an error.
    """

    path: str  # the property, named as in state: ``filter.onError``, ``events[2]``, ``data.title``; empty for the whole resource
    text: str  # the Python argument, the rule and what to do; never a value of the user: it may be a secret
    unknown: Location = ()  # the place of a property that is not known there; empty for any other rule
    code: str = ""
    details: str = ""  # the value and what may have been meant; to be shown only if the value is no secret

    @property
    def is_error(self) -> bool:
        """Whether this is an error without ``strict``, too."""
        return not self.code

    def message(self, *, details: bool = False) -> str:
        """The text for a person, with its code; with the value only if asked for it."""
        text = f"{self.text}: {self.details}" if details and self.details else self.text
        return f"{text} ({self.code})" if self.code else text

    def is_within(self, paths: Collection[str]) -> bool:
        """Whether its place is one of the paths, or below one."""
        return any(self.path == path or self.path.startswith((f"{path}.", f"{path}[")) for path in paths)


def problem_at(location: Location, rule: str, code: str = "") -> Problem:
    """The problem that the value at a place breaks a rule: its text is the argument and then the rule."""
    return Problem(path_of(location), f"{argument_of(location)} {rule}", code=code)


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


def camel(name: str) -> str:
    """The API property name of a Python argument: ``onError`` for ``on_error``."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
