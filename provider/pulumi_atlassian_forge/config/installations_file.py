"""``forge-installations.yaml``: many installations in a file beside ``Pulumi.yaml``, with where to find secrets and none in it.

Every value is taken as it is written: YAML's own opinion on ``on``, ``012`` or ``1e3`` is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_camel, to_snake
from yaml.nodes import Node, ScalarNode, SequenceNode

from pulumi_atlassian_forge.errors import ForgeError, limit_lines
from pulumi_atlassian_forge.manifest.yaml_nodes import ManifestError, is_null, line_of, pairs, read

from .settings import DEFAULT, FILE, NAME, SECRETS, InstallationSettings, near_setting

_MOST: Final = 5  # mistakes in one message of six lines
_UNREAD: Final = ("forge-installations.yml", "forge-installations.json")
_NO_VARIABLES: Final = "\0"  # no variable begins like this: the file is judged by itself


def installations_in(directory: Path) -> dict[str, dict[str, Any]]:
    """What the file in a directory says of each installation; nothing where there is no file.

    Raises:
        ForgeError: The file cannot be used: its mistakes are named at once, each with its line; or one is there that is nearly
            called like it, and what it says would not be heeded.
    """
    for name in _UNREAD:
        if (directory / name).exists():
            raise ForgeError(f"{name} is not read: the file is called {FILE}\nnext: rename or remove {directory / name}")
    path = directory / FILE
    if not path.exists():
        return {}
    try:
        root = read(path, "its one name is installations:")
    except ManifestError as error:
        raise ForgeError(f"{FILE}{f':{error.line}' if error.line else ''} {error.reason}\nnext: correct it ({path})") from None
    found: dict[str, dict[str, Any]] = {}
    mistakes = sorted(_read(root, found))
    if mistakes:
        lines = limit_lines([f"{FILE}:{line}: {text}" for line, text in mistakes], _MOST)
        raise ForgeError("\n".join([*lines, f"next: correct {path}"]))
    return found


def _read(root: Node, found: dict[str, dict[str, Any]]) -> Iterator[tuple[int, str]]:
    """Fill in what is found; yield the mistakes."""
    for name, value in pairs(root):
        if name.value != "installations":
            yield line_of(name), f"{name.value!r} is not known here: the one name is installations:"
        elif not is_null(value) and not list(pairs(value)):
            yield line_of(value), "installations is not a map of name to settings"
        for installation, entry in pairs(value if name.value == "installations" else None):
            yield from _entry(installation, entry, found)


def _entry(installation: ScalarNode, entry: Node, found: dict[str, dict[str, Any]]) -> Iterator[tuple[int, str]]:
    name, settings, lines = str(installation.value), {}, {}
    if name == DEFAULT:
        yield line_of(installation), f"{DEFAULT!r} is described by the configuration of the stack, and not here"
    elif not NAME.fullmatch(name):
        yield line_of(installation), f"{name!r}: a name has 1 to 40 of a-z, 0-9 and -, and does not start with -"
    if not is_null(entry) and not list(pairs(entry)):
        yield line_of(entry), f"{name!r} is not a map of settings"
    for key, value in pairs(entry):
        field, lines[key.value] = str(key.value), line_of(key)
        if field in SECRETS:
            yield line_of(key), f"{field} of {name!r} is a secret: say where it is, by {field}File or the environment"
        elif to_snake(field) not in InstallationSettings.model_fields or to_camel(to_snake(field)) != field:
            yield line_of(key), f"{field!r} is not a setting; {near_setting(field)}"
        elif not is_null(value):
            settings[field] = _plain(value)
    try:
        InstallationSettings(_env_prefix=_NO_VARIABLES, **{to_snake(field): value for field, value in settings.items()})
    except ValidationError as error:
        for problem in error.errors():
            field = to_camel(str(problem["loc"][0]))
            yield lines[field], f"{field} of {name!r}: {problem['msg'].removeprefix('Value error, ')}"
    found[name] = settings


def _plain(node: Node) -> Any:
    """A text, or a list of them; of anything else its kind is enough for the message."""
    if isinstance(node, ScalarNode):
        return str(node.value)
    return [_plain(item) for item in node.value] if isinstance(node, SequenceNode) else {}
