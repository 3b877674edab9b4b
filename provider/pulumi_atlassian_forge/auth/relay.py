"""The relay: a web trigger of the app that relays the five operations as the app (``examples/web-trigger-relay``).

A web trigger passes on neither sub-paths nor every method for certain, so the request travels in an envelope, and each is signed.
The signature is an HMAC-SHA256 over the lines ``forge-relay-1``, time, nonce, method, path, SHA-256 of the body.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from pulumi_atlassian_forge.api.errors import REFUSED, RELAY, InvalidResponse
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.model.content import canonical_json

_VERSION: Final = "forge-relay-1"
_KEY: Final = f"{RELAY}-key"
_INSTALLATION: Final = f"{RELAY}-installation"
_RELAYED, _FAILED = "relayed", "failed"
_TWICE: Final = b'"RELAY_NONCE"'  # the reason of a refusal
_PLATFORM_S: Final = 429  # and above: limits and failures of what stands before the relay mean what they always mean


class Signature:
    """Shows that a request comes from somebody who has the relay's key. The key is read when it is first needed.

    Args:
        obtain: Returns the key. It is shown by nothing and cannot be pickled.
        clock: Seconds since the epoch.
        nonce: Makes what tells one request from its repetition.
    """

    __slots__ = ("_clock", "_keys", "_lock", "_nonce", "_obtain")

    def __init__(
        self,
        obtain: Callable[[], str],
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._obtain = obtain
        self._clock = clock
        self._nonce = nonce
        self._lock = threading.Lock()
        self._keys: list[str] = []

    def headers(self, request: Request) -> Mapping[str, str]:
        """The signature of a request, as of now: each is taken once.

        Raises:
            Unauthorized: There is no key.
        """
        with self._lock:
            if not self._keys:
                self._keys.append(self._obtain())
            key = self._keys[-1]
        at, nonce = str(int(self._clock())), self._nonce()
        body = hashlib.sha256(request.body or b"").hexdigest()
        text = f"{_VERSION}\n{at}\n{nonce}\n{request.method}\n{request.target}\n{body}"
        signed = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {
            f"{RELAY}-timestamp": at,
            f"{RELAY}-nonce": nonce,
            f"{RELAY}-signature": f"v1={signed}",
            _KEY: _name_of(key),
        }

    def refreshed(self, refused: Mapping[str, str]) -> bool:
        """Read the key once more, unless another thread has just done so."""
        with self._lock:
            if self._keys and _name_of(self._keys[-1]) != refused.get(_KEY):
                return True
            key = self._obtain()
            if self._keys and key == self._keys[-1]:
                return False
            self._keys.append(key)
            return True

    def secrets(self) -> set[str]:
        """Every key that was read, for redaction."""
        return set(self._keys)

    def __repr__(self) -> str:
        return "Signature(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not to be pickled")


class Relay:
    """Puts requests into envelopes, and knows the relay's own responses from those of the API.

    Attributes:
        installation: The id of the installation, as the latest response named it; None where it named none.
        has_answered: Whether a response of the API has come by it.
    """

    def __init__(self) -> None:
        self.installation: str | None = None
        self.has_responded = False

    def wrap(self, request: Request) -> Request:
        """The request to the relay that carries one to the API."""
        body = None if request.body is None else request.body.decode()
        envelope = {"method": request.method, "path": request.target, "body": body}
        return Request("POST", "", body=canonical_json(envelope).encode())

    def unwrap(self, response: Response) -> Response:
        """The API's response, or the relay's own. Any other one comes from something else, and says nothing of a module."""
        who = response.headers.get(RELAY)
        if who == _RELAYED:
            self.installation, self.has_responded = response.headers.get(_INSTALLATION) or self.installation, True
            return response
        if who == REFUSED and _TWICE in response.body:
            # It was let in before: something on the way delivered it twice, and this is the response to the second.
            raise InvalidResponse("the relay had this very request before", status=response.status, transient=True)
        if who in (REFUSED, _FAILED) or response.status >= _PLATFORM_S:
            return response
        raise InvalidResponse(
            "the response is not the relay's: no app, or another one, is at this address", status=response.status
        )


def _name_of(key: str) -> str:
    """What tells the relay, and us, one key from another in a rotation. Of a random key it gives nothing away."""
    return hashlib.sha256(f"{_VERSION}\n{key}".encode()).hexdigest()[:8]
