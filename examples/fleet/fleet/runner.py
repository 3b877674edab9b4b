"""The parallel runner: runs the stacks of a fleet, a limited number at a time, until all are done or the user interrupts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from .display import Display, Event
from .stack import StackRun


class FleetRunner:
    """Runs stacks in parallel and handles interrupts.

    Args:
        runs: The stack runs, in the order in which they are started.
        parallel: How many run at a time.
        continue_on_error: Whether further runs are started after a failure.

    Attributes:
        interrupted: Whether the user interrupted the fleet.
    """

    def __init__(self, runs: Sequence[StackRun], parallel: int, *, continue_on_error: bool) -> None:
        self.interrupted = False
        self._runs = runs
        self._parallel = parallel
        self._continue_on_error = continue_on_error
        self._is_stopping = False  # no further run is started
        self._running: set[StackRun] = set()
        self._lock = threading.Lock()
        self._events: SimpleQueue[tuple[Event, StackRun | None]] = SimpleQueue()

    def run(self, display: Display) -> None:
        """Run all stacks; each result is in the run's ``result``."""
        remaining = len(self._runs)
        with self._interrupts_as_events(), ThreadPoolExecutor(self._parallel) as pool:
            for each in self._runs:
                pool.submit(self._run_one, each)
            while remaining:
                event, run = self._events.get()
                if run is None:
                    display.interrupted(again=self.interrupted)
                    self._interrupt()
                else:
                    display.show(event, run)
                    remaining -= event in (Event.ENDED, Event.SKIPPED)

    def _run_one(self, run: StackRun) -> None:
        with self._lock:
            if self._is_stopping:
                self._events.put((Event.SKIPPED, run))
                return
            self._running.add(run)
        self._events.put((Event.STARTED, run))
        try:
            run.execute(lambda: self._events.put((Event.STEP, run)))
        finally:
            with self._lock:
                self._running.discard(run)
                self._is_stopping |= run.result.status == "failed" and not self._continue_on_error
            self._events.put((Event.ENDED, run))

    def _interrupt(self) -> None:
        with self._lock:
            self.interrupted = self._is_stopping = True
            for run in self._running:
                run.interrupt()

    @contextmanager
    def _interrupts_as_events(self) -> Iterator[None]:
        """Put Ctrl-C and SIGTERM into the event queue, because a signal handler may neither print nor wait."""

        def put_event(_number: int, _frame: FrameType | None) -> None:
            self._events.put((Event.INTERRUPTED, None))

        before = {number: signal.signal(number, put_event) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
