"""The client against real sockets: what is sent, and how it is used."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pulumi_atlassian_forge.api import protocol
from pulumi_atlassian_forge.api.client import Auth, Client, Timeouts
from pulumi_atlassian_forge.api.errors import (
    ApiError,
    InvalidResponse,
    LostResponse,
    Outcome,
    Unauthorized,
    Unreachable,
    error_from,
)
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.auth.bearer_token import BearerToken, Token
from pulumi_atlassian_forge.model.content import Content
from tests.support import raw_server
from tests.support.clients import GET, LIST, POST, QUICK, TOKEN, connect, failure
from tests.support.raw_server import MEGABYTE, responding, serving


def test_a_request_is_sent_with_method_path_headers_and_body() -> None:
    with serving(responding(200, {"ok": True})) as server, connect(f"{server.url}/ex/jira/x/") as client:
        client.send(LIST)
        client.send(POST)
        client.send(protocol.delete("v2", "a/../b"))
    listed, registered, deleted = server.seen
    assert (listed.method, listed.target) == (
        "GET",
        "/ex/jira/x/forge/installation/v1/dynamic/module/?limit=100&nextPageToken=a%2Bb",
    )
    assert listed.headers["authorization"] == f"Bearer {TOKEN}"
    assert listed.headers["user-agent"] == "forge-test/1"
    assert listed.headers["accept"] == "application/json"
    assert listed.headers["accept-encoding"] == "gzip"
    assert "content-type" not in listed.headers
    assert registered.target == "/ex/jira/x/forge/installation/v1/dynamic/module"
    assert registered.body == POST.body
    assert registered.headers["content-type"] == "application/json"
    assert deleted.target == "/ex/jira/x/forge/installation/v2/dynamic/module/a%2F..%2Fb"


def test_a_response_is_returned_whatever_its_status() -> None:
    with serving(responding(422, {"message": "no"}, {"X-Trace": "t"})) as server, connect(server.url) as client:
        response = client.send(POST)
    assert (response.status, response.body, response.headers["x-trace"]) == (422, b'{"message": "no"}', "t")


def test_a_connection_is_used_again() -> None:
    with serving(responding(204), responding(422, {"message": "no"}), responding(200, b"x" * 100_000)) as server:
        with connect(server.url) as client:
            for _ in range(5):
                client.send(GET)
        assert (len(server.seen), server.connections) == (5, 1)


def test_threads_share_a_client() -> None:
    with serving(responding(200, {"ok": True})) as server, connect(server.url) as client, ThreadPoolExecutor(24) as pool:
        responses = list(pool.map(lambda _: client.send(GET), range(480)))
        assert {response.body for response in responses} == {b'{"ok": true}'}
        assert server.connections <= 16


def test_no_cookie_is_kept() -> None:
    cookie = {"set-cookie": "session=1; Path=/"}
    with serving(responding(200, b"{}", cookie)) as server, connect(server.url) as client:
        client.send(GET)
        client.send(GET)
    assert all("cookie" not in seen.headers for seen in server.seen)


def connect_with(url: str, auth: Auth, request: Request) -> Response:
    with connect(url, auth=auth) as client:
        return client.send(request)


class Headers:
    def __init__(self, **headers: str) -> None:
        self._headers = headers

    def headers(self, request: Request) -> Mapping[str, str]:
        return self._headers

    def refreshed(self, refused: Mapping[str, str]) -> bool:
        return False


@pytest.mark.parametrize(
    "token",
    [f"{TOKEN}\r\nHost: evil", f"{TOKEN}\n", f" {TOKEN}\t", f"{TOKEN}\x00", f"{TOKEN}é", f"{TOKEN}\u2028", f"{TOKEN}\ud800", ""],
)
def test_a_token_that_fits_into_no_header_is_not_sent_and_not_shown(token: str) -> None:
    with serving(responding(200, b"{}")) as server:
        error = failure(server.url, POST, auth=BearerToken(lambda: Token(token)))
        assert server.seen == []
    assert isinstance(error, Unauthorized)
    assert (error.status, error.outcome) == (None, Outcome.NOT_APPLIED)
    assert error.message.startswith("the token cannot be sent")


@pytest.mark.parametrize("status", [401, 500])
def test_an_error_page_that_prints_the_token_does_not_get_it_shown(status: int) -> None:
    page = f"<html><title>Error</title><pre>Authorization: Bearer {TOKEN}\nForge as=app,id={TOKEN}</pre></html>".encode()
    auth = Headers(authorization=f"Bearer {TOKEN}", **{"forge-proxy-authorization": f"Forge as=app,id={TOKEN}"})
    with serving(responding(status, page)) as server, connect(server.url, auth=auth) as client:
        response = client.send(GET)
    error = error_from(response)
    assert error is not None
    assert TOKEN not in error.message
    assert "[redacted]" in error.message


ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in TOKEN)


@pytest.mark.parametrize(
    "behaviour",
    [
        responding(302, b"", {"location": f"https://{TOKEN}.example/"}),
        responding(422, f'{{"message": "no: {ESCAPED}"}}'.encode()),
        responding(400, f"no: {TOKEN[:4]}\x1b[0m{TOKEN[4:]}".encode()),
        responding(200, f'{{"key": "{ESCAPED}", "type": "trigger", "data": {{}}}}'.encode()),
        raw_server.raw(f"HTTP/1.1 {TOKEN} OK\r\n\r\n".encode()),
    ],
    ids=["redirect", "escaped", "in pieces", "as a key", "status line"],
)
def test_a_token_echoed_in_another_encoding_is_not_shown(behaviour: raw_server.Behaviour) -> None:
    quick = Timeouts(connect=1, read=1, total=1)
    with serving(behaviour) as server, connect(server.url, timeouts=quick) as client, pytest.raises(ApiError) as caught:
        Operations(client, "v1").read("k")
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_credentials_that_cannot_be_had_end_the_request() -> None:
    class NoToken:
        def headers(self, request: Request) -> Mapping[str, str]:
            raise Unauthorized("the broker is closed")

    with serving(responding(200, b"{}")) as server:
        assert failure(server.url, auth=NoToken()).message == "the broker is closed"
        assert server.seen == []


def mock(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.BaseTransport:
    return httpx.MockTransport(handler)


def test_a_custom_transport_replaces_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://of.no.use")
    monkeypatch.setenv("SSL_CERT_FILE", "/of/no/use")
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"ok": True})

    with connect("https://emulator.invalid", transport=mock(handler)) as client:
        response = client.send(POST)
    assert (response.status, response.body) == (201, b'{"ok":true}')
    assert response.headers["content-type"] == "application/json"
    assert seen[0].content == POST.body


def responding_always(response: httpx.Response) -> httpx.BaseTransport:
    return mock(lambda _: response)


def test_a_custom_transport_may_stream_within_the_limits() -> None:
    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b" " * MEGABYTE

    endless = httpx.Response(200, stream=Stream())
    whole = httpx.Response(200, content=b" " * 9 * MEGABYTE)
    for response in (endless, whole):
        error = failure("https://x.invalid", transport=responding_always(response))
        assert isinstance(error, InvalidResponse)
        assert "larger" in error.message


def test_a_transport_is_shared_by_all_threads_and_closed_once() -> None:
    class Counting(httpx.BaseTransport):
        def __init__(self) -> None:
            self.together = threading.Barrier(3)
            self.closed = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            self.together.wait(10)
            return httpx.Response(200, content=b"{}")

        def close(self) -> None:
            self.closed += 1

    transport = Counting()
    with connect("https://x.invalid", transport=transport) as client, ThreadPoolExecutor(3) as pool:
        assert [response.body for response in pool.map(lambda _: client.send(GET), range(3))] == [b"{}"] * 3
    assert transport.closed == 1


def test_a_custom_transport_must_respect_the_deadline() -> None:
    class Slow(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(1000):
                time.sleep(0.01)
                yield b" "

    error = failure("https://x.invalid", timeouts=QUICK, transport=responding_always(httpx.Response(200, stream=Slow())))
    assert isinstance(error, LostResponse)


def test_a_transport_that_fails_as_httpx_does_is_understood() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    error = failure("https://x.invalid", POST, transport=mock(handler))
    assert isinstance(error, LostResponse)


def test_a_request_is_sent_again_with_the_new_token_after_a_401() -> None:
    tokens = iter(["old-token", "new-token", "third-token"])
    with serving(responding(401, {"message": "expired"})) as server:
        response = connect_with(server.url, BearerToken(lambda: Token(next(tokens))), GET)
    assert response.status == 401
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer old-token", "Bearer new-token"]


def test_a_register_is_not_retried_after_a_token_refresh() -> None:
    """The new token may lead to another installation."""
    tokens = iter(["old-token", "new-token"])
    with serving(responding(401, {"message": "expired"})) as server, pytest.raises(Unauthorized) as caught:
        connect_with(server.url, BearerToken(lambda: Token(next(tokens))), POST)
    assert caught.value.is_refreshed
    assert len(server.seen) == 1


def test_a_token_that_is_not_valid_in_a_header_is_not_cached() -> None:
    tokens = iter(["half writ\nten", TOKEN])
    auth = BearerToken(lambda: Token(next(tokens)))
    with serving(responding(200, b"{}")) as server:
        with pytest.raises(Unauthorized):
            connect_with(server.url, auth, GET)
        assert connect_with(server.url, auth, GET).status == 200
        assert len(server.seen) == 1


def test_a_redirect_to_an_unreadable_address_is_an_invalid_response() -> None:
    with serving(responding(302, b"", {"location": "https://xn--a/"})) as server:
        assert isinstance(failure(server.url, POST), LostResponse | InvalidResponse)


def test_with_the_same_token_it_is_not_sent_again() -> None:
    with serving(responding(401, {"message": "expired"})) as server:
        response = connect_with(server.url, BearerToken(lambda: Token(TOKEN)), POST)
    assert (response.status, len(server.seen)) == (401, 1)


def test_a_closed_client_sends_nothing() -> None:
    with serving(responding(200, b"{}")) as server:
        client = Client(server.url, BearerToken(lambda: Token(TOKEN)))
        client.send(GET)
        client.close()
        client.close()
        with pytest.raises(Unreachable, match="closed"):
            client.send(GET)
        assert len(server.seen) == 1


@pytest.mark.parametrize("url", ["", "x", "ftp://host", "https://", "https://[broken", "https://host:port"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="the base URL is not"):
        Client(url, BearerToken(lambda: Token(TOKEN)))


def test_an_operation_survives_what_the_wire_does_to_it() -> None:
    module = {"key": "k", "type": "trigger", "data": {"key": "k", "events": ["e"]}}
    script = (
        raw_server.closing(),
        responding(502, b"<html>"),
        raw_server.cutting(),
        responding(200, b"<html>Log in</html>"),
        responding(429, {"message": "slow"}, {"retry-after": "0"}),
        responding(200, module),
    )
    with serving(*script) as server, connect(server.url) as client:
        operations = Operations(client, "v1", draw=lambda low, high: 0.0)
        assert operations.read("k").key == "k"
        assert len(server.seen) == 6


def test_an_operation_on_a_silent_server_ends_within_its_time_budget() -> None:
    with serving(raw_server.silent()) as server, connect(server.url, QUICK) as client:
        started = time.monotonic()
        with pytest.raises(LostResponse) as caught:
            Operations(client, "v1").update("k", Content("trigger", {}))
        assert time.monotonic() - started < QUICK.total + 0.5
    assert caught.value.attempts > 1
    assert caught.value.waited <= QUICK.total + 0.1


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    with serving(responding(200, b"{}")) as server, connect(server.url) as client:
        client.send(GET)
    assert threading.active_count() == before
