from __future__ import annotations

import copy
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_atlassian_forge.api import protocol
from pulumi_atlassian_forge.api.errors import Unauthorized
from pulumi_atlassian_forge.api.request_response import Request
from pulumi_atlassian_forge.auth.bearer_token import BearerToken, Token
from pulumi_atlassian_forge.redaction import redact

REQUEST = protocol.read("v1", "k")


def test_a_token_is_sent_as_a_bearer() -> None:
    assert BearerToken(lambda: Token("planted-token")).headers(REQUEST) == {"authorization": "Bearer planted-token"}


def test_a_token_is_shown_by_nothing_and_cannot_be_pickled() -> None:
    token = BearerToken(lambda: Token("planted-token"))
    assert "planted" not in f"{token} {token!r} {[token]}"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not to be pickled"):
            leak(token)


def test_a_token_is_obtained_once_and_again_only_when_it_was_refused() -> None:
    tokens = iter(["first-token", "second-token", "second-token"])
    token = BearerToken(lambda: Token(next(tokens)))
    old = token.headers(REQUEST)
    assert token.headers(REQUEST) == old
    assert token.refreshed(old)
    new = token.headers(REQUEST)
    assert new == {"authorization": "Bearer second-token"}
    assert token.refreshed(old)  # another thread that was refused with the first one: nothing is obtained for it
    assert not token.refreshed(new)
    assert redact("first-token and second-token") == "[redacted] and [redacted]"


def test_many_threads_with_a_401_refresh_once() -> None:
    obtained: list[str] = []

    def obtain() -> Token:
        time.sleep(0.01)
        obtained.append(f"token-{len(obtained)}")
        return Token(obtained[-1])

    token = BearerToken(obtain)
    refused = token.headers(REQUEST)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: token.refreshed(refused), range(8)))
    assert obtained == ["token-0", "token-1"]


def test_a_token_is_refreshed_before_it_expires() -> None:
    now = [1000.0]
    tokens = iter([Token("first", 1100.0), Token("second", 5000.0)])
    renewals: list[float] = []
    token = BearerToken(lambda: next(tokens), lambda: renewals.append(now[0]), clock=lambda: now[0])
    assert token.headers(REQUEST) == token.headers(REQUEST) == {"authorization": "Bearer first"}
    now[0] = 1041.0
    assert token.headers(REQUEST) == {"authorization": "Bearer second"}
    assert renewals == [1041.0]


def test_a_register_is_not_sent_with_a_token_that_was_just_refreshed() -> None:
    """It may be that of another installation, so its caller verifies (docs/adr/0004-installation-guard.md)."""
    tokens = iter([Token("first", 1000.0), Token("second")])
    token = BearerToken(lambda: next(tokens), clock=lambda: 990.0)
    token.installation()
    with pytest.raises(Unauthorized) as caught:
        token.headers(Request("POST", "/"))
    assert caught.value.is_refreshed
    assert token.headers(Request("POST", "/")) == {"authorization": "Bearer second"}


def test_an_expiring_token_is_used_if_there_is_no_other_and_the_source_is_not_read_each_time() -> None:
    now, asked = [1000.0], []

    def obtain() -> Token:
        asked.append(now[0])
        if len(asked) == 2:
            raise Unauthorized("the file is empty for a moment")
        return Token("only", 1000.0)

    token = BearerToken(obtain, clock=lambda: now[0])
    for second in (1000.0, 1001.0, 1059.0, 1061.0, 1062.0):
        now[0] = second
        assert token.headers(REQUEST) == {"authorization": "Bearer only"}
    assert asked == [1000.0, 1000.0, 1061.0]


def test_an_error_of_the_source_is_shown_without_the_token_in_use() -> None:
    def obtain() -> Token:
        if used:
            raise Unauthorized(f"the lease of {used[0]} has expired")
        used.append("planted-token")
        return Token(used[0])

    used: list[str] = []
    token = BearerToken(obtain)
    with pytest.raises(Unauthorized) as caught:
        token.refreshed(token.headers(REQUEST))
    assert str(caught.value) == "the lease of [redacted] has expired"


def test_a_new_token_of_another_installation_is_not_used() -> None:
    tokens = iter([Token("first", None, "staging"), Token("second", None, "production"), Token("third", None, "staging")])
    token = BearerToken(lambda: next(tokens))
    refused = token.headers(REQUEST)
    with pytest.raises(Unauthorized, match="the new one is that of another installation"):
        token.refreshed(refused)
    assert token.headers(REQUEST) == refused
    assert token.refreshed(refused)
    assert token.headers(REQUEST) == {"authorization": "Bearer third"}
