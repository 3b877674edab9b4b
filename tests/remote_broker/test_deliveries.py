"""Deliveries of tokens by Forge to examples/remote-broker: which are stored, and which are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.broker import Broker, BrokerFiles, run_broker
from tests.support.issuers import (
    ACME,
    APP,
    GLOBEX,
    github_claims,
    invocation_claims,
    invocation_claims_with_app,
    private_key,
    signed,
    system_token,
    without,
)


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def key_confusion() -> str:
    """HS256 with the issuer's public key as the secret, which a careless verifier accepts (algorithm confusion)."""
    key: Any = private_key("rsa-1")
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rsa-1'})}.{segment(invocation_claims())}"
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def other_installation() -> str:
    """Another installation under a signature by Forge."""
    header, _, signature = signed(invocation_claims()).split(".")
    return f"{header}.{segment(invocation_claims(GLOBEX))}.{signature}"


def claims_aged(**ages: int) -> dict[str, Any]:
    now = int(time.time())
    return {**invocation_claims(), **{name: now - seconds for name, seconds in ages.items()}}


def unsigned() -> str:
    return f"{segment({'alg': 'none', 'typ': 'JWT', 'kid': 'rsa-1'})}.{segment(invocation_claims())}."


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "another audience": (lambda: signed(invocation_claims(aud=APP.replace("77", "88"))), "meant for another audience"),
    "one audience more": (
        lambda: signed(invocation_claims(aud=[APP, "https://elsewhere.test"])),
        "meant for other audiences, too",
    ),
    "another issuer": (lambda: signed(invocation_claims(iss="https://forge.test")), "of another issuer"),
    "expired": (lambda: signed(claims_aged(exp=30, iat=55, nbf=55)), "expired"),
    "not valid yet": (lambda: signed(claims_aged(iat=-60, nbf=-60)), "not valid yet: the clocks differ"),
    "no expiry": (lambda: signed(without(invocation_claims(), "exp")), "without the claim exp"),
    "no audience": (lambda: signed(without(invocation_claims(), "aud")), "without the claim aud"),
    "no signature": (unsigned, "an algorithm that is not allowed"),
    "the public key as a secret": (key_confusion, "an algorithm that is not allowed"),
    "a published key of another algorithm": (lambda: signed(invocation_claims(), "rsa512-1"), "an algorithm that is not allowed"),
    "another key": (lambda: signed(invocation_claims(), "rsa-other"), "a key that the issuer does not publish"),
    "another key under a known key id": (
        lambda: signed(invocation_claims(), "rsa-other", kid="rsa-1"),
        "not signed with the issuer's key",
    ),
    "no key id": (lambda: signed(invocation_claims(), "rsa-other", kid=None), "a key that the issuer does not publish"),
    "a key from its own jku": (
        lambda: signed(invocation_claims(), "rsa-other", kid="x", jku="http://127.0.0.1:1/keys"),
        "a key that the issuer does not publish",
    ),
    "changed claims": (other_installation, "not signed with the issuer's key"),
    "an identity of a CI": (lambda: signed(github_claims()), "of another issuer"),
    "another app": (lambda: signed(invocation_claims_with_app(id="ari:cloud:ecosystem::app/other")), "of another app"),
    "a user's call": (lambda: signed(invocation_claims(principal="655362:612c5d42")), "made for a user, not for a trigger"),
    "another module": (
        lambda: signed(invocation_claims_with_app(module={"type": "core:endpoint", "key": "page"})),
        "made for a module that is not",
    ),
    "no module": (lambda: signed(invocation_claims_with_app(module=None)), "made for a module that is not"),
    "no installation": (lambda: signed(invocation_claims_with_app(installationId=None)), "without an installation"),
    "not a token": (lambda: "three.little.words", "not a signed JSON Web Token"),
    "not even three parts": (lambda: "word", "not a signed JSON Web Token"),
    "too long": (lambda: signed(invocation_claims(context={"padding": "x" * 20_000})), "not a signed JSON Web Token"),
    "a header that is an array": (lambda: signed(invocation_claims()).replace("eyJ", "W3s", 1), "not a signed JSON Web Token"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_call_with_an_invalid_invocation_token_is_refused_and_logged(broker: Broker, case: str) -> None:
    make, reason = REFUSED[case]
    stored = system_token()
    assert broker.deliver(stored).status_code == 204

    refused = broker.deliver(system_token(3.5 * 3600), make())

    assert refused.status_code == 401
    assert refused.json()["code"] == "INVOCATION_TOKEN"
    assert reason in refused.json()["message"]
    assert reason in broker.log("delivery-refused")[-1]["reason"]
    assert broker.fetch(signed(github_claims())).json()["token"] == stored


@pytest.mark.parametrize("key", ["rsa-1", "ec-1"])
@pytest.mark.parametrize("module", ["broker-endpoint", "broker-hourly", "broker-lifecycle"])
def test_a_call_of_a_configured_trigger_is_stored(files: BrokerFiles, key: str, module: str) -> None:
    token = system_token()
    with run_broker(files) as broker:
        call = invocation_claims_with_app(module={"type": "core:trigger", "key": module})
        assert broker.deliver(token, signed(call, key)).status_code == 204
        assert broker.fetch(signed(github_claims())).json()["token"] == token
        (line,) = broker.log("delivery-stored")
        assert (line["installation"], line["module"]) == ("acme", module)


def test_an_older_token_does_not_replace_a_newer_one(files: BrokerFiles) -> None:
    older, newer = system_token(2 * 3600), system_token(3 * 3600)
    with run_broker(files) as broker:
        for token, event in ((older, "stored"), (newer, "stored"), (older, "older")):
            assert broker.deliver(token).status_code == 204
            assert broker.log(f"delivery-{event}")
            assert broker.fetch(signed(github_claims())).json()["token"] == (
                older if token is older and event == "stored" else newer
            )


def with_other_signature(token: str) -> str:
    """The token with another valid signature: ECDSA has two for each, (r, s) and (r, n - s)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
    text, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    other = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    return f"{text}.{base64.urlsafe_b64encode(other).rstrip(b'=').decode()}"


def test_a_replayed_call_is_ignored(files: BrokerFiles) -> None:
    invocation, first = signed(invocation_claims(), "ec-1"), system_token(2 * 3600)
    with run_broker(files) as broker:
        for call in (invocation, invocation, with_other_signature(invocation)):
            assert broker.deliver(first if call is invocation else system_token(), call).status_code == 204
        assert broker.deliver(system_token(), invocation).status_code == 204
        assert len(broker.log("delivery-replayed")) == 3
        assert broker.fetch(signed(github_claims())).json()["token"] == first


def test_an_installation_outside_the_policy_is_not_stored_but_logged(broker: Broker) -> None:
    other = ACME.replace("75", "76")
    assert broker.deliver(system_token(), signed(invocation_claims(other))).status_code == 204
    assert broker.log("delivery-ignored")[-1]["installation_id"] == other
    assert other.encode() not in broker.files.database.read_bytes()


INVALID_SYSTEM_TOKENS: dict[str, tuple[Callable[[], str], str]] = {
    "none": (lambda: "", "no system token: see auth.appSystemToken and the scopes"),
    "opaque": (lambda: "opaque", "not a signed JSON Web Token"),
    "expired": (lambda: system_token(-5), "expired"),
    "too long a lifetime": (lambda: system_token(5 * 3600), "valid for more than four hours"),
    "no expiry": (lambda: signed({"iat": 1}, "rsa-atlassian"), "without the claim exp"),
    "an expiry that is no number": (lambda: signed({"exp": True}, "rsa-atlassian"), "without the claim exp"),
    "an infinite expiry": (lambda: signed({"exp": 1e400}, "rsa-atlassian"), "valid for more than four hours"),
}


@pytest.mark.parametrize("case", INVALID_SYSTEM_TOKENS)
def test_an_invalid_system_token_is_refused(broker: Broker, case: str) -> None:
    make, reason = INVALID_SYSTEM_TOKENS[case]
    token = make()
    refused = broker.deliver(token)
    assert (refused.status_code, refused.json()["code"]) == (422, "SYSTEM_TOKEN")
    assert reason in refused.json()["message"]
    assert reason in broker.log("delivery-refused")[-1]["reason"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"keys": []}'])
def test_unreadable_keys_are_a_server_error(files: BrokerFiles, body: bytes) -> None:
    files.jwks.body = body
    try:
        with run_broker(files) as broker:
            assert (broker.deliver(system_token()).status_code, broker.fetch(signed(github_claims())).status_code) == (503, 503)
            files.jwks.body = None
            assert broker.deliver(system_token()).status_code == 204
    finally:
        files.jwks.body = None


def test_unknown_keys_are_looked_up_at_a_limited_rate(files: BrokerFiles) -> None:
    with run_broker(files) as broker:
        before = files.jwks.fetches.count("/forge")
        for _ in range(20):
            assert broker.deliver(system_token(), signed(invocation_claims(), "rsa-other")).status_code == 401
        assert files.jwks.fetches.count("/forge") - before <= 2


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer"}])
def test_a_call_without_an_invocation_token_is_refused(broker: Broker, headers: dict[str, str]) -> None:
    refused = broker.client.post("/v1/forge/token", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "INVOCATION_TOKEN")
