"""One fault, or two, in a run of 20 modules: no module is lost or registered twice, in one run.

`make test` runs a seeded subset, `make soak` the whole table; tests/lifecycle/test_recovery.py has all of it without a program.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from testing.independent_server import CUT, TOKEN, Server
from testing.normalizing import FILTER, normalize_at_random
from testing.project import Outcome, Project
from testing.soak import runs
from tests.support.engines import BOTH_ENGINES
from tests.support.faults import FAULTS, TOO_LATE, Fault, Order, arm, disarm

N = 20
IDENTICAL = 5  # of the 20, under v2
ALL = {**FAULTS, **TOO_LATE}
TABLE = list(itertools.product(ALL, ("v1", "v2"), ("array", "envelope"), (False, True)))
PAIRS = list(range(50))


def program(version: str, word: str) -> str:
    """Under v2 some of the modules are identical: only the server's keys tell them apart."""
    same = IDENTICAL if version == "v2" else 0
    return f"""
for i in range({N}):
    endpoint = "{word}" if i < {same} else f"{word}-{{i}}"
    forge.TriggerModule(f"module-{{i}}", events=["avi:jira:updated:issue"], endpoint=endpoint, {FILTER})
"""


def printable(done: Outcome) -> None:
    assert done.code == 0, done.text
    assert "Traceback" not in done.text
    assert TOKEN not in done.text


def exact(stack: Project, server: Server, version: str, word: str) -> None:
    """What is on the server is what was declared, and what is in the state."""
    same = IDENTICAL if version == "v2" else 0
    expected = Counter({f"{word}-{i}": 1 for i in range(same, N)} | ({word: same} if same else {}))
    assert Counter(module["data"]["endpoint"] for module in server.modules(version)) == expected
    ids = sorted(resource["id"] for resource in stack.state())
    assert ids == sorted(f"default/{version}/{module['key']}" for module in server.modules(version))
    assert TOKEN not in stack.export()


def every_operation(stack: Project, server: Server, version: str, orders: Callable[[str], list[Order]]) -> None:
    """Register, update, refresh and delete 20 modules, with faults in each."""
    for method, word in (("POST", "first"), ("PUT", "second")):
        stack.program(program(version, word))
        arm(server, orders(method))
        printable(stack.up())
        exact(stack, server, version, word)
    disarm(server)
    printable(stack.preview("--expect-no-changes"))
    arm(server, orders("DELETE"))
    printable(stack.destroy())
    assert server.modules(version) == []
    assert stack.state() == []


def slice_of(cases: list[Any], n: int) -> list[Any]:
    """Evenly over the whole, so that both versions and both shapes are in it."""
    chosen = random.Random(5).sample(cases, n)
    return sorted(chosen, key=cases.index)


@BOTH_ENGINES
@pytest.mark.parametrize(("name", "version", "shape", "normalizes"), slice_of(TABLE, runs(4, len(TABLE))))
def test_one_fault(
    project: Callable[..., Project], server: Server, name: str, version: str, shape: str, *, normalizes: bool
) -> None:
    server.list_shape = shape
    if normalizes:
        normalize_at_random(server, version, random.Random(f"{name} {version} {shape}"))
    stack = project(server, apiVersion=version, requestTimeout="2")
    every_operation(stack, server, version, lambda method: [Order(method, 3, ALL[name])])


@BOTH_ENGINES
@pytest.mark.parametrize("seed", slice_of(PAIRS, runs(2, len(PAIRS))))
def test_any_two_faults_at_random_positions(project: Callable[..., Project], server: Server, seed: int) -> None:
    draw = random.Random(seed)
    version, server.list_shape = draw.choice(["v1", "v2"]), draw.choice(["array", "envelope"])
    if seed % 2:
        normalize_at_random(server, version, draw)
    stack = project(server, apiVersion=version, requestTimeout="2")
    every_operation(
        stack,
        server,
        version,
        lambda method: [Order(method, draw.randint(1, N), draw.choice(list(ALL.values()))) for _ in range(2)],
    )


@pytest.mark.cli
@pytest.mark.smoke
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_one_lost_response(project: Callable[..., Project], server: Server, version: str) -> None:
    stack = project(server, apiVersion=version)
    stack.program(program(version, "first"))
    arm(server, [Order("POST", 3, FAULTS["response lost after commit"])])
    printable(stack.up())
    exact(stack, server, version, "first")


@BOTH_ENGINES
@pytest.mark.parametrize("shape", ["array", "envelope"])
def test_a_list_response_that_is_cut(project: Callable[..., Project], server: Server, shape: str) -> None:
    server.list_shape, server.page_size = shape, 5
    stack = project(server, apiVersion="v2")
    stack.program(program("v2", "first"))
    arm(server, [Order("GET", 1, Fault("after", CUT))])
    printable(stack.up())
    exact(stack, server, "v2", "first")
    arm(server, [Order("GET", 2, Fault("after", CUT))])
    printable(stack.refresh())
    printable(stack.preview("--expect-no-changes"))
    exact(stack, server, "v2", "first")
