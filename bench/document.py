"""The file of the figures: the measured parts, each with its own environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import BaseModel

from .errors import BenchError
from .results import Results
from .scale.figures import Fleets, Stacks

Part = Literal["matrix", "fleets", "stacks"]

PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""In the order of measuring and of the page."""


class Document(BaseModel):
    """All figures. A part that has not been measured is None.

    Attributes:
        version: The version of the file format: 3.
        matrix: Rows, sizes, latencies and operations.
        fleets: Fleets of several sizes.
        stacks: Stacks on several installations.
    """

    version: Literal[3]
    matrix: Results | None = None
    fleets: Fleets | None = None
    stacks: Stacks | None = None

    def dump(self) -> str:
        """The content of the file, with a line for each cell, so that a diff shows changes."""
        parts = self._parts()
        return (
            ",\n".join(['{\n "version": 3', *(f" {json.dumps(name)}: {_text(part)}" for name, part in parts.items())]) + "\n}\n"
        )

    def with_parts_of(self, other: Document) -> Document:
        """This document, with its parts replaced by those of another one."""
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
        BenchError: The file cannot be read, or has another format.
    """
    try:
        return Document.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"{path} cannot be used: {error}\nnext: measure first: make bench") from None
