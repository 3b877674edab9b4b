"""One installation's part of a fleet command: its stack, from selecting it to what came of it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import pulumi.automation as auto

from .engine import Engine, Interrupted
from .installations import FleetError, Settings, configure, environment

Status = Literal["done", "failed", "interrupted", "not started"]

_MARKUP: Final = re.compile(r"<\{%.*?%\}>")
_HALVES: Final = (auto.OpType.CREATE_REPLACEMENT, auto.OpType.DELETE_REPLACED)
_ENGINE_SAYS: Final = ("update failed", "preview failed", "update cancelled", "update canceled")
"""What the engine says of the whole; why it failed it has said before."""


class Operation(StrEnum):
    """What can be done; a preview is one of ``up``."""

    UP = "up"
    PREVIEW = "preview"
    REFRESH = "refresh"
    DESTROY = "destroy"


@dataclass(frozen=True)
class Job:
    """What is to be done on each installation.

    Attributes:
        project: The folder of Pulumi.yaml.
        operation: What to do.
        preview: Only show it.
        unlock: Break a lock, whoever holds it.
        backend: The URL of the state's backend; None: the one that Pulumi is logged in to.
    """

    project: Path
    operation: Operation
    preview: bool = False
    unlock: bool = False
    backend: str | None = None


@dataclass
class Result:
    """What came of one installation.

    Attributes:
        changes: How many resources of the program were created, updated, the same …, without the stack itself.
        error: Why it failed: the messages of the engine and the provider.
        warnings: What else they said.
        seconds: From its start to its end.
        recovered: Whether a run that was killed had left it locked, and what it had left was put in order first.
    """

    installation: str
    status: Status = "not started"
    changes: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    recovered: bool = False


class Member:
    """One installation of the fleet.

    Args:
        name: The installation, and so its stack.
        settings: What the file of installations says of it.
        job: What is to be done.
        cli: The CLI on PATH.

    Attributes:
        result: What came of it.
        steps: How many resources are done.
    """

    def __init__(self, name: str, settings: Settings, job: Job, cli: auto.PulumiCommand) -> None:
        self.result = Result(name)
        self._settings, self._job = settings, job
        self._engine = Engine(cli, job.project / ".fleet" / name)
        self._errors: list[str] = []
        self._tell: Callable[[], None] = lambda: None

    def interrupt(self) -> None:
        """Have it end: the operations that run are waited for the first time, and dropped the second time."""
        self._engine.interrupt()

    def run(self, tell: Callable[[], None]) -> None:
        """Do it, and put down in ``result`` what came of it; never raises.

        Args:
            tell: Called when a step is done.
        """
        began = time.monotonic()
        self._tell = tell
        try:
            self._carry_out()
            self.result.status = "done"
        except Interrupted:
            self.result.status = "interrupted"
        except FleetError as error:
            self._fail(str(error))
        except auto.CommandError as error:
            self._fail(self._told(error))
        except OSError as error:
            self._fail(f"the engine cannot be run: {error}")
        if self._engine.is_interrupted and self.result.status == "failed":
            # Why it ended is known; what the engine says on top of that only if it is more.
            self.result.status, self.result.error = "interrupted", "\n".join(dict.fromkeys(self._errors)) or None
        self.result.seconds = round(time.monotonic() - began, 1)

    def _fail(self, text: str) -> None:
        self.result.status, self.result.error = "failed", text

    def _told(self, error: auto.CommandError) -> str:
        """Why a command failed: the engine's own diagnostics; where it did not come so far, the last lines that it printed."""
        if isinstance(error, auto.ConcurrentUpdateError):
            said = complaint(error, self._job.backend)
            return f"{said}\nnext: when nobody works on the stack any more: --unlock"
        return redacted("\n".join(dict.fromkeys(self._errors)), self._job.backend) or complaint(error, self._job.backend)

    def _carry_out(self) -> None:
        configure(self._job.project, self.result.installation, self._settings)
        try:
            self._operate(self._stack(create=self._job.operation is Operation.UP))
        except auto.ConcurrentUpdateError as error:
            if not (self._job.unlock or self._engine.is_left_over(str(error))):
                raise
            self._recover(str(error))
            self._operate(self._stack(create=False))

    def _stack(self, *, create: bool) -> auto.Stack | None:
        """The stack; None where there is none and none is to be made: there is nothing to refresh or destroy."""
        place = workspace(self._job, self._engine, environment(self.result.installation, os.environ))
        try:  # selected first: all but the first `up` find it
            return auto.Stack.select(self.result.installation, place)
        except auto.errors.StackNotFoundError:
            return auto.Stack.create(self.result.installation, place) if create else None

    def _recover(self, locked: str) -> None:
        """Put in order what a killed run has left: its lock, and creates of which nobody knows whether they were done.

        The provider settles those by looking: what is registered already is adopted by the next create (v1) or named (v2).

        Raises:
            FleetError: There is a lock and no stack.
        """
        stack = self._stack(create=False)
        if stack is None:
            where = redacted(locked.rpartition("`pulumi cancel`.")[2].strip(), self._job.backend)
            raise FleetError(
                f"a run was killed while it made the stack; Pulumi cannot remove its lock:\n{where}\nnext: delete it"
            )
        stack.cancel()
        self._engine.forget_the_dead()
        self.result.recovered = True
        if self._job.operation is not Operation.REFRESH:
            stack.refresh(clear_pending_creates=True, show_secrets=False, **self._watched())

    def _operate(self, stack: auto.Stack | None) -> None:
        if stack is None:
            return
        watched = self._watched()
        match self._job.operation, self._job.preview:
            case Operation.UP, False:
                stack.up(show_secrets=False, **watched)
            case Operation.UP, True:
                stack.preview(**watched)
            case Operation.REFRESH, False:
                stack.refresh(clear_pending_creates=True, show_secrets=False, **watched)
            case Operation.REFRESH, True:
                stack.preview_refresh(**watched)
            case Operation.DESTROY, False:
                stack.destroy(show_secrets=False, **watched)
            case Operation.DESTROY, True:
                stack.preview_destroy(**watched)

    def _watched(self) -> dict[str, Any]:
        self.steps = 0
        self._errors.clear()
        self.result.changes.clear()
        return {"on_event": self._see, "color": "never", "suppress_outputs": True}

    def _see(self, event: auto.EngineEvent) -> None:
        if event.res_outputs_event:
            self._count(event.res_outputs_event.metadata)
        if event.diagnostic_event:
            self._hear(event.diagnostic_event)

    def _count(self, done: auto.StepEventMetadata) -> None:
        """Count what is the program's own: neither the stack and its providers, nor the two halves of a replacement."""
        if done.type.startswith("pulumi:") or done.op in _HALVES:
            return
        self.steps += 1
        self.result.changes[done.op.value] = self.result.changes.get(done.op.value, 0) + 1
        self._tell()

    def _hear(self, diagnostic: auto.DiagnosticEvent) -> None:
        text = _MARKUP.sub("", diagnostic.message).strip()
        if diagnostic.severity == "error" and text not in _ENGINE_SAYS:
            self._errors.append(text)
        elif diagnostic.severity == "warning":
            self.result.warnings.append(text)


def workspace(job: Job, cli: auto.PulumiCommand, variables: Mapping[str, str]) -> auto.LocalWorkspace:
    """The project, as the CLI is run in it."""
    backend = {"PULUMI_BACKEND_URL": job.backend} if job.backend else {}
    return auto.LocalWorkspace(work_dir=str(job.project), env_vars={**variables, **backend}, pulumi_command=cli)


def complaint(error: auto.CommandError, backend: str | None) -> str:
    """The last lines that a command printed on stderr."""
    said = str(error).rpartition("stderr:")[2].strip() or str(error)
    return redacted("\n".join(said.splitlines()[-6:]), backend)


def redacted(text: str, backend: str | None) -> str:
    """The text without the password of the backend's URL, which a driver's message may repeat."""
    redact_token_like = re.search(r"//[^/@]*:([^/@]+)@", backend or "")
    return text.replace(redact_token_like[1], "***") if redact_token_like else text
