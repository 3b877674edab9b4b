"""The Pulumi CLI as one stack runs it: it can be interrupted, and a lock that a killed one left can be told from another's."""

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


class Interrupted(Exception):  # noqa: N818 - it is what the user asked for
    """Nothing more is started for this stack."""


class Engine(PulumiCommand):
    """The CLI for one stack.

    Pulumi's own class starts the CLI in our process group, where a Ctrl-C on the terminal and one that we pass on would be two,
    and the second one makes the CLI drop its work where it stands.

    Args:
        found: The CLI on PATH.
        journal: A folder with a file for each CLI that runs, named by its process id. A kill leaves it there.
    """

    def __init__(self, found: PulumiCommand, journal: Path) -> None:
        self.command, self.version = found.command, found.version
        self.is_interrupted = False
        self._journal = journal
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def interrupt(self) -> None:
        """As Ctrl-C on the CLI: the first time it ends after the operations that run, the second time at once."""
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
        """Run one command; see Pulumi's own.

        Raises:
            Interrupted: It was interrupted before this command began.
            pulumi.automation.CommandError: The command failed.
        """
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        out: list[str] = []
        err: list[str] = []
        with self._started([self.command, "--non-interactive", *args], cwd, environment) as process:
            reader = threading.Thread(target=_collect, args=(process.stderr, on_error, err))
            reader.start()
            _collect(process.stdout, on_output, out)
            reader.join()
        result = CommandResult("\n".join(out), "\n".join(err), process.returncode)
        if process.returncode:
            raise create_command_error(result)
        return result

    @contextlib.contextmanager
    def _started(self, command: list[str], cwd: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
        with self._lock:
            if self.is_interrupted:
                raise Interrupted
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
            self._journal.mkdir(parents=True, exist_ok=True)
            entry = self._journal / str(process.pid)
            entry.touch()
        try:
            with process:
                yield process
        finally:
            with self._lock:
                self._process = None
            entry.unlink(missing_ok=True)

    def is_left_over(self, said: str) -> bool:
        """Whether each lock that the CLI complains of was taken by a CLI of ours that is gone.

        The host's name proves nothing, since build machines share theirs. So only process ids of our own journal count.
        """
        owners = _LOCK.findall(said)
        return bool(owners) and all(
            host == socket.gethostname() and (self._journal / pid).exists() and not _runs(int(pid)) for host, pid in owners
        )

    def forget_the_dead(self) -> None:
        """Clear the journal of those whose lock is gone."""
        for entry in self._journal.glob("*"):
            if not _runs(int(entry.name)):
                entry.unlink(missing_ok=True)


def _collect(stream: IO[str] | None, tell: OnOutput | None, lines: list[str]) -> None:
    for line in stream or ():
        lines.append(line.rstrip())
        if tell:
            tell(lines[-1])


def _runs(pid: int) -> bool:
    """Whether a process runs. One that nobody has waited for is gone: in a container without an init it stays a zombie."""
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
