"""Output: progress on stderr, the summary or JSON on stdout."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, Self
from unicodedata import category

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .stack import Job, Result, StackRun

_STYLES: Final = {"done": "green", "failed": "red", "interrupted": "yellow", "not started": "dim"}
_ESCAPES: Final = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?")  # titles, links, colors
_MAX_MESSAGE_CHARACTERS: Final = 2000


def visible(text: str) -> str:
    """The text without terminal escapes, and with a mark for each character that would control a terminal or reorder a line.

    Messages contain text of the program and of servers, and rich passes such characters on.
    """
    return "".join("\ufffd" if _is_control(character) else character for character in _ESCAPES.sub("", text))


def _is_control(character: str) -> bool:
    return category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in "\n\t"


class Event(Enum):
    """A progress event of one stack run, or of the whole fleet."""

    STARTED = auto()
    STEP = auto()
    ENDED = auto()
    SKIPPED = auto()
    INTERRUPTED = auto()


class Display:
    """Progress display: a live screen on a terminal, else a line for each start and end."""

    def __init__(self, total: int) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._total = total
        self._began: dict[StackRun, float] = {}
        self._ended: list[Result] = []
        self._live = Live(console=self._console, get_renderable=self._screen, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, event: Event, run: StackRun) -> None:
        """Show an event of a stack run."""
        result = run.result
        if event is Event.STARTED:
            self._began[run] = time.monotonic()
            if not self._console.is_terminal:
                self._print(f"{result.installation}: started")
        elif event is Event.ENDED:
            del self._began[run]
            self._ended.append(result)
            recovered = ", after recovery from a killed run" if result.recovered else ""
            self._print(f"{result.installation}: {result.status} in {result.seconds} s{recovered}", _STYLES[result.status])

    def interrupted(self, *, again: bool) -> None:
        """Show that the user interrupted the fleet, for the first time or again."""
        first = "interrupted: no other installation is started, running ones finish their operations; repeat to stop at once"
        text = "interrupted again: stopping at once" if again else first
        self._print(text, "yellow")

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(visible(text), style=style), soft_wrap=True)

    def _screen(self) -> Group:
        failed = sum(result.status == "failed" for result in self._ended)
        head = f"{len(self._ended)} of {self._total} ended, {failed} failed, {len(self._began)} running"
        running = Table.grid(padding=(0, 2))
        for run, began in list(self._began.items()):
            running.add_row(run.result.installation, f"{run.steps} resources", f"{time.monotonic() - began:.0f} s")
        return Group(Text(head, style="bold"), running)


def print_summary(results: Sequence[Result], seconds: float) -> None:
    """Print the result of each installation, as a table on a terminal, else as tab-separated lines; then warnings and errors."""
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
            typer.echo("\t".join(row))  # rich would replace the tabs with spaces
    for result in results:
        for warning in result.warnings:
            out.print(Text(visible(f"{result.installation}: warning: {warning[:_MAX_MESSAGE_CHARACTERS]}")), soft_wrap=True)
    failed = [result for result in results if result.error]
    for error in dict.fromkeys(result.error for result in failed):  # an error that several share is printed once
        names = ", ".join(result.installation for result in failed if result.error == error)
        out.print(Text(visible(f"{names}: {str(error)[:_MAX_MESSAGE_CHARACTERS]}"), style="red"), soft_wrap=True)
    counted = {status: sum(r.status == status for r in results) for status in _STYLES}
    out.print(Text(", ".join(f"{n} {s}" for s, n in counted.items() if n) + f" in {seconds:.0f} s"), soft_wrap=True)


def as_json(job: Job, results: Sequence[Result], seconds: float) -> str:
    """The output of ``--json``. ``version`` changes only if a field is removed or changes its meaning."""
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
    )


def _changes(result: Result) -> str:
    return ", ".join(f"{count} {name}" for name, count in result.changes.items()) or "-"
