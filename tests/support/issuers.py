"""Fake token issuers for the tests of the broker: signing keys, claims, and a JWKS server on the loopback address."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

APP = "ari:cloud:ecosystem::app/77334c21-3dd0-474f-a53f-28b4eeee5a71"
ACME = "ari:cloud:ecosystem::installation/75969db9-dc7b-4798-9715-bd098ac0d9d1"
GLOBEX = "ari:cloud:ecosystem::installation/0a3a7799-53ae-4a5b-9e7e-03338980abb5"
GITHUB = "https://token.actions.githubusercontent.com"
BITBUCKET = "https://api.bitbucket.org/2.0/workspaces/example/pipelines-config/identity/oidc"
AUDIENCE = "https://broker.test"


@cache
def private_key(name: str) -> PrivateKeyTypes:
    """The private key of a name, made once: P-256 if the name begins with `ec`, else RSA."""
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def algorithm_of(name: str) -> str:
    return {"ec": "ES256", "rsa512": "RS512"}.get(name.partition("-")[0], "RS256")


def public_jwk(name: str) -> dict[str, Any]:
    key: Any = private_key(name)
    kind = ECAlgorithm if name.startswith("ec") else RSAAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig", "alg": algorithm_of(name)}


def signed(claims: dict[str, Any], key: str = "rsa-1", **headers: Any) -> str:
    secret: Any = private_key(key)
    given = {name: value for name, value in {"kid": key, **headers}.items() if value is not None}
    return jwt.encode(claims, secret, algorithm=algorithm_of(key), headers=given)


def find_token_parts(content: bytes) -> list[bytes]:
    """Find what begins like a token's header or claims: JSON from ``{"`` to the end of its first name.

    The prefix ``eyJ`` alone is not enough: a ciphertext in base64 contains it by chance, once in 262144 positions.
    """
    runs = re.findall(rb"eyJ[A-Za-z0-9_-]{9,}", content)
    return [run for run in runs if re.match(rb'\{"\w+":', base64.urlsafe_b64decode(run[: len(run) // 4 * 4]))]


def without(claims: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


def invocation_claims(installation: str = ACME, **other: Any) -> dict[str, Any]:
    """The claims of a call by a trigger, as documented and as in a recorded call; valid for 25 seconds."""
    now = int(time.time())
    app = {
        "id": APP,
        "appVersion": "2.0.0",
        "installationId": installation,
        "apiBaseUrl": "https://api.atlassian.com/ex/jira/4c822e2f-510f-48b9-b8d2-8419d0932949",
        "environment": {"type": "PRODUCTION", "id": "ari:cloud:ecosystem::environment/3bb5deab-afcd-4140-9be4-f837b4b14b2c"},
        "module": {"type": "core:trigger", "key": "broker-hourly"},
    }
    times = {"iat": now, "nbf": now, "exp": now + 25}
    return {"app": app, "context": {}, "aud": APP, "iss": "forge/invocation-token", "jti": uuid4().hex, **times, **other}


def invocation_claims_with_app(**changes: Any) -> dict[str, Any]:
    """The same claims with changes in `app`."""
    claims = invocation_claims()
    return {**claims, "app": {**claims["app"], **changes}}


def system_token(seconds: float = 3 * 3600, **other: Any) -> str:
    """A system token that expires after the given time. Its signing key is not published."""
    now = int(time.time())
    return signed({"exp": now + int(seconds), "iat": now, "mark": f"planted-{uuid4().hex}", **other}, "rsa-atlassian")


def github_claims(**other: Any) -> dict[str, Any]:
    """The claims of a GitHub job on the main branch, with the older form of the subject."""
    now = int(time.time())
    return {
        "iss": GITHUB,
        "aud": AUDIENCE,
        "sub": "repo:acme/infrastructure:environment:production",
        "repository": "acme/infrastructure",
        "repository_id": "123456789",
        "ref": "refs/heads/main",
        "event_name": "push",
        "environment": "production",
        "run_id": "4711",
        "actor": "octocat",
        "jti": uuid4().hex,
        "iat": now,
        "nbf": now - 300,
        "exp": now + 300,
        **other,
    }


def bitbucket_claims(**other: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": BITBUCKET,
        "aud": [AUDIENCE],
        "sub": "{repository}:{production}:{step}",
        "repositoryUuid": "{repository}",
        "deploymentEnvironmentUuid": "{production}",
        "stepUuid": "{step}",
        "iat": now,
        "exp": now + 3600,
        **other,
    }


@dataclass
class JwksServer:
    """A JWKS server. ``published`` are the names of its keys; ``fetches`` are the requested paths."""

    base_url: str = ""
    published: list[str] = field(default_factory=lambda: ["rsa-1", "ec-1", "rsa512-1"])
    fetches: list[str] = field(default_factory=list)
    body: bytes | None = None

    def url(self, path: str) -> str:
        return f"{self.base_url}/{path}"


class _Handler(BaseHTTPRequestHandler):
    keys: JwksServer

    def do_GET(self) -> None:
        self.keys.fetches.append(self.path)
        body = self.keys.body
        if body is None:
            body = json.dumps({"keys": [public_jwk(name) for name in self.keys.published]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def serve_jwks() -> Iterator[JwksServer]:
    """Run a JWKS server until the end of the block."""
    keys = JwksServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"keys": keys}))
    keys.base_url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield keys
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
