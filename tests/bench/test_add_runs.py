"""Runs of another time stand beside those of before, and never beside figures of something else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import matrix, report
from bench.checkpoint import Checkpoint
from bench.document import Document, load
from bench.errors import BenchError
from bench.results import Results, Time
from bench.systems import ROWS
from bench.workload import Operation
from tests.support.bench_command import WORK, bench


def plan(*rows: str, runs: int = 1, latency: int = 0, operations: Sequence[Operation] = WORK) -> matrix.Plan:
    return matrix.Plan([ROWS[name] for name in rows], sizes=[1], latencies=[latency], runs=runs, operations=operations)


def nothing(_what: str) -> None: ...


def test_each_run_is_kept_beside_the_other_rows_of_its_time() -> None:
    first = matrix.run(plan("httpx-4", "httpx-16"), nothing)
    both = matrix.run(plan("httpx-16", "httpx-4", runs=2), nothing, earlier=first)
    assert [time.runs for time in both.times] == [1, 2]
    assert both.rows == ["httpx-16", "httpx-4"]
    assert len(both.cells) == len(first.cells) == 2 * len(WORK)
    for cell in first.cells:
        found = both.cell(cell.row, cell.size, cell.latency, cell.operation)
        assert found is not None
        assert found.wall[0] == cell.wall[0]
        assert len(found.wall) == len(found.cpu) == len(found.requests) == len(found.in_flight) == 3


@pytest.mark.parametrize(
    "other",
    [plan("httpx-4", latency=1), plan("httpx-16"), plan("httpx-4", operations=["up"])],
    ids=["latency", "row", "operations"],
)
def test_runs_of_another_plan_are_refused_before_anything_is_measured(other: matrix.Plan) -> None:
    first, steps = matrix.run(plan("httpx-4"), nothing), list[str]()
    with pytest.raises(BenchError, match=r"--add: the figures so far are of another plan, .*\nnext: "):
        matrix.run(other, steps.append, earlier=first)
    assert steps == []


def test_runs_with_other_software_are_refused() -> None:
    first = matrix.run(plan("httpx-4"), nothing)
    software = {**first.circumstances.software, "httpx": "0.1"}
    older = first.model_copy(update={"circumstances": first.circumstances.model_copy(update={"software": software})})
    with pytest.raises(BenchError, match="or other software"):
        older.with_runs_of(first)


def test_runs_that_are_there_already_are_not_added_again() -> None:
    first = matrix.run(plan("httpx-4"), nothing)
    second = matrix.run(plan("httpx-4"), nothing)
    both = first.with_runs_of(second)
    with pytest.raises(BenchError, match=r"--add: the runs that began at .* are among the figures already\nnext: delete "):
        both.with_runs_of(second)


def test_what_is_to_be_added_never_takes_the_place_of_the_figures(tmp_path: Path) -> None:
    figures = tmp_path / "p.json"
    first = matrix.run(plan("httpx-4"), nothing)
    report.write(Document(version=2, matrix=first), figures)
    added = Checkpoint.beside(figures, is_added=True)
    added.keep(matrix.run(plan("httpx-4"), nothing))
    options = ["--parts", "matrix", "--rows", "httpx-4", "--sizes", "1", "--latencies", "0", "--json", str(figures)]
    options += ["--operations", ",".join(WORK), "--runs", "1"]
    before = figures.read_text("utf-8")
    done = bench(*options, "--resume")
    assert (done.returncode, figures.read_text("utf-8")) == (1, before)
    assert "p.begun.json cannot be used" in done.stderr
    done = bench(*options, "--add")
    assert (done.returncode, figures.read_text("utf-8")) == (1, before)
    assert "next: go on with it: --add --resume; or delete that file" in done.stderr
    done = bench(*options, "--add", "--resume")
    assert done.returncode == 0, done.stderr
    found = load(figures).matrix
    assert found is not None
    assert found.cells[0].wall[0] == first.cells[0].wall[0]
    assert len(found.cells[0].wall) == 2
    assert added.path is not None
    assert not added.path.exists()


def test_both_days_are_said_once() -> None:
    first = matrix.run(plan("httpx-4"), nothing)

    def of(day: str) -> Results:
        circumstances = first.circumstances.model_copy(update={"date": day.partition("T")[0]})
        return first.model_copy(update={"circumstances": circumstances, "times": [Time(began=day, runs=1, quiet_runs=1)]})

    found = of("2026-01-01T01").with_runs_of(of("2026-01-02T02")).with_runs_of(of("2026-01-02T03"))
    assert found.circumstances.date == "2026-01-01 and 2026-01-02"


def test_the_command_adds_to_the_file_that_it_writes(tmp_path: Path) -> None:
    figures = tmp_path / "p.json"
    options = ["--parts", "matrix", "--rows", "httpx-4", "--sizes", "1", "--latencies", "0", "--json", str(figures)]
    for added in ([], ["--add"]):
        done = bench(*options, "--operations", ",".join(WORK), "--runs", "1", *added)
        assert done.returncode == 0, done.stderr
    found = load(figures).matrix
    assert found is not None
    assert [time.runs for time in found.times] == [1, 1]
    assert {len(cell.wall) for cell in found.cells} == {2}
    assert "2 runs of each cell" in figures.with_suffix(".md").read_text("utf-8")


def test_where_there_is_nothing_to_add_to_it_says_what_to_do(tmp_path: Path) -> None:
    figures = tmp_path / "p.json"
    done = bench("--parts", "matrix", "--rows", "httpx-4", "--add")
    assert (done.returncode, done.stderr) == (
        1,
        "bench: --add: there are no figures to add to\nnext: measure without --add, or name their file with --json\n",
    )
    report.write(Document(version=2), figures)
    for parts in ("matrix", "fleets"):
        done = bench("--parts", parts, "--add", "--json", str(figures))
        assert done.returncode == 1
        assert done.stderr.startswith("bench: --add: ")
        assert "\nnext: measure " in done.stderr
