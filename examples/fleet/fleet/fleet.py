"""The members of a fleet in parallel, a few at a time, until all are done or somebody interrupts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from .display import Display
from .stack import Member


class Fleet:
    """What runs, and what is still to come.

    Args:
        members: In the order in which they are started.
        parallel: How many run at a time.
        continue_on_error: Whether a failed one leaves the others alone; else no other is started after it.
    """

    def __init__(self, members: Sequence[Member], parallel: int, *, continue_on_error: bool) -> None:
        self.interrupted = False
        self._members = members
        self._parallel = parallel
        self._continue_on_error = continue_on_error
        self._closed = False  # no further one is started
        self._running: set[Member] = set()
        self._lock = threading.RLock()  # a signal may come while this thread holds it

    def run(self, display: Display) -> None:
        """Run all; what came of each is in its ``result``."""
        news: SimpleQueue[tuple[str, Member] | None] = SimpleQueue()
        with self._listening(display), ThreadPoolExecutor(self._parallel) as pool:
            for member in self._members:
                pool.submit(self._one, member, news)
            for _ in self._members:
                while (said := news.get()) is not None:
                    what, member = said
                    display.show(what, member)

    def _one(self, member: Member, news: SimpleQueue[tuple[str, Member] | None]) -> None:
        with self._lock:
            starts = not self._closed
            if starts:
                self._running.add(member)
        try:
            if starts:
                news.put(("started", member))
                member.run(lambda: news.put(("step", member)))
                news.put(("ended", member))
        finally:
            with self._lock:
                self._running.discard(member)
                self._closed |= member.result.status == "failed" and not self._continue_on_error
            news.put(None)

    @contextmanager
    def _listening(self, display: Display) -> Iterator[None]:
        """Pass Ctrl-C, and a supervisor's SIGTERM, on to what runs."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            display.interrupted(again=self.interrupted)
            self.interrupted = self._closed = True
            with self._lock:
                for member in self._running:
                    member.interrupt()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
