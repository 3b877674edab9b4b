"""``--resume``: an interrupted matrix continues where it stopped, and never with figures of another plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench import matrix
from bench.checkpoint import Checkpoint
from bench.errors import BenchError
from bench.results import Results
from bench.systems import SYSTEMS
from tests.support.bench_command import WORK


def plan(*latencies: int, runs: int = 1) -> matrix.MatrixPlan:
    return matrix.MatrixPlan([SYSTEMS["httpx-4"]], sizes=[1], latencies=latencies, runs=runs, operations=WORK)


def interrupt_in_second_block(figures: Path) -> Results:
    steps: list[str] = []

    def step(what: str) -> None:
        steps.append(what)
        if ", 1 ms, update all" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        matrix.run(plan(0, 1), step, Checkpoint.next_to(figures))
    return Results.model_validate_json(figures.with_suffix(".begun.json").read_text("utf-8"))


def test_a_resumed_run_measures_only_the_rest(tmp_path: Path) -> None:
    figures, steps = tmp_path / "new" / "p.json", list[str]()
    kept = interrupt_in_second_block(figures)
    assert [(cell.latency, cell.operation) for cell in kept.cells] == [(0, operation) for operation in WORK]
    found = matrix.run(plan(0, 1), steps.append, Checkpoint.next_to(figures, is_resumed=True))
    assert found.cells[: len(WORK)] == kept.cells
    assert [(cell.latency, cell.operation) for cell in found.cells[len(WORK) :]] == [(1, operation) for operation in WORK]
    assert len(steps) == plan(0, 1).steps
    assert steps[: len(WORK)] == ["1 modules, 0 ms: measured before"] * len(WORK)


def test_a_new_run_does_not_overwrite_a_checkpoint(tmp_path: Path) -> None:
    interrupt_in_second_block(tmp_path / "p.json")
    kept, steps = (tmp_path / "p.begun.json").read_text("utf-8"), list[str]()
    with pytest.raises(BenchError, match=r"p.begun.json has the figures of an interrupted run\nnext: .*--resume, or delete"):
        matrix.run(plan(0, 1), steps.append, Checkpoint.next_to(tmp_path / "p.json"))
    assert steps == []
    assert (tmp_path / "p.begun.json").read_text("utf-8") == kept


def test_a_resumed_run_has_both_days(tmp_path: Path) -> None:
    kept = interrupt_in_second_block(tmp_path / "p.json")
    before = kept.model_copy(update={"environment": kept.environment.model_copy(update={"date": "2026-01-01"})})
    (tmp_path / "p.begun.json").write_text(before.model_dump_json(), "utf-8")
    found = matrix.run(plan(0, 1), lambda what: None, Checkpoint.next_to(tmp_path / "p.json", is_resumed=True))
    assert found.environment.date == f"2026-01-01 and {kept.environment.date}"


@pytest.mark.parametrize("other", [plan(0, 1, runs=2), replace(plan(0, 1), operations=["up"])], ids=["runs", "operations"])
def test_another_plan_cannot_resume(tmp_path: Path, other: matrix.MatrixPlan) -> None:
    interrupt_in_second_block(tmp_path / "p.json")
    with pytest.raises(
        BenchError, match=r"p.begun.json is of another plan, another machine or other software: .+ there, .+\nnext"
    ):
        matrix.run(other, lambda what: None, Checkpoint.next_to(tmp_path / "p.json", is_resumed=True))


@pytest.mark.parametrize("text", [None, "{"])
def test_an_unreadable_checkpoint_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "p.begun.json").write_text(text, "utf-8")
    with pytest.raises(BenchError, match=r"p.begun.json cannot be used: (.|\n)*next: measure without --resume"):
        matrix.run(plan(0), lambda what: None, Checkpoint.next_to(tmp_path / "p.json", is_resumed=True))


def test_a_run_without_a_file_cannot_resume() -> None:
    with pytest.raises(BenchError, match="next: name their file with --json"):
        matrix.run(plan(0), lambda what: None, Checkpoint.next_to(None, is_resumed=True))


def test_a_complete_run_leaves_no_checkpoint(tmp_path: Path) -> None:
    checkpoint = Checkpoint.next_to(tmp_path / "p.json")
    matrix.run(plan(0), lambda what: None, checkpoint)
    assert checkpoint.path is not None
    assert checkpoint.path.exists()
    checkpoint.clear()
    assert list(tmp_path.iterdir()) == []
