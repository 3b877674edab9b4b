"""Forge brings tokens to examples/remote-broker: which are kept, and which are refused."""

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

from tests.support.broker import Broker, Place, running
from tests.support.issuers import (
    ACME,
    APP,
    GLOBEX,
    fit_claims,
    github_claims,
    in_app,
    private_key,
    signed,
    system_token,
    without,
)


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def confused() -> str:
    """HS256 with the issuer's public key as the secret: what a careless verifier takes for the issuer's own signature."""
    key: Any = private_key("rsa-1")
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rsa-1'})}.{segment(fit_claims())}"
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def changed() -> str:
    """Somebody else's installation under Forge's signature."""
    header, _, signature = signed(fit_claims()).split(".")
    return f"{header}.{segment(fit_claims(GLOBEX))}.{signature}"


def past(**ages: int) -> dict[str, Any]:
    now = int(time.time())
    return {**fit_claims(), **{name: now - seconds for name, seconds in ages.items()}}


def unsigned() -> str:
    return f"{segment({'alg': 'none', 'typ': 'JWT', 'kid': 'rsa-1'})}.{segment(fit_claims())}."


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "another audience": (lambda: signed(fit_claims(aud=APP.replace("77", "88"))), "meant for another audience"),
    "one audience more": (lambda: signed(fit_claims(aud=[APP, "https://elsewhere.test"])), "meant for other audiences, too"),
    "another issuer": (lambda: signed(fit_claims(iss="https://forge.test")), "of another issuer"),
    "expired": (lambda: signed(past(exp=30, iat=55, nbf=55)), "expired"),
    "not valid yet": (lambda: signed(past(iat=-60, nbf=-60)), "not valid yet: the clocks differ"),
    "no end": (lambda: signed(without(fit_claims(), "exp")), "without the claim exp"),
    "no audience": (lambda: signed(without(fit_claims(), "aud")), "without the claim aud"),
    "no signature": (unsigned, "an algorithm that is not allowed"),
    "the public key as a secret": (confused, "an algorithm that is not allowed"),
    "a published key of another algorithm": (lambda: signed(fit_claims(), "rsa512-1"), "an algorithm that is not allowed"),
    "another key": (lambda: signed(fit_claims(), "rsa-other"), "a key that the issuer does not publish"),
    "another key under a known name": (
        lambda: signed(fit_claims(), "rsa-other", kid="rsa-1"),
        "not signed with the issuer's key",
    ),
    "no name of a key": (lambda: signed(fit_claims(), "rsa-other", kid=None), "a key that the issuer does not publish"),
    "a key of its own": (
        lambda: signed(fit_claims(), "rsa-other", kid="x", jku="http://127.0.0.1:1/keys"),
        "a key that the issuer does not publish",
    ),
    "changed claims": (changed, "not signed with the issuer's key"),
    "an identity of a CI": (lambda: signed(github_claims()), "of another issuer"),
    "another app": (lambda: signed(in_app(id="ari:cloud:ecosystem::app/other")), "of another app"),
    "a user's": (lambda: signed(fit_claims(principal="655362:612c5d42")), "made for a user, not for a trigger"),
    "another module's": (
        lambda: signed(in_app(module={"type": "core:endpoint", "key": "page"})),
        "made for a module that is not",
    ),
    "no module's": (lambda: signed(in_app(module=None)), "made for a module that is not"),
    "no installation": (lambda: signed(in_app(installationId=None)), "without an installation"),
    "not a token": (lambda: "three.little.words", "not a signed JSON Web Token"),
    "not even that": (lambda: "word", "not a signed JSON Web Token"),
    "too long": (lambda: signed(fit_claims(context={"padding": "x" * 20_000})), "not a signed JSON Web Token"),
    "an array": (lambda: signed(fit_claims()).replace("eyJ", "W3s", 1), "not a signed JSON Web Token"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_call_that_forge_does_not_vouch_for_is_refused_and_logged(broker: Broker, case: str) -> None:
    make, reason = REFUSED[case]
    kept = system_token()
    assert broker.deliver(kept).status_code == 204

    refused = broker.deliver(system_token(3.5 * 3600), make())

    assert refused.status_code == 401
    assert refused.json()["code"] == "INVOCATION_TOKEN"
    assert reason in refused.json()["message"]
    assert reason in broker.log("delivery-refused")[-1]["reason"]
    assert broker.fetch(signed(github_claims())).json()["token"] == kept


@pytest.mark.parametrize("key", ["rsa-1", "ec-1"])
@pytest.mark.parametrize("module", ["broker-endpoint", "broker-hourly", "broker-lifecycle"])
def test_a_call_of_our_triggers_is_kept(fresh: Place, key: str, module: str) -> None:
    token = system_token()
    with running(fresh) as broker:
        call = in_app(module={"type": "core:trigger", "key": module})
        assert broker.deliver(token, signed(call, key)).status_code == 204
        assert broker.fetch(signed(github_claims())).json()["token"] == token
        (line,) = broker.log("delivery-stored")
        assert (line["installation"], line["module"]) == ("acme", module)


def test_an_older_token_does_not_replace_a_newer_one(fresh: Place) -> None:
    older, newer = system_token(2 * 3600), system_token(3 * 3600)
    with running(fresh) as broker:
        for token, event in ((older, "stored"), (newer, "stored"), (older, "older")):
            assert broker.deliver(token).status_code == 204
            assert broker.log(f"delivery-{event}")
            assert broker.fetch(signed(github_claims())).json()["token"] == (
                older if token is older and event == "stored" else newer
            )


def respelt(token: str) -> str:
    """Another signature that holds: ECDSA has two for each, (r, s) and (r, n - s)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
    text, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    other = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    return f"{text}.{base64.urlsafe_b64encode(other).rstrip(b'=').decode()}"


def test_a_call_counts_once(fresh: Place) -> None:
    fit, first = signed(fit_claims(), "ec-1"), system_token(2 * 3600)
    with running(fresh) as broker:
        for again in (fit, fit, respelt(fit)):
            assert broker.deliver(first if again is fit else system_token(), again).status_code == 204
        assert broker.deliver(system_token(), fit).status_code == 204
        assert len(broker.log("delivery-repeated")) == 3
        assert broker.fetch(signed(github_claims())).json()["token"] == first


def test_an_installation_that_is_not_in_the_policy_is_not_kept_and_named_in_the_log(broker: Broker) -> None:
    other = ACME.replace("75", "76")
    assert broker.deliver(system_token(), signed(fit_claims(other))).status_code == 204
    assert broker.log("delivery-ignored")[-1]["installation_id"] == other
    assert other.encode() not in broker.place.database.read_bytes()


UNUSABLE: dict[str, tuple[Callable[[], str], str]] = {
    "none": (lambda: "", "no system token: see auth.appSystemToken and the scopes"),
    "opaque": (lambda: "opaque", "not a signed JSON Web Token"),
    "expired": (lambda: system_token(-5), "expired"),
    "too long a life": (lambda: system_token(5 * 3600), "said to live for more than four hours"),
    "no end": (lambda: signed({"iat": 1}, "rsa-atlassian"), "without the claim exp"),
    "an end that is no number": (lambda: signed({"exp": True}, "rsa-atlassian"), "without the claim exp"),
    "an end that is infinite": (lambda: signed({"exp": 1e400}, "rsa-atlassian"), "said to live for more than four hours"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_system_token_that_cannot_be_one_is_refused(broker: Broker, case: str) -> None:
    make, reason = UNUSABLE[case]
    token = make()
    refused = broker.deliver(token)
    assert (refused.status_code, refused.json()["code"]) == (422, "SYSTEM_TOKEN")
    assert reason in refused.json()["message"]
    assert reason in broker.log("delivery-refused")[-1]["reason"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"keys": []}'])
def test_keys_that_cannot_be_read_are_not_the_callers_fault(fresh: Place, body: bytes) -> None:
    fresh.keys.body = body
    try:
        with running(fresh) as broker:
            assert (broker.deliver(system_token()).status_code, broker.fetch(signed(github_claims())).status_code) == (503, 503)
            fresh.keys.body = None
            assert broker.deliver(system_token()).status_code == 204
    finally:
        fresh.keys.body = None


def test_a_new_key_of_forges_is_read_and_unknown_ones_do_not_hammer_its_server(fresh: Place) -> None:
    with running(fresh) as broker:
        before = fresh.keys.fetches.count("/forge")
        for _ in range(20):
            assert broker.deliver(system_token(), signed(fit_claims(), "rsa-other")).status_code == 401
        assert fresh.keys.fetches.count("/forge") - before <= 2


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer"}])
def test_a_call_without_an_invocation_token_is_refused(broker: Broker, headers: dict[str, str]) -> None:
    refused = broker.client.post("/v1/forge/token", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "INVOCATION_TOKEN")
