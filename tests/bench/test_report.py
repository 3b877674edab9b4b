"""The page and the charts match the figures, and name what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report
from bench.document import Document, load
from bench.errors import BenchError
from bench.options import DOCUMENT
from bench.results import Cell, ModuleBytes, Results, Session
from bench.systems import SYSTEMS
from bench.targets import targets
from bench.workload import OPERATIONS
from tests.support.bench_figures import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]


def document_of(*cells: Cell, systems: tuple[str, ...] = ("ours-v2", "plain", "no-op"), **more: object) -> Document:
    matrix = Results(
        environment=ENVIRONMENT,
        sessions=[Session(began="", runs=3, no_change_runs=3)],
        sizes=[100],
        latencies=[300],
        systems=list(systems),
        skipped={"opentofu": "tofu not on PATH"},
        operations=list(OPERATIONS),
        modules={},
        cells=list(cells),
    ).model_copy(update=more)
    return Document(version=3, matrix=matrix)


def cell(system: str, *wall: float, operation: str = "refresh", requests: int = 1, latency: int = 300) -> Cell:
    text = {"system": system, "size": 100, "latency": latency, "operation": operation, "wall": list(wall)}
    return Cell.model_validate({**text, "requests": [requests] * len(wall), "in_flight": [4] * len(wall)})


def test_the_committed_page_and_charts_match_the_committed_figures() -> None:
    found = load(DOCUMENT)
    assert DOCUMENT == ROOT / "docs" / "performance.json"
    assert found.dump() == DOCUMENT.read_text("utf-8")
    rendered = report.rendered(found, DOCUMENT)
    stale = [path.name for path, text in rendered.items() if path.read_bytes() != text.encode()]
    assert not stale, "write them again: python -m bench --render"
    charts = {path for path in rendered if path.suffix == ".svg"}
    assert charts == set((ROOT / "docs" / "performance").iterdir())
    assert rendered.keys() - charts == {ROOT / "docs" / "performance.md", ROOT / "docs" / "scale.md"}


def test_the_committed_figures_are_those_of_a_complete_run() -> None:
    found = load(DOCUMENT).matrix
    assert found is not None
    assert {"ours-v2", "ours-v1", "plain", "no-op", "httpx-4", "httpx-16"} <= set(found.systems)
    assert set(found.systems) | set(found.skipped) == set(SYSTEMS)
    assert all(len(one.wall) == found.runs_of(one.operation) for one in found.cells)


def test_medians_of_ratios_compare_run_by_run() -> None:
    ours, baseline = cell("ours-v2", 2.0, 9.0, 4.0), cell("no-op", 1.0, 3.0, 1.0)
    assert ours.median("wall") == 4.0
    assert ours.ratio(baseline) == 3.0  # not 4.0, the ratio of the medians
    assert ours.over(baseline) == 3.0
    assert ours.median("memory") is None


@pytest.mark.parametrize(("seconds", "word"), [(2.0, "| 1 of 1 | met |"), (2.1, "| 0 of 1 | **not met** |")])
def test_the_page_shows_whether_a_target_is_met(seconds: float, word: str) -> None:
    found = document_of(cell("ours-v2", seconds, seconds, seconds), cell("no-op", 1.0, 1.0, 1.0), cell("plain", 9.0, 9.0, 9.0))
    (line,) = [line for line in _page(found).splitlines() if "the no-op baseline + 1.0 s" in line]
    assert f"v2, refresh, 100 at 300 ms: {seconds - 1:.2f} of 1.00 s {word}" in line


def test_the_page_shows_targets_by_session() -> None:
    ours, baseline = cell("ours-v2", 1.1, 3.0, 1.2, 1.1), cell("no-op", 1.0, 1.0, 1.0, 1.0)
    sessions = [Session(began=str(number), runs=runs, no_change_runs=runs) for number, runs in enumerate((1, 1, 2))]
    found = document_of(ours, baseline, systems=("ours-v2", "no-op"), sessions=sessions)
    (line,) = [line for line in _page(found).splitlines() if "the no-op baseline + 1.0 s" in line]
    assert line.endswith("100 at 300 ms: 0.15 of 1.00 s | 1 of 1 | 1, 0, 1 | met |")
    assert "4 runs of each cell, in 3 sessions" in _page(found)


def test_the_page_has_a_summary_and_names_faster_alternatives() -> None:
    walls = {"ours-v2": 2.0, "no-op": 1.5, "plain": 4.0, "opentofu": 1.0}
    cells = [cell(system, wall, operation=operation) for system, wall in walls.items() for operation in ("preview new", "up")]
    cells += [cell("ours-v2", 2.0), cell("opentofu", 3.0)]
    summary = _page(document_of(*cells, systems=tuple(walls), skipped={})).partition("## Summary")[2].partition("##")[0]
    assert "adds 0.50 s (100 modules) to the no-op baseline" in summary
    assert "at 100 modules and 300 ms: up 0.50 ×." in summary
    assert "OpenTofu + restapi is faster in 2 of 3 cells" in summary
    assert "This provider is faster in refresh (100 at 300 ms)." in summary
    assert "This provider sent at most 4 concurrent requests (OpenTofu + restapi: 4)" in summary
    assert "also runs the preview: 4.0 s" in summary
    alone = _page(document_of(cell("no-op", 1.0)))
    assert "## Summary" not in alone


@pytest.mark.parametrize(("size", "latency", "seen"), [(100, 50, [1]), (100, 40, []), (10, 50, [])])
def test_the_target_of_writes_applies_to_a_full_installation_from_the_minimum_latency(
    size: int, latency: int, seen: list[int]
) -> None:
    cells = [cell(system, 1.0, 1.0, 1.0, operation="up", latency=latency) for system in ("ours-v2", "no-op")]
    found = document_of(*[one.model_copy(update={"size": size}) for one in cells])
    assert [target.cells for target in targets(found) if "`destroy` of 100 from 50 ms" in target.text] == seen


def test_without_requests_the_runs_of_all_latencies_are_combined() -> None:
    cells = [
        cell(system, *walls, operation="nothing to do", latency=latency)
        for latency, slow in ((0, 1.5), (50, 1.2), (300, 1.2))
        for system, walls in (("ours-v2", (slow,) * 3), ("no-op", (1.0,) * 3))
    ]
    found = document_of(*cells, latencies=[0, 50, 300])
    quiet = [(target.worst, target.kept, target.cells) for target in targets(found) if target.worst.endswith(" s")]
    assert quiet == [
        ("v2, nothing to do, 100 at 0 ms: 0.50 of 0.35 s", 2, 3),
        ("v2, nothing to do, 100: 0.20 of 0.35 s", 1, 1),
    ]


def test_one_request_too_many_misses_a_target() -> None:
    quiet = document_of(cell("ours-v2", 1.0, 1.0, 1.0, operation="nothing to do", requests=1))
    assert [(target.worst, target.met) for target in targets(quiet)] == [
        ("v2, nothing to do, 100 at 300 ms: 1 of 0 requests", False)
    ]


def test_the_target_of_state_depends_on_the_size_of_the_module() -> None:
    sizes = {"ours-v2": ModuleBytes(content=100, properties=671, provider=100)}
    (target,) = targets(document_of(modules=sizes))
    assert (target.worst, target.met) == ("v2: 671 of 670 bytes", False)


def test_the_page_shows_the_limitations_of_each_system_and_skipped_systems() -> None:
    text = _page(document_of(cell("ours-v2", 1.0, 1.0, 1.0), cell("plain", 1.0, 1.0, 1.0), cell("no-op", 1.0, 1.0, 1.0)))
    for system in ("ours-v2", "plain", "no-op"):
        assert f"| {SYSTEMS[system].title} | {SYSTEMS[system].limitations} |" in text
    assert "Skipped in this run: OpenTofu + restapi (tofu not on PATH)." in text


def test_an_invalid_file_of_figures_is_refused_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BenchError, match="next: measure first"):
        load(tmp_path / "other.json")


def _page(found: Document) -> str:
    return report.rendered(found, Path("docs/any.json"))[Path("docs/any.md")]
