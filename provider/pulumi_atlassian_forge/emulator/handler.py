"""The emulator: one function from a request to a response, without a socket. Numbers in comments are rows of :mod:`.contract`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from .fault_rules import FaultRule
from .faults import Asked, Faults
from .operations import Operations
from .options import DEFAULTS, EmulatorOptions
from .requests import Credentials, Route, credentials_of, route_of
from .responses import INTERNAL, UNAUTHORIZED, EmulatorAnswer, Refusal
from .store import Store, StoreError

__all__ = ["Emulator", "EmulatorAnswer"]


class Emulator:
    """The API, on one file. Threads may share it.

    Args:
        store: The file.
        options: How it behaves.
        faults: What it does wrong.
        clock: Seconds since the epoch.

    Attributes:
        store: The file.
        options: How it behaves; may be set at any time.
        faults: What it does wrong; rules may be added at any time.
    """

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
    ) -> EmulatorAnswer:
        """Response a request.

        Args:
            method: The method.
            path: The path, still percent-encoded, without the query.
            query: The parameters of the query.
            headers: The headers, names in lower case.
            body: The body.
            installation: Whose a request is that shows no credentials at all; None: nobody's.
        """
        options, now = self.options, self._clock()  # once: a request sees all of before a change, or all of after it
        typed = options.error_body == "typed"
        notify = partial(_said, typed=typed)

        def answered() -> EmulatorAnswer:
            asked = Asked(method, route_of(path), self._owner(headers, installation, now), now)
            serve = partial(self._serve, asked, options, query, body)
            met = self.faults.meet(asked, tell=options.retry_after == "on")  # 25, 26, 28
            return met.response(partial(notify, serve), typed=typed)

        return notify(answered)

    def _serve(self, asked: Asked, options: EmulatorOptions, query: Mapping[str, str], body: bytes) -> EmulatorAnswer:
        """Carry a request out; who it is comes before where it goes."""
        if asked.owner is None:  # 1, 2
            raise Refusal(401, UNAUTHORIZED)
        if asked.route is None:
            raise Refusal(404, "there is nothing at this path")
        operations = Operations(self.store, options, asked.owner, asked.route.version, asked.now)
        return _operate(operations, asked.method, asked.route, query, body)

    def _owner(self, headers: Mapping[str, str], installation: str | None, now: float) -> str | None:
        """Whose a request is; None: nobody's."""
        if installation is not None and not {"authorization", "forge-proxy-authorization"} & set(headers):
            return installation
        credentials = credentials_of(headers)
        return self._known(credentials, now) if credentials else None

    def _known(self, credentials: Credentials, now: float) -> str | None:
        with self.store.read() as rows:
            if credentials.token is None:
                name = credentials.installation or ""
                return name if credentials.as_app and rows.has_installation(name) else None
            token = rows.token(credentials.token)
        if token is None or token.kind != "app" or (token.expires_at is not None and token.expires_at <= now):
            return None
        return token.installation


def _said(response: Callable[[], EmulatorAnswer], *, typed: bool) -> EmulatorAnswer:
    """The response, or the refusal in words."""
    try:
        return response()
    except Refusal as refusal:
        return refusal.response(typed=typed)
    except StoreError:
        return Refusal(500, INTERNAL).response(typed=typed)


def _operate(do: Operations, method: str, route: Route, query: Mapping[str, str], body: bytes) -> EmulatorAnswer:
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
    raise Refusal(405, f"{method} is not for this resource", {"allow": allowed})  # 22
