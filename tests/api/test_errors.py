from __future__ import annotations

import copy
import pickle

import pytest

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


@pytest.mark.parametrize(
    ("error", "processed"),
    [
        (Unreachable("x", reason="dns"), "no"),
        (LostResponse("x"), "unknown"),
        (InvalidResponse("x", status=200), "unknown"),
        (Unauthorized("x", status=401), "no"),
        (NotFound("x", status=404), "no"),
        (Rejected("x", status=422), "no"),
        (Throttled("x", status=429), "no"),
        (ServerFailure("x", status=500), "unknown"),
        (ServerFailure("x", status=500, retry_after=1.0), "unknown"),
        (ServerFailure("x", status=503), "unknown"),
        (ServerFailure("x", status=503, retry_after=1.0), "unknown"),
    ],
)
def test_every_error_says_whether_the_server_may_have_acted(error: ApiError, processed: str) -> None:
    assert error.processed == processed


def test_an_error_reads_as_one_line() -> None:
    assert str(Rejected("no\nsuch \x1b[1mtype", status=422)) == "HTTP 422: no such type"
    assert str(LostResponse("gone")) == "gone"
    assert len(Rejected("x" * 1000, status=422).message) == 300


@pytest.mark.parametrize("duplicate", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_can_be_handed_to_another_thread_or_process(duplicate: object) -> None:
    error = Throttled("slow down", status=429, retry_after=3.0)
    error.waited = 7.0
    twin = duplicate(error)  # type: ignore[operator]
    assert type(twin) is Throttled
    assert (twin.message, twin.status, twin.retry_after, twin.waited) == ("slow down", 429, 3.0, 7.0)
