"""What a user reads where an authentication method leads nowhere: one message, with what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.session.session import Connections
from testing.independent_server import Server

DECLARED = {"apiVersion": "v1", "installation": "default", "key": "one", "__name": ["one"], "events": ["e"], "function": "f"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, server: Server) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("ATLASSIAN_FORGE_BASE_URL", server.base_url)
    monkeypatch.setenv("ATLASSIAN_FORGE_REQUEST_TIMEOUT", "1")
    yield monkeypatch
    assert server.calls == []


def message(folder: Path) -> str:
    connections = Connections(dict[str, str]().get, folder)
    with pytest.raises(ForgeError) as caught:
        create(connections.open("default"), DECLARED)
    connections.close()
    lines = str(caught.value).splitlines()
    assert len(lines) <= 6
    assert lines[0] == "could not register module 'one' (trigger) on installation 'default' (v1)"
    assert "nothing was registered" in lines
    return str(caught.value)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import time; time.sleep(30)", "did not end within 1 s, and was stopped"),
        ("import sys; sys.exit('no role')", "failed with exit code 1: no role"),
        ("pass", "printed nothing"),
        ("print('one'); print('two')", "printed 2 lines: only the token, or one JSON object, may be on its standard output"),
        ("print('<html><body>Log in</body></html>')", "printed HTML, and not a token: a login page, or an error of a gateway"),
    ],
)
def test_a_token_command(tmp_path: Path, environment: pytest.MonkeyPatch, program: str, words: str) -> None:
    environment.setenv("ATLASSIAN_FORGE_TOKEN_COMMAND", json.dumps([sys.executable, "-c", program]))
    text = message(tmp_path)
    assert f"the token command '{sys.executable}' {words}" in text
    assert "next: check where ATLASSIAN_FORGE_TOKEN_COMMAND (or atlassian-forge:tokenCommand) gets its token from" in text


def test_a_token_command_that_is_missing(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ATLASSIAN_FORGE_TOKEN_COMMAND", "fetch-token-that-is-not-there")
    assert "'fetch-token-that-is-not-there' cannot be started: No such file or directory" in message(tmp_path)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("fetch --site acme", "is a command line, and no shell reads it: write a list"),
        ('["fetch", 1]', "input should be a valid string"),
        ("[", "is not a JSON list"),
        ("[]", "names no program"),
    ],
)
def test_a_token_command_that_is_none(tmp_path: Path, environment: pytest.MonkeyPatch, value: str, words: str) -> None:
    environment.setenv("ATLASSIAN_FORGE_TOKEN_COMMAND", value)
    with pytest.raises(ForgeError) as caught:
        Connections(dict[str, str]().get, tmp_path).open("default")
    assert words in str(caught.value)
    assert "ATLASSIAN_FORGE_TOKEN_COMMAND" in str(caught.value)


@pytest.mark.parametrize("printed", ["Bearer planted", '{"token": "bearer planted"}'])
def test_a_token_that_was_copied_with_its_header(tmp_path: Path, environment: pytest.MonkeyPatch, printed: str) -> None:
    words = "the token begins with the word Bearer, which the provider adds: give the token alone"
    environment.setenv("ATLASSIAN_FORGE_TOKEN_COMMAND", json.dumps([sys.executable, "-c", f"print({printed!r})"]))
    from_command = message(tmp_path)
    environment.delenv("ATLASSIAN_FORGE_TOKEN_COMMAND")
    environment.setenv("ATLASSIAN_FORGE_TOKEN_FILE", "token")
    (tmp_path / "token").write_text("Bearer planted\n")
    for text in (from_command, message(tmp_path)):
        assert words in text
        assert "planted" not in text


def test_a_token_file(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ATLASSIAN_FORGE_TOKEN_FILE", "not-there")
    text = message(tmp_path)
    assert "the token file not-there cannot be read: No such file or directory" in text
    assert "check where ATLASSIAN_FORGE_TOKEN_FILE (or atlassian-forge:tokenFile) gets its token from" in text


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"RELAY_KEY": "k" * 32}, "has more than one address: ATLASSIAN_FORGE_BASE_URL and ATLASSIAN_FORGE_RELAY_URL"),
        ({"RELAY_KEY": "short", "BASE_URL": ""}, "must have at least 32 characters"),
        ({"BASE_URL": ""}, "has no relay key"),
        ({"RELAY_KEY": "k" * 32, "RELAY_KEY_FILE": "f", "BASE_URL": ""}, "has more than one key of the relay"),
        ({"RELAY_KEY": "k" * 32, "TOKEN": "t", "BASE_URL": ""}, "has more than one authentication method"),
    ],
)
def test_a_relay_that_is_half_configured(
    tmp_path: Path, environment: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    environment.setenv("ATLASSIAN_FORGE_RELAY_URL", "https://relay.example/x1/abc")
    for name, value in variables.items():
        environment.setenv(f"ATLASSIAN_FORGE_{name}", value)
    with pytest.raises(ForgeError) as caught:
        Connections(dict[str, str]().get, tmp_path).open("default")
    assert words in str(caught.value)
    assert "ATLASSIAN_FORGE_" in str(caught.value)


def test_a_key_file_of_a_relay_that_is_missing_is_no_matter_of_the_app(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ATLASSIAN_FORGE_BASE_URL", "")
    environment.setenv("ATLASSIAN_FORGE_RELAY_URL", "https://relay.example/x1/abc")
    environment.setenv("ATLASSIAN_FORGE_RELAY_KEY_FILE", "not-there")
    text = message(tmp_path)
    assert "the key file not-there cannot be read: No such file or directory" in text
    assert "next: correct ATLASSIAN_FORGE_RELAY_KEY_FILE (or atlassian-forge:relayKeyFile)" in text
    assert "has to be installed there" not in text
