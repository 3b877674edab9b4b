"""Registering a module once, whatever happens to the responses: look before repeating (docs/adr/0003-lost-answers.md).

A register whose response was lost, cut or unreadable may have been carried out. Sending it again could register the module twice,
and then a customer's function runs twice on every event; giving up could leave an orphan that runs for ever. So after a response
that decides nothing the installation is looked at: under v1 by the key, under v2, where only the server knows the key, by
comparing a list taken before with one taken after.
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
from pulumi_atlassian_forge.model.additions import is_exactly, means, overlap
from pulumi_atlassian_forge.model.comparison import fingerprint, server_additions
from pulumi_atlassian_forge.model.content import Content

VERIFICATION_DELAYS_S: Final = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each look. A server may show a new module a little late, so "absent" is believed only after the last."""

LIST_MAX_AGE_S: Final = 1.0
"""Seconds that the list before may be old: what another stack registers after it could be claimed."""

ATTEMPTS: Final = 5
"""How often a register is sent at most, where each time nothing could be found afterwards."""


class AmbiguousRegistration(ApiError):
    """Several modules could be the one whose response was lost; none is taken."""

    _outcome = Outcome.UNKNOWN

    def __init__(self, keys: list[str], cause: ApiError) -> None:
        super().__init__(cause.message, status=cause.status)
        self.keys = keys


class KeyTaken(ApiError):
    """A module with this key is already there, with other content."""

    def __init__(self, cause: ApiError) -> None:
        super().__init__(cause.message, status=cause.status)


