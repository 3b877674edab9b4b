"""What a request may cost, before anything looks at it."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST_BODY: Final = 256 * 1024
SECONDS_FOR_A_BODY: Final = 3.0


class NoBodies:
    """Reads bodies and throws them away: Forge sends one with every event, and nothing here needs it.

    It is read, and not left on the connection, because a client that is still sending would not see the response.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Response 413 to a body that is too large, 408 to one that does not arrive; hand on the rest, without the body."""
        try:
            async with asyncio.timeout(SECONDS_FOR_A_BODY):
                whole = await _drained(receive)
        except TimeoutError:
            await _refused(408, "SLOW_BODY", "the body did not arrive in time")(scope, receive, send)
            return
        if whole:
            await self._app(scope, _nothing, send)
        else:
            await _refused(413, "BODY_TOO_LARGE", f"a body has at most {LONGEST_BODY} bytes")(scope, receive, send)


async def _drained(receive: Receive) -> bool:
    size = 0
    while size <= LONGEST_BODY:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    return size <= LONGEST_BODY


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status, {"connection": "close"})
