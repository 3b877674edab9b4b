"""What is measured unless options say otherwise, and where the figures go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from . import matrix
from .bench_plan import Whole
from .document import PARTS
from .errors import BenchError
from .scale.plan import Plan as ScalePlan
from .systems import ROWS
from .workload import OPERATIONS

_ROOT: Final = Path(__file__).resolve().parent.parent

DOCUMENT: Final = _ROOT / "docs" / "performance.json"
"""The figures that are published: only a run of the usual measures writes them."""

LOOK: Final = _ROOT / ".local" / "bench" / "performance.json"
"""Those of ``--quick``: a first look, which replaces nothing."""

_SCALE_LATENCY: Final = 50  # milliseconds, of fleets and stacks

_Name = TypeVar("_Name", bound=str)


class Usual(NamedTuple):
    """What is measured unless options say otherwise, as one would write the options."""

    sizes: str
    latencies: str
    runs: int
    quiet_runs: int
    fleets: str
    stacks: str
    each: int


WHOLE: Final = Usual("1,10,100", "0,50,300", 3, 7, "5,20,50", "1,2,5,10", 100)
QUICK: Final = Usual("10,100", "50", 1, 0, "2,4", "1,2,4", 10)


class Options(NamedTuple):
    """What was asked for; None is the usual."""

    parts: str | None = None
    rows: str | None = None
    sizes: str | None = None
    latencies: str | None = None
    operations: str | None = None
    runs: int | None = None
    fleets: str | None = None
    stacks: str | None = None
    each: int | None = None


def planned(options: Options, *, quick: bool) -> Whole:
    """What to measure.

    Raises:
        BenchError: An option names something that there is not.
    """
    usual = QUICK if quick else WHOLE
    wanted = _chosen("--parts", options.parts, PARTS)
    modules = usual.each if options.each is None else options.each
    of_matrix = matrix.Plan(
        rows=[ROWS[name] for name in _chosen("--rows", options.rows, list(ROWS))],
        sizes=_numbers("--sizes", options.sizes, usual.sizes, 1, 100),
        latencies=_numbers("--latencies", options.latencies, usual.latencies, 0, 10_000),
        runs=options.runs or usual.runs,
        quiet_runs=0 if options.runs else usual.quiet_runs,
        operations=_chosen("--operations", options.operations, OPERATIONS),
        quick=quick,
    )
    of_fleets = _numbers("--fleets", options.fleets, usual.fleets, 1, 200)
    of_stacks = _numbers("--stacks", options.stacks, usual.stacks, 1, 50)
    return Whole(
        matrix=of_matrix if "matrix" in wanted else None,
        fleets=ScalePlan(of_fleets, modules, _SCALE_LATENCY, quick=quick) if "fleets" in wanted else None,
        stacks=ScalePlan(of_stacks, modules, _SCALE_LATENCY, quick=quick) if "stacks" in wanted else None,
    )


def place(plan: Whole, *, quick: bool, is_added: bool) -> Path | None:
    """Where the figures go unless an option says so; None where each part that is measured is not the usual one.

    Args:
        plan: What is measured.
        quick: Whether it is ``--quick``.
        is_added: Whether the matrix's runs are added to earlier ones: it may be any number of them.
    """
    usual = planned(Options(), quick=quick)
    if is_added and plan.matrix and usual.matrix:
        usual = replace(usual, matrix=replace(usual.matrix, runs=plan.matrix.runs, quiet_runs=plan.matrix.quiet_runs))
    pairs = ((plan.matrix, usual.matrix), (plan.fleets, usual.fleets), (plan.stacks, usual.stacks))
    is_usual = all(part is None or part == whole for part, whole in pairs)
    return (LOOK if quick else DOCUMENT) if is_usual else None


def _chosen(option: str, names: str | None, there: Sequence[_Name]) -> list[_Name]:
    wanted = list(there) if names is None else names.split(",")
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise BenchError(f"{option}: there is no {', '.join(map(repr, unknown))}; there are {', '.join(there)}")
    return [name for name in there if name in wanted]


def _numbers(option: str, given: str | None, usual: str, least: int, most: int) -> list[int]:
    text = usual if given is None else given
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < least or found[-1] > most:
        raise BenchError(f"{option}: {text!r} is not a list of whole numbers from {least} to {most}, with commas between them")
    return found
