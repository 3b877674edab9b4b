"""What people look at: tables on a terminal, tab-separated lines where the output is piped.

Whatever a server wrote goes through :func:`~pulumi_atlassian_forge.api.text.printable`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.model.content import TRIGGER, Content

VERIFICATION_WAIT_S: Final = 2.0
"""Seconds after which a bar shows how far a command is."""

_LONGEST: Final = 10_000


def console() -> Console:
    """The terminal, or what stands in its place."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows: as a table on a terminal, else one line each, tabs between the cells, so that ``cut`` and ``grep`` work."""
    shown = [[printable(cell, _LONGEST) for cell in row] for row in rows]
    out = console()
    if not out.is_terminal:
        for row in shown:
            typer.echo("\t".join(row))
        return
    made = Table(
        title=Text(printable(title, _LONGEST), style="bold"), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for number, column in enumerate(columns):
        made.add_column(column.upper(), header_style="dim", style="cyan" if number == 0 else "", overflow="fold")
    for row in shown:
        made.add_row(*map(Text, row))
    out.print(made)


def line(*cells: str, style: str = "", indent: int = 0) -> None:
    """Print one line, two spaces between the cells, coloured on a terminal."""
    text = " " * indent + "  ".join(printable(cell, _LONGEST) for cell in cells)
    console().print(Text(text, style=style), soft_wrap=True)


def counted(number: int) -> str:
    """How many modules."""
    return f"{number} module" if number == 1 else f"{number} modules"


def gist(content: Content, longest: int = 100) -> str:
    """What a module does, in few words: a trigger's events and whom they call, the title of anything else."""
    data = content.data
    if content.type == TRIGGER and isinstance(data.get("events"), list):
        events = ", ".join(_event(event) for event in data["events"])
        called = next((f"{kind} {data[kind]}" for kind in ("endpoint", "function") if kind in data), "nothing")
        filtered = ", filtered" if "filter" in data else ""
        return printable(f"{events} → {called}{filtered}", longest)
    title = data.get("title") or data.get("name")
    if isinstance(title, dict):
        title = title.get("value") or title.get("i18n")
    return printable(title if isinstance(title, str) else value(data), longest)


def _event(event: Any) -> str:
    return str(event.get("eventType", event)) if isinstance(event, dict) else str(event)


def value(of: Any, longest: int = 100) -> str:
    """A value as JSON, cut."""
    return printable(json.dumps(of, ensure_ascii=False), longest)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr for what takes longer than :data:`VERIFICATION_WAIT_S`, on a terminal. Yields what counts one more."""
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=total)

    def advance() -> None:
        bar.advance(task)
        if bar.console.is_terminal and not bar.live.is_started and time.monotonic() - began > VERIFICATION_WAIT_S:
            bar.start()

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
