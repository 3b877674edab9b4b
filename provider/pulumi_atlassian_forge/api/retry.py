"""What is repeated, when, and for how long. stamina keeps the loop; the decision is :func:`pause_before_retry`, a table.

================================================  =====================  ====================================
what came of the request                          GET, PUT, DELETE       POST
================================================  =====================  ====================================
no connection: refused, time-out, none free       again, 6 times at most  again, 6 times at most, if refused or none free
no connection: DNS, TLS, proxy                    no                     no
response lost                                       again                  no: it may be registered
response garbled                                    again, 3 times at most  no: it may be registered
429                                               again                  again
500, 502, 503, 504                                again                  no: it may be registered
anything else                                     no                     no
================================================  =====================  ====================================

The pause is the server's ``Retry-After``, but at most 60 s; else it is drawn between 0 and a bound that doubles from 0.5 s to 10
s (full jitter). After a 429, and after a 503 that says when to come back, it is the pause of the whole installation
(:mod:`.rate_limiter`). All attempts of one operation share one budget: what would end after it is not begun. After the last
attempt that reached no host the circuit breaker opens, and for a while no other operation tries.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

import stamina

from .errors import ApiError, InvalidResponse, LostResponse, Outcome, ServerFailure, Throttled, Unreachable
from .rate_limiter import MESSAGE_FROM_S, RateLimiter
from .request_response import Request

T = TypeVar("T")

RETRY_AFTER_MAX_S: Final = 60.0
"""Seconds of a ``Retry-After`` that are honoured (our own limit)."""

_BACKOFF_FIRST_S: Final = 0.5
_BACKOFF_MAX_S: Final = 10.0
_ATTEMPT_MIN_S: Final = 1.0  # seconds that must be left for an attempt to be worth its while
_UNREACHABLE_ATTEMPTS: Final = 6  # a host that is restarted gets some 15 s; one that is not there should not cost two minutes
_GARBLED_ATTEMPTS: Final = 3
_TRANSIENT_STATUSES: Final = frozenset({500, 502, 503, 504})

# stamina reports each repetition to this logger, at warning level: without a handler of the program's own that would be a bare
# line on the engine's terminal.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Budget:
    """The time of one operation, shared by all its requests and pauses.

    Args:
        total: Seconds.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, total: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._clock = clock
        self._began = clock()

    @property
    def spent(self) -> float:
        """Seconds since the operation began."""
        return self._clock() - self._began

    @property
    def left(self) -> float:
        """Seconds until it must be over; negative when it should be."""
        return self._total - self.spent


def pause_before_retry(
    error: Exception,
    request: Request,
    attempt: int = 1,
    alike: int = 1,
    draw: Callable[[float, float], float] = random.uniform,
) -> float | None:
    """How long to wait before the request is sent again: the table above.

    Args:
        error: What came of it.
        request: The request.
        attempt: How often it has been sent.
        alike: How often an error of this kind has come of it.
        draw: Draws a number between two.

    Returns:
        Seconds; None for a request that is not to be sent again.
    """
    if not _may_repeat(error, request, alike):
        return None
    wish = error.retry_after if isinstance(error, Throttled | ServerFailure) else None
    if wish is not None and wish >= _BACKOFF_FIRST_S:
        return min(wish, RETRY_AFTER_MAX_S)
    # "Retry-After: 0" too: to come back at once, for two minutes, is not what anybody asked for.
    return draw(0.0, min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2.0 ** min(attempt - 1, 16)))


def repeating(
    request: Request,
    send: Callable[[float], T],
    budget: Budget,
    rate_limiter: RateLimiter,
    draw: Callable[[float, float], float] = random.uniform,
) -> T:
    """Send a request until it succeeds, must not be repeated, or the budget ends.

    Args:
        request: The request, for the decision.
        send: Sends it once and reads the response; takes the seconds that are left.
        budget: The time of the whole operation.
        rate_limiter: The rate limiter of the installation.
        draw: Draws a number between two.

    Returns:
        What ``send`` returned.

    Raises:
        ApiError: The last one, with the ``outcome`` of all attempts, ``attempts`` and ``waited``.
    """
    tries = _Tries(request, budget, rate_limiter, draw)
    try:
        # The budget ends the loop, through pause(): stamina's own time-out would be looked at before the pause and not after it.
        for attempt in stamina.retry_context(on=tries.pause, attempts=None, timeout=None):
            with attempt:
                return tries.once(send)
    except ApiError as error:
        if isinstance(error, Unreachable):
            tries.tell_of(error)
        outcome = Outcome.UNKNOWN if tries.may_be_done else error.outcome
        raise error.with_(outcome=outcome, attempts=tries.made, waited=budget.spent) from None
    raise AssertionError("unreachable")  # pragma: no cover


class _Tries:
    """The attempts at one request."""

    def __init__(
        self, request: Request, budget: Budget, rate_limiter: RateLimiter, draw: Callable[[float, float], float]
    ) -> None:
        self.made = 0
        self.may_be_done = False
        self._request = request
        self._budget = budget
        self._rate_limiter = rate_limiter
        self._draw = draw
        self._met: Counter[type[Exception]] = Counter()
        self._began: float | None = None
        self._sent: float | None = None

    def once(self, send: Callable[[float], T]) -> T:
        self._sent = None
        self._sent = sent = self._rate_limiter.admit(self._budget.left)
        self._began = sent if self._began is None else self._began
        self.made += 1
        try:
            result = send(self._budget.left)
        except (Throttled, Unreachable):
            raise
        except ApiError:
            self._rate_limiter.served(sent)
            raise
        self._rate_limiter.served(sent)
        return result

    def tell_of(self, error: Unreachable) -> None:
        """The last attempt found nobody; unless it was not made, because somebody else had found that."""
        if self._sent is not None and self._began is not None:
            self._rate_limiter.unreachable(self._began, error)

    def pause(self, error: Exception) -> float | bool:
        """Seconds until the next attempt; False: there is none."""
        if self._sent is None:  # there was no turn
            return False
        self._met[type(error)] += 1
        seconds = pause_before_retry(error, self._request, self.made, self._met[type(error)], self._draw)
        wish = error.retry_after if isinstance(error, ServerFailure) else None
        if seconds is None:
            if wish:  # a look comes next, and it is to wait as well
                self._rate_limiter.refused(self._sent, min(wish, RETRY_AFTER_MAX_S), too_fast=False)
            return False
        self.may_be_done |= isinstance(error, ApiError) and error.outcome is not Outcome.NOT_APPLIED
        if isinstance(error, Throttled) or wish:
            seconds = self._rate_limiter.refused(self._sent, seconds, too_fast=isinstance(error, Throttled))
        elif seconds >= MESSAGE_FROM_S:
            self._rate_limiter.notify(f"{error}: asked again in {seconds:.0f} s")
        return False if seconds + _ATTEMPT_MIN_S > self._budget.left else seconds


def _may_repeat(error: Exception, request: Request, alike: int) -> bool:
    match error:
        case Unreachable():
            # After a time-out nothing was sent either, but a dead host should cost a register 10 s, not a minute.
            passing = {"refused", "timeout"} if request.safe_to_repeat else {"refused"}
            return error.reason in passing and alike < _UNREACHABLE_ATTEMPTS
        case Throttled():
            return True
        case ServerFailure():
            return error.status in _TRANSIENT_STATUSES and request.safe_to_repeat
        case LostResponse():
            return request.safe_to_repeat
        case InvalidResponse():
            return request.safe_to_repeat and error.transient and alike < _GARBLED_ATTEMPTS
    return False
