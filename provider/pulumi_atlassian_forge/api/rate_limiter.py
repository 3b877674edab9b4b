"""Client-side rate limiter of one installation: a shared pause after 429 and 503, a learned rate, and a circuit breaker.

Atlassian does not document a rate limit for this API. So the limiter delays nothing until the first 429. Then all threads wait
for the pause that the server requested, and from there on requests get slots at the rate at which the server was seen to respond.
The rate rises again after it has been kept for long enough.

The circuit breaker opens after an operation could not reach the installation in any of its attempts. While it is open all
operations fail at once, in place of repeating the same attempts one after the other.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from .errors import Throttled, Unreachable

MESSAGE_FROM_S: Final = 5.0
"""Seconds of a pause from which on the user gets a message."""

CIRCUIT_OPEN_S: Final = 30.0
"""Seconds for which the circuit breaker stays open."""

_WINDOW_S: Final = 1.0  # before a 429, in which the responses are counted
_HISTORY: Final = 512  # requests; more than any window holds
_MARGIN: Final = 0.95  # of the measured rate, so that slots that come a little early still fit
_DECREASE: Final = 0.9
_INCREASE: Final = 1.5


class RateLimiter:
    """Rate limiter and circuit breaker of one installation, shared by all threads.

    ``notify`` shows the user one line; ``advice`` is added to the one about a pause.
    """

    def __init__(
        self,
        notify: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        advice: str = "",
    ) -> None:
        self.notify = notify
        self.sleep = sleep
        self._advice = advice
        self._clock = clock
        self._lock = threading.Lock()
        # The pause.
        self._paused_at = float("-inf")
        self._resumes_at = 0.0
        # The rate.
        self._rate: float | None = None  # requests per second; None: not limited
        self._next_slot = 0.0
        self._responses: deque[float] = deque(maxlen=_HISTORY)  # when their requests were sent
        self._kept = 0  # responses since the rate was set
        self._throttled_at: float | None = None  # when the request was sent whose 429 the rate has yet to follow
        self._is_rate_shown = False
        # The circuit breaker.
        self._responded_at = float("-inf")
        self._failure: Unreachable | None = None
        self._open_until = 0.0

    def admit(self, left: float) -> float:
        """Wait until a request may be sent; returns the time by the clock, which the methods below take as ``sent``.

        Raises Throttled if no slot becomes available in the seconds that are left, Unreachable if the circuit breaker is open.
        """
        deadline = self._clock() + left
        while True:
            self._require_closed_circuit()
            now, slot = self._take_slot()
            if slot > deadline:
                text = f"rate limited: no request slot became available within {left:.0f} s (operationTimeout)"
                has_seen_429 = self._rate is not None or self._throttled_at is not None
                raise Throttled(text, status=429 if has_seen_429 else None)
            if slot <= now:
                return now
            self._show_rate(slot - now)
            self.sleep(slot - now)
            with self._lock:
                # A slot at the end of a pause is not one, nor does one count if a 429 came meanwhile.
                if self._resumes_at < slot:
                    return self._clock()

    def on_response(self, sent: float) -> None:
        """Record a response that is not a 429."""
        with self._lock:
            self._close_circuit()
            self._responses.append(sent)
            self._kept += 1
            # The faster the rate, the more responses are needed to trust it.
            if self._rate is not None and self._kept > self._rate**2:
                self._rate, self._kept = self._rate * _INCREASE, 0

    def on_retry_after(self, sent: float, seconds: float, *, is_throttled: bool) -> float:
        """Pause all requests to this installation, because a response requested it; if it is a 429, the rate follows.

        Returns the seconds until the pause ends, which another response may have made longer.
        """
        with self._lock:
            now = self._close_circuit()
            if sent >= self._paused_at:  # else the request was under way when the pause began
                self._paused_at = now
                if is_throttled:
                    self._throttled_at = sent
            previous = max(self._resumes_at, now)
            self._resumes_at = self._next_slot = max(self._resumes_at, now + seconds)
            left = self._resumes_at - now
            is_news = left >= MESSAGE_FROM_S and self._resumes_at - previous >= MESSAGE_FROM_S
        if is_news:
            self.notify(f"throttled: all requests to this installation pause for {left:.0f} s{self._advice}")
        return left

    def on_unreachable(self, first_sent: float, failure: Unreachable) -> None:
        """Open the circuit breaker after an operation that got no connection, unless another request got a response meanwhile."""
        with self._lock:
            if self._responded_at < first_sent:
                self._failure, self._open_until = failure, self._clock() + CIRCUIT_OPEN_S

    def _close_circuit(self) -> float:
        self._failure, self._responded_at = None, self._clock()
        return self._responded_at

    def _require_closed_circuit(self) -> None:
        with self._lock:
            failure = self._failure if self._clock() < self._open_until else None
        if failure is not None:
            text = f"{failure.message}: circuit breaker open, no request to this installation for {CIRCUIT_OPEN_S:.0f} s"
            raise Unreachable(text, status=failure.status, reason=failure.reason)

    def _take_slot(self) -> tuple[float, float]:
        """The time now, and the next slot, which during a pause is its end."""
        with self._lock:
            now = self._clock()
            if now < self._resumes_at:
                return now, self._resumes_at
            if self._throttled_at is not None:  # only now, when the responses that were under way have arrived
                self._reduce_rate(self._throttled_at)
                self._throttled_at = None
            slot = max(now, self._next_slot)
            if self._rate is not None:
                self._next_slot = slot + 1 / self._rate
            return now, slot

    def _reduce_rate(self, throttled_at: float) -> None:
        measured = _MARGIN * max(1, sum(throttled_at - _WINDOW_S < sent for sent in self._responses)) / _WINDOW_S
        if self._rate is None:
            self._rate = measured
        elif self._kept < self._rate / 2:
            return  # the next 429 came so soon that the pause was too short, not the rate too high
        else:
            self._rate = min(self._rate * _DECREASE, measured)
        self._kept = 0

    def _show_rate(self, wait: float) -> None:
        with self._lock:
            rate = self._rate
            if rate is None or wait < MESSAGE_FROM_S or self._is_rate_shown or self._clock() < self._resumes_at:
                return
            self._is_rate_shown = True
        self.notify(f"rate limited: about {rate * 60:.0f} requests a minute, each waits for a slot")


class RequestGate:
    """The gate that every request enters. After :meth:`close` no request enters any more."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._under_way = 0
        self._is_closed = False

    @contextmanager
    def enter(self) -> Iterator[bool]:
        """Count one request as under way; False if the gate is closed."""
        with self._state:
            may_enter = not self._is_closed
            self._under_way += may_enter
        try:
            yield may_enter
        finally:
            with self._state:
                self._under_way -= may_enter
                self._state.notify_all()

    def close(self, grace_s: float) -> None:
        """Close the gate, and wait for the requests under way, for ``grace_s`` seconds at most."""
        with self._state:
            self._is_closed = True
            self._state.wait_for(lambda: self._under_way == 0, grace_s)
