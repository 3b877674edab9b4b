"""Update: replace the content of one module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_atlassian_forge.api.errors import NotFound, Unauthorized
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.model.comparison import differences, overlap, server_additions
from pulumi_atlassian_forge.model.content import Content, content_of
from pulumi_atlassian_forge.model.module_id import ModuleId

from .installation import Installation, attempt_at, contradicting_404, explained, is_listed, with_marks
from .messages import Attempt, not_found
from .state import ServerForm, outputs_of
from .verified_writes import update_and_verify


def update(
    installation: Installation, id_: ModuleId, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Replace the content of a module.

    1. Require the installation of the state.
    2. Send the update, and verify it if the outcome is unknown (:mod:`.recovery`).
    3. If the module was deleted outside Pulumi: register it again under v1; fail under v2, which makes the key.
    4. Record the module in the shared list.
    5. Build the outputs, and warn of what is no longer declared and still there.
    """
    olds = olds or {}
    content = content_of(news)
    before = content_of(olds) if olds else None
    removed = server_additions(content, before) if before is not None else []
    attempt = attempt_at("update", installation, id_.version, id_.key, content.type)
    installation.guard.on_recorded(id_.version, id_.key, olds)
    with explained(attempt):
        installation.guard.require_same_identity(id_.version, id_.key, olds.get("__identity"))
        live = _update(installation, id_, content, before)
        if live is None:
            installation.module_list(id_.version).remove(id_.key)
            live = _register_again(installation, id_, attempt, content, olds.get("__identity"))
            removed = []
    if live is None:  # v1 responded with an empty body: what it made of values that stay as they were is known
        server = ServerForm(None, ServerForm.recorded(olds).without(differences(content_of(olds), content)).normalized)
    else:
        server = ServerForm.of_response(content, live.content)
        _warn_of_kept(installation, id_, overlap(server.added or (), removed))
    live = live or LiveModule(id_.key, content)
    installation.module_list(id_.version).record(live)
    base = {**news, **{name: olds[name] for name in ("__made", "__identity") if name in olds}}
    return with_marks(installation, id_, outputs_of(base, content, live, server))


def _warn_of_kept(installation: Installation, id_: ModuleId, paths: Sequence[str]) -> None:
    """A server may keep what is no longer declared, or fill it in: another update would not change that."""
    if paths:
        named = ", ".join(printable(path, 100) for path in paths)
        text = f"warning: no longer declared, but still there after the update, so that it counts as the server's own: {named}"
        installation.notify(f"{installation.name}/{id_.key}", text)


def _update(installation: Installation, id_: ModuleId, content: Content, before: Content | None) -> LiveModule | None:
    """The module as the server has it; None: it was deleted outside Pulumi. A 404 for a listed module is tried once more."""
    operations, generation = installation.operations(id_.version), installation.guard.credentials_generation
    with installation.slots:
        try:
            live = update_and_verify(operations, id_.key, content, before)
        except NotFound:
            if not is_listed(installation, id_):
                return None
            try:
                live = update_and_verify(operations, id_.key, content, before)
            except NotFound:
                raise contradicting_404() from None
    installation.guard.mark_verified(generation)
    return live


def _register_again(
    installation: Installation, id_: ModuleId, attempt: Attempt, content: Content, identity: object
) -> LiveModule | None:
    """Register a module that was deleted outside Pulumi; None: v1 responded with an empty body."""
    if id_.version == "v2":
        installation.guard.confirm_deleted(id_.version, id_.key, installation.module_list)
        raise not_found(attempt)
    try:
        live = _register_if_deleted(installation, id_, content, identity)
    except Unauthorized as error:
        if not error.is_refreshed:
            raise
        live = _register_if_deleted(installation, id_, content, identity)  # with the new credentials, all is verified again
    installation.notify(f"{installation.name}/{id_.key}", "was deleted outside Pulumi, and is registered again")
    return live


def _register_if_deleted(installation: Installation, id_: ModuleId, content: Content, identity: object) -> LiveModule | None:
    installation.guard.require_same_identity(id_.version, id_.key, identity)
    installation.guard.confirm_deleted(id_.version, id_.key, installation.module_list)
    with installation.slots:
        return installation.registrar(id_.version).register(id_.key, content)
