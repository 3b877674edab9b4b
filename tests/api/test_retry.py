from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from pulumi_atlassian_forge.api import protocol, retry
from pulumi_atlassian_forge.api.errors import (
    ApiError,
    InvalidResponse,
    LostResponse,
    NotFound,
    Rejected,
    ServerFailure,
    Throttled,
    Unauthorized,
    Unreachable,
)
from pulumi_atlassian_forge.api.rate_limiter import CIRCUIT_OPEN_S, RateLimiter
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.api.retry import Budget, pause_before_retry
from pulumi_atlassian_forge.model.content import Content
from tests.support.timing import Clock

CONTENT = Content("trigger", {})
GET = protocol.read("v1", "k")
LIST = protocol.list_page("v1")
PUT = protocol.update("v1", "k", CONTENT)
DELETE = protocol.delete("v1", "k")
POST = protocol.register("v1", "k", CONTENT)
SAFE = (GET, LIST, PUT, DELETE)


def rate_limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(clock=clock, sleep=clock.sleep)


def highest(low: float, high: float) -> float:
    assert low == 0.0
    return high


def send_with_retries(
    request: Request,
    send: Callable[[float], str],
    budget: Budget,
    limiter: RateLimiter,
    draw: Callable[[float, float], float] = lambda low, high: low,
) -> str:
    """The retries of a sender whose results stand for responses that were read."""
    return retry.send_with_retries(request, lambda _, left: cast("Response", send(left)), str, budget, limiter, draw)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("error", "safe", "post"),
    [
        (Unreachable("x", reason="refused"), True, True),
        (Unreachable("x", reason="timeout"), True, False),
        (Unreachable("x", reason="dns"), False, False),
        (Unreachable("x", reason="tls"), False, False),
        (Unreachable("x", reason="proxy"), False, False),
        (Unreachable("x"), False, False),
        (LostResponse("x"), True, False),
        (InvalidResponse("x", transient=True), True, False),
        (InvalidResponse("x"), False, False),
        (Unauthorized("x", status=401), False, False),
        (NotFound("x", status=404), False, False),
        (Rejected("x", status=400), False, False),
        (Rejected("x", status=409), False, False),
        (Rejected("x", status=422), False, False),
        (Throttled("x", status=429), True, True),
        (Throttled("x", status=429, retry_after=1.0), True, True),
        (ServerFailure("x", status=500), True, False),
        (ServerFailure("x", status=500, retry_after=1.0), True, False),
        (ServerFailure("x", status=501), False, False),
        (ServerFailure("x", status=502), True, False),
        (ServerFailure("x", status=503), True, False),
        (ServerFailure("x", status=503, retry_after=0.0), True, False),
        (ServerFailure("x", status=503, retry_after=5.0), True, False),
        (ServerFailure("x", status=504), True, False),
        (ServerFailure("x", status=504, retry_after=5.0), True, False),
    ],
)
def test_what_is_retried(error: ApiError, safe: bool, post: bool) -> None:
    for request in SAFE:
        assert (pause_before_retry(error, request) is not None) is safe, request
    assert (pause_before_retry(error, POST) is not None) is post


@pytest.mark.parametrize(
    ("error", "attempts"),
    [(Unreachable("x", reason="refused"), 6), (Unreachable("x", reason="timeout"), 6), (InvalidResponse("x", transient=True), 3)],
)
def test_retries_end_after_the_maximum_of_attempts(error: ApiError, attempts: int) -> None:
    assert pause_before_retry(error, GET, 9, attempts - 1) is not None
    assert pause_before_retry(error, GET, 9, attempts) is None


@pytest.mark.parametrize(
    ("wish", "pause"),
    [(None, 0.5), (0.0, 0.5), (0.4, 0.5), (0.5, 0.5), (1.0, 1.0), (59.0, 59.0), (60.0, 60.0), (61.0, 60.0), (86_400.0, 60.0)],
)
def test_retry_after_is_honored_up_to_a_minute(wish: float | None, pause: float) -> None:
    assert pause_before_retry(Throttled("x", status=429, retry_after=wish), POST, draw=highest) == pause
    assert pause_before_retry(ServerFailure("x", status=503, retry_after=wish), GET, draw=highest) == pause


def test_without_retry_after_the_bound_of_the_pause_doubles_up_to_ten_seconds() -> None:
    bounds = [
        pause_before_retry(LostResponse("x"), GET, attempt, draw=highest) for attempt in (1, 2, 3, 4, 5, 6, 7, 100, 100_000)
    ]
    assert bounds == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]


def test_the_pause_is_drawn_from_the_whole_range() -> None:
    drawn = [pause_before_retry(LostResponse("x"), GET, 4) for _ in range(200)]
    assert all(pause is not None and 0.0 <= pause <= 4.0 for pause in drawn)
    assert len(set(drawn)) > 100


def failing(errors: list[ApiError], result: str = "done") -> Callable[[float], str]:
    left: Iterator[ApiError] = iter(errors)

    def send(_: float) -> str:
        error = next(left, None)
        if error is not None:
            raise error
        return result

    return send


