"""Which installations there are, and how each one's settings reach its stack."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

NAMESPACE: Final = "atlassian-forge:"
PREFIX: Final = "ATLASSIAN_FORGE_"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

Settings = Mapping[str, Any]


class FleetError(Exception):
    """What the user has to put right before anything can start."""


def read(path: Path) -> dict[str, Settings]:
    """The installations of a file by name, in its order. The provider checks the settings themselves, in each stack's preview.

    Raises:
        FleetError: The file cannot be used; every mistake in it is named.
    """
    try:
        read_ = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError(f"{path} cannot be read: {error}\nnext: name another one with --file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise FleetError(f"{path} is not YAML: {where}{getattr(error, 'problem', None) or 'cannot be parsed'}") from None
    entries = read_.get("installations") if isinstance(read_, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise FleetError(f"{path} has no map `installations` of name to settings")
    if mistakes := [mistake for name, entry in entries.items() for mistake in _mistakes(name, entry)]:
        raise FleetError("\n".join([f"{path} cannot be used", *mistakes]))
    return {name: entry or {} for name, entry in entries.items()}


def _mistakes(name: object, entry: object) -> list[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return [f"{name!r}: a name has 1 to 40 of a-z, 0-9 and -, and does not start with -"]
    if name == "default":
        return ["'default': is what each stack calls its own installation: give this one a name of its own"]
    if entry is not None and not isinstance(entry, dict):
        return [f"{name!r}: is not a map of settings"]
    if "token" in (entry or {}):
        variable = variable_prefix(name) + "TOKEN"
        return [f"{name!r}: this file holds no token: say where it is found, by tokenFile, or set {variable}"]
    return []


def chosen(names: list[str], patterns: list[str]) -> list[str]:
    """The names that match any of the patterns (``*`` and ``?``), all where there is none.

    Raises:
        FleetError: A pattern matches nothing: a typing mistake must not look like "all done".
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise FleetError(f"--only {pattern} matches no installation; there are: {', '.join(names)}")
    return [name for name in names if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)]


def variable_prefix(name: str) -> str:
    """What the variables of an installation begin with."""
    return f"{PREFIX}{name.upper().replace('-', '_')}_"


def environment(name: str, outer: Mapping[str, str]) -> dict[str, str]:
    """The variables that a stack's processes see in place of the fleet's own.

    Its own ``ATLASSIAN_FORGE_<NAME>_…`` become those of ``default``; all the others are blanked, which is how an inherited one is
    taken back: one token must not reach twenty installations.
    """
    ours = {variable: value for variable, value in outer.items() if variable.startswith(PREFIX)}
    prefix = variable_prefix(name)
    own = {PREFIX + variable.removeprefix(prefix): value for variable, value in ours.items() if variable.startswith(prefix)}
    return {**dict.fromkeys(ours, ""), **own}


def configure(folder: Path, name: str, settings: Settings) -> None:
    """Write an installation's settings into its stack's file, where ``pulumi`` finds them too. What else is there stays.

    Raises:
        FleetError: The stack's file cannot be read or written.
    """
    path = folder / f"Pulumi.{name}.yaml"
    try:
        document = yaml.safe_load(path.read_text("utf-8")) if path.exists() else None
        document = document or {}
        kept = {key: value for key, value in (document.get("config") or {}).items() if not _is_ours(key, value)}
        wanted = {NAMESPACE + key: _text(value) for key, value in settings.items()}
        if document.get("config") == {**kept, **wanted}:
            return
        document["config"] = {**kept, **wanted}
        # Renamed when whole: a kill must not leave half a file, which would lose the salt of the stack's secrets.
        aside = path.with_suffix(".yaml.new")
        aside.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
        aside.replace(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
        raise FleetError(f"{path} cannot be used: {error}\nnext: correct it, or delete it: it is made anew") from None


def _is_ours(key: str, value: object) -> bool:
    """Whether the file of installations decides about it: all of the provider's keys, but for what somebody has encrypted."""
    return key.startswith(NAMESPACE) and not (isinstance(value, dict) and "secure" in value)


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, (dict, list)) else str(value)


def search_path() -> str:
    """PATH with this interpreter's folder first: the language host and the plugin run the ``python3`` that they find there."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
