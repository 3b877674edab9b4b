"""A wrong token must not erase a stack (docs/adr/0004-wrong-token.md).

The installation comes from the token alone. With a valid token of another one every module of the stack responses 404, and that
reads as "all gone" in a refresh, "done" in a destroy and "register again" in an update. So the first *gone* of a process is
believed only if another module of the stack is seen live: a confirmed module.

A hook knows one module of the stack. The others are those that this process has met in other hooks, and those that each module
carries in its state (``__siblings``), a sample that is different for each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pulumi_atlassian_forge.api.errors import ApiError, NotFound, Outcome
from pulumi_atlassian_forge.errors import Notify
from pulumi_atlassian_forge.model.comparison import fingerprint
from pulumi_atlassian_forge.model.content import content_of
from pulumi_atlassian_forge.model.module_id import Version

from .ownership import Owners
from .siblings import Mark, Name, digest, mark_of, marks_in, written

if TYPE_CHECKING:
    from pulumi_atlassian_forge.api.module_list import ModuleList
    from pulumi_atlassian_forge.api.protocol import LiveModule

    Listings = Callable[[Version], ModuleList]

SIBLINGS: Final = 6
"""How many other modules each one carries in its state."""

_LATEST: Final = 3  # of them are the ones that came last: the rest of a program may be deleted with what it stands next to

FIRST_REGISTER_WAIT_S: Final = 0.3
"""Seconds that the first register of a process may wait for others, so that the module that came first knows of later ones; and
for the keys of those that do not change, where only their content is known (v2): that may be another installation's, too."""

_ASKED: Final = 2  # modules of the state that are asked for by their keys, where the list has none: it may hide them

IDLE_TIMEOUT_S: Final = 0.05
"""Seconds without a new declaration after which the program is taken to be through."""

VERIFICATION_WAIT_S: Final = 1.0
"""Seconds to wait for other hooks, which may bring a confirmed module, before it is said that there is none."""


class UnverifiedInstallation(Exception):
    """None of the modules that the state holds was found: is this the right installation?

    Attributes:
        known: How many were looked for.
        listed: How many other modules the installation holds.
        first: The module at which this was found, where it was found before: its message says it all.
    """

    def __init__(self, known: int, listed: int, first: str | None) -> None:
        super().__init__()
        self.known = known
        self.listed = listed
        self.first = first


class WrongInstallation(UnverifiedInstallation):
    """The credentials lead to another installation than the one that the state was made on."""

    def __init__(self, first: str | None) -> None:
        super().__init__(0, 0, first)


