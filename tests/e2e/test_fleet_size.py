"""Cost of one installation of a fleet, which does not grow with their number: wall time, and memory of the whole process tree.

20 installations with 50 modules each beside 5, with their state in files and in PostgreSQL. The benchmark measures it, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext

import pytest

from bench.document import Document
from bench.scale import fleets
from bench.scale.plan import Plan
from bench.targets import targets
from testing.project import require_engine
from tests.support.postgres import postgres

FEW, MANY, MODULES = 5, 20, 50


@pytest.fixture(params=["files", "postgresql"])
def backend(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    with postgres() if request.param == "postgresql" else nullcontext(dict[str, str]()) as variables:
        yield variables


@pytest.mark.cli
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_time_and_memory_for_each_installation_are_flat(backend: Mapping[str, str]) -> None:
    require_engine()
    plan = Plan([FEW, MANY], MODULES, latency=0, operations=("up",))
    held = list(targets(Document(version=3, fleets=fleets.run(plan, lambda what: None, backend))))
    for target in held:
        print(f"{target.text}: {target.worst}")  # noqa: T201
    assert len(held) == 3
    assert all(target.met for target in held)
