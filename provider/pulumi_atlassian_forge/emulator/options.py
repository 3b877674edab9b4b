"""Emulator options: behavior that can be changed because Atlassian's documents are silent about it or contradict each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from pydantic import Field, field_validator

from .option_model import OptionModel, pair
from .unreadable import FORMS, parse


class EmulatorOptions(OptionModel):
    """All options. The defaults are the emulator's reading of the API assumptions. An unknown name or value is a ValueError."""

    register_body_v1: Literal["resource", "empty"] = "resource"
    """the body of a 201 under v1"""
    body_key_v2: Literal["ignore", "refuse"] = "ignore"
    """a `key` in the body of a v2 registration"""
    list_shape: Literal["array", "envelope"] = "array"
    """the form of a list; an array is always the whole list"""
    cursor_name: Literal["lastEvaluatedKey", "both"] = "lastEvaluatedKey"
    """the property of an envelope that holds the cursor; `both`: also in `nextPageToken`"""
    put_without_key_v1: Literal["refuse", "accept"] = "refuse"
    """an update under v1 without `key` in the body"""
    put_key_mismatch_v2: Literal["refuse", "ignore"] = "refuse"
    """an update under v2 with another `key` in the body"""
    put_type_change: Literal["refuse", "accept"] = "refuse"
    """an update with another `type`"""
    retry_after: Literal["on", "off"] = "on"
    """whether the 429 of a [`rate`](#faults) names the seconds to wait"""
    read_lag_ms: int = Field(0, ge=0)
    """milliseconds for which reads still return the content from before a write"""
    error_body: Literal["message", "typed"] = "message"
    """`typed`: `{"type", "code", "message"}`"""
    page_size: int = Field(100, ge=1)
    """how many modules an envelope holds at most"""
    static_keys: str = ""
    """keys of the manifest's modules, separated by commas: such a module is not listed"""
    unreadable: str = Field("", description=f"modules that no client can read: `key=form,…`; forms: {', '.join(FORMS)}")
    sort_events: Literal["off", "on"] = "off"
    """whether a trigger's events come back sorted"""
    fill_defaults: Literal["off", "on"] = "off"
    """whether documented defaults come back as if they had been sent"""
    shared_limit: Literal["off", "on"] = "off"
    """whether the limit of 100 counts v1 and v2 together"""

    details_interval_s: int = Field(300, ge=0)
    """seconds between two responses about an installation (A32); `0`: no limit"""
    granted_scopes: str = ""
    """the OAuth scopes in the details of an installation, separated by spaces; without it there are none in the response"""

    @classmethod
    def parse(cls, settings: Iterable[str]) -> EmulatorOptions:
        """Options from ``name=value`` texts, of which the last one of a name counts; raises ValueError if one cannot be used."""
        return cls.from_texts(dict(map(pair, settings)))

    @field_validator("unreadable")
    @classmethod
    def _validate_unreadable(cls, value: str) -> str:
        parse(value)
        return value

    @property
    def unreadable_forms(self) -> dict[str, str]:
        """The form of each key of ``unreadable``."""
        return parse(self.unreadable)

    @property
    def static(self) -> frozenset[str]:
        """The keys of ``static_keys``."""
        return frozenset(key.strip() for key in self.static_keys.split(",") if key.strip())


DEFAULTS: Final = EmulatorOptions()
