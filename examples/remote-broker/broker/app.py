"""The HTTP API of the broker: Forge delivers system tokens, CI requests them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .audit import audit
from .ci_auth import Identity, IdentityVerifier, identity_from_certificate
from .invocation_token import InvocationVerifier, expiry_of
from .limits import BodyLimitMiddleware
from .policy import Policy
from .store import Store, StoredToken
from .tokens import KeysUnavailableError, TokenRejectedError

MIN_REMAINING_S: Final = 30.0
"""A token that expires sooner is not issued."""

_NO_STORE: Final = {"cache-control": "no-store"}


class Broker:
    """The endpoints. They are no coroutines: starlette runs them in threads, where SQLite and a JWKS request may block."""

    def __init__(self, policy: Policy, store: Store, *, by_certificate: bool) -> None:
        self._policy = policy
        self._store = store
        self._by_certificate = by_certificate
        self._invocations = InvocationVerifier(policy.forge)
        self._identities = IdentityVerifier(policy)
        self._names = {installation.id: name for name, installation in policy.installations.items()}

    def app(self) -> Starlette:
        """The application. Forge has no client certificate, so a broker that requires one has no endpoint for deliveries."""
        issue = Route("/v1/installations/{name}/token", self._issue, methods=["POST"])
        deliver = Route("/v1/forge/token", self._receive, methods=["POST"])
        health = Route("/health", self._health, methods=["GET"])
        app = Starlette(
            routes=[health, issue] if self._by_certificate else [health, issue, deliver],
            middleware=[Middleware(BodyLimitMiddleware)],
            exception_handlers={HTTPException: _http_error, Exception: _internal_error},
        )
        app.router.redirect_slashes = False  # a redirect would go to the host of the request's Host header
        return app

    def _receive(self, request: Request) -> Response:
        """Store the token that Forge delivers.

        Forge retries after any status but 2xx. So a valid delivery that is not needed gets a 204, too.
        """
        now = time.time()
        try:
            call = self._invocations.verify(_bearer(request))
        except TokenRejectedError as error:
            audit("delivery-refused", reason=f"the invocation token is {error}")
            return _error(401, "INVOCATION_TOKEN", f"the invocation token is {error}")
        except KeysUnavailableError as error:
            audit("delivery-failed", reason=str(error))
            return _error(503, "KEYS_UNAVAILABLE", f"{error}: try again")
        name = self._names.get(call.installation)
        if name is None:
            audit("delivery-ignored", installation_id=call.installation, reason="the installation is not in the policy")
            return Response(status_code=204)
        token = request.headers.get("x-forge-oauth-system", "")
        try:
            new = StoredToken(call.installation, token, expiry_of(token, now))
        except TokenRejectedError as error:
            reason = f"the system token is {error}" if token else "no system token: see auth.appSystemToken and the scopes"
            audit("delivery-refused", installation=name, reason=reason)
            return _error(422, "SYSTEM_TOKEN", reason)
        outcome = self._store.put(new, call.digest, call.expires_at, now)
        audit(f"delivery-{outcome}", installation=name, module=call.module, expires_at=_rfc3339(new.expires_at))
        return Response(status_code=204)

    def _issue(self, request: Request) -> Response:
        """Issue a token to CI. The response is the same for an unknown installation and for one that is not allowed."""
        name = request.path_params["name"]
        try:
            identity = self._identity(request)
        except TokenRejectedError as error:
            audit("fetch-refused", reason=f"the identity is {error}")
            return _error(401, "IDENTITY", f"the identity is {error}")
        except KeysUnavailableError as error:
            audit("fetch-failed", reason=str(error))
            return _error(503, "KEYS_UNAVAILABLE", f"{error}: try again")
        audited = identity.audit_fields()
        installation = self._policy.installations.get(name)
        if installation is None or not identity.is_allowed(installation):
            requested = name if installation else "not in the policy"
            audit("fetch-refused", installation=requested, reason="no rule allows this identity", **audited)
            return _error(403, "NOT_ALLOWED", "no rule of the policy allows this identity to fetch that token")
        found = self._store.get(installation.id)
        if found is None or found.expires_at <= time.time() + MIN_REMAINING_S:
            audit("fetch-failed", installation=name, reason="no valid token", **audited)
            return _error(404, "NO_TOKEN", "no valid token is stored: Forge delivers one an hour, see delivery events in the log")
        expires_at = _rfc3339(found.expires_at)
        audit("token-issued", installation=name, expires_at=expires_at, **audited)
        return _json(200, {"token": found.token, "expiresAt": expires_at, "installationId": found.installation})

    def _identity(self, request: Request) -> Identity:
        if self._by_certificate:
            return identity_from_certificate(request.state.certificate)
        return self._identities.verify(_bearer(request))

    def _health(self, _request: Request) -> Response:
        self._store.get("")  # raises if the database cannot be read
        return _json(200, {"status": "ok"})


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenRejectedError("missing: authorization: Bearer …")
    return token.strip()


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _json(status: int, body: dict[str, str]) -> JSONResponse:
    return JSONResponse(body, status, _NO_STORE)


def _error(status: int, code: str, message: str) -> JSONResponse:
    return _json(status, {"code": code, "message": message})


def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = _error(status, HTTPStatus(status).name, HTTPStatus(status).phrase.lower())
    response.headers.update(getattr(error, "headers", None) or {})
    return response


def _internal_error(_request: Request, _cause: Exception) -> Response:
    return _error(500, "INTERNAL", "the broker failed; see its log")
