"""Where run-time messages go unless a front end sets another sink: one line each on standard error, which the engine prints."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

from pulumi_atlassian_forge.api.text import printable

_MAX_CHARACTERS: Final = 5000  # a hundred keys have room


def to_standard_error(about: str, text: str) -> None:
    """Print one line about an installation or ``<installation>/<key>``. What a server sent is made printable here.

    A closed standard error is no error: it must not end an operation whose request was sent.
    """
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{printable(about, _MAX_CHARACTERS)}: {printable(text, _MAX_CHARACTERS)}\n")
        sys.stderr.flush()
