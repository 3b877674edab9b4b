"""Progress on stderr, one screen for all; the summary, or JSON, on stdout."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, Self

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .stack import Job, Member, Result

_STYLES: Final = {"done": "green", "failed": "red", "interrupted": "yellow", "not started": "dim"}
_LONGEST: Final = 2000  # characters of one message that are shown


class News(Enum):
    """What can happen to a member, or to the whole fleet."""

    STARTED = auto()
    STEP = auto()
    ENDED = auto()
    LEFT_OUT = auto()
    INTERRUPTED = auto()


class Display:
    """How far the fleet is: a screen that is redrawn on a terminal, else a line for each that starts or ends."""

    def __init__(self, total: int) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._total = total
        self._began: dict[Member, float] = {}
        self._ended: list[Result] = []
        self._live = Live(console=self._console, get_renderable=self._screen, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, news: News, member: Member) -> None:
        """Something happened to a member."""
        result = member.result
        if news is News.STARTED:
            self._began[member] = time.monotonic()
            if not self._console.is_terminal:
                self._say(f"{result.installation}: started")
        elif news is News.ENDED:
            del self._began[member]
            self._ended.append(result)
            recovered = ", after a run that was killed" if result.recovered else ""
            self._say(f"{result.installation}: {result.status} in {result.seconds} s{recovered}", _STYLES[result.status])

    def interrupted(self, *, again: bool) -> None:
        """Ctrl-C, for the first time or again."""
        text = "dropping what runs" if again else "interrupted: no other is started, what runs ends in order; again to drop it"
        self._say(text, "yellow")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)

    def _screen(self) -> Group:
        failed = sum(result.status == "failed" for result in self._ended)
        head = f"{len(self._ended)} of {self._total} ended, {failed} failed, {len(self._began)} running"
        running = Table.grid(padding=(0, 2))
        for member, began in list(self._began.items()):
            running.add_row(member.result.installation, f"{member.steps} resources", f"{time.monotonic() - began:.0f} s")
        return Group(Text(head, style="bold"), running)


def summarise(results: Sequence[Result], seconds: float) -> None:
    """Print what came of each: a table on a terminal, else lines with tabs between the cells; then why some failed."""
    out = Console(highlight=False)
    rows = [(r.installation, r.status, _changes(r), f"{r.seconds} s") for r in results]
    if out.is_terminal:
        columns = ("INSTALLATION", "STATUS", "RESOURCES", "TIME")
        table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for row in rows:
            table.add_row(Text(row[0]), Text(row[1], style=_STYLES[row[1]]), *map(Text, row[2:]))
        out.print(table)
    else:
        for row in rows:
            typer.echo("\t".join(row))  # rich would make spaces of the tabs
    for result in results:
        for warning in result.warnings:
            out.print(Text(f"{result.installation}: warning: {warning[:_LONGEST]}"), soft_wrap=True)
    failed = [result for result in results if result.error]
    for error in dict.fromkeys(result.error for result in failed):  # once, as where their file cannot be used
        names = ", ".join(result.installation for result in failed if result.error == error)
        out.print(Text(f"{names}: {str(error)[:_LONGEST]}", style="red"), soft_wrap=True)
    counted = {status: sum(r.status == status for r in results) for status in _STYLES}
    out.print(Text(", ".join(f"{n} {s}" for s, n in counted.items() if n) + f" in {seconds:.0f} s"), soft_wrap=True)


def as_json(job: Job, results: Sequence[Result], seconds: float) -> str:
    """The form of ``--json``. ``version`` is 1 until a field loses its meaning; fields may be added."""
    return json.dumps(
        {
            "version": 1,
            "command": job.operation,
            "preview": job.preview,
            "seconds": round(seconds, 1),
            "installations": [
                {
                    "installation": result.installation,
                    "status": result.status,
                    "changes": result.changes,
                    "seconds": result.seconds,
                    "recovered": result.recovered,
                    "warnings": result.warnings,
                    "error": result.error,
                }
                for result in results
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _changes(result: Result) -> str:
    return ", ".join(f"{count} {name}" for name, count in result.changes.items()) or "-"
