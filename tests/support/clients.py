"""API client for tests, and the error of a request that failed."""

from __future__ import annotations

import traceback
from contextlib import closing as closed
from typing import Any

import pytest

from pulumi_atlassian_forge.api import protocol
from pulumi_atlassian_forge.api.client import Client, Timeouts
from pulumi_atlassian_forge.api.errors import ApiError
from pulumi_atlassian_forge.api.request_response import Request
from pulumi_atlassian_forge.auth.bearer_token import BearerToken, Token
from pulumi_atlassian_forge.model.content import Content

TOKEN = "planted-token-0123456789"
GET = protocol.read("v1", "k")
POST = protocol.register("v1", "k", Content("trigger", {"events": ["e"]}))
LIST = protocol.list_page("v1", "a+b")
QUICK = Timeouts(connect=0.1, read=0.3, total=2.0)
ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


def connect(url: str, timeouts: Timeouts | None = None, **options: Any) -> closed[Client]:
    return closed(
        Client(
            url, options.pop("auth", BearerToken(lambda: Token(TOKEN))), timeouts=timeouts, user_agent="forge-test/1", **options
        )
    )


def failure(url: str, request: Request = GET, timeouts: Timeouts | None = None, **options: Any) -> ApiError:
    """What came of a request, shown to hold no token wherever one looks."""
    with connect(url, timeouts, **options) as client, pytest.raises(ApiError) as caught:
        client.send(request)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + repr(client)
    assert TOKEN not in shown
    assert error.__context__ is None  # an exception of httpx would hold the request, and the request the token
    assert error.__cause__ is None
    return error
