"""Recovery after a lost response: a register, an update or a delete takes effect exactly once (docs/adr/0003-lost-responses.md).

A register whose response was lost, cut or unreadable may have been carried out. If it is sent again, the module may be registered
twice, and then a customer's function runs twice on every event. If it is not, an orphan may be left that runs for ever. So a
verification read comes first.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse, NotFound, Outcome, Rejected, UnreadableModule
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.protocol import LiveModule, is_usable
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.errors import Notify
from pulumi_atlassian_forge.model.comparison import changed_paths, fingerprint
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.recognition import is_duplicate, likeness, matches, matches_exactly

from .verified_writes import AnotherType, require_type

VERIFICATION_DELAYS_S: Final = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each verification read. A server may show a new module late: only the last read confirms that it is missing."""

LIST_MAX_AGE_S: Final = 1.0  # of the list taken before: a module that another stack registers after it could be claimed
ATTEMPTS: Final = 5  # to send a register, if the verification read finds nothing each time


IsOurs = Callable[[Content, Content], bool]
"""Whether a live module is the one of a declaration: the declared content, then the live one."""


class AmbiguousRegistration(ApiError):
    """Several modules could be the one whose response was lost, or one could be another register's; none is claimed."""

    outcome = Outcome.UNKNOWN

    def __init__(self, candidates: Mapping[str, Sequence[str]], message: str = "the response to the register was lost") -> None:
        super().__init__(message)
        self.candidates = candidates  # by key, the declared paths at which each differs


