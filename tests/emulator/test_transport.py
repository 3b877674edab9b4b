from __future__ import annotations

from pathlib import Path

import httpx

from pulumi_atlassian_forge.emulator.transport import EmulatorTransport

PATH = "/forge/installation/v1/dynamic/module"
BODY = {"key": "k", "type": "trigger", "data": {"events": ["e"], "function": "f"}}


def client(path: Path, installation: str = "default", **headers: str) -> httpx.Client:
    transport = EmulatorTransport(path, installation)
    return httpx.Client(transport=transport, base_url="https://emulator.invalid", headers=headers)


def test_a_request_without_credentials_is_one_of_the_installation(tmp_path: Path) -> None:
    path = tmp_path / "forge.db"
    with client(path, "one") as one, client(path, "two") as two:
        assert one.post(PATH, json=BODY).status_code == 201
        assert [module["key"] for module in one.get(f"{PATH}/?limit=10").json()] == ["k"]
        assert two.get(f"{PATH}/").json() == []


def test_credentials_are_checked_if_a_request_has_any(tmp_path: Path) -> None:
    path = tmp_path / "forge.db"
    with client(path, Authorization="Bearer unknown") as unknown:
        assert unknown.get(PATH).status_code == 401
    transport = EmulatorTransport(path)
    with transport.emulator.store.write() as rows:
        rows.add_token("known", "default")
    with client(path, Authorization="Bearer known") as known:
        assert known.get(PATH).status_code == 200


def test_a_percent_in_a_key_reaches_the_emulator_as_it_was_sent(tmp_path: Path) -> None:
    with client(tmp_path / "forge.db") as one:
        one.post(PATH, json=BODY)
        assert one.get(f"{PATH}/%6B").json()["key"] == "k"
        assert one.get(f"{PATH}/a%2Fk").status_code == 404
