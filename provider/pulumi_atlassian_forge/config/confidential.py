"""Values of the environment and of settings that no message shows: secrets, also those that stand in a wrong place."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from pulumi_atlassian_forge.redaction import looks_opaque, remember
from pulumi_atlassian_forge.sanitizer import printable

from .settings import PREFIX, PROXY_VARIABLE

_SECRET_VARIABLES: Final = ("_TOKEN", "_RELAY_KEY")  # the ends of their names, for any installation
_FILE_NAME: Final = re.compile(r"[\w-]{1,40}(?:\.[A-Za-z]{1,8}){1,2}")
_WORDS: Final = re.compile(r"(?=.{1,40}$)[a-z]{1,16}(?:[-_.][a-z]{1,16})*")
_SHOWN: Final = 200


def secrets_of_environment() -> Iterator[str]:
    """The secrets in the variables of this process: tokens and keys, and the passwords in the addresses of proxies."""
    for name, value in os.environ.items():
        if name.startswith(PREFIX) and name.endswith(_SECRET_VARIABLES):
            yield value
        elif name == PROXY_VARIABLE or name.lower().endswith("_proxy"):
            yield from _secrets_of_address(value)


def shown_path(value: str, root: Path) -> str:
    """The path in a setting, with a blank before it, for a message; or nothing, if it may be a secret.

    ``ATLASSIAN_FORGE_TOKEN_FILE=$TOKEN`` is a common mistake. A value that may be a secret is redacted from then on, wherever
    else it appears, for instance in the text of the operating system.
    """
    return _shown(value, is_safe=_is_path(value, root))


def shown_program(value: str, root: Path) -> str:
    """The program in a setting, in quotes and with a blank before it, for a message; or nothing, if it may be a secret."""
    shown = _shown(value, is_safe=_is_path(value, root) or (not looks_opaque(value) and shutil.which(value) is not None))
    return f" '{shown[1:]}'" if shown else ""


def _shown(value: str, *, is_safe: bool) -> str:
    if is_safe:
        return f" {printable(value, _SHOWN)}"
    remember([value, value.strip()])
    return ""


def _is_path(value: str, root: Path) -> bool:
    exists, is_below_a_folder = False, False
    with suppress(OSError, ValueError, RuntimeError):  # a NUL, a name that is too long, no such user
        path = root / Path(value).expanduser()
        exists = path.exists()
        is_below_a_folder = "/" in value and path.parent.is_dir() and not looks_opaque(path.name)
    if exists or is_below_a_folder:
        return True
    if looks_opaque(value) or any(sign in value for sign in "+="):
        return False
    is_relative = _FILE_NAME.fullmatch(value) is not None or _WORDS.fullmatch(value) is not None
    return is_relative or value.startswith(("/", "~", "./", "../"))


def _secrets_of_address(address: str) -> Iterator[str]:
    user, at, _ = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", address).rpartition("@")
    name, _, password = user.partition(":")
    # Beside a password, a name of ordinary words is no secret, and messages are made of such words.
    is_public = bool(password) and _WORDS.fullmatch(name) is not None
    for part in ([] if is_public else [name]) + [password] if at else ():
        yield from (part, unquote(part))
