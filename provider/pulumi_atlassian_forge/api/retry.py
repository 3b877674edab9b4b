"""Retries: exponential backoff with full jitter, ``Retry-After``, and one time budget for each operation.

==================================  =======================  =======================
what came of the request            GET, PUT, DELETE         POST
==================================  =======================  =======================
no connection: refused              retry, 6 attempts        retry, 6 attempts
no connection: time-out             retry, 6 attempts        no: it takes too long
no connection: DNS, TLS, proxy      no                       no
response lost                       retry                    no: it may be registered
response damaged                    retry, 3 attempts        no: it may be registered
429                                 retry                    retry
500, 502, 503, 504                  retry                    no: it may be registered
anything else                       no                       no
==================================  =======================  =======================

The pause is the server's ``Retry-After``, but at most 60 s; else a random time between 0 and a bound that doubles from 0.5 s to
10 s (full jitter). After a 429, and after a 5xx with ``Retry-After``, all requests to the installation pause
(:mod:`.rate_limiter`). The budget limits all attempts and pauses of an operation: an attempt that it leaves no time for is not
made. An operation that never got a connection opens the circuit breaker of the rate limiter.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from .errors import ApiError, InvalidResponse, LostResponse, Outcome, OutOfTime, ServerFailure, Throttled, Unreachable
from .rate_limiter import MESSAGE_FROM_S, RateLimiter
from .request_response import Request, Response

T = TypeVar("T")

RETRY_AFTER_MAX_S: Final = 60.0
"""Seconds of a ``Retry-After`` that are honored (our own limit)."""

_BACKOFF_FIRST_S: Final = 0.5
_BACKOFF_MAX_S: Final = 10.0
_ATTEMPT_MIN_S: Final = 1.0  # what must be left of the budget for another attempt
_UNREACHABLE_ATTEMPTS: Final = 6  # about 15 s for a host that restarts; one that does not exist should not cost two minutes
_DAMAGED_ATTEMPTS: Final = 3
_TRANSIENT_STATUSES: Final = frozenset({500, 502, 503, 504})


class Budget:
    """Time budget of one operation in seconds, shared by all its requests and pauses."""

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
        """Seconds until the budget ends; negative after that."""
        return self._total - self.spent


def pause_before_retry(
    error: ApiError, request: Request, attempt: int = 1, alike: int = 1, draw: Callable[[float, float], float] = random.uniform
) -> float | None:
    """Seconds to wait before a retry, by the table above; None if the request must not be retried.

    The request has been sent ``attempt`` times, and ended ``alike`` times in an error of this class.
    """
    if not _may_retry(error, request, alike):
        return None
    if error.retry_after is not None and error.retry_after >= _BACKOFF_FIRST_S:
        return min(error.retry_after, RETRY_AFTER_MAX_S)
    # Also after "Retry-After: 0": to retry at once, for two minutes, helps neither side.
    return draw(0.0, min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2.0 ** min(attempt - 1, 16)))


def send_with_retries(
    request: Request,
    send: Callable[[Request, float], Response],
    read: Callable[[Response], T],
    budget: Budget,
    rate_limiter: RateLimiter,
    draw: Callable[[float, float], float] = random.uniform,
) -> T:
    """Send a request until it succeeds, must not be retried, or the budget ends.

    ``send`` sends it once within the seconds that it is given, and ``read`` reads the response or raises the error that it is.
    The ApiError of the last attempt is raised with the ``outcome`` of all, ``attempts`` and ``waited``.
    """
    attempts, outcome, first_sent = 0, Outcome.NOT_APPLIED, None
    alike: Counter[type[ApiError]] = Counter()
    while True:
        sent = None
        try:
            if budget.left <= 0:
                raise OutOfTime(f"no time was left for this request: the operation took {budget.spent:.0f} s (operationTimeout)")
            sent = rate_limiter.admit(budget.left)
            first_sent = sent if first_sent is None else first_sent
            attempts += 1
            result = read(send(request, budget.left))
        except ApiError as error:
            failure = error
        else:
            rate_limiter.on_response(sent)
            return result
        if failure.outcome is not Outcome.NOT_APPLIED:
            outcome = failure.outcome
        if sent is None:  # the rate limiter let no request through
            break
        if not isinstance(failure, Throttled | Unreachable):
            rate_limiter.on_response(sent)
        alike[type(failure)] += 1
        pause = pause_before_retry(failure, request, attempts, alike[type(failure)], draw)
        pause = _shared_pause(failure, sent, pause, rate_limiter)
        if pause is None or pause + _ATTEMPT_MIN_S > budget.left:
            if isinstance(failure, Unreachable) and first_sent is not None:
                rate_limiter.on_unreachable(first_sent, failure)
            break
        rate_limiter.sleep(pause)
    raise failure.with_(outcome=outcome, attempts=attempts, waited=budget.spent)


def _shared_pause(failure: ApiError, sent: float, pause: float | None, rate_limiter: RateLimiter) -> float | None:
    """The pause of this request, which after a ``Retry-After`` is that of the whole installation."""
    is_throttled = isinstance(failure, Throttled)
    if is_throttled or failure.retry_after:
        # Also if there is no retry: a verification read comes next, and it has to wait as well.
        requested = min(failure.retry_after or 0.0, RETRY_AFTER_MAX_S) if pause is None else pause
        left = rate_limiter.on_retry_after(sent, requested, is_throttled=is_throttled)
        return None if pause is None else left
    if pause is not None and pause >= MESSAGE_FROM_S:
        rate_limiter.notify(f"{failure}: retry in {pause:.0f} s")
    return pause


def _may_retry(error: ApiError, request: Request, alike: int) -> bool:
    match error:
        case Unreachable():
            # After a time-out nothing was sent either, but a host that drops packets should cost a register 10 s, not a minute.
            transient = {"refused", "timeout"} if request.is_idempotent else {"refused"}
            return error.reason in transient and alike < _UNREACHABLE_ATTEMPTS
        case Throttled():
            return True
        case ServerFailure():
            return error.status in _TRANSIENT_STATUSES and request.is_idempotent
        case LostResponse():
            return request.is_idempotent
        case InvalidResponse():
            return request.is_idempotent and error.transient and alike < _DAMAGED_ATTEMPTS
    return False
