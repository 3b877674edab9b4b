"""examples/remote-broker/fetch_token.py as a pipeline runs it: a process of its own, with the pipeline's variables."""

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
from tests.support.broker import CERTIFICATE, FOLDER, Broker, Place, running
from tests.support.certificates import Authority
from tests.support.issuers import ACME, AUDIENCE, bitbucket_claims, github_claims, signed, system_token
from tests.support.rawserver import (
    Behaviour,
    RawServer,
    Seen,
    answering,
    closing,
    cutting,
    dripping_body,
    pouring,
    refused_port,
    serving,
    silent,
)

SECRET = "request-token-5b1c"


def fetch_token(broker: str, *args: str, installation: str = "acme", **environment: str) -> Outcome:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(FOLDER / "fetch_token.py"), "--broker", broker, "--installation", installation, *args],
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    for value in environment.values():
        assert value.startswith("http") or value not in done.stderr
    assert "eyJ" not in done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


def failure(outcome: Outcome) -> str:
    """The one line on stderr."""
    assert (outcome.code, outcome.stdout) == (1, "")
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("fetch_token.py: ")
    return line.removeprefix("fetch_token.py: ")


def signing(server: RawServer, connection: Any, seen: Seen) -> bool:
    """GitHub: an identity for the audience that is asked for, to the job that holds the secret."""
    assert (seen.method, seen.headers["authorization"]) == ("GET", f"bearer {SECRET}")
    query = parse_qs(urlsplit(seen.target).query)
    assert query["api-version"] == ["2.0"]
    (audience,) = query["audience"]
    return answering(200, {"count": 1, "value": signed(github_claims(aud=audience))})(server, connection, seen)


@contextmanager
def github(*script: Behaviour) -> Iterator[dict[str, str]]:
    """The variables of a GitHub job."""
    with serving(*(script or (signing,))) as server:
        url = f"{server.url}/token?api-version=2.0"
        yield {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET}


def test_a_github_job_gets_the_token_as_the_provider_takes_it(broker: Broker) -> None:
    token = system_token()
    broker.deliver(token)
    with github() as variables:
        done = fetch_token(broker.base_url, "--audience", AUDIENCE, **variables)
    assert (done.code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["token"], found["installationId"]) == (token, ACME)
    assert set(found) == {"token", "installationId", "expiresAt"}
    assert found["expiresAt"].endswith("Z")


def test_the_audience_is_the_broker_unless_another_is_named(broker: Broker) -> None:
    with github() as variables:
        said = failure(fetch_token(broker.base_url, **variables))
    assert said == "the broker answered 401: the identity is meant for another audience"


def test_an_identity_may_come_from_a_variable_or_a_file(broker: Broker, tmp_path: Path) -> None:
    token, identity = system_token(), signed(bitbucket_claims())
    broker.deliver(token)
    (tmp_path / "identity").write_text(identity + "\n", encoding="ascii")
    by_variable = fetch_token(
        broker.base_url, "--oidc-token-variable", "BITBUCKET_STEP_OIDC_TOKEN", BITBUCKET_STEP_OIDC_TOKEN=identity
    )
    by_file = fetch_token(f"{broker.base_url}/", "--oidc-token-file", str(tmp_path / "identity"))
    assert json.loads(by_variable.stdout)["token"] == json.loads(by_file.stdout)["token"] == token


def test_a_client_certificate_will_do(fresh: Place, tmp_path: Path) -> None:
    token, authority = system_token(), Authority(tmp_path)
    with running(fresh) as broker:
        broker.deliver(token)
    certificate = authority.client(x509.UniformResourceIdentifier(CERTIFICATE))
    with running(fresh, CLIENT_CA=str(authority.pem), **authority.server()) as broker:
        args = ["--client-certificate", certificate, "--ca", str(authority.pem)]
        assert json.loads(fetch_token(broker.base_url, *args).stdout)["token"] == token
        assert "CERTIFICATE_VERIFY_FAILED" in failure(fetch_token(broker.base_url, *args[:2]))
        said = failure(fetch_token(broker.base_url, "--client-certificate", str(tmp_path / "none.pem"), *args[2:]))
        assert "No such file or directory" in said


