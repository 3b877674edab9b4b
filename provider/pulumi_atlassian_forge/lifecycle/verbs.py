"""The decisions: what to send, and what to remember of the response. No Pulumi and no HTTP.

A front end (today :mod:`.provider`, later a native plugin) hands in plain values and gets plain values back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, get_args

from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse, NotFound, Unauthorized
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.config.settings import AuthMethodName
from pulumi_atlassian_forge.model.additions import overlap
from pulumi_atlassian_forge.model.comparison import server_additions
from pulumi_atlassian_forge.model.content import TRIGGER, Content, content_of, is_typed
from pulumi_atlassian_forge.model.module_id import ModuleId, Version
from pulumi_atlassian_forge.saying import notify

from .adoption import AdoptionTargetMissing, adopted
from .installation_guard import InstallationGuard, UnverifiedInstallation
from .messages import LIMIT, Attempt, Verb, another_type, doubtful, explain, gone, is_about_the_limit
from .recovery import Registrar, delete_and_verify, update_and_verify
from .state import inputs_of, outputs_of

_T = TypeVar("_T")


class Installation(Protocol):
    """One installation as the decisions need it; :mod:`.connect` makes them."""

    @property
    def name(self) -> str:
        """The name it has in the settings."""

    @property
    def base_url(self) -> str:
        """Where its API is, for messages."""

    @property
    def auth_method(self) -> AuthMethodName | None:
        """The setting that leads to it, for messages; None where none is needed."""

    @property
    def guard(self) -> InstallationGuard:
        """The modules of the stack that are known on it."""

    @property
    def turns(self) -> AbstractContextManager[object]:
        """Held by each operation under way: so many run at once, and no more."""

    def operations(self, version: Version) -> Operations:
        """The five operations under one version of the API."""

    def listing(self, version: Version) -> ModuleList:
        """The shared list of its modules under one version of the API."""

    def registrar(self, version: Version) -> Registrar:
        """What registers modules on it, once each, under one version of the API."""


def create(installation: Installation, inputs: Mapping[str, Any]) -> tuple[ModuleId, dict[str, Any]]:
    """Register a module, or adopt one: one request, and a look where its response decides nothing.

    Returns:
        The id and the outputs.

    Raises:
        ForgeError: It could not be registered, or it is not known whether it was.
    """
    version: Version = inputs["apiVersion"]
    content = content_of(inputs)
    key = inputs.get("key")
    attempt = _attempt("register", installation, version, key, content.type, inputs)
    try:
        with installation.turns:
            live, was_empty = _renewed(lambda: _created(installation, version, key, content, inputs))
    except UnverifiedInstallation as doubt:
        raise doubtful(attempt, doubt) from None
    except ApiError as error:
        raise explain(attempt, error, registered=_registered(installation, version, error)) from None
    installation.listing(version).put(live)
    made = secrets.token_hex(4)
    installation.guard.register(version, live.key, made)
    server = None if was_empty else server_additions(content, live.content)
    outputs = outputs_of({**inputs, "__made": made}, content, live, server)
    return ModuleId(installation.name, version, live.key), _remembered(installation, version, live.key, outputs)


def _created(
    installation: Installation, version: Version, key: str | None, content: Content, inputs: Mapping[str, Any]
) -> tuple[LiveModule, bool]:
    name = "/".join(inputs.get("__name", ()))
    installation.guard.require_same_identity(version, key or name, None, is_new=True)
    installation.guard.require_known_installation(version, key, installation.listing, name)
    return _adopted_or_registered(installation, version, key, content, inputs.get("adopt"))


def _renewed(run: Callable[[], _T]) -> _T:
    """Once more where the credentials were renewed before a register: they may be those of another installation."""
    try:
        return run()
    except Unauthorized as error:
        if not error.is_refreshed:
            raise
        return run()


def _adopted_or_registered(
    installation: Installation, version: Version, key: str | None, content: Content, adopt: bool | str | None
) -> tuple[LiveModule, bool]:
    """The module, and whether the server said nothing of it: then what was sent is what is known."""
    wanted = adopt if isinstance(adopt, str) else key
    if adopt and wanted is not None:
        found = adopted(installation.operations(version), installation.name, wanted, content)
        if found is not None:
            return found, False
        if version == "v2" and not installation.guard.has_deleted(version, wanted):
            raise AdoptionTargetMissing(wanted)
    registrar = installation.registrar(version)
    was_deleted = key is not None and installation.guard.has_deleted(version, key)
    live = registrar.register(key, content, was_deleted=was_deleted)
    if live is None:  # v1 answered 201 with an empty body
        return LiveModule(str(key), content), True
    duplicates = sorted(
        printable(twin.key, 80) for twin in registrar.duplicates(content) if not installation.guard.is_in_state(twin, version)
    )
    if duplicates:
        notify(
            f"{installation.name}/{live.key}",
            f"registered; the same content was there before as {', '.join(duplicates)}, and is still: if no stack owns "
            "that, as after a killed run (forge-modules orphans tells), delete it, or both run",
        )
    return live, False


def read(installation: Installation, id_: ModuleId, olds: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Look at a module, out of the shared list.

    Args:
        installation: Where it is.
        id_: Which it is.
        olds: The old outputs; or for a get the inputs, which lack ``__schema``.

    Returns:
        Outputs and inputs, or None if the module is gone.

    Raises:
        ForgeError: It could not be read; or it is not there, where the program asked for it by its id.
    """
    typed = is_typed(olds)
    declared = content_of(olds) if "__schema" in olds else None
    attempt = _attempt("read", installation, id_.version, id_.key, declared.type if declared is not None else TRIGGER)
    listing, guard = installation.listing(id_.version), installation.guard
    credentials_generation = guard.credentials_generation
    if declared is not None:
        guard.meet(id_.version, id_.key, olds)
    try:
        with installation.turns:
            live = _looked_for(installation, id_, was_there=declared is not None)
        if declared is not None:
            guard.require_same_identity(id_.version, id_.key, olds.get("__identity"))
        if live is None and declared is not None:
            guard.confirm_deleted(id_.version, id_.key, installation.listing)
            return None
        others = [(id_.version, other.key) for other in listing.all()]
    except UnverifiedInstallation as doubt:
        raise doubtful(attempt, doubt) from None
    except ApiError as error:
        raise explain(attempt, error) from None
    if live is None:
        raise gone(attempt)
    if declared is not None:
        guard.mark_verified(credentials_generation)
    elif typed and live.content.type != TRIGGER:
        raise another_type(attempt, live.content.type)
    base = {**olds, "installation": id_.installation, "apiVersion": id_.version}
    server = olds.get("__server")
    outputs = outputs_of(base, declared or live.content, live, server, typed=typed, first_look=server is None)
    return _remembered(installation, id_.version, id_.key, outputs, others, olds.get("__siblings")), inputs_of(outputs)


