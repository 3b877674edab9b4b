"""Modules as the Python program that declares them, written as a person would write it.

Only what is not a default; no loops are guessed. The text is valid and tidy without a formatter.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.config.settings import DEFAULT
from pulumi_atlassian_forge.model.catalog.module_types import DEFAULTS
from pulumi_atlassian_forge.model.comparison import server_additions
from pulumi_atlassian_forge.model.content import TRIGGER, TRIGGER_PROPERTIES, Content, content_of
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.model.validation import check_content

from .target import Site

WIDTH: Final = 88
"""Columns of a line, as ruff's formatter has it by default."""

HEADER: Final = "import pulumi_atlassian_forge as forge\n"

_MADE_BY_A_SERVER: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_FILTER: Final = {
    "expression": "expression",
    "onError": "on_error",
    "ignoreSelf": "ignore_self",
    "appIsLicensed": "app_is_licensed",
}
_INCLUDE: Final = {"propertyPaths": "property_paths", "fields": "fields"}


@dataclass(frozen=True)
class Declaration:
    """A module as a program declares it.

    Attributes:
        name: The logical name.
        key: The key; under v1 it is an argument where the name is another one.
        typed: Whether it is a ``TriggerModule``.
        server: The paths of what is live and no program may declare: a server's own additions.
    """

    name: str
    key: str
    version: Version
    installation: str
    content: Content
    typed: bool
    server: tuple[str, ...] = ()

    @property
    def properties(self) -> dict[str, Any]:
        """What is declared, in the API's spelling, without the documented defaults."""
        data = _without_defaults(self.content)
        if self.typed:
            return {name: data[name] for name in TRIGGER_PROPERTIES if name in data}
        return {"type": self.content.type, "data": data}


def declaration_of(site: Site, live: LiveModule, name: str | None = None) -> Declaration:
    """The declaration of a module: a ``TriggerModule`` where everything in it has a place there."""
    whole = content_of({"type": live.content.type, "data": live.content.data})
    content = _declarable(whole)
    typed = content.type == TRIGGER and set(content.data) <= set(TRIGGER_PROPERTIES) and not check_content(content.data)
    return Declaration(
        name or plain_name(live), live.key, site.version, site.name, content, typed, tuple(server_additions(content, whole))
    )


def _declarable(content: Content) -> Content:
    """Without what a preview would refuse because nobody knows it there: only the server can have put it in."""
    data = copy.deepcopy(content.data)
    for problem in check_content({"type": content.type, "data": data}):
        if problem.unknown:
            _, *above, name = problem.unknown
            parent: Any = data
            for part in above:
                parent = parent[part]
            parent.pop(name, None)
    return Content(content.type, data)


def plain_name(live: LiveModule) -> str:
    """A logical name: the key where a person chose it, else what the module calls or shows."""
    if not _MADE_BY_A_SERVER.fullmatch(live.key):
        return live.key
    data = live.content.data
    title = data.get("title") or data.get("name")
    wanted = data.get("endpoint") or data.get("function") or title
    slug = re.sub(r"[^a-zA-Z0-9_-]+", "-", wanted if isinstance(wanted, str) else "").strip("-").lower()
    return slug or re.sub(r"[^a-zA-Z0-9_-]+", "-", live.content.type).lower()


def distinct_names(modules: Sequence[LiveModule], taken: Iterable[str] = ()) -> list[str]:
    """A logical name for each, all different and none of those that are taken; the second of a name ends in ``-2``."""
    used = set(taken)
    found = []
    for live in modules:
        wanted = plain_name(live)
        name, number = wanted, 1
        while name in used:
            number += 1
            name = f"{wanted}-{number}"
        used.add(name)
        found.append(name)
    return found


def program(declarations: Sequence[Declaration]) -> str:
    """A whole module of Python that declares them, in the order given."""
    return "\n".join([HEADER, *map(statement, declarations)])


def statement(declaration: Declaration) -> str:
    """One statement, with a line break at its end."""
    properties = declaration.properties
    arguments = [literal(declaration.name)]
    if declaration.typed:
        arguments += [f"{name}={_typed(name, value)}" for name, value in properties.items()]
    else:
        arguments += [f"{name}={literal(value, 1)}" for name, value in properties.items()]
    if declaration.version == "v1" and declaration.key != declaration.name:
        arguments.append(f"key={literal(declaration.key)}")
    if declaration.installation != DEFAULT:
        arguments.append(f"installation={literal(declaration.installation)}")
    kind = "TriggerModule" if declaration.typed else "DynamicModule"
    return f"forge.{kind}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")\n"


def _typed(name: str, value: Any) -> str:
    """An argument of a ``TriggerModule``; filter and payload have classes of their own."""
    if name == "filter":
        return _call("TriggerFilter", [f"{_FILTER[key]}={literal(inner, 2)}" for key, inner in value.items()], 1)
    if name == "payload":
        include = [f"{_INCLUDE[key]}={literal(inner, 3)}" for key, inner in value["include"].items()]
        return _call("TriggerPayload", [f"include={_call('TriggerPayloadInclude', include, 2)}"], 1)
    return literal(value, 1)


def _call(kind: str, arguments: list[str], level: int) -> str:
    return _wrapped(f"forge.{kind}(", arguments, ")", level)


def literal(value: Any, level: int = 0) -> str:
    """A JSON value as Python writes it.

    Args:
        value: The value.
        level: How deep the line is indented that it starts on.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _wrapped("{", [f"{_text(name)}: {literal(inner, level + 1)}" for name, inner in value.items()], "}", level)
    if isinstance(value, list):
        return _wrapped("[", [literal(inner, level + 1) for inner in value], "]", level)
    return repr(value)


def _wrapped(opening: str, parts: list[str], closing: str, level: int) -> str:
    """On one line where it fits there, else one part a line."""
    flat = f"{opening}{', '.join(parts)}{closing}"
    if "\n" not in flat and len(flat) + 4 * level + _NAME_AND_COMMA <= WIDTH:
        return flat
    inside = "".join(f"{'    ' * (level + 1)}{part},\n" for part in parts)
    return f"{opening}\n{inside}{'    ' * level}{closing}"


_NAME_AND_COMMA: Final = 12  # what stands before a value and behind it


def _text(text: str) -> str:
    """In double quotes, unless that needs more escapes; what cannot be seen is escaped."""
    quote = "'" if '"' in text and "'" not in text else '"'
    return quote + "".join(_escaped(letter, quote) for letter in text) + quote


def _escaped(letter: str, quote: str) -> str:
    if letter in ("\\", quote):
        return "\\" + letter
    if letter.isprintable():
        return letter
    return repr(letter)[1:-1]


def _without_defaults(content: Content) -> dict[str, Any]:
    defaults = DEFAULTS.get(content.type, {})
    return _left(content.data, (), defaults) if defaults else content.data


def _left(value: Any, path: tuple[str, ...], defaults: Mapping[tuple[str, ...], Any]) -> Any:
    if isinstance(value, dict):
        inside = {name: (_left(inner, (*path, name), defaults), (*path, name)) for name, inner in value.items()}
        return {name: inner for name, (inner, where) in inside.items() if defaults.get(where, _NOTHING) != inner}
    if isinstance(value, list):
        return [_left(inner, (*path, "*"), defaults) for inner in value]
    return value


_NOTHING: Final = object()
