"""Text output: tables on a terminal, tab-separated lines in a pipe, and progress bars.

Text from a server goes through :func:`~pulumi_atlassian_forge.api.text.printable`.
"""

from __future__ import annotations

import json
import os
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

from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.model.content import TRIGGER, Content

PROGRESS_DELAY_S: Final = 2.0  # before a command shows a progress bar
_CELL_MAX_LENGTH: Final = 10_000


def console() -> Console:
    """Standard output, as a terminal if it is one."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=False)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on a terminal. In a pipe and in CI, print a line for each row with tabs between the cells, for ``cut``."""
    cells = [[printable(cell, _CELL_MAX_LENGTH) for cell in row] for row in rows]
    out = console()
    # CI may give a terminal, too. A table folds its cells, and a part of one could begin a line with a command for its runner.
    if not out.is_terminal or os.environ.get("CI"):
        for row in cells:
            typer.echo("\t".join(row))
        return
    heading = Text(printable(title, _CELL_MAX_LENGTH), style="bold")
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column.upper(), header_style="dim", style="cyan" if number == 0 else "", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    out.print(table)


def print_line(*cells: str, style: str = "", indent: int = 0) -> None:
    """Print one line with two spaces between the cells, colored on a terminal."""
    text = " " * indent + "  ".join(printable(cell, _CELL_MAX_LENGTH) for cell in cells)
    console().print(Text(text, style=style), soft_wrap=True)


def print_step(text: str) -> None:
    """Print what to do next. Foreign text that begins like this is shown in quotes."""
    console().print(Text(f"next: {printable(text, _CELL_MAX_LENGTH)}"), soft_wrap=True)


def count_of(number: int, noun: str = "module") -> str:
    """A number with its noun: ``1 module``, ``2 modules``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def row_of(live: LiveModule) -> tuple[str, str, str]:
    """A module as a row: its key, its type, and what it is in few words."""
    what = f"unreadable: {live.problem}" if live.problem else summary(live.content)
    return live.key or "(no key)", live.content.type or "(no type)", what


def summary(content: Content, max_length: int = 100) -> str:
    """A module in few words: the events of a trigger and what they call, or the title of any other module."""
    data = content.data
    if content.type == TRIGGER and isinstance(data.get("events"), list):
        events = ", ".join(
            str(event.get("eventType", event)) if isinstance(event, dict) else str(event) for event in data["events"]
        )
        called = next((f"{kind} {data[kind]}" for kind in ("endpoint", "function") if kind in data), "nothing")
        return printable(f"{events} → {called}{', filtered' if 'filter' in data else ''}", max_length)
    title = data.get("title") or data.get("name")
    if isinstance(title, dict):
        title = title.get("value") or title.get("i18n")
    return printable(title, max_length) if isinstance(title, str) else value_text(data, max_length)


def value_text(value: Any, max_length: int = 100) -> str:
    """A value as JSON, cut to a length."""
    return printable(json.dumps(value, ensure_ascii=False), max_length)


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error, if that is a terminal and the command is slow. Yields the function that counts one."""
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(description, total=total)

    def advance() -> None:
        bar.advance(task)
        if bar.console.is_terminal and not bar.live.is_started and time.monotonic() - began > PROGRESS_DELAY_S:
            bar.start()

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
