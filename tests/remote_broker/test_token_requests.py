"""Token requests by CI to examples/remote-broker: which identities are allowed, and which tokens are never issued."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from broker.store import Store, StoredToken, load_keys

from tests.support.broker import CERTIFICATE, Broker, BrokerFiles, run_broker
from tests.support.issuers import (
    ACME,
    AUDIENCE,
    GLOBEX,
    bitbucket_claims,
    github_claims,
    invocation_claims,
    signed,
    system_token,
    without,
)

Claims = Callable[[], dict[str, Any]]


@pytest.mark.parametrize(
    "identity",
    [
        lambda: signed(github_claims()),
        lambda: signed(github_claims(event_name="workflow_dispatch"), "ec-1"),
        # The newer form of GitHub's subject, which the rule ignores.
        lambda: signed(github_claims(sub="repo:acme@42/infrastructure@123456789:environment:production")),
        lambda: signed(bitbucket_claims()),
    ],
)
def test_an_allowed_job_gets_the_token_and_is_logged(broker: Broker, identity: Callable[[], str]) -> None:
    token = system_token()
    assert broker.deliver(token).status_code == 204

    fetched = broker.fetch(identity())

    assert (fetched.status_code, fetched.headers["cache-control"]) == (200, "no-store")
    found = fetched.json()
    assert set(found) == {"token", "expiresAt", "installationId"}
    assert (found["token"], found["installationId"]) == (token, ACME)
    remaining = datetime.fromisoformat(found["expiresAt"]) - datetime.now(UTC)
    assert 3 * 3600 - 30 < remaining.total_seconds() <= 3 * 3600
    line = broker.log("token-issued")[-1]
    assert (line["installation"], line["expires_at"]) == ("acme", found["expiresAt"])
    assert (line["issuer"], line["subject"]) in {
        ("github", "repo:acme/infrastructure:environment:production"),
        ("github", "repo:acme@42/infrastructure@123456789:environment:production"),
        ("bitbucket", "{repository}:{production}:{step}"),
    }
    assert line.get("run_id", line.get("stepUuid")) in ("4711", "{step}")


def expired() -> dict[str, Any]:
    now = int(time.time())
    return {**github_claims(), "iat": now - 900, "nbf": now - 900, "exp": now - 30}


INVALID_IDENTITIES: dict[str, tuple[Callable[[], str], str]] = {
    "another audience": (lambda: signed(github_claims(aud="https://github.com/acme")), "meant for another audience"),
    "one audience more": (lambda: signed(bitbucket_claims(aud=[AUDIENCE, "https://x.test"])), "meant for other audiences, too"),
    "another issuer": (lambda: signed(github_claims(iss="https://github.test")), "of another issuer"),
    "no issuer": (lambda: signed(without(github_claims(), "iss")), "of another issuer"),
    "expired": (lambda: signed(expired()), "expired"),
    "no subject": (lambda: signed(without(github_claims(), "sub")), "without the claim sub"),
    "another key": (lambda: signed(github_claims(), "rsa-other"), "a key that the issuer does not publish"),
    "an invocation token": (lambda: signed(invocation_claims()), "of another issuer"),
    "a system token": (system_token, "of another issuer"),
    "no token": (lambda: "word", "not a signed JSON Web Token"),
}


@pytest.mark.parametrize("case", INVALID_IDENTITIES)
def test_an_invalid_identity_gets_no_token(broker: Broker, case: str) -> None:
    make, reason = INVALID_IDENTITIES[case]
    token = system_token()
    assert broker.deliver(token).status_code == 204
    refused = broker.fetch(make())
    assert (refused.status_code, refused.json()["code"]) == (401, "IDENTITY")
    assert reason in refused.json()["message"]
    assert reason in broker.log("fetch-refused")[-1]["reason"]
    assert token not in refused.text


FORK: Claims = lambda: github_claims(  # noqa: E731 - beside the others
    sub="repo:acme/infrastructure:pull_request", ref="refs/pull/7/merge", event_name="pull_request", head_ref="main"
)

NOT_ALLOWED: dict[str, Claims] = {
    "another repository": lambda: github_claims(repository_id="987654321", sub="repo:acme/other:ref:refs/heads/main"),
    "a repository of the same name": lambda: github_claims(repository_id="1"),
    "a number for a text": lambda: github_claims(repository_id=123456789),
    "a list for a text": lambda: github_claims(ref=["refs/heads/main"]),
    "no repository": lambda: without(github_claims(), "repository_id"),
    "another branch": lambda: github_claims(ref="refs/heads/main2"),
    "a tag of that name": lambda: github_claims(ref="refs/tags/main"),
    "a pull request of a fork": FORK,
    "a pull request that runs on main": lambda: github_claims(event_name="pull_request_target"),
    "another event": lambda: github_claims(event_name="schedule"),
    "another deployment": lambda: bitbucket_claims(deploymentEnvironmentUuid="{staging}"),
    "no deployment": lambda: without(bitbucket_claims(), "deploymentEnvironmentUuid"),
    "claims of another issuer's rule": lambda: bitbucket_claims(
        **without(github_claims(), "iss", "sub", "repositoryUuid"), repositoryUuid="x"
    ),
}


@pytest.mark.parametrize("case", NOT_ALLOWED)
def test_a_job_that_no_rule_allows_gets_no_token_and_is_logged(broker: Broker, case: str) -> None:
    token, claims = system_token(), NOT_ALLOWED[case]()
    assert broker.deliver(token).status_code == 204
    refused = broker.fetch(signed(claims))
    assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ALLOWED")
    assert token not in refused.text
    line = broker.log("fetch-refused")[-1]
    assert (line["installation"], line["subject"]) == ("acme", claims["sub"])


def test_an_unknown_installation_gets_the_same_response_as_a_forbidden_one(broker: Broker) -> None:
    responses = [broker.fetch(signed(github_claims()), name) for name in ("globex", "unknown", "%00")]
    assert {response.status_code for response in responses} == {403}
    assert len({response.text for response in responses}) == 1
    assert broker.log("fetch-refused")[-1]["installation"] == "not in the policy"


def test_without_an_identity_every_installation_gets_the_same_response(broker: Broker) -> None:
    responses = [broker.fetch(None, name) for name in ("acme", "unknown")]
    assert [response.status_code for response in responses] == [401, 401]
    assert responses[0].text == responses[1].text


def test_client_certificate_headers_are_ignored(broker: Broker) -> None:
    headers = {"x-client-cert": CERTIFICATE, "x-forwarded-client-cert": f"URI={CERTIFICATE}", "x-ssl-client-verify": "SUCCESS"}
    assert broker.client.post("/v1/installations/acme/token", headers=headers).status_code == 401


@pytest.mark.parametrize("remaining", [-1, 20])
def test_an_expired_or_expiring_token_is_not_issued(files: BrokerFiles, remaining: float) -> None:
    now = time.time()
    with run_broker(files) as broker:
        store = Store(files.database, load_keys(files.root / "keys"))
        assert store.put(StoredToken(ACME, system_token(remaining), now + remaining), "digest", now + 25, now) == "stored"
        refused = broker.fetch(signed(github_claims()))
        assert (refused.status_code, refused.json()["code"]) == (404, "NO_TOKEN")
        assert broker.log("fetch-failed")[-1]["reason"] == "no valid token"


def test_without_a_delivery_there_is_no_token(files: BrokerFiles) -> None:
    with run_broker(files) as broker:
        assert broker.deliver(system_token(), signed(invocation_claims(GLOBEX))).status_code == 204
        assert broker.fetch(signed(github_claims())).status_code == 404
