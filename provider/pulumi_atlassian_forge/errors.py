"""The one error class that a user of this package sees, and its codes.

Every failure that leaves a hook, a function or a command is a :class:`ForgeError`. Its text has at most six lines: what failed
and for which module, the text of the server, the state that things are in, and what to do next. The errors of the API are a tree
of their own in :mod:`.api.errors`; :mod:`.lifecycle.messages` turns one into the other. Every text passes the sanitizer once more
when the error is made, so that none can be forgotten.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from .sanitizer import message

_FRAMES = 40  # enough for our own stack; an endless recursion must not fill the terminal

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AF101": "A setting has an old name",
        "AF151": "A file exists already and is not overwritten",
        "AF152": "A file cannot be written",
        "AF153": "forge-installations.yaml uses an alias",
        "AF201": "A registered module cannot be read",
        "AF202": "A bug of this package during a request",
        "AF203": "The list of modules does not end, or is too large",
        "AF204": "The proxy of the environment cannot be used",
        "AF205": "No TLS connection, or a certificate that is not trusted",
        "AF206": "No time was left for a request",
        "AF207": "Modules that cannot be read are left out",
        "AF401": "An event is not in the catalog",
        "AF402": "A type of module is not in the table",
        "AF403": "A value is not one of the documented ones",
        "AF404": "A text does not have the documented form",
        "AF405": "A text is empty, or longer than documented",
        "AF406": "ignoreSelf beside an event of another product",
        "AF407": "A property is not documented at its path",
        "AF408": "A reference is longer than the documentation of the manifest allows",
        "AF409": "data['key'] is not the module's key",
        "AF410": "An event is in the list twice",
        "AF411": "A token is in the configuration in clear text",
        "AF501": "A function of an inline program lacks settings",
        "AF502": "A project that another user can change is not read",
        "AF601": "The credentials belong to another installation than the expected one",
        "AF602": "The expected installation could not be verified, so nothing was sent",
        "AF603": "The expected installation could not be verified, but the stack's own modules or identity confirm it",
        "AF604": "expectedInstallation does not consist of three UUIDs",
        "AF701": "A setting of a path or a program may hold a secret, and its value is not shown",
    }
)
"""The codes of failures and warnings, each with its title. A code is public for ever; other messages get theirs later."""

Notify = Callable[[str, str], None]
"""A sink of run-time messages: what each is about (the installation, or ``<installation>/<key>``), and what happened."""


class ForgeError(Exception):
    """What failed, why, the state that things are in, and what to do next.

    ``str(error)`` is meant for a person and for the last lines of a CI log. It never holds a token.
    """

    # Tracebacks and logs show the name that users import, not the file it happens to live in.
    __module__ = "pulumi_atlassian_forge"

    def __init__(self, text: str, *, line: str | None = None, cause: str | None = None, code: str | None = None) -> None:
        # line: the message in one line, without what to do next, for resources that failed for the same reason. cause: what is
        # equal for two messages of one cause, although their lines differ. code: one of CODES.
        shown = message(text if code is None else f"{text} ({code})")
        super().__init__(shown)
        self.code = code
        self.line = message(text.partition("\n")[0] if line is None else line)
        self.cause = text if cause is None else cause


def limit_lines(lines: list[str], most: int = 6) -> list[str]:
    """The lines of a message, six at most; the last one says how many are left out."""
    return lines if len(lines) <= most else [*lines[: most - 1], f"and {len(lines) - most + 1} more"]


def bug_report(error: BaseException, *, doing: str, version: str) -> ForgeError:
    """Turn a bug of this package, raised while the hook ``doing`` was running, into an error with a redacted traceback.

    ``error`` may be a ``SystemExit`` or ``KeyboardInterrupt`` too, because ``pulumi.dynamic`` catches ``Exception`` only, and
    whatever else leaves a hook keeps the engine waiting for ever.
    """
    # An explicit limit: configure() sets sys.tracebacklimit to 0 for all other errors.
    lines = traceback.format_exception(type(error), error, error.__traceback__, limit=_FRAMES)
    report = (
        f"a bug in pulumi-atlassian-forge {version}: {type(error).__name__} in {doing}\n"
        "the state was left as it was; a request that was under way may have been carried out\n"
        "next: report it with the lines below, after reading them for anything private (see CONTRIBUTING.md)\n"
    )
    # Marked, because the text of an exception may be foreign: none of its lines may look like one of ours.
    return ForgeError(report + "\n".join(f"| {line}" for line in "".join(lines).rstrip().splitlines()))
