"""Run a command, and say what it and the processes below it took. Linux only: it reads /proc."""

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

_TICK: Final = 0.025  # seconds between two looks at least; what a process takes after the last one is missed
_SHARE: Final = 0.05  # of a processor that looking takes at most: many processes are looked at less often
_LIMIT: Final = 600.0  # seconds that a command may take, unless it says more
_GRACE: Final = 10.0  # seconds that an interrupted command has to tidy up
_HERTZ: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


@dataclass(frozen=True)
class Command:
    """What to run.

    Attributes:
        roles: The processes that are looked at, each by a part of its command line: the first one that fits.
        limit: Seconds that it may take.
    """

    args: list[str]
    cwd: Path
    environment: dict[str, str]
    roles: Mapping[str, str]
    limit: float = _LIMIT


@dataclass
class Usage:
    """What a role took: megabytes (10^6 bytes) at the peak of its largest process, processor seconds, megabytes written.

    What is written is all that the kernel was given to write: files, pipes and sockets.
    """

    memory: float = 0.0
    cpu: float = 0.0
    written: float = 0.0


@dataclass(frozen=True)
class Taken:
    """What a command took.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: Processor seconds of the command and all processes below it that were waited for.
        memory: Megabytes that the command and all processes below it had at once, at most: what they share counts for each.
        roles: What each role took; one that never ran is missing.
    """

    wall: float
    cpu: float
    memory: float
    roles: dict[str, Usage]


@dataclass
class _Process:
    role: str | None = None
    usage: Usage = field(default_factory=Usage)


class _Watch(threading.Thread):
    """Looks at the processes below one until it is told to stop."""

    def __init__(self, root: int, roles: Mapping[str, str]) -> None:
        super().__init__(daemon=True)
        self._root, self._roles = root, {role: part.encode() for role, part in roles.items()}
        self._over = threading.Event()
        self._seen: dict[int, _Process] = {}
        self._peak = 0.0

    def run(self) -> None:
        pause = _TICK
        while not self._over.wait(pause):
            began = time.thread_time()
            self._peak = max(self._peak, self._look(self._root, _line(os.getpid())))
            pause = max(_TICK, (time.thread_time() - began) / _SHARE)

    def stop(self) -> tuple[float, dict[str, Usage]]:
        """What all had at once, and what each role took."""
        self._over.set()
        self.join()
        found: dict[str, Usage] = {}
        for process in self._seen.values():
            if process.role is not None:
                total = found.setdefault(process.role, Usage())
                total.memory = max(total.memory, process.usage.memory)
                total.cpu += process.usage.cpu
                total.written += process.usage.written
        return self._peak, found

    def _look(self, pid: int, above: bytes) -> float:
        """Look at a process and those below it: the megabytes that all of them have now.

        Before its exec a process has its parent's command line and memory: neither is its own.
        """
        line = _line(pid)
        process = self._seen.setdefault(pid, _Process())
        resident = 0.0
        # It may end while it is looked at, and a zombie has no memory.
        with contextlib.suppress(OSError, KeyError):
            if line != above:
                process.role = process.role or self._role(line)
                status = _fields(pid, "status")
                resident = _megabytes(status["VmRSS"])
                if process.role is not None:
                    process.usage = _usage(pid, status)
        return resident + sum(self._look(child, line) for child in _children(pid))

    def _role(self, line: bytes) -> str | None:
        return next((role for role, part in self._roles.items() if part in line), None)


def _line(pid: int) -> bytes:
    """A process's command line; empty where it is gone."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ")
    return b""


def _usage(pid: int, status: Mapping[str, str]) -> Usage:
    times = _stat(pid)[11:13]  # utime and stime
    written = int(_fields(pid, "io")["wchar"]) / 1e6
    return Usage(memory=_megabytes(status["VmHWM"]), cpu=sum(map(int, times)) / _HERTZ, written=written)


def _stat(pid: int) -> list[str]:
    """What is said of a process after its name (which is in parentheses, and may hold spaces): state, parent, group, session."""
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


def measure(command: Command, log: Path, said: Path | None = None) -> Taken:
    """Run a command to its end.

    Args:
        command: What to run.
        log: Where its output goes.
        said: Where its standard output goes instead.

    Raises:
        BenchError: It failed, or did not end.
    """
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        stdout = output if said is None else stack.enter_context(said.open("wb"))
        began = time.perf_counter()
        process = subprocess.Popen(
            command.args,
            cwd=command.cwd,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=output,
            start_new_session=True,  # a Ctrl-C is ours to pass on
        )
        watch = _Watch(process.pid, command.roles)
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
    return Taken(wall, used.ru_utime + used.ru_stime, memory, roles)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let an interrupted command tidy up; then nothing below it lives on, whoever interrupts once more meanwhile."""
    with _uninterrupted():
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
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
    """End a command and all that it started: the engine's plugins have process groups of their own, but its session."""
    while living := [pid for pid in _all() if _session(pid) == leader]:
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_TICK)


def _all() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _session(pid: int) -> int | None:
    """The session of a process; None where it has ended."""
    with contextlib.suppress(OSError):
        state, _, _, session = _stat(pid)[:4]
        return None if state in "ZX" else int(session)
    return None
