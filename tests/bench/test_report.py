"""The page and the charts are what the figures say, and say what they do not show."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report
from bench.document import Document, load
from bench.errors import BenchError
from bench.options import DOCUMENT
from bench.results import Cell, ModuleBytes, Results, Time
from bench.systems import ROWS
from bench.targets import targets
from tests.support.bench_figures import CIRCUMSTANCES

ROOT = Path(__file__).resolve().parents[2]


def made(*cells: Cell, rows: tuple[str, ...] = ("ours-v2", "plain", "floor"), **more: object) -> Document:
    matrix = Results(
        circumstances=CIRCUMSTANCES,
        times=[Time(began="", runs=3, quiet_runs=3)],
        sizes=[100],
        latencies=[300],
        rows=list(rows),
        left_out={"opentofu": "tofu not on PATH"},
        modules={},
        cells=list(cells),
    ).model_copy(update=more)
    return Document(version=2, matrix=matrix)


def cell(row: str, *wall: float, operation: str = "refresh", requests: int = 1, latency: int = 300) -> Cell:
    text = {"row": row, "size": 100, "latency": latency, "operation": operation, "wall": list(wall)}
    return Cell.model_validate({**text, "requests": [requests] * len(wall), "in_flight": [4] * len(wall)})


def test_the_committed_page_and_charts_are_what_the_committed_figures_say() -> None:
    found = load(DOCUMENT)
    assert DOCUMENT == ROOT / "docs" / "performance.json"
    assert found.dump() == DOCUMENT.read_text("utf-8")
    rendered = report.rendered(found, DOCUMENT)
    stale = [path.name for path, text in rendered.items() if path.read_bytes() != text.encode()]
    assert not stale, "write them again: python -m bench --render"
    charts = {path for path in rendered if path.suffix == ".svg"}
    assert charts == set((ROOT / "docs" / "performance").iterdir())
    assert rendered.keys() - charts == {ROOT / "docs" / "performance.md", ROOT / "docs" / "scale.md"}


def test_the_committed_figures_are_those_of_a_whole_run() -> None:
    found = load(DOCUMENT).matrix
    assert found is not None
    assert {"ours-v2", "ours-v1", "plain", "floor", "httpx-4", "httpx-16"} <= set(found.rows)
    assert set(found.rows) | set(found.left_out) == set(ROWS)
    assert all(len(one.wall) == found.runs_of(one.operation) for one in found.cells)


def test_a_median_and_a_ratio_are_of_runs_side_by_side() -> None:
    ours, floor = cell("ours-v2", 2.0, 9.0, 4.0), cell("floor", 1.0, 3.0, 1.0)
    assert ours.median("wall") == 4.0
    assert ours.ratio(floor) == 3.0  # not 4.0, the ratio of the medians
    assert ours.over(floor) == 3.0
    assert ours.median("memory") is None


@pytest.mark.parametrize(("seconds", "word"), [(2.0, "| 1 of 1 | met |"), (2.1, "| 0 of 1 | **not met** |")])
def test_the_page_says_of_a_target_whether_it_is_met(seconds: float, word: str) -> None:
    found = made(cell("ours-v2", seconds, seconds, seconds), cell("floor", 1.0, 1.0, 1.0), cell("plain", 9.0, 9.0, 9.0))
    (row,) = [line for line in _page(found).splitlines() if "the floor + 1.0 s" in line]
    assert f"v2, refresh, 100 at 300 ms: {seconds - 1:.2f} of 1.00 s {word}" in row


def test_of_runs_of_several_times_the_page_says_what_each_shows_alone() -> None:
    ours, floor = cell("ours-v2", 1.1, 3.0, 1.2, 1.1), cell("floor", 1.0, 1.0, 1.0, 1.0)
    times = [Time(began=str(number), runs=runs, quiet_runs=runs) for number, runs in enumerate((1, 1, 2))]
    found = made(ours, floor, rows=("ours-v2", "floor"), times=times)
    (row,) = [line for line in _page(found).splitlines() if "the floor + 1.0 s" in line]
    assert row.endswith("100 at 300 ms: 0.15 of 1.00 s | 1 of 1 | 1, 0, 1 | met |")
    assert "4 runs of each cell, taken at 3 times" in _page(found)


def test_the_page_says_in_short_what_the_rows_come_to_and_where_another_is_faster() -> None:
    walls = {"ours-v2": 2.0, "floor": 1.5, "plain": 4.0, "opentofu": 1.0}
    cells = [cell(row, wall, operation=operation) for row, wall in walls.items() for operation in ("preview new", "up")]
    cells += [cell("ours-v2", 2.0), cell("opentofu", 3.0)]
    short = _page(made(*cells, rows=tuple(walls), left_out={})).partition("## In short")[2].partition("##")[0]
    assert "adds to the engine's floor 0.50 s (100 modules)" in short
    assert "at 100 modules and 300 ms: up 0.50 ×." in short
    assert "OpenTofu + restapi is faster in 2 of 3 cells" in short
    assert "This provider is faster in refresh (100 at 300 ms)." in short
    assert "At most 4 requests of ours were under way at once (OpenTofu + restapi: 4)" in short
    assert "takes the preview, too: 4.0 s" in short
    alone = _page(made(cell("floor", 1.0)))
    assert "## In short" not in alone


@pytest.mark.parametrize(("size", "latency", "seen"), [(100, 50, [1]), (100, 40, []), (10, 50, [])])
def test_the_target_of_writes_is_of_a_full_installation_and_a_latency_that_is_felt(
    size: int, latency: int, seen: list[int]
) -> None:
    cells = [cell(row, 1.0, 1.0, 1.0, operation="up", latency=latency) for row in ("ours-v2", "floor")]
    found = made(*[one.model_copy(update={"size": size}) for one in cells])
    assert [target.cells for target in targets(found) if "`destroy` of 100 from 50 ms" in target.text] == seen


def test_without_requests_the_runs_of_all_latencies_are_those_of_one() -> None:
    cells = [
        cell(row, *walls, operation="nothing to do", latency=latency)
        for latency, slow in ((0, 1.5), (50, 1.2), (300, 1.2))
        for row, walls in (("ours-v2", (slow,) * 3), ("floor", (1.0,) * 3))
    ]
    found = made(*cells, latencies=[0, 50, 300])
    quiet = [(target.worst, target.kept, target.cells) for target in targets(found) if target.worst.endswith(" s")]
    assert quiet == [
        ("v2, nothing to do, 100 at 0 ms: 0.50 of 0.35 s", 2, 3),
        ("v2, nothing to do, 100: 0.20 of 0.35 s", 1, 1),
    ]


def test_one_request_too_many_breaks_a_target() -> None:
    quiet = made(cell("ours-v2", 1.0, 1.0, 1.0, operation="nothing to do", requests=1))
    assert [(target.worst, target.met) for target in targets(quiet)] == [
        ("v2, nothing to do, 100 at 300 ms: 1 of 0 requests", False)
    ]


def test_what_a_module_puts_into_state_is_held_to_its_own_size() -> None:
    sizes = {"ours-v2": ModuleBytes(content=100, properties=671, provider=100)}
    (target,) = targets(made(modules=sizes))
    assert (target.worst, target.met) == ("v2: 671 of 670 bytes", False)


def test_the_page_says_what_each_row_leaves_out_and_which_row_is_missing() -> None:
    text = _page(made(cell("ours-v2", 1.0, 1.0, 1.0), cell("plain", 1.0, 1.0, 1.0), cell("floor", 1.0, 1.0, 1.0)))
    for row in ("ours-v2", "plain", "floor"):
        assert f"| {ROWS[row].title} | {ROWS[row].leaves_out} |" in text
    assert "Not in this run: OpenTofu + restapi (tofu not on PATH)." in text


def test_figures_that_are_none_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BenchError, match="next: measure first"):
        load(tmp_path / "other.json")


def _page(found: Document) -> str:
    return report.rendered(found, Path("docs/any.json"))[Path("docs/any.md")]
