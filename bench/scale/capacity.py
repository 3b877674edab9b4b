"""docs/scale.md: a capacity estimate for ten thousand installations, computed from the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bench.document import Document

from .figures import FleetCell, Fleets, Operation, StackCell, Stacks
from .worksheet import Quantity, Source, Worksheet

NAME: Final = "scale.md"
_TEMPLATE: Final = Path(__file__).with_name("capacity.template.md")
_TOPICS: Final = ("size", "requests", "machines", "backend", "tokens", "latency")
_ATLASSIAN, _GITHUB = "https://developer.atlassian.com/platform/forge", "https://docs.github.com/en/actions/reference/limits"


def page(document: Document, json: Path) -> str:
    """The page: the template, filled with numbers and tables.

    Args:
        document: The figures. Numbers that were not measured are shown as unknown.
        json: The file of the figures.
    """
    sheet = estimate(document)
    tables = {
        **{f"{topic}_sums": sheet.topic(topic) for topic in _TOPICS},
        "measured": sheet.sources("measured"),
        "documented": sheet.sources("documented"),
        "assumed": sheet.sources("assumed"),
        **{f"{name}_dependents": ", ".join(sheet.dependents(name)) for name in ("up", "refresh")},
    }
    text = _TEMPLATE.read_text("utf-8")
    return text.format_map(
        {**sheet.words, **tables, "run": _run(document), "json": json.name, "page": json.with_suffix(".md").name}
    )


def estimate(document: Document) -> Worksheet:
    """All numbers of the page."""
    sheet = Worksheet()
    measured = _of_fleets(sheet, document.fleets) | _of_stacks(sheet, document.stacks)
    _work(sheet, measured, _documented(sheet), _assumed(sheet))
    return sheet


_Numbers = dict[str, Quantity]
_Row = tuple[float | None, str, str, str, int]  # number, unit, description, source, decimal places


def _of_fleets(sheet: Worksheet, fleets: Fleets | None) -> _Numbers:
    """The numbers of the largest fleet."""

    def of(operation: Operation, figure: Callable[[FleetCell], float]) -> float | None:
        cell = fleets.cell(max(fleets.sizes), operation) if fleets else None
        return figure(cell) if cell else None

    rows: dict[str, tuple[float | None, str, str, int]] = {
        "modules": (fleets.modules if fleets else None, "", "modules on each installation", 0),
        "cores": (fleets.environment.cores if fleets else None, "", "processors of the machine", 0),
        "parallel": (fleets.parallel if fleets else None, "", "installations of a fleet that run at a time", 0),
        "up": (of("up", lambda cell: cell.each), "s", "first `up`, for each installation of the largest fleet", 2),
        "quiet": (of("nothing to do", lambda cell: cell.each), "s", "`up` with nothing to do, for each installation", 2),
        "refresh": (of("refresh", lambda cell: cell.each), "s", "`refresh`, for each installation", 2),
        "memory": (of("up", lambda cell: cell.memory), "MB", "peak memory of the fleet command", 0),
        "up_requests": (of("up", _requests), "", "requests of the first `up` of one installation", 0),
        "refresh_requests": (of("refresh", _requests), "", "requests of a `refresh` of one installation", 0),
        "latency": (fleets.latency if fleets else None, "ms", "latency of the test server before each response", 0),
    }
    return _add(sheet, "measured", {name: (*row[:3], "fleets", row[3]) for name, row in rows.items()})


def _of_stacks(sheet: Worksheet, stacks: Stacks | None) -> _Numbers:
    """The numbers of the smallest and the largest stack."""

    def of(size: Callable[[list[int]], int], figure: Callable[[StackCell], float | None]) -> float | None:
        cell = stacks.cell(size(stacks.sizes), "up") if stacks else None
        return figure(cell) if cell else None

    rows: dict[str, tuple[float | None, str, str, int]] = {
        "state": (of(min, lambda cell: cell.state / 1000 / cell.installations), "kB", "state of one installation", 0),
        "written": (
            of(min, lambda cell: cell.written / cell.installations),
            "MB",
            "bytes that the engine writes in its first `up`",
            1,
        ),
        "joined": (of(max, lambda cell: cell.installations), "", "installations on the largest stack", 0),
        "joined_written": (
            of(max, stacks.written_relative_to_single) if stacks else None,
            "×",
            "bytes that the engine writes there for each module, relative to the smallest stack",
            1,
        ),
        "joined_up": (
            of(max, stacks.relative_to_single) if stacks else None,
            "×",
            "its `up`, relative to as many sequential stacks of one installation",
            2,
        ),
    }
    return _add(sheet, "measured", {name: (*row[:3], "stacks", row[3]) for name, row in rows.items()})


def _requests(cell: FleetCell) -> float:
    return cell.requests / cell.installations


def _documented(sheet: Worksheet) -> _Numbers:
    """Documented numbers, of others and of this provider."""
    rows: dict[str, _Row] = {
        "limit": (
            100,
            "",
            "limit of dynamic modules of an installation",
            f"[Atlassian]({_ATLASSIAN}/apis-reference/dynamic-modules/)",
            0,
        ),
        "related": (
            50,
            "requests/min",
            "rate limit of a *related* API, Installation Details, for one app",
            f"[Atlassian]({_ATLASSIAN}/apis-reference/installation-details-api/)",
            0,
        ),
        "token_life": (4, "h", "lifetime of a system token", f"[Atlassian]({_ATLASSIAN}/remote/calling-product-apis/)", 0),
        "delivery": (
            1,
            "h",
            "interval of token deliveries by an hourly scheduled trigger",
            f"[Atlassian]({_ATLASSIAN}/manifest-reference/modules/scheduled-trigger/)",
            0,
        ),
        "matrix": (256, "jobs", "maximum of jobs of a matrix on GitHub", f"[GitHub]({_GITHUB})", 0),
        "job": (6, "h", "time limit of a job on GitHub", f"[GitHub]({_GITHUB})", 0),
        "run_time": (35, "days", "time limit of a workflow run on GitHub, with all its jobs", f"[GitHub]({_GITHUB})", 0),
        "puts": (
            3500,
            "writes/s",
            "write rate of S3 for each prefix",
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
            "concurrent operations on one installation",
            "[this provider](guide/authentication.md#many-installations)",
            0,
        ),
        "timeout": (
            120,
            "s",
            "default of `operationTimeout`: one operation with all its waits",
            "[this provider](../README.md#settings)",
            0,
        ),
    }
    return _add(sheet, "documented", rows)


def _assumed(sheet: Worksheet) -> _Numbers:
    """Assumed numbers, to be replaced by the reader's own."""
    rows: dict[str, _Row] = {
        "installations": (10_000, "", "installations", "the size of this estimate", 0),
        "rate": (10, "requests/s", "rate limit of the API for one app", "Atlassian publishes no figure for this API", 0),
        "changed": (2, "", "modules that a release changes on each installation", "most releases touch few of them", 0),
        "runners": (
            20,
            "",
            "CI jobs at a time, each on a machine like the one that measured",
            "a medium plan of a CI service",
            0,
        ),
        "shards": (
            100,
            "",
            "CI jobs into which the fleet is divided",
            "small enough to run again, and below the limit of a matrix",
            0,
        ),
        "setup": (1, "min", "start of a job: checkout, cache, login", "with the cache of `examples/ci`", 0),
        "canary": (
            20,
            "",
            "installations that go first: your own and friendly ones",
            "enough to see each kind of installation",
            0,
        ),
        "wave": (500, "", "installations of the wave after them", "a twentieth, which can be repaired in a day", 0),
        "flaky": (
            0.5,
            "%",
            "installations that fail in each run for reasons of their own",
            "installations that move, are suspended, lost consent",
            1,
        ),
        "hour_price": (0.5, "$", "price of a runner for an hour", "about that of a hosted runner with two processors", 2),
    }
    return _add(sheet, "assumed", rows)


