"""One stack run: selects the stack of an installation, runs the operation, recovers from a killed run, collects the result."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import unquote

import pulumi.automation as auto

from .cli import InterruptedByUserError, InterruptibleCli
from .installations import FleetError, Settings, write_stack_config

Status = Literal["done", "failed", "interrupted", "not started"]

_MARKUP: Final = re.compile(r"<\{%.*?%\}>")
_PASSWORDS: Final = tuple(map(re.compile, (r"//[^/@:]*:([^/]+)@", r"//[^/@:]*:(.+)@", r"[?&](?:ssl)?password=([^&#]+)")))
_REPLACEMENT_PARTS: Final = (auto.OpType.CREATE_REPLACEMENT, auto.OpType.DELETE_REPLACED)
_SUMMARY_ERRORS: Final = ("update failed", "preview failed", "update cancelled", "update canceled")
"""Errors of the engine that only repeat that an operation failed; the cause is an earlier diagnostic."""


class Operation(StrEnum):
    """The operations; ``preview`` is a preview of ``up``."""

    UP = "up"
    PREVIEW = "preview"
    REFRESH = "refresh"
    DESTROY = "destroy"


@dataclass(frozen=True)
class Job:
    """What to do on each installation.

    Attributes:
        project: The folder of Pulumi.yaml.
        operation: The operation to run.
        preview: Only show the changes.
        unlock: Remove the state lock of any run.
        backend: The URL of the state's backend; None: the backend that Pulumi is logged in to.
    """

    project: Path
    operation: Operation
    preview: bool = False
    unlock: bool = False
    backend: str | None = None


@dataclass
class Result:
    """The result of one installation.

    Attributes:
        changes: Count of the program's resources by operation (create, update, same …), without the stack itself.
        error: Why the run failed: the error messages of the engine and the provider.
        warnings: The warnings of the engine and the provider.
        seconds: Duration of the run.
        recovered: Whether a killed run had left a lock, which was removed before this run refreshed the state.
    """

    installation: str
    status: Status = "not started"
    changes: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    recovered: bool = False


class StackRun:
    """The run of one operation on the stack of one installation.

    Args:
        name: Name of the installation and of its stack.
        settings: The installation's settings in the file of installations.
        variables: The environment variables of its processes, besides those of this process.
        job: What to do.
        cli: The CLI on PATH.

    Attributes:
        result: The result so far.
        steps: How many resources are done.
    """

    def __init__(self, name: str, settings: Settings, variables: Mapping[str, str], job: Job, cli: auto.PulumiCommand) -> None:
        self.result = Result(name)
        self._settings, self._variables, self._job = settings, variables, job
        self._cli = InterruptibleCli(cli, job.project / ".fleet" / name)
        self._errors: list[str] = []
        self._on_step: Callable[[], None] = lambda: None

    def interrupt(self) -> None:
        """Interrupt the run: the first call lets running operations finish, the second call stops at once."""
        self._cli.interrupt()

    def execute(self, on_step: Callable[[], None]) -> None:
        """Run the operation and record the outcome in ``result``; never raises.

        Args:
            on_step: Called when a resource is done.
        """
        began = time.monotonic()
        self._on_step = on_step
        try:
            self._run_with_recovery()
            self.result.status = "done"
        except InterruptedByUserError:
            self.result.status = "interrupted"
        except FleetError as error:
            self._fail(str(error))
        except auto.CommandError as error:
            self._fail(self._failure_of(error))
        except OSError as error:
            self._fail(f"the Pulumi CLI cannot be run: {error}")
        except Exception as error:  # noqa: BLE001 - the pool drops it, and the run looks like one that never started
            text = redacted(f"{type(error).__name__}: {error}", self._job.backend)
            self._fail(f"the Pulumi CLI printed something unexpected, and the stack may have changed: {text}")
        if self._cli.is_interrupted and self.result.status == "failed":
            # The interrupt explains the failure; only diagnostics about anything else are shown.
            self.result.status, self.result.error = "interrupted", "\n".join(dict.fromkeys(self._errors)) or None
        self.result.seconds = round(time.monotonic() - began, 1)

    def _fail(self, text: str) -> None:
        self.result.status, self.result.error = "failed", text

    def _failure_of(self, error: auto.CommandError) -> str:
        """Why a command failed: the engine's diagnostics, or the last lines on stderr if there are none."""
        if isinstance(error, auto.ConcurrentUpdateError):
            message = last_lines(error, self._job.backend)
            return f"{message}\nnext: if no other run works on the stack, pass --unlock"
        return "\n".join(dict.fromkeys(self._errors)) or last_lines(error, self._job.backend)

    def _run_with_recovery(self) -> None:
        write_stack_config(self._job.project, self.result.installation, self._settings)
        try:
            self._operate(self._stack(create=self._job.operation is Operation.UP))
        except auto.ConcurrentUpdateError as error:
            if not (self._job.unlock or self._cli.is_stale_lock(str(error))):
                raise
            self._recover(str(error))
            self._operate(self._stack(create=False))

    def _stack(self, *, create: bool) -> auto.Stack | None:
        """The stack; None if it does not exist and is not to be created: then there is nothing to refresh or destroy."""
        in_project = workspace(self._job, self._cli, self._variables)
        try:  # select first: only the first `up` has to create it
            return auto.Stack.select(self.result.installation, in_project)
        except auto.errors.StackNotFoundError:
            return auto.Stack.create(self.result.installation, in_project) if create else None

    def _recover(self, lock_message: str) -> None:
        """Recover from a killed run: remove its lock, and refresh the state, which may have creates with an unknown outcome.

        The provider verifies those: the next create adopts a module that is registered already (v1) or names it (v2).

        Raises:
            FleetError: There is a lock but no stack.
        """
        stack = self._stack(create=False)
        if stack is None:
            where = redacted(lock_message.rpartition("`pulumi cancel`.")[2].strip(), self._job.backend)
            raise FleetError(
                f"a run was killed while it created the stack; Pulumi cannot remove its lock:\n{where}\nnext: delete it"
            )
        stack.cancel()
        self._cli.forget_ended_processes()
        self.result.recovered = True
        if self._job.operation is not Operation.REFRESH:
            stack.refresh(clear_pending_creates=True, show_secrets=False, **self._event_options())

    def _operate(self, stack: auto.Stack | None) -> None:
        if stack is None:
            return
        options = self._event_options()
        match self._job.operation, self._job.preview:
            case Operation.UP, False:
                stack.up(show_secrets=False, **options)
            case Operation.UP, True:
                stack.preview(**options)
            case Operation.REFRESH, False:
                stack.refresh(clear_pending_creates=True, show_secrets=False, **options)
            case Operation.REFRESH, True:
                stack.preview_refresh(**options)
            case Operation.DESTROY, False:
                stack.destroy(show_secrets=False, **options)
            case Operation.DESTROY, True:
                stack.preview_destroy(**options)

    def _event_options(self) -> dict[str, Any]:
        self.steps = 0
        self._errors.clear()
        self.result.changes.clear()
        return {"on_event": self._on_event, "color": "never", "suppress_outputs": True}

    def _on_event(self, event: auto.EngineEvent) -> None:
        if event.res_outputs_event:
            self._count(event.res_outputs_event.metadata)
        if event.diagnostic_event:
            self._on_diagnostic(event.diagnostic_event)

    def _count(self, done: auto.StepEventMetadata) -> None:
        """Count a resource of the program, but not the stack, its providers and the two parts of a replacement."""
        if done.type.startswith("pulumi:") or done.op in _REPLACEMENT_PARTS:
            return
        self.steps += 1
        self.result.changes[done.op.value] = self.result.changes.get(done.op.value, 0) + 1
        self._on_step()

    def _on_diagnostic(self, diagnostic: auto.DiagnosticEvent) -> None:
        text = redacted(_MARKUP.sub("", diagnostic.message).strip(), self._job.backend)
        if diagnostic.severity == "error" and text not in _SUMMARY_ERRORS:
            self._errors.append(text)
        elif diagnostic.severity == "warning":
            self.result.warnings.append(text)


def workspace(job: Job, cli: auto.PulumiCommand, variables: Mapping[str, str]) -> auto.LocalWorkspace:
    """The workspace of the project, with the variables of one stack."""
    backend = {"PULUMI_BACKEND_URL": job.backend} if job.backend else {}
    return auto.LocalWorkspace(work_dir=str(job.project), env_vars={**variables, **backend}, pulumi_command=cli)


def last_lines(error: auto.CommandError, backend: str | None) -> str:
    """The last lines that a command printed on stderr."""
    message = str(error).rpartition("stderr:")[2].strip() or str(error)
    return redacted("\n".join(message.splitlines()[-6:]), backend)


def redacted(text: str, backend: str | None) -> str:
    """The text without the password of the backend's URL, as it is written there or decoded: a database driver may print both.

    A password that is not encoded may contain each of the characters that end one.
    """
    url = backend or ""
    found = [found for pattern in _PASSWORDS for found in pattern.findall(url)]
    for password in sorted({*found, *map(unquote, found)}, key=len, reverse=True):
        text = text.replace(password, "***")
    return text
