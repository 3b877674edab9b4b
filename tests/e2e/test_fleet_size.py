"""What an installation of a fleet costs does not grow with their number: wall time, and memory of the whole process tree.

In `make soak` 20 installations with 50 modules each beside 5, with their state in files and in PostgreSQL; in `make test` few, in
files. The benchmark measures it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext

import pytest

from bench.document import Document
from bench.scale import fleets
from bench.scale.plan import Plan
from bench.targets import targets
from tests.support.campaign import SOAK, runs
from tests.support.postgres import postgres
from tests.support.project import require_engine

FEW, MANY = (5, 20) if SOAK else (2, 3)
MODULES = runs(3, 50)


@pytest.fixture(params=["files", "postgresql"][: runs(1, 2)])
def backend(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    with postgres() if request.param == "postgresql" else nullcontext(dict[str, str]()) as variables:
        yield variables


@pytest.mark.timeout(3600)
def test_time_and_memory_for_each_installation_are_flat(backend: Mapping[str, str]) -> None:
    require_engine()
    plan = Plan([FEW, MANY], MODULES, latency=0, operations=("up",))
    held = list(targets(Document(version=2, fleets=fleets.run(plan, lambda what: None, backend))))
    for target in held:
        print(f"{target.text}: {target.worst}")  # noqa: T201
    # Time is compared in the whole campaign only: a slice is as long as its noise.
    missed = [target.worst for target in held if not target.met and (SOAK or not target.worst.endswith(" s"))]
    assert len(held) == 3
    assert not missed
