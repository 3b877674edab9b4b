"""What of the emulator can be changed: where the documents are silent or contradict each other, and faults on demand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_ON_OFF: Final = ("on", "off")


def _choice(first: str, *others: str, about: str) -> Any:
    return dataclasses.field(default=first, metadata={"values": (first, *others), "about": about})


def _flag(*, default: str, about: str) -> Any:
    return dataclasses.field(default=default, metadata={"values": _ON_OFF, "about": about})


def _number(default: int, *, about: str, least: int = 0) -> Any:
    return dataclasses.field(default=default, metadata={"least": least, "about": about})


@dataclass(frozen=True, slots=True)
class Switches:
    """All switches; the defaults are the emulator's reading of the contract.

    Raises:
        ValueError: A value that its switch does not have.
    """

    register_body_v1: str = _choice("resource", "empty", about="what a 201 of v1 carries")
    body_key_v2: str = _choice("ignore", "refuse", about="a `key` in the body of a v2 registration")
    list_shape: str = _choice("array", "envelope", about="the form of a list; an array is always the whole list")
    cursor_name: str = _choice(
        "lastEvaluatedKey", "both", about="where an envelope carries the cursor; `both`: also in `nextPageToken`"
    )
    put_without_key_v1: str = _choice("refuse", "accept", about="an update under v1 without `key` in the body")
    put_key_mismatch_v2: str = _choice("refuse", "ignore", about="an update under v2 with another `key` in the body")
    put_type_change: str = _choice("refuse", "accept", about="an update with another `type`")
    retry_after: str = _flag(default="on", about="whether a 429 names the seconds to wait")
    read_lag_ms: int = _number(0, about="for how long reads show what was there before a write")
    error_body: str = _choice("message", "typed", about='`typed`: `{"type", "code", "message"}`')
    page_size: int = _number(100, least=1, about="how many modules an envelope holds at most")
    static_keys: str = dataclasses.field(
        default="", metadata={"about": "keys of the manifest's modules, separated by commas: such a module is not listed"}
    )
    sort_events: str = _flag(default="off", about="whether a trigger's events come back sorted")
    fill_defaults: str = _flag(default="off", about="whether documented defaults come back as if they had been sent")
    shared_limit: str = _flag(default="off", about="whether the limit of 100 counts v1 and v2 together")
    rate_limit: int = _number(0, about="requests per second and installation before a 429; 0: no limit")
    fault_500: int = _number(0, about="how many requests fail with 500 before the first is served")
    lose_answers: int = _number(0, about="how many registrations are stored, and the connection cut in place of an answer")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field.name, getattr(self, field.name), field.metadata)

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Switches:
        """Switches from ``name=value`` texts.

        Args:
            settings: The texts; the last one of a name counts.

        Raises:
            ValueError: A text of another form, an unknown name or value.
        """
        values: dict[str, Any] = {}
        numbers = {field.name for field in dataclasses.fields(cls) if "least" in field.metadata}
        for setting in settings:
            name, equals, value = setting.partition("=")
            if not equals:
                raise ValueError(f"{setting!r} is not of the form name=value")
            values[name] = _integer(name, value) if name in numbers else value
        return cls().changed(**values)

    def changed(self, **values: Any) -> Switches:
        """These switches with some other values.

        Raises:
            ValueError: An unknown name or value.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for name in values:
            if name not in known:
                raise ValueError(f"{name} is not a switch; there are {', '.join(known)}")
        return dataclasses.replace(self, **values)

    @property
    def static(self) -> frozenset[str]:
        """The keys of ``static_keys``."""
        return frozenset(key.strip() for key in self.static_keys.split(",") if key.strip())


def as_markdown() -> str:
    """The switches as a Markdown table."""
    lines = ["| switch | values, the default first | what it changes |", "|---|---|---|"]
    lines += [f"| `{field.name}` | {_values(field)} | {field.metadata['about']} |" for field in dataclasses.fields(Switches)]
    return "\n".join(lines) + "\n"


def _values(field: dataclasses.Field[Any]) -> str:
    if "least" in field.metadata:
        return f"`{field.default}` (a number)"
    values = field.metadata.get("values")
    if values is None:
        return "empty (a text)"
    return ", ".join(f"`{value}`" for value in sorted(values, key=lambda value: value != field.default))


def _check(name: str, value: Any, rule: Any) -> None:
    if "least" in rule:
        if not isinstance(value, int) or isinstance(value, bool) or value < rule["least"]:
            raise ValueError(f"{name} must be a number, {rule['least']} or more, and is {value!r}")
    elif "values" in rule:
        if value not in rule["values"]:
            raise ValueError(f"{name} must be one of {', '.join(rule['values'])}, and is {value!r}")
    elif not isinstance(value, str):
        raise ValueError(f"{name} must be a text, and is {value!r}")


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{name} must be a number, and is {value!r}") from None


DEFAULTS: Final = Switches()
