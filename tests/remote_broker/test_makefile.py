"""`make` in the broker's folder starts a broker from a fresh copy, with the packages of requirements.txt."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.broker import FOLDER


@pytest.mark.timeout(300)
def test_make_creates_an_environment_and_a_key_and_serves(tmp_path: Path) -> None:
    folder = tmp_path / "remote-broker"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".local", "__pycache__"))
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("FORGE_BROKER", "COVERAGE", "MAKE", "PYTHON"))
    }
    make = subprocess.Popen(
        ["make", "-C", str(folder)],
        env={**kept, "FORGE_BROKER_PORT": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert make.stderr
        first = make.stderr.readline()
        assert '"listening"' in first, first + make.stderr.read()
        listening = json.loads(first)
        url = f"http://{listening['host']}:{listening['port']}"
        assert httpx.get(f"{url}/health", timeout=15, trust_env=False).json() == {"status": "ok"}
        assert httpx.post(f"{url}/v1/forge/token", timeout=15, trust_env=False).status_code == 401
    finally:
        os.killpg(make.pid, signal.SIGTERM)
        make.communicate(timeout=20)
    modes = {name: stat.S_IMODE((folder / ".local" / name).stat().st_mode) for name in ("keys", "broker.db")}
    assert modes == {"keys": 0o600, "broker.db": 0o600}
