"""The values that a program declares as secret, in the messages of the plugin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from testing.independent_server import Server
from testing.plugin import Plugin, plugin

DECLARED: dict[str, Any] = {
    "__name": ["one"],
    "type": "acme:x",
    "data": {"password": "NEW-SECRET-3", "pin": 471199, "list": ["a", {"deep": "deep-secret"}], "open": "bug-hook"},
    "installation": "default",
}
PLACES: list[Any] = [["data", "password"], ["data", "pin"], ["data", "list", 1, "deep"], ["data", "not-there", 5]]


@pytest.fixture
def forge(server: Server, tmp_path: Path) -> Iterator[Plugin]:
    log = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    with plugin(tmp_path, server.environment(), stderr=log) as running:
        yield running
    os.close(log)
    log_text = (tmp_path / "log").read_text()
    assert "SECRET" not in log_text
    assert "hush" not in log_text


def refusal(server: Server, forge: Plugin, inputs: dict[str, Any], text: str) -> str:
    server.interfere = lambda call: (422, {"message": text}) if call.method in {"POST", "PUT"} else None
    with pytest.raises(grpc.RpcError) as caught:
        forge.create(inputs)
    return str(caught.value.details())


@pytest.mark.parametrize("form", ["__secrets", "internal"])
def test_a_refusal_that_quotes_a_secret_does_not_show_it(server: Server, forge: Plugin, form: str) -> None:
    hidden = {"__secrets": PLACES} if form == "__secrets" else {"internal": {"name": ["one"], "secrets": PLACES}}
    olds = {**DECLARED, "data": {"password": "OLD-SECRET-2"}}
    inputs, failures = forge.check({**DECLARED, **hidden}, olds)
    assert not failures
    assert "secrets" not in str(inputs)  # no state ever has it
    said = "data.password 'NEW-SECRET-3' (was OLD-SECRET-2, pin 471199, 'deep-\\u0073ecret') is too weak for bug-hook"
    text = refusal(server, forge, inputs, said)
    where = "HTTP 422: data.password '[redacted]' (was [redacted], pin [redacted], '[redacted]') is too weak for bug-hook"
    assert where in text


def test_a_name_in_a_secret_dictionary_is_in_no_validation_error(forge: Plugin) -> None:
    trigger = {"__name": ["one"], "events": ["avi:jira:updated:issue"], "function": "f", "installation": "default"}
    declared = {**trigger, "filter": {"hush-name-of-secret": 1, "onError": "hush-value"}, "__secrets": [["filter"]]}
    _, failures = forge.check(declared)
    assert failures
    shown = str(failures)
    assert "hush" not in shown
    assert "has no property" not in shown  # that is a warning, which the program shows by its path
    assert "on_error=" in shown  # the documented names are no secrets


def test_what_everybody_knows_is_shown_where_all_of_a_module_is_secret(server: Server, forge: Plugin) -> None:
    declared = {"__name": ["one"], "type": "trigger", "installation": "default"}
    data = {"events": ["avi:jira:updated:issue"], "function": "hush-function"}
    inputs, _ = forge.check({**declared, "data": data, "__secrets": [["type"], ["data"]]})
    text = refusal(server, forge, inputs, "function hush-function of avi:jira:updated:issue is not there")
    assert "could not register module 'one' (trigger) on installation 'default' (v1)" in text
    assert "HTTP 422: function [redacted] of avi:jira:updated:issue is not there" in text
