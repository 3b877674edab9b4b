"""What of the emulator can be changed where the documents are silent or contradict each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from .option_text import check, choice, number, pair, read, refuse_unknown, table, text

_WHAT: Final = "an option"


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """All options; the defaults are the emulator's reading of the contract.

    Raises:
        ValueError: A value that its option does not have.
    """

    register_body_v1: str = choice("resource", "empty", about="what a 201 of v1 carries")
    body_key_v2: str = choice("ignore", "refuse", about="a `key` in the body of a v2 registration")
    list_shape: str = choice("array", "envelope", about="the form of a list; an array is always the whole list")
    cursor_name: str = choice(
        "lastEvaluatedKey", "both", about="where an envelope carries the cursor; `both`: also in `nextPageToken`"
    )
    put_without_key_v1: str = choice("refuse", "accept", about="an update under v1 without `key` in the body")
    put_key_mismatch_v2: str = choice("refuse", "ignore", about="an update under v2 with another `key` in the body")
    put_type_change: str = choice("refuse", "accept", about="an update with another `type`")
    retry_after: str = choice("on", "off", about="whether the 429 of a [`rate`](#faults) names the seconds to wait")
    read_lag_ms: int = number(0, about="for how long reads show what was there before a write")
    error_body: str = choice("message", "typed", about='`typed`: `{"type", "code", "message"}`')
    page_size: int = number(100, least=1, about="how many modules an envelope holds at most")
    static_keys: str = text(about="keys of the manifest's modules, separated by commas: such a module is not listed")
    sort_events: str = choice("off", "on", about="whether a trigger's events come back sorted")
    fill_defaults: str = choice("off", "on", about="whether documented defaults come back as if they had been sent")
    shared_limit: str = choice("off", "on", about="whether the limit of 100 counts v1 and v2 together")

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def parse(cls, settings: Iterable[str]) -> EmulatorOptions:
        """Options from ``name=value`` texts.

        Args:
            settings: The texts; the last one of a name counts.

        Raises:
            ValueError: A text of another form, an unknown name or value.
        """
        return cls(**read(cls, _WHAT, dict(map(pair, settings))))

    def changed(self, **values: Any) -> EmulatorOptions:
        """These options with some other values.

        Raises:
            ValueError: An unknown name or value.
        """
        refuse_unknown(type(self), _WHAT, values)
        return dataclasses.replace(self, **values)

    @property
    def static(self) -> frozenset[str]:
        """The keys of ``static_keys``."""
        return frozenset(key.strip() for key in self.static_keys.split(",") if key.strip())


def as_markdown() -> str:
    """The options as a Markdown table."""
    return table(EmulatorOptions, "option")


DEFAULTS: Final = EmulatorOptions()
