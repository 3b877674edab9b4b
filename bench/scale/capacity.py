"""docs/scale.md: what ten thousand installations would take, computed from the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bench.document import Document

from .figures import FleetCell, Fleets, Operation, StackCell, Stacks
from .worksheet import Book, Quantity, Source

NAME: Final = "scale.md"
_TEMPLATE: Final = Path(__file__).with_name("capacity.template.md")
_TOPICS: Final = ("size", "requests", "machines", "backend", "tokens", "latency")
_ATLASSIAN, _GITHUB = "https://developer.atlassian.com/platform/forge", "https://docs.github.com/en/actions/reference/limits"


def page(document: Document, json: Path) -> str:
    """The page: a template, the numbers in their tables, and what follows from them.

    Args:
        document: The figures; what was not measured is shown as unknown.
        json: The file of the figures.
    """
    book = reckoned(document)
    tables = {
        **{f"{topic}_sums": book.topic(topic) for topic in _TOPICS},
        "measured": book.sources("measured"),
        "documented": book.sources("documented"),
        "assumed": book.sources("assumed"),
        **{f"{name}_hangs": ", ".join(book.hanging(name)) for name in ("up", "refresh")},
    }
    text = _TEMPLATE.read_text("utf-8")
    return text.format_map(
        {**book.words, **tables, "run": _run(document), "json": json.name, "page": json.with_suffix(".md").name}
    )


def reckoned(document: Document) -> Book:
    """All numbers of the page."""
    book = Book()
    measured = _of_fleets(book, document.fleets) | _of_stacks(book, document.stacks)
    _work(book, measured, _documented(book), _assumed(book))
    return book


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
        "latency": (fleets.latency if fleets else None, "ms", "latency of the benchmark's own API: before each answer", 0),
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
    """What is written down elsewhere: by others, and of this provider."""
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
        "run_time": (35, "days", "time of a whole run there, all its jobs", f"[GitHub]({_GITHUB})", 0),
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
        "at_once": (
            4,
            "",
            "operations at once on an installation",
            "[this provider](guide/authentication.md#many-installations)",
            0,
        ),
        "timeout": (
            120,
            "s",
            "`operationTimeout`, by default: one operation with all its waits",
            "[this provider](../README.md#settings)",
            0,
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
    """All that follows, topic by topic."""
    m, d, a = measured, documented, assumed
    each = a["installations"]
    size = book.worked("all_modules", "size", each * m["modules"], "", "modules")
    book.worked("all_state", "size", each * m["state"] / 1_000_000, "GB", "state of all", 1)

    first = _work_requests(book, m, d, a)
    _work_machines(book, m, a)
    _work_shards(book, m, d, a, first)
    _work_waves(book, m, d, a)
    book.worked("repeated", "machines", each * a["flaky"], "", "installations that a run leaves for the next one")

    _work_backend(book, m, d, a, size)

    book.worked("deliveries", "tokens", each / d["delivery"] / 3600, "tokens/s", "tokens that Forge delivers to the remote", 1)
    book.worked("fetches", "tokens", a["runners"] / m["refresh"], "tokens/s", "tokens that CI fetches during drift, at most", 1)

    answers = m["up_requests"] * m["latency"] / d["at_once"] / m["parallel"] / 1000
    book.worked("answers", "latency", answers, "s", "of a first `up`, for each installation, the wait for answers", 1)


def _work_requests(book: Book, m: _Numbers, d: _Numbers, a: _Numbers) -> Quantity:
    """How many there are and what the API's rate makes of them; returns how long the first `up` of all takes at the sibling's."""
    each, runners = a["installations"], a["runners"]
    first = book.worked("first_requests", "requests", each * m["up_requests"], "", "the first `up` of all")
    longest = _both_rates(book, first, "first", a["rate"], d["sibling"])
    release = book.worked("release_requests", "requests", each * a["changed"], "", "a release")
    _both_rates(book, release, "release", a["rate"], d["sibling"])
    drift = book.worked("drift_requests", "requests", each * m["refresh_requests"], "", "drift of all, once")
    _both_rates(book, drift, "drift", a["rate"], d["sibling"])
    offered = runners * m["up_requests"] / m["up"]
    book.worked(
        "offered", "requests", offered, "requests/s", "what all runners would send in a first `up`, if nobody held them back"
    )
    book.worked("offered_one", "requests", m["up_requests"] / m["up"], "requests/s", "…one of them alone", 1)
    _work_waits(book, m, d, a)
    return longest


def _work_waits(book: Book, m: _Numbers, d: _Numbers, a: _Numbers) -> None:
    """How long an operation waits for its turn: as long as the API takes for all that are in flight."""
    flying = a["runners"] * m["parallel"] * d["at_once"]
    flying = book.worked("flying", "requests", flying, "", "operations in flight in a first `up`, on all runners")
    book.worked("wait", "requests", flying / a["rate"], "s", "…how long each waits on average, at the assumed rate")
    book.worked("wait_sibling", "requests", flying / d["sibling"] * 60, "s", "…at that of the sibling")
    served = d["sibling"] * d["timeout"] / 60
    served = book.worked("served", "requests", served, "", "operations that the sibling's rate serves in one `operationTimeout`")
    book.worked("served_jobs", "requests", served / m["parallel"] / d["at_once"], "jobs", "…jobs that have so many in flight", 1)
    alone = m["parallel"] * d["at_once"] / d["sibling"] * 60
    book.worked("wait_alone", "requests", alone, "s", "how long each waits with one job at a time, at the sibling's rate", 1)


def _work_machines(book: Book, m: _Numbers, a: _Numbers) -> None:
    """What machines take where the API holds nobody back."""
    each, runners = a["installations"], a["runners"]
    up = book.worked("up_hours", "machines", each * m["up"] / 3600, "h", "machine time: first `up` of all", 1)
    book.worked("up_wall", "machines", up / runners, "h", "…on all runners", 1)
    quiet = book.worked(
        "quiet_hours", "machines", each * m["quiet"] / 3600, "h", "machine time: nothing to do on all, or a preview", 1
    )
    book.worked("quiet_wall", "machines", quiet / runners, "h", "…on all runners", 1)
    nightly = book.worked("drift_machine", "machines", each * m["refresh"] / 3600, "h", "machine time: drift of all, once", 1)
    book.worked("drift_wall", "machines", nightly / runners, "h", "…on all runners", 1)
    book.worked("drift_price", "machines", nightly * a["hour_price"] * 30, "$", "…for a month of nights")
    book.worked("setup_hours", "machines", a["shards"] * a["setup"] / 60, "h", "machine time: the starts of all jobs", 1)


def _work_shards(book: Book, m: _Numbers, d: _Numbers, a: _Numbers, longest: Quantity) -> None:
    """A shard's first `up`: by its machine, at a rate that all jobs share, and at one that it has for itself."""
    runners, rate, sibling = a["runners"], a["rate"], d["sibling"]
    shard = book.worked("shard", "machines", a["installations"] / a["shards"], "", "installations of a shard")
    book.worked("shard_minutes", "machines", shard * m["up"] / 60, "min", "a shard's first `up`, if nobody holds it back", 1)
    asked = book.worked("shard_requests", "machines", shard * m["up_requests"], "", "…its requests")
    shared = asked * runners / rate / 3600
    book.worked("shard_shared", "machines", shared, "h", "…at the assumed rate, shared by all jobs at a time", 1)
    shared = asked * runners / sibling / 60
    shared = book.worked("shard_shared_sibling", "machines", shared, "h", "…at that of the sibling, shared likewise", 1)
    book.worked("shard_jobs", "machines", shared / d["job"], "jobs", "…one after the other, each until its time is over", 1)
    book.worked("shard_alone", "machines", asked / rate / 3600, "h", "…while no other job runs, at the assumed rate", 1)
    alone = book.worked("shard_alone_sibling", "machines", asked / sibling / 60, "h", "…at that of the sibling", 1)
    book.worked("shard_fits", "machines", d["job"] / alone, "jobs", "jobs at a time whose shards end in time, at that rate", 1)
    book.worked("first_days", "machines", longest / 24, "days", "the first `up` of all, at that rate", 1)