def _looked_for(installation: Installation, id_: ModuleId, *, was_there: bool) -> LiveModule | None:
    """The module, or None; where everything is believed, also that the API of its version is gone."""
    try:
        return installation.listing(id_.version).find(id_.key)
    except NotFound:
        if was_there and installation.guard.accept_missing_modules:
            return None
        raise


def find(installation: Installation, version: Version, key: str) -> LiveModule:
    """Look at one module, whoever registered it: out of the shared list, or by its key.

    Raises:
        ForgeError: There is no such module, or it cannot be read.
    """
    attempt = _attempt("read", installation, version, key, "any type")
    try:
        live = installation.listing(version).find(key)
    except ValueError:
        raise gone(attempt) from None  # no path can carry such a key, so nothing has it
    except ApiError as error:
        raise explain(attempt, error) from None
    if live is None:
        raise gone(attempt)
    return live


def update(
    installation: Installation, id_: ModuleId, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Replace the content of a module: one request. One that was deleted outside is registered again, where it can be (v1).

    Returns:
        The outputs.

    Raises:
        ForgeError: It could not be updated, or it is gone and its key cannot be had again.
    """
    content = content_of(news)
    removed = server_additions(content, content_of(olds)) if olds else []
    attempt = _attempt("update", installation, id_.version, id_.key, content.type)
    installation.guard.meet(id_.version, id_.key, olds or {})
    try:
        recorded = (olds or {}).get("__identity")
        installation.guard.require_same_identity(id_.version, id_.key, recorded)
        live = _updated_or_registered(installation, id_, attempt, content, removed, recorded)
    except UnverifiedInstallation as doubt:
        raise doubtful(attempt, doubt) from None
    except ApiError as error:
        raise explain(attempt, error) from None
    server = None if live is None else _additions(content, live.content, removed)
    live = live or LiveModule(id_.key, content)
    installation.listing(id_.version).put(live)
    base = {**news, **{name: mark for name, mark in (olds or {}).items() if name in {"__made", "__identity"}}}
    return _remembered(installation, id_.version, id_.key, outputs_of(base, content, live, server))


def _additions(content: Content, live: Content, removed: Sequence[str]) -> list[str]:
    """What the server adds by itself: a property that was to be removed and is there still is none of that."""
    added = server_additions(content, live)
    kept = overlap(added, [*removed])
    return [path for path in added if path not in kept]


def _updated_or_registered(
    installation: Installation, id_: ModuleId, attempt: Attempt, content: Content, removed: Sequence[str], recorded: object
) -> LiveModule | None:
    """The module; None where it was registered again and the server said nothing of it."""
    operations, credentials_generation = installation.operations(id_.version), installation.guard.credentials_generation
    try:
        with installation.turns:
            try:
                live = update_and_verify(operations, id_.key, content, removed)
            except NotFound:
                if not _is_listed(installation, id_):
                    raise
                try:
                    live = update_and_verify(operations, id_.key, content, removed)  # something on the way may have said so
                except NotFound:
                    raise _said_gone_and_listed() from None
    except NotFound:
        installation.listing(id_.version).drop(id_.key)
        if id_.version == "v2":
            installation.guard.confirm_deleted(id_.version, id_.key, installation.listing)
            raise gone(attempt) from None
        again = _renewed(lambda: _registered_again(installation, id_, content, recorded))
        notify(f"{installation.name}/{id_.key}", "was deleted outside Pulumi, and is registered again")
        return again
    installation.guard.mark_verified(credentials_generation)
    return live


def _registered_again(installation: Installation, id_: ModuleId, content: Content, recorded: object) -> LiveModule | None:
    installation.guard.require_same_identity(id_.version, id_.key, recorded)
    installation.guard.confirm_deleted(id_.version, id_.key, installation.listing)
    with installation.turns:
        return installation.registrar(id_.version).register(id_.key, content)


def _said_gone_and_listed() -> InvalidResponse:
    return InvalidResponse("it is said not to be there, and the list holds it", status=404)


def _is_listed(installation: Installation, id_: ModuleId) -> bool:
    """Whether a module that is said not to be there is in the list all the same; asked again before that is believed.

    Raises:
        BadAnswer: The list cannot be had. What says no to the one may say so to the other: a gateway that has lost its way.
    """
    listing = installation.listing(id_.version)
    try:
        return all(any(live.key == id_.key for live in listing.all(within)) for within in (None, 0.0))
    except ApiError as error:
        if installation.guard.accept_missing_modules:
            return False
        raise InvalidResponse(f"it is said not to be there, and the list cannot be had: {error}", status=404) from None


def delete(installation: Installation, id_: ModuleId, olds: Mapping[str, Any]) -> None:
    """Delete a module. One that is not there counts as deleted (reference section 8), if that can be believed.

    Raises:
        ForgeError: It could not be deleted, or its absence cannot be believed.
    """
    attempt = _attempt("delete", installation, id_.version, id_.key, content_of(olds).type)
    guard = installation.guard
    if guard.owners.is_another_s((id_.version, id_.key), olds):
        notify(f"{installation.name}/{id_.key}", "is not deleted: it belongs to another resource of this program now")
        return
    guard.meet(id_.version, id_.key, olds)
    try:
        guard.require_same_identity(id_.version, id_.key, olds.get("__identity"))
        credentials_generation = guard.credentials_generation
        with installation.turns:
            was_there = delete_and_verify(installation.operations(id_.version), id_.key)
            if not was_there and _is_listed(installation, id_):
                raise _said_gone_and_listed()
        if was_there:
            guard.mark_verified(credentials_generation)
        else:
            guard.confirm_deleted(id_.version, id_.key, installation.listing)
    except UnverifiedInstallation as doubt:
        raise doubtful(attempt, doubt) from None
    except ApiError as error:
        raise explain(attempt, error) from None
    guard.delete(id_.version, id_.key)
    installation.listing(id_.version).drop(id_.key)


def _remembered(
    installation: Installation,
    version: Version,
    key: str,
    outputs: dict[str, Any],
    live: Iterable[tuple[Version, str]] | None = None,
    carried: list[str] | None = None,
) -> dict[str, Any]:
    """The outputs with what shows a later run that it is on the right installation."""
    siblings = installation.guard.siblings(version, key, live, carried)
    marks = {"__identity": _identity(installation) or outputs.get("__identity"), "__siblings": siblings}
    return {**outputs, **{name: mark for name, mark in marks.items() if mark}}


def _identity(installation: Installation) -> str | None:
    try:
        return installation.guard.identity() if installation.guard.identity is not None else None
    except ApiError:
        return None  # the module is there, and that is what has to be written down


def _attempt(
    verb: Verb,
    installation: Installation,
    version: Version,
    key: str | None,
    type_: str,
    inputs: Mapping[str, Any] | None = None,
) -> Attempt:
    name = "/".join((inputs or {}).get("__name", ())) or None
    return Attempt(verb, key, type_, installation.name, version, installation.base_url, installation.auth_method, name)


def _registered(installation: Installation, version: Version, error: ApiError) -> dict[Version, int]:
    """How many modules there are, asked only where it may be the limit that refused.

    Under the other version of the API, too, where this one is not full: no document says whether they count apart.
    """
    found: dict[Version, int] = {}
    if not is_about_the_limit(error):
        return found
    for each in (version, *(other for other in get_args(Version) if other != version)):
        try:
            found[each] = len(installation.listing(each).all(within=0.0))  # not before the refusal: others register, too
        except ApiError:
            break
        if found[each] >= LIMIT:
            break
    return found
