"""Runs of another time stand beside those of before, and never beside figures of something else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import matrix, report
from bench.document import Document, load
from bench.errors import BenchError
from bench.results import Results
from bench.rows import ROWS
from bench.workload import Operation
from tests.support.bench_command import WORK, bench


def plan(*rows: str, runs: int = 1, latency: int = 0, operations: Sequence[Operation] = WORK) -> matrix.Plan:
    return matrix.Plan([ROWS[name] for name in rows], sizes=[1], latencies=[latency], runs=runs, operations=operations)


def nothing(_what: str) -> None: ...


def test_each_run_is_kept_beside_the_other_rows_of_its_time() -> None:
    first = matrix.run(plan("httpx-4", "httpx-16"), nothing)
    both = matrix.run(plan("httpx-16", "httpx-4", runs=2), nothing, earlier=first)
    assert (both.runs, both.quiet_runs, both.rows) == (3, 3, ["httpx-16", "httpx-4"])
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


def test_both_days_are_said_once() -> None:
    first = matrix.run(plan("httpx-4"), nothing)

    def of(day: str) -> Results:
        return first.model_copy(update={"circumstances": first.circumstances.model_copy(update={"date": day})})

    found = of("2026-01-01").with_runs_of(of("2026-01-02")).with_runs_of(of("2026-01-02"))
    assert found.circumstances.date == "2026-01-01 and 2026-01-02"


def test_the_command_adds_to_the_file_that_it_writes(tmp_path: Path) -> None:
    figures = tmp_path / "p.json"
    options = ["--parts", "matrix", "--rows", "httpx-4", "--sizes", "1", "--latencies", "0", "--json", str(figures)]
    for added in ([], ["--add"]):
        done = bench(*options, "--operations", ",".join(WORK), "--runs", "1", *added)
        assert done.returncode == 0, done.stderr
    found = load(figures).matrix
    assert found is not None
    assert found.runs == 2
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
