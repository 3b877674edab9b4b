"""The command ``forge-modules``."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit; without the extra ``cli``, with one line that names the extra."""
    # A module may hold any character, and a terminal or a pipe may have an encoding that lacks it.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        import typer  # noqa: PLC0415 - the package works without it; only the command does not
    except ImportError:
        sys.stderr.write("forge-modules needs typer: pip install 'pulumi-atlassian-forge[cli]'\n")
        raise SystemExit(1) from None
    from .app import app  # noqa: PLC0415 - imports typer

    try:
        code = app(arguments, prog_name="forge-modules", standalone_mode=False)
    except typer.Abort:
        sys.stderr.write("\nAborted.\n")
        raise SystemExit(130) from None
    except Exception as error:  # noqa: BLE001 - what is no usage error is a bug
        usage: Any = error
        if not hasattr(usage, "show"):
            raise SystemExit(_report(error)) from None
        # Exit code 1, not the usual 2: here 2 means drift, orphans or skipped modules, and nothing else.
        usage.show()
        raise SystemExit(1) from None
    raise SystemExit(code)


def _report(error: Exception) -> int:
    """Print a bug of ours: a traceback of Python's own may show a secret."""
    from pulumi_atlassian_forge.errors import bug_report  # noqa: PLC0415 - only a bug needs it
    from pulumi_atlassian_forge.version import __version__  # noqa: PLC0415

    sys.stderr.write(f"{bug_report(error, doing='forge-modules', version=__version__)}\n")
    return 1
