"""Web-trigger relay: a web trigger of the app sends the requests on, as the app (``examples/web-trigger-relay``).

A web trigger passes neither sub-paths nor every method, so the request travels in an envelope, and each one is signed: with an
HMAC-SHA256 over the lines ``forge-relay-1``, time, nonce, method, path, SHA-256 of the body.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from pulumi_atlassian_forge.api.errors import REFUSED, RELAY, InvalidResponse
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.model.content import canonical_json

from .secret import CachedSecret

_VERSION: Final = "forge-relay-1"
_KEY: Final = f"{RELAY}-key"
_INSTALLATION: Final = f"{RELAY}-installation"
_RELAYED, _FAILED = "relayed", "failed"
_NONCE_REUSED: Final = b'"RELAY_NONCE"'  # the reason of a refusal
_PLATFORM_STATUS: Final = 429  # and above: limits and failures of the platform before the relay mean what they always mean


class Signature:
    """Credentials in the form of a signature with the relay's key, which no ``repr`` shows and which cannot be pickled.

    A new ``nonce`` distinguishes each request from its retry.
    """

    __slots__ = ("_clock", "_key", "_nonce")

    def __init__(
        self,
        obtain: Callable[[], str],
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._key = CachedSecret(obtain, str)
        self._clock = clock
        self._nonce = nonce

    def headers(self, request: Request) -> Mapping[str, str]:
        """The signature of a request, made now: the relay accepts each once. Raises Unauthorized if there is no key."""
        key = self._key.get()
        at, nonce = str(int(self._clock())), self._nonce()
        body = hashlib.sha256(request.body or b"").hexdigest()
        text = f"{_VERSION}\n{at}\n{nonce}\n{request.method}\n{request.target}\n{body}"
        signature = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {f"{RELAY}-timestamp": at, f"{RELAY}-nonce": nonce, f"{RELAY}-signature": f"v1={signature}", _KEY: _key_id(key)}

    def refreshed(self, refused: Mapping[str, str]) -> bool:
        """Read the key again after a 401, unless another thread has just done so."""
        return self._key.refresh(lambda key: _key_id(key) == refused.get(_KEY))

    def __repr__(self) -> str:
        return "Signature(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not to be pickled")


class Relay:
    """Request envelope of the relay, which also distinguishes the relay's own responses from those of the API."""

    def __init__(self) -> None:
        self.installation: str | None = None  # its id, as the latest response named it
        self.has_responded = False  # whether a response of the API has been relayed

    def wrap(self, request: Request) -> Request:
        """The request to the relay that holds one to the API."""
        body = None if request.body is None else request.body.decode()
        envelope = {"method": request.method, "path": request.target, "body": body}
        return Request("POST", "", body=canonical_json(envelope).encode())

    def unwrap(self, response: Response) -> Response:
        """The API's response, or an error response of the relay or of the platform before it; else raises InvalidResponse."""
        source = response.headers.get(RELAY)
        if source == _RELAYED:
            self.installation, self.has_responded = response.headers.get(_INSTALLATION) or self.installation, True
            return response
        if source == REFUSED and _NONCE_REUSED in response.body:
            # The first copy was accepted: the network delivered the request twice, and this is the response to the second copy.
            raise InvalidResponse("the relay had this very request before", status=response.status, transient=True)
        if source in (REFUSED, _FAILED) or response.status >= _PLATFORM_STATUS:
            return response
        raise InvalidResponse(
            "the response is not the relay's: no app, or another one, is at this address", status=response.status
        )


def _key_id(key: str) -> str:
    """Identifies a key during a rotation; it reveals nothing about a random key."""
    return hashlib.sha256(f"{_VERSION}\n{key}".encode()).hexdigest()[:8]
