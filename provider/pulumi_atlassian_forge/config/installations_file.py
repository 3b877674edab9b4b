"""The file ``forge-installations.yaml`` beside Pulumi.yaml: many installations, with where to find secrets and none in it.

Every value is taken as text, as it is written: YAML 1.1 reads ``on``, ``012`` and ``1e3`` as something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_snake
from yaml.nodes import Node, ScalarNode, SequenceNode

from pulumi_atlassian_forge.errors import ForgeError, limit_lines
from pulumi_atlassian_forge.manifest.yaml_nodes import ManifestError, is_null, line_of, pairs, read
from pulumi_atlassian_forge.sanitizer import printable

from .settings import DEFAULT, FILE, NAME, NAME_RULE, SECRETS, SETTINGS, InstallationSettings, unknown_setting, validation_errors

_PROJECT_NAMES: Final = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")
_MAX_ERRORS: Final = 5  # in one message of six lines
_SIMILAR_NAMES: Final = ("forge-installations.yml", "forge-installations.json")
_NO_VARIABLES: Final = "\0"  # the prefix of no variable: the file is validated without the environment


def project_file(directory: Path) -> Path | None:
    """The nearest Pulumi.yaml, from a directory upwards: the plugin may start in the directory of ``main:`` below it.

    Under any of the names by which the CLI finds a project: one that it uses must not look like none.
    """
    paths = (folder / name for folder in (directory, *directory.parents) for name in _PROJECT_NAMES)
    return next((path for path in paths if path.is_file()), None)


def installations_in(directory: Path) -> dict[str, dict[str, Any]]:
    """The installations of the file in a directory; none if there is no file.

    All errors are named at once, each with its line. A file with a similar name, which would be ignored, is an error, too.
    """
    for name in _SIMILAR_NAMES:
        if (directory / name).exists():
            raise ForgeError(f"{name} is not read: the file is called {FILE}\nnext: rename or remove {directory / name}")
    path = directory / FILE
    if not path.exists():
        return {}
    try:
        root = read(path, "its one name is installations:", aliases=False)
    except ManifestError as error:
        text = f"{FILE}{f':{error.line}' if error.line else ''} {printable(error.reason)}\nnext: correct it ({path})"
        raise ForgeError(text, code=error.code) from None
    found: dict[str, dict[str, Any]] = {}
    errors = sorted(_read(root, found))
    if errors:
        lines = limit_lines([f"{FILE}:{line}: {text}" for line, text in errors], _MAX_ERRORS)
        raise ForgeError("\n".join([*lines, f"next: correct {path}"]))
    return found


def _read(root: Node, found: dict[str, dict[str, Any]]) -> Iterator[tuple[int, str]]:
    """Fill in the installations; yield the errors with their lines."""
    for name, value in pairs(root):
        if name.value != "installations":
            yield line_of(name), f"{name.value!r} is unknown: the only property is installations"
            continue
        if not is_null(value) and not list(pairs(value)):
            yield line_of(value), "installations is not a map of name to settings"
        for installation, entry in pairs(value):
            yield from _read_entry(installation, entry, found)


def _read_entry(installation: ScalarNode, entry: Node, found: dict[str, dict[str, Any]]) -> Iterator[tuple[int, str]]:
    name, settings, lines = str(installation.value), {}, {}
    if name == DEFAULT:
        yield line_of(installation), f"{DEFAULT!r} is described by the configuration of the stack, and not here"
    elif not NAME.fullmatch(name):
        yield line_of(installation), f"{name!r}: {NAME_RULE}"
    if not is_null(entry) and not list(pairs(entry)):
        yield line_of(entry), f"{name!r} is not a map of settings"
    for key, value in pairs(entry):
        field, lines[key.value] = str(key.value), line_of(key)
        if field in SECRETS:
            yield line_of(key), f"{field} of {name!r} is a secret: set it with {field}File or in the environment"
        elif field not in SETTINGS:
            yield line_of(key), unknown_setting(field)
        elif not is_null(value):
            settings[field] = _text(value)
    try:
        InstallationSettings(_env_prefix=_NO_VARIABLES, **{to_snake(field): value for field, value in settings.items()})
    except ValidationError as error:
        for field, text in validation_errors(error):
            yield lines[field], f"{field} of {name!r}: {text}"
    found[name] = settings


def _text(node: Node) -> Any:
    """A text, or a list of them. Any other node is an empty map, which fails validation."""
    if isinstance(node, ScalarNode):
        return str(node.value)
    return [_text(item) for item in node.value] if isinstance(node, SequenceNode) else {}
