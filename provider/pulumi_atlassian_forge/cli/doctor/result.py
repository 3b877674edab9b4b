"""What ``doctor`` says: one :class:`Check` for each question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from pulumi_atlassian_forge.api.errors import LostResponse, ServerFailure, Throttled, Unreachable
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.emulator.contract import ROWS
from pulumi_atlassian_forge.errors import SECRET_MIN_LENGTH, ForgeError, redact, redact_token_like

Status = Literal["ok", "warn", "fail", "skipped"]

PASSING: Final = (LostResponse, ServerFailure, Throttled, Unreachable)
"""What came of a request and says nothing of the installation but that it should be asked again."""

_LONGEST: Final = 1000


@dataclass(frozen=True)
class Check:
    """The response to one question.

    Attributes:
        name: What was looked at.
        status: How it is. Only ``fail`` stands in the way.
        text: What was found; more than one line where there is a list of ways out.
        next: What to do.
    """

    name: str
    status: Status
    text: str
    next: str | None = None


def ok(name: str, text: str) -> Check:
    """It is as it should be."""
    return Check(name, "ok", text)


def warn(name: str, text: str, then: str) -> Check:
    """It works, and may not for long."""
    return Check(name, "warn", text, then)


def fail(name: str, text: str, then: str) -> Check:
    """It does not work."""
    return Check(name, "fail", text, then)


def skipped(name: str, because: str) -> Check:
    """It was not looked at."""
    return Check(name, "skipped", because)


def failed(name: str, error: ForgeError) -> Check:
    """An error of ours: its last step is what to do."""
    lines = str(error).splitlines()
    steps = [line.removeprefix("next: ") for line in lines if line.startswith("next: ")]
    return Check(name, "fail", "\n".join(line for line in lines if not line.startswith("next: ")), "; ".join(steps) or None)


def broken(name: str, row: int, text: str, then: str) -> Check:
    """The installation does something else than the contract's row says."""
    basis = "the assumption" if ROWS[row - 1].basis == "assumed" else "what is documented"
    return warn(name, f"{basis} in row {row} of the contract does not hold here: {text}", then)


def completed(found: Iterable[Check], names: Sequence[str], cause: str) -> list[Check]:
    """The checks in their order; each that is missing was left out because of the one that failed."""
    have = {check.name: check for check in found}
    return [have.get(name) or skipped(name, f"{cause} failed") for name in names]


def shown(checks: Iterable[Check], secrets: Iterable[str]) -> list[Check]:
    """The checks as they may be printed: a server's words are in them, and what somebody took for an address."""
    known = {secret for secret in secrets if len(secret) >= SECRET_MIN_LENGTH}

    def redacted(text: str) -> str:
        text = redact_token_like(redact(text, known))
        return "\n".join(printable(line, _LONGEST) for line in text.splitlines())

    return [replace(check, text=redacted(check.text), next=check.next and redacted(check.next)) for check in checks]


def duration(seconds: float) -> str:
    """Seconds, in words."""
    for unit, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} seconds"
