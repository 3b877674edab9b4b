"""What is declared: N triggers, each with a filter of its own, in two variants. Every row is given the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal, get_args

Operation = Literal["preview new", "up", "nothing to do", "preview of a change", "update all", "refresh", "destroy"]

OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
"""In the order of a stack's life: each leaves behind what the next one starts from."""

CHANGED: Final = frozenset({"preview of a change", "update all"})
"""The operations before which the program is given the second variant: every module changes."""

QUIET: Final[tuple[Operation, ...]] = ("preview new", "nothing to do", "preview of a change")
"""The operations that leave all as it was: each can run again without a new stack."""

FILE: Final = "modules.json"
"""Where a program finds its modules: in its own directory."""


def modules(size: int, variant: int) -> list[dict[str, Any]]:
    """The modules of a program.

    Args:
        size: How many.
        variant: 0 or 1; no module is the same in both.

    Returns:
        Of each its ``name``, its ``type`` and its ``data`` in the API's spelling.
    """
    return [
        {
            "name": f"module-{number:03}",
            "type": "trigger",
            "data": {
                "events": ["avi:jira:created:issue", "avi:jira:updated:issue"],
                "endpoint": f"hook-{variant}",
                "filter": {
                    "expression": f"event.issue.fields?.customfield_{number:03} == 'Bug'",
                    "onError": "RECEIVE_AND_LOG",
                },
            },
        }
        for number in range(size)
    ]


def write(directory: Path, size: int, variant: int) -> None:
    """Write the modules where a program finds them."""
    (directory / FILE).write_text(json.dumps(modules(size, variant)), encoding="utf-8")


def content_bytes() -> int:
    """The canonical JSON of one module, type and data, in bytes. All have the same."""
    module = modules(1, 0)[0]
    return len(json.dumps({name: module[name] for name in ("type", "data")}, separators=(",", ":"), sort_keys=True))
