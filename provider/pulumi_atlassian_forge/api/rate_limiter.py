"""How fast one installation is asked: one pause for all threads, and a rate that is learnt from refusals.

Nobody documents how many requests Atlassian takes. So nothing is held back until a 429 comes. Then all threads wait for the one
pause that was asked for, and from there on requests take turns, at the rate at which the server was seen to serve: a storm of
refusals becomes an even stream. The rate grows again when it has been kept for long enough.

An installation that cannot be reached is not asked at all for some time: what one operation found out in all its attempts the
others need not find out for themselves, one after the other, while the engine waits for them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from .errors import Throttled, Unreachable

MESSAGE_FROM_S: Final = 5.0
"""Seconds of waiting from which on the user is told."""

CIRCUIT_OPEN_S: Final = 30.0
"""Seconds for which an installation that could not be reached is not asked again."""

_WINDOW: Final = 1.0  # seconds before a refusal in which the served requests are counted
_MARGIN: Final = 0.95  # of the measured rate, so that turns that come a little early still fit
_STEP_DOWN: Final = 0.9
_STEP_UP: Final = 1.5
_REMEMBERED: Final = 512  # requests; more than any window of a second holds


def _silent(_text: str) -> None:
    pass


class RateLimiter:
    """The turns of all requests to one installation. Shared by all threads.

    Args:
        say: Tells the user one line.
        clock: A monotonic clock, in seconds.
        sleep: Waits for some seconds.
        advice: What is added to the line that tells of a pause.
    """

    def __init__(
        self,
        notify: Callable[[str], None] = _silent,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        advice: str = "",
    ) -> None:
        self.notify = notify
        self._advice = advice
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._resumes_at = 0.0
        self._paused_at = float("-inf")
        self._next_turn = 0.0
        self._rate: float | None = None  # requests per second; None: as fast as they come
        self._refused_rate: float | None = None  # the lowest rate that is known to be too fast
        self._kept = 0  # requests served since the rate was set
        self._learns_from: float | None = None  # when the refused request was sent that is to be learnt from
        self._served: deque[float] = deque(maxlen=_REMEMBERED)
        self._has_told_rate = False
        self._answered_at = float("-inf")
        self._down: Unreachable | None = None
        self._down_until = 0.0

    def admit(self, left: float) -> float:
        """Wait for a turn.

        Args:
            left: Seconds that the operation has left.

        Returns:
            When the request may be sent, by the clock: now.

        Raises:
            Throttled: No turn comes in that time.
            Unreachable: The installation is taken to be down.
        """
        ends = self._clock() + left
        while True:
            self._refuse_while_down()
            now, turn = self._take_turn()
            if turn > ends:
                raise Throttled(f"the API takes so few requests that none is free within {left:.0f} s", status=429)
            if turn <= now:
                return now
            self._tell_of_waiting(turn - now)
            self._sleep(turn - now)
            if self._is_mine(turn):
                return self._clock()

    def served(self, sent: float) -> None:
        """A request was answered, and not with a 429.

        Args:
            sent: What :meth:`admit` returned.
        """
        with self._lock:
            self._answer()
            self._served.append(sent)
            self._kept += 1
            if self._rate is not None and self._kept > self._rate**2:
                # The more requests a second were let through before the refusal, the surer is the rate that was learnt from them.
                ceiling = None if self._refused_rate is None else self._refused_rate * _MARGIN
                faster = self._rate * _STEP_UP
                self._rate, self._kept = faster if ceiling is None else max(self._rate, min(faster, ceiling)), 0

    def refused(self, sent: float, seconds: float, *, too_fast: bool) -> float:
        """The server asked to come back later: nobody sends anything until then.

        Args:
            sent: What :meth:`admit` returned for the refused request.
            seconds: The pause.
            too_fast: Whether the refusal says that there were too many requests, and something can be learnt from it.

        Returns:
            Seconds until requests are sent again; at least those of the pause.
        """
        with self._lock:
            now = self._answer()
            is_first = sent >= self._paused_at  # the others were on their way when the pause began
            if is_first:
                self._paused_at = now
                if too_fast:
                    self._learns_from = sent
            was_to_resume = max(self._resumes_at, now)
            self._resumes_at = max(self._resumes_at, now + seconds)
            self._next_turn = self._resumes_at
            left = self._resumes_at - now
            tell = left >= MESSAGE_FROM_S and self._resumes_at - was_to_resume >= MESSAGE_FROM_S
        if tell:
            self.notify(f"the API asked to come back later: all requests to this installation wait {left:.0f} s{self._advice}")
        return left

    def unreachable(self, began: float, error: Unreachable) -> None:
        """An operation was given up for want of a connection: the installation is down, if nobody else was answered meanwhile.

        Args:
            began: When its first attempt was sent, by the clock.
            error: What came of the last one.
        """
        with self._lock:
            if self._answered_at < began:
                self._down, self._down_until = error, self._clock() + CIRCUIT_OPEN_S

    def _answer(self) -> float:
        """Somebody is there; returns the time."""
        self._down, self._answered_at = None, self._clock()
        return self._answered_at

    def _refuse_while_down(self) -> None:
        with self._lock:
            down = self._down if self._clock() < self._down_until else None
        if down is not None:
            text = f"{down.message}: the installation is taken to be down, and is not asked for {CIRCUIT_OPEN_S:.0f} s"
            raise Unreachable(text, status=down.status, reason=down.reason)

    def _take_turn(self) -> tuple[float, float]:
        """The time, and when the next turn is. While a pause lasts turns are not given away: its end is not one."""
        with self._lock:
            now = self._clock()
            if now < self._resumes_at:
                return now, self._resumes_at
            if self._learns_from is not None:
                self._learn(self._learns_from)
                self._learns_from = None
            turn = max(now, self._next_turn)
            if self._rate is not None:
                self._next_turn = turn + 1 / self._rate
            return now, turn

    def _is_mine(self, turn: float) -> bool:
        """Whether a turn was waited for that still counts: not the end of a pause, and nobody was refused meanwhile."""
        with self._lock:
            return self._resumes_at < turn

    def _learn(self, sent: float) -> None:
        """Done when the pause is over: by then the responses that were on their way are in."""
        seen = max(1, sum(sent - _WINDOW < moment for moment in self._served)) / _WINDOW
        if self._rate is None:
            self._rate = seen * _MARGIN
        elif self._kept < self._rate / 2:
            return  # refused again soon after: the pause was too short, not the rate too high
        else:
            self._refused_rate = min(self._refused_rate or self._rate, self._rate)
            self._rate = min(self._rate * _STEP_DOWN, seen * _MARGIN)
        self._kept = 0

    def _tell_of_waiting(self, seconds: float) -> None:
        with self._lock:
            rate = self._rate
            tell = (
                seconds >= MESSAGE_FROM_S and rate is not None and not self._has_told_rate and self._clock() >= self._resumes_at
            )
            self._has_told_rate |= tell
        if tell and rate is not None:
            self.notify(f"the API takes about {rate * 60:.0f} requests a minute: each waits for its turn")
