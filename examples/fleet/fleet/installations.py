"""The file of installations, and how the settings of an installation are passed to its stack."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

NAMESPACE: Final = "atlassian-forge:"
PREFIX: Final = "ATLASSIAN_FORGE_"
FIELDS: Final = (
    "BASE_URL",
    "TOKEN",
    "TOKEN_FILE",
    "TOKEN_COMMAND",
    "CONTAINER_PROXY",
    "RELAY_URL",
    "RELAY_KEY",
    "RELAY_KEY_FILE",
    "API_VERSION",
    "CONNECT_TIMEOUT",
    "REQUEST_TIMEOUT",
    "OPERATION_TIMEOUT",
    "ADOPT_IDENTICAL",
    "ACCEPT_MISSING_MODULES",
    "MAX_DATA_SIZE",
    "MANIFEST",
    "EXPECTED_INSTALLATION",
    "CONCURRENCY",
    "STRICT",
)
"""The settings of an installation, as the ends of its variables."""

SHARED: Final = ("LOG", "LOG_FILE", "TRUST_PROJECT")
"""What is set for the whole process and is no secret."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MAP: Final = "tag:yaml.org,2002:map"
_NULL: Final = "tag:yaml.org,2002:null"
_STR: Final = "tag:yaml.org,2002:str"

Settings = Mapping[str, Any]


class FleetError(Exception):
    """An error that the user has to fix before a stack can start."""


