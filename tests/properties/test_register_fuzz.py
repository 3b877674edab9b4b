"""After a register, any response: no exception leaves without a verification read, and none shows a traceback or a secret.

What is real: the client, the HTTP parser, decompression, the JSON parser, retries, recovery and messages. Only the sockets and
the clock are not. `make soak` tries 100,000 responses.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any, cast

import pytest

from pulumi_atlassian_forge.api.client import Client, Timeouts
from pulumi_atlassian_forge.api.errors import ApiError, InternalError, Outcome
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.rate_limiter import RateLimiter
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.auth.bearer_token import BearerToken, Token
from pulumi_atlassian_forge.lifecycle.messages import Attempt, explain
from pulumi_atlassian_forge.lifecycle.recovery import KeyTaken, Registrar
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.module_id import Version
from testing.soak import runs
from tests.properties.test_hostile_responses import TOKEN, unprintable
from tests.support import generated_responses
from tests.support.generated_bodies import KEY, MODULE
from tests.support.generated_responses import Hostile
from tests.support.memory_network import MemoryStream, connection_to
from tests.support.raw_server import Seen
from tests.support.timing import Clock

CONTENT = Content("trigger", MODULE["data"])
EACH = 500
REFUSED = re.compile(rb"\s*HTTP/[0-9.]+ +(4[0-9][0-9])\b")
_NO_BUDGET = 1e9  # seconds: a verification read that no time is left for would be another test


class Installation:
    """A server that is honest until the register comes, and keeps what it was sent and responded."""

    def __init__(self, hostile: Hostile) -> None:
        self._hostile = hostile
        self.exchanges: list[tuple[str, bytes]] = []  # the method, and the raw response

    def __call__(self, stream: MemoryStream, seen: Seen) -> bool:
        is_first = seen.method == "GET" and not any(method == "POST" for method, _ in self.exchanges)
        before = len(stream.sent)
        if is_first:
            stream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]")
            keep = True
        else:
            keep = self._hostile(cast("Any", None), cast("Any", stream), seen)
        self.exchanges.append((seen.method, bytes(stream.sent[before : before + 4096])))
        return keep


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated_responses, "_LONGEST_WAIT", 0.0)


@pytest.mark.parametrize("batch", range(runs(1, 200)))
def test_no_exception_leaves_without_a_verification_read(batch: int) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(batch * EACH, (batch + 1) * EACH):
        outcomes[one_register(seed)] += 1
    assert outcomes["registered"] > EACH / 50, outcomes
    assert outcomes["unknown"] > EACH / 50, outcomes


def one_register(seed: int) -> str:
    """What came of it; fails if that is wrong."""
    random.seed(seed)  # the pauses before a retry
    version: Version = "v1" if seed % 2 else "v2"
    hostile = Hostile(seed, "http://elsewhere.example", honest_at_first=False)
    installation, clock, said = Installation(hostile), Clock(), list[str]()
    client = Client(
        "http://127.0.0.1:8080",
        BearerToken(lambda: Token(TOKEN)),
        transport=connection_to(installation),
        timeouts=Timeouts(total=_NO_BUDGET),
        clock=clock,
    )
    operations = Operations(client, version, RateLimiter(said.append, clock, clock.sleep), clock=clock)
    registrar = Registrar(
        *("default", operations, ModuleList(operations, clock=clock)),
        budget_s=_NO_BUDGET,
        notify=lambda about, text: said.append(f"{about}: {text}"),
        sleep=clock.sleep,
        clock=clock,
    )
    complaints: list[str] = []
    try:
        registrar.register(KEY if version == "v1" else None, CONTENT)
        result = "registered"
    except ApiError as error:
        result = error.outcome.name.lower()
        complaints = wrong_with(error, version, installation.exchanges)
    except BaseException as error:
        error.add_note(f"seed {seed}; the server sent {hostile.output}")
        raise
    # The front end's sink makes them printable, and cuts them.
    complaints += [complaint for text in said for complaint in unprintable(printable(text, 5000), longest=5100)]
    assert not complaints, f"seed {seed}; the server sent {hostile.output}: {complaints}"
    return result


def wrong_with(error: ApiError, version: Version, exchanges: list[tuple[str, bytes]]) -> list[str]:
    methods = [method for method, _ in exchanges]
    message = str(explain(Attempt("register", None, "trigger", "default", version, "http://127.0.0.1", "token", "m"), error))
    complaints = unprintable(message)
    if isinstance(error, InternalError):
        complaints.append(f"a bug: {error}")
    if error.outcome is Outcome.NOT_APPLIED and not isinstance(error, KeyTaken):
        # Certain only if each register was refused. (KeyTaken is what a verification read showed.)
        certain = [bool(REFUSED.match(response)) for method, response in exchanges if method == "POST"]
        return complaints if all(certain) else [*complaints, f"{error!r} is said to be certain after {exchanges}"]
    return complaints if methods[-1] == "GET" else [*complaints, f"{error!r} left without a verification read: {methods}"]
