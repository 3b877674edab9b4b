"""Delete: delete one module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_atlassian_forge.model.content import content_of
from pulumi_atlassian_forge.model.module_id import ModuleId

from .installation import Installation, attempt_at, contradicting_404, explained, is_listed
from .verified_writes import delete_and_verify


def delete(installation: Installation, id_: ModuleId, olds: Mapping[str, Any]) -> None:
    """Delete a module. One that is missing counts as deleted if that can be confirmed.

    1. Keep the module if another resource of the stack owns it by now (:mod:`.ownership`).
    2. Require the installation of the state.
    3. Send the delete, and verify it if the outcome is unknown (:mod:`.recovery`).
    4. A module that existed verifies the installation. If it was missing, confirm that it was deleted.
    5. Record the deletion, in the guard and in the shared list.
    """
    attempt = attempt_at("delete", installation, id_.version, id_.key, content_of(olds).type)
    guard = installation.guard
    if guard.ownership.belongs_to_another((id_.version, id_.key), olds):
        installation.notify(f"{installation.name}/{id_.key}", "is not deleted: it belongs to another resource of this stack now")
        return
    guard.on_recorded(id_.version, id_.key, olds)
    with explained(attempt):
        guard.require_same_identity(id_.version, id_.key, olds.get("__identity"))
        generation = guard.credentials_generation
        with installation.slots:
            existed = delete_and_verify(installation.operations(id_.version), id_.key)
            if not existed and is_listed(installation, id_):
                raise contradicting_404()
        if existed:
            guard.mark_verified(generation)
        else:
            guard.confirm_deleted(id_.version, id_.key, installation.module_list)
    guard.on_deleted(id_.version, id_.key)
    guard.ownership.record_deletion(olds)
    installation.module_list(id_.version).remove(id_.key)
