"""The emulator: one function from a request to a response, without a socket. Numbers in comments: API assumptions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from .faults import FaultRule, Faults, IncomingRequest
from .installation_details import installation_details
from .operations import Operations
from .options import DEFAULTS, EmulatorOptions
from .requests import Credentials, Route, credentials_of, route_of
from .responses import INTERNAL, UNAUTHORIZED, EmulatorResponse, Refusal
from .store import Store, StoreError

__all__ = ["Emulator", "EmulatorResponse"]


class Emulator:
    """The API on one file, shared by all threads. Its options can be set, and its fault rules changed, at any time."""

    def __init__(
        self,
        store: Store,
        options: EmulatorOptions = DEFAULTS,
        faults: Iterable[FaultRule] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.options = options
        self.faults = Faults(faults)
        self._clock = clock

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        *,
        installation: str | None = None,
    ) -> EmulatorResponse:
        """Serve a request: a percent-encoded path without its query, header names in lower case.

        ``installation`` is that of a request without any credentials; if it is None, such a request is refused.
        """
        options, now = self.options, self._clock()  # once: a change applies to a request as a whole or not at all
        typed = options.error_body == "typed"
        respond = partial(_respond, typed=typed)

        def decided() -> EmulatorResponse:
            request = IncomingRequest(method, route_of(path), self._installation(headers, installation, now), now)
            serve = partial(self._serve, request, options, query, body)
            decision = self.faults.decide(request, retry_after=options.retry_after == "on")  # A25, A26, A28
            return decision.response(partial(respond, serve), typed=typed)

        return respond(decided)

    def installation_of(self, headers: Mapping[str, str]) -> str | None:
        """The installation of the credentials; None if there are none, or they are not valid."""
        return self._installation(headers, None, self._clock())

    def _serve(
        self, request: IncomingRequest, options: EmulatorOptions, query: Mapping[str, str], body: bytes
    ) -> EmulatorResponse:
        """Carry a request out; the credentials are checked before the route."""
        if request.installation is None:  # A01, A02
            raise Refusal(401, UNAUTHORIZED)
        if request.route is None:
            raise Refusal(404, "there is nothing at this path")
        if request.route.installation is not None:
            if request.method != "GET":
                raise Refusal(405, f"{request.method} is not for this resource", {"allow": "GET"})
            return installation_details(self.store, options, request.installation, request.route.installation, request.now)
        operations = Operations(self.store, options, request.installation, request.route.version, request.now)
        return _operate(operations, request.method, request.route, query, body)

    def _installation(self, headers: Mapping[str, str], installation: str | None, now: float) -> str | None:
        """The installation of a request; None if it has no valid credentials."""
        if installation is not None and not {"authorization", "forge-proxy-authorization"} & set(headers):
            return installation
        credentials = credentials_of(headers)
        return self._of_credentials(credentials, now) if credentials else None

    def _of_credentials(self, credentials: Credentials, now: float) -> str | None:
        with self.store.read() as rows:
            if credentials.token is None:
                name = credentials.installation or ""
                return name if credentials.as_app and rows.has_installation(name) else None
            token = rows.token(credentials.token)
        if token is None or token.kind != "app" or (token.expires_at is not None and token.expires_at <= now):
            return None
        return token.installation


def _respond(serve: Callable[[], EmulatorResponse], *, typed: bool) -> EmulatorResponse:
    """The response, or the error response to a refusal."""
    try:
        return serve()
    except Refusal as refusal:
        return refusal.response(typed=typed)
    except StoreError:
        return Refusal(500, INTERNAL).response(typed=typed)


def _operate(do: Operations, method: str, route: Route, query: Mapping[str, str], body: bytes) -> EmulatorResponse:
    match method, route.key:
        case "POST", None:
            return do.register(body)
        case "GET", None:
            return do.list(query)
        case "GET", str(key):
            return do.read(key)
        case "PUT", str(key):
            return do.update(key, body)
        case "DELETE", str(key):
            return do.delete(key)
    allowed = "GET, POST" if route.key is None else "GET, PUT, DELETE"
    raise Refusal(405, f"{method} is not for this resource", {"allow": allowed})  # A22
