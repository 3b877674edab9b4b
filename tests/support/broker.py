"""The broker as an operator runs it: `python -m broker`, a separate process on a free port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet

from tests.support.issuers import ACME, APP, AUDIENCE, BITBUCKET, GITHUB, GLOBEX, JwksServer, invocation_claims, signed

FOLDER = Path(__file__).parent.parent.parent / "examples" / "remote-broker"
CERTIFICATE = "spiffe://ci.test/acme"


def policy(jwks: JwksServer) -> str:
    return f"""
[forge]
app_id = "{APP}"
modules = ["broker-endpoint", "broker-hourly", "broker-lifecycle"]
jwks_url = "{jwks.url("forge")}"

[issuers.github]
kind = "github"
issuer = "{GITHUB}"
jwks_url = "{jwks.url("github")}"
audience = "{AUDIENCE}"

[issuers.bitbucket]
kind = "bitbucket"
issuer = "{BITBUCKET}"
jwks_url = "{jwks.url("bitbucket")}"
audience = "{AUDIENCE}"

[installations.acme]
id = "{ACME}"

[[installations.acme.allow]]
issuer = "github"
[installations.acme.allow.claims]
repository_id = ["123456789"]
ref = ["refs/heads/main"]
event_name = ["push", "workflow_dispatch"]

[[installations.acme.allow]]
issuer = "bitbucket"
[installations.acme.allow.claims]
repositoryUuid = ["{{repository}}"]
deploymentEnvironmentUuid = ["{{production}}"]

[[installations.acme.allow]]
certificate = ["{CERTIFICATE}"]

[installations.globex]
id = "{GLOBEX}"
[[installations.globex.allow]]
certificate = ["spiffe://ci.test/globex"]
"""


@dataclass
class BrokerFiles:
    """The policy, keys, database and log of a broker. Several processes may share them."""

    root: Path
    jwks: JwksServer

    def __post_init__(self) -> None:
        (self.root / "policy.toml").write_text(policy(self.jwks), encoding="utf-8")
        (self.root / "keys").write_text(Fernet.generate_key().decode() + "\n", encoding="ascii")
        (self.root / "keys").chmod(0o600)

    @property
    def database(self) -> Path:
        return self.root / "broker.db"

    @property
    def log_text(self) -> str:
        """The log of all brokers that ran here."""
        return (self.root / "broker.log").read_text("utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of the broker's process, without settings and proxies of this machine."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
        own = {"POLICY": str(self.root / "policy.toml"), "KEYS": str(self.root / "keys"), "PORT": "0"}
        return {
            **kept,
            "PYTHONPATH": str(FOLDER),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{f"FORGE_BROKER_{name}": value for name, value in {**own, "DATABASE": str(self.database), **more}.items()},
        }

    def all_bytes(self) -> bytes:
        """The content of all files: database, SQLite's own files, log, policy and keys."""
        return b"\n".join(path.read_bytes() for path in self.root.iterdir())


@dataclass
class Broker:
    """A running broker."""

    files: BrokerFiles
    base_url: str
    client: httpx.Client

    def deliver(self, token: str, invocation: str | None = None, **headers: str) -> httpx.Response:
        """Deliver a token as Forge does."""
        invocation = signed(invocation_claims()) if invocation is None else invocation
        sent = {"authorization": f"Bearer {invocation}", "x-forge-oauth-system": token, **headers}
        return self.client.post("/v1/forge/token", json={"event": "avi:forge:installed:app"}, headers=sent)

    def fetch(self, identity: str | None, installation: str = "acme") -> httpx.Response:
        """Fetch a token as CI does."""
        headers = {} if identity is None else {"authorization": f"Bearer {identity}"}
        return self.client.post(f"/v1/installations/{installation}/token", headers=headers)

    def log(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [line for line in map(json.loads, self.files.log_text.splitlines()) if line["event"] == event]


@contextmanager
def run_broker(files: BrokerFiles, **settings: str) -> Iterator[Broker]:
    """Run a broker until the end of the block."""
    with (files.root / "broker.log").open("a+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "broker"],
            cwd=files.root,
            env=files.environment(**settings),
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            first = _listening(process, files, log.tell())
            scheme = "https" if "TLS_CERTIFICATE" in settings else "http"
            base_url = f"{scheme}://{first['host']}:{first['port']}"
            with httpx.Client(base_url=base_url, timeout=15, trust_env=False) as client:
                yield Broker(files, base_url, client)
        finally:
            process.terminate()
            process.wait(20)


def _listening(process: subprocess.Popen[bytes], files: BrokerFiles, begin: int) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        for line in files.log_text[begin:].splitlines(keepends=True):
            if line.endswith("\n") and '"listening"' in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.02)
    raise AssertionError(f"the broker does not listen: {files.log_text}")


def failed_start(files: BrokerFiles, **settings: str) -> str:
    """Start a broker with invalid settings and return its error."""
    completed = subprocess.run(
        [sys.executable, "-m", "broker"],
        cwd=files.root,
        env={name: value for name, value in files.environment(**settings).items() if value},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 1, completed.stderr
    assert "Traceback" not in completed.stderr
    return completed.stderr
