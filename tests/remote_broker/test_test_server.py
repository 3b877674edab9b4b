"""examples/remote-broker/test_server: access control. tests/e2e/test_new_user.py runs Pulumi with it."""

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
    """A copy of the example in which the test server runs; on SIGTERM it stops, and the broker with it."""
    copy = tmp_path / "remote-broker"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns(".local", "__pycache__"))
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
    environment = {**kept, "FORGE_BROKER_PORT": "0", "FORGE_BROKER_HOST": "0.0.0.0"}
    command = [sys.executable, "-m", "test_server"]
    with subprocess.Popen(command, cwd=copy, env=environment, stdout=subprocess.PIPE, text=True) as test_server:
        try:
            assert test_server.stdout
            assert "the broker has a token" in test_server.stdout.readline()
            yield copy
        finally:
            test_server.send_signal(signal.SIGTERM)
            test_server.wait(20)


def variables(folder: Path) -> dict[str, str]:
    lines = (folder / ".local" / "test-server" / "environment").read_text("utf-8").splitlines()
    exported = [part for line in lines for part in shlex.split(line) if part != "export"]
    return dict(variable.split("=", 1) for variable in exported)


def test_only_callers_with_the_job_s_secret_on_this_machine_get_an_identity(folder: Path) -> None:
    output = folder / ".local" / "test-server"
    assert stat.S_IMODE(output.stat().st_mode) == 0o700
    job = variables(folder)
    identity = job["ACTIONS_ID_TOKEN_REQUEST_URL"]
    (broker,) = re.findall(r'"--broker", "([^"]+)"', job["ATLASSIAN_FORGE_TOKEN_COMMAND"])
    for url in (identity, broker):
        assert url.startswith("http://127.0.0.1:")
    with httpx.Client(trust_env=False, timeout=15) as client:
        assert client.get(identity, params={"audience": "broker.test-server"}).status_code == 401
        wrong = {"authorization": "bearer another"}
        assert client.get(identity, params={"audience": "broker.test-server"}, headers=wrong).status_code == 401
        secret = {"authorization": f"bearer {job['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        tokens = [
            client.get(identity, params={"audience": audience}, headers=secret).json()["value"]
            for audience in ("broker.test-server", "another")
        ]
        responses = [
            client.post(f"{broker}/v1/installations/acme/token", headers={"authorization": f"Bearer {token}"}) for token in tokens
        ]
    assert [response.status_code for response in responses] == [200, 401]
    assert responses[0].json()["token"] == (output / "system-token").read_text("ascii").strip()
