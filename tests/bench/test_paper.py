"""docs/scale.md: every number has its source, and what is computed is what is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.document import Document
from bench.scale import paper
from bench.scale.arithmetic import UNKNOWN, Book, Quantity
from bench.scale.figures import FleetCell, Operation
from tests.support.bench_figures import FLEETS, STACKS

TEMPLATE = Path(paper.__file__).with_name("paper.md").read_text("utf-8")
JSON = Path("docs/any.json")
OTHERS: tuple[Operation, ...] = ("nothing to do", "refresh")


def whole() -> Document:
    up = FLEETS.cells[0]
    quiet = [FleetCell(**{**up.model_dump(), "operation": operation, "wall": 10, "requests": 5}) for operation in OTHERS]
    return Document(version=2, fleets=FLEETS.model_copy(update={"cells": [up, *quiet]}), stacks=STACKS)


def rows(text: str, kind: str) -> dict[str, list[str]]:
    """The cells of each row of the tables that begins with such a mark, without the mark."""
    found = re.findall(rf"^\| ({kind}\d+) \| (.*) \|$", text, re.MULTILINE)
    return {mark: rest.split(" | ") for mark, rest in found}


def number(shown: str) -> float:
    return float(shown.split(maxsplit=1)[0].replace(",", ""))


def test_the_template_holds_no_number() -> None:
    prose = re.sub(r"`[^`]*`|\{\w+\}|\]\([^)]*\)|<!--.*?-->|^\d+\. |\bS3\b", "", TEMPLATE, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r".*\d.*", prose) == []


def test_every_number_in_a_sentence_bears_a_mark_that_a_table_explains() -> None:
    text = paper.page(whole(), JSON)
    explained = {mark for kind in "MDAC" for mark in rows(text, kind)}
    named = re.findall(r"\(([MDAC]\d+)\)", text)
    assert len(named) > 100
    assert set(named) <= explained


def test_what_is_documented_has_a_link_and_what_is_measured_names_its_part() -> None:
    text = paper.page(whole(), JSON)
    assert all("](https://" in cells[-1] for cells in rows(text, "D").values())
    assert {cells[-1] for cells in rows(text, "M").values()} == {"fleets", "stacks"}
    assert all(cells[-1] for cells in rows(text, "A").values())


def test_the_arithmetic_that_is_shown_leads_to_what_is_shown() -> None:
    checked = 0
    for mark, (_, arithmetic, shown) in rows(paper.page(whole(), JSON), "C").items():
        plain = re.sub(r"([\d.,]+)( [\w%$/]+)? \([MDAC]\d+\)", r"\1", arithmetic).replace(",", "").split()
        value = float(plain[0])
        for sign, factor in zip(plain[1::2], plain[2::2], strict=True):
            value = value * float(factor) if sign == "×" else value / float(factor)
        digits = len(shown.split()[0].partition(".")[2])
        assert number(shown) == pytest.approx(value, abs=0.5000001 * 10**-digits), mark
        checked += 1
    assert checked > 30


def test_a_first_up_of_all_takes_what_one_takes_so_many_times() -> None:
    text = paper.page(whole(), JSON)
    (row,) = [cells for cells in rows(text, "C").values() if cells[0] == "machine time: first `up` of all"]
    assert row[1:] == ["10,000 (A1) × 4.00 s (M4) ÷ 3,600", "11.1 h"]


def test_what_was_not_measured_is_unknown_and_so_is_what_follows_from_it() -> None:
    text = paper.page(Document(version=2, stacks=STACKS), JSON)
    assert "Of *fleets*: not measured yet" in text
    worked = {cells[0]: cells[-1] for cells in rows(text, "C").values()}
    assert worked["machine time: first `up` of all"] == UNKNOWN
    assert worked["state of all"] == "3.0 GB"
    assert worked["a release"] == "20,000"


def test_the_page_says_that_its_figures_are_those_of_a_quick_run() -> None:
    quick = FLEETS.model_copy(update={"circumstances": FLEETS.circumstances.model_copy(update={"quick": True})})
    text = paper.page(Document(version=2, fleets=quick), JSON)
    assert "Of *fleets*: **A quick run** (`--quick`), for a first look: 100 modules on each installation." in text


def test_a_sum_goes_on_with_the_rounded_number_that_it_shows() -> None:
    book = Book()
    third = book.given("third", "measured", 1 / 3, "s", "a third", "fleets", 1)
    assert third == Quantity(0.3, "0.3 s (M1)")
    assert book.worked("whole", "size", third * 3, "s", "a whole", 1) == Quantity(0.9, "0.9 s (C1)")
