"""The five operations on one installation under one version of the API: request, response, retries."""

from __future__ import annotations

import builtins
import copy
import random
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.module_id import Version

from . import protocol
from .connection_pool import Timeouts
from .errors import ApiError, InvalidResponse, Rejected, error_from
from .protocol import LiveModule
from .rate_limiter import RateLimiter
from .request_response import Request, Response
from .retry import Budget, send_with_retries

T = TypeVar("T")

MAX_PAGES: Final = 250
"""Pages of a list (our own limit: an installation holds 100 modules, and a page at least one)."""


class Channel(Protocol):
    """What carries a request: a :class:`~.client.Client`, or a test's own."""

    @property
    def timeouts(self) -> Timeouts:
        """The time limits."""

    def send(self, request: Request, *, within: float | None = None) -> Response:
        """Send a request once."""


class Operations:
    """The operations. Each raises an :class:`~.errors.ApiError` when it cannot be done, after what may be repeated was repeated.

    Args:
        client: What carries the requests.
        version: The version of the API.
        pace: The turns of the installation, one for all versions of the API; by default one of its own.
        clock: A monotonic clock, in seconds.
        draw: Draws a number between two, for the pauses.
    """

    def __init__(
        self,
        client: Channel,
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

    def with_shared_budget(self) -> Operations:
        """The same operations with one budget of time for all that follow: looks and repetitions are parts of one operation."""
        together = copy.copy(self)
        together._shared = self._budget()  # noqa: SLF001 - its own class
        return together

    def register(self, key: str | None, content: Content) -> LiveModule | None:
        """Register a module.

        Args:
            key: Its key under v1; None under v2, where the server makes it.
            content: What to register.

        Returns:
            The module as the server has it; None where v1 answered with an empty body.

        Raises:
            ApiError: ``outcome`` says whether it may be registered all the same.
            ValueError: No request can be made of key and content.
        """
        request = protocol.register(self.version, key, content)
        return self._ask(request, lambda response: protocol.parse_registered(self.version, response, key), self._budget())

    def list(self) -> builtins.list[LiveModule]:
        """All modules of the installation, over all pages, each once. One budget of time serves all pages.

        Raises:
            ApiError: The list cannot be had as a whole.
        """
        budget = self._budget()
        found: dict[str, LiveModule] = {}
        seen: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = self._page(cursor, budget)
            # A module that is changed while the pages are read may come twice: as it was, and as it is.
            found |= {live.key: live for live in page.modules}
            if page.cursor is None:
                return [*found.values()]
            if page.cursor in seen:
                raise InvalidResponse("the list does not end: its cursor came again")
            seen.add(page.cursor)
            cursor = page.cursor
        raise InvalidResponse(f"the list does not end: {MAX_PAGES} pages were read")

    def _page(self, cursor: str | None, budget: Budget) -> protocol.Page:
        """One page; of a size of the server's own, where it refuses the one that we ask for."""
        try:
            return self._ask(protocol.list_page(self.version, cursor, limited=self._is_limited), protocol.parse_page, budget)
        except Rejected as error:
            if cursor is not None or not self._is_limited:
                raise
            try:
                page = self._ask(protocol.list_page(self.version, limited=False), protocol.parse_page, budget)
            except ApiError:
                raise error from None
            self._is_limited = False
            return page

    def read(self, key: str) -> LiveModule:
        """One module.

        Raises:
            NotFound: There is none with this key.
            ApiError: It cannot be read.
            ValueError: No path can carry the key.
        """
        return self._ask(protocol.read(self.version, key), lambda response: protocol.parse_module(response, key), self._budget())

    def update(self, key: str, content: Content) -> LiveModule:
        """Replace the content of a module.

        Returns:
            The module as the server has it.

        Raises:
            NotFound: There is none with this key.
            ApiError: ``outcome`` says whether it may be changed all the same.
            ValueError: No request can be made of key and content.
        """
        request = protocol.update(self.version, key, content)
        return self._ask(request, lambda response: protocol.parse_module(response, key), self._budget())

    def delete(self, key: str) -> None:
        """Delete a module.

        Raises:
            NotFound: There is none with this key; or there is none any more, where the response to a first attempt was lost.
            ApiError: ``outcome`` says whether it may be deleted all the same.
            ValueError: No path can carry the key.
        """
        self._ask(protocol.delete(self.version, key), protocol.parse_deleted, self._budget())

    def _budget(self) -> Budget:
        return self._shared or Budget(self._client.timeouts.total, self._clock)

    def _ask(self, request: Request, parse: Callable[[Response], T], budget: Budget) -> T:
        def once(left: float) -> T:
            response = self._client.send(request, within=left)
            failure = error_from(response)
            if failure is None:
                try:
                    return parse(response)
                except ApiError as error:
                    failure = error
            raise failure.redacted(response.secrets)  # outside of "except", so that the context holds no secret either

        return send_with_retries(request, once, budget, self._rate_limiter, self._draw)
