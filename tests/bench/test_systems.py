"""Each row does what it says, on its smallest cell and for real; OpenTofu's is not ours to install."""

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
from bench.server import Site
from bench.systems import ROWS
from bench.systems.system import Row, Stage
from bench.workload import OPERATIONS, Operation
from testing.project import require_engine
from testing.soak import runs
from tests.support.bench_command import ROOT, WORK, bench

WRITES = {"up": 1, "update all": 1, "destroy": 1}

pytestmark = pytest.mark.usefixtures("known_packages")


def test_a_stack_has_its_key_from_a_passphrase_as_a_user_s_has(tmp_path: Path) -> None:
    require_engine()
    ROWS["floor"].stage(tmp_path, Site("http://127.0.0.1:1", "token"))
    assert "encryptionsalt: " in (tmp_path / "Pulumi.test.yaml").read_text("utf-8")


def test_the_command_measures_our_row_and_writes_the_page_with_its_charts(tmp_path: Path) -> None:
    require_engine()
    small = ("--parts", "matrix", "--rows", "ours-v2", "--sizes", "1", "--latencies", "0", "--runs", "1")
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
def test_every_other_row_of_our_own_does_its_work(name: str) -> None:
    require_engine()
    steps: list[str] = []
    # With a latency: on a busy machine what is over at once may be over between two looks at it.
    found = matrix.run(matrix.Plan([ROWS[name]], sizes=[1], latencies=[300], runs=1, operations=WORK), steps.append)
    assert len(steps) == len(WORK)
    assert {one.operation: one.requests[0] for one in found.cells if one.requests[0]} == {**WRITES, "refresh": 1}
    assert all(one.memory[0] > 20 for one in found.cells)


def test_the_floor_does_its_work_and_what_changes_nothing_runs_again_in_the_same_life_of_a_stack() -> None:
    require_engine()
    steps: list[str] = []
    up, *others = WORK
    operations: tuple[Operation, ...] = ("preview new", up, "nothing to do", *others)
    plan = matrix.Plan([ROWS["floor"]], sizes=[1], latencies=[0], runs=1, quiet_runs=2, operations=operations)
    found = matrix.run(plan, steps.append)
    assert len(steps) == plan.steps == len(operations) + 2
    times = {one.operation: len(one.wall) for one in found.cells}
    assert times == {"preview new": 2, "up": 1, "nothing to do": 2, "update all": 1, "refresh": 1, "destroy": 1}
    assert all(len(one.wall) == found.runs_of(one.operation) for one in found.cells)
    assert not any(one.requests[0] for one in found.cells)
    assert all(one.memory[0] > 20 for one in found.cells)


@pytest.mark.parametrize(("lives", "in_each"), [(1, [7]), (2, [4, 3]), (3, [3, 2, 2]), (9, [1] * 9)])
def test_the_runs_of_what_changes_nothing_are_spread_over_the_lives(lives: int, in_each: list[int]) -> None:
    plan = matrix.Plan([], sizes=[1], latencies=[0], runs=lives, quiet_runs=7)
    assert [plan.times("nothing to do", number) for number in range(lives)] == in_each
    assert [plan.times("up", number) for number in range(lives)] == [1] * lives


def test_a_row_that_cannot_be_run_here_is_left_out_with_a_word(tmp_path: Path) -> None:
    done = bench("--parts", "matrix", "--rows", "opentofu", PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.endswith("bench: OpenTofu + restapi: tofu and terraform-provider-restapi not on PATH\n")


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("--parts", "matrix,all"), "--parts: there is no 'all'; there are matrix, fleets, stacks"),
        (("--fleets", "0"), "--fleets: '0' is not a list of whole numbers from 1 to 200"),
        (("--rows", "ours-v2,nobody"), "--rows: there is no 'nobody'; there are ours-v2, "),
        (("--sizes", "0,1"), "--sizes: '0,1' is not a list of whole numbers from 1 to 100"),
        (("--latencies", "soon"), "--latencies: 'soon' is not a list of whole numbers from 0 to 10000"),
        (("--operations", "up,down"), "--operations: there is no 'down'; there are preview new, up, "),
        (("--render", "--json", "/nowhere/p.json"), "/nowhere/p.json cannot be used"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_in_words(args: tuple[str, ...], reason: str) -> None:
    done = bench(*args)
    assert done.returncode == 1
    assert done.stderr.startswith(f"bench: {reason}")


class Idle(Row):
    """Says that it is done, and sends nothing."""

    name = "httpx-4"  # the cell of a row that the tables know
    title = "idle"
    leaves_out = "everything"

    def stage(self, directory: Path, site: Site) -> Stage:
        return IdleStage(directory)


class IdleStage(Stage):
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def command(self, operation: Operation) -> Command:
        return Command([sys.executable, "-c", ""], self._directory, dict(os.environ), {})


def test_a_time_in_which_nothing_was_done_does_not_count() -> None:
    with pytest.raises(BenchError, match=r"^idle, 1 modules, 0 ms, up, run 1: 1 modules and the requests .* were to be seen"):
        matrix.run(matrix.Plan([Idle()], sizes=[1], latencies=[0], runs=1), lambda what: None)


@pytest.mark.parametrize("started", ["in front", "in the background"])
def test_an_interruption_ends_what_runs_and_writes_nothing_of_it(tmp_path: Path, started: str) -> None:
    """A shell has its background jobs ignore SIGINT, and with it all that they start: engines would wait for plugins in vain."""
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"] if started == "in the background" else []
    target = tmp_path / "p.json"
    args = [
        "--parts",
        "matrix",
        "--rows",
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
    assert rest.endswith("bench: interrupted; the part that it measured was not written\n")
    assert not list(tmp_path.iterdir())
