"""End to end: Forge delivers a token to the broker, CI fetches it with its own identity, `pulumi up` uses it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from testing.independent_server import Call, Server
from testing.project import Project
from tests.support.broker import FOLDER, Broker
from tests.support.issuers import bitbucket_claims, signed, system_token

PROGRAM = """
for i in range(20):
    forge.TriggerModule(f"module-{i}", events=["avi:jira:updated:issue"], endpoint="hook")
"""


def test_up_gets_its_token_from_the_broker_and_refreshes_an_expired_one(
    project: Callable[..., Project], server: Server, broker: Broker
) -> None:
    first, second = system_token(600), system_token(1200)
    broker.deliver(first)
    server.token = first
    fetch = ["fetch_token.py", "--broker", broker.base_url, "--installation", "acme", "--oidc-token-variable", "CI_IDENTITY"]
    stack = project()
    del stack.config["atlassian-forge:baseUrl"]
    stack.environment = {
        "ATLASSIAN_FORGE_BASE_URL": server.base_url,
        "ATLASSIAN_FORGE_TOKEN_COMMAND": json.dumps([sys.executable, str(FOLDER / fetch[0]), *fetch[1:]]),
        "CI_IDENTITY": signed(bitbucket_claims()),
    }

    def expire_first_token(_: Call) -> None:
        if server.count("POST") == 8 and server.token == first:
            broker.deliver(second)
            server.token = second

    server.interfere = expire_first_token
    stack.program(PROGRAM)
    outcome = stack.up()
    assert outcome.summary == {"created": 21}, outcome.text
    assert len(server.modules()) == 20
    identities = {resource["outputs"]["__identity"] for resource in stack.state()}
    assert len(identities) == 1
    everything = stack.export() + stack.everything()
    assert not [secret for secret in (first, second, stack.environment["CI_IDENTITY"]) if secret in everything]
