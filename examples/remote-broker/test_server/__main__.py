"""`python -m test_server`: the broker with a fake Forge and a fake GitHub. Not for production.

One key, made at the start and kept in memory, signs for both. The fake Forge delivers one system token, which expires after four
hours. The fake GitHub issues a job's identity token to callers with the job's secret. The settings for the job and for the API
are written to `.local/test-server`.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

FOLDER: Final = Path(__file__).resolve().parent.parent
OUTPUT: Final = FOLDER / ".local" / "test-server"
APP: Final = "ari:cloud:ecosystem::app/00000000-0000-0000-0000-000000000000"
ACME: Final = "ari:cloud:ecosystem::installation/00000000-0000-0000-0000-000000000001"
AUDIENCE: Final = "broker.test-server"
JOB: Final = {"repository_id": "123456789", "ref": "refs/heads/main", "event_name": "push"}
SYSTEM_TOKEN_LIFETIME_S: Final = 4 * 3600

_KEY: Final = ec.generate_private_key(ec.SECP256R1())
_SECRET: Final = secrets.token_urlsafe()


def sign(seconds: float, **claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"iat": now, "exp": now + int(seconds), **claims}, _KEY, "ES256", {"kid": "test-server"})


class _FakeIssuer(BaseHTTPRequestHandler):
    """Publishes the key, and issues the identity token of a job on the main branch, as GitHub does."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/keys":
            self._respond(200, {"keys": [ECAlgorithm.to_jwk(_KEY.public_key(), as_dict=True) | {"kid": "test-server"}]})
        elif parts.path == "/identity" and self.headers.get("authorization") == f"bearer {_SECRET}":
            audience = parse_qs(parts.query).get("audience", [""])[0]
            issuer = f"http://{self.headers['host']}"
            self._respond(200, {"value": sign(300, iss=issuer, aud=audience, sub="repo:acme/infrastructure", **JOB)})
        else:
            self._respond(401, {"message": "not a job's secret"})

    def _respond(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def policy(issuer: str) -> str:
    """A policy with one job and one installation; claims and ids as in policy.example.toml."""
    claims = "\n".join(f'{name} = ["{value}"]' for name, value in JOB.items())
    return f"""
[forge]
app_id = "{APP}"
modules = ["broker-hourly"]
jwks_url = "{issuer}/keys"

[issuers.github]
kind = "github"
issuer = "{issuer}"
jwks_url = "{issuer}/keys"
audience = "{AUDIENCE}"

[installations.acme]
id = "{ACME}"

[[installations.acme.allow]]
issuer = "github"
[installations.acme.allow.claims]
{claims}
"""


def deliver(broker: str, system_token: str) -> None:
    """Deliver a token as Forge does every hour, with an invocation token that is valid for as long as Forge's."""
    app = {"id": APP, "installationId": ACME, "module": {"type": "core:trigger", "key": "broker-hourly"}}
    invocation = sign(25, iss="forge/invocation-token", aud=APP, jti=secrets.token_hex(16), app=app)
    headers = {"authorization": f"Bearer {invocation}", "x-forge-oauth-system": system_token}
    request = urllib.request.Request(f"{broker}/v1/forge/token", b"{}", headers, method="POST")  # noqa: S310 - loopback
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).close()


def write_outputs(broker: str, issuer: str, system_token: str) -> None:
    """Write the job's environment variables, and the token that the API accepts."""
    named = {"--broker": broker, "--installation": "acme", "--audience": AUDIENCE}
    command = ["python3", str(FOLDER / "fetch_token.py"), *(part for option in named.items() for part in option)]
    environment = {
        "ATLASSIAN_FORGE_TOKEN_COMMAND": json.dumps(command),
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer}/identity",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": _SECRET,
    }
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    (OUTPUT / "environment").write_text("".join(lines), "utf-8")
    (OUTPUT / "system-token").write_text(f"{system_token}\n", "ascii")


def main() -> None:
    """Serve until the process is stopped, then stop the broker. Exits with the broker's code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.mkdir(mode=0o700)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _FakeIssuer)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    issuer = f"http://127.0.0.1:{http.server_address[1]}"
    (OUTPUT / "policy.toml").write_text(policy(issuer), "utf-8")
    (OUTPUT / "keys").write_bytes(Fernet.generate_key())
    (OUTPUT / "keys").chmod(0o600)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORGE_BROKER_")}
    own = {"POLICY": OUTPUT / "policy.toml", "KEYS": OUTPUT / "keys", "DATABASE": OUTPUT / "broker.db", "HOST": "127.0.0.1"}
    own["PORT"] = os.environ.get("FORGE_BROKER_PORT", "8787")
    environment = kept | {f"FORGE_BROKER_{name}": str(value) for name, value in own.items()}
    command = [sys.executable, "-m", "broker"]
    with subprocess.Popen(command, cwd=FOLDER, env=environment, stderr=subprocess.PIPE, text=True) as broker:  # noqa: S603
        try:
            for line in broker.stderr or ():
                sys.stderr.write(line)
                if '"listening"' in line:
                    on_listening(json.loads(line), issuer)
        except KeyboardInterrupt:
            broker.terminate()
    sys.exit(broker.returncode)


def on_listening(listening: dict[str, str], issuer: str) -> None:
    broker, system_token = f"http://{listening['host']}:{listening['port']}", sign(SYSTEM_TOKEN_LIFETIME_S, sub="acme")
    deliver(broker, system_token)
    write_outputs(broker, issuer, system_token)
    print(f"the broker has a token; the job's environment is in {OUTPUT / 'environment'}", flush=True)


if __name__ == "__main__":
    main()
