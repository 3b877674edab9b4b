"""The broker as its operator runs it: `python -m broker`, a process of its own on a free port."""

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

from tests.support.issuers import ACME, APP, AUDIENCE, BITBUCKET, GITHUB, GLOBEX, KeyClaims, fit_claims, signed

FOLDER = Path(__file__).parent.parent.parent / "examples" / "remote-broker"
CERTIFICATE = "spiffe://ci.test/acme"


def policy(keys: KeyClaims) -> str:
    return f"""
[forge]
app_id = "{APP}"
modules = ["broker-endpoint", "broker-hourly", "broker-lifecycle"]
jwks_url = "{keys.url("forge")}"

[issuers.github]
kind = "github"
issuer = "{GITHUB}"
jwks_url = "{keys.url("github")}"
audience = "{AUDIENCE}"

[issuers.bitbucket]
kind = "bitbucket"
issuer = "{BITBUCKET}"
jwks_url = "{keys.url("bitbucket")}"
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
class Place:
    """Where a broker's files are. Several processes may share one."""

    root: Path
    keys: KeyClaims

    def __post_init__(self) -> None:
        (self.root / "policy.toml").write_text(policy(self.keys), encoding="utf-8")
        (self.root / "keys").write_text(Fernet.generate_key().decode() + "\n", encoding="ascii")

    @property
    def database(self) -> Path:
        return self.root / "broker.db"

    @property
    def said(self) -> str:
        """The log of all brokers that ran here."""
        return (self.root / "broker.log").read_text("utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        """No setting of this machine leaks in, and none of its proxies stands between loopback addresses."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
        own = {"POLICY": str(self.root / "policy.toml"), "KEYS": str(self.root / "keys"), "PORT": "0"}
        return {
            **kept,
            "PYTHONPATH": str(FOLDER),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{f"FORGE_BROKER_{name}": value for name, value in {**own, "DATABASE": str(self.database), **more}.items()},
        }

    def everything(self) -> bytes:
        """All that the broker wrote: its database and what SQLite has beside it, its log."""
        return b"\n".join(path.read_bytes() for path in self.root.iterdir())


@dataclass
class Broker:
    """A broker that runs."""

    place: Place
    base_url: str
    client: httpx.Client

    def deliver(self, token: str, fit: str | None = None, **headers: str) -> httpx.Response:
        """Forge brings a token."""
        fit = signed(fit_claims()) if fit is None else fit
        sent = {"authorization": f"Bearer {fit}", "x-forge-oauth-system": token, **headers}
        return self.client.post("/v1/forge/token", json={"event": "avi:forge:installed:app"}, headers=sent)

    def fetch(self, identity: str | None, installation: str = "acme") -> httpx.Response:
        """CI fetches a token."""
        headers = {} if identity is None else {"authorization": f"Bearer {identity}"}
        return self.client.post(f"/v1/installations/{installation}/token", headers=headers)

    def log(self, event: str) -> list[dict[str, Any]]:
        """The lines of an event, as they were on the disk when the broker answered."""
        return [line for line in map(json.loads, self.place.said.splitlines()) if line["event"] == event]


@contextmanager
def running(place: Place, **settings: str) -> Iterator[Broker]:
    """Start a broker; end it, and see that it ends."""
    with (place.root / "broker.log").open("a+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "broker"],
            cwd=place.root,
            env=place.environment(**settings),
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            first = _listening(process, place, log.tell())
            scheme = "https" if "TLS_CERTIFICATE" in settings else "http"
            base_url = f"{scheme}://{first['host']}:{first['port']}"
            with httpx.Client(base_url=base_url, timeout=15, trust_env=False) as client:
                yield Broker(place, base_url, client)
        finally:
            process.terminate()
            process.wait(20)


def _listening(process: subprocess.Popen[bytes], place: Place, begin: int) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        for line in place.said[begin:].splitlines(keepends=True):
            if line.endswith("\n") and '"listening"' in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.02)
    raise AssertionError(f"the broker does not listen: {place.said}")


def refused_start(place: Place, **settings: str) -> str:
    """Start a broker that cannot begin, and read why."""
    done = subprocess.run(
        [sys.executable, "-m", "broker"],
        cwd=place.root,
        env={name: value for name, value in place.environment(**settings).items() if value},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr
