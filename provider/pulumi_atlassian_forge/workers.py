"""Threads for the hooks that must not wait.

Pulumi's dynamic provider runs all hooks in four threads. Where four requests are slow, or wait for the pause that a server asked
for, a `check` waits behind them, and so does the engine's `Cancel`: a Ctrl-C would be answered half a minute later. So the pool
gets more threads, and how many operations run at once is our own business (:data:`AT_ONCE`). It grows with the number of
installations: whatever waits for one that is slow or down, the others find a thread free. How many operations there are at all
is the engine's business (``--parallel``, by default four for each processor).

The pool has no public way to grow (docs/adr/0005-threads.md). Where it is not found as expected everything works as it did, in
four threads.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Final

AT_ONCE: Final = 4
"""Operations at once on one installation, as with Pulumi's own four threads."""

WAITING: Final = 100
"""Operations that can wait for one installation: as many modules as it holds at most."""

SPARE: Final = 64
"""Threads for what does not wait."""


def _nothing() -> None:
    """All that is wanted is the thread."""


def widen(installations: int) -> bool:
    """Let the pool whose thread calls this have more threads; they are made only when needed.

    Args:
        installations: How many there are to wait for.

    Returns:
        Whether the pool was found.
    """
    wanted = SPARE + WAITING * installations
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the thread's first frame is the only one that knows its pool
    while frame is not None:
        reference = frame.f_locals.get("executor_reference") if frame.f_code.co_name == "_worker" else None
        pool = reference() if callable(reference) else None
        if isinstance(pool, ThreadPoolExecutor) and hasattr(pool, "_max_workers"):
            pool._max_workers = max(wanted, pool._max_workers)  # noqa: SLF001 - see above
            # A thread is made where something is submitted. What came before, all at once in a refresh or a destroy, has none.
            for _ in range(min(wanted, pool._work_queue.qsize())):  # noqa: SLF001 - see above
                pool.submit(_nothing)
            return True
        frame = frame.f_back
    return False