def _add(sheet: Worksheet, source: Source, rows: Mapping[str, _Row]) -> _Numbers:
    return {
        name: sheet.add_input(name, source, value, unit, what, why, digits)
        for name, (value, unit, what, why, digits) in rows.items()
    }


def _work(sheet: Worksheet, measured: _Numbers, documented: _Numbers, assumed: _Numbers) -> None:
    """All results, topic by topic."""
    m, d, a = measured, documented, assumed
    each = a["installations"]
    size = sheet.add_result("all_modules", "size", each * m["modules"], "", "modules")
    sheet.add_result("all_state", "size", each * m["state"] / 1_000_000, "GB", "state of all", 1)

    first = _work_requests(sheet, m, d, a)
    _work_machines(sheet, m, a)
    _work_shards(sheet, m, d, a, first)
    _work_waves(sheet, m, d, a)
    sheet.add_result(
        "repeated", "machines", each * a["flaky"], "", "installations that fail in a run and remain for the next one"
    )

    _work_backend(sheet, m, d, a, size)

    sheet.add_result(
        "deliveries", "tokens", each / d["delivery"] / 3600, "tokens/s", "tokens that Forge delivers to the remote", 1
    )
    sheet.add_result(
        "fetches", "tokens", a["runners"] / m["refresh"], "tokens/s", "tokens that CI fetches during a drift check, at most", 1
    )

    responses = m["up_requests"] * m["latency"] / d["at_once"] / m["parallel"] / 1000
    sheet.add_result("responses", "latency", responses, "s", "waiting for responses in a first `up`, for each installation", 1)


