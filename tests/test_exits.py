"""Every exit of the product, against a server whose every text is hostile. A new command or hook has to be added here."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pytest
from pulumi.dynamic import ResourceProvider

import pulumi_atlassian_forge as forge_package
from pulumi_atlassian_forge.cli import app
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.provider import ForgeProvider
from testing.command import run
from testing.independent_server import Call, Server, serve
from testing.plugin import Plugin, plugin
from testing.project import Outcome
from tests.support.hostile import COMMANDS, HOSTILE, TOKEN, faults_of

DECLARED: dict[str, Any] = {
    "__name": ["one"],
    "events": ["avi:jira:updated:issue"],
    "endpoint": "hook",
    "installation": "default",
}
RAW = {"__name": ["raw"], "type": "acme:x", "data": {"a": 1}, "installation": "default"}


@pytest.fixture
def hostile() -> Iterator[Server]:
    """Each text of its modules is hostile: the key, the type, the title, the names of properties."""
    with serve(token=TOKEN) as server:
        for version in ("v1", "v2"):
            for number, (key, type_) in enumerate(
                {"one": "acme:x", HOSTILE: "trigger", "raw": HOSTILE, f"::error::{HOSTILE}": HOSTILE}.items()
            ):
                data = {"title": HOSTILE, "events": [HOSTILE], HOSTILE: {HOSTILE: [HOSTILE]}, "number": number}
                server.stores[version][key] = {"key": key, "type": type_, "data": data}
        yield server


def refusing(status: int, form: Callable[[str], Any] = lambda text: {"message": text}) -> Callable[[Call], Any]:
    return lambda call: (status, form(HOSTILE), {"www-authenticate": "x"})


RESPONSES: dict[str, Callable[[Call], Any]] = {
    "modules": lambda call: None,
    "401": refusing(401),
    "404": refusing(404),
    "422": refusing(422),
    "a field of another name": refusing(422, lambda text: {"detail": [{"x": text}]}),
    "HTML": refusing(422, lambda text: f"<html><title>x</title><p>{text}</p></html>".encode("utf-8", "replace")),
    "text": refusing(422, lambda text: text.encode("utf-8", "replace")),
    "UTF-16": refusing(400, lambda text: text.encode("utf-16", "replace")),
    "another module": lambda call: (200, {"key": HOSTILE, "type": HOSTILE, "data": {}}),
    "not JSON": lambda call: (200, HOSTILE.encode()),
    "a redirect": lambda call: (302, b"", {"location": f"https://user:{TOKEN}@host.example/{TOKEN}"}),
}


def recorded(folder: Path) -> str:
    outputs = {
        "__schema": 1,
        "__name": ["one"],
        "type": HOSTILE,
        "data": {"title": HOSTILE},
        "installation": "default",
        "apiVersion": "v1",
    }
    types = "pulumi-python:dynamic/atlassian-forge:DynamicModule"
    resources = [
        {
            "type": types,
            "id": f"default/v1/{key}",
            "urn": f"urn:pulumi:s::p::{types}::{HOSTILE}",
            "outputs": {**outputs, "key": key},
        }
        for key in ("one", "raw", "missing")
    ]
    path = folder / "state.json"
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}), "utf-8")
    return str(path)


ARGUMENT = COMMANDS.replace("\0", "")
LINES: dict[str, list[list[str]]] = {
    "list": [[], ["--json"], ["--all"], ["--api-version", "v2"]],
    "show": [["one"], ["one", "--json"], ["one", "--format", "json"], ["one", "--format", "yaml"], [ARGUMENT]],
    "events": [["issue"], [ARGUMENT], ["issue", "--json"]],
    "drift": [["--state", "STATE"], ["--state", "STATE", "--json"]],
    "doctor": [[], ["--json"]],
    "orphans": [
        [],
        ["--json"],
        ["--state", "STATE"],
        ["--state", "STATE", "--json"],
        ["--state", "STATE", "--delete", "--yes", "raw"],
    ],
    "import": [[], ["--json"], ["--key", "one"]],
    "emulator": [["--contract"], ["--fault", ARGUMENT]],
}


def test_every_command_is_here() -> None:
    assert LINES.keys() == app.COMMANDS.keys()


OFFLINE = ("events", "emulator")
CASES = [(command, response) for command in LINES for response in (["modules"] if command in OFFLINE else RESPONSES)]


@pytest.mark.complete
@pytest.mark.parametrize(("command", "response"), CASES)
def test_no_command_lets_a_foreign_text_out(hostile: Server, tmp_path: Path, command: str, response: str) -> None:
    hostile.interfere = RESPONSES[response]
    state = recorded(tmp_path)
    for number, arguments in enumerate(LINES[command]):
        folder = tmp_path / str(number)
        folder.mkdir()
        done: Outcome = run(
            command,
            *[state if one == "STATE" else one for one in arguments],
            server=hostile,
            cwd=folder,
            ATLASSIAN_FORGE_OPERATION_TIMEOUT="0.3",
        )
        assert done.text.strip(), arguments
        assert "Traceback" not in done.text, done.text
        if "--json" in arguments and done.stdout:
            json.loads(done.stdout)
        assert faults_of(done.stdout.replace("\t", " ") + done.stderr) == [], (arguments, done.text)


HOOKS: dict[str, Callable[[Plugin], Any]] = {
    "check": lambda plugin_: plugin_.check(
        {**DECLARED, HOSTILE: HOSTILE, "filter": {HOSTILE: 1}, "key": HOSTILE, "__problems": []}
    ),
    "diff": lambda plugin_: plugin_.diff(f"default/v1/{HOSTILE}/x", {}, {}),
    "create": lambda plugin_: [each(plugin_) for each in (_created, _created_raw, _adopted)],
    "read": lambda plugin_: [_read(plugin_, key) for key in ("one", "raw", "none")],
    "update": lambda plugin_: plugin_.update(
        "default/v1/one", OUTPUTS, {**RAW, "type": HOSTILE, "key": "one", "apiVersion": "v1"}
    ),
    "delete": lambda plugin_: plugin_.delete("default/v1/one", OUTPUTS),
    "configure": lambda plugin_: plugin_.configure({"atlassian-forge:installations": HOSTILE}),
}
OUTPUTS: dict[str, Any] = RAW | {"__schema": 1, "type": HOSTILE, "data": {"title": HOSTILE}, "apiVersion": "v1", "key": "one"}


def _tried(call: Callable[[], Any]) -> str:
    try:
        return str(call())
    except grpc.RpcError as error:
        return str(error.details())


def _read(plugin_: Plugin, key: str) -> str:
    return _tried(lambda: plugin_.read(f"default/v1/{key}", OUTPUTS))


def _created(plugin_: Plugin) -> str:
    return _tried(lambda: plugin_.create({**DECLARED, "key": "new", "apiVersion": "v1"}))


def _created_raw(plugin_: Plugin) -> str:
    return _tried(lambda: plugin_.create({**RAW, "type": HOSTILE, "apiVersion": "v2"}))


def _adopted(plugin_: Plugin) -> str:
    return _tried(lambda: plugin_.create({**RAW, "key": "one", "adopt": True, "apiVersion": "v1"}))


def test_every_hook_is_here() -> None:
    own = {name for name in vars(ForgeProvider) if callable(getattr(ForgeProvider, name)) and hasattr(ResourceProvider, name)}
    assert HOOKS.keys() == {name for name in own if not name.startswith("_")}


@pytest.mark.parametrize("response", RESPONSES)
def test_no_hook_lets_a_foreign_text_out(hostile: Server, tmp_path: Path, response: str) -> None:
    log = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    environment = hostile.environment(ATLASSIAN_FORGE_OPERATION_TIMEOUT="0.5")
    hostile.interfere = RESPONSES[response]
    with plugin(tmp_path, environment, stderr=log) as started:
        for name, call in HOOKS.items():
            shown = _problems(started) if name == "check" else _messages(_tried(functools.partial(call, started)))
            assert faults_of(shown) == [], (name, shown)
    os.close(log)
    text = (tmp_path / "log").read_text("utf-8")
    assert faults_of(text) == [], text


def _problems(plugin_: Plugin) -> str:
    inputs, failures = HOOKS["check"](plugin_)
    assert not failures
    assert inputs["__problems"]
    return "\n".join(f"{path}: {text}" for path, text in inputs["__problems"])


def _messages(text: str) -> str:
    """The messages alone: the outputs of a hook that succeeds are the module's content, which nobody prints."""
    return text if text.startswith(("Exception", "could", "a bug")) or "\nnext:" in text else ""


@pytest.mark.parametrize("response", [name for name in RESPONSES if name != "modules"])
def test_no_function_of_a_program_lets_a_foreign_text_out(
    hostile: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], response: str
) -> None:
    hostile.interfere = RESPONSES[response]
    for name, value in hostile.environment(ATLASSIAN_FORGE_OPERATION_TIMEOUT="0.5").items():
        monkeypatch.setenv(name, value)
    pulumi.runtime.set_all_config({"atlassian-forge:baseUrl": hostile.base_url})  # a session of its own
    functions: list[Callable[[], Any]] = [lambda: forge_package.get_module(ARGUMENT), forge_package.list_modules]
    for function in functions:
        text = ""
        try:
            function()  # what it returns is data, which the program may print
        except ForgeError as error:
            text = str(error)
        assert bool(text) or response == "another module"
        assert faults_of(text) == [], text
    printed = capsys.readouterr()
    assert faults_of(printed.err + printed.out) == []
