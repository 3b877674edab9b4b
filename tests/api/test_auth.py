from __future__ import annotations

import copy
import pickle

import pytest

from pulumi_atlassian_forge.api import protocol
from pulumi_atlassian_forge.api.auth import BearerToken


def test_a_token_is_sent_as_a_bearer() -> None:
    assert BearerToken("planted-token").headers(protocol.read("v1", "k")) == {"authorization": "Bearer planted-token"}


def test_a_token_is_shown_by_nothing_and_cannot_be_pickled() -> None:
    token = BearerToken("planted-token")
    assert "planted" not in f"{token} {token!r} {[token]}"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not to be pickled"):
            leak(token)
