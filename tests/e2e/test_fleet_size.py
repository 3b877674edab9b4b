"""What an installation of a fleet costs does not grow with their number: wall time, and memory of the whole process tree.

In `make soak` 20 installations with 50 modules each beside 5; in `make test` the same with few. The benchmark measures it.
"""

from __future__ import annotations

import pytest

from bench.document import Document
from bench.scale import fleets
from bench.scale.plan import Plan
from bench.targets import targets
from tests.support.campaign import SOAK, runs
from tests.support.project import require_engine

FEW, MANY = (5, 20) if SOAK else (2, 4)
MODULES = runs(3, 50)


@pytest.mark.timeout(3600)
def test_time_and_memory_for_each_installation_are_flat() -> None:
    require_engine()
    plan = Plan([FEW, MANY], MODULES, latency=0, operations=("up",))
    held = list(targets(Document(version=2, fleets=fleets.run(plan, lambda what: None))))
    for target in held:
        print(f"{target.text}: {target.worst}")  # noqa: T201
    # Time is compared in the whole campaign only: a slice is as long as its noise.
    missed = [target.worst for target in held if not target.met and (SOAK or not target.worst.endswith(" s"))]
    assert len(held) == 3
    assert not missed
