"""Shared figures for the tests of the benchmark's pages."""

from __future__ import annotations

from bench.environment import Environment
from bench.scale.figures import FleetCell, Fleets, StackCell, Stacks

ENVIRONMENT = Environment(date="2026-01-02", quick=False, cores=2, processor="any", software={"Python": "3.11"})
FLEETS = Fleets(
    environment=ENVIRONMENT,
    modules=100,
    latency=50,
    parallel=2,
    sizes=[5],
    cells=[FleetCell(installations=5, operation="up", wall=20, cpu=30, memory=600, plugin=80, requests=505, seconds=[7.5] * 5)],
)
STACKS = Stacks(
    environment=ENVIRONMENT,
    modules=100,
    latency=50,
    sizes=[1],
    cells=[
        StackCell(installations=1, operation="up", wall=5, cpu=4, engine=120, plugin=80, written=30, requests=101, state=300_000)
    ],
)
