"""The five operations of the API on one installation, under one version: request, response, retries."""

from __future__ import annotations

import builtins
import copy
import dataclasses
import random
import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol, TypeVar

from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.module_id import Version

from . import protocol
from .connection_pool import Timeouts
from .errors import ApiError, InternalError, InvalidResponse, Outcome, Rejected, error_from
from .protocol import PAGE_SIZE, LiveModule
from .rate_limiter import RateLimiter
from .request_response import Request, Response
from .retry import Budget, send_with_retries

T = TypeVar("T")

MAX_PAGES: Final = 250
"""Pages of a list (our own limit: an installation holds 100 modules, and a page at least one)."""

MAX_LISTED: Final = 1000
"""Modules of a list, all pages together (our own limit, ten times that of an installation)."""

MAX_LIST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of a list, all pages together, decompressed (our own limit: 100 modules of 64 KiB are 6 MiB)."""


def follow_pages(get_page: Callable[[str | None], protocol.Page]) -> Iterator[protocol.Page]:
    """All pages of a list, from the first one, whose cursor is None; raises InvalidResponse if it is endless or too large."""
    cursor: str | None = None
    seen: set[str] = set()
    listed = size = 0
    for number in range(1, MAX_PAGES + 1):
        page = get_page(cursor)
        listed, size = listed + len(page.modules), size + page.size
        if listed > MAX_LISTED:
            raise InvalidResponse(
                f"the list is too long: more than {MAX_LISTED} modules on {number} pages, ten times the limit", code="AF203"
            )
        if size > MAX_LIST_BYTES:
            raise InvalidResponse(
                f"the list is too large: more than {MAX_LIST_BYTES // 1024**2} MiB on {number} pages", code="AF203"
            )
        yield page
        cursor = page.cursor
        if cursor is None:
            return
        if cursor in seen:
            raise InvalidResponse("the list does not end: its cursor came again", code="AF203")
        seen.add(cursor)
    raise InvalidResponse(f"the list does not end: {MAX_PAGES} pages were read", code="AF203")


class Sender(Protocol):
    """What sends a request once: a :class:`~.client.Client`."""

    @property
    def timeouts(self) -> Timeouts:
        """The time limits."""

    def send(self, request: Request, within: float | None = None) -> Response:
        """Send a request once."""


class Operations:
    """The five operations.

    Each raises an :class:`~.errors.ApiError` if it fails after its retries; its ``outcome`` says whether the module may have been
    changed all the same. Each raises ValueError if no request can hold the key and the content. Both versions of the API share
    the rate limiter of an installation. ``draw`` draws a random number between two, for the backoff.
    """

    def __init__(
        self,
        client: Sender,
        version: Version,
        rate_limiter: RateLimiter | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.version = version
        self._client = client
        self._rate_limiter = rate_limiter or RateLimiter()
        self._clock = clock
        self._draw = draw
        self._shared: Budget | None = None
        self._is_limited = True
        self._is_connection_suspect = False

    def with_shared_budget(self) -> Operations:
        """The same operations with one time budget for all that follow, as one operation with its verification reads needs."""
        shared = copy.copy(self)
        shared._shared = self._budget()  # noqa: SLF001 - its own class
        return shared

    def register(self, key: str | None, content: Content) -> LiveModule | None:
        """Register a module, under v1 with a key; returns it as the server has it, None if v1 responded with an empty body.

        With a shared budget, a register after one whose outcome is unknown takes a new connection: the verification read in
        between leaves a warm one, and a server that closes its connections without a word would lose the next response on it.
        """
        request = protocol.register(self.version, key, content)
        if self._is_connection_suspect:
            request = dataclasses.replace(request, needs_new_connection=True)
        try:
            return self._send(request, lambda response: protocol.parse_registered(self.version, response, key))
        except ApiError as error:
            self._is_connection_suspect = self._shared is not None and error.outcome is Outcome.UNKNOWN
            raise

    def list(self) -> builtins.list[LiveModule]:
        """All modules of the installation, from all pages, each once. All pages share one time budget."""
        budget = self._budget()
        # A module that changes between two pages may come twice: the later entry is the newer one.
        pages = follow_pages(lambda cursor: self._page(cursor, budget))
        return [*protocol.by_key(live for page in pages for live in page.modules).values()]

    def _page(self, cursor: str | None, budget: Budget) -> protocol.Page:
        """One page; of the server's default size if it rejects ours."""
        try:
            request = protocol.list_page(self.version, cursor, limit=PAGE_SIZE if self._is_limited else None)
            return self._send(request, protocol.parse_page, budget)
        except Rejected as error:
            if cursor is not None or not self._is_limited:
                raise
            try:
                page = self._send(protocol.list_page(self.version, limit=None), protocol.parse_page, budget)
            except ApiError:
                raise error from None
            self._is_limited = False
            return page

    def read(self, key: str) -> LiveModule:
        """Read one module."""
        return self._send(protocol.read(self.version, key), lambda response: protocol.parse_module(response, key))

    def update(self, key: str, content: Content) -> LiveModule:
        """Replace the content of a module; returns it as the server has it."""
        request = protocol.update(self.version, key, content)
        return self._send(request, lambda response: protocol.parse_module(response, key))

    def delete(self, key: str) -> None:
        """Delete a module. It may be NotFound because an attempt whose response was lost has deleted it."""
        self._send(protocol.delete(self.version, key), protocol.parse_deleted)

    def _budget(self) -> Budget:
        return self._shared or Budget(self._client.timeouts.total, self._clock)

    def send_once(self, request: Request) -> Response:
        """Send a request once, without retries, and return the response whatever its status."""
        try:
            return self._client.send(request)
        except ApiError:
            raise
        except Exception as error:  # noqa: BLE001 - as in _send
            bug = InternalError(error)
        raise bug

    def _send(self, request: Request, parse: Callable[[Response], T], budget: Budget | None = None) -> T:
        def read(response: Response) -> T:
            failure = error_from(response)
            if failure is None:
                try:
                    return parse(response)
                except ApiError as error:
                    failure = error
            raise failure.redacted(response.secrets)  # outside of "except", so that the context holds no secret either

        try:
            return send_with_retries(
                *(request, self._client.send, read, budget or self._budget(), self._rate_limiter, self._draw)
            )
        except ApiError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, a write has to be verified after it
            bug = InternalError(error)
        raise bug  # outside of "except": an exception of the HTTP library holds the request, and with it the token
