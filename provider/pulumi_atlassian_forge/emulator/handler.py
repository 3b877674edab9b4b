"""The emulator: one function from a request to an answer, without a socket. Numbers in comments are rows of :mod:`.contract`."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping

from .answers import INTERNAL, UNAUTHORIZED, EmulatorAnswer, Refusal
from .faults import Faults
from .operations import Operations
from .requests import Credentials, Route, credentials_of, route_of
from .store import Store, StoreError
from .switches import DEFAULTS, Switches

__all__ = ["Emulator", "EmulatorAnswer"]


class Emulator:
    """The API, on one file. Threads may share it.

    Args:
        store: The file.
        switches: How it behaves.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: Store, switches: Switches = DEFAULTS, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self._clock = clock
        self._behaviour = (switches, Faults(switches))  # one tuple: a request sees both of before or both of after a change

    @property
    def switches(self) -> Switches:
        """How it behaves; setting it starts the counts of faults anew."""
        return self._behaviour[0]

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self._behaviour = (switches, Faults(switches))

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
        """Answer a request.

        Args:
            method: The method.
            path: The path, still percent-encoded, without the query.
            query: The parameters of the query.
            headers: The headers, names in lower case.
            body: The body.
            installation: Whose a request is that shows no credentials at all; None: nobody's.
        """
        switches, faults = self._behaviour
        try:
            do, route = self._admit(switches, faults, path, headers, installation)
            answer = _operate(do, method, route, query, body)
        except Refusal as refusal:
            return refusal.answer(typed=switches.error_body == "typed")
        except StoreError:
            return Refusal(500, INTERNAL).answer(typed=switches.error_body == "typed")
        if method == "POST" and faults.loses():  # 28
            return dataclasses.replace(answer, lost=True)
        return answer

    def _admit(
        self, switches: Switches, faults: Faults, path: str, headers: Mapping[str, str], installation: str | None
    ) -> tuple[Operations, Route]:
        """What a request may do, and where; who it is comes before where it goes."""
        if faults.fails():  # 26
            raise Refusal(500, INTERNAL)
        now = self._clock()
        owner = self._owner(headers, installation, now)
        if seconds := faults.wait(owner, now):  # 25
            raise Refusal(429, "too many requests", {"retry-after": str(seconds)} if switches.retry_after == "on" else {})
        route = route_of(path)
        if route is None:
            raise Refusal(404, "there is nothing at this path")
        return Operations(self.store, switches, owner, route.version, now), route

    def _owner(self, headers: Mapping[str, str], installation: str | None, now: float) -> str:
        """Whose a request is (1, 2)."""
        if installation is not None and not {"authorization", "forge-proxy-authorization"} & set(headers):
            return installation
        credentials = credentials_of(headers)
        owner = self._known(credentials, now) if credentials else None
        if owner is None:
            raise Refusal(401, UNAUTHORIZED)
        return owner

    def _known(self, credentials: Credentials, now: float) -> str | None:
        with self.store.read() as rows:
            if credentials.token is None:
                name = credentials.installation or ""
                return name if credentials.as_app and rows.has_installation(name) else None
            token = rows.token(credentials.token)
        if token is None or token.kind != "app" or (token.expires_at is not None and token.expires_at <= now):
            return None
        return token.installation


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
