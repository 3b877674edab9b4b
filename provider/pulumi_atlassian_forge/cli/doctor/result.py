"""Results of ``doctor``: one :class:`Check` for each question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from pulumi_atlassian_forge.api.errors import LostResponse, ServerFailure, Throttled, Unreachable
from pulumi_atlassian_forge.emulator.api_assumptions import ASSUMPTIONS
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.sanitizer import message, printable

Status = Literal["ok", "warn", "fail", "skipped"]

TRANSIENT: Final = (LostResponse, ServerFailure, Throttled, Unreachable)  # errors that tell nothing about the installation

_MAX_LENGTH: Final = 2000


@dataclass(frozen=True)
class Check:
    """The result of one question."""

    name: str
    status: Status
    text: str  # what was found, in one line or more
    next: str | None = None  # what to do


def ok(name: str, text: str) -> Check:
    """A check that found no problem."""
    return Check(name, "ok", printable(text, _MAX_LENGTH))


def warn(name: str, text: str, step: str) -> Check:
    """A check that found something that works, and may not for long."""
    return Check(name, "warn", printable(text, _MAX_LENGTH), printable(step, _MAX_LENGTH))


def fail(name: str, text: str, step: str) -> Check:
    """A check that found something that does not work."""
    return Check(name, "fail", printable(text, _MAX_LENGTH), printable(step, _MAX_LENGTH))


def skipped(name: str, reason: str) -> Check:
    """A check that did not run."""
    return Check(name, "skipped", printable(reason, _MAX_LENGTH))


def from_error(name: str, error: ForgeError) -> Check:
    """A failed check from an error, whose ``next:`` lines become the step."""
    lines = str(error).splitlines()
    steps = [line.removeprefix("next: ") for line in lines if line.startswith("next: ")]
    return Check(name, "fail", "\n".join(line for line in lines if not line.startswith("next: ")), "; ".join(steps) or None)


def contract_violation(name: str, number: int, text: str, step: str) -> Check:
    """A warning that the installation does not keep an API assumption, with what it does instead."""
    assumption = ASSUMPTIONS[number - 1]
    documented = "" if assumption.basis == "assumed" else ", which is documented,"
    return warn(name, f"API assumption {assumption.name}{documented} does not hold here: {text}", step)


def fill_skipped(found: Iterable[Check], names: Sequence[str], cause: str) -> list[Check]:
    """The checks in the order of the names. Each missing one was skipped because of the check that failed."""
    have = {check.name: check for check in found}
    return [have.get(name) or skipped(name, f"{cause} failed") for name in names]


def shown(checks: Iterable[Check]) -> list[Check]:
    """The checks, fit to print. Their texts may quote a server, or a token that was set as an address."""
    return [replace(check, text=message(check.text), next=check.next and message(check.next)) for check in checks]


def duration(seconds: float) -> str:
    """Seconds, in words."""
    for unit, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} seconds"
