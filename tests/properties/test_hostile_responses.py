"""Property tests of responses: in time there is a result or a printable error, and the token is sent nowhere else."""

from __future__ import annotations

import io
import json
import random
import resource
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.model.module_id import ModuleId
from pulumi_atlassian_forge.model.values import MAX_DEPTH, depth
from pulumi_atlassian_forge.session.connection import Connection
from pulumi_atlassian_forge.session.session import Connections
from testing.soak import runs
from tests.support.generated_bodies import KEY, MODULE
from tests.support.generated_responses import Hostile, bomb
from tests.support.raw_server import RawServer, responding, serving

TOKEN = "planted-token-9c41d7"
EACH = 100
SECONDS = 10.0
MEMORY = 200 * 1024 * 1024
Props = dict[str, Any]

CONTENT: Props = {"events": MODULE["data"]["events"], "endpoint": MODULE["data"]["endpoint"]}
INPUTS: Props = {"__name": [KEY], "installation": "default", **CONTENT}
OUTPUTS: Props = {**INPUTS, "key": KEY, "__schema": 1, "__server": [], "endpoint": "old"}


def registers(version: str, **more: Any) -> Callable[[Connection], Any]:
    key = {"key": KEY} if version == "v1" else {}
    return lambda connection: create(connection, {**INPUTS, **key, **more, "apiVersion": version})


def reads(version: Any, **olds: Any) -> Callable[[Connection], Any]:
    return lambda connection: read(connection, ModuleId("default", version, KEY), {**olds, "apiVersion": version})


def updates(version: Any) -> Callable[[Connection], Any]:
    news = {**INPUTS, "key": KEY, "apiVersion": version}
    return lambda connection: update(connection, ModuleId("default", version, KEY), news, {**OUTPUTS, "apiVersion": version})


def deletes(version: Any, **olds: Any) -> Callable[[Connection], Any]:
    return lambda connection: delete(connection, ModuleId("default", version, KEY), {**OUTPUTS, **olds, "apiVersion": version})


SIBLINGS = {"__siblings": ["v1:0123456789abcdef", "v2:fedcba98"]}
OPERATIONS: dict[str, Callable[[Connection], Any]] = {
    "register v1": registers("v1"),
    "register v2": registers("v2"),
    "adopt v1": registers("v1", adopt=True),
    "adopt v2": registers("v2", adopt=KEY),
    "read v1": reads("v1", **OUTPUTS),
    "read v2 with siblings": reads("v2", **OUTPUTS, **SIBLINGS),
    "get v1": reads("v1", **INPUTS),
    "look v1": reads("v1", **OUTPUTS),
    "look v2": reads("v2", **OUTPUTS),
    "update v1": updates("v1"),
    "update v2": updates("v2"),
    "delete v1": deletes("v1"),
    "delete v2 with siblings": deletes("v2", **SIBLINGS),
}


class Switch:
    """One server for many runs: what it does is exchanged between them."""

    def __init__(self) -> None:
        self.now: Hostile | None = None

    def __call__(self, server: RawServer, connection: Any, seen: Any) -> bool:
        return self.now is not None and self.now(server, connection, seen)


@pytest.fixture(scope="module")
def memory() -> int:
    bomb()
    return most_memory()


def most_memory() -> int:
    """The most that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.fixture
def elsewhere() -> Iterator[RawServer]:
    with serving(responding(200, MODULE)) as server:
        yield server


@pytest.mark.parametrize("batch", range(runs(3, 50)))
def test_any_response(batch: int, memory: int, elsewhere: RawServer, tmp_path: Path) -> None:
    option = Switch()
    with serving(option) as server:
        for seed in range(batch * EACH, (batch + 1) * EACH):
            one_run(seed, option, server, elsewhere, tmp_path)
        assert all(TOKEN in seen.headers["authorization"] for seen in server.seen)
    assert elsewhere.seen == []
    assert most_memory() - memory < MEMORY


def one_run(seed: int, option: Switch, server: RawServer, elsewhere: RawServer, directory: Path) -> None:
    random.seed(seed)  # the pauses before a retry are drawn from it, and with them whether there is one
    draw = Random(-seed - 1)
    operation = draw.choice(list(OPERATIONS))
    option.now = Hostile(seed, elsewhere.url, honest_lists=operation.startswith("look"))
    settings = {
        "baseUrl": server.url,
        "token": TOKEN,
        "connectTimeout": "0.3",
        "requestTimeout": "0.3",
        "operationTimeout": draw.choice(["1", "1", "1.3"]),
    }
    config = {f"atlassian-forge:{name}": value for name, value in settings.items()}
    started, stderr = time.monotonic(), io.StringIO()
    try:
        with closing(Connections(config.get, directory)) as connections, redirect_stderr(stderr):
            complaints = outcome(lambda: OPERATIONS[operation](connections.open("default")))
        complaints += [f"stderr: {text}" for text in unprintable(stderr.getvalue(), lines=20, longest=5100)]
    except BaseException as error:
        error.add_note(f"seed {seed}: {operation}; the server sent {option.now.output}")
        raise
    if (spent := time.monotonic() - started) > SECONDS:
        complaints.append(f"it took {spent:.1f} s")
    assert not complaints, f"seed {seed}: {operation}; the server sent {option.now.output}: {complaints}"


def outcome(operate: Callable[[], Any]) -> list[str]:
    """What is wrong with what came of an operation."""
    try:
        found = operate()
    except ForgeError as error:
        shown = "".join(traceback.format_exception(error))
        return [*unprintable(str(error)), *(["the token is in a traceback"] if TOKEN in shown else [])]
    values = [value for value in (found if isinstance(found, tuple) else (found,)) if value is not None]
    return [text for value in values for text in unusable(value)]


def unprintable(text: str, lines: int = 6, longest: int = 1000) -> list[str]:
    """Why a text must not be shown. A line that names all duplicates of a module is longer than others."""
    moving = {character for character in text if unicodedata.category(character) in ("Cc", "Cs") or character in "\u202e\u2028"}
    rules = {
        f"{text.count(chr(10)) + 1} lines": text.rstrip("\n").count("\n") >= lines,
        f"{len(text)} characters": max(map(len, text.split("\n"))) > longest or len(text) > 2 * longest,
        f"control characters {sorted(moving)}": bool(moving - {"\n"}),
        "the token": TOKEN in text,
        "a traceback": "Traceback" in text,
    }
    return [f"{rule} in {text[:3000]!r}" for rule, broken in rules.items() if broken]


def unusable(value: Any) -> list[str]:
    """Why a result cannot be put into state and read again."""
    if isinstance(value, ModuleId):
        text = str(value)
        return [*unprintable(text), *([f"{text!r} is not read as what it is"] if ModuleId.parse(text) != value else [])]
    written = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    complaints = [] if depth(value) <= MAX_DEPTH + 1 else ["it is nested too deep"]
    return complaints if json.loads(written) == value else [*complaints, "it is not JSON"]
