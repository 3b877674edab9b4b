"""Secrets in files, which something else keeps fresh: each is read again at every renewal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pulumi_atlassian_forge.api.errors import Unauthorized

from .bearer_token import Token, expiry_of


def token_in(read: Callable[[], str]) -> Callable[[], Token]:
    """What makes a token of a text: a JWT says itself when it ends."""

    def obtain() -> Token:
        text = read()
        return Token(text, expiry_of(text))

    return obtain


def key_in(file: str, root: Path, what: str) -> Callable[[], str]:
    """What reads the secret in a file, following links: Kubernetes swaps one to renew all files of a volume at once.

    Args:
        file: Its path, as the settings have it.
        root: Where a relative path starts.
        what: What the file holds, for messages.

    Returns:
        A function that raises Unauthorized where the file cannot be read or is empty.
    """

    def read() -> str:
        try:
            path = root / Path(file).expanduser()
            # A pipe or a device could keep every thread waiting for ever.
            reason = "" if not path.exists() or path.is_file() else "it is not a file"
            text = "" if reason else path.read_text("utf-8").strip()
        except (OSError, ValueError, RuntimeError) as error:  # no such user, a NUL in the name
            reason = getattr(error, "strerror", None) or ("it is not a text" if isinstance(error, UnicodeError) else str(error))
            text = ""
        if reason:
            raise Unauthorized(f"the {what} file {file} cannot be read: {reason}")
        if not text:
            raise Unauthorized(f"the {what} file {file} is empty")
        return text

    return read
