"""Adoption of a module that already exists, if the program asks for it: ``adopt=``."""

from __future__ import annotations

from collections.abc import Callable

from pulumi_atlassian_forge.api.errors import ApiError, NotFound, Outcome
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.model.comparison import changed_paths, server_additions
from pulumi_atlassian_forge.model.content import Content

from .verified_writes import update_and_verify

_SHOWN = 100  # characters of a path


class TypeMismatch(ApiError):
    """The module that is to be adopted has another type, which cannot be changed in place."""

    def __init__(self, type_: str) -> None:
        super().__init__("another type")
        self.type = printable(type_, 100)


class AdoptionTargetMissing(ApiError):
    """There is no module with the key that is to be adopted."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no module with the key {key}", status=404)


def adopt(operations: Operations, key: str, content: Content, notify: Callable[[str], None]) -> LiveModule | None:
    """Adopt a module that exists; what differs from its declaration is overwritten, with a message that names its paths.

    The values that were there are not shown, because a declared secret may be among them.

    Returns the module as the server has it; None if no module has this key. The ``outcome`` of an :class:`ApiError` says whether
    the module may be changed all the same.
    """
    try:
        live = operations.read(key)
    except NotFound:
        return None
    except ApiError as error:
        raise error.with_(outcome=Outcome.NOT_APPLIED) from None
    if live.content.type != content.type:
        raise TypeMismatch(live.content.type)
    changed = sorted([*changed_paths(content, live.content, any_address=False), *server_additions(content, live.content)])
    if not changed:
        notify("was already registered, and is adopted as it is")
        return live
    updated = update_and_verify(operations, key, content, live.content)
    paths = ", ".join(printable(path, _SHOWN) for path in changed)
    notify(f"warning: was already registered with other content, and is adopted and overwritten at {paths}")
    return updated
