"""Limits on request bodies, as a middleware before all endpoints."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES: Final = 256 * 1024
BODY_TIMEOUT_S: Final = 3.0


class BodyLimitMiddleware:
    """Reads and discards request bodies: Forge sends one with every event, and no endpoint needs it.

    The body is read, because a client that is still sending would not read the response.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with 413 to a body that is too large and with 408 to a slow one. Pass other requests on without their body."""
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                is_complete = await _discard_body(receive)
        except TimeoutError:
            await _error(408, "SLOW_BODY", "the body did not arrive in time")(scope, receive, send)
            return
        if is_complete:
            await self._app(scope, _empty_body, send)
        else:
            await _error(413, "BODY_TOO_LARGE", f"a body has at most {MAX_BODY_BYTES} bytes")(scope, receive, send)


async def _discard_body(receive: Receive) -> bool:
    size = 0
    while size <= MAX_BODY_BYTES:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    return size <= MAX_BODY_BYTES


async def _empty_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status)
