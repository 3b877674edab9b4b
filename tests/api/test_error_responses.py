"""The error that a status and a body stand for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_atlassian_forge.api import errors
from pulumi_atlassian_forge.api.errors import error_from, retry_after_of
from pulumi_atlassian_forge.api.request_response import Response

NOW = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT


def failure(status: int, body: Any = b"", **headers: str) -> errors.ApiError | None:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from(Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, payload), now=NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_is_no_failure(status: int) -> None:
    assert failure(status, b"anything") is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Rejected),
        (401, errors.Unauthorized),
        (402, errors.Rejected),
        (403, errors.Unauthorized),
        (404, errors.NotFound),
        (410, errors.NotFound),
        (405, errors.Rejected),
        (409, errors.Rejected),
        (413, errors.Rejected),
        (415, errors.Rejected),
        (422, errors.Rejected),
        (429, errors.Throttled),
        (499, errors.Rejected),
        (500, errors.ServerFailure),
        (501, errors.ServerFailure),
        (502, errors.ServerFailure),
        (503, errors.ServerFailure),
        (504, errors.ServerFailure),
        (599, errors.ServerFailure),
        (301, errors.InvalidResponse),
        (304, errors.InvalidResponse),
        (308, errors.InvalidResponse),
        (101, errors.InvalidResponse),
        (600, errors.InvalidResponse),
        (999, errors.InvalidResponse),
    ],
)
def test_the_status_decides_the_kind(status: int, kind: type[errors.ApiError]) -> None:
    error = failure(status, {"message": "words"})
    assert type(error) is kind
    assert error is not None
    assert error.status == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "Authorization failed"}, "Authorization failed"),
        ({"type": "AuthorizationError", "code": 401, "message": "Authorization failed"}, "Authorization failed"),
        ({"code": 500, "message": "An internal\nerror \x1b[1moccurred"}, "An internal error occurred"),
        ({"errorMessages": ["first", "second"], "errors": {}}, "first"),
        ({"error": "invalid_token", "error_description": "The token has ended"}, "The token has ended"),
        ({"error": {"message": "wrapped"}}, "wrapped"),
        ({"errors": [{"detail": "in a list"}]}, "in a list"),
        ({"message": ""}, '{"message": ""}'),
        ({"message": {"en": "unknown form"}}, '{"message": {"en": "unknown form"}}'),
        ([], "[]"),
        (b"plain text", "plain text"),
        (b"<html><title>Bad</title><body><p>Gateway</body></html>", "Bad Gateway"),
        (b"", "Bad Gateway"),
        (b"[" * 100_000, "[" * 299 + "…"),
        ({"message": "x" * 400}, "x" * 299 + "…"),
    ],
)
def test_the_server_s_own_text_is_kept(body: Any, words: str) -> None:
    error = failure(502, body)
    assert error is not None
    assert error.message == words


def test_an_unnamed_status_without_a_text_is_described() -> None:
    error = failure(599)
    assert error is not None
    assert str(error) == "HTTP 599: no text"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://elsewhere.example/login?token=planted", "redirected to elsewhere.example, which"),
        ("//other.example/x", "redirected to other.example, which"),
        ("/relative", "redirected elsewhere, which"),
        ("https://[broken", "redirected elsewhere, which"),
        ("", "redirected elsewhere, which"),
    ],
)
def test_a_redirect_names_the_host_and_nothing_else_of_the_address(location: str, words: str) -> None:
    error = failure(302, location=location)
    assert isinstance(error, errors.InvalidResponse)
    assert words in error.message
    assert "planted" not in error.message
    assert not error.transient


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "9" * 400}, 999_999_999.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT"}, 30.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT", "date": "Mon, 21 Sep 2026 14:13:45 GMT"}, 5.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT", "date": "garbage"}, 30.0),
        ({"retry-after": "Mon, 21 Sep 99999999999999999999 14:13:50 GMT"}, None),
    ],
)
def test_the_pause_that_the_server_asks_for_is_read_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_of(headers, NOW) == seconds


def test_retry_after_is_kept_for_transient_errors() -> None:
    throttled = failure(429, retry_after="3")
    unavailable = failure(503, retry_after="4")
    assert isinstance(throttled, errors.Throttled)
    assert throttled.retry_after == 3.0
    assert isinstance(unavailable, errors.ServerFailure)
    assert unavailable.retry_after == 4.0
