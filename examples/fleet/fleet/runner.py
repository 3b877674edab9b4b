"""The members of a fleet in parallel, a few at a time, until all are done or somebody interrupts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from .display import Display, News
from .stack import Member


class Fleet:
    """What runs, and what is still to come.

    Args:
        members: In the order in which they are started.
        parallel: How many run at a time.
        continue_on_error: Whether others are still started when one has failed.

    Attributes:
        interrupted: Whether somebody has.
    """

    def __init__(self, members: Sequence[Member], parallel: int, *, continue_on_error: bool) -> None:
        self.interrupted = False
        self._members = members
        self._parallel = parallel
        self._continue_on_error = continue_on_error
        self._closed = False  # no other is started
        self._running: set[Member] = set()
        self._lock = threading.Lock()
        self._news: SimpleQueue[tuple[News, Member | None]] = SimpleQueue()

    def run(self, display: Display) -> None:
        """Run all; what came of each is in its ``result``."""
        left = len(self._members)
        with self._listening(), ThreadPoolExecutor(self._parallel) as pool:
            for member in self._members:
                pool.submit(self._one, member)
            while left:
                news, about = self._news.get()
                if about is None:
                    display.interrupted(again=self.interrupted)
                    self._interrupt()
                else:
                    display.show(news, about)
                    left -= news in (News.ENDED, News.LEFT_OUT)

    def _one(self, member: Member) -> None:
        with self._lock:
            if self._closed:
                self._news.put((News.LEFT_OUT, member))
                return
            self._running.add(member)
        self._news.put((News.STARTED, member))
        try:
            member.run(lambda: self._news.put((News.STEP, member)))
        finally:
            with self._lock:
                self._running.discard(member)
                self._closed |= member.result.status == "failed" and not self._continue_on_error
            self._news.put((News.ENDED, member))

    def _interrupt(self) -> None:
        with self._lock:
            self.interrupted = self._closed = True
            for member in self._running:
                member.interrupt()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Have Ctrl-C, and a supervisor's SIGTERM, come in among the news: a handler itself may neither print nor wait."""

        def tell(_number: int, _frame: FrameType | None) -> None:
            self._news.put((News.INTERRUPTED, None))

        before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
