"""What happens at run time and should be known: one line on the plugin's stderr, which the engine prints (design decision 9)."""

from __future__ import annotations

import sys
from typing import Final

from .api.text import printable

_LONGEST: Final = 5000  # characters: a hundred keys have room


def notify(about: str, text: str) -> None:
    """Print one line.

    Args:
        about: The installation, or ``<installation>/<key>``.
        text: What happened. Keys and words of a server may be in it as they came: they are made fit to print here.
    """
    sys.stderr.write(f"{printable(about, _LONGEST)}: {printable(text, _LONGEST)}\n")
    sys.stderr.flush()
