"""Runs a command and measures it and its child processes. Linux only: it reads /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .errors import BenchError

_SAMPLE_INTERVAL_S: Final = 0.025  # minimum; usage after the last sample is missed
_MAX_SAMPLING_SHARE: Final = 0.05  # of a processor; with many processes the interval grows
_TIME_LIMIT_S: Final = 600.0  # default of a command
_INTERRUPT_GRACE_S: Final = 10.0  # for an interrupted command to end
_CLOCK_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


@dataclass(frozen=True)
class Command:
    """A command to measure.

    Attributes:
        roles: Roles of processes, each with a part of the command line by which a process is recognized. The first match counts.
        limit: Time limit in seconds.
    """

    args: list[str]
    cwd: Path
    environment: dict[str, str]
    roles: Mapping[str, str]
    limit: float = _TIME_LIMIT_S


@dataclass
class Usage:
    """Resource usage of a role: peak memory of its largest process in megabytes (10^6 bytes), CPU seconds, megabytes written.

    Written bytes include files, pipes and sockets.
    """

    memory: float = 0.0
    cpu: float = 0.0
    written: float = 0.0


@dataclass(frozen=True)
class Measurement:
    """The measurement of a command.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: CPU seconds of the command and all child processes that were waited for.
        memory: Peak of the memory of the command and all child processes in megabytes; shared memory counts for each process.
        roles: Usage of each role; a role that never ran is missing.
    """

    wall: float
    cpu: float
    memory: float
    roles: dict[str, Usage]


@dataclass
class _Process:
    role: str | None = None
    usage: Usage = field(default_factory=Usage)


class _ProcessMonitor(threading.Thread):
    """Samples a process and its children until it is stopped."""

    def __init__(self, root: int, roles: Mapping[str, str]) -> None:
        super().__init__(daemon=True)
        self._root, self._roles = root, {role: part.encode() for role, part in roles.items()}
        self._stopped = threading.Event()
        self._seen: dict[int, _Process] = {}
        self._peak = 0.0

    def run(self) -> None:
        pause = _SAMPLE_INTERVAL_S
        while not self._stopped.wait(pause):
            began = time.thread_time()
            self._peak = max(self._peak, self._sample(self._root, _line(os.getpid())))
            pause = max(_SAMPLE_INTERVAL_S, (time.thread_time() - began) / _MAX_SAMPLING_SHARE)

    def stop(self) -> tuple[float, dict[str, Usage]]:
        """Stop sampling; returns the peak memory of all processes and the usage of each role."""
        self._stopped.set()
        self.join()
        found: dict[str, Usage] = {}
        for process in self._seen.values():
            if process.role is not None:
                total = found.setdefault(process.role, Usage())
                total.memory = max(total.memory, process.usage.memory)
                total.cpu += process.usage.cpu
                total.written += process.usage.written
        return self._peak, found

    def _sample(self, pid: int, parent_line: bytes) -> float:
        """Sample a process and its children; returns the megabytes that they use now.

        Before exec a process shows the command line and memory of its parent, so such a process is ignored.
        """
        line = _line(pid)
        process = self._seen.setdefault(pid, _Process())
        resident = 0.0
        # A process may end while it is sampled, and a zombie has no memory.
        with contextlib.suppress(OSError, KeyError):
            if line != parent_line:
                process.role = process.role or self._role(line)
                status = _fields(pid, "status")
                resident = _megabytes(status["VmRSS"])
                if process.role is not None:
                    process.usage = _usage(pid, status)
        return resident + sum(self._sample(child, line) for child in _children(pid))

    def _role(self, line: bytes) -> str | None:
        return next((role for role, part in self._roles.items() if part in line), None)


def _line(pid: int) -> bytes:
    """The command line of a process; empty if it has ended."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ")
    return b""


def _usage(pid: int, status: Mapping[str, str]) -> Usage:
    times = _stat(pid)[11:13]  # utime and stime
    written = int(_fields(pid, "io")["wchar"]) / 1e6
    return Usage(memory=_megabytes(status["VmHWM"]), cpu=sum(map(int, times)) / _CLOCK_TICKS_PER_S, written=written)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name (in parentheses, may contain spaces): state, parent, group, session."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _fields(pid: int, file: str) -> dict[str, str]:
    lines = (_PROC / str(pid) / file).read_text().splitlines()
    return {name: value for name, _, value in (line.partition(":") for line in lines)}


def _megabytes(kibibytes: str) -> float:
    return int(kibibytes.split(maxsplit=1)[0]) * 1024 / 1e6


def _children(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def measure(command: Command, log: Path, stdout_file: Path | None = None) -> Measurement:
    """Run a command to its end.

    Args:
        command: What to run.
        log: The file for its output.
        stdout_file: A separate file for its standard output.

    Raises:
        BenchError: The command failed or exceeded its time limit.
    """
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        stdout = output if stdout_file is None else stack.enter_context(stdout_file.open("wb"))
        began = time.perf_counter()
        process = subprocess.Popen(
            command.args,
            cwd=command.cwd,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=output,
            start_new_session=True,  # Ctrl-C is passed on by _end
        )
        watch = _ProcessMonitor(process.pid, command.roles)
        watch.start()
        late = threading.Timer(command.limit, process.kill)
        late.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            _end(process)
            raise
        finally:
            late.cancel()
            memory, roles = watch.stop()
    if process.returncode:
        _kill_session(process.pid)
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()[-12:]
        ended = (
            f"took longer than {command.limit:.0f} s" if wall >= command.limit else f"ended with exit code {process.returncode}"
        )
        raise BenchError("\n".join([f"{' '.join(command.args)}: {ended}; the end of what it printed:", *lines]))
    return Measurement(wall, used.ru_utime + used.ru_stime, memory, roles)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a command, give it time to end, then kill its session. Further signals are ignored meanwhile."""
    with _uninterrupted():
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_INTERRUPT_GRACE_S)
        _kill_session(process.pid)
        process.wait()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill_session(leader: int) -> None:
    """Kill a command and all processes of its session. Plugins have their own process groups, but share it."""
    while alive := [pid for pid in _all() if _session(pid) == leader]:
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_SAMPLE_INTERVAL_S)


def _all() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _session(pid: int) -> int | None:
    """The session of a process; None if it has ended."""
    with contextlib.suppress(OSError):
        state, _, _, session = _stat(pid)[:4]
        return None if state in "ZX" else int(session)
    return None
