"""The five operations on one installation under one version of the API: request, answer, retries."""

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
from .deadline import Timeouts
from .errors import ApiError, BadAnswer, Rejected, failure_of
from .protocol import Live
from .rate_limiter import Pace
from .request_response import Answer, Request
from .retry import Budget, repeating

T = TypeVar("T")

MAX_PAGES: Final = 250
"""Pages of a list (our own limit: an installation holds 100 modules, and a page at least one)."""


class Channel(Protocol):
    """What carries a request: a :class:`~.client.Client`, or a test's own."""

    @property
    def timeouts(self) -> Timeouts:
        """The time limits."""

    def send(self, request: Request, *, within: float | None = None) -> Answer:
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
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.version = version
        self._client = client
        self._pace = pace or Pace()
        self._clock = clock
        self._draw = draw
        self._shared: Budget | None = None
        self._is_limited = True

    def as_one(self) -> Operations:
        """The same operations with one budget of time for all that follow: looks and repetitions are parts of one operation."""
        together = copy.copy(self)
        together._shared = self._budget()  # noqa: SLF001 - its own class
        return together

    def register(self, key: str | None, content: Content) -> Live | None:
        """Register a module.

        Args:
            key: Its key under v1; None under v2, where the server makes it.
            content: What to register.

        Returns:
            The module as the server has it; None where v1 answered with an empty body.

        Raises:
            ApiError: ``processed`` says whether it may be registered all the same.
            ValueError: No request can be made of key and content.
        """
        request = protocol.register(self.version, key, content)
        return self._ask(request, lambda answer: protocol.parse_registered(self.version, answer, key), self._budget())

    def list(self) -> builtins.list[Live]:
        """All modules of the installation, over all pages, each once. One budget of time serves all pages.

        Raises:
            ApiError: The list cannot be had as a whole.
        """
        budget = self._budget()
        found: dict[str, Live] = {}
        seen: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = self._page(cursor, budget)
            # A module that is changed while the pages are read may come twice: as it was, and as it is.
            found |= {live.key: live for live in page.modules}
            if page.cursor is None:
                return [*found.values()]
            if page.cursor in seen:
                raise BadAnswer("the list does not end: its cursor came again")
            seen.add(page.cursor)
            cursor = page.cursor
        raise BadAnswer(f"the list does not end: {MAX_PAGES} pages were read")

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

    def read(self, key: str) -> Live:
        """One module.

        Raises:
            NotFound: There is none with this key.
            ApiError: It cannot be read.
            ValueError: No path can carry the key.
        """
        return self._ask(protocol.read(self.version, key), lambda answer: protocol.parse_module(answer, key), self._budget())

    def update(self, key: str, content: Content) -> Live:
        """Replace the content of a module.

        Returns:
            The module as the server has it.

        Raises:
            NotFound: There is none with this key.
            ApiError: ``processed`` says whether it may be changed all the same.
            ValueError: No request can be made of key and content.
        """
        request = protocol.update(self.version, key, content)
        return self._ask(request, lambda answer: protocol.parse_module(answer, key), self._budget())

    def delete(self, key: str) -> None:
        """Delete a module.

        Raises:
            NotFound: There is none with this key; or there is none any more, where the answer to a first attempt was lost.
            ApiError: ``processed`` says whether it may be deleted all the same.
            ValueError: No path can carry the key.
        """
        self._ask(protocol.delete(self.version, key), protocol.parse_deleted, self._budget())

    def _budget(self) -> Budget:
        return self._shared or Budget(self._client.timeouts.total, self._clock)

    def _ask(self, request: Request, parse: Callable[[Answer], T], budget: Budget) -> T:
        def once(left: float) -> T:
            answer = self._client.send(request, within=left)
            try:
                failure = failure_of(answer)
                if failure is not None:
                    raise failure
                return parse(answer)
            except ApiError as error:
                error.redact(answer.secrets)
                raise

        return repeating(request, once, budget, self._pace, self._draw)
