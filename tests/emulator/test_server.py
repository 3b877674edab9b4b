from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from pulumi_atlassian_forge.emulator.handler import Emulator
from pulumi_atlassian_forge.emulator.server import serving
from pulumi_atlassian_forge.emulator.store import Store
from testing.environment import environment

PATH = "/forge/installation/v1/dynamic/module"
DATA = {"events": ["avi:jira:ü"], "function": "f"}


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    store = Store(tmp_path / "forge.db")
    with store.write() as rows:
        rows.add_token("app", "one")
    return Emulator(store)


@pytest.fixture
def client(emulator: Emulator) -> Iterator[httpx.Client]:
    with serving(emulator) as url, httpx.Client(base_url=url, headers={"Authorization": "Bearer app"}) as client:
        yield client


def test_the_five_operations_over_http(client: httpx.Client) -> None:
    created = client.post(f"{PATH}/", json={"key": "k", "type": "trigger", "data": DATA})
    assert (created.status_code, created.json()["data"]) == (201, {**DATA, "key": "k"})
    assert client.get(f"{PATH}/", params={"limit": "10"}).json() == [created.json()]
    assert client.get(f"{PATH}/k").headers["content-type"] == "application/json"
    changed = client.put(f"{PATH}/k", json={"key": "k", "type": "trigger", "data": {**DATA, "events": ["e"]}})
    assert changed.json()["data"]["events"] == ["e"]
    deleted = client.delete(f"{PATH}/k")
    assert (deleted.status_code, deleted.content) == (204, b"")


def test_every_path_and_method_is_the_handlers(client: httpx.Client) -> None:
    assert client.get("/").status_code == 404
    assert client.patch(PATH).status_code == 405
    assert client.get("/atlassian" + PATH).json() == []
    assert client.get(PATH, headers={"Authorization": "Bearer other"}).status_code == 401
    client.post(PATH, json={"key": "k", "type": "trigger", "data": DATA})
    assert client.get(f"{PATH}/%6B").status_code == 200


def test_many_clients_at_once(client: httpx.Client) -> None:
    def post(number: int) -> int:
        return client.post(PATH, json={"key": f"k{number}", "type": "trigger", "data": DATA}).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(post, range(60))) == {201}
    assert len(client.get(PATH).json()) == 60


def test_the_port_is_closed_after_the_server(emulator: Emulator) -> None:
    with serving(emulator) as url:
        pass
    port = int(url.rpartition(":")[2])
    with socket.socket() as connection:
        assert connection.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:1", 200),
        ("LOCALHOST:8080", 200),
        ("[::1]:8080", 200),
        ("127.9.9.9", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("api.localhost", 421),
        ("evil@127.0.0.1.example", 421),
        ("192.0.2.1", 421),
        ("0.0.0.0", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_a_request_has_to_name_the_server(client: httpx.Client, host: str, status: int) -> None:
    assert client.get(PATH, headers={"Host": host}).status_code == status
    client.post(PATH, headers={"Host": host}, json={"key": "k", "type": "trigger", "data": DATA})
    assert len(client.get(PATH).json()) == (status == 200)


def test_the_name_of_the_bound_host_and_the_address_of_the_connection_are_accepted(emulator: Emulator) -> None:
    with serving(emulator, "0.0.0.0") as url, httpx.Client(base_url=url, headers={"Authorization": "Bearer app"}) as client:
        assert client.get(PATH).status_code == 200
        refused = client.get(PATH, headers={"Host": "evil.example"})
        assert (refused.status_code, refused.json()) == (
            421,
            {"message": "this name is not the emulator's: use an IP address, or start it with --host"},
        )


CONTAINER = {"forge-proxy-authorization": "Forge as=app,installationId=one"}


@pytest.mark.parametrize(
    ("prefix", "headers", "status"),
    [
        ("", CONTAINER, 401),
        ("/atlassian", CONTAINER, 401),
        ("/other/atlassian", CONTAINER, 401),
        ("/app/atlassian", CONTAINER, 200),
        ("/%61pp", CONTAINER, 200),
        ("/of-two", CONTAINER, 401),
        ("/app", {"forge-proxy-authorization": "Forge as=user,installationId=one"}, 401),
        ("/app", {"forge-proxy-authorization": "Forge as=app,installationId=two"}, 401),
        ("/app", {}, 401),
        ("/app", {**CONTAINER, "authorization": "Bearer other"}, 401),
        ("", {**CONTAINER, "authorization": "Bearer app"}, 200),
    ],
)
def test_the_header_of_a_container_s_proxy_needs_a_token_too(
    emulator: Emulator, prefix: str, headers: dict[str, str], status: int
) -> None:
    with emulator.store.write() as rows:
        rows.add_token("of-two", "two")
    with serving(emulator) as url:
        assert httpx.get(f"{url}{prefix}{PATH}", headers=headers, trust_env=False).status_code == status


@pytest.mark.parametrize("missing", ["uvicorn", "starlette"])
def test_without_the_extra_the_message_names_it(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; import pulumi_atlassian_forge.emulator.server"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert "pulumi-atlassian-forge[emulator]" in done.stderr.splitlines()[-1]
