"""Emulator options: behavior that can be changed because Atlassian's documents are silent about it or contradict each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field

from .option_model import OptionModel, pair

_Switch = Literal["off", "on"]


class EmulatorOptions(OptionModel):
    """All options. The defaults are the emulator's reading of the API assumptions.

    Raises:
        ValueError: An unknown name or value.
    """

    register_body_v1: Annotated[Literal["resource", "empty"], Field(description="the body of a 201 under v1")] = "resource"
    body_key_v2: Annotated[Literal["ignore", "refuse"], Field(description="a `key` in the body of a v2 registration")] = "ignore"
    list_shape: Annotated[
        Literal["array", "envelope"], Field(description="the form of a list; an array is always the whole list")
    ] = "array"
    cursor_name: Annotated[
        Literal["lastEvaluatedKey", "both"],
        Field(description="where an envelope carries the cursor; `both`: also in `nextPageToken`"),
    ] = "lastEvaluatedKey"
    put_without_key_v1: Annotated[
        Literal["refuse", "accept"], Field(description="an update under v1 without `key` in the body")
    ] = "refuse"
    put_key_mismatch_v2: Annotated[
        Literal["refuse", "ignore"], Field(description="an update under v2 with another `key` in the body")
    ] = "refuse"
    put_type_change: Annotated[Literal["refuse", "accept"], Field(description="an update with another `type`")] = "refuse"
    retry_after: Annotated[
        Literal["on", "off"], Field(description="whether the 429 of a [`rate`](#faults) names the seconds to wait")
    ] = "on"
    read_lag_ms: Annotated[int, Field(ge=0, description="for how long reads show what was there before a write")] = 0
    error_body: Annotated[Literal["message", "typed"], Field(description='`typed`: `{"type", "code", "message"}`')] = "message"
    page_size: Annotated[int, Field(ge=1, description="how many modules an envelope holds at most")] = 100
    static_keys: Annotated[
        str, Field(description="keys of the manifest's modules, separated by commas: such a module is not listed")
    ] = ""
    sort_events: Annotated[_Switch, Field(description="whether a trigger's events come back sorted")] = "off"
    fill_defaults: Annotated[_Switch, Field(description="whether documented defaults come back as if they had been sent")] = "off"
    shared_limit: Annotated[_Switch, Field(description="whether the limit of 100 counts v1 and v2 together")] = "off"

    @classmethod
    def parse(cls, settings: Iterable[str]) -> EmulatorOptions:
        """Options from ``name=value`` texts.

        Args:
            settings: The texts; the last one of a name counts.

        Raises:
            ValueError: A text of another form, an unknown name or value.
        """
        return cls.from_texts(dict(map(pair, settings)))

    @property
    def static(self) -> frozenset[str]:
        """The keys of ``static_keys``."""
        return frozenset(key.strip() for key in self.static_keys.split(",") if key.strip())


def as_markdown() -> str:
    """The options as a Markdown table."""
    return EmulatorOptions.table("option")


DEFAULTS: Final = EmulatorOptions()
