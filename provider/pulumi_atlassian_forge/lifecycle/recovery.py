"""Recovery after a lost response: a register, an update or a delete takes effect exactly once (docs/adr/0003-lost-responses.md).

A register whose response was lost, cut or unreadable may have been carried out. If it is sent again, the module may be registered
twice, and then a customer's function runs twice on every event. If it is not, an orphan may be left that runs for ever. So a
verification read comes first.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse, NotFound, Outcome, Rejected
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.protocol import LiveModule, is_usable
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.errors import Notify
from pulumi_atlassian_forge.model.comparison import fingerprint, matches, matches_exactly, overlap, server_additions
from pulumi_atlassian_forge.model.content import Content

VERIFICATION_DELAYS_S: Final = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each verification read. A server may show a new module late: only the last read confirms that it is missing."""

LIST_MAX_AGE_S: Final = 1.0  # of the list taken before: a module that another stack registers after it could be claimed
ATTEMPTS: Final = 5  # to send a register, if the verification read finds nothing each time


class AmbiguousRegistration(ApiError):
    """Several modules could be the one whose response was lost; none is claimed."""

    outcome = Outcome.UNKNOWN

    def __init__(self, keys: list[str], cause: ApiError) -> None:
        super().__init__(cause.message, status=cause.status)
        self.keys = keys


class KeyTaken(ApiError):
    """A module with this key is already there, with other content."""

    def __init__(self, cause: ApiError) -> None:
        super().__init__(cause.message, status=cause.status)


