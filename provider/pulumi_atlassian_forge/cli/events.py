"""``forge-modules events``: the events that are known, offline."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

import typer

from pulumi_atlassian_forge.model.catalog.events import EVENTS, similar_events
from pulumi_atlassian_forge.model.suggestions import parts_of

from .output import JsonOption, fail, print_json
from .tables import print_table


def events(
    words: Annotated[
        list[str] | None, typer.Argument(help="Words or parts of the name in any order, or patterns with * and ?.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the known events that a trigger can listen to. Atlassian adds events: others are registered with a warning."""
    wanted = words or []
    found = sorted(name for name in EVENTS if all(_matches(name, word) for word in wanted))
    if not found:
        found = similar_events(" ".join(wanted))
    if as_json:
        print_json(events=found)
        return
    if not found:
        fail("events", f"no event of the catalog matches {' '.join(wanted)!r}\nnext: forge-modules events jira")
    print_table(f"{len(found)} of {len(EVENTS)} events", ["event", "product"], ((name, name.split(":")[1]) for name in found))


def _matches(name: str, word: str) -> bool:
    """Whether an event has a word: as a pattern, as a part of the name, or as words that the name has in another order."""
    if any(letter in word for letter in "*?["):
        return fnmatchcase(name, word)
    return word in name or all(part in name.lower() for part in parts_of(word) or [word])
