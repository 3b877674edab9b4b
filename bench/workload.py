"""The workload, the same for every system: N triggers, each with its own filter, in two variants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal, get_args

Operation = Literal["preview new", "up", "nothing to do", "preview of a change", "update all", "refresh", "destroy"]

OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
"""In the order of a stack's lifecycle: each operation starts from the result of the previous one."""

CHANGED: Final = frozenset({"preview of a change", "update all"})
"""The operations with the second variant, in which every module changes."""

NO_CHANGE: Final[tuple[Operation, ...]] = ("preview new", "nothing to do", "preview of a change")
"""The operations that change nothing, so that they can run again without a new stack."""

FILE: Final = "modules.json"
"""The file with the modules, in the directory of the program."""


def modules(size: int, variant: int) -> list[dict[str, Any]]:
    """The modules of a program.

    Args:
        size: Number of modules.
        variant: 0 or 1; every module differs between the two.

    Returns:
        For each module ``name``, ``type`` and ``data`` with the API's property names.
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
    """Write the file with the modules."""
    (directory / FILE).write_text(json.dumps(modules(size, variant)), encoding="utf-8")


def content_bytes() -> int:
    """The size of the canonical JSON of one module (type and data) in bytes, the same for all modules."""
    module = modules(1, 0)[0]
    return len(json.dumps({name: module[name] for name in ("type", "data")}, separators=(",", ":"), sort_keys=True))
