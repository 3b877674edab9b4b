"""The command ``forge-modules``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; without the extra that it needs, say so in one line."""
    try:
        import typer as typer  # noqa: PLC0415 - the package works without it; only the command does not
    except ImportError:
        sys.stderr.write("forge-modules needs typer: pip install 'pulumi-atlassian-forge[cli]'\n")
        raise SystemExit(2) from None
    from .app import app  # noqa: PLC0415 - imports typer

    app()
