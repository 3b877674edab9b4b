"""Fleets and stacks: real measurements, targets and sections."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.document import Document, load
from bench.errors import BenchError
from bench.scale import fleets, sections, stacks
from bench.scale.figures import FleetCell, Fleets, Operation, StackCell, Stacks
from bench.scale.plan import Plan
from bench.targets import targets
from testing.project import require_engine
from tests.support.bench_command import bench
from tests.support.bench_figures import ENVIRONMENT

EXPECTED_REQUESTS: dict[Operation, int] = {
    "up": 3,
    "nothing to do": 0,
    "refresh": 1,
    "destroy": 2,
}  # of an installation with 2 modules

pytestmark = pytest.mark.usefixtures("known_packages")


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_the_command_measures_fleets_and_stacks_and_writes_their_sections(tmp_path: Path) -> None:
    require_engine()
    options = ["--parts", "fleets,stacks", "--fleets", "2", "--stacks", "1,2", "--each", "2", "--json", str(tmp_path / "p.json")]
    done = bench(*options, timeout=1480)
    assert done.returncode == 0, done.stderr
    found = load(tmp_path / "p.json")
    assert found.matrix is None
    assert found.fleets is not None
    assert found.stacks is not None
    assert {cell.operation: cell.requests for cell in found.fleets.cells} == {
        name: 2 * n for name, n in EXPECTED_REQUESTS.items()
    }
    for fleet in found.fleets.cells:
        assert len(fleet.seconds) == 2
        assert max(fleet.seconds) <= fleet.wall
        assert fleet.memory > fleet.plugin > 20  # the plugin is one of many processes
    for stack in found.stacks.cells:
        assert stack.requests == stack.installations * EXPECTED_REQUESTS[stack.operation]
        assert stack.engine > 20
        assert stack.plugin > 20
        assert 1_000_000 * stack.written > stack.state > 0
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"fleets.svg", "stacks.svg"}
    page = (tmp_path / "p.md").read_text("utf-8")
    assert "## Fleets" in page
    assert "## The largest efficient stack" in page
    assert "2 modules on each installation" in (tmp_path / "scale.md").read_text("utf-8")


@pytest.mark.parametrize("measured", [fleets, stacks])
def test_a_measurement_without_work_is_an_error(measured: object, monkeypatch: pytest.MonkeyPatch) -> None:
    require_engine()
    monkeypatch.setattr(Plan, "declare", lambda self, directory: (directory / "modules.json").write_text("[]", "utf-8"))
    run = fleets.run if measured is fleets else stacks.run
    with pytest.raises(BenchError, match=r"inst0of1, up: expected 1 modules and the requests .*, found 0"):
        run(Plan([1], modules=1, latency=0, operations=("up",)), lambda what: None)


def fleet(size: int, *, each: float = 5.0, memory: float = 600.0, requests: int = 101) -> FleetCell:
    return FleetCell(
        installations=size,
        operation="up",
        wall=each * size,
        cpu=1,
        memory=memory,
        plugin=80,
        requests=requests * size,
        seconds=[2 * each] * size,
    )


def found(*cells: FleetCell) -> Document:
    return Document(
        version=3,
        fleets=Fleets(environment=ENVIRONMENT, modules=100, latency=50, parallel=2, sizes=[5, 50], cells=list(cells)),
    )


@pytest.mark.parametrize(
    ("large", "missed"),
    [
        ({}, []),
        ({"each": 6.0, "memory": 720.0}, []),
        ({"each": 6.1}, ["up, 50 compared with 5: 6.10 of 6.00 s"]),
        ({"memory": 724.0}, ["up, 50 compared with 5: 362 of 360 MB"]),
        ({"requests": 102}, ["up, 50 compared with 5: 102 of 101 requests"]),
    ],
)
def test_an_installation_may_cost_a_fifth_more_in_a_large_fleet(large: dict[str, float], missed: list[str]) -> None:
    held = list(targets(found(fleet(5), fleet(50, **large))))  # type: ignore[arg-type] # requests are whole
    assert len(held) == 3
    assert [target.worst for target in held if not target.met] == missed


def test_a_fleet_of_one_size_has_no_target() -> None:
    alone = found(fleet(5))
    assert alone.fleets is not None
    assert not list(targets(Document(version=3, fleets=alone.fleets.model_copy(update={"sizes": [5]}))))


def stack(size: int, wall: float, operation: Operation = "up") -> StackCell:
    return StackCell(
        installations=size,
        operation=operation,
        wall=wall,
        cpu=1,
        engine=100,
        plugin=80,
        written=30.0 * size**2,
        requests=1,
        state=1,
    )


@pytest.mark.parametrize(
    ("walls", "largest"),
    [((5, 9, 24, 49), 10), ((5, 9, 24, 51), 5), ((5, 9, 26, 49), 2), ((5, 11, 24, 49), 1)],
)
def test_the_largest_efficient_stack_is_the_last_that_is_not_slower_than_single_ones(
    walls: tuple[float, ...], largest: int
) -> None:
    sizes = [1, 2, 5, 10]
    cells = [stack(size, wall) for size, wall in zip(sizes, walls, strict=True)]
    made = Stacks(environment=ENVIRONMENT, modules=100, latency=50, sizes=sizes, cells=cells)
    assert made.largest_efficient_size == largest
    text = "\n".join(sections.lines(Document(version=3, stacks=made), "p"))
    assert (
        f"In an `up` on 10 compared with one on 1: 10 × the modules, 100.0 × the written bytes, {walls[3] / 5:.1f} × the time."
        in text
    )
