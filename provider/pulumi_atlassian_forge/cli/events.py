"""``forge-modules events``: the events that are known, offline."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

import typer

from pulumi_atlassian_forge.model.catalog.events import EVENTS

from .output import JsonOption, fail, print_json
from .tables import print_table


def events(
    pattern: Annotated[str, typer.Argument(help="A part of the name, or a pattern with * and ?.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the known events that a trigger can listen to. Atlassian adds events: others are registered with a warning."""
    is_pattern = any(letter in pattern for letter in "*?[")
    found = sorted(name for name in EVENTS if (fnmatchcase(name, pattern) if is_pattern else pattern in name))
    if as_json:
        print_json(events=found)
        return
    if not found:
        fail("events", f"no event of the catalog matches {pattern!r}\nnext: forge-modules events jira")
    print_table(f"{len(found)} of {len(EVENTS)} events", ["event", "product"], ((name, name.split(":")[1]) for name in found))
