"""The Installation Details API without I/O: the request, and what a response may hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse, NotFound, ServerFailure, Throttled, Unauthorized
from pulumi_atlassian_forge.api.installation_details import InstallationDetails, installation_details, parse_details
from pulumi_atlassian_forge.api.request_response import Response


def response(value: Any, status: int = 200, **headers: str) -> Response:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Response(status, {name.replace("_", "-"): text for name, text in headers.items()}, body, frozenset({"planted-token"}))


def test_the_request_has_a_base_path_of_its_own() -> None:
    request = installation_details("app/env/id")
    assert (request.method, request.target) == ("GET", "/forge/installation/v1/app/env/installation/id")
    assert request.body is None


def test_what_is_documented() -> None:
    found = parse_details(
        response(
            {
                "version": "4.2.0",
                "installationContext": {"id": "ari:cloud:jira::site/s"},
                "secondaryInstallationContexts": [],
                "permissions": {"scopes": ["read:jira-work", "storage:app"], "external": {}},
                "isSandbox": False,
            }
        )
    )
    assert found == InstallationDetails("4.2.0", "ari:cloud:jira::site/s", frozenset({"read:jira-work", "storage:app"}), False)


@pytest.mark.parametrize(
    ("value", "details"),
    [
        ({"version": 4}, (None, None, None, None)),
        ({"version": "4", "installationContext": "site", "permissions": [], "isSandbox": "no"}, ("4", None, None, None)),
        ({"installationContext": {"id": None}, "permissions": {"scopes": "all"}}, (None, None, None, None)),
        ({"version": "4", "permissions": {"scopes": [1, "a", None, ""]}, "isSandbox": True}, ("4", None, frozenset({"a"}), True)),
        ({"version": "4\n::error::\x1b[31m\u202e5", "unknown": {}}, ("4 ::error::5", None, None, None)),
    ],
)
def test_what_is_missing_or_of_another_kind_is_not_known(value: Any, details: tuple[Any, ...]) -> None:
    assert parse_details(response(value)) == InstallationDetails(*details)


@pytest.mark.parametrize("value", [b"", b"<html>", b"[]", b"1", b"{}", {"ok": True}, [{"version": "4"}], b'{"version": "4"'])
def test_a_success_that_is_no_details_proves_nothing(value: Any) -> None:
    with pytest.raises(InvalidResponse) as caught:
        parse_details(response(value))
    assert caught.value.status == 200


@pytest.mark.parametrize(
    ("status", "error"), [(401, Unauthorized), (404, NotFound), (429, Throttled), (500, ServerFailure), (503, ServerFailure)]
)
def test_another_status_is_its_error(status: int, error: type[ApiError]) -> None:
    with pytest.raises(error, match=r"no: \[redacted\]") as caught:
        parse_details(response({"message": "no: planted-token"}, status, retry_after="7"))
    assert caught.value.retry_after == (7.0 if status in {429, 500, 503} else None)
