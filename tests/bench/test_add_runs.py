"""``--add``: runs of another session are added to earlier ones, and never to figures of another plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import matrix, report
from bench.checkpoint import Checkpoint
from bench.document import Document, load
from bench.errors import BenchError
from bench.results import Results, Session
from bench.systems import SYSTEMS
from bench.workload import Operation
from tests.support.bench_command import WORK, bench


def plan(*systems: str, runs: int = 1, latency: int = 0, operations: Sequence[Operation] = WORK) -> matrix.MatrixPlan:
    return matrix.MatrixPlan(
        [SYSTEMS[name] for name in systems], sizes=[1], latencies=[latency], runs=runs, operations=operations
    )


def no_step(_what: str) -> None: ...


def test_each_run_is_kept_with_the_other_systems_of_its_session() -> None:
    first = matrix.run(plan("httpx-4", "httpx-16"), no_step)
    both = matrix.run(plan("httpx-16", "httpx-4", runs=2), no_step, earlier=first)
    assert [session.runs for session in both.sessions] == [1, 2]
    assert both.systems == ["httpx-16", "httpx-4"]
    assert len(both.cells) == len(first.cells) == 2 * len(WORK)
    for cell in first.cells:
        found = both.cell(cell.system, cell.size, cell.latency, cell.operation)
        assert found is not None
        assert found.wall[0] == cell.wall[0]
        assert len(found.wall) == len(found.cpu) == len(found.requests) == len(found.in_flight) == 3


@pytest.mark.parametrize(
    "other",
    [plan("httpx-4", latency=1), plan("httpx-16"), plan("httpx-4", operations=["up"])],
    ids=["latency", "system", "operations"],
)
def test_runs_of_another_plan_are_refused_before_anything_is_measured(other: matrix.MatrixPlan) -> None:
    first, steps = matrix.run(plan("httpx-4"), no_step), list[str]()
    with pytest.raises(BenchError, match=r"--add: the figures so far are of another plan, .*\nnext: "):
        matrix.run(other, steps.append, earlier=first)
    assert steps == []


def test_runs_with_other_software_are_refused() -> None:
    first = matrix.run(plan("httpx-4"), no_step)
    software = {**first.environment.software, "httpx": "0.1"}
    older = first.model_copy(update={"environment": first.environment.model_copy(update={"software": software})})
    with pytest.raises(BenchError, match="or other software"):
        older.with_runs_of(first)


def test_runs_are_not_added_twice() -> None:
    first = matrix.run(plan("httpx-4"), no_step)
    second = matrix.run(plan("httpx-4"), no_step)
    both = first.with_runs_of(second)
    with pytest.raises(BenchError, match=r"--add: the runs that began at .* were added before\nnext: delete "):
        both.with_runs_of(second)


def test_runs_to_add_never_replace_the_figures(tmp_path: Path) -> None:
    figures = tmp_path / "p.json"
    first = matrix.run(plan("httpx-4"), no_step)
    report.write(Document(version=3, matrix=first), figures)
    added = Checkpoint.next_to(figures, is_added=True)
    added.keep(matrix.run(plan("httpx-4"), no_step))
    options = ["--parts", "matrix", "--systems", "httpx-4", "--sizes", "1", "--latencies", "0", "--json", str(figures)]
    options += ["--operations", ",".join(WORK), "--runs", "1"]
    before = figures.read_text("utf-8")
    done = bench(*options, "--resume")
    assert (done.returncode, figures.read_text("utf-8")) == (1, before)
    assert "p.begun.json cannot be used" in done.stderr
    done = bench(*options, "--add")
    assert (done.returncode, figures.read_text("utf-8")) == (1, before)
    assert "next: resume it with --add --resume, or delete that file" in done.stderr
    done = bench(*options, "--add", "--resume")
    assert done.returncode == 0, done.stderr
    found = load(figures).matrix
    assert found is not None
    assert found.cells[0].wall[0] == first.cells[0].wall[0]
    assert len(found.cells[0].wall) == 2
    assert added.path is not None
    assert not added.path.exists()


def test_each_day_is_shown_once() -> None:
    first = matrix.run(plan("httpx-4"), no_step)

    def of(day: str) -> Results:
        environment = first.environment.model_copy(update={"date": day.partition("T")[0]})
        return first.model_copy(update={"environment": environment, "sessions": [Session(began=day, runs=1, no_change_runs=1)]})

    found = of("2026-01-01T01").with_runs_of(of("2026-01-02T02")).with_runs_of(of("2026-01-02T03"))
    assert found.environment.date == "2026-01-01 and 2026-01-02"


def test_the_command_adds_to_the_file_that_it_writes(tmp_path: Path) -> None:
    figures = tmp_path / "p.json"
    options = ["--parts", "matrix", "--systems", "httpx-4", "--sizes", "1", "--latencies", "0", "--json", str(figures)]
    for added in ([], ["--add"]):
        done = bench(*options, "--operations", ",".join(WORK), "--runs", "1", *added)
        assert done.returncode == 0, done.stderr
    found = load(figures).matrix
    assert found is not None
    assert [session.runs for session in found.sessions] == [1, 1]
    assert {len(cell.wall) for cell in found.cells} == {2}
    assert "2 runs of each cell" in figures.with_suffix(".md").read_text("utf-8")


def test_without_figures_to_add_to_the_error_names_the_next_step(tmp_path: Path) -> None:
    figures = tmp_path / "p.json"
    done = bench("--parts", "matrix", "--systems", "httpx-4", "--add")
    assert (done.returncode, done.stderr) == (
        1,
        "bench: --add: there are no figures to add to\nnext: measure without --add, or name their file with --json\n",
    )
    report.write(Document(version=3), figures)
    for parts in ("matrix", "fleets"):
        done = bench("--parts", parts, "--add", "--json", str(figures))
        assert done.returncode == 1
        assert done.stderr.startswith("bench: --add: ")
        assert "\nnext: measure " in done.stderr
