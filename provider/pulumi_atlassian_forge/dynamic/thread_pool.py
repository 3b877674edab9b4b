"""Widens the SDK's thread pool, so that hooks that wait do not keep the others waiting.

Pulumi's dynamic provider runs all hooks in four threads. If four requests are slow, or wait for the pause that a server
asked for, a ``check`` waits behind them, and so does the engine's ``Cancel``: a Ctrl-C would be answered half a minute
later. So the pool gets more threads, and :mod:`pulumi_atlassian_forge.session.connection` limits how many operations
run at once on one installation. The pool grows with the number of installations: while operations wait for a slow
installation, the others find a thread free. How many operations there are in all is the engine's decision
(``--parallel``, by default four for each processor).

The pool has no public way to grow (docs/adr/0005-threads.md). If it is not found as expected, everything works as
before, in four threads.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Final

MAX_WAITING_OPERATIONS: Final = 100  # for one installation: as many as it holds modules at most
IDLE_THREADS: Final = 64  # for hooks that do not wait


class _IdleThreads(threading.Semaphore):
    """The pool's count of idle threads, without the tasks that it queued while it could not start a thread for them.

    Each task counts its thread as idle when it ends. For those tasks no thread was ever counted as taken, so that the pool would
    count more idle threads than it has, and start none for a task that comes later: a ``Cancel``, for instance.
    """

    def __init__(self, uncounted: int) -> None:
        super().__init__(0)
        self._uncounted = uncounted
        self._uncounted_lock = threading.Lock()

    def release(self, n: int = 1) -> None:
        with self._uncounted_lock:
            if self._uncounted > 0:
                self._uncounted -= 1
                return
        super().release(n)


def _nothing() -> None:
    """A task whose only purpose is that the pool starts a thread."""


def raise_thread_limit(installations: int) -> bool:
    """Raise the limit of the pool whose thread calls this, for operations that wait for so many installations.

    Threads are started only when needed. Returns whether the pool was found.
    """
    wanted = IDLE_THREADS + MAX_WAITING_OPERATIONS * installations
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the thread's first frame is the only one that knows its pool
    while frame is not None:
        reference = frame.f_locals.get("executor_reference") if frame.f_code.co_name == "_worker" else None
        pool = reference() if callable(reference) else None
        if isinstance(pool, ThreadPoolExecutor) and hasattr(pool, "_max_workers"):
            pool._max_workers = max(wanted, pool._max_workers)  # noqa: SLF001 - see above
            # The pool starts a thread for a submitted task only. Tasks that came before, all at once in a refresh, have none.
            waiting = pool._work_queue.qsize()  # noqa: SLF001 - see above
            if waiting and hasattr(pool, "_idle_semaphore"):
                pool._idle_semaphore = _IdleThreads(waiting)  # noqa: SLF001 - see above
            for _ in range(min(wanted, waiting)):
                pool.submit(_nothing)
            return True
        frame = frame.f_back
    return False
