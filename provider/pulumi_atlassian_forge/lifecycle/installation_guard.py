"""The installation guard: a wrong token must not erase a stack (docs/adr/0004-installation-guard.md).

The token alone selects the installation. With a valid token of another installation the API answers 404 for every module of the
stack: a refresh would read that as "all deleted", a destroy as "done", an update as "register again". So a module is treated as
deleted only after at least one other module of the stack has been confirmed to exist.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pulumi_atlassian_forge.api.errors import ApiError, NotFound, Outcome, UnreadableModule
from pulumi_atlassian_forge.errors import Notify
from pulumi_atlassian_forge.model.comparison import fingerprint
from pulumi_atlassian_forge.model.module_id import Version

from .known_modules import KeyHash, KnownModules, ModuleName, decode_hashes, hash_key
from .ownership import Ownership

if TYPE_CHECKING:
    from pulumi_atlassian_forge.api.module_list import ModuleList
    from pulumi_atlassian_forge.api.protocol import LiveModule

    from .expected_installation import Credentials, ExpectedInstallation

    ModuleLists = Callable[[Version], ModuleList]

FIRST_REGISTER_WAIT_S: Final = 0.3
"""Seconds that the first register of a process waits for other hooks, so that the first module records later ones in its sample;
and for the keys of modules of which only the content is known (v2), which another installation may hold, too."""

IDLE_TIMEOUT_S: Final = 0.05  # without a new declaration, after which the program counts as finished
VERIFICATION_WAIT_S: Final = 1.0  # for other hooks, which may confirm a module, before the installation counts as unverified
_LOOKUPS: Final = 2  # modules of the state that are read by their keys if the list holds none of them: it may hide them


class UnverifiedInstallation(Exception):
    """None of the modules of the state was found: the token may belong to another installation."""

    def __init__(self, known: int, listed: int, first: str | None) -> None:
        super().__init__()
        self.known = known  # how many modules were looked for
        self.listed = listed  # how many modules the installation lists
        self.first = first  # the module that reported this first, whose message says what to do; None for the first one


class WrongInstallation(UnverifiedInstallation):
    """The credentials belong to another installation than the one that the state records."""

    def __init__(self, first: str | None) -> None:
        super().__init__(0, 0, first)


class InstallationGuard:
    """The guard of one installation: hooks report events to it, and ask it for verdicts. Shared by all threads."""

    def __init__(self, installation: str, notify: Notify, wait_s: float = VERIFICATION_WAIT_S) -> None:
        self.ownership = Ownership()
        self.accept_missing_modules = False  # the setting of this name: every missing module counts as deleted
        self.credentials_generation = 0  # counts their refreshes: what was verified with earlier ones proves nothing
        # Returns the identity, and may send a request; None if the authentication method does not know the installation.
        self.identity: Callable[[], str | None] | None = None
        self.expected: ExpectedInstallation | None = None  # the setting expectedInstallation; None if it is not set
        self._installation = installation
        self._notify = notify
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._events = 0
        self._is_verified = False  # the credentials lead to the installation of the state
        self._known = KnownModules()
        self._looked_up: set[ModuleName] = set()  # by key, and not found
        self._first_unverified: str | None = None
        self._has_warned = False  # that acceptMissingModules is set
        self._has_waited_for_declarations = False
        self._has_waited_for_keys = False
        self._registers_wait_until: float | None = None

    # -- Events -----------------------------------------------------------------------------------------------------------------

    def on_declared(self, version: Version, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> None:
        """A module of the program was checked; ``olds`` are its inputs in the state, empty for a new module.

        For a module that does not change this is the only event.
        """
        with self._changed:
            self._known.declare(version, inputs, olds)
            self.ownership.record_declaration(version, inputs, is_in_state=bool(olds))
            self._record_event()

    def on_recorded(
        self, version: Version, key: str, outputs: Mapping[str, Any], compared_with: Mapping[str, Any] | None = None
    ) -> None:
        """A module of the state was seen. Its outputs may be compared with inputs: the program's, or in a refresh the state's."""
        with self._changed:
            if compared_with is not None:
                self.ownership.record_comparison(outputs, compared_with)
                self._known.is_compared = True
            self._known.record((version, key), outputs)
            self._record_event()

    def on_registered(self, version: Version, key: str, owner: str) -> None:
        """A module was registered or adopted by the resource with the mark ``owner``, which owns it from now on.

        The first register waits a moment for other hooks (:data:`FIRST_REGISTER_WAIT_S`).
        """
        with self._changed:
            self.ownership.record_owner((version, key), owner)
            self._known.declared.setdefault((version, key))
            self._known.registered.add((version, key))
            self._known.awaiting -= 1
            self._record_event()
            self._wait_for_declarations(version)

    def on_deleted(self, version: Version, key: str) -> None:
        """A module was deleted by this process."""
        with self._changed:
            self._known.deleted.add((version, key))

    def on_credentials_refreshed(self) -> None:
        """The credentials were refreshed: they may be those of another installation."""
        with self._changed:
            self.credentials_generation += 1
            self._is_verified = False
            self._looked_up.clear()

    def mark_verified(self, credentials_generation: int) -> None:
        """A module of the state was found with the credentials of this generation."""
        with self._changed:
            if credentials_generation == self.credentials_generation:
                self._is_verified = True
                self._record_event()

    # -- Knowledge --------------------------------------------------------------------------------------------------------------

    def has_deleted(self, version: Version, key: str) -> bool:
        """Whether this process deleted a module."""
        return (version, key) in self._known.deleted

    def is_in_state(self, live: LiveModule, version: Version) -> bool:
        """Whether a live module is in the state, as far as this process knows: by its key, or under v2 by its content.

        A hash in another module's sample proves nothing: an interrupted run leaves modules that were never recorded.
        """
        return (version, live.key) in self._known.recorded or (version, fingerprint(live.content)) in self._known.contents

    def siblings(
        self, version: Version, key: str, live: Iterable[ModuleName] | None = None, recorded: list[str] | None = None
    ) -> list[str]:
        """The sample of the stack that a module records in its state.

        ``live`` are the modules that are known to exist; None: nothing is known. ``recorded`` is the present sample: it stays
        while all of it exists, so that a refresh leaves the state as it is.
        """
        hashes = None if live is None else set(map(hash_key, live))
        present = set(decode_hashes(recorded))
        if recorded and present and hashes is not None and present <= hashes:
            return recorded
        with self._changed:
            return self._known.sample((version, key), hashes)

    # -- Verdicts ---------------------------------------------------------------------------------------------------------------

    def require_same_identity(
        self, version: Version, key: str, recorded: object, *, is_new: bool = False, is_write: bool = True
    ) -> None:
        """Require the identity that the state records, if the authentication method knows the installation.

        ``recorded`` is the identity in the module's state; None: that of the stack's other modules, as far as they are known.
        ``is_new``: the module is in no state, so that the others may not have been seen yet. Raises :class:`WrongInstallation`,
        or an :class:`ApiError` if the identity is not available. A module without a key goes by its logical name. Before a
        write, also the expected installation is required (:meth:`require_expected_installation`).
        """
        self._require_recorded_identity(version, key, recorded, is_new=is_new)
        if is_write and self.expected is not None:
            self.require_expected_installation(self.expected.source.credentials)

    def require_expected_installation(self, obtain: Callable[[], Credentials]) -> Credentials:
        """Before a write: require that the credentials for it belong to the installation that the settings expect.

        Returns the credentials, which ``obtain`` obtains. If the Installation Details API does not tell, the recorded identity
        or a module of the stack has to confirm the installation. Raises the errors of :mod:`.expected_installation`, and another
        :class:`ApiError` if that is not known.
        """
        if self.expected is None:
            return obtain()
        try:
            credentials, failure = self.expected.verify(obtain)
            if failure is not None and not self._is_confirmed():
                raise failure
        except ApiError as error:
            raise error.with_(outcome=Outcome.NOT_APPLIED) from None
        warning = None if failure is None else self.expected.warning(failure)
        if warning is not None:
            self._notify(self._installation, warning)
        return credentials

    def _is_confirmed(self) -> bool:
        """Whether the authentication method, the recorded identity or a module of the stack confirms the installation."""
        if self.expected is None:
            return False
        source = self.expected.source
        actual = None if self.identity is None else self.identity()  # a relay tells it with its first response
        is_named = source.names_expected()
        if is_named is False:
            return False
        if is_named or (actual is not None and actual in self._known.identities):
            return True
        return self._is_one_found(source.module_list, (source.version, ""), self._end_of_registers_wait())

    def _require_recorded_identity(self, version: Version, key: str, recorded: object, *, is_new: bool) -> None:
        if self.identity is None or self.accept_missing_modules:
            return
        expected = {recorded} if isinstance(recorded, str) else self._recorded_identities(may_wait=is_new)
        try:
            actual = self.identity() if expected else None
        except ApiError as error:
            raise error.with_(outcome=Outcome.NOT_APPLIED) from None
        if actual is not None and actual not in expected:
            with self._changed:
                first = self._first_unverified
                self._first_unverified = first or key or version
            raise WrongInstallation(first)

    def require_known_installation(self, version: Version, key: str | None, lists: ModuleLists, name: str = "") -> None:
        """Before a register: require that the state holds no module, or that one of its modules exists.

        Raises :class:`UnverifiedInstallation` if more than one module of the state is known and none of them exists, and an
        :class:`ApiError` if that is not known.
        """
        if self.accept_missing_modules or self._is_verified:
            return
        module = (version, key or "")
        self._wait_for_keys()
        try:
            if not (self._known.recorded or self._known.hashes or self._known.contents):
                return  # an empty state, as far as this process knows
            if not (self._others(module) or self._known.contents):
                return
            if self._is_one_found(lists, module, self._end_of_registers_wait(), by_content=True):
                return
            failure = self._unverified(module, lists, name)
        except ApiError as error:
            raise error.with_(outcome=Outcome.NOT_APPLIED) from None
        if failure.known > 1:  # a single module may simply have been deleted
            raise failure

    def confirm_deleted(self, version: Version, key: str, lists: ModuleLists) -> None:
        """A module of the state is missing: return if it counts as deleted.

        Raises :class:`UnverifiedInstallation` if other modules of the stack are known and none of them exists, and an
        :class:`ApiError` if that is not known. The expected installation is required first, as before a write.
        """
        if self.expected is not None:
            self.require_expected_installation(self.expected.source.credentials)
        if self.accept_missing_modules:
            self._warn_of_accepting(key)
            return
        module = (version, key)
        if self._is_one_found(lists, module, time.monotonic() + (self._wait_s if self._first_unverified is None else 0)):
            return
        if self._others(module):
            raise self._unverified(module, lists)
        self._notify(
            f"{self._installation}/{key}",
            "not found; treated as deleted. The stack has no other module that could confirm that the token belongs to this "
            "installation. To list what the token gives access to: forge-modules orphans",
        )

    def _unverified(self, module: ModuleName, lists: ModuleLists, name: str = "") -> UnverifiedInstallation:
        listed = len(lists(module[0]).all())
        with self._changed:
            first = self._first_unverified
            if first is None:
                self._first_unverified = module[1] or name
            return UnverifiedInstallation(max(len(self._known.all_hashes()), len(self._known.contents)), listed, first)

    def _warn_of_accepting(self, key: str) -> None:
        """Once per process: the setting may have been left over from an earlier run."""
        with self._changed:
            has_warned, self._has_warned = self._has_warned, True
        if not has_warned:
            text = "not found; treated as deleted like any other, because acceptMissingModules is set; remove it after this run"
            self._notify(f"{self._installation}/{key}", text)

    # -- Verification -----------------------------------------------------------------------------------------------------------

    def _others(self, module: ModuleName) -> set[KeyHash]:
        with self._changed:
            return self._known.all_hashes() - {hash_key(module)}

    def _is_one_found(self, lists: ModuleLists, module: ModuleName, until: float, *, by_content: bool = False) -> bool:
        """Whether another module of the state exists; until then, other hooks may report more modules to look for."""
        while True:
            seen = self._events
            if self._is_one_listed(lists, module, by_content=by_content):
                return True
            if not self._wait_for_event(seen, until - time.monotonic()):
                return self._is_one_hidden(lists, module)

    def _is_one_listed(self, lists: ModuleLists, module: ModuleName, *, by_content: bool) -> bool:
        """Whether the list holds another module of the state: by its key, or by its content if no key is known."""
        if self._is_verified:
            return True
        generation, others = self.credentials_generation, self._others(module)
        with self._changed:
            contents: Collection[tuple[Version, str]] = self._known.contents_without_names() if by_content else ()
        for version in {version for version, _ in others.union(contents)}:
            for live in self._listed(lists, version, module):
                name = (version, live.key)
                is_other = hash_key(name) in others or (version, fingerprint(live.content)) in contents
                if is_other and name not in self._known.registered:
                    self.mark_verified(generation)
                    return True
        return False

    def _listed(self, lists: ModuleLists, version: Version, module: ModuleName) -> list[LiveModule]:
        """The list of a version; empty if it is not the version of the module, and its API no longer exists."""
        try:
            return lists(version).all()
        except NotFound:
            if version == module[0]:
                raise
            return []

    def _is_one_hidden(self, lists: ModuleLists, module: ModuleName) -> bool:
        """Whether another module of the state exists that the list lacks: it hides behind a static module, or is too new."""
        if self._is_verified:
            return True
        generation, known = self.credentials_generation, self._known
        with self._changed:
            names = sorted(known.recorded - known.registered - known.deleted - self._looked_up - {module})[:_LOOKUPS]
            self._looked_up.update(names)
        for version, key in names:
            try:
                is_found = lists(version).find(key) is not None
            except UnreadableModule:
                is_found = True
            except (ValueError, NotFound):  # the key is not valid in a path; the API of this version no longer exists
                continue
            if is_found:
                self.mark_verified(generation)
                return True
        return False

    # -- Waits ------------------------------------------------------------------------------------------------------------------

    def _record_event(self) -> None:
        self._events += 1
        self._changed.notify_all()

    def _wait_for_event(self, seen: int, seconds: float) -> bool:
        """Wait for an event after those that were seen; False if none came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._events != seen, max(0.0, seconds))

    def _wait_for_declarations(self, version: Version) -> None:
        """Once: until no declaration came for a while, and under v2 no declared module is left to register."""
        if self._has_waited_for_declarations:
            return
        self._has_waited_for_declarations = True
        until = time.monotonic() + FIRST_REGISTER_WAIT_S
        while (left := until - time.monotonic()) > 0:
            may_end = version == "v1" or self._known.awaiting <= 0
            if not self._wait_for_event(self._events, min(left, IDLE_TIMEOUT_S) if may_end else left) and may_end:
                return

    def _wait_for_keys(self) -> None:
        """Once: if only the content of modules is known, their diffs are on their way and bring the keys."""
        with self._changed:
            if self._known.contents and not self._known.recorded and not self._has_waited_for_keys:
                self._changed.wait_for(lambda: self._known.recorded, FIRST_REGISTER_WAIT_S)
            self._has_waited_for_keys = True

    def _recorded_identities(self, *, may_wait: bool) -> set[str]:
        """The identities in the state. If it has modules, their diffs are on their way and bring them."""
        with self._changed:
            if may_wait and (self._known.recorded or self._known.contents):
                self._changed.wait_for(lambda: self._known.is_compared or self._known.identities, FIRST_REGISTER_WAIT_S)
            return set(self._known.identities)

    def _end_of_registers_wait(self) -> float:
        """One end for all registers: each on its own would wait in vain in a stack whose only module was deleted."""
        with self._changed:
            if self._registers_wait_until is None:
                self._registers_wait_until = time.monotonic() + self._wait_s
            return self._registers_wait_until
