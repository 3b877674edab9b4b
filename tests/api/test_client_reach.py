"""Hosts that cannot be reached, TLS and proxies, over real sockets."""

from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from pulumi_atlassian_forge.api.client import Timeouts
from pulumi_atlassian_forge.api.errors import LostResponse, Outcome, Unreachable
from tests.support import raw_server
from tests.support.clients import GET, POST, QUICK, TOKEN, connect, failure
from tests.support.raw_server import responding, serving


def test_a_port_without_a_server() -> None:
    error = failure(f"http://127.0.0.1:{raw_server.refused_port()}", POST)
    assert isinstance(error, Unreachable)
    assert (error.reason, error.outcome, error.status) == ("refused", Outcome.NOT_APPLIED, None)
    assert error.message == "no connection: Connection refused"


def test_a_host_that_has_no_name() -> None:
    error = failure("http://no-such-host.invalid", POST)
    assert isinstance(error, Unreachable)
    assert (error.reason, error.outcome) == ("dns", Outcome.NOT_APPLIED)


def test_a_host_that_accepts_no_connection() -> None:
    with socket.socket() as full:  # a queue that is full drops what comes after
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            time.sleep(0.05)
            error = failure(f"http://127.0.0.1:{full.getsockname()[1]}", POST, QUICK)
        finally:
            for one in waiting:
                one.close()
    assert isinstance(error, Unreachable)
    assert (error.reason, error.outcome) == ("timeout", Outcome.NOT_APPLIED)
    assert error.message == "no connection within 0.1 s"


def test_connections_that_are_all_in_use() -> None:
    timeouts = Timeouts(connect=0.2, read=1.0)
    with serving(raw_server.silent()) as server, connect(server.url, timeouts) as client, ThreadPoolExecutor(17) as pool:
        errors = [pool.submit(client.send, GET).exception for _ in range(17)]
        kinds = sorted((type(error).__name__, getattr(error, "reason", "")) for error in (get(10) for get in errors))
    assert kinds == [*[("LostResponse", "")] * 16, ("Unreachable", "timeout")]


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def context(self, authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        return context

    def test_a_certificate_of_an_unknown_authority(self, context: ssl.SSLContext) -> None:
        with serving(responding(200, b"{}"), context=context) as server:
            error = failure(server.url, POST)
            assert server.seen == []
        assert isinstance(error, Unreachable)
        assert (error.reason, error.outcome) == ("tls", Outcome.NOT_APPLIED)
        assert "unable to get local issuer certificate" in error.message

    def test_a_certificate_of_another_host(self, authority: trustme.CA) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("other.example").configure_cert(context)
        ours = ssl.create_default_context()
        authority.configure_trust(ours)
        with serving(responding(200, b"{}"), context=context) as server:
            error = failure(server.url, POST, verify=ours)
        assert isinstance(error, Unreachable)
        assert error.reason == "tls"
        assert "localhost" in error.message

    def test_a_server_that_speaks_no_tls(self) -> None:
        with serving(raw_server.closing()) as server:
            error = failure(server.url.replace("http", "https"), POST)
        assert isinstance(error, Unreachable)
        assert error.reason == "tls"

    def test_a_certificate_of_an_authority_in_the_environment(
        self, authority: trustme.CA, context: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(bundle))
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        with serving(responding(200, b"{}"), context=context) as server, connect(server.url) as client:
            assert client.send(GET).body == b"{}"

    def test_a_slow_response_over_tls_ends_in_time(self, authority: trustme.CA, context: ssl.SSLContext) -> None:
        ours = ssl.create_default_context()
        authority.configure_trust(ours)
        with serving(raw_server.dripping(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000), context=context) as server:
            started = time.monotonic()
            error = failure(server.url, GET, Timeouts(connect=0.5, read=0.3), verify=ours)
            assert time.monotonic() - started < 2.0
        assert isinstance(error, LostResponse)

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_certificates_of_the_environment_that_cannot_be_read(
        self, content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bundle = tmp_path / "ca.pem"
        if content is not None:
            bundle.write_text(content, encoding="utf-8")
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        error = failure("https://localhost:9")
        assert isinstance(error, Unreachable)
        assert error.reason == "tls"
        assert "SSL_CERT_FILE" in error.message


class TestProxy:
    def test_the_proxy_of_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(responding(200, b"{}")) as proxy, connect("http://forge.example") as client:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            assert client.send(GET).body == b"{}"
        assert proxy.seen[0].target == "http://forge.example/forge/installation/v1/dynamic/module/k"

    @pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_a_token_for_this_machine_goes_to_no_proxy(self, name: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(responding(200, b"{}")) as server, serving(responding(500)) as proxy:
            monkeypatch.setenv(name, proxy.url)
            with connect(f"http://{host}:{server.port}") as client:
                assert client.send(GET).body == b"{}"
            assert proxy.connections == 0

    def test_a_broken_exception_breaks_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_PROXY", "[::1,fd07::/64,http://[,x:y")
        with serving(responding(200, b"{}")) as proxy, connect("http://forge.example") as client:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            assert client.send(GET).body == b"{}"

    def test_a_proxy_that_does_not_listen_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        port = raw_server.refused_port()
        monkeypatch.setenv("https_proxy", f"http://user:{TOKEN}@127.0.0.1:{port}")
        error = failure("https://forge.example", POST)
        assert error.message == f"the proxy 127.0.0.1:{port} (https_proxy): no connection: Connection refused"

    def test_a_proxy_that_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(responding(407, b"pay")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://user:{TOKEN}@{proxy.url.removeprefix('http://')}")
            error = failure("https://forge.example", POST)
            assert proxy.seen[0].method == "CONNECT"
            assert "authorization" not in proxy.seen[0].headers
        assert isinstance(error, Unreachable)
        assert (error.reason, error.outcome) == ("proxy", Outcome.NOT_APPLIED)
        assert "407" in error.message

    @pytest.mark.parametrize(
        ("url", "problem"),
        [
            ("ftp://proxy.example:1", "its scheme is not http, https, socks5 or socks5h"),
            (f"socks5://user:{TOKEN}@proxy.example", "a SOCKS proxy needs the package socksio"),
            (f"http://user:{TOKEN}/x@proxy.example", "its value is not the URL of a proxy"),
            ("http://proxy.example:port", "its value is not the URL of a proxy"),
        ],
    )
    def test_a_proxy_that_cannot_be_used(self, url: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", url)
        error = failure("https://forge.example", POST)
        assert isinstance(error, Unreachable)
        assert (error.reason, error.outcome, error.code) == ("proxy", Outcome.NOT_APPLIED, "AF204")
        assert error.message.startswith(f"the proxy that HTTPS_PROXY names cannot be used: {problem}")