def _work_waves(book: Book, m: _Numbers, d: _Numbers, a: _Numbers) -> None:
    """The first `up` of the canary and of the wave."""
    runners, rate, sibling = a["runners"], a["rate"], d["sibling"]
    book.worked("canary_minutes", "machines", a["canary"] * m["up"] / 60, "min", "the canary's first `up`, on one runner", 1)
    asked = a["canary"] * m["up_requests"]
    book.worked("canary_rate", "machines", asked / rate / 60, "min", "…at the assumed rate", 1)
    book.worked("canary_sibling", "machines", asked / sibling, "min", "…at that of the sibling", 1)
    book.worked("wave_minutes", "machines", a["wave"] * m["up"] / 60 / runners, "min", "the wave's, on all runners", 1)
    asked = a["wave"] * m["up_requests"]
    book.worked("wave_rate", "machines", asked / rate / 3600, "h", "…at the assumed rate", 1)
    book.worked("wave_sibling", "machines", asked / sibling / 60, "h", "…at that of the sibling", 1)


def _work_backend(book: Book, m: _Numbers, d: _Numbers, a: _Numbers, size: Quantity) -> None:
    """What a backend of the state takes."""
    each, runners = a["installations"], a["runners"]
    book.worked("traffic", "backend", each * m["written"] / 1000, "GB", "what a bucket would take in a first `up` of all")
    writes = book.worked(
        "writes",
        "backend",
        m["written"] * 2000 / m["state"],
        "",
        "whole states, half full on average, and their backups, in an `up`",
    )
    book.worked(
        "put_rate", "backend", runners * writes / m["up"], "writes/s", "…in each second, of all runners, if nobody held them back"
    )
    book.worked("clients", "backend", runners * m["parallel"], "", "CLIs that work at a time, each with connections of its own")
    book.worked("list_price", "backend", size * d["resource_price"], "$/month", "Pulumi Cloud, at the list price")


def _both_rates(book: Book, requests: Quantity, name: str, rate: Quantity, sibling: Quantity) -> Quantity:
    """How long requests take at the rate that is assumed, and at that of the sibling; returns the latter."""
    book.worked(f"{name}_hours", "requests", requests / rate / 3600, "h", "…at the assumed rate", 1)
    return book.worked(f"{name}_sibling", "requests", requests / sibling / 60, "h", "…at that of the sibling", 1)


def _run(document: Document) -> str:
    parts = {"fleets": document.fleets, "stacks": document.stacks}
    said = [
        f"Of *{name}*: {part.circumstances.sentence(f'{part.modules} modules on each installation')}"
        if part
        else f"Of *{name}*: not measured yet; what hangs on it is shown as `?`."
        for name, part in parts.items()
    ]
    return "\n".join(f"- {line}" for line in said)
