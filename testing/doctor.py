"""Driver of `forge-modules doctor` in an empty folder, with a fake engine and a fake Python."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_atlassian_forge.version import __version__
from testing.command import register_outside, run
from testing.independent_server import TOKEN, Server
from testing.project import Outcome

HOST = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
PROBED = {
    "python": [3, 12],
    "prefix": "/",
    "pip": True,
    "sdk": "3.259.0",
    "package": __version__,
    "editable": False,
    "error": None,
}
NO_PROXIES = {f"{name}_PROXY": "" for name in ("HTTP", "HTTPS", "ALL", "NO")}
NO_CERTIFICATES = {f"SSL_CERT_{what}": "" for what in ("FILE", "DIR")}
OTHER_CERTIFICATES = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), "")
NO_SETTINGS = NO_PROXIES | NO_CERTIFICATES | OTHER_CERTIFICATES | {"PULUMI_PYTHON_CMD": "", "PULUMI_RUNTIME_VIRTUALENV": ""}


@dataclass
class Doctor:
    """Runs the doctor in a folder. Each run asserts that nothing is changed and no token is shown."""

    root: Path

    def __call__(self, *args: str, server: Server | None = None, **environment: str) -> Outcome:
        path = environment.pop("PATH", None) or self.tools()
        done = run("doctor", *args, server=server, cwd=self.root, **{**NO_SETTINGS, "PATH": path, **environment})
        for token in {environment.get("ATLASSIAN_FORGE_TOKEN", TOKEN), TOKEN}:
            assert not any(part in done.text for part in token.split("."))
        if server is not None:
            assert server.count("GET") == len(server.calls)
        return done

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python3"

    def tools(self, *, pulumi: str | None = "v3.259.0", host: tuple[str, ...] = HOST, **python: Any) -> str:
        """Write the programs, and return a PATH with them."""
        folder = self.root / "bin"
        for name in host:
            program(folder / name, "exit 1")
        if pulumi is not None:
            program(folder / "pulumi", f"echo {pulumi}")
        program(self.python, f"echo '{json.dumps(PROBED | python)}'")
        return f"{folder}:/usr/bin:/bin"


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)


def keeping_the_contract(server: Server) -> Server:
    """Also assumption A14."""
    server.interfere = lambda call: (422, {"message": "limit"}) if call.query == "limit=0" else None
    return server


def jwt(**claims: Any) -> str:
    parts = ({"alg": "RS256", "typ": "JWT"}, claims, {"signature": "planted"})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def expect(outcome: Outcome, code: int, *lines: str) -> None:
    """Each is a line, or some that follow each other."""
    assert outcome.code == code, outcome.text
    assert outcome.stderr == ""
    shown = "\n".join(line.strip() for line in outcome.stdout.splitlines())
    for line in lines:
        assert f"\n{line}\n" in f"\n{shown}\n", outcome.stdout


def there(server: Server, count: int, version: str = "v1") -> None:
    for number in range(count):
        register_outside(server, version, f"{version}-{number}")
