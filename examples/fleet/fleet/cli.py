"""The Pulumi CLI of one stack: interruptible, and able to recognize the state lock of a killed run of this folder."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error

_LOCK: Final = re.compile(r"created by .*@(\S+) \(pid (\d+)\)")


class InterruptedByUserError(Exception):
    """The user interrupted the fleet: no further command is started for this stack."""


class InterruptibleCli(PulumiCommand):
    """The Pulumi CLI for one stack, in a process group of its own.

    Pulumi's own class starts the CLI in the process group of the fleet. There a Ctrl-C on the terminal and the signal that the
    fleet passes on would count as two, and the second one makes the CLI stop at once.

    Args:
        cli: The CLI on PATH.
        pid_folder: A folder with a file for each running CLI, named by its process id. The file remains after a kill.
    """

    def __init__(self, cli: PulumiCommand, pid_folder: Path) -> None:
        self.command, self.version = cli.command, cli.version
        self.is_interrupted = False
        self._pid_folder = pid_folder
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def interrupt(self) -> None:
        """Send Ctrl-C to the CLI: the first one lets running operations finish, the second one stops it at once."""
        with self._lock:
            self.is_interrupted = True
            if self._process is not None:
                self._process.send_signal(signal.SIGINT)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command, as the method of the base class does.

        Raises:
            InterruptedByUserError: The fleet was interrupted before this command started.
            pulumi.automation.CommandError: The command failed.
        """
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        out: list[str] = []
        err: list[str] = []
        with self._process_of([self.command, "--non-interactive", *args], cwd, environment) as process:
            reader = threading.Thread(target=_collect, args=(process.stderr, on_error, err))
            reader.start()
            _collect(process.stdout, on_output, out)
            reader.join()
        result = CommandResult("\n".join(out), "\n".join(err), process.returncode)
        if process.returncode:
            raise create_command_error(result)
        return result

    @contextlib.contextmanager
    def _process_of(self, command: list[str], cwd: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
        with self._lock:
            if self.is_interrupted:
                raise InterruptedByUserError
            process = self._process = subprocess.Popen(  # noqa: S603 - the CLI, with arguments of Pulumi's own SDK
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                process_group=0,
            )
            self._pid_folder.mkdir(parents=True, exist_ok=True)
            entry = self._pid_folder / str(process.pid)
            entry.touch()
        try:
            with process:
                yield process
        finally:
            with self._lock:
                self._process = None
            entry.unlink(missing_ok=True)

    def is_stale_lock(self, message: str) -> bool:
        """Whether each lock in the CLI's message belongs to a CLI of this folder that no longer runs.

        The host name is no proof, because build machines share it. So the process id must be in the folder of process ids, too.
        """
        owners = _LOCK.findall(message)
        return bool(owners) and all(
            host == socket.gethostname() and (self._pid_folder / pid).exists() and not _is_running(int(pid))
            for host, pid in owners
        )

    def forget_ended_processes(self) -> None:
        """Delete the files of processes that no longer run."""
        for entry in self._pid_folder.glob("*"):
            if not _is_running(int(entry.name)):
                entry.unlink(missing_ok=True)


def _collect(stream: IO[str] | None, on_line: OnOutput | None, lines: list[str]) -> None:
    for line in stream or ():
        lines.append(line.rstrip())
        if on_line:
            on_line(lines[-1])


def _is_running(pid: int) -> bool:
    """Whether a process runs. A zombie does not count: in a container without an init process it is never reaped."""
    if Path("/proc/self/cmdline").exists():
        try:
            return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
