"""examples/remote-broker/fetch_token.py as a pipeline runs it: a separate process with the pipeline's variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509

from testing.project import Outcome
from tests.support.broker import CERTIFICATE, FOLDER, Broker, BrokerFiles, run_broker
from tests.support.certificates import Authority
from tests.support.issuers import ACME, AUDIENCE, bitbucket_claims, github_claims, signed, system_token
from tests.support.raw_server import (
    Behaviour,
    RawServer,
    Seen,
    closing,
    cutting,
    dripping_body,
    pouring,
    refused_port,
    responding,
    serving,
    silent,
)

SECRET = "request-token-5b1c"


def fetch_token(broker: str, *args: str, installation: str = "acme", **environment: str) -> Outcome:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    completed = subprocess.run(
        [sys.executable, "-I", "-S", str(FOLDER / "fetch_token.py"), "--broker", broker, "--installation", installation, *args],
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in completed.stderr
    for value in environment.values():
        assert value.startswith("http") or value not in completed.stderr
    assert "eyJ" not in completed.stderr
    return Outcome(completed.returncode, completed.stdout, completed.stderr)


def test_on_a_loopback_address_the_identity_token_is_sent_to_no_proxy(broker: Broker) -> None:
    token = system_token()
    broker.deliver(token)
    with serving(responding(200, {"token": "of the proxy"})) as proxy:
        identity = {"BITBUCKET_STEP_OIDC_TOKEN": signed(bitbucket_claims())}
        options = ("--oidc-token-variable", "BITBUCKET_STEP_OIDC_TOKEN")
        done = fetch_token(broker.base_url, *options, **identity, HTTP_PROXY=proxy.url, http_proxy=proxy.url)
        assert json.loads(done.stdout)["token"] == token, done.stderr
        assert proxy.seen == []


def error_line(outcome: Outcome) -> str:
    """The one line on stderr."""
    assert (outcome.code, outcome.stdout) == (1, "")
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("fetch_token.py: ")
    return line.removeprefix("fetch_token.py: ")


def issue_identity(server: RawServer, connection: Any, seen: Seen) -> bool:
    """A fake GitHub: an identity token for the requested audience, if the caller has the job's secret."""
    assert (seen.method, seen.headers["authorization"]) == ("GET", f"bearer {SECRET}")
    query = parse_qs(urlsplit(seen.target).query)
    assert query["api-version"] == ["2.0"]
    (audience,) = query["audience"]
    return responding(200, {"count": 1, "value": signed(github_claims(aud=audience))})(server, connection, seen)


@contextmanager
def github(*script: Behaviour) -> Iterator[dict[str, str]]:
    """The variables of a GitHub job."""
    with serving(*(script or (issue_identity,))) as server:
        url = f"{server.url}/token?api-version=2.0"
        yield {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET}


def test_a_github_job_gets_the_token_in_the_form_that_the_provider_reads(broker: Broker) -> None:
    token = system_token()
    broker.deliver(token)
    with github() as variables:
        done = fetch_token(broker.base_url, "--audience", AUDIENCE, **variables)
    assert (done.code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["token"], found["installationId"]) == (token, ACME)
    assert set(found) == {"token", "installationId", "expiresAt"}
    assert found["expiresAt"].endswith("Z")


def test_the_default_audience_is_the_broker(broker: Broker) -> None:
    with github() as variables:
        message = error_line(fetch_token(broker.base_url, **variables))
    assert message == "the broker responded with 401: the identity is meant for another audience"


def test_an_identity_token_is_read_from_a_variable_or_a_file(broker: Broker, tmp_path: Path) -> None:
    token, identity = system_token(), signed(bitbucket_claims())
    broker.deliver(token)
    (tmp_path / "identity").write_text(identity + "\n", encoding="ascii")
    by_variable = fetch_token(
        broker.base_url, "--oidc-token-variable", "BITBUCKET_STEP_OIDC_TOKEN", BITBUCKET_STEP_OIDC_TOKEN=identity
    )
    by_file = fetch_token(f"{broker.base_url}/", "--oidc-token-file", str(tmp_path / "identity"))
    assert json.loads(by_variable.stdout)["token"] == json.loads(by_file.stdout)["token"] == token


def test_a_client_certificate_authenticates(files: BrokerFiles, tmp_path: Path) -> None:
    token, authority = system_token(), Authority(tmp_path)
    with run_broker(files) as broker:
        broker.deliver(token)
    certificate = authority.client(x509.UniformResourceIdentifier(CERTIFICATE))
    with run_broker(files, CLIENT_CA=str(authority.pem), **authority.server()) as broker:
        args = ["--client-certificate", certificate, "--ca", str(authority.pem)]
        assert json.loads(fetch_token(broker.base_url, *args).stdout)["token"] == token
        assert "CERTIFICATE_VERIFY_FAILED" in error_line(fetch_token(broker.base_url, *args[:2]))
        message = error_line(fetch_token(broker.base_url, "--client-certificate", str(tmp_path / "none.pem"), *args[2:]))
        assert "No such file or directory" in message


