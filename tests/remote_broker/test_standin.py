"""examples/remote-broker/standin: what it gives, and to whom. tests/e2e/test_newcomer.py goes all the way with it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.broker import FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A copy of the example in which the stand-in runs; it ends when it is told to, and the broker with it."""
    copy = tmp_path / "remote-broker"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns(".local", "__pycache__"))
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
    environment = {**kept, "FORGE_BROKER_PORT": "0", "FORGE_BROKER_HOST": "0.0.0.0"}
    command = [sys.executable, "-m", "standin"]
    with subprocess.Popen(command, cwd=copy, env=environment, stdout=subprocess.PIPE, text=True) as standin:
        try:
            assert standin.stdout
            assert "the broker has a token" in standin.stdout.readline()
            yield copy
        finally:
            standin.send_signal(signal.SIGTERM)
            standin.wait(20)


def variables(folder: Path) -> dict[str, str]:
    lines = (folder / ".local" / "standin" / "environment").read_text("utf-8").splitlines()
    exported = [part for line in lines for part in shlex.split(line) if part != "export"]
    return dict(variable.split("=", 1) for variable in exported)


def test_only_this_machine_and_only_who_can_read_its_files_gets_an_identity(folder: Path) -> None:
    place = folder / ".local" / "standin"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    job = variables(folder)
    identity = job["ACTIONS_ID_TOKEN_REQUEST_URL"]
    (broker,) = re.findall(r'"--broker", "([^"]+)"', job["ATLASSIAN_FORGE_TOKEN_COMMAND"])
    for url in (identity, broker):
        assert url.startswith("http://127.0.0.1:")
    with httpx.Client(trust_env=False, timeout=15) as client:
        assert client.get(identity, params={"audience": "broker.standin"}).status_code == 401
        wrong = {"authorization": "bearer somebody-s"}
        assert client.get(identity, params={"audience": "broker.standin"}, headers=wrong).status_code == 401
        secret = {"authorization": f"bearer {job['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        given = [
            client.get(identity, params={"audience": audience}, headers=secret).json()["value"]
            for audience in ("broker.standin", "another")
        ]
        responses = [
            client.post(f"{broker}/v1/installations/acme/token", headers={"authorization": f"Bearer {token}"}) for token in given
        ]
    assert [response.status_code for response in responses] == [200, 401]
    assert responses[0].json()["token"] == (place / "system-token").read_text("ascii").strip()
