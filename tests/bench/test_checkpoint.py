"""A matrix that was interrupted goes on where it was, and never with figures of something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench import matrix
from bench.checkpoint import Checkpoint
from bench.errors import BenchError
from bench.results import Results
from bench.systems import ROWS
from tests.support.bench_command import WORK


def plan(*latencies: int, runs: int = 1) -> matrix.Plan:
    return matrix.Plan([ROWS["httpx-4"]], sizes=[1], latencies=latencies, runs=runs, operations=WORK)


def interrupted_in_the_second_block(figures: Path) -> Results:
    steps: list[str] = []

    def step(what: str) -> None:
        steps.append(what)
        if ", 1 ms, update all" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        matrix.run(plan(0, 1), step, Checkpoint.beside(figures))
    return Results.model_validate_json(figures.with_suffix(".begun.json").read_text("utf-8"))


def test_it_goes_on_with_what_is_not_measured(tmp_path: Path) -> None:
    figures, steps = tmp_path / "new" / "p.json", list[str]()
    kept = interrupted_in_the_second_block(figures)
    assert [(cell.latency, cell.operation) for cell in kept.cells] == [(0, operation) for operation in WORK]
    found = matrix.run(plan(0, 1), steps.append, Checkpoint.beside(figures, is_resumed=True))
    assert found.cells[: len(WORK)] == kept.cells
    assert [(cell.latency, cell.operation) for cell in found.cells[len(WORK) :]] == [(1, operation) for operation in WORK]
    assert len(steps) == plan(0, 1).steps
    assert steps[: len(WORK)] == ["1 modules, 0 ms: measured before"] * len(WORK)


def test_what_was_kept_is_not_overwritten_by_a_run_that_begins_anew(tmp_path: Path) -> None:
    interrupted_in_the_second_block(tmp_path / "p.json")
    kept, steps = (tmp_path / "p.begun.json").read_text("utf-8"), list[str]()
    with pytest.raises(BenchError, match=r"p.begun.json has the figures of an interrupted run\nnext: .*--resume; or delete"):
        matrix.run(plan(0, 1), steps.append, Checkpoint.beside(tmp_path / "p.json"))
    assert steps == []
    assert (tmp_path / "p.begun.json").read_text("utf-8") == kept


def test_a_run_that_goes_on_says_both_days(tmp_path: Path) -> None:
    kept = interrupted_in_the_second_block(tmp_path / "p.json")
    before = kept.model_copy(update={"circumstances": kept.circumstances.model_copy(update={"date": "2026-01-01"})})
    (tmp_path / "p.begun.json").write_text(before.model_dump_json(), "utf-8")
    found = matrix.run(plan(0, 1), lambda what: None, Checkpoint.beside(tmp_path / "p.json", is_resumed=True))
    assert found.circumstances.date == f"2026-01-01 and {kept.circumstances.date}"


@pytest.mark.parametrize("other", [plan(0, 1, runs=2), replace(plan(0, 1), operations=["up"])], ids=["runs", "operations"])
def test_another_plan_does_not_go_on_with_it(tmp_path: Path, other: matrix.Plan) -> None:
    interrupted_in_the_second_block(tmp_path / "p.json")
    with pytest.raises(
        BenchError, match=r"p.begun.json is of another plan, another machine or other software: .+ there, .+\nnext"
    ):
        matrix.run(other, lambda what: None, Checkpoint.beside(tmp_path / "p.json", is_resumed=True))


@pytest.mark.parametrize("text", [None, "{"])
def test_what_cannot_be_read_is_no_beginning(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "p.begun.json").write_text(text, "utf-8")
    with pytest.raises(BenchError, match=r"p.begun.json cannot be used: (.|\n)*next: measure without --resume"):
        matrix.run(plan(0), lambda what: None, Checkpoint.beside(tmp_path / "p.json", is_resumed=True))


def test_a_run_that_writes_nothing_has_nothing_to_go_on_with() -> None:
    with pytest.raises(BenchError, match="next: name their file with --json"):
        matrix.run(plan(0), lambda what: None, Checkpoint.beside(None, is_resumed=True))


def test_whole_figures_leave_nothing_behind(tmp_path: Path) -> None:
    checkpoint = Checkpoint.beside(tmp_path / "p.json")
    matrix.run(plan(0), lambda what: None, checkpoint)
    assert checkpoint.path is not None
    assert checkpoint.path.exists()
    checkpoint.clear()
    assert list(tmp_path.iterdir()) == []
