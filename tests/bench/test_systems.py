"""Each system does its work in its smallest cell. OpenTofu is not installed by this repository and not tested."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import matrix
from bench.document import load
from bench.errors import BenchError
from bench.measure import Command
from bench.server import Installation
from bench.systems import SYSTEMS
from bench.systems.system import PreparedSystem, System
from bench.workload import OPERATIONS, Operation
from testing.project import require_engine
from testing.soak import runs
from tests.support.bench_command import ROOT, WORK, bench

WRITES = {"up": 1, "update all": 1, "destroy": 1}

pytestmark = pytest.mark.usefixtures("known_packages")


def test_a_stack_has_a_passphrase_like_a_user_s(tmp_path: Path) -> None:
    require_engine()
    SYSTEMS["no-op"].prepare(tmp_path, Installation("http://127.0.0.1:1", "token"))
    assert "encryptionsalt: " in (tmp_path / "Pulumi.test.yaml").read_text("utf-8")


def test_the_command_measures_this_provider_and_writes_the_page_with_its_charts(tmp_path: Path) -> None:
    require_engine()
    small = ("--parts", "matrix", "--systems", "ours-v2", "--sizes", "1", "--latencies", "0", "--runs", "1")
    done = bench(*small, "--json", str(tmp_path / "p.json"))
    assert done.returncode == 0, done.stderr
    assert "preview of a change" in done.stdout
    found = load(tmp_path / "p.json").matrix
    assert found is not None
    assert {one.operation for one in found.cells} == set(OPERATIONS)
    for one in found.cells:
        assert one.requests == [{**WRITES, "up": 2, "refresh": 1}.get(one.operation, 0)]
        assert one.memory
        assert one.memory[0] > 20
        assert one.plugin_cpu[0] > 0
        assert one.state[0] > 0
        assert bool(one.program_cpu) is (one.operation not in {"refresh", "destroy"})
    assert found.modules["ours-v2"].properties > found.modules["ours-v2"].content > 0
    assert {path.stem for path in (tmp_path / "p").iterdir()} == {name.replace(" ", "-") for name in OPERATIONS}
    assert not list(tmp_path.glob("*.begun*"))  # nothing is left of what kept it until it was whole
    assert "(p/up.svg)" in (tmp_path / "p.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["httpx-4", "httpx-16", "plain", "ours-v1"][: runs(2, 4)])
def test_every_other_system_does_its_work(name: str) -> None:
    require_engine()
    steps: list[str] = []
    # With a latency: on a busy machine a short process may end between two samples.
    found = matrix.run(matrix.MatrixPlan([SYSTEMS[name]], sizes=[1], latencies=[300], runs=1, operations=WORK), steps.append)
    assert len(steps) == len(WORK)
    assert {one.operation: one.requests[0] for one in found.cells if one.requests[0]} == {**WRITES, "refresh": 1}
    assert all(one.memory[0] > 20 for one in found.cells)


def test_the_no_op_baseline_does_its_work_and_operations_without_changes_run_again_in_one_lifecycle() -> None:
    require_engine()
    steps: list[str] = []
    up, *others = WORK
    operations: tuple[Operation, ...] = ("preview new", up, "nothing to do", *others)
    plan = matrix.MatrixPlan([SYSTEMS["no-op"]], sizes=[1], latencies=[0], runs=1, no_change_runs=2, operations=operations)
    found = matrix.run(plan, steps.append)
    assert len(steps) == plan.steps == len(operations) + 2
    times = {one.operation: len(one.wall) for one in found.cells}
    assert times == {"preview new": 2, "up": 1, "nothing to do": 2, "update all": 1, "refresh": 1, "destroy": 1}
    assert all(len(one.wall) == found.runs_of(one.operation) for one in found.cells)
    assert not any(one.requests[0] for one in found.cells)
    assert all(one.memory[0] > 20 for one in found.cells)


@pytest.mark.parametrize(("lifecycles", "in_each"), [(1, [7]), (2, [4, 3]), (3, [3, 2, 2]), (9, [1] * 9)])
def test_runs_without_changes_are_spread_over_the_lifecycles(lifecycles: int, in_each: list[int]) -> None:
    plan = matrix.MatrixPlan([], sizes=[1], latencies=[0], runs=lifecycles, no_change_runs=7)
    assert [plan.repetitions("nothing to do", number) for number in range(lifecycles)] == in_each
    assert [plan.repetitions("up", number) for number in range(lifecycles)] == [1] * lifecycles


def test_a_system_that_cannot_run_here_is_skipped_with_a_message(tmp_path: Path) -> None:
    done = bench("--parts", "matrix", "--systems", "opentofu", PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.endswith("bench: OpenTofu + restapi: tofu and terraform-provider-restapi not on PATH\n")


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("--parts", "matrix,all"), "--parts: there is no 'all'; there are matrix, fleets, stacks"),
        (("--fleets", "0"), "--fleets: '0' is not a list of whole numbers from 1 to 200"),
        (("--systems", "ours-v2,unknown"), "--systems: there is no 'unknown'; there are ours-v2, "),
        (("--sizes", "0,1"), "--sizes: '0,1' is not a list of whole numbers from 1 to 100"),
        (("--latencies", "soon"), "--latencies: 'soon' is not a list of whole numbers from 0 to 10000"),
        (("--operations", "up,down"), "--operations: there is no 'down'; there are preview new, up, "),
        (("--render", "--json", "/nowhere/p.json"), "/nowhere/p.json cannot be used"),
    ],
)
def test_an_invalid_option_is_refused_with_a_message(args: tuple[str, ...], reason: str) -> None:
    done = bench(*args)
    assert done.returncode == 1
    assert done.stderr.startswith(f"bench: {reason}")


class Idle(System):
    """Exits with success without any work."""

    name = "httpx-4"  # the name of a system that has a cell
    title = "idle"
    limitations = "everything"

    def prepare(self, directory: Path, installation: Installation) -> PreparedSystem:
        return PreparedIdle(directory)


class PreparedIdle(PreparedSystem):
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def command(self, operation: Operation) -> Command:
        return Command([sys.executable, "-c", ""], self._directory, dict(os.environ), {})


def test_a_measurement_without_work_is_an_error() -> None:
    with pytest.raises(BenchError, match=r"^idle, 1 modules, 0 ms, up, run 1: expected 1 modules and the requests .*, found 0"):
        matrix.run(matrix.MatrixPlan([Idle()], sizes=[1], latencies=[0], runs=1), lambda what: None)


@pytest.mark.parametrize("started", ["foreground", "background"])
def test_an_interrupt_ends_the_running_command_and_writes_nothing(tmp_path: Path, started: str) -> None:
    """Background jobs of a shell and their child processes ignore SIGINT, so that engines would wait for plugins forever."""
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"] if started == "background" else []
    target = tmp_path / "p.json"
    args = [
        "--parts",
        "matrix",
        "--systems",
        "httpx-4",
        "--sizes",
        "1",
        "--latencies",
        "10000",
        "--runs",
        "1",
        "--json",
        str(target),
    ]
    with subprocess.Popen(
        [*ignoring, sys.executable, "-m", "bench", *args],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        while "up, run 1" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.endswith("bench: interrupted; the current part was not written\n")
    assert not list(tmp_path.iterdir())
