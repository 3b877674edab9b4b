"""The file of the figures: what was measured, each part with its own circumstances."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, model_validator

from .environment import Circumstances
from .errors import BenchError
from .results import Results
from .scale.figures import Fleets, Stacks

Part = Literal["matrix", "fleets", "stacks"]

PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""In the order in which they are measured and shown."""


class Document(BaseModel):
    """All figures. A part that was never measured is None.

    Attributes:
        version: Of this form: 2. Version 1 was the matrix alone, and is still read.
        matrix: Rows, sizes, latencies and operations.
        fleets: What an installation costs in fleets.
        stacks: Stacks on several installations.
    """

    version: Literal[2]
    matrix: Results | None = None
    fleets: Fleets | None = None
    stacks: Stacks | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_version_1(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("version") != 1:
            return data
        circumstances = {name: data.get(name) for name in Circumstances.model_fields}
        return {"version": 2, "matrix": {**data, "circumstances": circumstances}}

    def dump(self) -> str:
        """The file: a line for each cell, so that two runs can be compared."""
        parts = self._parts()
        return (
            ",\n".join(['{\n "version": 2', *(f" {json.dumps(name)}: {_text(part)}" for name, part in parts.items())]) + "\n}\n"
        )

    def with_parts_of(self, other: Document) -> Document:
        """This one, with the parts that another has in the place of its own."""
        return self.model_copy(update=other._parts())

    def _parts(self) -> dict[str, Results | Fleets | Stacks]:
        return {name: part for name in PARTS if (part := getattr(self, name)) is not None}


def _text(part: Results | Fleets | Stacks) -> str:
    return "{\n" + ",\n".join(_lines(part)) + "\n }"


def _lines(part: Results | Fleets | Stacks) -> Iterator[str]:
    for name, value in part.model_dump(mode="json", exclude={"cells"}).items():
        yield f"  {json.dumps(name)}: {json.dumps(value)}"
    cells = [cell.model_dump(mode="json", exclude_defaults=True) for cell in part.cells]
    yield '  "cells": [\n' + ",\n".join(f"   {json.dumps(cell)}" for cell in cells) + "\n  ]"


def load(path: Path) -> Document:
    """Read the file.

    Raises:
        BenchError: It cannot be read, or is none of this form.
    """
    try:
        return Document.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"{path} cannot be used: {error}\nnext: measure first: make bench") from None
