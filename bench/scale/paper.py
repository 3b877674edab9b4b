"""docs/scale.md: what ten thousand installations would take, computed from the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bench.document import Document

from .arithmetic import Book, Quantity, Source
from .figures import FleetCell, Fleets, Operation, StackCell, Stacks

NAME: Final = "scale.md"
_TEMPLATE: Final = Path(__file__).with_name("paper.md")
_TOPICS: Final = ("size", "requests", "machines", "backend", "tokens")
_ATLASSIAN, _GITHUB = "https://developer.atlassian.com/platform/forge", "https://docs.github.com/en/actions/reference/limits"


def page(document: Document, json: Path) -> str:
    """The page: a template, the numbers in their tables, and what follows from them.

    Args:
        document: The figures; what was not measured is shown as unknown.
        json: The file of the figures.
    """
    book = Book()
    measured = _of_fleets(book, document.fleets) | _of_stacks(book, document.stacks)
    _work(book, measured, _documented(book), _assumed(book))
    tables = {
        **{f"{topic}_sums": book.topic(topic) for topic in _TOPICS},
        "measured": book.sources("measured"),
        "documented": book.sources("documented"),
        "assumed": book.sources("assumed"),
    }
    text = _TEMPLATE.read_text("utf-8")
    return text.format_map(
        {**book.words, **tables, "run": _run(document), "json": json.name, "page": json.with_suffix(".md").name}
    )


_Numbers = dict[str, Quantity]
_Row = tuple[float | None, str, str, str, int]  # the number, its unit, what it is, where it is from, digits after the point


def _of_fleets(book: Book, fleets: Fleets | None) -> _Numbers:
    """What the largest fleet took."""

    def of(operation: Operation, figure: Callable[[FleetCell], float]) -> float | None:
        cell = fleets.cell(max(fleets.sizes), operation) if fleets else None
        return figure(cell) if cell else None

    rows: dict[str, tuple[float | None, str, str, int]] = {
        "modules": (fleets.modules if fleets else None, "", "modules on each installation", 0),
        "cores": (fleets.circumstances.cores if fleets else None, "", "processors of the machine", 0),
        "parallel": (fleets.parallel if fleets else None, "", "installations of a fleet that run at a time", 0),
        "up": (of("up", lambda cell: cell.each), "s", "first `up`, for each installation of the largest fleet", 2),
        "quiet": (of("nothing to do", lambda cell: cell.each), "s", "`up` with nothing to do, likewise", 2),
        "refresh": (of("refresh", lambda cell: cell.each), "s", "`refresh`, likewise", 2),
        "memory": (of("up", lambda cell: cell.memory), "MB", "memory of the whole fleet command, at its peak", 0),
        "up_requests": (of("up", _requests), "", "requests of the first `up`, of an installation", 0),
        "refresh_requests": (of("refresh", _requests), "", "requests of a `refresh`, of an installation", 0),
    }
    return _entered(book, "measured", {name: (*row[:3], "fleets", row[3]) for name, row in rows.items()})


def _of_stacks(book: Book, stacks: Stacks | None) -> _Numbers:
    """What the smallest and the largest stack took."""

    def of(size: Callable[[list[int]], int], figure: Callable[[StackCell], float | None]) -> float | None:
        cell = stacks.cell(size(stacks.sizes), "up") if stacks else None
        return figure(cell) if cell else None

    rows: dict[str, tuple[float | None, str, str, int]] = {
        "state": (of(min, lambda cell: cell.state / 1000 / cell.installations), "kB", "state of one installation", 0),
        "written": (of(min, lambda cell: cell.written / cell.installations), "MB", "what the engine writes in its first `up`", 1),
        "joined": (of(max, lambda cell: cell.installations), "", "installations on the largest stack", 0),
        "joined_written": (
            of(max, stacks.written_beside_single) if stacks else None,
            "×",
            "what the engine writes there for each module, beside the smallest stack",
            1,
        ),
        "joined_up": (
            of(max, stacks.beside_single) if stacks else None,
            "×",
            "`up` of it, beside as many stacks of their own, one after the other",
            2,
        ),
    }
    return _entered(book, "measured", {name: (*row[:3], "stacks", row[3]) for name, row in rows.items()})


def _requests(cell: FleetCell) -> float:
    return cell.requests / cell.installations


def _documented(book: Book) -> _Numbers:
    """What others have written down."""
    rows: dict[str, _Row] = {
        "limit": (100, "", "dynamic modules of an installation", f"[Atlassian]({_ATLASSIAN}/apis-reference/dynamic-modules/)", 0),
        "sibling": (
            50,
            "requests/min",
            "what a *sibling* API, Installation Details, takes from an app",
            f"[Atlassian]({_ATLASSIAN}/apis-reference/installation-details-api/)",
            0,
        ),
        "token_life": (4, "h", "life of a system token", f"[Atlassian]({_ATLASSIAN}/remote/calling-product-apis/)", 0),
        "delivery": (
            1,
            "h",
            "between two deliveries of a token, by an hourly scheduled trigger",
            f"[Atlassian]({_ATLASSIAN}/manifest-reference/modules/scheduled-trigger/)",
            0,
        ),
        "matrix": (256, "jobs", "jobs of a matrix on GitHub", f"[GitHub]({_GITHUB})", 0),
        "job": (6, "h", "time of a job there", f"[GitHub]({_GITHUB})", 0),
        "puts": (
            3500,
            "writes/s",
            "writes of S3, for each prefix",
            "[AWS](https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html)",
            0,
        ),
        "connections": (
            100,
            "",
            "connections of PostgreSQL, by default",
            "[PostgreSQL](https://www.postgresql.org/docs/current/runtime-config-connection.html)",
            0,
        ),
        "resource_price": (
            0.1825,
            "$/month",
            "list price of a resource on Pulumi Cloud (Essentials)",
            "[Pulumi](https://www.pulumi.com/pricing/)",
            4,
        ),
    }
    return _entered(book, "documented", rows)


def _assumed(book: Book) -> _Numbers:
    """What has to be put in your own numbers' place."""
    rows: dict[str, _Row] = {
        "installations": (10_000, "", "installations", "the question", 0),
        "rate": (10, "requests/s", "what the API takes from one app", "Atlassian publishes no figure for this API", 0),
        "changed": (2, "", "modules that a release changes on each installation", "most releases touch few of them", 0),
        "runners": (20, "", "CI jobs at a time, each on a machine like the one that measured", "a middling plan", 0),
        "shards": (100, "", "jobs that the fleet is cut into", "small enough to be repeated, and below the limit of a matrix", 0),
        "setup": (1, "min", "a job's start: checkout, cache, login", "with the cache of `examples/ci`", 0),
        "canary": (20, "", "installations that go first: your own and friendly ones", "enough to see each kind of site", 0),
        "wave": (500, "", "installations of the wave after them", "a twentieth: what you could repair in a day", 0),
        "flaky": (
            0.5,
            "%",
            "installations that fail a run for reasons of their own",
            "sites that move, are suspended, lost consent",
            1,
        ),
        "hour_price": (0.5, "$", "an hour of a runner", "about what a hosted one of two processors costs", 2),
    }
    return _entered(book, "assumed", rows)


