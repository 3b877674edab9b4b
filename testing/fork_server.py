"""Fork server: starts Python processes in milliseconds, because the modules that they need are imported already.

A plugin process, a program and a command of `forge-modules` each spend half a second of a processor on imports, and the tests
start a thousand of them. So one process for each interpreter imports the modules once, and forks for each start. A forked process
is a process of its own, with its own environment, working directory, standard streams and memory.

This file runs in two places. The tests import it. The fork server itself runs it as a script, maybe with another interpreter, so
at its top it imports the standard library only.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

_PRELOADED = (
    "asyncio",
    "dill",
    "grpc",
    "httpx",
    "pulumi",
    "pulumi.dynamic",
    "pulumi.runtime",
    "pulumi.runtime.proto",
    "typer",
    "rich",
)
_PACKAGE = "pulumi_atlassian_forge"
_MESSAGE_BYTES = 1 << 20
_CAN_FORK = b"can fork"


@dataclass(frozen=True)
class Start:
    """What a process runs: a module (as ``python -m``), a script, or a function without arguments (``module:function``)."""

    run: str
    arguments: Sequence[str]
    cwd: str
    environment: Mapping[str, str]


class Process:
    """A forked process. Like :class:`subprocess.Popen`, as far as the tests need it."""

    def __init__(self, status: int) -> None:
        self._status = os.fdopen(status, "r", encoding="utf-8")
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._status.readline() or -signal.SIGKILL)
            self._status.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The client's side of one fork server."""

    def __init__(self, python: str) -> None:
        self._python = python
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE_BYTES)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [python, "-u", "-X", "utf8", __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=clean_environment(),
                start_new_session=True,  # Ctrl-C in a terminal is for pytest, which then closes the socket
            )
        self._can_fork = self._socket.recv(16) == _CAN_FORK
        atexit.register(self._close)

    def start(self, start: Start, stdout: int, stderr: int) -> Process | subprocess.Popen[bytes]:
        """Start a process.

        Args:
            start: What it runs.
            stdout: The file descriptor of its standard output.
            stderr: That of its standard error.
        """
        # What PYTHONPATH names may replace modules that the fork server has imported already.
        if not self._can_fork or "PYTHONPATH" in start.environment:
            return subprocess.Popen(
                [self._python, "-u", __file__, json.dumps(vars(start))],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=start.cwd,
                env=start.environment,
                start_new_session=True,
            )
        status, theirs = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._socket, [json.dumps(vars(start)).encode()], [stdout, stderr, theirs])
        finally:
            os.close(theirs)
        return Process(status)

    def _close(self) -> None:
        """End the fork server, which ends when the socket is closed."""
        self._socket.close()
        self._process.wait()


@functools.cache
def fork_server(python: str) -> ForkServer:
    """The fork server of an interpreter; one for each process of the tests."""
    return ForkServer(python)


def clean_environment() -> dict[str, str]:
    """The environment of this process, without settings of the provider, of Pulumi and of this pytest run."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ATLASSIAN_FORGE", "PULUMI", "PYTEST_"))}


class _Serve:
    """The fork server's own side: a loop that forks, and that reports how the forked processes ended."""

    def __init__(self, number: int, *, can_fork: bool) -> None:
        self._socket = socket.socket(fileno=number)
        self._socket.send(_CAN_FORK if can_fork else b"cannot")
        self._running: dict[int, int] = {}
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)

    def until_forked(self) -> Start | None:
        """Returns in the forked process, with what it is to run, and in the server at its end, with None."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        sources: list[Any] = [self._socket, self._woken]
        while True:
            ready = select.select(sources, [], [])[0]
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, 4096)
                self._report()
            if self._socket in ready:
                message, descriptors, _, _ = socket.recv_fds(self._socket, _MESSAGE_BYTES, 3)
                if not message:
                    return None
                if start := self._forked(json.loads(message), descriptors):
                    return start

    def _forked(self, message: dict[str, Any], descriptors: list[int]) -> Start | None:
        stdout, stderr, status = descriptors
        pid = os.fork()
        if pid:
            os.close(stdout)
            os.close(stderr)
            os.write(status, f"{pid}\n".encode())
            self._running[pid] = status
            return None
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        for descriptor in (*descriptors, self._woken, self._waker, *self._running.values()):
            os.close(descriptor)
        self._socket.close()
        return Start(**message)

    def _report(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            descriptor = self._running.pop(pid)
            with contextlib.suppress(BrokenPipeError):  # no test waits for it
                os.write(descriptor, f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os.close(descriptor)


def _main(argument: str) -> None:
    sys.path.pop(0)  # the folder of this script
    if not argument.isdigit():
        _run(Start(**json.loads(argument)))
        return
    _import_all()
    gc.freeze()  # a collection in a forked process would copy all memory pages
    # A thread does not survive a fork: gRPC has one as soon as the minimum SDK is imported.
    served = _Serve(int(argument), can_fork=threading.active_count() == 1)
    if start := served.until_forked():
        _exit(_exit_code(start))


def _exit_code(start: Start) -> int:
    """What the interpreter makes of the end of a script."""
    try:
        _run(start)
    except SystemExit as exit_:
        if exit_.code is None or isinstance(exit_.code, int):
            return exit_.code or 0
        sys.stderr.write(f"{exit_.code}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException:  # noqa: BLE001 - whatever it is, the interpreter prints it
        traceback.print_exc()
        return 1
    return 0


def _exit(code: int) -> NoReturn:
    """End as the interpreter ends, but leave the memory to the operating system: to free it takes longer than most commands."""
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - what the interpreter does, in its order
    atexit._run_exitfuncs()  # noqa: SLF001
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _import_all() -> None:
    for name in _PRELOADED:
        importlib.import_module(name)
    package = importlib.import_module(_PACKAGE)
    for module in pkgutil.walk_packages(package.__path__, f"{_PACKAGE}."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # an extra that this interpreter does not have
                importlib.import_module(module.name)


def _run(start: Start) -> None:
    os.environ.clear()
    os.environ.update(start.environment)
    os.chdir(start.cwd)
    sys.path[:0] = [entry for entry in start.environment.get("PYTHONPATH", "").split(os.pathsep) if entry not in ("", *sys.path)]
    sys.argv = ["-c" if ":" in start.run else start.run, *start.arguments]
    if ":" in start.run:
        module, _, function = start.run.partition(":")
        getattr(importlib.import_module(module), function)()
    elif "/" in start.run:
        runpy.run_path(start.run, run_name="__main__")
    else:
        sys.path.insert(0, start.cwd)
        runpy.run_module(start.run, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(sys.argv[1])
