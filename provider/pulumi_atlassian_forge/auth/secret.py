"""Secrets at their source: a file that another program keeps fresh, and a cache that all threads share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pulumi_atlassian_forge.api.errors import Unauthorized
from pulumi_atlassian_forge.config.confidential import shown_path
from pulumi_atlassian_forge.redaction import remember

S = TypeVar("S")


class CachedSecret(Generic[S]):
    """Cache of one secret: obtained when it is first needed, and refreshed by one thread for all that were refused with it.

    ``on_change`` is called with the old secret, None at first, and the new one. If it raises, the old one stays.
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
        self._current: S | None = None

    def get(self) -> S:
        """The current secret; raises Unauthorized if there is none."""
        with self._lock:
            if self._current is None:
                self.refresh()
            assert self._current is not None  # noqa: S101 - refresh() raises if there is none
            return self._current

    def refresh(self, is_refused: Callable[[S], bool] = lambda _: True) -> bool:
        """Obtain the secret again, unless another thread has just done so; returns whether it is another than the refused one."""
        with self._lock:
            old = self._current
            if old is not None and not is_refused(old):
                return True
            new = self._obtain()
            remember([self._text_of(new)])
            if old is not None and self._text_of(new) == self._text_of(old):
                return False
            self._on_change(old, new)
            self._current = new
            return True


def secret_file(file: str, root: Path, what: str) -> Callable[[], str]:
    """A function that reads the secret in a file; it raises Unauthorized if the file cannot be read or is empty.

    It opens the path at each call, because Kubernetes replaces a link to renew the files of a volume. A relative path starts at
    ``root``. Messages call the secret ``what``.
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
        remember([text])  # now: a file that is half written is refused with a message of its own
        if reason or not text:
            shown = shown_path(file, root)
            hint = "" if shown else f"; its name is not shown, because it may be the {what} itself (AF701)"
            raise Unauthorized(f"the {what} file{shown} {f'cannot be read: {reason}' if reason else 'is empty'}{hint}")
        return text

    return read
