"""The file of the figures: each part stands for itself, and the first form is still read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import report
from bench.bench_plan import Whole
from bench.document import Document, load
from bench.errors import BenchError
from bench.matrix import Plan
from bench.scale.plan import Plan as ScalePlan
from tests.support.bench_figures import FLEETS, STACKS

VERSION_1 = {
    "version": 1,
    "date": "2026-01-02",
    "quick": True,
    "cores": 2,
    "processor": "any",
    "software": {"Python": "3.11"},
    "runs": 1,
    "quiet_runs": 1,
    "sizes": [10],
    "latencies": [50],
    "rows": ["ours-v2"],
    "left_out": {},
    "modules": {},
    "cells": [
        {"row": "ours-v2", "size": 10, "latency": 50, "operation": "up", "wall": [2.5], "requests": [11], "in_flight": [4]}
    ],
}


def test_a_file_without_fleets_and_stacks_is_still_read_and_rendered(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(VERSION_1), "utf-8")
    found = load(tmp_path / "p.json")
    assert found.matrix is not None
    assert found.matrix.circumstances.date == "2026-01-02"
    assert (found.matrix.cells[0].wall, found.fleets, found.stacks) == ([2.5], None, None)
    report.write(found, tmp_path / "p.json")
    assert "**A quick run**" in (tmp_path / "p.md").read_text("utf-8")
    assert "## Fleets" not in (tmp_path / "p.md").read_text("utf-8")
    assert load(tmp_path / "p.json") == found


def test_what_is_written_is_read_again_with_a_line_for_each_cell(tmp_path: Path) -> None:
    found = Document(version=2, fleets=FLEETS, stacks=STACKS)
    (tmp_path / "p.json").write_text(found.dump(), "utf-8")
    assert load(tmp_path / "p.json") == found
    (line,) = [line for line in found.dump().splitlines() if '"state"' in line]
    assert json.loads(line)["written"] == 30


def test_a_page_without_the_matrix_has_the_rest(tmp_path: Path) -> None:
    report.write(Document(version=2, fleets=FLEETS), tmp_path / "p.json")
    page = (tmp_path / "p.md").read_text("utf-8")
    assert "## What is compared" not in page
    assert "| up | 5 | 20.0 | 4.00 | 7.5 | 7.5 – 7.5 | 101 | 6.00 | 600 | 300 |" in page
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["fleets.svg"]


def whole(matrix: Plan | None, stacks: ScalePlan | None) -> Whole:
    return Whole(matrix=matrix, fleets=ScalePlan([1], 1, 0), stacks=stacks)


def test_a_part_that_is_left_out_stays_as_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    newer = Document(version=2, fleets=FLEETS.model_copy(update={"modules": 10}))
    assert whole(None, None).before(path).with_parts_of(newer).stacks is None
    path.write_text(Document(version=2, fleets=FLEETS, stacks=STACKS).dump(), "utf-8")
    both = whole(None, None).before(path).with_parts_of(newer)
    assert (both.fleets, both.stacks) == (newer.fleets, STACKS)


def test_what_a_whole_run_has_not_yet_measured_stays_as_it_stood(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(Document(version=2, fleets=FLEETS, stacks=STACKS).dump(), "utf-8")
    all_parts = whole(Plan([], [1], [0], runs=1), ScalePlan([1], 1, 0))
    assert all_parts.before(tmp_path / "p.json") == Document(version=2, fleets=FLEETS, stacks=STACKS)


def test_a_whole_run_needs_nothing_of_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("of no use", "utf-8")
    all_parts = whole(Plan([], [1], [0], runs=1), ScalePlan([1], 1, 0))
    assert all_parts.before(tmp_path / "p.json") == Document(version=2)


def test_a_part_is_not_put_into_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"version": 3}', "utf-8")
    with pytest.raises(BenchError, match="cannot be used"):
        whole(None, None).before(tmp_path / "p.json")
