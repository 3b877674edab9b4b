"""``forge-modules events``: the catalogue of events. Offline."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

import typer

from pulumi_atlassian_forge.model.catalog.events import EVENTS

from .output import JsonOption, as_json, fail
from .tables import table


def events(
    pattern: Annotated[str, typer.Argument(help="A part of the name, or a pattern with * and ?.")] = "",
    as_json_: JsonOption = False,
) -> None:
    """List the events that a trigger can listen to. Others are registered with a warning: Atlassian adds events."""
    found = sorted(name for name in EVENTS if _matches(name, pattern))
    if as_json_:
        as_json(events=found)
        return
    if not found:
        fail("events", f"no event of the catalogue matches {pattern!r}\nnext: forge-modules events jira")
    table(f"{len(found)} of {len(EVENTS)} events", ["event", "product"], ((name, name.split(":")[1]) for name in found))


def _matches(name: str, pattern: str) -> bool:
    if any(letter in pattern for letter in "*?["):
        return fnmatchcase(name, pattern)
    return pattern in name