class KeyTaken(ApiError):
    """A module with this key is already there, with other content.

    ``differing`` are the declared paths at which it differs, if an interrupted run of ours may have registered it.
    """

    def __init__(self, cause: ApiError, differing: Sequence[str] = ()) -> None:
        super().__init__(cause.message, status=cause.status)
        self.differing = differing


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
        self._unresolved: dict[str, Content] = {}  # v2: by fingerprint, of registers under way or with an unknown outcome

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

        What is found is the registered module if its content is equal under the comparison rules. If it certainly did not exist
        before (under v1: a read or the list of this process showed that), it may differ as a server may have normalized it
        (:func:`~pulumi_atlassian_forge.model.recognition.likeness`).
        """
        operations = self._operations.with_shared_budget()
        if key is not None:
            return self._register_and_verify(operations, key, content, was_deleted=was_deleted)
        self._take_list_before()
        name = fingerprint(content)
        with self._lock:
            content_lock = self._content_locks[name]
        with content_lock:
            with self._lock:
                self._unresolved[name] = content
            is_known = False
            try:
                live = self._register_and_verify(operations, None, content)
                if live is not None:
                    with self._lock:
                        self._claimed = {*(self._claimed or ()), live.key}
                is_known = True
            except ApiError as error:
                is_known = error.outcome is Outcome.NOT_APPLIED
                raise
            finally:
                if is_known:
                    with self._lock:
                        del self._unresolved[name]
            return live

    def duplicates(self, content: Content, registered: Content) -> list[LiveModule]:
        """Under v2, the modules of this content that existed before this process registered any.

        ``registered`` is what the server made of the content: it will have made the same of it before.
        """
        return [live for live in self._before if is_duplicate(content, registered, live.content)]

    def _warn_of_second(self, content: Content, live: LiveModule) -> None:
        """After a register whose earlier attempts had an unknown outcome: a verification read may not have known their result.

        Of a declaration that does not say what it runs, a module that the server normalized is not recognized; and the server may
        show a module too late. What the server made of this register shows which others it made of the same.
        """
        try:
            others = [other for other in self._operations.list() if other.key != live.key and not self._is_claimed(other.key)]
        except ApiError as error:
            text = f"registered; whether a register whose response was lost had registered it before is not known: {error}"
            self._notify(f"{self._installation}/{live.key}", f"{text}; see forge-modules orphans")
        else:
            keys = [printable(one.key, 80) for one in others if is_duplicate(content, live.content, one.content)]
            if keys:
                text = f"registered, but a register whose response was lost may have registered {', '.join(sorted(keys))}, too"
                self._notify(f"{self._installation}/{live.key}", f"{text}: if nothing else needs that, delete it, or both run")

    def _register_and_verify(
        self, operations: Operations, key: str | None, content: Content, *, was_deleted: bool = False
    ) -> LiveModule | None:
        """Steps 2 to 5. While a deletion of the key may not be applied everywhere yet, a refusal is retried after a delay."""
        began, attempts, is_unknown = self._clock(), 0, False
        is_ours: IsOurs = matches
        delays = list(VERIFICATION_DELAYS_S[1:]) if was_deleted else []
        while True:
            try:
                live = operations.register(key, content)
                require_type(content, live)
                if live is not None and key is None:
                    self._require_new(content, live, was_unknown=is_unknown)
                return live  # noqa: TRY300 - the check above raises what is handled below
            except ApiError as error:
                # An earlier attempt may have been carried out meanwhile, also if this one was not.
                failure = error.with_(outcome=Outcome.UNKNOWN) if is_unknown else error
                if isinstance(failure, Rejected) and key is not None:
                    if not (delays and _exists(operations, key)):
                        accepted = is_ours if is_unknown else matches_exactly
                        return self._resolve_rejection(operations, key, content, failure, accepted)
                    self._sleep(delays.pop(0))
                    continue
                is_not_applied = error.outcome is Outcome.NOT_APPLIED
                if is_not_applied and not is_unknown:
                    raise
            attempts += 1
            if key is not None and not is_unknown:
                was_absent = not was_deleted and self._module_list.lacked(key, at=began)
                is_ours = _may_be_ours if was_absent else matches
            found = self._verify(operations, key, content, failure, is_ours)
            if found is not None:
                self._tell_found(key, content, found, failure)
                return found
            waited = self._clock() - began
            if is_not_applied or attempts == ATTEMPTS or waited >= self._budget_s or isinstance(failure, AnotherType):
                raise failure.with_(attempts=attempts, waited=waited) from None
            is_unknown = True
            is_ours = matches if was_deleted else _may_be_ours  # the verification read showed that the key was absent

    def _require_new(self, content: Content, live: LiveModule, *, was_unknown: bool) -> None:
        if self._is_claimed(live.key):  # the response to another request
            raise InvalidResponse(f"the response is module '{printable(live.key, 80)}', which existed before")
        if was_unknown:
            self._warn_of_second(content, live)

    def _tell_found(self, key: str | None, content: Content, found: LiveModule, failure: ApiError) -> None:
        text = f"the response was lost: {failure}; the module is registered, and found: {printable(found.key, 80)}"
        differing = ", ".join(printable(path, 80) for path in changed_paths(content, found.content))
        if differing:
            text += f"; that it differs at {differing} counts as the server's doing"
        self._notify(f"{self._installation}/{key or 'a new module'}", text)

    def _verify(
        self, operations: Operations, key: str | None, content: Content, cause: ApiError, is_ours: IsOurs
    ) -> LiveModule | None:
        """The verification read, repeated while nothing is found: a server may show a new module late.

        If the read fails, ``cause`` is raised: without the read, a second register could register the module twice.
        """
        last = len(VERIFICATION_DELAYS_S) - 1
        for number, delay in enumerate(VERIFICATION_DELAYS_S):
            if delay:
                self._sleep(delay)
            try:
                if key is None:
                    found = self._find_new(operations, content, is_last=number == last)
                else:
                    found = self._find_by_key(operations, key, content, is_ours)
            except (AmbiguousRegistration, KeyTaken, UnreadableModule):
                raise
            except ApiError:
                raise cause from None
            if found is not None:
                return found
        return None

    def _resolve_rejection(
        self, operations: Operations, key: str, content: Content, error: Rejected, is_ours: IsOurs
    ) -> LiveModule:
        """The module under a key that the server refused: left by our lost response, by an interrupted run, or foreign.

        A first refusal accepts identical content only, and only if ``adopt_identical`` is set.
        """
        is_first = is_ours is matches_exactly
        try:
            live = self._find_by_key(operations, key, content, is_ours)
        except KeyTaken as taken:
            raise KeyTaken(error, taken.differing) from None
        except UnreadableModule as unreadable:
            raise unreadable.with_(outcome=Outcome.NOT_APPLIED if is_first else Outcome.UNKNOWN) from None
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
                "resource that was renamed in the program. Another stack must not declare it, and an earlier resource leaves the "
                "state by aliases= or `pulumi state delete`, never by `destroy --target`",
            )
        return live

    @staticmethod
    def _find_by_key(operations: Operations, key: str, content: Content, is_ours: IsOurs) -> LiveModule | None:
        """The verification read under v1: the key decides."""
        try:
            live = operations.read(key)
        except NotFound:
            return None
        if is_ours(content, live.content):
            return live
        differing = changed_paths(content, live.content) if _may_be_ours(content, live.content) else ()
        raise KeyTaken(Rejected("another module has this key"), differing)

    def _find_new(self, operations: Operations, content: Content, *, is_last: bool) -> LiveModule | None:
        """The verification read under v2: the one new module that can be this content's, and is no other register's.

        One that could as well be that of another register under way is not found yet: that may claim it soon.
        """
        listed = operations.list()
        with self._lock:
            claimed = set(self._claimed or ())
            others = [other for name, other in self._unresolved.items() if name != fingerprint(content)]
        candidates, is_contested = [], False
        for live in listed:
            ours = None if live.key in claimed else likeness(content, live.content)
            if ours is None:
                continue
            best = min((found for other in others if (found := likeness(other, live.content)) is not None), default=None)
            if best is None or ours <= best:
                candidates.append(live)
                is_contested = is_contested or ours == best
        if is_contested and not is_last:
            return None
        if is_contested or len(candidates) > 1 or not all(is_usable(live.key) for live in candidates):
            raise AmbiguousRegistration({live.key: changed_paths(content, live.content) for live in candidates})
        if not candidates and (opaque := new_opaque_entries(self._before, listed, claimed)):
            raise AmbiguousRegistration(
                dict.fromkeys(opaque, ()), "the response to the register was lost: a new module cannot be read"
            )
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
    except ApiError as error:
        return isinstance(error, UnreadableModule)
    return True


def _may_be_ours(content: Content, live: Content) -> bool:
    return likeness(content, live) is not None


def new_opaque_entries(before: list[LiveModule], listed: list[LiveModule], claimed: set[str]) -> list[str]:
    """The keys of modules that cannot be read and are new since the list before. Entries without a key can only be counted."""
    keys = sorted(live.key for live in listed if live.problem and live.key and live.key not in claimed)
    more = sum(not live.key for live in listed) - sum(not live.key for live in before)
    return [*keys, *["an entry without a key"][: max(0, more)]]
