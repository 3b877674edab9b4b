"""Options: frozen dataclasses whose fields are read from ``name=value`` texts, checked, and printed as a table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

_OPTION: Final = "option"


@dataclass(frozen=True, slots=True)
class Option:
    """What a field of options is.

    Attributes:
        about: What it means, for the table.
        shown: Its values, for the table.
        wanted: Its values, for a message.
        fits: Whether a value is one of them.
        read: A value from its text; raises ValueError.
        spelled: Its name in a text, where that is not the field's.
    """

    about: str
    shown: str
    wanted: str
    fits: Callable[[Any], bool]
    read: Callable[[str], Any] = str
    spelled: str | None = None


def choice(first: str, *others: str, about: str) -> Any:
    """A field that has one of some values; the first is the default."""
    values = (first, *others)
    shown = ", ".join(f"`{value}`" for value in values)
    return _field(first, Option(about, shown, f"one of {', '.join(values)}", values.__contains__))


def text(*, about: str, shown: str = "empty (a text)") -> Any:
    """A field that has any text; the default is none."""
    return _field("", Option(about, shown, "a text", lambda value: isinstance(value, str)))


def number(
    default: int | None, *, about: str, least: int = 0, most: int | None = None, whole: bool = True, spelled: str | None = None
) -> Any:
    """A field that has a number between two; a default of None stands for a number that is not given."""
    name = "a whole number" if whole else "a number"
    wanted = f"{name}, {least} or more" if most is None else f"{name} from {least} to {most}"
    shown = name if default is None else f"`{default}` ({name})"

    def fits(value: Any) -> bool:
        if value is None:
            return default is None
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return False
        return least <= value <= (math.inf if most is None else most)

    return _field(default, Option(about, shown, wanted, fits, int if whole else float, spelled))


def check(options: Any) -> None:
    """Check every value; for ``__post_init__``.

    Raises:
        ValueError: A value that its option does not have.
    """
    for name, field in _fields(type(options)).items():
        value = getattr(options, field.name)
        if not _option(field).fits(value):
            raise ValueError(_unfit(name, field, value))


def pair(setting: str) -> tuple[str, str]:
    """The name and the value of a ``name=value`` text.

    Raises:
        ValueError: A text of another form.
    """
    name, equals, value = setting.partition("=")
    if not equals:
        raise ValueError(f"{setting!r} is not of the form name=value")
    return name.strip(), value.strip()


def read(kind: type, what: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of fields from their texts.

    Args:
        kind: The dataclass.
        what: What an option is called in a message.
        texts: A text per name.

    Raises:
        ValueError: An unknown name, or a text that is no value of its option.
    """
    fields = _fields(kind)
    refuse_unknown(kind, what, texts)
    return {fields[name].name: _read(name, fields[name], value) for name, value in texts.items()}


def refuse_unknown(kind: type, what: str, names: Iterable[str]) -> None:
    """Raise for the first name that is none.

    Raises:
        ValueError: There is one.
    """
    known = list(_fields(kind))
    for name in names:
        if name not in known:
            raise ValueError(unknown(name, what, known))


def unknown(name: str, what: str, known: Iterable[str]) -> str:
    """What to say of a name that is not known."""
    known = list(known)
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{name or 'an empty name'} is not {what}{hint}; there are {', '.join(known)}"


def table(kind: type, heading: str) -> str:
    """The options as a Markdown table.

    Args:
        kind: The dataclass.
        heading: What the names are called.
    """
    lines = [f"| {heading} | values, the default first | what it changes |", "|---|---|---|"]
    for name, field in _fields(kind).items():
        lines.append(f"| `{name}` | {_option(field).shown} | {_option(field).about} |")
    return "\n".join(lines) + "\n"


def _field(default: Any, option: Option) -> Any:
    return dataclasses.field(default=default, metadata={_OPTION: option})


def _fields(kind: type) -> dict[str, dataclasses.Field[Any]]:
    return {_option(field).spelled or field.name: field for field in dataclasses.fields(kind)}


def _option(field: dataclasses.Field[Any]) -> Option:
    option: Option = field.metadata[_OPTION]
    return option


def _read(name: str, field: dataclasses.Field[Any], value: str) -> Any:
    try:
        return _option(field).read(value)
    except ValueError:
        raise ValueError(_unfit(name, field, value)) from None


def _unfit(name: str, field: dataclasses.Field[Any], value: Any) -> str:
    return f"{name} must be {_option(field).wanted}, and is {value!r}"
