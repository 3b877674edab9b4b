"""The parts of which :mod:`.rules` is made: functions that look at one value and say what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], str | None]
"""Takes a value and where it stands; returns the first thing that is wrong, or None."""


def text(longest: int | None = None, pattern: str = r"(?s:.+)") -> Check:
    """A string that is not empty.

    Args:
        longest: How many characters it may have.
        pattern: What it has to match, as a whole.
    """
    form = re.compile(pattern)

    def check(value: Any, where: str) -> str | None:
        if not isinstance(value, str):
            return f"{where} has to be a string"
        if not value:
            return f"{where} is empty"
        if longest is not None and len(value) > longest:
            return f"{where} is longer than {longest} characters"
        return None if form.fullmatch(value) else f"{where} does not match {pattern}"

    return check


def among(names: str) -> Check:
    """One of some words.

    Args:
        names: The words, with ``/`` between them.
    """
    words = names.split("/")

    def check(value: Any, where: str) -> str | None:
        return None if isinstance(value, str) and value in words else f"{where} is none of {', '.join(words)}"

    return check


def flag(value: Any, where: str) -> str | None:
    """A Boolean."""
    return None if isinstance(value, bool) else f"{where} has to be true or false"


def anything(value: Any, where: str) -> str | None:  # noqa: ARG001 - the form of a Check
    """Whatever JSON can hold."""
    return None


def each(check: Check, *, least: int = 0) -> Check:
    """A list whose entries all pass.

    Args:
        check: What every entry is held against.
        least: How many entries there have to be.
    """

    def check_list(value: Any, where: str) -> str | None:
        if not isinstance(value, list):
            return f"{where} has to be a list"
        if len(value) < least:
            return f"{where} has too few entries"
        return first(check(item, f"{where}[{index}]") for index, item in enumerate(value))

    return check_list


def record(properties: Mapping[str, Check] | None = None, *, closed: bool = False, one: str = "", some: str = "") -> Check:
    """An object.

    Args:
        properties: What is held against which property; one with ``*`` at the end of its name has to be there.
        closed: Whether other properties are refused.
        one: Two properties, with ``/`` between them, of which exactly one has to be there.
        some: Properties, with ``/`` between them, of which at least one has to be there.
    """
    checks = {name.rstrip("*"): check for name, check in (properties or {}).items()}
    needed = [name.rstrip("*") for name in properties or {} if name.endswith("*")]

    def check(value: Any, where: str) -> str | None:
        if not isinstance(value, dict):
            return f"{where} has to be an object"
        missing = first(f"{where}.{name} is missing" for name in needed if name not in value)
        strange = first(f"{where}.{name} is not a property" for name in value if closed and name not in checks)
        inner = first(checks[name](item, f"{where}.{name}") for name, item in value.items() if name in checks)
        return missing or strange or inner or groups(value, where)

    def groups(value: dict[str, Any], where: str) -> str | None:
        if one and sum(name in value for name in one.split("/")) != 1:
            return f"{where} needs exactly one of {one.replace('/', ' and ')}"
        if some and not any(name in value for name in some.split("/")):
            return f"{where} needs at least one of {some.replace('/', ', ')}"
        return None

    return check


def either(of_text: Check, of_object: Check) -> Check:
    """An object of one kind, or something that is not an object."""

    def check(value: Any, where: str) -> str | None:
        return (of_object if isinstance(value, dict) else of_text)(value, where)

    return check


def both(one: Check, other: Check) -> Check:
    """A value that passes two checks; the second may rely on the first."""

    def check(value: Any, where: str) -> str | None:
        return one(value, where) or other(value, where)

    return check


def first(messages: Any) -> str | None:
    """The first message of many, or None."""
    return next((message for message in messages if message), None)