def _work_requests(sheet: Worksheet, m: _Numbers, d: _Numbers, a: _Numbers) -> Quantity:
    """The requests and their duration at the two rates; returns the hours of the first `up` of all at the related API's rate."""
    each, runners = a["installations"], a["runners"]
    first = sheet.add_result("first_requests", "requests", each * m["up_requests"], "", "the first `up` of all")
    longest = _both_rates(sheet, first, "first", a["rate"], d["related"])
    release = sheet.add_result("release_requests", "requests", each * a["changed"], "", "a release")
    _both_rates(sheet, release, "release", a["rate"], d["related"])
    drift = sheet.add_result("drift_requests", "requests", each * m["refresh_requests"], "", "one drift check of all")
    _both_rates(sheet, drift, "drift", a["rate"], d["related"])
    offered = runners * m["up_requests"] / m["up"]
    sheet.add_result("offered", "requests", offered, "requests/s", "rate of all runners in a first `up` without a rate limit")
    sheet.add_result("offered_one", "requests", m["up_requests"] / m["up"], "requests/s", "…of one runner", 1)
    _work_waits(sheet, m, d, a)
    return longest


def _work_waits(sheet: Worksheet, m: _Numbers, d: _Numbers, a: _Numbers) -> None:
    """How long an operation waits: as long as the API needs for all operations in flight."""
    flying = a["runners"] * m["parallel"] * d["at_once"]
    flying = sheet.add_result("flying", "requests", flying, "", "operations in flight in a first `up`, on all runners")
    sheet.add_result("wait", "requests", flying / a["rate"], "s", "…average wait of each at the assumed rate")
    sheet.add_result("wait_related", "requests", flying / d["related"] * 60, "s", "…at the related API's rate")
    served = d["related"] * d["timeout"] / 60
    served = sheet.add_result(
        "served", "requests", served, "", "operations within one `operationTimeout` at the related API's rate"
    )
    sheet.add_result(
        "served_jobs", "requests", served / m["parallel"] / d["at_once"], "jobs", "…number of jobs with so many in flight", 1
    )
    alone = m["parallel"] * d["at_once"] / d["related"] * 60
    sheet.add_result("wait_alone", "requests", alone, "s", "wait of each with one job at a time, at the related API's rate", 1)


def _work_machines(sheet: Worksheet, m: _Numbers, a: _Numbers) -> None:
    """Machine time without a rate limit."""
    each, runners = a["installations"], a["runners"]
    up = sheet.add_result("up_hours", "machines", each * m["up"] / 3600, "h", "machine time: first `up` of all", 1)
    sheet.add_result("up_wall", "machines", up / runners, "h", "…on all runners", 1)
    quiet = sheet.add_result(
        "quiet_hours", "machines", each * m["quiet"] / 3600, "h", "machine time: nothing to do on all, or a preview", 1
    )
    sheet.add_result("quiet_wall", "machines", quiet / runners, "h", "…on all runners", 1)
    nightly = sheet.add_result(
        "drift_machine", "machines", each * m["refresh"] / 3600, "h", "machine time: one drift check of all", 1
    )
    sheet.add_result("drift_wall", "machines", nightly / runners, "h", "…on all runners", 1)
    sheet.add_result("drift_price", "machines", nightly * a["hour_price"] * 30, "$", "…for a month of nights")
    sheet.add_result("setup_hours", "machines", a["shards"] * a["setup"] / 60, "h", "machine time: start of all jobs", 1)


