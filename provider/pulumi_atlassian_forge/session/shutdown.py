"""End the plugin's process when the engine is gone.

A plugin outlives an engine that was killed: nothing tells it, and requests that wait in its queue would still be sent, for a run
whose results nobody writes down. So a daemon thread watches the processes above, and when one of them is gone no request is sent
any more; those under way are let finish, and then the process ends. No signal handlers: the hooks run in worker threads, and the
engine gives a plugin a process group of its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pulumi_atlassian_forge.auth.child_processes import kill_all

LEVELS: Final = 2
"""How many processes above are watched: the shell script that starts a dynamic plugin, and the engine above it."""

_INTERVAL: Final = 0.5  # seconds between two looks
_LAST_PATIENCE: Final = 4.0  # seconds for the same after the engine's SIGINT; after five it kills
_PATIENCE: Final = 60.0  # seconds for the requests under way; each has a time limit of its own


class RequestGate:
    """Every request passes it; after :meth:`shut` none does."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._under_way = 0
        self._is_shut = False

    @contextlib.contextmanager
    def passing(self) -> Iterator[bool]:
        """Count one request as under way; False where none may be sent any more."""
        with self._state:
            may_pass = not self._is_shut
            self._under_way += may_pass
        try:
            yield may_pass
        finally:
            with self._state:
                self._under_way -= may_pass
                self._state.notify_all()

    def shut(self, patience: float = _PATIENCE) -> None:
        """Let no request pass any more, and wait until those under way have ended, for ``patience`` seconds at most."""
        with self._state:
            self._is_shut = True
            self._state.wait_for(lambda: self._under_way == 0, patience)


GATE: Final = RequestGate()
"""The gate of this process."""


def _leave(leave: Callable[[int], None], code: int) -> None:
    """End the process without a clean-up, and with it the token commands that it has started."""
    kill_all()
    leave(code)


def ancestors(levels: int = LEVELS) -> list[int]:
    """The process ids above this process; only the first where the system does not tell more (it has no ``/proc``)."""
    found = [os.getppid()]
    while len(found) < levels:
        above = _parent_of(found[-1])
        if above is None:
            break
        found.append(above)
    return found


def _parent_of(pid: int) -> int | None:
    try:
        # The name in parentheses may hold spaces and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return int(fields[1])
    except (OSError, ValueError, IndexError):
        return None


def watch(gate: RequestGate = GATE, leave: Callable[[int], None] = os._exit, interval: float = _INTERVAL) -> threading.Thread:
    """Start the thread. Called once, in the plugin's process.

    Args:
        gate: What to shut.
        leave: Ends the process at once; no clean-up may wait for a worker that waits.
        interval: Seconds between two looks.
    """
    above = ancestors()

    def until_gone() -> None:
        while ancestors(len(above)) == above:
            time.sleep(interval)
        gate.shut()
        _leave(leave, 1)

    thread = threading.Thread(target=until_gone, name="watch-the-engine", daemon=True)
    thread.start()
    return thread


def exit_when_asked(
    is_busy: Callable[[], bool],
    gate: RequestGate = GATE,
    leave: Callable[[int], None] = os._exit,
    patience: float = _LAST_PATIENCE,
) -> None:
    """Let the process end when the engine asks for it, though hooks wait. Called once, in the plugin's process.

    After the engine's SIGINT the interpreter waits for the threads of the hooks, which may sit in a pause that a server asked
    for, and the engine waits five seconds for the process. So what runs before those threads are waited for lets the requests
    under way finish and leaves. Where :mod:`threading` has no such place any more, the engine's five seconds are what is left.

    Args:
        is_busy: Whether any hook is running: else the process ends by itself.
        gate: What to shut.
        leave: Ends the process at once.
        patience: Seconds for the requests under way.
    """
    register = getattr(threading, "_register_atexit", None)

    def end() -> None:
        if is_busy():
            gate.shut(patience)
            _leave(leave, 0)

    if register is not None:
        register(end)