class InstallationGuard:
    """The modules of the stack that this process knows on one installation. Shared by all threads.

    Args:
        installation: Its name, for the lines that say what happened.
        notify: Receives run-time messages.
        patience: See :data:`VERIFICATION_WAIT_S`.

    Attributes:
        owners: Which resource of the program each of them belongs to.
        is_credulous: Whether everything is believed: what the setting ``acceptMissingModules`` asks for.
        era: Which credentials are in use, counted by their renewals: what was seen with earlier ones proves nothing.
        identity: Returns what tells this installation from others, and may ask for it; None where the authentication method
            to it never knows.
    """

    def __init__(self, installation: str, notify: Notify, patience: float = VERIFICATION_WAIT_S) -> None:
        self.owners = Owners()
        self.accept_missing_modules = False
        self.identity: Callable[[], str | None] | None = None
        self._installation = installation
        self._notify = notify
        self._patience = patience
        self._changed = threading.Condition()
        self._recorded: set[Name] = set()  # in the state
        self._has_compared = False  # a module of the state with its declaration: then what the state says is on its way
        self._carried: set[Mark] = set()  # siblings of those: they were in the state once
        self._identities: set[str] = set()  # of the installation, as the state has them
        self._contents: set[tuple[Version, str]] = set()  # of those in the state whose keys are not known yet (v2)
        self._declared: dict[Name, None] = {}  # in the program, in the order in which they came; this proves nothing
        self._awaited = 0  # of these how many are to be registered still
        self._has_lingered = False
        self._has_waited = False  # for the keys of those in the state
        self._patient_until: float | None = None
        self._asked: set[Name] = set()  # by their keys, in vain
        self._has_told = False  # that all is believed
        self._registered: set[Name] = set()  # by this process
        self._deleted: set[Name] = set()
        self.credentials_generation = 0
        self._has_witness = False
        self._news = 0
        self._first_in_doubt: str | None = None

    # -- what the hooks tell --------------------------------------------------------------------------------------------------

    def check(self, version: Version, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> None:
        """A module of the program, and its inputs in the state, where it is there.

        This alone tells of a module that does not change: no other hook is called for it.
        """
        with self._changed:
            if version == "v1" and isinstance(inputs.get("key"), str):
                self._declared.setdefault((version, inputs["key"]))
            self._awaited += not olds
            self.owners.declare(version, inputs, is_in_state=bool(olds))
            was: Version = olds.get("apiVersion", version)
            if isinstance(olds.get("key"), str):
                self._recorded.add((was, olds["key"]))
            elif olds:  # under v2 the inputs hold no key: it is known by its content
                self._contents.add((was, fingerprint(content_of(olds))))
            self._tell()

    def register(self, version: Version, key: str, made: str = "") -> None:
        """A module was registered, adopted or adopted; the first one waits a moment for others to become known.

        Args:
            version: Its version of the API.
            key: Its key.
            made: What tells this resource from one that had the module before.
        """
        with self._changed:
            self.owners.take((version, key), made)
            self._declared.setdefault((version, key))
            self._registered.add((version, key))
            self._awaited -= 1
            self._tell()
            if self._has_lingered:
                return
            self._has_lingered = True
            until = time.monotonic() + FIRST_REGISTER_WAIT_S
            while (left := until - time.monotonic()) > 0:
                through = version == "v1" or self._awaited <= 0
                if not self._heard(self._news, min(left, IDLE_TIMEOUT_S) if through else left) and through:
                    return

    def meet(
        self, version: Version, key: str, outputs: Mapping[str, Any], compared_with: Mapping[str, Any] | None = None
    ) -> None:
        """A module of the state.

        Args:
            version: Its version of the API.
            key: Its key.
            outputs: Its outputs in the state.
            compared_with: The inputs that it is compared with: the program's, or in a refresh those in the state.
        """
        with self._changed:
            if compared_with is not None:
                self.owners.meet(outputs, compared_with)
                self._has_compared = True
            self._recorded.add((version, key))
            self._identities |= {recorded for recorded in (outputs.get("__identity"),) if isinstance(recorded, str)}
            self._carried |= set(marks_in(outputs.get("__siblings")))
            self._tell()

    def mark_verified(self, credentials_generation: int) -> None:
        """A module of the state was seen live, by a request of that era: this is the installation."""
        with self._changed:
            if credentials_generation == self.credentials_generation:
                self._has_witness = True
                self._tell()

    def delete(self, version: Version, key: str) -> None:
        """A module was deleted by this process."""
        with self._changed:
            self._deleted.add((version, key))

    def forget(self) -> None:
        """The credentials were renewed: whether they lead to the same installation has to be seen again."""
        with self._changed:
            self.credentials_generation += 1
            self._has_witness = False
            self._asked.clear()

    def has_deleted(self, version: Version, key: str) -> bool:
        """Whether this process has deleted a module."""
        return (version, key) in self._deleted

    def is_in_state(self, live: LiveModule, version: Version) -> bool:
        """Whether a registered module is in the state, as far as this process knows: by its key, or under v2 by its content.

        That another one carries its key proves nothing: a killed run leaves siblings that were never written down.
        """
        return (version, live.key) in self._recorded or (version, fingerprint(live.content)) in self._contents

    # -- what they ask --------------------------------------------------------------------------------------------------------

    def siblings(
        self, version: Version, key: str, live: Iterable[Name] | None = None, carried: list[str] | None = None
    ) -> list[str]:
        """The other modules that one carries in its state, by their hashes: an even sample, the same each time.

        Args:
            version: Its version of the API.
            key: Its key.
            live: Those that are known to be live; None: nothing is known.
            carried: Those that it carries. They stay while all are live, so that a refresh leaves the state as it is.
        """
        marks = None if live is None else set(map(mark_of, live))
        known_before = set(marks_in(carried))
        if carried and known_before and marks is not None and known_before <= marks:
            return carried
        with self._changed:
            latest = [mark_of(name) for name in self._declared if name not in self._deleted]
            known = set(map(mark_of, self._recorded)) | self._carried | set(latest)
            known -= {mark_of((version, key)), *map(mark_of, self._deleted)}
        if marks is not None:
            known &= marks
        chosen = [mark for mark in latest if mark in known][-_LATEST:]
        drawn = sorted(known.difference(chosen), key=lambda other: digest(f"{version}/{key} {other}"))
        return written([*chosen, *drawn[: SIBLINGS - len(chosen)]])

    def confirm_deleted(self, version: Version, key: str, listings: Listings) -> None:
        """A module of the state is not there: return if that can be believed.

        Raises:
            InDoubt: No module of the stack is there.
            ApiError: It cannot be told.
        """
        if self.accept_missing_modules:
            self._tell_that_all_is_believed(key)
            return
        me = (version, key)
        until = time.monotonic() + (self._patience if self._first_in_doubt is None else 0)
        if self._is_found(listings, me, until):
            return
        if self._others(me):
            raise self._in_doubt(me, listings)
        self._notify(
            f"{self._installation}/{key}",
            "is not there, and no other module of this stack is known that could show whether the token is the right one: taken "
            "for deleted. To see what the token leads to: forge-modules orphans",
        )

    def require_known_installation(self, version: Version, key: str | None, listings: Listings, name: str = "") -> None:
        """Return if nothing speaks against registering here: no module of the state is known, or one of them is there.

        Args:
            version: Its version of the API.
            key: Its key, under v1.
            listings: The lists.
            name: Its logical name, for the messages that point to this one.

        Raises:
            InDoubt: Modules of the state are known, and none is there.
            ApiError: It cannot be told.
        """
        me = (version, key or "")
        if self.accept_missing_modules or self._has_witness:
            return
        self._wait_for_keys()
        try:
            if not (self._others(me) or self._contents):
                return
            if self._is_found(listings, me, self._end_of_patience(), by_content=True):
                return
            doubt = self._in_doubt(me, listings, name)
        except ApiError as error:
            raise error.with_(outcome=Outcome.NOT_APPLIED) from None
        if doubt.known > 1:  # of one nobody can tell
            raise doubt

    def require_same_identity(self, version: Version, key: str, recorded: object, *, is_new: bool = False) -> None:
        """Return if nothing speaks against this being the installation that the state was made on.

        Args:
            version: The version of the API.
            key: The key of the module in question, or its logical name where it has none yet.
            recorded: What its state says; None: whatever is known of the state, which is that of the stack's other modules.
            is_new: Whether it is in no state, so that the others may still be on their way to us.

        Raises:
            Elsewhere: It is another one.
            ApiError: It cannot be told.
        """
        if self.identity is None or self.accept_missing_modules:
            return
        expected = {recorded} if isinstance(recorded, str) else self._recorded_identities(is_awaited=is_new)
        try:
            mine = self.identity() if expected else None
        except ApiError as error:
            raise error.with_(outcome=Outcome.NOT_APPLIED) from None
        if mine is not None and mine not in expected:
            with self._changed:
                first = self._first_in_doubt
                self._first_in_doubt = first or key or version
            raise WrongInstallation(first)

    # -- inside ---------------------------------------------------------------------------------------------------------------

    def _tell_that_all_is_believed(self, key: str) -> None:
        """Once: the setting may have been left on since an earlier run."""
        with self._changed:
            was_told, self._has_told = self._has_told, True
        if not was_told:
            text = "not found; treated as deleted like any other, because acceptMissingModules is set; remove it after this run"
            self._notify(f"{self._installation}/{key}", text)

    def _tell(self) -> None:
        self._news += 1
        self._changed.notify_all()

    def _heard(self, since: int, seconds: float) -> bool:
        """Wait for news; False when none came in that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._news != since, max(0.0, seconds))

    def _recorded_identities(self, *, is_awaited: bool) -> set[str]:
        """Where the state has modules their diffs are on their way, which bring what it says of the installation."""
        with self._changed:
            if is_awaited and (self._recorded or self._contents):
                self._changed.wait_for(lambda: self._has_compared or self._identities, FIRST_REGISTER_WAIT_S)
            return set(self._identities)

    def _wait_for_keys(self) -> None:
        """Once: where the state has modules whose keys we do not know, their diffs are on their way, which bring them."""
        with self._changed:
            if self._contents and not self._recorded and not self._has_waited:
                self._changed.wait_for(lambda: self._recorded, FIRST_REGISTER_WAIT_S)
            self._has_waited = True

    def _nameless(self) -> set[tuple[Version, str]]:
        """What is known by its content alone, of versions of which no module is known by its key."""
        with self._changed:
            named = {version for version, _ in (*self._recorded, *self._carried)}
            return {content for content in self._contents if content[0] not in named}

    def _others(self, me: Name) -> set[Mark]:
        with self._changed:
            return (set(map(mark_of, self._recorded)) | self._carried) - {mark_of(me)}

    def _is_found(self, listings: Listings, me: Name, until: float, *, by_content: bool = False) -> bool:
        """Whether a module of the state other than this one is live; other hooks may bring one to look for."""
        has_news = True
        while has_news:
            news = self._news
            if self._is_known(listings, me, self._nameless() if by_content else ()):
                return True
            has_news = self._heard(news, until - time.monotonic())
        return self._is_hidden(listings, me)

    def _end_of_patience(self) -> float:
        """The same for all registers: of a stack whose one module is gone each would wait in vain."""
        with self._changed:
            if self._patient_until is None:
                self._patient_until = time.monotonic() + self._patience
            return self._patient_until

    def _is_known(self, listings: Listings, me: Name, contents: Collection[tuple[Version, str]] = ()) -> bool:
        """Whether a module of the state other than this one is listed; where nothing else is known, by its content."""
        if self._has_witness:
            return True
        credentials_generation = self.credentials_generation
        others = self._others(me)
        for version in {version for version, _ in others.union(contents)}:
            listed = [live for live in self._listed(listings, version, me) if (version, live.key) not in self._registered]
            if any(mark_of((version, live.key)) in others or (version, fingerprint(live.content)) in contents for live in listed):
                self.mark_verified(credentials_generation)
                return True
        return False

    def _listed(self, listings: Listings, version: Version, me: Name) -> list[LiveModule]:
        """The list of a version; none where that is not the one in question, and there is no such API any more."""
        try:
            return listings(version).all()
        except NotFound:
            if version == me[0]:
                raise
            return []

    def _is_hidden(self, listings: Listings, me: Name) -> bool:
        """Whether a module of the state is there though the list does not have it: behind a static one, or not yet."""
        if self._has_witness:
            return True
        credentials_generation = self.credentials_generation
        with self._changed:
            asked = sorted(self._recorded - self._registered - self._deleted - self._asked - {me})[:_ASKED]
            self._asked.update(asked)
        for version, key in asked:
            try:
                found = listings(version).find(key)
            except (ValueError, NotFound):  # no path can carry the key; there is no such API any more
                continue
            if found is not None:
                self.mark_verified(credentials_generation)
                return True
        return False

    def _in_doubt(self, me: Name, listings: Listings, name: str = "") -> UnverifiedInstallation:
        listed = len(listings(me[0]).all())
        with self._changed:
            first = self._first_in_doubt
            if first is None:
                self._first_in_doubt = me[1] or name
            known = set(map(mark_of, self._recorded)) | self._carried
            return UnverifiedInstallation(max(len(known), len(self._contents)), listed, first)
