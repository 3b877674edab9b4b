"""The command ``forge-modules``."""

from __future__ import annotations

import sys
from typing import Any


def main() -> None:
    """Run the command; without the extra that it needs, say so in one line."""
    try:
        import typer  # noqa: PLC0415 - the package works without it; only the command does not
    except ImportError:
        sys.stderr.write("forge-modules needs typer: pip install 'pulumi-atlassian-forge[cli]'\n")
        raise SystemExit(2) from None
    from .app import app  # noqa: PLC0415 - imports typer

    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        sys.stderr.write("\nAborted.\n")
        raise SystemExit(130) from None
    except Exception as error:
        usage: Any = error
        if not hasattr(usage, "show"):
            raise
        # Not 2, as usual: that says here that drift or orphans were found, and a misspelt option must not look like it.
        usage.show()
        raise SystemExit(1) from None
    raise SystemExit(code)
