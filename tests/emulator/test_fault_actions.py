"""Every action as a client sees it: in process, and over a socket."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulumi_atlassian_forge.emulator.fault_actions import ACTIONS
from pulumi_atlassian_forge.emulator.faults import FaultRule
from pulumi_atlassian_forge.emulator.handler import Emulator
from pulumi_atlassian_forge.emulator.server import serving
from pulumi_atlassian_forge.emulator.store import Store
from pulumi_atlassian_forge.emulator.transport import EmulatorTransport

PATH = "/forge/installation/v1/dynamic/module"
BODY = {"key": "k", "type": "trigger", "data": {"events": ["e"], "function": "f"}}


@dataclass
class Way:
    """A way to an emulator."""

    client: httpx.Client
    emulator: Emulator

    def fault(self, rule: str) -> None:
        self.emulator.faults.add(FaultRule.parse(rule))

    def post(self) -> httpx.Response:
        return self.client.post(PATH, json=BODY)

    def keys(self) -> list[str]:
        self.emulator.faults.clear()
        return [module["key"] for module in self.client.get(PATH).json()]


@pytest.fixture(params=["process", "socket"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    if request.param == "process":
        transport = EmulatorTransport(tmp_path / "forge.db")
        with httpx.Client(transport=transport, base_url="https://emulator.invalid") as client:
            yield Way(client, transport.emulator)
        return
    emulator = known(tmp_path)
    with serving(emulator) as url, httpx.Client(base_url=url, headers={"Authorization": "Bearer app"}) as client:
        yield Way(client, emulator)


def known(tmp_path: Path) -> Emulator:
    emulator = Emulator(Store(tmp_path / "forge.db"))
    with emulator.store.write() as rows:
        rows.add_token("app", "default")
    return emulator


@pytest.mark.parametrize(("action", "carried_out"), [("drop", False), ("lose", True), ("cut", True)])
def test_the_connection_is_closed(way: Way, action: str, carried_out: bool) -> None:
    way.fault(f"action={action}")
    with pytest.raises(httpx.RemoteProtocolError):
        way.post()
    assert way.keys() == ["k"] * carried_out


@pytest.mark.parametrize(
    ("action", "status", "carried_out"),
    [("400", 400, False), ("500", 500, False), ("599", 599, False), ("late-500", 500, True), ("late-504", 504, True)],
)
def test_an_error_before_or_after_it_was_carried_out(way: Way, action: str, status: int, carried_out: bool) -> None:
    way.fault(f"action={action}")
    response = way.post()
    assert (response.status_code, set(response.json())) == (status, {"message"})
    assert way.keys() == ["k"] * carried_out


def test_a_page_of_a_gateway(way: Way) -> None:
    way.fault("action=502-html")
    response = way.post()
    assert (response.status_code, response.headers["content-type"]) == (502, "text/html")
    assert "<h1>502 Bad Gateway</h1>" in response.text
    assert way.keys() == []


@pytest.mark.parametrize("action", ["429", "503", "503-html", "late-429"])
def test_an_error_has_retry_after_only_if_the_rule_sets_it(way: Way, action: str) -> None:
    way.fault(f"action={action},retry-after=7")
    way.fault(f"action={action},nth=2")
    assert [way.post().headers.get("retry-after") for _ in range(2)] == ["7", None]


def test_a_body_that_cannot_be_read(way: Way) -> None:
    way.fault("action=garbage")
    response = way.post()
    assert (response.status_code, response.headers["content-type"]) == (201, "application/json")
    with pytest.raises(UnicodeDecodeError):
        response.content.decode()
    with pytest.raises(ValueError):  # noqa: PT011 - whatever a reader of JSON says
        json.loads(response.content.decode("latin-1"))
    assert way.keys() == ["k"]


def test_a_body_that_is_something_else(way: Way) -> None:
    way.fault("action=wrong-body,times=2")
    response = way.post()
    assert (response.status_code, response.json()) == (201, {"status": "ok"})
    assert way.client.get(PATH).json() == {"status": "ok"}
    assert way.keys() == ["k"]


@pytest.mark.parametrize("action", ["garbage", "wrong-body"])
def test_a_response_that_can_have_no_body_has_none(way: Way, action: str) -> None:
    way.post()
    way.fault(f"action={action}")
    response = way.client.delete(f"{PATH}/k")
    assert (response.status_code, response.content) == (204, b"")
    assert way.keys() == []


def test_a_response_without_a_body_is_cut_as_a_whole(way: Way) -> None:
    way.post()
    way.fault("action=cut")
    with pytest.raises(httpx.RemoteProtocolError):
        way.client.delete(f"{PATH}/k")
    assert way.keys() == []


def test_half_of_the_body_arrives_and_its_whole_length_is_promised(way: Way) -> None:
    whole = way.post().content
    way.fault("action=cut")
    seen: list[bytes] = []
    with way.client.stream("GET", f"{PATH}/k") as response:
        assert (response.status_code, response.headers["content-length"]) == (200, str(len(whole)))
        with pytest.raises(httpx.RemoteProtocolError):
            seen.extend(response.iter_raw())
    assert b"".join(seen) == whole[: len(whole) // 2]


def test_a_redirect_leads_elsewhere(way: Way) -> None:
    way.fault("action=redirect")
    response = way.post()
    assert (response.status_code, response.headers["location"], response.content) == (302, "https://elsewhere.invalid/", b"")
    assert way.keys() == ["k"]


@pytest.mark.parametrize("rule", ["action=hang,seconds=0.3", "latency=300"])
def test_the_right_response_is_late(way: Way, rule: str) -> None:
    way.fault(rule)
    start = time.monotonic()
    assert way.post().status_code == 201
    assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize("rule", ["action=hang", "latency=60000", "latency=60000,action=lose"])
def test_a_client_has_no_more_patience_than_its_time_out(way: Way, rule: str) -> None:
    way.fault(rule)
    way.client.timeout = httpx.Timeout(30, read=0.2)
    start = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        way.post()
    assert 0.2 <= time.monotonic() - start < 20
    way.client.timeout = httpx.Timeout(30)
    assert way.keys() == ["k"]


def test_a_client_without_a_time_out_waits(way: Way) -> None:
    way.fault("action=hang,seconds=0.2")
    way.client.timeout = httpx.Timeout(None)
    assert way.post().status_code == 201


@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "hang"])
@pytest.mark.parametrize("request_", [("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/k"), ("PATCH", "/")])
def test_the_server_keeps_serving_after_every_action(tmp_path: Path, name: str, request_: tuple[str, str], caplog: Any) -> None:
    emulator = known(tmp_path)
    emulator.faults.add(FaultRule.parse(f"action={name.replace('<status>', '503')}"))
    with (
        caplog.at_level(logging.INFO),
        serving(emulator) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer app"}) as client,
    ):
        try:
            client.request(*request_, json=BODY)
        except httpx.RemoteProtocolError:
            assert name in ("drop", "lose", "cut")
        assert client.get(PATH).status_code == 200
    assert complaints(caplog) == []


# --- the bytes --------------------------------------------------------------------------------------------------------------


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def received(url: str, method: str = "GET") -> bytes:
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30) as client:
        client.sendall(f"{method} {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer app\r\n\r\n".encode())
        return b"".join(iter(lambda: client.recv(4096), b""))


@pytest.mark.parametrize("action", ["drop", "lose"])
def test_not_one_byte_of_a_response_is_sent(tmp_path: Path, action: str) -> None:
    emulator = known(tmp_path)
    with serving(emulator) as url:
        emulator.faults.add(FaultRule.parse(f"action={action}"))
        assert received(url) == b""


def test_a_cut_response_ends_in_the_middle_of_its_body(tmp_path: Path) -> None:
    emulator = known(tmp_path)
    emulator.faults.add(FaultRule.parse("action=cut"))
    with serving(emulator) as url:
        head, _, body = received(url).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: 2" in head
    assert body == b"["


def test_a_request_that_hangs_ends_with_its_client(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    emulator = known(tmp_path)
    emulator.faults.add(FaultRule.parse("action=hang"))
    with caplog.at_level(logging.INFO), serving(emulator) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(url + PATH, timeout=0.2)
        assert httpx.get(url + PATH).status_code == 401
    assert complaints(caplog) == []  # uvicorn would say that it had to cancel a task


def test_a_request_that_hangs_ends_with_the_server(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    emulator = known(tmp_path)
    emulator.faults.add(FaultRule.parse("action=hang"))
    with caplog.at_level(logging.INFO), ThreadPoolExecutor(1) as pool:
        with serving(emulator) as url:
            hanging = pool.submit(httpx.get, url + PATH, timeout=30)
            while emulator.faults._counts[0]._matched == 0:
                time.sleep(0.01)
            time.sleep(0.2)  # the response has to be made before it can hang
        with pytest.raises(httpx.RemoteProtocolError):
            hanging.result(30)
    assert complaints(caplog) == []