class Registrar:
    """Registers modules on one installation under one version of the API; shared by all threads of a process.

    Args:
        installation: Its name, for the lines that say what happened.
        operations: The five operations.
        listing: The shared list.
        patience: Seconds that one register may take with all its looks and repetitions.
        adopt_identical: Whether an identical module that was there before, under the same key, is adopted (v1).
        notify: Receives run-time messages.
        sleep: Waits for some seconds.
        clock: A monotonic clock, in seconds.
    """

    def __init__(  # noqa: PLR0913 - what it needs, and what a test sets
        self,
        installation: str,
        operations: Operations,
        listing: ModuleList,
        *,
        patience: float,
        adopt_identical: bool = True,
        notify: Notify,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._installation = installation
        self._operations = operations
        self._listing = listing
        self._patience = patience
        self._adopt_identical = adopt_identical
        self._notify = notify
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._not_claimable: set[str] | None = None
        self._before: list[LiveModule] = []
        self._of_content: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._wanted: dict[str, Content] = {}  # whose register is under way

    def register(self, key: str | None, content: Content, *, was_deleted: bool = False) -> LiveModule | None:
        """Register a module once.

        Args:
            key: Its key under v1; None under v2.
            content: What to register.
            was_deleted: Whether this process has deleted the module of this key: a server may not know it everywhere yet.

        Returns:
            The module; None where v1 answered with an empty body.

        Raises:
            ApiError: It could not be registered; ``outcome`` says whether it may be registered all the same.
        """
        operations = self._operations.with_shared_budget()
        if key is not None:
            pauses = VERIFICATION_DELAYS_S[1:] if was_deleted else ()
            return self._settled(operations, key, content, lambda: self._by_key(operations, key, content), key, pauses)
        self._note_what_is_there()
        name = fingerprint(content)
        # Creates of identical content one after the other: else one could claim the module of the other.
        with self._lock:
            turn = self._of_content[name]
        with turn:
            with self._lock:
                self._wanted[name] = content
            try:
                live = self._settled(operations, None, content, lambda: self._claimable(operations, content), "a new module")
                if live is not None:
                    self._claim(live.key)
            finally:
                with self._lock:
                    del self._wanted[name]
            return live

    def _settled(
        self,
        operations: Operations,
        key: str | None,
        content: Content,
        look: Callable[[], LiveModule | None],
        name: str,
        pauses: Sequence[float] = (),
    ) -> LiveModule | None:
        began, left, is_in_doubt = self._clock(), list(pauses), False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._own(self._registered(operations, key, content, left), key)
            except ApiError as error:
                if isinstance(error, Rejected) and key is not None:
                    return self._why_rejected(operations, key, content, error, first=not is_in_doubt)
                is_certain = error.outcome is Outcome.NOT_APPLIED
                if is_certain and not is_in_doubt:
                    raise
                error = error.with_(outcome=Outcome.UNKNOWN) if is_in_doubt else error
                # Also where only an earlier attempt may have been carried out: it may have been so by now.
                found = self._found(look, error)
                if found is not None:
                    self._tell(name, f"the response was lost: {error}; the module is registered, and found: {found.key}")
                    return found
                waited = self._clock() - began
                if is_certain or attempt == ATTEMPTS or waited >= self._patience:
                    raise error.with_(attempts=attempt, waited=waited) from None
                is_in_doubt = True
        raise AssertionError("unreachable")

    def _registered(self, operations: Operations, key: str | None, content: Content, pauses: list[float]) -> LiveModule | None:
        """Send it. A key that is refused because its deletion is not known everywhere yet is tried again after a pause."""
        while True:
            try:
                return operations.register(key, content)
            except Rejected:
                if not pauses or key is None or not self._is_there(operations, key):
                    raise
                self._sleep(pauses.pop(0))

    def _is_there(self, operations: Operations, key: str) -> bool:
        try:
            operations.read(key)
        except ApiError:
            return False
        return True

    def _own(self, live: LiveModule | None, key: str | None) -> LiveModule | None:
        """The module of a response, unless it is one that was there before: then the response is another request's."""
        if live is not None and key is None:
            with self._lock:
                is_another = live.key in (self._not_claimable or ())
            if is_another:
                raise InvalidResponse(f"the response is module '{printable(live.key, 80)}', which was there before")
        return live

    def _found(self, look: Callable[[], LiveModule | None], cause: ApiError) -> LiveModule | None:
        for pause in VERIFICATION_DELAYS_S:
            if pause:
                self._sleep(pause)
            try:
                found = look()
            except (AmbiguousRegistration, KeyTaken):
                raise
            except ApiError:
                # Without a look nothing is known, and sending it again could register it twice.
                raise cause from None
            if found is not None:
                return found
        return None

    def _by_key(self, operations: Operations, key: str, content: Content, *, exactly: bool = False) -> LiveModule | None:
        """Under v1 the key tells: the module is there, or it is not."""
        try:
            live = operations.read(key)
        except NotFound:
            return None
        if (is_exactly if exactly else means)(content, live.content):
            return live
        raise KeyTaken(Rejected("another module has this key"))

    def _why_rejected(self, operations: Operations, key: str, content: Content, error: Rejected, *, first: bool) -> LiveModule:
        """A refusal may mean that the key exists: left by our lost response, by a killed run, or made by another client."""
        try:
            live = self._by_key(operations, key, content, exactly=first)
        except KeyTaken:
            raise KeyTaken(error) from None
        except ApiError:
            raise error from None
        if live is None:
            raise error
        if first and not self._adopt_identical:
            raise KeyTaken(error)
        if first:
            self._tell(
                key,
                "was already registered with the same content, and is adopted: left by a killed run, or the module of a "
                "resource that the program calls by another name now. Another stack must not declare it",
            )
        return live

    # -- v2 -----------------------------------------------------------------------------------------------------------------

    def _note_what_is_there(self) -> None:
        """The list before: once per process, and from then on our own creates are added to it."""
        with self._lock:
            if self._not_claimable is not None:
                return
            try:
                self._before = self._listing.all(within=LIST_MAX_AGE_S)
            except ApiError as error:
                raise error.with_(outcome=Outcome.NOT_APPLIED) from None
            self._not_claimable = {live.key for live in self._before}

    def duplicates(self, content: Content) -> list[LiveModule]:
        """Under v2 the modules of this content that were there before this process registered any."""
        return [live for live in self._before if is_exactly(content, live.content)]

    def _claim(self, key: str) -> None:
        with self._lock:
            if self._not_claimable is not None:
                self._not_claimable.add(key)

    def _claimable(self, operations: Operations, content: Content) -> LiveModule | None:
        """The one module of this content that was not there before, and that is not another create's."""
        listed = operations.list()
        with self._lock:
            taken = set(self._not_claimable or ())
            others = [other for name, other in self._wanted.items() if name != fingerprint(content)]
        candidates = [
            live
            for live in listed
            if live.key not in taken
            and means(content, live.content)
            and not any(_is_closer(other, content, live.content) for other in others)
        ]
        if len(candidates) > 1 or not all(is_usable(live.key) for live in candidates):
            raise AmbiguousRegistration(sorted(live.key for live in candidates), Rejected("several modules could be the one"))
        return candidates[0] if candidates else None

    def _tell(self, name: str, text: str) -> None:
        self._notify(f"{self._installation}/{name}", text)


def _is_closer(other: Content, content: Content, live: Content) -> bool:
    """Whether a live module is rather another declaration than this one: that declares more of what it holds."""
    return means(other, live) and len(server_additions(other, live)) < len(server_additions(content, live))


def update_and_verify(operations: Operations, key: str, content: Content, removed: Sequence[str] = ()) -> LiveModule:
    """Replace a module's content, and look where the response decides nothing.

    Args:
        operations: The five operations.
        key: The module's key.
        content: What it is to hold.
        removed: The paths that it held and that are not declared any more: where one is left the update did not happen. Without
            them such a path would be taken for what a server adds by itself.

    Returns:
        The module as the server has it.

    Raises:
        NotFound: There is none with this key.
        ApiError: It could not be updated; ``outcome`` says whether it is as it was.
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
        if means(content, live.content) and not overlap(server_additions(content, live.content), [*removed]):
            return live
        raise


def delete_and_verify(operations: Operations, key: str) -> bool:
    """Delete a module, and look where the response decides nothing.

    Returns:
        Whether the server said that it has deleted it; False where there is none, or none any more.

    Raises:
        ApiError: It could not be deleted; ``outcome`` says whether it is still registered.
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