def test_a_refusal_shows_the_broker_s_message(broker: Broker) -> None:
    identity = signed(bitbucket_claims(repositoryUuid="{fork}"))
    message = error_line(fetch_token(broker.base_url, "--oidc-token-variable", "IDENTITY", IDENTITY=identity))
    assert message == "the broker responded with 403: no rule of the policy allows this identity to fetch that token"
    unknown = fetch_token(broker.base_url, "--oidc-token-variable", "IDENTITY", installation="../x", IDENTITY=identity)
    assert error_line(unknown).startswith("the broker responded with 404")


@pytest.mark.parametrize(
    ("args", "environment", "message"),
    [
        ([], {}, "no identity: a GitHub job needs `permissions: id-token: write`"),
        (["--oidc-token-variable", "IDENTITY"], {}, "the variable IDENTITY contains no token"),
        (["--oidc-token-variable", "IDENTITY"], {"IDENTITY": "a\nb"}, "the variable IDENTITY contains no token"),
        (["--oidc-token-file", "/nowhere/identity"], {}, "/nowhere/identity: No such file or directory"),
        (["--oidc-token-file", sys.executable], {}, "the file of --oidc-token-file contains no token"),
        (
            [],
            {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://github.test/?x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET},
            "ACTIONS_ID_TOKEN_REQUEST_URL must be https://",
        ),
    ],
)
def test_without_an_identity_no_request_is_sent(args: list[str], environment: dict[str, str], message: str) -> None:
    with serving(responding(500)) as server:
        assert message in error_line(fetch_token(server.url, *args, **environment))
        assert server.seen == []


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (responding(200, b"<html>"), "sent a response that is not JSON"),
        (responding(200, []), "sent JSON that is not an object"),
        (responding(200, {"token": "x"}), "response has no token, expiresAt and installationId"),
        (responding(302, b"", {"location": "http://127.0.0.1:1/"}), "responded with 302"),
        (responding(503, {"message": "the issuer's keys cannot be read: try again"}), "responded with 503: the issuer's keys"),
        (responding(500, {"message": "you sent identity-4f2d"}), "responded with 500"),
        (responding(500, {"message": "two\nlines"}), "responded with 500"),
        (closing(), "cannot be reached, or closed the connection: RemoteDisconnected"),
        (cutting(), "the broker "),
        (pouring(1024 * 1024), "sent a response that is not JSON"),
        (responding(200, b"[" * 60_000), "sent a response that is not JSON"),
        (responding(500, b"[" * 60_000), "responded with 500"),
        (responding(500, b"", {"transfer-encoding": "chunked"}), "responded with 500"),
    ],
)
def test_an_invalid_response_is_one_error_line(behaviour: Behaviour, message: str) -> None:
    with serving(behaviour) as server:
        outcome = fetch_token(server.url, "--oidc-token-variable", "IDENTITY", IDENTITY="identity-4f2d")
    assert message in error_line(outcome)


@pytest.mark.parametrize("behaviour", [silent(), dripping_body()])
def test_the_timeout_covers_the_whole_command(behaviour: Behaviour) -> None:
    began = time.monotonic()
    with serving(behaviour) as server:
        args = ["--oidc-token-variable", "IDENTITY", "--timeout", "1.5"]
        assert error_line(fetch_token(server.url, *args, IDENTITY="identity-4f2d")) == "no response within 1.5 seconds"
    assert time.monotonic() - began < 20
    with github(silent()) as variables:
        assert error_line(fetch_token(AUDIENCE, "--timeout", "1.5", **variables)) == "no response within 1.5 seconds"


def test_an_unreachable_broker_is_named() -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    assert "the broker cannot be reached" in error_line(fetch_token(url, "--oidc-token-variable", "IDENTITY", IDENTITY="x"))


def test_a_refusal_by_github_is_shown(broker: Broker) -> None:
    with github(responding(403, {"message": "no permission"})) as variables:
        assert error_line(fetch_token(broker.base_url, **variables)) == "GitHub responded with 403: no permission"
    with github(responding(200, {"count": 0})) as variables:
        assert error_line(fetch_token(broker.base_url, **variables)) == "GitHub's response contains no token"


@pytest.mark.parametrize(
    ("broker", "args"), [("http://broker.test", []), ("https://broker.test", ["--timeout", "0"]), ("ftp://broker.test", [])]
)
def test_invalid_arguments_are_exit_code_2(broker: str, args: list[str]) -> None:
    outcome = fetch_token(broker, *args)
    assert (outcome.code, outcome.stdout) == (2, "")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_a_loopback_address_is_asked_without_a_proxy(name: str, tmp_path: Path) -> None:
    identity = tmp_path / "identity"
    identity.write_text("planted-identity")
    with serving(responding(403, {"message": "no"})) as broker, serving(responding(500)) as proxy:
        done = fetch_token(f"http://127.0.0.1:{broker.port}", "--oidc-token-file", str(identity), **{name: proxy.url})
        assert (len(broker.seen), proxy.connections) == (1, 0)
    assert error_line(done) == "the broker responded with 403: no"
