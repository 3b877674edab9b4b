from __future__ import annotations

import copy
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_atlassian_forge.api import protocol
from pulumi_atlassian_forge.api.auth import BearerToken

REQUEST = protocol.read("v1", "k")


def test_a_token_is_sent_as_a_bearer() -> None:
    assert BearerToken(lambda: "planted-token").headers(REQUEST) == {"authorization": "Bearer planted-token"}


def test_a_token_is_shown_by_nothing_and_cannot_be_pickled() -> None:
    token = BearerToken(lambda: "planted-token")
    assert "planted" not in f"{token} {token!r} {[token]}"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not to be pickled"):
            leak(token)


def test_a_token_is_obtained_once_and_again_only_when_it_was_refused() -> None:
    tokens = iter(["first", "second", "second"])
    token = BearerToken(lambda: next(tokens))
    old = token.headers(REQUEST)
    assert token.headers(REQUEST) == old
    assert token.renewed(old)
    new = token.headers(REQUEST)
    assert new == {"authorization": "Bearer second"}
    assert token.renewed(old)  # another thread that was refused with the first one: nothing is obtained for it
    assert not token.renewed(new)
    assert token.secrets() == {"first", "second"}


def test_many_threads_that_were_refused_renew_once() -> None:
    obtained: list[str] = []

    def obtain() -> str:
        time.sleep(0.01)
        obtained.append(f"token-{len(obtained)}")
        return obtained[-1]

    token = BearerToken(obtain)
    refused = token.headers(REQUEST)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: token.renewed(refused), range(8)))
    assert obtained == ["token-0", "token-1"]
