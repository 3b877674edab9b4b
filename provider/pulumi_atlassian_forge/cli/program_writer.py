"""Writes modules as the Python program that declares them, in the style of a person: no defaults, and no loops.

The text is valid and tidy without a formatter.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.config.settings import DEFAULT
from pulumi_atlassian_forge.model.catalog.module_types import DEFAULTS, FILTER, INCLUDE
from pulumi_atlassian_forge.model.comparison import server_additions
from pulumi_atlassian_forge.model.content import TRIGGER, TRIGGER_PROPERTIES, Content, content_of, properties_of
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.model.problems import Location, Problem, path_of, snake
from pulumi_atlassian_forge.model.validation import check_content
from pulumi_atlassian_forge.sanitizer import escape_commands, is_printable

from .target import Target

WIDTH: Final = 88  # columns of a line, the default of ruff's formatter
HEADER: Final = "import pulumi_atlassian_forge as forge\n"
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NO_DEFAULT: Final = object()


@dataclass(frozen=True)
class Declaration:
    """A module as a program declares it."""

    name: str  # the logical name
    key: str  # under v1 an argument, if it differs from the name
    version: Version
    installation: str
    content: Content
    typed: bool  # a TriggerModule
    server: tuple[str, ...] = ()  # live paths that no program may declare: server defaults

    @property
    def properties(self) -> dict[str, Any]:
        """The declared properties by their API property names."""
        return properties_of(self.content, typed=self.typed)


def declaration_of(target: Target, live: LiveModule, name: str | None = None) -> Declaration:
    """The declaration of a module: a ``TriggerModule`` if that class has an argument for each of its properties."""
    whole = content_of({"type": live.content.type, "data": live.content.data})
    defaults = DEFAULTS.get(live.content.type, {})
    content = Content(whole.type, _without_defaults(_without_unknown(whole).data, (), defaults))
    typed = content.type == TRIGGER and set(content.data) <= set(TRIGGER_PROPERTIES) and not errors_of(content.data)
    server = tuple(server_additions(content, whole))
    return Declaration(name or plain_name(live), live.key, target.version, target.name, content, typed, server)


def errors_of(properties: Mapping[str, Any]) -> list[Problem]:
    """What a preview refuses in the properties of a module; a warning is none."""
    return [problem for problem in check_content(properties) if problem.is_error]


def _without_unknown(content: Content) -> Content:
    """The content without what counts as added by the server: properties unknown at their path, unless nothing else is there.

    A server may also add parts that are empty (``filter: {}``), which a preview refuses.
    """
    data = copy.deepcopy(content.data)
    for problem in check_content({"type": content.type, "data": data}):
        if problem.unknown:
            *above, name = problem.unknown[1:]
            parent = _at(data, above)
            if len(parent) > 1:
                del parent[name]
    return Content(content.type, _without_refused_empties(content.type, data))


def _without_refused_empties(type_: str, data: dict[str, Any]) -> dict[str, Any]:
    refused = {problem.path for problem in errors_of({"type": type_, "data": data})}
    for location in _empties(data, ("data",)):
        if path_of(location) in refused or any(path.startswith(f"{path_of(location)}.") for path in refused):
            *above, name = location[1:]
            _at(data, above).pop(name)
            return _without_refused_empties(type_, data)
    return data


def _empties(value: Any, location: Location) -> Iterator[Location]:
    """The properties that hold an empty object."""
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        place = (*location, name)
        if inner == {} and isinstance(name, str):
            yield place
        yield from _empties(inner, place)


def _at(data: Any, location: Iterable[str | int]) -> Any:
    for part in location:
        data = data[part]
    return data


def _without_defaults(value: Any, path: tuple[str, ...], defaults: Mapping[tuple[str, ...], Any]) -> Any:
    if isinstance(value, dict):
        inside = {name: _without_defaults(inner, (*path, name), defaults) for name, inner in value.items()}
        return {name: inner for name, inner in inside.items() if defaults.get((*path, name), _NO_DEFAULT) != inner}
    if isinstance(value, list):
        return [_without_defaults(inner, (*path, "*"), defaults) for inner in value]
    return value


def plain_name(live: LiveModule) -> str:
    """A logical name: the key, unless the server made it; else the name of what the module calls, or its title."""
    if not _UUID.fullmatch(live.key):
        return live.key
    data = live.content.data
    wanted = data.get("endpoint") or data.get("function") or data.get("title") or data.get("name")
    slug = re.sub(r"[^a-zA-Z0-9_-]+", "-", wanted if isinstance(wanted, str) else "").strip("-").lower()
    return slug or re.sub(r"[^a-zA-Z0-9_-]+", "-", live.content.type).lower()


def distinct_names(modules: Sequence[LiveModule], used: Iterable[str] = ()) -> list[str]:
    """A logical name for each module, all different and none of those in use; the second of a name ends in ``-2``."""
    taken = set(used)
    found = []
    for live in modules:
        name, number = plain_name(live), 1
        while name in taken:
            number += 1
            name = f"{plain_name(live)}-{number}"
        taken.add(name)
        found.append(name)
    return found


def program(declarations: Sequence[Declaration]) -> str:
    """A Python module that declares them in the order given."""
    return "\n".join([HEADER, *map(statement, declarations)])


def statement(declaration: Declaration) -> str:
    """One statement, with a line break at its end. What a preview refuses in it is a comment before it."""
    write = _trigger_argument if declaration.typed else lambda name, value: literal(value, 1, len(f"{name}="))
    arguments = [literal(declaration.name), *(f"{name}={write(name, value)}" for name, value in declaration.properties.items())]
    if declaration.version == "v1" and declaration.key != declaration.name:
        arguments.append(f"key={literal(declaration.key)}")
    if declaration.installation != DEFAULT:
        arguments.append(f"installation={literal(declaration.installation)}")
    kind = "TriggerModule" if declaration.typed else "DynamicModule"
    refused = "".join(f"# pulumi preview refuses this: {problem.text}\n" for problem in errors_of(declaration.properties))
    return refused + f"forge.{kind}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")\n"


@dataclass(frozen=True)
class _Call:
    """A call with named arguments: the filter and the payload of a trigger have classes of their own."""

    kind: str
    arguments: Mapping[str, Any]


def _trigger_argument(name: str, value: Any) -> str:
    """An argument of a ``TriggerModule``. What its classes do not know is a dictionary."""
    if name == "filter" and value.keys() <= FILTER.properties.keys():
        value = _Call("TriggerFilter", value)
    elif name == "payload" and value["include"].keys() <= INCLUDE.properties.keys():
        value = _Call("TriggerPayload", {"include": _Call("TriggerPayloadInclude", value["include"])})
    return literal(value, 1, len(f"{name}="))


def literal(value: Any, level: int = 0, before: int = 0) -> str:
    """A JSON value as Python writes it: on one line if it fits, else one item a line.

    ``level`` is the indentation of the line that it starts on, ``before`` the characters between that and the value.
    """
    flat, parts = _flat(value), _parts(value)
    if parts is None or 4 * level + before + len(flat) + len(",") <= WIDTH:
        return flat
    opening, items, closing = parts
    indent = "    " * (level + 1)
    inside = "".join(f"{indent}{name}{literal(inner, level + 1, len(name))},\n" for name, inner in items)
    return f"{opening}\n{inside}{'    ' * level}{closing}"


def _flat(value: Any) -> str:
    parts = _parts(value)
    if parts is None:
        return _quoted(value) if isinstance(value, str) else repr(value)
    opening, items, closing = parts
    return f"{opening}{', '.join(name + _flat(inner) for name, inner in items)}{closing}"


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str] | None:
    """What opens a container, its items with what stands before each value, and what closes it; None for other values."""
    if isinstance(value, _Call):
        return f"forge.{value.kind}(", [(f"{snake(name)}=", inner) for name, inner in value.arguments.items()], ")"
    if isinstance(value, dict):
        return "{", [(f"{_quoted(name)}: ", inner) for name, inner in value.items()], "}"
    if isinstance(value, list):
        return "[", [("", inner) for inner in value], "]"
    return None


def _quoted(text: str) -> str:
    """A text in double quotes, unless that needs more escapes. Characters that cannot be printed are escaped."""
    quote = "'" if '"' in text and "'" not in text else '"'
    return quote + escape_commands("".join(_escaped(letter, quote) for letter in text), "\\x23") + quote


def _escaped(letter: str, quote: str) -> str:
    if letter in ("\\", quote):
        return "\\" + letter
    if letter == " " or (letter.isprintable() and is_printable(letter)):
        return letter
    return letter.encode("unicode_escape").decode() if letter.isprintable() else repr(letter)[1:-1]
