"""Read: refresh one module of the state, or find one that the program names by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_atlassian_forge.api.errors import ApiError, NotFound
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.model.content import TRIGGER, content_of, is_typed
from pulumi_atlassian_forge.model.module_id import ModuleId, Version

from .installation import Installation, attempt_at, explained, with_marks
from .messages import another_type, list_failed, not_found
from .state import ServerForm, inputs_of, outputs_of


def read(installation: Installation, id_: ModuleId, olds: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Read one module, from the shared list.

    1. Find it in the list, or by its key if the list lacks it.
    2. Require the installation of the state.
    3. If it is missing: a refresh confirms the deletion, a get fails.
    4. Mark the installation as verified: one of its modules was found.
    5. Build the outputs, and the inputs that the user manages.

    ``olds`` are the old outputs; for a get the inputs, which lack ``__schema``. Returns outputs and inputs; None if the module
    was deleted outside Pulumi.
    """
    typed = is_typed(olds)
    declared = content_of(olds) if "__schema" in olds else None
    attempt = attempt_at("read", installation, id_.version, id_.key, declared.type if declared is not None else TRIGGER)
    module_list, guard = installation.module_list(id_.version), installation.guard
    generation = guard.credentials_generation
    if declared is not None:
        guard.on_recorded(id_.version, id_.key, olds)
        guard.ownership.record_entry((id_.version, id_.key), olds)
    with explained(attempt):
        with installation.slots:
            live = _find(installation, id_, was_recorded=declared is not None)
        if declared is not None:
            guard.require_same_identity(id_.version, id_.key, olds.get("__identity"), is_write=False)
        if live is None and declared is not None:
            guard.confirm_deleted(id_.version, id_.key, installation.module_list)
            return None
        others = [(id_.version, other.key) for other in module_list.all() if other.key]
    if live is None:
        raise not_found(attempt)
    if declared is not None:
        guard.mark_verified(generation)
    elif typed and live.content.type != TRIGGER:
        raise another_type(attempt, live.content.type)
    base = {**olds, "installation": id_.installation, "apiVersion": id_.version}
    server = ServerForm.recorded(olds)
    outputs = outputs_of(base, declared or live.content, live, server, typed=typed, first_look=server.added is None)
    inputs = inputs_of(outputs)
    if declared is not None and (successor := guard.ownership.successor((id_.version, id_.key), olds)) is not None:
        outputs["__successor"] = successor
    return with_marks(installation, id_, outputs, others, olds.get("__siblings")), inputs


def _find(installation: Installation, id_: ModuleId, *, was_recorded: bool) -> LiveModule | None:
    """The module, or None. With ``acceptMissingModules`` a version of the API that no longer exists has none, too."""
    try:
        return installation.module_list(id_.version).find(id_.key)
    except NotFound:
        if was_recorded and installation.guard.accept_missing_modules:
            return None
        raise


def find(installation: Installation, version: Version, key: str) -> LiveModule:
    """Find one module, whether it is in a state or not: in the shared list, or by its key."""
    attempt = attempt_at("read", installation, version, key, "any type")
    try:
        with explained(attempt):
            live = installation.module_list(version).find(key)
    except ValueError:
        raise not_found(attempt) from None  # no module has a key that is not valid in a path
    if live is None:
        raise not_found(attempt)
    return live


def list_modules(installation: Installation, version: Version) -> list[LiveModule]:
    """All modules of an installation under one version of the API, sorted by key."""
    try:
        return sorted(installation.module_list(version).all(), key=lambda live: live.key)
    except ApiError as error:
        raise list_failed(installation.name, version, installation.base_url, installation.auth_method, error) from None