def _entered(book: Book, source: Source, rows: Mapping[str, _Row]) -> _Numbers:
    return {
        name: book.given(name, source, value, unit, what, why, digits) for name, (value, unit, what, why, digits) in rows.items()
    }


def _work(book: Book, measured: _Numbers, documented: _Numbers, assumed: _Numbers) -> None:
    """All that follows."""
    m, d, a = measured, documented, assumed
    each, runners = a["installations"], a["runners"]

    size = book.worked("all_modules", "size", each * m["modules"], "", "modules")
    book.worked("all_state", "size", each * m["state"] / 1_000_000, "GB", "state of all", 1)

    first = book.worked("first_requests", "requests", each * m["up_requests"], "", "the first `up` of all")
    _both_rates(book, first, "first", a["rate"], d["sibling"])
    release = book.worked("release_requests", "requests", each * a["changed"], "", "a release")
    _both_rates(book, release, "release", a["rate"], d["sibling"])
    drift = book.worked("drift_requests", "requests", each * m["refresh_requests"], "", "drift of all, once")
    _both_rates(book, drift, "drift", a["rate"], d["sibling"])
    offered = runners * m["up_requests"] / m["up"]
    book.worked(
        "offered", "requests", offered, "requests/s", "what all runners would send in a first `up`, if nobody held them back"
    )

    up = book.worked("up_hours", "machines", each * m["up"] / 3600, "h", "machine time: first `up` of all", 1)
    book.worked("up_wall", "machines", up / runners, "h", "…on all runners", 1)
    quiet = book.worked(
        "quiet_hours", "machines", each * m["quiet"] / 3600, "h", "machine time: nothing to do on all, or a preview", 1
    )
    book.worked("quiet_wall", "machines", quiet / runners, "h", "…on all runners", 1)
    nightly = book.worked("drift_machine", "machines", each * m["refresh"] / 3600, "h", "machine time: drift of all, once", 1)
    book.worked("drift_wall", "machines", nightly / runners, "h", "…on all runners", 1)
    book.worked("drift_price", "machines", nightly * a["hour_price"] * 30, "$", "…for a month of nights")
    shard = book.worked("shard", "machines", each / a["shards"], "", "installations of a shard")
    book.worked("shard_minutes", "machines", shard * m["up"] / 60, "min", "a shard's first `up`", 1)
    book.worked("setup_hours", "machines", a["shards"] * a["setup"] / 60, "h", "machine time: the starts of all jobs", 1)
    book.worked("canary_minutes", "machines", a["canary"] * m["up"] / 60, "min", "the canary's first `up`, on one runner", 1)
    book.worked("wave_minutes", "machines", a["wave"] * m["up"] / 60 / runners, "min", "the wave's, on all runners", 1)
    book.worked("repeated", "machines", each * a["flaky"] / 100, "", "installations that a run leaves for the next one")

    book.worked("traffic", "backend", each * m["written"] / 1000, "GB", "what a bucket would take in a first `up` of all")
    writes = book.worked(
        "writes",
        "backend",
        m["written"] * 2000 / m["state"],
        "",
        "whole states, half full on average, and their backups, in an `up`",
    )
    book.worked("put_rate", "backend", runners * writes / m["up"], "writes/s", "…in each second, of all runners")
    book.worked("clients", "backend", runners * m["parallel"], "", "CLIs that work at a time, each with connections of its own")
    book.worked("list_price", "backend", size * d["resource_price"], "$/month", "Pulumi Cloud, at the list price")

    book.worked("deliveries", "tokens", each / d["delivery"] / 3600, "tokens/s", "tokens that Forge delivers to the remote", 1)
    book.worked("fetches", "tokens", runners / m["refresh"], "tokens/s", "tokens that CI fetches during drift", 1)


def _both_rates(book: Book, requests: Quantity, name: str, rate: Quantity, sibling: Quantity) -> None:
    """How long requests take at the rate that is assumed, and at that of the sibling."""
    book.worked(f"{name}_hours", "requests", requests / rate / 3600, "h", "…at the assumed rate", 1)
    book.worked(f"{name}_sibling", "requests", requests / sibling / 60, "h", "…at that of the sibling", 1)


def _run(document: Document) -> str:
    parts = {"fleets": document.fleets, "stacks": document.stacks}
    said = [
        f"Of *{name}*: {part.circumstances.sentence(f'{part.modules} modules on each installation')}"
        if part
        else f"Of *{name}*: not measured yet; what hangs on it is shown as `?`."
        for name, part in parts.items()
    ]
    return "\n".join(f"- {line}" for line in said)
