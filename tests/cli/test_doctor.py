"""`forge-modules doctor`: settings, network, token, version, each case with the line that it prints."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest
import trustme

from pulumi_atlassian_forge.auth.bearer_token import expiry_of
from pulumi_atlassian_forge.cli.doctor.token import check_token
from testing import independent_server
from testing.doctor import Doctor, expect, jwt
from testing.independent_server import Server
from tests.support.raw_server import refused_port, responding, serving


class TestSettings:
    def test_none(self, doctor: Doctor) -> None:
        expect(
            doctor(),
            1,
            "fail     settings: the installation 'default' is not configured",
            "next: choose one of these and run the command again",
            "skipped  dns, connection, tls, clock, token, auth, version, list, count, keys, types, paging, limit, read, "
            "unknown key, versions apart: settings failed",
        )

    def test_none_beside_a_project_names_the_stack(self, doctor: Doctor, tmp_path: Path) -> None:
        (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n", "utf-8")
        assert "if they are in the configuration of a stack: --stack <name>" in doctor().stdout

    def test_http_on_another_host(self, doctor: Doctor) -> None:
        done = doctor(ATLASSIAN_FORGE_BASE_URL="http://api.example", ATLASSIAN_FORGE_TOKEN="planted-token")
        expect(
            done,
            1,
            "fail     settings: the settings of installation 'default' cannot be used\n"
            "atlassian-forge:baseUrl (or ATLASSIAN_FORGE_BASE_URL): must be https: http would show the token to the network; "
            "it is for loopback addresses only",
        )

    def test_more_than_the_base(self, doctor: Doctor, api: Server) -> None:
        url = f"{api.base_url}/forge/installation/v1/dynamic/module"
        done = doctor(server=api, ATLASSIAN_FORGE_BASE_URL=url)
        expect(
            done,
            1,
            f"fail     settings: {url} (ATLASSIAN_FORGE_BASE_URL), v1 (default); that is more than the base\n"
            "next: end ATLASSIAN_FORGE_BASE_URL before /forge/installation, which is added to it",
            "skipped  auth: no response was that of the API",
            "fail     version: no version of the API responds: HTTP 404: no module forge\n"
            f"next: check ATLASSIAN_FORGE_BASE_URL ({url}): it is what comes before /forge/installation",
        )

    def test_no_token_and_a_missing_token_file(self, doctor: Doctor) -> None:
        done = doctor(ATLASSIAN_FORGE_BASE_URL="https://api.example")
        expect(done, 1, "fail     settings: there is no token for installation 'default', and no other authentication method")
        done = doctor(ATLASSIAN_FORGE_TOKEN_FILE="missing")
        expect(
            done,
            1,
            "fail     token: the token file missing cannot be read: No such file or directory\n"
            "next: correct ATLASSIAN_FORGE_TOKEN_FILE",
            "skipped  dns, connection, tls, clock: token failed",
        )

    def test_a_token_given_as_token_file_is_not_shown(self, doctor: Doctor) -> None:
        token = jwt(exp=1)
        done = doctor(ATLASSIAN_FORGE_TOKEN_FILE=token)
        assert (done.code, "the token file cannot be read: " in done.stdout) == (1, True)
        assert not any(part in done.text for part in token.split("."))

    def test_a_stack_without_an_engine(self, doctor: Doctor) -> None:
        done = doctor("--stack", "dev", PATH=doctor.tools(pulumi=None))
        assert (done.code, "installation " in done.stdout) == (1, False)
        assert "fail     configuration: pulumi cannot be run" in done.stdout
        assert "next: correct what pulumi reports; without --stack only the environment is read" in done.stdout


class TestNetwork:
    def test_a_host_without_a_name(self, doctor: Doctor) -> None:
        done = doctor(ATLASSIAN_FORGE_BASE_URL="https://no-such-host.invalid", ATLASSIAN_FORGE_TOKEN="planted-token")
        assert done.code == 1
        assert "  fail     dns: no-such-host.invalid: the host name cannot be resolved: " in done.stdout
        assert "next: correct ATLASSIAN_FORGE_BASE_URL, or resolve the name: getent hosts no-such-host" in done.stdout
        assert "  skipped  connection, tls: dns failed\n" in done.stdout

    def test_no_server_listens(self, doctor: Doctor) -> None:
        url = f"http://127.0.0.1:{refused_port()}"
        expect(
            doctor(ATLASSIAN_FORGE_BASE_URL=url, ATLASSIAN_FORGE_TOKEN="planted-token"),
            1,
            "skipped  dns: 127.0.0.1 is an address",
            "fail     connection: no connection: Connection refused\n"
            "next: check ATLASSIAN_FORGE_BASE_URL, and whether a server listens there",
        )

    def test_a_certificate_that_signs_itself(self, doctor: Doctor) -> None:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with authority.private_key_pem.tempfile() as key, authority.cert_pem.tempfile() as certificate:
            context.load_cert_chain(certificate, key)
        with serving(responding(200, b"[]"), context=context) as server:
            done = doctor(ATLASSIAN_FORGE_BASE_URL=server.url, ATLASSIAN_FORGE_TOKEN="planted-token")
            assert server.seen == []
        expect(
            done,
            1,
            "ok       dns: localhost resolves",
            f"ok       connection: localhost:{server.port}",
            "fail     tls: no TLS connection, the server's certificate is not trusted: self-signed certificate\n"
            "next: if a proxy or a gateway of yours signs it: put its certificate into a file and set SSL_CERT_FILE to that; "
            "that file alone is trusted then",
            "skipped  auth, version, list, count, keys, types, paging, limit, read, unknown key, versions apart: tls failed",
        )

    def test_a_certificate_that_is_trusted(self, doctor: Doctor, tmp_path: Path) -> None:
        authority, bundle = trustme.CA(), tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(bundle))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        with serving(responding(500, {"message": "An internal error occurred"}), context=context) as server:
            done = doctor(SSL_CERT_FILE=str(bundle), ATLASSIAN_FORGE_BASE_URL=server.url, ATLASSIAN_FORGE_TOKEN="planted-token")
        expect(
            done,
            1,
            f"ok       certificates: {bundle} (SSL_CERT_FILE); no others are trusted",
            "ok       tls: the certificate is trusted",
            "fail     version: v1 could not be checked: HTTP 500: An internal error occurred\nnext: run the command again later",
        )

    def test_certificates_that_are_none(self, doctor: Doctor) -> None:
        done = doctor(
            SSL_CERT_FILE="missing.pem", ATLASSIAN_FORGE_BASE_URL="https://localhost", ATLASSIAN_FORGE_TOKEN="planted-token"
        )
        expect(
            done,
            1,
            "fail     certificates: what SSL_CERT_FILE names cannot be read: missing.pem\n"
            "next: correct SSL_CERT_FILE, or unset it",
            "fail     tls: the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read",
        )

    def test_a_proxy(self, doctor: Doctor, api: Server) -> None:
        done = doctor(server=api, HTTPS_PROXY="http://me:planted-password@proxy.example:3128", NO_PROXY="127.0.0.1")
        expect(done, 0, "ok       proxy: HTTPS_PROXY is proxy.example:3128; not for 127.0.0.1 (NO_PROXY)")
        port = refused_port()
        proxy = f"http://me:planted-password@127.0.0.1:{port}"
        done = doctor(ATLASSIAN_FORGE_BASE_URL="https://forge.invalid", ATLASSIAN_FORGE_TOKEN="planted-token", HTTPS_PROXY=proxy)
        assert "planted-password" not in done.text
        expect(
            done,
            1,
            "skipped  dns: the proxy resolves the name",
            f"fail     connection: the proxy 127.0.0.1:{port} (HTTPS_PROXY): no connection: Connection refused\n"
            "next: check the proxy and HTTPS_PROXY; or unset that, or add the host to NO_PROXY",
        )

    def test_a_loopback_address_needs_no_proxy_and_no_exception(self, doctor: Doctor, api: Server) -> None:
        done = doctor(server=api, HTTP_PROXY=f"http://127.0.0.1:{refused_port()}", NO_PROXY="[::1,fd07::/64,10.0.0.0/99")
        assert done.code == 0
        assert "ignored, because it is neither a host nor a network: [::1, 10.0.0.0/99\n" in done.stdout

    def test_certificates_that_other_programs_read(self, doctor: Doctor, api: Server) -> None:
        done = doctor(server=api, REQUESTS_CA_BUNDLE="ca.pem", SSL_CERT_FILE="")
        expect(
            done,
            0,
            "ok       certificates: those that come with certifi; SSL_CERT_FILE is not set; "
            "REQUESTS_CA_BUNDLE is set, but not read here",
        )


class TestToken:
    def test_it_expires_within_the_hour(self, doctor: Doctor, api: Server) -> None:
        api.token = jwt(exp=time.time() + 1795)
        expect(
            doctor(server=api, ATLASSIAN_FORGE_TOKEN=api.token),
            0,
            "warn     token: from ATLASSIAN_FORGE_TOKEN; it expires in 29 minutes\n"
            "next: refresh it: docs/guide/real-installation.md explains how to get a new one; a long run may take longer",
        )

    @pytest.mark.parametrize(
        ("token", "status", "words"),
        [
            (jwt(exp=1000 + 3.9 * 3600), "ok", "it expires in 3 hours"),
            (jwt(exp=1000 + 3 * 86_400), "warn", "it expires in 3 days, and a system token is valid for 4 hours at most"),
            (jwt(exp=1000 + 90), "warn", "it expires in 90 seconds"),
            (jwt(exp=1000), "fail", "it expired 0 seconds ago"),
            (jwt(exp=True), "ok", "its expiry is unknown"),
            (jwt(exp=float("inf")), "ok", "its expiry is unknown"),
            (jwt(exp=10**400), "ok", "its expiry is unknown"),
            (jwt(exp="soon"), "ok", "its expiry is unknown"),
            (jwt(iss="forge/invocation-token", exp=9e9), "fail", "it is the invocation token that came with a call"),
            ("ATATT3xFfGF0-planted", "warn", "it looks like a personal API token"),
            ("a.b.c", "ok", "its expiry is unknown"),
            ("a.W10.c", "ok", "its expiry is unknown"),
            ("a.\u00fc.c", "ok", "its expiry is unknown"),
            ("opaque", "ok", "its expiry is unknown"),
        ],
        ids=range(14),
    )
    def test_the_kind_and_the_expiry(self, token: str, status: str, words: str) -> None:
        check = check_token("token", {"authorization": f"Bearer {token}"}, expiry_of(token), "SETTING", 1000.0)
        assert (check.status, words in check.text) == (status, True), check
        assert check.text.startswith("from SETTING")
        assert token not in check.text

    def test_it_has_expired(self, doctor: Doctor, api: Server) -> None:
        expect(
            doctor(server=api, ATLASSIAN_FORGE_TOKEN=jwt(exp=time.time() - 7300)),
            1,
            "fail     token: from ATLASSIAN_FORGE_TOKEN; it expired 2 hours ago\n"
            "next: refresh it: docs/guide/real-installation.md explains how to get a new one",
            "fail     auth: HTTP 401: Authorization failed",
        )

    def test_it_is_refused(self, doctor: Doctor, server: Server) -> None:
        expect(
            doctor(server=server, ATLASSIAN_FORGE_TOKEN="planted-other"),
            1,
            "ok       token: from ATLASSIAN_FORGE_TOKEN; its expiry is unknown",
            "fail     auth: HTTP 401: Authorization failed\n"
            "next: use the system token of the app that is installed there, not a person's (docs/guide/real-installation.md)",
            "skipped  version, list, count, keys, types, paging, limit, read, unknown key, versions apart: auth failed",
        )
        assert server.counts()["GET"] == 2

    def test_a_token_that_the_server_sends_back_is_not_shown(self, doctor: Doctor, server: Server) -> None:
        server.interfere = lambda call: (403, {"message": f"no: {call.headers['authorization']}"})
        assert "fail     auth: HTTP 403: no: [redacted]" in doctor(server=server).stdout

    def test_the_clock_is_off(self, doctor: Doctor, api: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        handler = independent_server._Handler
        usual = handler.date_time_string
        monkeypatch.setattr(handler, "date_time_string", lambda self, timestamp=None: usual(self, time.time() + 14_700))
        api.token = jwt(exp=time.time() + 7200)  # by the server's clock it has expired
        expect(
            doctor(server=api, ATLASSIAN_FORGE_TOKEN=api.token),
            1,
            "warn     clock: this machine's is 4 hours behind the server's\n"
            "next: set the clock (NTP): the expiry of a token is misjudged by that much",
            "fail     token: from ATLASSIAN_FORGE_TOKEN; it expired 2 hours ago",
        )


class TestVersion:
    def only(self, server: Server, version: str) -> None:
        other = {"v1": "v2", "v2": "v1"}[version]
        server.interfere = lambda call: (404, {"message": "no such API"}) if f"/{other}/" in call.path else None

    def test_only_v2(self, doctor: Doctor, server: Server) -> None:
        self.only(server, "v2")
        expect(
            doctor(server=server),
            1,
            "ok       auth: the credentials are accepted",
            "fail     version: v1 does not respond (HTTP 404: no such API), v2 does\n"
            "next: set atlassian-forge:apiVersion (or ATLASSIAN_FORGE_API_VERSION) to v2: that replaces every module of a stack",
            "skipped  list, count, keys, types, paging, limit, read, unknown key, versions apart: version failed",
        )
        expect(
            doctor("--api-version", "v2", server=server),
            0,
            f"ok       settings: {server.base_url} (ATLASSIAN_FORGE_BASE_URL), v2 (--api-version)",
            "ok       version: v2 responds; v1 does not (HTTP 404: no such API)",
        )

    def test_only_v1(self, doctor: Doctor, server: Server) -> None:
        self.only(server, "v1")
        done = doctor(server=server)
        expect(
            done,
            0,
            "ok       version: v1 responds; v2 does not (HTTP 404: no such API)",
            "skipped  versions apart: only one version of the API responds",
        )
        done = doctor(server=server, ATLASSIAN_FORGE_API_VERSION="v2")
        assert "  fail     version: v2 does not respond (HTTP 404: no such API), v1 does\n" in done.stdout

    def test_a_login_page(self, doctor: Doctor, server: Server) -> None:
        server.interfere = lambda call: (200, b"<html><title>Log in</title></html>")
        expect(
            doctor(server=server),
            1,
            "skipped  auth: no response was that of the API",
            "fail     version: no version of the API responds: HTTP 200: the response is not JSON",
        )

    def test_a_throttled_server_is_not_reported_as_a_violation(self, doctor: Doctor, api: Server) -> None:
        busy = 429, {"message": "Too many requests"}, {"retry-after": "300"}
        api.interfere = lambda call: busy if len(api.calls) > 1 else None
        expect(
            doctor(server=api),
            0,
            "ok       version: v1 responds; v2 could not be checked (HTTP 429: Too many requests)",
            "skipped  limit: it could not be checked (HTTP 429: Too many requests)",
            "skipped  unknown key: it could not be checked (HTTP 429: Too many requests)",
        )
        api.interfere = lambda call: busy if "/v1/" in call.path else None
        expect(
            doctor(server=api),
            1,
            "fail     version: v1 could not be checked: HTTP 429: Too many requests\nnext: run the command again in 300 seconds",
        )
