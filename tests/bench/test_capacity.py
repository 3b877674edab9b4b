"""docs/scale.md: every number has its source, and what is computed is what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.document import Document, load
from bench.options import DOCUMENT
from bench.scale import capacity
from bench.scale.figures import FleetCell, Operation
from bench.scale.worksheet import UNKNOWN, Book, Quantity
from pulumi_atlassian_forge.config.settings import InstallationSettings
from pulumi_atlassian_forge.session.connection import CONCURRENCY
from tests.support.bench_figures import FLEETS, STACKS

TEMPLATE = Path(capacity.__file__).with_name("capacity.template.md").read_text("utf-8")
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


def factor(shown: str) -> float:
    return number(shown) / (100 if "%" in shown else 1)


@pytest.fixture(scope="module")
def committed() -> Callable[[str], float]:
    """A number of the committed page, by the name that the template has for it."""
    words = capacity.reckoned(load(DOCUMENT)).words
    return lambda name: number(words[name])


def test_the_template_holds_no_number() -> None:
    prose = re.sub(r"`[^`]*`|\{\w+\}|\]\([^)]*\)|<!--.*?-->|^\d+\. |\bS3\b", "", TEMPLATE, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r".*\d.*", prose) == []


def test_every_number_in_a_sentence_bears_a_mark_that_a_table_explains() -> None:
    text = capacity.page(whole(), JSON)
    explained = {mark for kind in "MDAC" for mark in rows(text, kind)}
    named = re.findall(r"\(([MDAC]\d+)\)", text)
    assert len(named) > 100
    assert set(named) <= explained


def test_what_is_documented_has_a_link_and_what_is_measured_names_its_part() -> None:
    text = capacity.page(whole(), JSON)
    assert all(re.search(r"\]\((https://|guide/|\.\./README\.md#)", cells[-1]) for cells in rows(text, "D").values())
    assert {cells[-1] for cells in rows(text, "M").values()} == {"fleets", "stacks"}
    assert all(cells[-1] for cells in rows(text, "A").values())


def test_the_arithmetic_that_is_shown_leads_to_what_is_shown() -> None:
    checked = 0
    for mark, (_, arithmetic, shown) in rows(capacity.page(whole(), JSON), "C").items():
        terms = re.split(r" ([×÷]) ", arithmetic)
        value = factor(terms[0])
        for sign, term in zip(terms[1::2], terms[2::2], strict=True):
            value = value * factor(term) if sign == "×" else value / factor(term)
        digits = len(shown.split()[0].partition(".")[2])
        assert number(shown) == pytest.approx(value, abs=0.5000001 * 10**-digits), mark
        checked += 1
    assert checked > 30


def test_a_first_up_of_all_takes_what_one_takes_so_many_times() -> None:
    text = capacity.page(whole(), JSON)
    (row,) = [cells for cells in rows(text, "C").values() if cells[0] == "machine time: first `up` of all"]
    assert row[1:] == ["10,000 (A1) × 4.00 s (M4) ÷ 3,600", "11.1 h"]


def test_what_was_not_measured_is_unknown_and_so_is_what_follows_from_it() -> None:
    text = capacity.page(Document(version=2, stacks=STACKS), JSON)
    assert "Of *fleets*: not measured yet" in text
    worked = {cells[0]: cells[-1] for cells in rows(text, "C").values()}
    assert worked["machine time: first `up` of all"] == UNKNOWN
    assert worked["state of all"] == "3.0 GB"
    assert worked["a release"] == "20,000"


def test_the_page_says_that_its_figures_are_those_of_a_quick_run() -> None:
    quick = FLEETS.model_copy(update={"circumstances": FLEETS.circumstances.model_copy(update={"quick": True})})
    text = capacity.page(Document(version=2, fleets=quick), JSON)
    assert "Of *fleets*: **A quick run** (`--quick`), for a first look: 100 modules on each installation." in text


def test_a_sum_goes_on_with_the_rounded_number_that_it_shows() -> None:
    book = Book()
    third = book.given("third", "measured", 1 / 3, "s", "a third", "fleets", 1)
    assert third == Quantity(0.3, "0.3 s (M1)")
    assert book.worked("whole", "size", third * 3, "s", "a whole", 1) == Quantity(0.9, "0.9 s (C1)")


def test_a_percentage_goes_on_as_the_part_that_it_is() -> None:
    book = Book()
    part = book.given("part", "assumed", 0.5, "%", "some", "any", 1)
    assert (part, book.words["part"]) == (Quantity(0.005, "0.5 % (A1)"), "0.5 % (A1)")
    assert (book.given("none", "measured", None, "%", "some", "any") * 2).value is None
    worked = rows(capacity.page(whole(), JSON), "C").values()
    (row,) = [cells for cells in worked if cells[0].startswith("installations that a run")]
    assert row[1:] == ["10,000 (A1) × 0.5 % (A9)", "50"]


def test_what_hangs_on_a_number_is_what_was_computed_from_it_at_any_remove() -> None:
    book = Book()
    one, other = (book.given(name, "measured", 2, "s", name, "fleets") for name in ("one", "other"))
    twice = book.worked("twice", "size", one * 2, "s", "twice")
    book.worked("apart", "size", other * 2, "s", "apart")
    book.worked("both", "size", other * twice, "s", "both")
    assert book.hanging("one") == ["C1", "C3"]
    assert book.hanging("other") == ["C2", "C3"]
    assert book.hanging("both") == []


def test_the_latency_is_a_row_and_what_hangs_on_it_is_named() -> None:
    text = capacity.page(whole(), JSON)
    (mark,) = [mark for mark, cells in rows(text, "M").items() if cells[0].startswith("latency") and cells[1] == "50 ms"]
    assert f"Each response came after 50 ms ({mark})" in text
    named = re.search(r"A first `up`, 4\.00 s \(M4\), and with it ([C\d, ]+)\. About 0\.6 s", text)
    assert named is not None
    assert set(named[1].split(", ")) >= {mark for mark, cells in rows(text, "C").items() if "(M4)" in cells[1]}


def test_an_operation_waits_for_all_that_are_in_flight() -> None:
    found = {cells[0]: cells[1:] for cells in rows(capacity.page(whole(), JSON), "C").values()}
    flying = found["operations in flight in a first `up`, on all runners"]
    assert [re.sub(r" \(\w+\)", "", cell) for cell in flying] == ["20 × 2 × 4", "160"]
    words = capacity.reckoned(whole()).words
    assert {name: number(words[name]) for name in ("wait", "wait_sibling", "served", "served_jobs", "wait_alone")} == {
        "wait": 16,
        "wait_sibling": 192,
        "served": 100,
        "served_jobs": 12.5,
        "wait_alone": 9.6,
    }


def test_what_is_documented_of_this_provider_is_what_its_code_says() -> None:
    words = capacity.reckoned(whole()).words
    assert number(words["at_once"]) == CONCURRENCY
    assert number(words["timeout"]) == InstallationSettings.model_fields["operation_timeout"].default


def test_the_rate_decides_how_long_the_job_of_a_shard_takes() -> None:
    words = capacity.reckoned(whole()).words
    shared = {name: number(words[name]) for name in ("shard_requests", "shard_shared", "shard_shared_sibling", "shard_jobs")}
    assert shared == {"shard_requests": 10_100, "shard_shared": 5.6, "shard_shared_sibling": 67.3, "shard_jobs": 11.2}
    assert {name: number(words[name]) for name in ("shard_alone", "shard_alone_sibling", "shard_fits", "first_days")} == {
        "shard_alone": 0.3,
        "shard_alone_sibling": 3.4,
        "shard_fits": 1.8,
        "first_days": 14.0,
    }
    assert {name: number(words[name]) for name in ("canary_rate", "canary_sibling", "wave_rate", "wave_sibling")} == {
        "canary_rate": 3.4,
        "canary_sibling": 40.4,
        "wave_rate": 1.4,
        "wave_sibling": 16.8,
    }


def test_what_the_page_says_of_waits_is_so_with_the_committed_figures(committed: Callable[[str], float]) -> None:
    assert committed("wait") < committed("timeout") < committed("wait_sibling")
    assert committed("wait_alone") < committed("timeout") / 10
    assert committed("served") < committed("flying")
    assert committed("offered_one") > committed("rate") > committed("sibling") / 60  # one job feeds either


def test_what_the_page_says_of_jobs_is_so_with_the_committed_figures(committed: Callable[[str], float]) -> None:
    assert committed("job") * 0.9 < committed("shard_shared") < committed("job") < committed("shard_shared_sibling")
    assert committed("shard_alone_sibling") < committed("job")
    assert 1 <= committed("shard_fits") < 2
    assert committed("first_days") < committed("run_time")


def test_fleets_and_stacks_of_the_committed_figures_have_one_latency() -> None:
    found = load(DOCUMENT)
    assert found.fleets is not None
    assert found.stacks is not None
    assert found.matrix is not None
    assert found.fleets.latency == found.stacks.latency
    assert {0, found.fleets.latency} < set(found.matrix.latencies)
