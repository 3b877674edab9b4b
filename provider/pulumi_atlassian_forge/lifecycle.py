"""The decisions: what to check, what differs, what to send, what to remember. No Pulumi and no HTTP.

A front end (today :mod:`.provider`, later a native plugin) hands in plain values and gets plain values back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .api.errors import ApiError, NotFound, Rejected
from .api.listing import Listing
from .api.operations import Operations
from .api.protocol import Live, Version
from .explain import Attempt, Verb, explain, gone
from .ids import ModuleId
from .modules.compare import same, server_additions
from .modules.content import TRIGGER, content_of, is_typed
from .modules.values import UNKNOWN
from .recovery import Registrar, settled_delete, settled_update
from .state import inputs_of, outputs_of


class Installation(Protocol):
    """One installation as the decisions need it; :mod:`.connect` makes them."""

    @property
    def name(self) -> str:
        """The name it has in the settings."""

    @property
    def base_url(self) -> str:
        """Where its API is, for messages."""

    def operations(self, version: Version) -> Operations:
        """The five operations under one version of the API."""

    def listing(self, version: Version) -> Listing:
        """The shared list of its modules under one version of the API."""

    def registrar(self, version: Version) -> Registrar:
        """What registers modules on it, once each, under one version of the API."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of the declaration means for the module."""

    changes: bool
    replaces: list[str] = field(default_factory=list)
    delete_first: bool = False


def diff(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
    """Compare old outputs with new inputs.

    A pure function: a refresh calls it the other way round, with new outputs and old inputs. An unknown key or type counts as
    a replace, so that ``up`` never does more than the preview showed. The new module comes first, unless it has the key of the
    old one: then the register would fail, or the delete that follows would remove the new module.
    """
    replaces = [name for name in ("installation", "apiVersion", "key") if name in news and news[name] != olds.get(name)]
    if "__type" in olds or ("type" in news and news["type"] != olds.get("type")):
        replaces.append("type")
    changes = bool(replaces) or not same(content_of(olds), content_of(news))
    stays = "key" in news and news["key"] is not UNKNOWN and news["key"] == olds.get("key")
    return Difference(changes, replaces, bool(replaces) and stays)


def create(installation: Installation, inputs: Mapping[str, Any]) -> tuple[ModuleId, dict[str, Any]]:
    """Register a module: one request, and a look where its answer decides nothing.

    Returns:
        The id and the outputs.

    Raises:
        ForgeError: It could not be registered, or it is not known whether it was.
    """
    version: Version = inputs["apiVersion"]
    content = content_of(inputs)
    key = inputs.get("key")
    try:
        live = installation.registrar(version).register(key, content)
    except ApiError as error:
        attempt = _attempt("register", installation, version, key, content.type, inputs)
        raise explain(attempt, error, registered=_registered(installation, version, error)) from None
    if live is None:  # v1 answered 201 with an empty body: what was sent is what is known
        live = Live(str(key), content)
        server = None
    else:
        server = server_additions(content, live.content)
    installation.listing(version).put(live)
    outputs = outputs_of(inputs, content, live, server)
    return ModuleId(installation.name, version, live.key), outputs


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
    kind = declared.type if declared is not None else TRIGGER
    try:
        live = installation.listing(id_.version).find(id_.key)
    except ApiError as error:
        raise explain(_attempt("read", installation, id_.version, id_.key, kind), error) from None
    if live is None:
        if declared is not None:
            return None
        raise gone(_attempt("read", installation, id_.version, id_.key, kind))
    base = {**olds, "installation": id_.installation, "apiVersion": id_.version}
    server = olds.get("__server")
    outputs = outputs_of(base, declared or live.content, live, server, typed=typed, first_look=server is None)
    return outputs, inputs_of(outputs)


def update(installation: Installation, id_: ModuleId, news: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the content of a module: one request.

    Returns:
        The outputs.

    Raises:
        ForgeError: It could not be updated, or it is gone.
    """
    content = content_of(news)
    attempt = _attempt("update", installation, id_.version, id_.key, content.type)
    try:
        live = settled_update(installation.operations(id_.version), id_.key, content)
    except NotFound:
        installation.listing(id_.version).drop(id_.key)
        raise gone(attempt) from None
    except ApiError as error:
        raise explain(attempt, error) from None
    installation.listing(id_.version).put(live)
    return outputs_of(news, content, live, server_additions(content, live.content))


def delete(installation: Installation, id_: ModuleId, olds: Mapping[str, Any]) -> None:
    """Delete a module. One that is not there counts as deleted (reference section 8).

    Raises:
        ForgeError: It could not be deleted.
    """
    try:
        settled_delete(installation.operations(id_.version), id_.key)
    except ApiError as error:
        raise explain(_attempt("delete", installation, id_.version, id_.key, content_of(olds).type), error) from None
    installation.listing(id_.version).drop(id_.key)


def _attempt(
    verb: Verb,
    installation: Installation,
    version: Version,
    key: str | None,
    type_: str,
    inputs: Mapping[str, Any] | None = None,
) -> Attempt:
    name = "/".join((inputs or {}).get("__name", ())) or None
    return Attempt(verb, key, type_, installation.name, version, installation.base_url, name)


def _registered(installation: Installation, version: Version, error: ApiError) -> int | None:
    """How many modules there are, asked only after a refusal, when it may be the limit that refused."""
    if not isinstance(error, Rejected):
        return None
    try:
        return len(installation.listing(version).all())
    except ApiError:
        return None
