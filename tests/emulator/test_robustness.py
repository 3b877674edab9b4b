"""What the emulator survives: deep data, unvalidated data, clocks that jump, clients that hang up."""

from __future__ import annotations

import logging
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.emulator.faults import FaultRule
from pulumi_atlassian_forge.emulator.handler import Emulator, EmulatorResponse
from pulumi_atlassian_forge.emulator.server import serving
from pulumi_atlassian_forge.emulator.store import Store
from pulumi_atlassian_forge.testing import ForgeEmulator
from tests.support.contract_api import TRIGGER, Api, both, of, refused


def panel(levels: int) -> dict[str, Any]:
    """A module whose registration has this many levels: the body, ``data``, and what is in it."""
    nested: Any = {}
    for _ in range(levels - 3):
        nested = [nested]
    return {"key": "k", "type": "jira:issueAction", "data": {"title": "T", "resource": "r", "displayConditions": {"a": nested}}}


def below(frames: int, call: Callable[[], EmulatorResponse]) -> EmulatorResponse:
    return call() if frames == 0 else below(frames - 1, call)


@pytest.mark.parametrize("version", ["v1"])
def test_whatever_was_stored_is_read_and_deleted_from_any_call_depth(api: Api) -> None:
    assert api.ask("POST", body=panel(200)).status == 201
    frames = sys.getrecursionlimit() // 2
    responses = [below(frames, partial(api.ask, *what)) for what in [("GET", "k"), ("GET",), ("DELETE", "k")]]
    assert [response.status for response in responses] == [200, 200, 204]


@pytest.mark.parametrize("version", ["v1"])
@pytest.mark.parametrize("levels", [201, 500, 900])
def test_a_body_that_is_nested_too_deeply_is_refused(api: Api, levels: int) -> None:
    assert "200 levels" in refused(api.ask("POST", body=panel(levels)), 422)


@both
@pytest.mark.parametrize("data", [{}, {"filter": None}, {"filter": "x", "events": 5}, {"filter": [], "events": None}])
def test_unvalidated_data_is_listed_with_every_option(api: Api, data: dict[str, Any]) -> None:
    api.option(sort_events="on", fill_defaults="on")
    with api.emulator.store.write() as rows:
        rows.add_module("one", api.version, "k", ("trigger", data), 0.0)
    assert of(api.ask("GET", "k"))["data"] == {**data, "key": "k"}


@both
def test_a_token_expires_at_its_second(api: Api) -> None:
    with api.emulator.store.write() as rows:
        rows.add_token("app", "one", expires_at=api.now[0] + 10)
    api.now[0] += 9.9
    assert api.ask("GET").status == 200
    api.now[0] += 0.1
    assert api.ask("GET").status == 401


@both
def test_a_clock_that_is_put_back_does_not_throttle_for_long(api: Api) -> None:
    api.emulator.faults.add(FaultRule(rate=1))
    assert api.ask("GET").status == 200
    api.now[0] -= 3600
    assert api.ask("GET").status == 200
    assert api.ask("GET").headers["retry-after"] == "1"


def test_a_file_of_one_byte_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "forge.db"
    path.write_bytes(b"x")
    with pytest.raises(OSError, match="not a SQLite database"):
        Store(path)
    assert path.read_bytes() == b"x"


def test_a_client_that_hangs_up_in_its_body_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    emulator = Emulator(Store(tmp_path / "forge.db"))
    with caplog.at_level(logging.INFO), serving(emulator) as url:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address) as client:
            client.sendall(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
            time.sleep(0.2)  # the server has to be inside the body when the client goes; no clock to inject there
        with socket.create_connection(address) as client:
            client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 401 ")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_fixture_registers_behind_the_back(tmp_path: Path, version: str) -> None:
    emulator = Emulator(Store(tmp_path / "forge.db"))
    forge = ForgeEmulator("http://127.0.0.1", "t", "default", [], emulator)
    assert forge.register("trigger", TRIGGER, "mine", version) == "mine"
    made = forge.register("trigger", TRIGGER, version=version)
    assert [module["key"] for module in forge.modules(version)] == ["mine", made]
    with pytest.raises(ValueError, match="mine is registered already"):
        forge.register("trigger", TRIGGER, "mine", version)
    assert len(forge.modules(version)) == 2
    assert forge.requests == []
