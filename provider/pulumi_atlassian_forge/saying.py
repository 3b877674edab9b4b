"""What happens at run time and should be known: one line on the plugin's stderr, which the engine prints (design decision 9)."""

from __future__ import annotations

import sys


def say(about: str, text: str) -> None:
    """Print one line.

    Args:
        about: The installation, or ``<installation>/<key>``.
        text: What happened; without line breaks.
    """
    sys.stderr.write(f"{about}: {text}\n")
    sys.stderr.flush()
