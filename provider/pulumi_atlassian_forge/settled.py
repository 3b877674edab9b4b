"""Changing and deleting a module that is there, whatever happens to the answers: look where one decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from .api.errors import ApiError, NotFound
from .api.operations import Operations
from .api.protocol import Live
from .model.additions import means, overlap
from .model.comparison import server_additions
from .model.content import Content


def settled_update(operations: Operations, key: str, content: Content, removed: Sequence[str] = ()) -> Live:
    """Replace a module's content, and look where the answer decides nothing.

    Args:
        operations: The five operations.
        key: The module's key.
        content: What it is to hold.
        removed: The paths that it held and that are not declared any more: where one is left the update did not happen. Without
            them such a path would be taken for what a server adds by itself.

    Returns:
        The module as the server has it.

    Raises:
        NotFound: There is none with this key.
        ApiError: It could not be updated; ``is_certain`` says whether it is as it was.
    """
    operations = operations.as_one()
    try:
        return operations.update(key, content)
    except ApiError as error:
        if error.is_certain:
            raise
        try:
            live = operations.read(key)
        except ApiError:
            raise error from None
        if means(content, live.content) and not overlap(server_additions(content, live.content), [*removed]):
            return live
        raise


def settled_delete(operations: Operations, key: str) -> bool:
    """Delete a module, and look where the answer decides nothing.

    Returns:
        Whether the server said that it has deleted it; False where there is none, or none any more.

    Raises:
        ApiError: It could not be deleted; ``is_certain`` says whether it is still registered.
    """
    operations = operations.as_one()
    try:
        operations.delete(key)
    except NotFound:
        return False
    except ApiError as error:
        if error.is_certain:
            raise
        try:
            operations.read(key)
        except NotFound:
            return False
        except ApiError:
            raise error from None
        raise
    return True