class Registrar:
    """Registers modules exactly once, on one installation under one version of the API. Shared by all threads of a process.

    A register is sent again only if the module is certainly not registered. If the outcome of a request is unknown, a
    verification read decides: under v1 by the key, under v2 by comparing the list taken before with one taken after. One register
    may take ``budget_s`` seconds with all its verification reads and retries. With ``adopt_identical``, under v1, a module that
    exists under the same key with the same content is adopted.
    """

    def __init__(  # noqa: PLR0913 - what it needs, and what a test sets
        self,
        installation: str,
        operations: Operations,
        module_list: ModuleList,
        *,
        budget_s: float,
        adopt_identical: bool = True,
        notify: Notify,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._installation = installation
        self._operations = operations
        self._module_list = module_list
        self._budget_s = budget_s
        self._adopt_identical = adopt_identical
        self._notify = notify
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._before: list[LiveModule] = []  # v2: the modules that existed before this process registered any
        self._claimed: set[str] | None = None  # v2: their keys, and those of our own registers; None: no list was taken yet
        self._content_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._under_way: dict[str, Content] = {}  # v2: the content of registers under way, by fingerprint

    def register(self, key: str | None, content: Content, *, was_deleted: bool = False) -> LiveModule | None:
        """Register a module exactly once.

        1. Under v2: take the list of what exists before, once per process. Registers of identical content run one after the
           other, because each could claim the module of the other.
        2. Send the register.
        3. If the server refuses the key (v1): find out why (:meth:`_resolve_rejection`).
        4. If the outcome is unknown: verify. A module that is found is the registered one.
        5. If nothing is found: send the register again, up to :data:`ATTEMPTS` times within the budget.

        The key is None under v2. ``was_deleted``: this process deleted the module of this key, and a server may not have applied
        that everywhere yet. Returns the module; None if v1 responded with an empty body. The ``outcome`` of an :class:`ApiError`
        says whether the module may be registered all the same.
        """
        operations = self._operations.with_shared_budget()
        if key is not None:
            return self._register_and_verify(operations, key, content, VERIFICATION_DELAYS_S[1:] if was_deleted else ())
        self._take_list_before()
        name = fingerprint(content)
        with self._lock:
            content_lock = self._content_locks[name]
        with content_lock:
            with self._lock:
                self._under_way[name] = content
            try:
                live = self._register_and_verify(operations, None, content)
                if live is not None:
                    with self._lock:
                        self._claimed = {*(self._claimed or ()), live.key}
            finally:
                with self._lock:
                    del self._under_way[name]
            return live

    def duplicates(self, content: Content) -> list[LiveModule]:
        """Under v2, the modules of this content that existed before this process registered any."""
        return [live for live in self._before if matches_exactly(content, live.content)]

    def _register_and_verify(
        self, operations: Operations, key: str | None, content: Content, delays_s: Sequence[float] = ()
    ) -> LiveModule | None:
        """Steps 2 to 5. While a deletion of the key may not be applied everywhere yet, a refusal is retried after a delay."""
        began, attempts, is_unknown, delays = self._clock(), 0, False, list(delays_s)
        while True:
            try:
                live = operations.register(key, content)
                if live is not None and key is None and self._is_claimed(live.key):
                    text = f"the response is module '{printable(live.key, 80)}', which existed before"
                    raise InvalidResponse(text)  # the response to another request
                return live  # noqa: TRY300 - the check above raises what is handled below
            except ApiError as error:
                if isinstance(error, Rejected) and key is not None:
                    if not (delays and _exists(operations, key)):
                        return self._resolve_rejection(operations, key, content, error, is_first=not is_unknown)
                    self._sleep(delays.pop(0))
                    continue
                is_not_applied = error.outcome is Outcome.NOT_APPLIED
                if is_not_applied and not is_unknown:
                    raise
                # An earlier attempt may have been carried out meanwhile, also if this one was not.
                failure = error.with_(outcome=Outcome.UNKNOWN) if is_unknown else error
            attempts += 1
            found = self._verify(operations, key, content, failure)
            if found is not None:
                text = f"the response was lost: {failure}; the module is registered, and found: {found.key}"
                self._notify(f"{self._installation}/{key or 'a new module'}", text)
                return found
            waited = self._clock() - began
            if is_not_applied or attempts == ATTEMPTS or waited >= self._budget_s:
                raise failure.with_(attempts=attempts, waited=waited) from None
            is_unknown = True

    def _verify(self, operations: Operations, key: str | None, content: Content, cause: ApiError) -> LiveModule | None:
        """The verification read, repeated while nothing is found: a server may show a new module late.

        If the read fails, ``cause`` is raised: without the read, a second register could register the module twice.
        """
        for delay in VERIFICATION_DELAYS_S:
            if delay:
                self._sleep(delay)
            try:
                found = self._find_by_key(operations, key, content) if key is not None else self._find_new(operations, content)
            except (AmbiguousRegistration, KeyTaken):
                raise
            except ApiError:
                raise cause from None
            if found is not None:
                return found
        return None

    def _resolve_rejection(
        self, operations: Operations, key: str, content: Content, error: Rejected, *, is_first: bool
    ) -> LiveModule:
        """The module under a key that the server refused: left by our lost response, by an interrupted run, or foreign.

        A first refusal accepts identical content only, and only if ``adopt_identical`` is set.
        """
        try:
            live = self._find_by_key(operations, key, content, exactly=is_first)
        except KeyTaken:
            raise KeyTaken(error) from None
        except ApiError:
            raise error from None
        if live is None:
            raise error
        if is_first and not self._adopt_identical:
            raise KeyTaken(error)
        if is_first:
            self._notify(
                f"{self._installation}/{key}",
                "was already registered with the same content, and is adopted: left by a killed run, or the module of a "
                "resource that was renamed in the program. Another stack must not declare it",
            )
        return live

    @staticmethod
    def _find_by_key(operations: Operations, key: str, content: Content, *, exactly: bool = False) -> LiveModule | None:
        """The verification read under v1: the key decides."""
        try:
            live = operations.read(key)
        except NotFound:
            return None
        if (matches_exactly if exactly else matches)(content, live.content):
            return live
        raise KeyTaken(Rejected("another module has this key"))

    def _find_new(self, operations: Operations, content: Content) -> LiveModule | None:
        """The verification read under v2: the one new module of this content that matches no other register better."""
        listed = operations.list()
        with self._lock:
            claimed = set(self._claimed or ())
            others = [other for name, other in self._under_way.items() if name != fingerprint(content)]
        candidates = [
            live
            for live in listed
            if live.key not in claimed
            and matches(content, live.content)
            and not any(_matches_better(other, content, live.content) for other in others)
        ]
        if len(candidates) > 1 or not all(is_usable(live.key) for live in candidates):
            raise AmbiguousRegistration(sorted(live.key for live in candidates), Rejected("several modules could be the one"))
        return candidates[0] if candidates else None

    def _take_list_before(self) -> None:
        with self._lock:
            if self._claimed is not None:
                return
            try:
                self._before = self._module_list.all(within=LIST_MAX_AGE_S)
            except ApiError as error:
                raise error.with_(outcome=Outcome.NOT_APPLIED) from None
            self._claimed = {live.key for live in self._before}

    def _is_claimed(self, key: str) -> bool:
        with self._lock:
            return key in (self._claimed or ())


def _exists(operations: Operations, key: str) -> bool:
    try:
        operations.read(key)
    except ApiError:
        return False
    return True


def _matches_better(other: Content, content: Content, live: Content) -> bool:
    """Whether a live module is rather another declaration than this one: one that declares more of what it holds."""
    return matches(other, live) and len(server_additions(other, live)) < len(server_additions(content, live))


def update_and_verify(operations: Operations, key: str, content: Content, removed: Sequence[str] = ()) -> LiveModule:
    """Replace a module's content, and verify it if the outcome is unknown. Returns the module as the server has it.

    ``removed`` are the paths that it held and that are no longer declared: if one is left, the update was not carried out.
    Without them, such a path would count as an addition of the server. The ``outcome`` of an :class:`ApiError` says whether the
    module is certainly unchanged.
    """
    operations = operations.with_shared_budget()
    try:
        return operations.update(key, content)
    except ApiError as error:
        if error.outcome is Outcome.NOT_APPLIED:
            raise
        try:
            live = operations.read(key)
        except ApiError:
            raise error from None
        if matches(content, live.content) and not overlap(server_additions(content, live.content), [*removed]):
            return live
        raise


def delete_and_verify(operations: Operations, key: str) -> bool:
    """Delete a module, and verify it if the outcome is unknown.

    Returns whether the server confirmed the deletion; False if no module has this key, or none has it any more.
    """
    operations = operations.with_shared_budget()
    try:
        operations.delete(key)
    except NotFound:
        return False
    except ApiError as error:
        if error.outcome is Outcome.NOT_APPLIED:
            raise
        try:
            operations.read(key)
        except NotFound:
            return False
        except ApiError:
            raise error from None
        raise
    return True
