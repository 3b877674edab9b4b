"""Base of the emulator's options: a frozen pydantic model that is read from ``name=value`` texts and printed as a table.

The docstring of a field is its description in the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from pulumi_atlassian_forge.model.suggestions import nearest


class OptionModel(BaseModel):
    """Options with a name, a default and a description each. A ValueError about one is a line that names the allowed values."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)
    KIND: ClassVar[str] = "an option"  # what one is called in a message

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = min(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
            raise ValueError(self._message(first)) from None

    def changed(self, **values: Any) -> Self:
        """These options with some other values; raises ValueError if a name or value is unknown."""
        return type(self)(**{**self.model_dump(), **values})

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Self:
        """Options from a text for each name; raises ValueError if a name is unknown, or a text is no value of its option."""
        fields = {field.alias or name: name for name, field in cls.model_fields.items()}
        for name in texts:
            if name not in fields:
                raise ValueError(unknown(name, cls.KIND, fields))
        schemas = cls._schemas()
        return cls(**{fields[name]: _number(text, schemas[name]) for name, text in texts.items()})

    @classmethod
    def table(cls, heading: str) -> str:
        """The options as a Markdown table."""
        lines = [f"| {heading} | values, the default first | what it changes |", "|---|---|---|"]
        lines += [f"| `{name}` | {_shown(schema)} | {schema['description']} |" for name, schema in cls._schemas().items()]
        return "\n".join(lines) + "\n"

    @classmethod
    def _schemas(cls) -> dict[str, dict[str, Any]]:
        schemas: dict[str, dict[str, Any]] = cls.model_json_schema()["properties"]
        return schemas

    @classmethod
    def _message(cls, error: ErrorDetails) -> str:
        if error["type"] == "value_error":
            return str(error["ctx"]["error"])
        name = str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            return unknown(name, cls.KIND, cls._schemas())
        name = cls.model_fields[name].alias or name if name in cls.model_fields else name
        return f"{name} must be {_allowed(cls._schemas()[name])}, and is {error['input']!r}"


def pair(setting: str) -> tuple[str, str]:
    """The name and the value of a ``name=value`` text; raises ValueError if it has another form."""
    name, equals, value = setting.partition("=")
    if not equals:
        raise ValueError(f"{setting!r} is not of the form name=value")
    return name.strip(), value.strip()


def unknown(name: str, kind: str, known: Iterable[str]) -> str:
    """The message about a name that is not known."""
    known = list(known)
    near = nearest(name, known)
    hint = f"; did you mean {near}?" if near else ""
    return f"{name or 'an empty name'} is not {kind}{hint}; there are {', '.join(known)}"


def _number(text: str, schema: Mapping[str, Any]) -> Any:
    """The number in the text if the option is one; a text that is none is left to the validation."""
    types = {"integer": int, "number": float}
    try:
        return types.get(_main(schema).get("type", ""), str)(text)
    except ValueError:
        return text


def _allowed(schema: Mapping[str, Any]) -> str:
    main = _main(schema)
    if "enum" in main:
        return f"one of {', '.join(main['enum'])}"
    if "minimum" not in main:
        return "a text"
    bounds = f" from {main['minimum']:.0f} to {main['maximum']:.0f}" if "maximum" in main else f", {main['minimum']:.0f} or more"
    return _kind(main) + bounds


def _shown(schema: Mapping[str, Any]) -> str:
    main, default = _main(schema), schema.get("default")
    if "enum" in main:
        return ", ".join(f"`{value}`" for value in main["enum"])
    if main["type"] == "string":
        return str(schema.get("shown", "empty (a text)"))
    return _kind(main) if default is None else f"`{default}` ({_kind(main)})"


def _kind(main: Mapping[str, Any]) -> str:
    return "a whole number" if main["type"] == "integer" else "a number"


def _main(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value that is given: an option that need not be given may also be null."""
    found: Mapping[str, Any] = schema["anyOf"][0] if "anyOf" in schema else schema
    return found
