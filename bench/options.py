"""The options, their defaults, and where the figures are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from . import matrix
from .bench_plan import BenchPlan
from .document import PARTS
from .errors import BenchError
from .scale.plan import Plan as ScalePlan
from .systems import SYSTEMS
from .workload import OPERATIONS

_ROOT: Final = Path(__file__).resolve().parent.parent

DOCUMENT: Final = _ROOT / "docs" / "performance.json"
"""The published figures: only a run with the default options writes them."""

QUICK_DOCUMENT: Final = _ROOT / ".local" / "bench" / "performance.json"
"""The figures of ``--quick``, which never replace the published ones."""

_SCALE_LATENCY_MS: Final = 50  # of fleets and stacks

_Name = TypeVar("_Name", bound=str)


class Defaults(NamedTuple):
    """The default values of the options, as they are written on the command line."""

    sizes: str
    latencies: str
    runs: int
    no_change_runs: int
    fleets: str
    stacks: str
    each: int


FULL: Final = Defaults("1,10,100", "0,50,300", 3, 7, "5,20,50", "1,2,5,10", 100)
QUICK: Final = Defaults("10,100", "50", 1, 0, "2,4", "1,2,4", 10)


class Options(NamedTuple):
    """The given options; None stands for the default."""

    parts: str | None = None
    systems: str | None = None
    sizes: str | None = None
    latencies: str | None = None
    operations: str | None = None
    runs: int | None = None
    fleets: str | None = None
    stacks: str | None = None
    each: int | None = None


def plan_of(options: Options, *, quick: bool) -> BenchPlan:
    """The plan for the given options.

    Raises:
        BenchError: An option has an unknown or invalid value.
    """
    defaults = QUICK if quick else FULL
    wanted = _selected("--parts", options.parts, PARTS)
    modules = defaults.each if options.each is None else options.each
    of_matrix = matrix.MatrixPlan(
        systems=[SYSTEMS[name] for name in _selected("--systems", options.systems, list(SYSTEMS))],
        sizes=_numbers("--sizes", options.sizes, defaults.sizes, 1, 100),
        latencies=_numbers("--latencies", options.latencies, defaults.latencies, 0, 10_000),
        runs=options.runs or defaults.runs,
        no_change_runs=0 if options.runs else defaults.no_change_runs,
        operations=_selected("--operations", options.operations, OPERATIONS),
        quick=quick,
    )
    of_fleets = _numbers("--fleets", options.fleets, defaults.fleets, 1, 200)
    of_stacks = _numbers("--stacks", options.stacks, defaults.stacks, 1, 50)
    return BenchPlan(
        matrix=of_matrix if "matrix" in wanted else None,
        fleets=ScalePlan(of_fleets, modules, _SCALE_LATENCY_MS, quick=quick) if "fleets" in wanted else None,
        stacks=ScalePlan(of_stacks, modules, _SCALE_LATENCY_MS, quick=quick) if "stacks" in wanted else None,
    )


def default_target(plan: BenchPlan, *, quick: bool, is_added: bool) -> Path | None:
    """The default file of the figures; None if a measured part differs from the default plan.

    Args:
        plan: The plan.
        quick: Whether it is ``--quick``.
        is_added: Whether runs are added to earlier ones; then their number may differ.
    """
    default_plan = plan_of(Options(), quick=quick)
    if is_added and plan.matrix and default_plan.matrix:
        default_plan = replace(
            default_plan, matrix=replace(default_plan.matrix, runs=plan.matrix.runs, no_change_runs=plan.matrix.no_change_runs)
        )
    pairs = ((plan.matrix, default_plan.matrix), (plan.fleets, default_plan.fleets), (plan.stacks, default_plan.stacks))
    is_default = all(part is None or part == default for part, default in pairs)
    return (QUICK_DOCUMENT if quick else DOCUMENT) if is_default else None


def _selected(option: str, names: str | None, there: Sequence[_Name]) -> list[_Name]:
    wanted = list(there) if names is None else names.split(",")
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise BenchError(f"{option}: there is no {', '.join(map(repr, unknown))}; there are {', '.join(there)}")
    return [name for name in there if name in wanted]


def _numbers(option: str, given: str | None, default: str, least: int, most: int) -> list[int]:
    text = default if given is None else given
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < least or found[-1] > most:
        raise BenchError(f"{option}: {text!r} is not a list of whole numbers from {least} to {most}, with commas between them")
    return found
