"""A worksheet of numbers with their sources and formulas, so that a page prints exactly what was computed."""

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
    """A number and its formula.

    Attributes:
        value: The number, of a percentage the fraction; None if it depends on a number that was not measured.
        text: The number or the formula as text.
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
class _Input:
    mark: str
    description: str
    shown: str
    source: str


@dataclass(frozen=True)
class _Result:
    mark: str
    topic: str
    description: str
    formula: str
    shown: str


class Worksheet:
    """All numbers of a page.

    Attributes:
        words: The text of each number with its mark, by name, for sentences.
    """

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._inputs: dict[Source, list[_Input]] = {source: [] for source in _LETTERS}
        self._results: list[_Result] = []

    def add_input(
        self, name: str, source: Source, value: float | None, unit: str, what: str, why: str, digits: int = 0
    ) -> Quantity:
        """Add a number.

        Args:
            name: Its name in the template.
            source: The kind of its source.
            value: The number; None if it was not measured.
            unit: Its unit.
            what: Its description.
            why: The part of the benchmark, the link, or the reason.
            digits: Decimal places.
        """
        mark = f"{_LETTERS[source]}{len(self._inputs[source]) + 1}"
        shown = _shown(value, unit, digits)
        self._inputs[source].append(_Input(mark, what, shown, why))
        added = self._add(name, value, digits, shown, mark)
        return Quantity(added.value / 100, added.text) if unit == "%" and added.value is not None else added

    def add_result(self, name: str, topic: str, found: Quantity, unit: str, what: str, digits: int = 0) -> Quantity:
        """Add a computed number. The page shows its formula under a topic."""
        mark = f"C{len(self._results) + 1}"
        shown = _shown(found.value, unit, digits)
        self._results.append(_Result(mark, topic, what, found.text, shown))
        return self._add(name, found.value, digits, shown, mark)

    def _add(self, name: str, value: float | None, digits: int, shown: str, mark: str) -> Quantity:
        """Round the number as shown, so that a reader can verify further results."""
        text = f"{shown} ({mark})"
        self.words[name], self._marks[name] = text, mark
        return Quantity(None if value is None else round(value, digits), text)

    def dependents(self, name: str) -> list[str]:
        """The marks of all results that depend on a number, directly or indirectly."""
        found = [self._marks[name]]
        for one in self._results:
            if set(found) & set(re.findall(r"\((\w+)\)", one.formula)):
                found.append(one.mark)
        return found[1:]

    def sources(self, source: Source) -> str:
        """The table of the numbers with one kind of source."""
        rows = (f"| {one.mark} | {one.description} | {one.shown} | {one.source} |" for one in self._inputs[source])
        return "\n".join(["| | what | | from |", "|---|---|---:|---|", *rows])

    def topic(self, topic: str) -> str:
        """The table of the results of one topic."""
        return "\n".join(["| | what | formula | |", "|---|---|---|---:|", *self._lines(topic)])

    def _lines(self, topic: str) -> Iterator[str]:
        for one in self._results:
            if one.topic == topic:
                yield f"| {one.mark} | {one.description} | {one.formula} | {one.shown} |"


def _shown(value: float | None, unit: str, digits: int) -> str:
    return UNKNOWN if value is None else f"{value:,.{digits}f}{unit and ' '}{unit}"