def test_a_request_is_retried_until_it_succeeds(clock: Clock) -> None:
    errors: list[ApiError] = [LostResponse("x"), ServerFailure("x", status=500), Throttled("x", status=429, retry_after=7.0)]
    assert send_with_retries(GET, failing(errors), Budget(120, clock), rate_limiter(clock), highest) == "done"
    assert clock.sleeps == [0.5, 1.0, 7.0]


def test_an_error_that_must_not_be_retried_is_sent_once(clock: Clock) -> None:
    error = LostResponse("x")
    with pytest.raises(LostResponse) as caught:
        send_with_retries(POST, failing([error] * 9), Budget(120, clock), rate_limiter(clock), highest)
    assert caught.value is error
    assert (error.attempts, error.waited) == (1, 0.0)
    assert clock.sleeps == []


def test_a_bug_is_not_retried_and_not_changed(clock: Clock) -> None:
    def buggy(_: float) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        send_with_retries(GET, buggy, Budget(120, clock), rate_limiter(clock))
    assert clock.sleeps == []


def test_the_time_budget_ends_with_the_last_error_attempts_and_time_waited(clock: Clock) -> None:
    errors: list[ApiError] = [ServerFailure("x", status=500) for _ in range(100)]
    with pytest.raises(ServerFailure) as caught:
        send_with_retries(GET, failing(errors), Budget(120, clock), rate_limiter(clock), highest)
    assert caught.value.attempts == len(clock.sleeps) + 1
    assert caught.value.waited == sum(clock.sleeps)
    # Every pause is at its longest here: the next one would end beyond the budget.
    assert 120 - 11 < caught.value.waited <= 120


def test_slow_requests_use_the_budget_too(clock: Clock) -> None:
    given: list[float] = []

    def slow(left: float) -> str:
        given.append(left)
        clock.now += 35.0
        raise LostResponse("x")

    with pytest.raises(LostResponse) as caught:
        send_with_retries(GET, slow, Budget(120, clock), rate_limiter(clock), highest)
    assert given == [120.0, 84.5, 48.5, 11.5]
    assert caught.value.waited == 143.5  # this sender takes more than it is given: the client does not


def test_a_retry_after_beyond_the_budget_fails_at_once(clock: Clock) -> None:
    with pytest.raises(Throttled) as caught:
        send_with_retries(
            POST, failing([Throttled("x", status=429, retry_after=50.0)] * 9), Budget(120, clock), rate_limiter(clock)
        )
    assert clock.sleeps == [50.0, 50.0]
    assert (caught.value.attempts, caught.value.waited) == (3, 100.0)


def test_an_attempt_that_would_have_no_time_is_not_begun(clock: Clock) -> None:
    with pytest.raises(Throttled):
        send_with_retries(
            GET, failing([Throttled("x", status=429, retry_after=9.5)] * 9), Budget(10.0, clock), rate_limiter(clock)
        )
    assert clock.sleeps == []


def test_several_requests_share_one_budget(clock: Clock) -> None:
    budget = Budget(10.0, clock)
    send_with_retries(LIST, failing([Throttled("x", status=429, retry_after=6.0)]), budget, rate_limiter(clock))
    with pytest.raises(Throttled) as caught:
        send_with_retries(LIST, failing([Throttled("x", status=429, retry_after=6.0)]), budget, rate_limiter(clock))
    assert (caught.value.attempts, caught.value.waited) == (1, 6.0)


def test_a_retry_prints_nothing(clock: Clock, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a program that configures no logging
    send_with_retries(GET, failing([LostResponse("x")] * 3), Budget(120, clock), rate_limiter(clock))
    assert capfd.readouterr() == ("", "")


def test_an_operation_without_a_connection_opens_the_circuit_breaker(clock: Clock) -> None:
    shared, sent = rate_limiter(clock), list[float]()

    def refused(left: float) -> str:
        sent.append(left)
        raise Unreachable("no connection", reason="refused")

    with pytest.raises(Unreachable, match=r"no connection$") as first:
        send_with_retries(GET, refused, Budget(120, clock), shared, highest)
    assert (first.value.attempts, len(sent)) == (6, 6)
    for _ in range(3):
        with pytest.raises(Unreachable, match="circuit breaker open") as other:
            send_with_retries(POST, refused, Budget(120, clock), shared, highest)
        assert other.value.attempts == 0
    assert len(sent) == 6

    clock.now += CIRCUIT_OPEN_S
    assert send_with_retries(POST, failing([], "there again"), Budget(120, clock), shared, highest) == "there again"


def test_an_open_circuit_breaker_ends_an_operation_that_waits(clock: Clock) -> None:
    shared = rate_limiter(clock)

    def refused_and_overtaken(_: float) -> str:
        shared.on_unreachable(clock.now, Unreachable("no connection", reason="refused"))  # another thread gives up meanwhile
        raise Unreachable("no connection", reason="refused")

    with pytest.raises(Unreachable, match="circuit breaker open") as caught:
        send_with_retries(GET, refused_and_overtaken, Budget(120, clock), shared, highest)
    assert caught.value.attempts == 1
