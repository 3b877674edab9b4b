"""docs/scale.md: every number has a source, and every result matches its formula."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.document import Document, load
from bench.options import DOCUMENT
from bench.scale import capacity
from bench.scale.figures import FleetCell, Operation
from bench.scale.worksheet import UNKNOWN, Quantity, Worksheet
from pulumi_atlassian_forge.config.settings import InstallationSettings
from pulumi_atlassian_forge.session.connection import CONCURRENCY
from tests.support.bench_figures import FLEETS, STACKS

TEMPLATE = Path(capacity.__file__).with_name("capacity.template.md").read_text("utf-8")
JSON = Path("docs/any.json")
OTHERS: tuple[Operation, ...] = ("nothing to do", "refresh")


def complete_document() -> Document:
    up = FLEETS.cells[0]
    quiet = [FleetCell(**{**up.model_dump(), "operation": operation, "wall": 10, "requests": 5}) for operation in OTHERS]
    return Document(version=3, fleets=FLEETS.model_copy(update={"cells": [up, *quiet]}), stacks=STACKS)


def rows(text: str, kind: str) -> dict[str, list[str]]:
    """The cells of each table row whose mark is of the given kind, without the mark."""
    found = re.findall(rf"^\| ({kind}\d+) \| (.*) \|$", text, re.MULTILINE)
    return {mark: rest.split(" | ") for mark, rest in found}


def number(shown: str) -> float:
    return float(shown.split(maxsplit=1)[0].replace(",", ""))


def factor(shown: str) -> float:
    return number(shown) / (100 if "%" in shown else 1)


@pytest.fixture(scope="module")
def committed() -> Callable[[str], float]:
    """A number of the committed page, by its name in the template."""
    words = capacity.estimate(load(DOCUMENT)).words
    return lambda name: number(words[name])


def test_the_template_contains_no_number() -> None:
    prose = re.sub(r"`[^`]*`|\{\w+\}|\]\([^)]*\)|<!--.*?-->|^\d+\. |\bS3\b", "", TEMPLATE, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r".*\d.*", prose) == []


def test_every_number_in_a_sentence_has_a_mark_that_a_table_explains() -> None:
    text = capacity.page(complete_document(), JSON)
    explained = {mark for kind in "MDAC" for mark in rows(text, kind)}
    named = re.findall(r"\(([MDAC]\d+)\)", text)
    assert len(named) > 100
    assert set(named) <= explained


def test_documented_numbers_have_a_link_and_measured_ones_name_their_part() -> None:
    text = capacity.page(complete_document(), JSON)
    assert all(re.search(r"\]\((https://|guide/|\.\./README\.md#)", cells[-1]) for cells in rows(text, "D").values())
    assert {cells[-1] for cells in rows(text, "M").values()} == {"fleets", "stacks"}
    assert all(cells[-1] for cells in rows(text, "A").values())


def test_the_shown_formula_gives_the_shown_result() -> None:
    checked = 0
    for mark, (_, arithmetic, shown) in rows(capacity.page(complete_document(), JSON), "C").items():
        terms = re.split(r" ([×÷]) ", arithmetic)
        value = factor(terms[0])
        for sign, term in zip(terms[1::2], terms[2::2], strict=True):
            value = value * factor(term) if sign == "×" else value / factor(term)
        digits = len(shown.split()[0].partition(".")[2])
        assert number(shown) == pytest.approx(value, abs=0.5000001 * 10**-digits), mark
        checked += 1
    assert checked > 30


def test_the_first_up_of_all_is_that_of_one_times_their_number() -> None:
    text = capacity.page(complete_document(), JSON)
    (row,) = [cells for cells in rows(text, "C").values() if cells[0] == "machine time: first `up` of all"]
    assert row[1:] == ["10,000 (A1) × 4.00 s (M4) ÷ 3,600", "11.1 h"]


def test_numbers_that_were_not_measured_are_unknown_and_so_are_their_results() -> None:
    text = capacity.page(Document(version=3, stacks=STACKS), JSON)
    assert "Of *fleets*: not measured yet" in text
    worked = {cells[0]: cells[-1] for cells in rows(text, "C").values()}
    assert worked["machine time: first `up` of all"] == UNKNOWN
    assert worked["state of all"] == "3.0 GB"
    assert worked["a release"] == "20,000"


def test_the_page_marks_figures_of_a_quick_run() -> None:
    quick = FLEETS.model_copy(update={"environment": FLEETS.environment.model_copy(update={"quick": True})})
    text = capacity.page(Document(version=3, fleets=quick), JSON)
    assert "Of *fleets*: **A quick run** (`--quick`), for a first impression: 100 modules on each installation." in text


def test_a_result_is_computed_from_the_rounded_numbers_that_are_shown() -> None:
    sheet = Worksheet()
    third = sheet.add_input("third", "measured", 1 / 3, "s", "a third", "fleets", 1)
    assert third == Quantity(0.3, "0.3 s (M1)")
    assert sheet.add_result("whole", "size", third * 3, "s", "a whole", 1) == Quantity(0.9, "0.9 s (C1)")


def test_a_percentage_is_used_as_a_fraction() -> None:
    sheet = Worksheet()
    part = sheet.add_input("part", "assumed", 0.5, "%", "some", "any", 1)
    assert (part, sheet.words["part"]) == (Quantity(0.005, "0.5 % (A1)"), "0.5 % (A1)")
    assert (sheet.add_input("none", "measured", None, "%", "some", "any") * 2).value is None
    worked = rows(capacity.page(complete_document(), JSON), "C").values()
    (row,) = [cells for cells in worked if cells[0].startswith("installations that fail in a run")]
    assert row[1:] == ["10,000 (A1) × 0.5 % (A9)", "50"]


def test_dependents_of_a_number_include_indirect_ones() -> None:
    sheet = Worksheet()
    one, other = (sheet.add_input(name, "measured", 2, "s", name, "fleets") for name in ("one", "other"))
    twice = sheet.add_result("twice", "size", one * 2, "s", "twice")
    sheet.add_result("apart", "size", other * 2, "s", "apart")
    sheet.add_result("both", "size", other * twice, "s", "both")
    assert sheet.dependents("one") == ["C1", "C3"]
    assert sheet.dependents("other") == ["C2", "C3"]
    assert sheet.dependents("both") == []


def test_the_latency_is_in_a_table_and_its_dependents_are_named() -> None:
    text = capacity.page(complete_document(), JSON)
    (mark,) = [mark for mark, cells in rows(text, "M").items() if cells[0].startswith("latency") and cells[1] == "50 ms"]
    assert f"Each response came after 50 ms ({mark})" in text
    named = re.search(r"A first `up`, 4\.00 s \(M4\), and with it ([C\d, ]+)\. About 0\.6 s", text)
    assert named is not None
    assert set(named[1].split(", ")) >= {mark for mark, cells in rows(text, "C").items() if "(M4)" in cells[1]}


def test_an_operation_waits_for_all_operations_in_flight() -> None:
    found = {cells[0]: cells[1:] for cells in rows(capacity.page(complete_document(), JSON), "C").values()}
    flying = found["operations in flight in a first `up`, on all runners"]
    assert [re.sub(r" \(\w+\)", "", cell) for cell in flying] == ["20 × 2 × 4", "160"]
    words = capacity.estimate(complete_document()).words
    assert {name: number(words[name]) for name in ("wait", "wait_related", "served", "served_jobs", "wait_alone")} == {
        "wait": 16,
        "wait_related": 192,
        "served": 100,
        "served_jobs": 12.5,
        "wait_alone": 9.6,
    }


def test_documented_numbers_of_this_provider_match_its_code() -> None:
    words = capacity.estimate(complete_document()).words
    assert number(words["at_once"]) == CONCURRENCY
    assert number(words["timeout"]) == InstallationSettings.model_fields["operation_timeout"].default


def test_the_rate_determines_the_time_of_a_shard_s_job() -> None:
    words = capacity.estimate(complete_document()).words
    shared = {name: number(words[name]) for name in ("shard_requests", "shard_shared", "shard_shared_related", "shard_jobs")}
    assert shared == {"shard_requests": 10_100, "shard_shared": 5.6, "shard_shared_related": 67.3, "shard_jobs": 11.2}
    assert {name: number(words[name]) for name in ("shard_alone", "shard_alone_related", "shard_fits", "first_days")} == {
        "shard_alone": 0.3,
        "shard_alone_related": 3.4,
        "shard_fits": 1.8,
        "first_days": 14.0,
    }
    assert {name: number(words[name]) for name in ("canary_rate", "canary_related", "wave_rate", "wave_related")} == {
        "canary_rate": 3.4,
        "canary_related": 40.4,
        "wave_rate": 1.4,
        "wave_related": 16.8,
    }


def test_statements_about_waits_hold_for_the_committed_figures(committed: Callable[[str], float]) -> None:
    assert committed("wait") < committed("timeout") < committed("wait_related")
    assert committed("wait_alone") < committed("timeout") / 10
    assert committed("served") < committed("flying")
    assert committed("offered_one") > committed("rate") > committed("related") / 60  # one job exceeds either rate


def test_statements_about_jobs_hold_for_the_committed_figures(committed: Callable[[str], float]) -> None:
    assert committed("job") * 0.9 < committed("shard_shared") < committed("job") < committed("shard_shared_related")
    assert committed("shard_alone_related") < committed("job")
    assert 1 <= committed("shard_fits") < 2
    assert committed("first_days") < committed("run_time")


def test_committed_fleets_and_stacks_have_the_same_latency() -> None:
    found = load(DOCUMENT)
    assert found.fleets is not None
    assert found.stacks is not None
    assert found.matrix is not None
    assert found.fleets.latency == found.stacks.latency
    assert {0, found.fleets.latency} < set(found.matrix.latencies)
