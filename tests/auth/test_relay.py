from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.api.errors import InvalidResponse, Outcome, Unauthorized, error_from
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.auth.relay import Relay, Signature
from pulumi_atlassian_forge.redaction import redact

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "examples/web-trigger-relay/test/vectors.json").read_text("utf-8")
)
KEY = "planted-key-of-more-than-32-characters"
GET = Request("GET", "/forge/installation/v1/dynamic/module/?limit=100")


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_it_signs_as_the_relay_expects(vector: dict[str, Any]) -> None:
    body = vector["body"]
    request = Request(vector["method"], vector["path"], body=None if body is None else body.encode())
    signature = Signature(lambda: vector["key"], lambda: float(vector["timestamp"]), lambda: vector["nonce"])
    headers = signature.headers(request)
    assert headers["x-relay-signature"] == vector["signature"]
    assert (headers["x-relay-timestamp"], headers["x-relay-nonce"]) == (str(vector["timestamp"]), vector["nonce"])


def test_a_nonce_is_used_once() -> None:
    signature = Signature(lambda: KEY)
    assert signature.headers(GET)["x-relay-nonce"] != signature.headers(GET)["x-relay-nonce"]


def test_a_key_that_was_refused_is_read_once_more() -> None:
    keys = iter([KEY, f"{KEY}-2", f"{KEY}-2"])
    signature = Signature(lambda: next(keys))
    old = signature.headers(GET)
    assert signature.refreshed(old)
    assert signature.refreshed(old)  # another thread: nothing is read for it
    assert not signature.refreshed(signature.headers(GET))
    assert redact(f"{KEY} and {KEY}-2") == "[redacted] and [redacted]"


def test_a_key_is_shown_by_nothing_and_cannot_be_pickled() -> None:
    signature = Signature(lambda: KEY)
    headers = signature.headers(GET)
    assert KEY not in f"{signature!r} {headers}"
    with pytest.raises(TypeError, match="not to be pickled"):
        pickle.dumps(signature)


def test_a_request_travels_in_an_envelope() -> None:
    sent = Relay().wrap(Request("PUT", "/a%2Fb", body='{"é":1}'.encode()))
    assert (sent.method, sent.target) == ("POST", "")
    assert json.loads(sent.body or b"") == {"method": "PUT", "path": "/a%2Fb", "body": '{"é":1}'}


def test_a_relayed_response_is_that_of_the_api_and_names_the_installation() -> None:
    relay, response = Relay(), Response(404, {"x-relay": "relayed", "x-relay-installation": "ab"}, b"{}")
    assert (relay.installation, relay.has_responded) == (None, False)
    assert relay.unwrap(response) is response
    assert (relay.installation, relay.has_responded) == ("ab", True)


@pytest.mark.parametrize("status", [200, 201, 204, 401, 404, 422])
def test_a_response_of_another_server_is_invalid(status: int) -> None:
    with pytest.raises(InvalidResponse) as caught:
        Relay().unwrap(Response(status, {}, b"[]"))
    assert caught.value.status == status


def test_a_used_nonce_means_that_the_request_was_received_before() -> None:
    """Something on the way delivered it twice, and it may have been carried out: a register has to be verified."""
    with pytest.raises(InvalidResponse) as caught:
        Relay().unwrap(Response(401, {"x-relay": "refused"}, b'{"code": "RELAY_NONCE", "message": "used"}'))
    assert (caught.value.outcome, caught.value.transient) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize(("status", "who"), [(401, "refused"), (403, "refused"), (502, "failed"), (429, ""), (503, "")])
def test_errors_of_the_relay_and_its_platform_are_passed_on_unchanged(status: int, who: str) -> None:
    response = Response(status, {"x-relay": who} if who else {}, b"{}")
    assert Relay().unwrap(response) is response


@pytest.mark.parametrize(("who", "is_from_relay"), [("refused", True), ("relayed", False)])
def test_a_401_names_the_relay_or_the_api_as_its_source(who: str, is_from_relay: bool) -> None:
    response = Relay().unwrap(Response(401, {"x-relay": who}, b"{}"))
    failure = error_from(response)
    assert isinstance(failure, Unauthorized)
    assert failure.is_from_relay is is_from_relay
