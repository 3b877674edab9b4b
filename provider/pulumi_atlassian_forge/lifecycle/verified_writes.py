"""Update and delete, verified by a read if the outcome is unknown (docs/adr/0003-lost-responses.md)."""

from __future__ import annotations

from typing import TypeVar

from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse, NotFound, Outcome
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.model.comparison import changed_paths, overlap, server_additions
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.recognition import matches

T = TypeVar("T", LiveModule, LiveModule | None)


class AnotherType(InvalidResponse):
    """The response to a write is a module of another type: the response to another request, or the server rewrites the type.

    In the second case each further register would leave a module that no verification read recognizes.
    """


def require_type(content: Content, live: T) -> T:
    """The response to a write, if it is not of another type; None: it was empty."""
    if live is not None and live.content.type != content.type:
        raise AnotherType(f"the response is a module of type {printable(live.content.type, 100)}")
    return live


def update_and_verify(operations: Operations, key: str, content: Content, before: Content | None = None) -> LiveModule:
    """Replace a module's content, and verify it if the outcome is unknown. Returns the module as the server has it.

    ``before`` is what it held: see :func:`_is_updated`. The ``outcome`` of an :class:`ApiError` says whether the module is
    certainly unchanged.
    """
    operations = operations.with_shared_budget()
    try:
        return require_type(content, operations.update(key, content))
    except ApiError as error:
        if error.outcome is Outcome.NOT_APPLIED:
            raise
        try:
            live = operations.read(key)
        except ApiError:
            raise error from None
        if _is_updated(before, content, live.content):
            return live
        raise


def _is_updated(before: Content | None, content: Content, live: Content) -> bool:
    """Whether a live module proves that its update was carried out.

    If a path is left that was to be removed, it was not: such a path would count as an addition of the server. An address in
    place of a reference that changed proves nothing: it may be that of the former resource.
    """
    if not matches(content, live):
        return False
    if before is None:
        return True
    is_left = overlap(server_additions(content, live), server_additions(content, before))
    is_unproven = overlap(changed_paths(before, content), changed_paths(content, live, any_address=False))
    return not is_left and not is_unproven


def delete_and_verify(operations: Operations, key: str) -> bool:
    """Delete a module, and verify it if the outcome is unknown.

    Returns whether the server confirmed the deletion; False if no module has this key, or none has it any more.
    """
    operations = operations.with_shared_budget()
    try:
        operations.delete(key)
    except NotFound:
        return False
    except ApiError as error:
        if error.outcome is Outcome.NOT_APPLIED:
            raise
        try:
            operations.read(key)
        except NotFound:
            return False
        except ApiError:
            raise error from None
        raise
    return True
