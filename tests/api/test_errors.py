from __future__ import annotations

import copy
import pickle

import pytest

from pulumi_atlassian_forge.api.errors import (
    ApiError,
    InvalidResponse,
    LostResponse,
    NotFound,
    Outcome,
    Rejected,
    ServerFailure,
    Throttled,
    Unauthorized,
    Unreachable,
)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Unreachable("x", reason="dns"), Outcome.NOT_APPLIED),
        (LostResponse("x"), Outcome.UNKNOWN),
        (InvalidResponse("x", status=200), Outcome.UNKNOWN),
        (Unauthorized("x", status=401), Outcome.NOT_APPLIED),
        (NotFound("x", status=404), Outcome.NOT_APPLIED),
        (Rejected("x", status=422), Outcome.NOT_APPLIED),
        (Throttled("x", status=429), Outcome.NOT_APPLIED),
        (ServerFailure("x", status=500), Outcome.UNKNOWN),
        (ServerFailure("x", status=500, retry_after=1.0), Outcome.UNKNOWN),
        (ServerFailure("x", status=503), Outcome.UNKNOWN),
        (ServerFailure("x", status=503, retry_after=1.0), Outcome.UNKNOWN),
    ],
)
def test_every_error_has_an_outcome(error: ApiError, outcome: Outcome) -> None:
    assert error.outcome is outcome


def test_an_error_is_one_line_of_text() -> None:
    assert str(Rejected("no\nsuch \x1b[1mtype", status=422)) == "HTTP 422: no such type"
    assert str(LostResponse("gone")) == "gone"
    assert len(Rejected("x" * 1000, status=422).message) == 300


@pytest.mark.parametrize("duplicate", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_can_be_handed_to_another_thread_or_process(duplicate: object) -> None:
    error = Throttled("slow down", status=429, retry_after=3.0, waited=7.0)
    copied = duplicate(error)  # type: ignore[operator]
    assert type(copied) is Throttled
    assert (copied.message, copied.status, copied.retry_after, copied.waited) == ("slow down", 429, 3.0, 7.0)


def test_a_copy_with_more_details_does_not_change_the_error() -> None:
    error = Unreachable("no route", status=502, reason="dns")
    copied = error.with_(outcome=Outcome.UNKNOWN, attempts=3, waited=1.5)
    assert type(copied) is Unreachable
    assert (copied.message, copied.args, copied.status, copied.reason) == ("no route", ("no route",), 502, "dns")
    assert (copied.outcome, copied.attempts, copied.waited) == (Outcome.UNKNOWN, 3, 1.5)
    assert (error.outcome, error.attempts, error.waited) == (Outcome.NOT_APPLIED, 1, 0.0)
    assert error.with_(attempts=1) is error


def test_a_redacted_copy_holds_no_secret() -> None:
    error = Rejected("token abcdef is wrong", status=400)
    copied = error.redacted({"abcdef"})
    assert (str(copied), copied.args) == ("HTTP 400: token [redacted] is wrong", ("token [redacted] is wrong",))
    assert error.redacted({"other-secret"}) is error
