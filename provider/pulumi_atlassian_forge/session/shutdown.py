"""The end of a plugin process: no request after the engine has ended, and no wait after the engine asked it to end.

A plugin outlives an engine that was killed: nothing informs it, and operations that wait in its queue would still send requests,
for a run whose results nobody writes to the state. So a daemon thread watches the processes above. If one of them has ended, the
request gate closes, requests under way finish, and the process exits. It handles no signals: the hooks run in worker threads, and
the engine gives a plugin a process group of its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pulumi_atlassian_forge.api.rate_limiter import RequestGate
from pulumi_atlassian_forge.auth.child_processes import kill_all

LEVELS: Final = 2  # processes above that are watched: the shell script that starts a dynamic plugin, and the engine
_WATCH_INTERVAL_S: Final = 0.5
_ENGINE_GONE_GRACE_S: Final = 60.0  # for requests under way, each of which has a time limit of its own
_ENGINE_ASKED_GRACE_S: Final = 4.0  # the same after the engine's SIGINT: it kills the process after five

GATE: Final = RequestGate()  # of this process


def ancestors(levels: int = LEVELS) -> list[int]:
    """The process ids above this process. Only the first one on a system without ``/proc``."""
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


def watch(
    gate: RequestGate = GATE, leave: Callable[[int], None] = os._exit, interval_s: float = _WATCH_INTERVAL_S
) -> threading.Thread:
    """Start the thread that watches the engine. Called once in a plugin process.

    ``leave`` ends the process at once: no cleanup may wait for a worker that waits.
    """
    above = ancestors()

    def until_the_engine_ends() -> None:
        while ancestors(len(above)) == above:
            time.sleep(interval_s)
        gate.close(_ENGINE_GONE_GRACE_S)
        kill_all()
        leave(1)

    thread = threading.Thread(target=until_the_engine_ends, name="watch-the-engine", daemon=True)
    thread.start()
    return thread


def exit_when_asked(
    is_busy: Callable[[], bool],
    gate: RequestGate = GATE,
    leave: Callable[[int], None] = os._exit,
    grace_s: float = _ENGINE_ASKED_GRACE_S,
) -> None:
    """Let the process exit when the engine asks for it, although hooks wait. Called once in a plugin process.

    After the engine's SIGINT the interpreter waits for the threads of the hooks. They may wait for a pause that a server asked
    for, while the engine waits five seconds for the process. This runs before those threads are waited for. ``threading`` has no
    public place for it: without ``_register_atexit`` the engine's five seconds remain. If no hook is running (``is_busy``), the
    process ends by itself.
    """
    register = getattr(threading, "_register_atexit", None)

    def end() -> None:
        if is_busy():
            gate.close(grace_s)
            kill_all()
            leave(0)

    if register is not None:
        register(end)
