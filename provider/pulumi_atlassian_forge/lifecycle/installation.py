"""One installation as the decisions need it, and what all four verbs do with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.config.settings import AuthMethodName
from pulumi_atlassian_forge.model.module_id import ModuleId, Version

from .installation_guard import InstallationGuard, UnverifiedInstallation
from .messages import Attempt, Verb, explain, unverified
from .recovery import Registrar


class Installation(Protocol):
    """One installation as the decisions need it; :mod:`pulumi_atlassian_forge.session.connection` implements it."""

    name: str  # in the settings
    base_url: str  # for messages
    auth_method: AuthMethodName | None  # the setting that selects it, for messages; None if none is needed
    guard: InstallationGuard

    @property
    def slots(self) -> AbstractContextManager[object]:
        """Held by each operation under way: it limits how many run at once."""

    def operations(self, version: Version) -> Operations:
        """The five operations under one version of the API."""

    def module_list(self, version: Version) -> ModuleList:
        """The shared list of its modules under one version of the API."""

    def registrar(self, version: Version) -> Registrar:
        """Registers modules exactly once, under one version of the API."""

    def notify(self, about: str, text: str) -> None:
        """Send a run-time message to the user, about the installation or ``<installation>/<key>``."""


def attempt_at(
    verb: Verb, installation: Installation, version: Version, key: str | None, type_: str, inputs: Mapping[str, Any] | None = None
) -> Attempt:
    """What is tried, for the first line of a message."""
    name = "/".join((inputs or {}).get("__name", ())) or None
    was_deleted = installation.guard.ownership.has_deleted(inputs or {})
    return Attempt(
        verb, key, type_, installation.name, version, installation.base_url, installation.auth_method, name, was_deleted
    )


@contextmanager
def explained(attempt: Attempt) -> Iterator[None]:
    """Turn an error of the API or of the installation guard into the :class:`ForgeError` that the user reads."""
    try:
        yield
    except UnverifiedInstallation as error:
        raise unverified(attempt, error) from None
    except ApiError as error:
        raise explain(attempt, error) from None


def with_marks(
    installation: Installation,
    id_: ModuleId,
    outputs: dict[str, Any],
    live: Iterable[tuple[Version, str]] | None = None,
    recorded: list[str] | None = None,
) -> dict[str, Any]:
    """The outputs with what shows a later run that it is on the right installation: ``__identity`` and ``__siblings``.

    ``live`` and ``recorded`` are those of :meth:`InstallationGuard.siblings`.
    """
    try:
        identity = installation.guard.identity() if installation.guard.identity is not None else None
    except ApiError:
        identity = None  # the module exists, and that has to be written down
    siblings = installation.guard.siblings(id_.version, id_.key, live, recorded)
    marks = {"__identity": identity or outputs.get("__identity"), "__siblings": siblings}
    return {**outputs, **{name: mark for name, mark in marks.items() if mark}}


def is_listed(installation: Installation, id_: ModuleId) -> bool:
    """Whether the list holds a module for which the API responded with 404. A second, fresh list decides.

    If the list is not available, that is an error: a gateway that responds with 404 to one request may do so to the other.
    """
    module_list = installation.module_list(id_.version)
    try:
        return all(any(live.key == id_.key for live in module_list.all(within)) for within in (None, 0.0))
    except ApiError as error:
        if installation.guard.accept_missing_modules:
            return False
        text = f"the API responded that the module does not exist, and its list is not available: {error}"
        raise InvalidResponse(text, status=404) from None


def contradicting_404() -> InvalidResponse:
    """The error for a module that the API reports as missing and lists."""
    return InvalidResponse("the API responded that the module does not exist, but lists it", status=404)
