"""Create: register one module exactly once, or adopt one that exists."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, get_args

from pulumi_atlassian_forge.api.errors import ApiError, Unauthorized
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.model.content import Content, content_of
from pulumi_atlassian_forge.model.module_id import ModuleId, Version

from .adoption import AdoptionTargetMissing, adopt
from .installation import Installation, attempt_at, explained, with_marks
from .installation_guard import UnverifiedInstallation
from .messages import LIMIT, explain, is_about_the_limit, unverified
from .ownership import new_mark
from .state import ServerForm, outputs_of


def create(installation: Installation, inputs: Mapping[str, Any]) -> tuple[ModuleId, dict[str, Any]]:
    """Register a module, or adopt one.

    1. Require the installation of the state (:mod:`.installation_guard`).
    2. Adopt the module if the program says so (:mod:`.adoption`); else register it exactly once (:mod:`.recovery`). If the
       credentials were refreshed in between, both steps run again, because they may be those of another installation.
    3. Warn about duplicates: modules of the same content that an interrupted run may have left.
    4. Record the module: in the shared list, in the guard, in the ownership.
    5. Build the outputs.
    """
    version: Version = inputs["apiVersion"]
    content, key = content_of(inputs), inputs.get("key")
    try:
        with installation.slots:
            try:
                live = _register_or_adopt(installation, version, content, inputs)
            except Unauthorized as error:
                if not error.is_refreshed:
                    raise
                live = _register_or_adopt(installation, version, content, inputs)
    except (UnverifiedInstallation, ApiError) as error:
        attempt = attempt_at("register", installation, version, key, content.type, inputs)
        if isinstance(error, UnverifiedInstallation):
            raise unverified(attempt, error) from None
        raise explain(attempt, error, registered=_count_registered(installation, version, error)) from None
    server = ServerForm() if live is None else ServerForm.of_response(content, live.content)
    live = live or LiveModule(str(key), content)
    installation.module_list(version).record(live)
    made = new_mark()
    installation.guard.on_registered(version, live.key, made)
    id_ = ModuleId(installation.name, version, live.key)
    return id_, with_marks(installation, id_, outputs_of({**inputs, "__made": made}, content, live, server))


def _register_or_adopt(
    installation: Installation, version: Version, content: Content, inputs: Mapping[str, Any]
) -> LiveModule | None:
    """Steps 1 to 3. None: v1 responded with an empty body, so that only what was sent is known."""
    guard, key, name = installation.guard, inputs.get("key"), "/".join(inputs.get("__name", ()))
    guard.require_same_identity(version, key or name, None, is_new=True)
    guard.require_known_installation(version, key, installation.module_list, name)

    target = inputs["adopt"] if isinstance(inputs.get("adopt"), str) else key
    # A server may still show for a moment what this process has deleted, such as the module that this one replaces.
    if inputs.get("adopt") and target is not None and not guard.has_deleted(version, target):
        notify = functools.partial(installation.notify, f"{installation.name}/{target}")
        with explained(attempt_at("adopt", installation, version, target, content.type)):
            adopted = adopt(installation.operations(version), target, content, notify)
        if adopted is not None:
            return adopted
        if version == "v2":
            raise AdoptionTargetMissing(target)

    registrar = installation.registrar(version)
    was_deleted = key is not None and guard.has_deleted(version, key)
    live = registrar.register(key, content, was_deleted=was_deleted)
    if live is None:
        return None
    duplicates = [other for other in registrar.duplicates(content, live.content) if not guard.is_in_state(other, version)]
    if duplicates:
        keys = ", ".join(sorted(printable(other.key, 80) for other in duplicates))
        installation.notify(
            f"{installation.name}/{live.key}",
            f"registered, but identical content is still registered as {keys}, from before this run: "
            "if no stack owns that (see forge-modules orphans), delete it, or both run",
        )
    return live


def _count_registered(installation: Installation, version: Version, error: ApiError) -> dict[Version, int]:
    """How many modules exist, asked only if the refusal may be about the limit.

    The other version of the API is counted too if this one is not full: whether they count apart is not documented.
    """
    found: dict[Version, int] = {}
    if not is_about_the_limit(error):
        return found
    for each in (version, *(other for other in get_args(Version) if other != version)):
        try:
            found[each] = len(installation.module_list(each).all(within=0.0))  # a list that is newer than the refusal
        except ApiError:
            break
        if found[each] >= LIMIT:
            break
    return found