def read_installations(path: Path) -> dict[str, Settings]:
    """Read the installations of a file, by name. The provider validates the settings in each stack's preview.

    Every value is taken as text, as the provider does: YAML 1.1 reads ``on``, ``012`` and ``12:30`` as something else.

    Raises:
        FleetError: The file is invalid; the message lists all validation errors.
    """
    try:
        document = _document(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise FleetError(f"{path} is not YAML: {where}{error.problem or 'cannot be parsed'}") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise FleetError(f"{path} cannot be read: {error}\nnext: pass another file with --file") from None
    entries = document.get("installations") if isinstance(document, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise FleetError(f"{path} has no map `installations` of name to settings")
    if errors := [error for name, entry in entries.items() for error in _validation_errors(name, entry)]:
        raise FleetError("\n".join([f"{path} is invalid", *errors]))
    return {name: entry or {} for name, entry in entries.items()}


def _document(text: str) -> Any:
    """The content. Aliases are refused: a few of them expand to more items than any memory holds, or contain themselves."""
    if aliases := [event for event in yaml.parse(text, yaml.SafeLoader) if isinstance(event, yaml.AliasEvent)]:
        line = getattr(aliases[0].start_mark, "line", 0) + 1
        raise ValueError(f"line {line}: the alias *{aliases[0].anchor} is not allowed; write the value again")
    return _content(yaml.compose(text, yaml.SafeLoader))


def _content(node: yaml.Node | None) -> Any:
    """The content of a node. A name that occurs twice is refused: PyYAML keeps the last one, and the other may be meant."""
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in found:
                raise ValueError(f"line {key.start_mark.line + 1}: {key.value!r} occurs twice, or is no name")
            found[key.value] = _content(value)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_content(item) for item in node.value]
    return None if node is None or node.tag == _NULL else node.value


def _validation_errors(name: object, entry: object) -> list[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return [f"{name!r}: a name has 1 to 40 of a-z, 0-9 and -, and does not start with -"]
    if name == "default":
        return ["'default': this name is reserved, each stack uses it for its own installation; choose another name"]
    if entry is not None and not isinstance(entry, dict):
        return [f"{name!r}: must be a map of settings"]
    if "token" in (entry or {}):
        variable = variable_prefix(name) + "TOKEN"
        return [f"{name!r}: tokens are not allowed in this file; set tokenFile, or the variable {variable}"]
    return []


def select_names(names: list[str], patterns: list[str]) -> list[str]:
    """The names that match any of the patterns (``*`` and ``?``); all names if there is no pattern.

    Raises:
        FleetError: A pattern matches no name, so that a misspelled pattern does not look like success.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise FleetError(f"--only {pattern} matches no installation; the file has: {', '.join(names)}")
    return [name for name in names if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)]


def variable_prefix(name: str) -> str:
    """The prefix of the environment variables of an installation."""
    return f"{PREFIX}{name.upper().replace('-', '_')}_"


def stack_environment(name: str, names: Iterable[str], inherited: Mapping[str, str]) -> dict[str, str]:
    """The provider's environment variables for the processes of one stack.

    The variables ``ATLASSIAN_FORGE_<NAME>_<SETTING>`` of the installation become those of ``default``. All others but the shared
    ones are set to an empty text, which unsets an inherited variable: the token of one installation must not reach another one.
    So a variable belongs to the longest of all ``names`` that it begins with, and a setting has to follow:
    ``ATLASSIAN_FORGE_ACME_EU_TOKEN`` never belongs to ``acme``, even if there is no ``acme-eu``.
    """
    of_provider = {variable: value for variable, value in inherited.items() if variable.startswith(PREFIX)}
    shared = {variable: value for variable, value in of_provider.items() if variable.removeprefix(PREFIX) in SHARED}
    known = {f"{variable_prefix(one)}{field}": (one, field) for one in sorted(names, key=len) for field in FIELDS}
    own = {
        PREFIX + field: of_provider[variable]
        for variable, (owner, field) in known.items()
        if owner == name and variable in of_provider
    }
    return {**dict.fromkeys(of_provider, ""), **shared, **own}


def write_stack_config(folder: Path, name: str, settings: Settings) -> None:
    """Write the settings of an installation into its stack's file, so that ``pulumi`` reads them, too.

    All other keys keep their values as they are written: Pulumi reads ``no`` as text, and PyYAML as a boolean.

    Raises:
        FleetError: The stack's file cannot be read or written.
    """
    path = folder / f"Pulumi.{name}.yaml"
    try:
        before = yaml.compose(path.read_text("utf-8"), yaml.SafeLoader) if path.exists() else None
        document = {key.value: (key, value) for key, value in _pairs(before)}
        name_of_config, config = document.get("config", (yaml.ScalarNode(_STR, "config"), None))
        kept = [(key, value) for key, value in _pairs(config) if not _is_managed(key, value)]
        wanted = {NAMESPACE + key: value for key, value in settings.items() if value is not None}
        document["config"] = name_of_config, yaml.MappingNode(_MAP, [*kept, *_pairs(_node(wanted))])
        text = _text(yaml.MappingNode(_MAP, list(document.values())))
        if before is not None and text == _text(before):
            return
        # Replaced atomically: after a kill, half a file would lose the salt of the stack's secrets.
        temporary = path.with_suffix(".yaml.new")
        temporary.write_text(text, "utf-8")
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise FleetError(f"{path} cannot be used: {error}\nnext: fix it, or delete it: the next run creates it") from None


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    """The keys and values of a map; none if there is no content.

    Raises:
        TypeError: The node is something else.
    """
    if node is None or node.tag == _NULL:
        return []
    if not isinstance(node, yaml.MappingNode):
        raise TypeError(f"line {node.start_mark.line + 1} is no map")
    return list(node.value)


def _node(value: object) -> yaml.Node | None:
    return yaml.compose(yaml.safe_dump(value, sort_keys=False), yaml.SafeLoader)


def _text(node: yaml.Node) -> str:
    return str(yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True))


def _is_managed(key: yaml.Node, value: yaml.Node) -> bool:
    """Whether the file of installations manages this key: all keys of the provider, except encrypted values."""
    is_encrypted = isinstance(value, yaml.MappingNode) and any(name.value == "secure" for name, _ in value.value)
    return str(key.value).startswith(NAMESPACE) and not is_encrypted


def path_with_interpreter() -> str:
    """PATH with the folder of this interpreter first: the language host and the plugin run the first ``python3`` on PATH."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
