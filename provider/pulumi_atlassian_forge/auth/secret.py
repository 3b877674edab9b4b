"""Secrets at their source: a file that another program keeps fresh, and a cache that all threads share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pulumi_atlassian_forge.api.errors import ApiError, Unauthorized

S = TypeVar("S")


class CachedSecret(Generic[S]):
    """Cache of one secret: obtained when it is first needed, and refreshed by one thread for all that were refused with it.

    Args:
        obtain: Returns the secret; raises Unauthorized if there is none.
        text_of: The secret's text.
        on_change: Called with the old secret, None at first, and the new one. If it raises, the old one stays.
    """

    def __init__(
        self,
        obtain: Callable[[], S],
        text_of: Callable[[S], str],
        on_change: Callable[[S | None, S], None] = lambda _old, _new: None,
    ) -> None:
        self._obtain = obtain
        self._text_of = text_of
        self._on_change = on_change
        self._lock = threading.RLock()
        self._all: list[S] = []  # the old ones have to be redacted too

    def get(self) -> S:
        """The current secret.

        Raises:
            Unauthorized: There is none.
        """
        with self._lock:
            if not self._all:
                self.refresh()
            return self._all[-1]

    def refresh(self, is_current: Callable[[S], bool] = lambda _: True) -> bool:
        """Obtain the secret again, unless another thread has just done so.

        Args:
            is_current: Whether a secret is the one that was refused.

        Returns:
            Whether there is another one now than the one that was refused.

        Raises:
            Unauthorized: There is none.
        """
        with self._lock:
            old = self._all[-1] if self._all else None
            if old is not None and not is_current(old):
                return True
            try:
                new = self._obtain()
            except ApiError as error:
                failure = error.redacted(self.texts())  # its text may hold the secret in use
            else:
                if old is not None and self._text_of(new) == self._text_of(old):
                    return False
                self._on_change(old, new)
                self._all.append(new)
                return True
        raise failure

    def texts(self) -> set[str]:
        """Every secret that was obtained, for redaction."""
        return set(map(self._text_of, self._all))


def secret_file(file: str, root: Path, what: str) -> Callable[[], str]:
    """A function that reads the secret in a file, again at each call: Kubernetes replaces the link to renew a volume's files.

    Args:
        file: Its path, as the settings have it.
        root: Where a relative path starts.
        what: What the file holds, for messages.

    Returns:
        A function that raises Unauthorized if the file cannot be read or is empty.
    """

    def read() -> str:
        try:
            path = root / Path(file).expanduser()
            # A pipe or a device could block every thread for ever.
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
