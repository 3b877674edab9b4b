from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import pytest

from pulumi_atlassian_forge.api.errors import Reason, Throttled, Unreachable
from pulumi_atlassian_forge.api.rate_limiter import CIRCUIT_OPEN_S, RateLimiter
from tests.support.timing import Clock


class Sliding:
    """At most so many in any second."""

    def __init__(self, rate: int) -> None:
        self.rate, self.seen = rate, deque[float]()

    def __call__(self, now: float) -> bool:
        while self.seen and self.seen[0] <= now - 1:
            self.seen.popleft()
        if len(self.seen) >= self.rate:
            return False
        self.seen.append(now)
        return True


class Fixed:
    """At most so many in each second of the calendar."""

    def __init__(self, rate: int) -> None:
        self.rate, self.second, self.count = rate, 0, 0

    def __call__(self, now: float) -> bool:
        if math.floor(now) != self.second:
            self.second, self.count = math.floor(now), 0
        self.count += 1
        return self.count <= self.rate


class Bucket:
    """A bucket of tokens that fills evenly."""

    def __init__(self, rate: int, size: int) -> None:
        self.rate, self.size, self.tokens, self.at = rate, size, float(size), 0.0

    def __call__(self, now: float) -> bool:
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate) if self.at else self.size
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def run(allows: Callable[[float], bool], n: int, wish: float, latency: float = 0.02) -> tuple[int, float]:
    """One thread's worth of requests; returns how many were sent and how long it took."""
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    began, sent, done = clock.now, 0, 0
    while done < n:
        at = rate_limiter.admit(1000)
        sent += 1
        clock.now += latency
        if allows(at):
            rate_limiter.on_response(at)
            done += 1
        else:
            clock.sleep(rate_limiter.on_retry_after(at, wish, is_throttled=True))
    return sent, clock.now - began


LIMITS: dict[str, Callable[[], Callable[[float], bool]]] = {
    "in any second": lambda: Sliding(10),
    "in each second of the calendar": lambda: Fixed(10),
    "a bucket": lambda: Bucket(10, 10),
    "a large bucket": lambda: Bucket(10, 20),
}


@pytest.mark.parametrize("latency", [0.001, 0.02, 0.1])
@pytest.mark.parametrize("wish", [0.1, 0.25, 1.0])
@pytest.mark.parametrize("name", list(LIMITS))
def test_a_hundred_requests_at_ten_a_second_are_one_even_stream(name: str, wish: float, latency: float) -> None:
    sent, seconds = run(LIMITS[name](), 100, wish, latency)
    assert sent <= 112
    assert seconds <= 12


def test_a_limit_without_any_burst_is_found_too() -> None:
    sent, seconds = run(Bucket(10, 1), 100, 1.0)
    assert sent <= 115
    assert seconds <= 30


def test_without_a_429_nothing_waits() -> None:
    assert run(lambda now: True, 100, 1.0, latency=0.0) == (100, 0.0)


def test_all_threads_share_one_pause() -> None:
    clock = Clock()
    messages: list[str] = []
    rate_limiter = RateLimiter(messages.append, clock, clock.sleep, advice="; so do others")
    first, second = rate_limiter.admit(60), rate_limiter.admit(60)
    assert rate_limiter.on_retry_after(first, 30, is_throttled=True) == 30
    assert rate_limiter.on_retry_after(second, 20, is_throttled=True) == 30
    rate_limiter.admit(60)
    assert clock.now == 1000.0 + 30
    assert messages == ["throttled: all requests to this installation pause for 30 s; so do others"]


def test_a_slot_after_the_deadline_is_an_error() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    rate_limiter.on_retry_after(rate_limiter.admit(60), 30, is_throttled=True)
    with pytest.raises(Throttled, match="no request slot became available within 20 s"):
        rate_limiter.admit(20)
    assert clock.sleeps == []


def test_several_429s_of_one_moment_reduce_the_rate_once() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    for _ in range(10):
        rate_limiter.on_response(rate_limiter.admit(60))
    ways = [rate_limiter.admit(60) for _ in range(4)]
    for sent in ways:
        rate_limiter.on_retry_after(sent, 1.0, is_throttled=True)
    turns = [rate_limiter.admit(60) for _ in range(3)]
    assert turns[1] - turns[0] == pytest.approx(1 / 9.5)
    assert turns[2] - turns[1] == pytest.approx(1 / 9.5)


def test_a_503_with_retry_after_pauses_and_leaves_the_rate() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    rate_limiter.on_retry_after(rate_limiter.admit(60), 3.0, is_throttled=False)
    assert rate_limiter.admit(60) == 1003.0
    assert rate_limiter.admit(60) == 1003.0


def test_the_rate_is_shown_once() -> None:
    clock = Clock()
    messages: list[str] = []
    rate_limiter = RateLimiter(messages.append, clock, clock.sleep)
    rate_limiter.on_response(rate_limiter.admit(60))
    rate_limiter.on_retry_after(rate_limiter.admit(60), 1.0, is_throttled=True)
    clock.now += 1
    for _ in range(8):
        rate_limiter._take_slot()  # as many threads do at once
    rate_limiter.admit(60)
    rate_limiter.admit(60)
    assert messages == ["rate limited: about 57 requests a minute, each waits for a slot"]


def given_up(rate_limiter: RateLimiter, clock: Clock, reason: Reason = "refused") -> None:
    """An operation that tried for five seconds in vain."""
    began = rate_limiter.admit(60)
    clock.now += 5
    rate_limiter.on_unreachable(began, Unreachable("no connection", reason=reason))


def test_the_circuit_breaker_closes_after_a_while() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    given_up(rate_limiter, clock)
    with pytest.raises(Unreachable, match="no connection: circuit breaker open, no request") as down:
        rate_limiter.admit(60)
    assert down.value.reason == "refused"
    clock.now += CIRCUIT_OPEN_S
    assert rate_limiter.admit(60) == clock.now
    assert clock.sleeps == []


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_response_closes_the_circuit_breaker(*, is_refused: bool) -> None:
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    began, other = rate_limiter.admit(60), rate_limiter.admit(60)
    if is_refused:
        rate_limiter.on_retry_after(other, 0.0, is_throttled=False)
    else:
        rate_limiter.on_response(other)
    rate_limiter.on_unreachable(began, Unreachable("no connection", reason="timeout"))
    assert rate_limiter.admit(60) == clock.now, "another request got a response meanwhile"

    under_way = rate_limiter.admit(60)
    clock.now += 1
    given_up(rate_limiter, clock)
    rate_limiter.on_response(under_way)
    assert rate_limiter.admit(60) == clock.now, "a request got a response after the circuit breaker had opened"


def test_a_pause_that_no_429_requested_is_no_429() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    rate_limiter.on_retry_after(rate_limiter.admit(60), 30, is_throttled=False)
    with pytest.raises(Throttled) as caught:
        rate_limiter.admit(20)
    assert caught.value.status is None
