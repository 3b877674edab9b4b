"""The two things that can be asked for, over HTTP: Forge brings a token, CI fetches one."""

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
from .ci_auth import Identities, Identity, certified
from .fit import Invocations, expiry_of
from .limits import NoBodies
from .policy import Policy
from .store import Store, Stored
from .tokens import KeysUnavailable, Refused

LEAST_LEFT: Final = 30.0
"""Seconds that a token has to live on to be worth handing out."""

_NOT_KEPT: Final = {"cache-control": "no-store"}


class Broker:
    """What responses. The endpoints are no coroutines: starlette runs them in threads, where SQLite and a JWKS may block."""

    def __init__(self, policy: Policy, store: Store, *, by_certificate: bool) -> None:
        self._policy = policy
        self._store = store
        self._by_certificate = by_certificate
        self._invocations = Invocations(policy.forge)
        self._identities = Identities(policy)
        self._names = {installation.id: name for name, installation in policy.installations.items()}

    def app(self) -> Starlette:
        """The application. Forge has no client certificate, so where one is required there is no way to bring a token."""
        fetch = Route("/v1/installations/{name}/token", self._hand_out, methods=["POST"])
        bring = Route("/v1/forge/token", self._receive, methods=["POST"])
        health = Route("/health", self._health, methods=["GET"])
        app = Starlette(
            routes=[health, fetch] if self._by_certificate else [health, fetch, bring],
            middleware=[Middleware(NoBodies)],
            exception_handlers={HTTPException: _no_such_way, Exception: _our_mistake},
        )
        app.router.redirect_slashes = False  # to wherever the request's Host header says
        return app

    def _receive(self, request: Request) -> Response:
        """Forge brings a token. A second response than 2xx has Forge try again, so what is right and not wanted is a 204, too."""
        now = time.time()
        try:
            call = self._invocations.verify(_bearer(request))
        except Refused as error:
            audit("delivery-refused", reason=f"the invocation token is {error}")
            return _answer(401, "INVOCATION_TOKEN", f"the invocation token is {error}")
        except KeysUnavailable as error:
            audit("delivery-failed", reason=str(error))
            return _answer(503, "KEYS_UNAVAILABLE", f"{error}: try again")
        name = self._names.get(call.installation)
        if name is None:
            audit("delivery-ignored", installation_id=call.installation, reason="the installation is not in the policy")
            return Response(status_code=204)
        token = request.headers.get("x-forge-oauth-system", "")
        try:
            new = Stored(call.installation, token, expiry_of(token, now))
        except Refused as error:
            reason = f"the system token is {error}" if token else "no system token: see auth.appSystemToken and the scopes"
            audit("delivery-refused", installation=name, reason=reason)
            return _answer(422, "SYSTEM_TOKEN", reason)
        outcome = self._store.put(new, call.mark, call.expires_at, now)
        audit(f"delivery-{outcome}", installation=name, module=call.module, expires_at=_rfc3339(new.expires_at))
        return Response(status_code=204)

    def _hand_out(self, request: Request) -> Response:
        """CI fetches a token. An installation that is not there and one that is not theirs look the same."""
        name = request.path_params["name"]
        try:
            identity = self._identity(request)
        except Refused as error:
            audit("fetch-refused", reason=f"the identity is {error}")
            return _answer(401, "IDENTITY", f"the identity is {error}")
        except KeysUnavailable as error:
            audit("fetch-failed", reason=str(error))
            return _answer(503, "KEYS_UNAVAILABLE", f"{error}: try again")
        who = identity.described()
        installation = self._policy.installations.get(name)
        if installation is None or not identity.may_fetch(installation):
            asked = name if installation else "not in the policy"
            audit("fetch-refused", installation=asked, reason="no rule admits them", **who)
            return _answer(403, "NOT_ADMITTED", "no rule of the policy admits this identity to an installation of that name")
        found = self._store.get(installation.id)
        if found is None or found.expires_at <= time.time() + LEAST_LEFT:
            audit("fetch-failed", installation=name, reason="no token that is valid", **who)
            return _answer(404, "NO_TOKEN", "no valid token is here: Forge brings one an hour, see the log for its deliveries")
        ends = _rfc3339(found.expires_at)
        audit("handed-out", installation=name, expires_at=ends, **who)
        return _json(200, {"token": found.token, "expiresAt": ends, "installationId": found.installation})

    def _identity(self, request: Request) -> Identity:
        if self._by_certificate:
            return certified(request.state.certificate)
        return self._identities.verify(_bearer(request))

    def _health(self, _request: Request) -> Response:
        self._store.get("")  # fails where the database does
        return _json(200, {"status": "ok"})


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused("missing: authorization: Bearer …")
    return token.strip()


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _json(status: int, body: dict[str, str]) -> JSONResponse:
    return JSONResponse(body, status, _NOT_KEPT)


def _answer(status: int, code: str, message: str) -> JSONResponse:
    return _json(status, {"code": code, "message": message})


def _no_such_way(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = _answer(status, HTTPStatus(status).name, HTTPStatus(status).phrase.lower())
    response.headers.update(getattr(error, "headers", None) or {})
    return response


def _our_mistake(_request: Request, _error: Exception) -> Response:
    return _answer(500, "INTERNAL", "the broker failed; its log says where")
