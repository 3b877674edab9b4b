"""The file of the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import report
from bench.bench_plan import BenchPlan
from bench.document import Document, load
from bench.errors import BenchError
from bench.matrix import MatrixPlan
from bench.scale.plan import Plan as ScalePlan
from tests.support.bench_figures import FLEETS, STACKS


def test_a_written_document_is_read_back_and_has_a_line_for_each_cell(tmp_path: Path) -> None:
    found = Document(version=3, fleets=FLEETS, stacks=STACKS)
    (tmp_path / "p.json").write_text(found.dump(), "utf-8")
    assert load(tmp_path / "p.json") == found
    (line,) = [line for line in found.dump().splitlines() if '"state"' in line]
    assert json.loads(line)["written"] == 30


def test_a_page_without_the_matrix_has_the_other_parts(tmp_path: Path) -> None:
    report.write(Document(version=3, fleets=FLEETS), tmp_path / "p.json")
    page = (tmp_path / "p.md").read_text("utf-8")
    assert "## Compared systems" not in page
    assert "| up | 5 | 20.0 | 4.00 | 7.5 | 7.5 – 7.5 | 101 | 6.00 | 600 | 300 |" in page
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["fleets.svg"]


def bench_plan(matrix: MatrixPlan | None, stacks: ScalePlan | None) -> BenchPlan:
    return BenchPlan(matrix=matrix, fleets=ScalePlan([1], 1, 0), stacks=stacks)


def test_a_skipped_part_keeps_its_figures(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    newer = Document(version=3, fleets=FLEETS.model_copy(update={"modules": 10}))
    assert bench_plan(None, None).before(path).with_parts_of(newer).stacks is None
    path.write_text(Document(version=3, fleets=FLEETS, stacks=STACKS).dump(), "utf-8")
    both = bench_plan(None, None).before(path).with_parts_of(newer)
    assert (both.fleets, both.stacks) == (newer.fleets, STACKS)


def test_parts_that_are_not_measured_yet_keep_their_figures(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(Document(version=3, fleets=FLEETS, stacks=STACKS).dump(), "utf-8")
    all_parts = bench_plan(MatrixPlan([], [1], [0], runs=1), ScalePlan([1], 1, 0))
    assert all_parts.before(tmp_path / "p.json") == Document(version=3, fleets=FLEETS, stacks=STACKS)


def test_a_complete_run_ignores_an_invalid_file(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("of no use", "utf-8")
    all_parts = bench_plan(MatrixPlan([], [1], [0], runs=1), ScalePlan([1], 1, 0))
    assert all_parts.before(tmp_path / "p.json") == Document(version=3)


def test_a_part_is_not_written_into_an_invalid_file(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"version": 2}', "utf-8")
    with pytest.raises(BenchError, match="cannot be used"):
        bench_plan(None, None).before(tmp_path / "p.json")