def test_what_the_broker_refuses_is_said_in_its_words(broker: Broker) -> None:
    identity = signed(bitbucket_claims(repositoryUuid="{fork}"))
    said = failure(fetch_token(broker.base_url, "--oidc-token-variable", "IDENTITY", IDENTITY=identity))
    assert said == "the broker answered 403: no rule of the policy admits this identity to an installation of that name"
    strange = fetch_token(broker.base_url, "--oidc-token-variable", "IDENTITY", installation="../x", IDENTITY=identity)
    assert failure(strange).startswith("the broker answered 404")


@pytest.mark.parametrize(
    ("args", "environment", "said"),
    [
        ([], {}, "no identity: a GitHub job needs `permissions: id-token: write`"),
        (["--oidc-token-variable", "IDENTITY"], {}, "the variable IDENTITY holds no token"),
        (["--oidc-token-variable", "IDENTITY"], {"IDENTITY": "a\nb"}, "the variable IDENTITY holds no token"),
        (["--oidc-token-file", "/nowhere/identity"], {}, "/nowhere/identity: No such file or directory"),
        (["--oidc-token-file", sys.executable], {}, "the file of --oidc-token-file holds no token"),
        (
            [],
            {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://github.test/?x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET},
            "ACTIONS_ID_TOKEN_REQUEST_URL has to be https://",
        ),
    ],
)
def test_without_an_identity_nothing_is_asked(args: list[str], environment: dict[str, str], said: str) -> None:
    with serving(answering(500)) as nobody:
        assert said in failure(fetch_token(nobody.url, *args, **environment))
        assert nobody.seen == []


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (answering(200, b"<html>"), "answered something that is not JSON"),
        (answering(200, []), "answered something else than an object"),
        (answering(200, {"token": "x"}), "answered without token, expiresAt and installationId"),
        (answering(302, b"", {"location": "http://127.0.0.1:1/"}), "answered 302"),
        (answering(503, {"message": "the issuer's keys cannot be read: try again"}), "answered 503: the issuer's keys"),
        (answering(500, {"message": "you sent identity-4f2d"}), "answered 500"),
        (answering(500, {"message": "two\nlines"}), "answered 500"),
        (closing(), "cannot be reached, or broke off: RemoteDisconnected"),
        (cutting(), "the broker "),
        (pouring(1024 * 1024), "answered something that is not JSON"),
    ],
)
def test_a_broker_that_answers_nonsense_is_one_line(behaviour: Behaviour, said: str) -> None:
    with serving(behaviour) as server:
        outcome = fetch_token(server.url, "--oidc-token-variable", "IDENTITY", IDENTITY="identity-4f2d")
    assert said in failure(outcome)


@pytest.mark.parametrize("behaviour", [silent(), dripping_body()])
def test_all_of_it_has_one_limit_of_time(behaviour: Behaviour) -> None:
    began = time.monotonic()
    with serving(behaviour) as server:
        args = ["--oidc-token-variable", "IDENTITY", "--timeout", "1.5"]
        assert failure(fetch_token(server.url, *args, IDENTITY="identity-4f2d")) == "no response within 1.5 seconds"
    assert time.monotonic() - began < 20
    with github(silent()) as variables:
        assert failure(fetch_token(AUDIENCE, "--timeout", "1.5", **variables)) == "no response within 1.5 seconds"


def test_a_broker_that_is_not_there_is_named() -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    assert "the broker cannot be reached" in failure(fetch_token(url, "--oidc-token-variable", "IDENTITY", IDENTITY="x"))


def test_what_github_refuses_is_said(broker: Broker) -> None:
    with github(answering(403, {"message": "no permission"})) as variables:
        assert failure(fetch_token(broker.base_url, **variables)) == "GitHub answered 403: no permission"
    with github(answering(200, {"count": 0})) as variables:
        assert failure(fetch_token(broker.base_url, **variables)) == "GitHub's response holds no token"


@pytest.mark.parametrize(
    ("broker", "args"), [("http://broker.test", []), ("https://broker.test", ["--timeout", "0"]), ("ftp://broker.test", [])]
)
def test_a_wrong_use_is_exit_code_2(broker: str, args: list[str]) -> None:
    outcome = fetch_token(broker, *args)
    assert (outcome.code, outcome.stdout) == (2, "")