def _work_shards(sheet: Worksheet, m: _Numbers, d: _Numbers, a: _Numbers, longest: Quantity) -> None:
    """A shard's first `up`: machine time, at a rate shared by all jobs, and at a rate of its own."""
    runners, rate, related = a["runners"], a["rate"], d["related"]
    shard = sheet.add_result("shard", "machines", a["installations"] / a["shards"], "", "installations of a shard")
    sheet.add_result("shard_minutes", "machines", shard * m["up"] / 60, "min", "a shard's first `up` without a rate limit", 1)
    asked = sheet.add_result("shard_requests", "machines", shard * m["up_requests"], "", "…its requests")
    shared = asked * runners / rate / 3600
    sheet.add_result("shard_shared", "machines", shared, "h", "…at the assumed rate, shared by all concurrent jobs", 1)
    shared = asked * runners / related / 60
    shared = sheet.add_result(
        "shard_shared_related", "machines", shared, "h", "…at the related API's rate, shared by all concurrent jobs", 1
    )
    sheet.add_result("shard_jobs", "machines", shared / d["job"], "jobs", "…as sequential jobs, each until its time limit", 1)
    sheet.add_result("shard_alone", "machines", asked / rate / 3600, "h", "…without other jobs, at the assumed rate", 1)
    alone = sheet.add_result("shard_alone_related", "machines", asked / related / 60, "h", "…at the related API's rate", 1)
    sheet.add_result(
        "shard_fits", "machines", d["job"] / alone, "jobs", "concurrent jobs that end within the time limit, at that rate", 1
    )
    sheet.add_result("first_days", "machines", longest / 24, "days", "the first `up` of all, at that rate", 1)


def _work_waves(sheet: Worksheet, m: _Numbers, d: _Numbers, a: _Numbers) -> None:
    """The first `up` of the canary and of the wave."""
    runners, rate, related = a["runners"], a["rate"], d["related"]
    sheet.add_result("canary_minutes", "machines", a["canary"] * m["up"] / 60, "min", "the canary's first `up`, on one runner", 1)
    asked = a["canary"] * m["up_requests"]
    sheet.add_result("canary_rate", "machines", asked / rate / 60, "min", "…at the assumed rate", 1)
    sheet.add_result("canary_related", "machines", asked / related, "min", "…at the related API's rate", 1)
    sheet.add_result("wave_minutes", "machines", a["wave"] * m["up"] / 60 / runners, "min", "the wave's, on all runners", 1)
    asked = a["wave"] * m["up_requests"]
    sheet.add_result("wave_rate", "machines", asked / rate / 3600, "h", "…at the assumed rate", 1)
    sheet.add_result("wave_related", "machines", asked / related / 60, "h", "…at the related API's rate", 1)


def _work_backend(sheet: Worksheet, m: _Numbers, d: _Numbers, a: _Numbers, size: Quantity) -> None:
    """The load of the state backend."""
    each, runners = a["installations"], a["runners"]
    sheet.add_result("traffic", "backend", each * m["written"] / 1000, "GB", "upload to a bucket in a first `up` of all")
    writes = sheet.add_result(
        "writes",
        "backend",
        m["written"] * 2000 / m["state"],
        "",
        "state files written in an `up`, half full on average, with backups",
    )
    sheet.add_result("put_rate", "backend", runners * writes / m["up"], "writes/s", "…rate of all runners without a rate limit")
    sheet.add_result("clients", "backend", runners * m["parallel"], "", "concurrent CLIs, each with its own connections")
    sheet.add_result("list_price", "backend", size * d["resource_price"], "$/month", "Pulumi Cloud, at the list price")


def _both_rates(sheet: Worksheet, requests: Quantity, name: str, rate: Quantity, related: Quantity) -> Quantity:
    """The duration of requests at the assumed rate and at the related API's rate; returns the latter."""
    sheet.add_result(f"{name}_hours", "requests", requests / rate / 3600, "h", "…at the assumed rate", 1)
    return sheet.add_result(f"{name}_related", "requests", requests / related / 60, "h", "…at the related API's rate", 1)


def _run(document: Document) -> str:
    parts = {"fleets": document.fleets, "stacks": document.stacks}
    sentences = [
        f"Of *{name}*: {part.environment.sentence(f'{part.modules} modules on each installation')}"
        if part
        else f"Of *{name}*: not measured yet; numbers that depend on it are shown as `?`."
        for name, part in parts.items()
    ]
    return "\n".join(f"- {line}" for line in sentences)
