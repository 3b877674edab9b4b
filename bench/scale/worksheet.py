"""Numbers that know where they come from, and arithmetic that shows itself: what a page prints is what was computed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Source = Literal["measured", "documented", "assumed"]

_LETTERS: Final[dict[Source, str]] = {"measured": "M", "documented": "D", "assumed": "A"}
UNKNOWN: Final = "?"


@dataclass(frozen=True)
class Quantity:
    """A number and how it was come by.

    Attributes:
        value: The number, of a percentage its part of one; None where what it stands on was not measured.
        text: As it stands in a line of arithmetic.
    """

    value: float | None
    text: str

    def __mul__(self, other: Quantity | int) -> Quantity:
        right = _quantity(other)
        both = None if self.value is None or right.value is None else self.value * right.value
        return Quantity(both, f"{self.text} × {right.text}")

    def __truediv__(self, other: Quantity | int) -> Quantity:
        right = _quantity(other)
        both = None if self.value is None or right.value is None else self.value / right.value
        return Quantity(both, f"{self.text} ÷ {right.text}")


def _quantity(number: Quantity | int) -> Quantity:
    return number if isinstance(number, Quantity) else Quantity(number, f"{number:,}")


@dataclass(frozen=True)
class _Given:
    mark: str
    what: str
    shown: str
    why: str


@dataclass(frozen=True)
class _Worked:
    mark: str
    topic: str
    what: str
    arithmetic: str
    shown: str


class Book:
    """All numbers of a page.

    Attributes:
        words: Each number by its name, as it stands in a sentence: with its mark.
    """

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._given: dict[Source, list[_Given]] = {source: [] for source in _LETTERS}
        self._worked: list[_Worked] = []

    def given(self, name: str, source: Source, value: float | None, unit: str, what: str, why: str, digits: int = 0) -> Quantity:
        """Enter a number.

        Args:
            name: For sentences.
            source: Where it comes from.
            value: The number; None where it was not measured.
            unit: What is written after it.
            what: What it is.
            why: The part of the benchmark, the link, or the reason.
            digits: After the point.
        """
        mark = f"{_LETTERS[source]}{len(self._given[source]) + 1}"
        shown = _shown(value, unit, digits)
        self._given[source].append(_Given(mark, what, shown, why))
        entered = self._entered(name, value, digits, shown, mark)
        return Quantity(entered.value / 100, entered.text) if unit == "%" and entered.value is not None else entered

    def worked(self, name: str, topic: str, found: Quantity, unit: str, what: str, digits: int = 0) -> Quantity:
        """Enter what was computed; its arithmetic is shown under a topic."""
        mark = f"C{len(self._worked) + 1}"
        shown = _shown(found.value, unit, digits)
        self._worked.append(_Worked(mark, topic, what, found.text, shown))
        return self._entered(name, found.value, digits, shown, mark)

    def _entered(self, name: str, value: float | None, digits: int, shown: str, mark: str) -> Quantity:
        """What is computed further is what is shown, so that a reader can check it."""
        text = f"{shown} ({mark})"
        self.words[name], self._marks[name] = text, mark
        return Quantity(None if value is None else round(value, digits), text)

    def hanging(self, name: str) -> list[str]:
        """The marks of what was computed from a number, or from something that was."""
        found = [self._marks[name]]
        for one in self._worked:
            if set(found) & set(re.findall(r"\((\w+)\)", one.arithmetic)):
                found.append(one.mark)
        return found[1:]

    def sources(self, source: Source) -> str:
        """The table of one kind of numbers."""
        rows = (f"| {one.mark} | {one.what} | {one.shown} | {one.why} |" for one in self._given[source])
        return "\n".join(["| | what | | from |", "|---|---|---:|---|", *rows])

    def topic(self, topic: str) -> str:
        """The arithmetic of one topic."""
        return "\n".join(["| | what | arithmetic | |", "|---|---|---|---:|", *self._lines(topic)])

    def _lines(self, topic: str) -> Iterator[str]:
        for one in self._worked:
            if one.topic == topic:
                yield f"| {one.mark} | {one.what} | {one.arithmetic} | {one.shown} |"


def _shown(value: float | None, unit: str, digits: int) -> str:
    return UNKNOWN if value is None else f"{value:,.{digits}f}{unit and ' '}{unit}"
