"""Checks whether an installation keeps the API contract (docs/guide/emulator.md), as far as reading can tell.

Assumptions that need a write (A03 to A08, A16 to A24), another token (A01, A02) or a fault (A25, A26, A28) are not checked.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from pulumi_atlassian_forge.api.body import parse_json
from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse, NotFound, Rejected, Unauthorized, error_from
from pulumi_atlassian_forge.api.operations import follow_pages
from pulumi_atlassian_forge.api.protocol import LiveModule, Page, distinct, is_usable, list_page, parse_module, parse_page, read
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.cli.tables import count_of
from pulumi_atlassian_forge.cli.target import Target
from pulumi_atlassian_forge.lifecycle.messages import LIMIT
from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES

from .result import TRANSIENT, Check, contract_violation, fail, ok, skipped, warn

NAMES: Final = ("list", "count", "keys", "types", "paging", "limit", "read", "unknown key", "versions apart")

_NEARLY_FULL: Final = 90  # modules
_NAMES_SHOWN: Final = 5
_CONCLUSIVE: Final = (InvalidResponse, NotFound, Rejected, Unauthorized)
_HARMLESS: Final = "nothing of the provider depends on it; please report it as an issue"


@dataclass(frozen=True)
class _List:
    """All pages of a list: how it is written, how many pages there are, its raw entries, and its modules, each once."""

    shape: str
    pages: int
    entries: list[dict[str, Any]]
    modules: tuple[LiveModule, ...]


def check_contract(target: Target, first: Response, other: Response | None) -> list[Check]:
    """Check an installation by the first page of its list, and by that under the other version of the API, if it responds."""
    found = [_attempt("limit", _limit, target), _attempt("unknown key", _unknown_key, target)]
    try:
        listed = _all_pages(target, first)
    except TRANSIENT as error:
        return [*found, fail("list", f"it could not be read to its end: {error}", "run the command again later")]
    except ApiError as error:
        return [*found, fail("list", str(error), "the provider cannot work with this list; please report it as an issue")]
    return [
        *found,
        _listed(listed),
        _count(listed),
        _keys(listed),
        _types(listed),
        _attempt("paging", _paging, target, listed),
        _attempt("read", _read, target, listed),
        _versions_apart(listed, other),
    ]


def _attempt(name: str, check: Callable[..., Check], *args: object) -> Check:
    """A check that sends a request; skipped if the outcome of the request tells nothing."""
    try:
        return check(*args)
    except TRANSIENT as error:
        return skipped(name, f"it could not be checked ({error})")


def _ask(target: Target, request: Request) -> Response:
    response = target.connection.ask(request)
    failure = error_from(response)
    if failure is not None:
        raise failure
    return response


def _shape(response: Response) -> tuple[str, str | None]:
    """How a list is written, and the name of its cursor."""
    value = parse_json(response.body)
    if isinstance(value, list):
        is_array = response.body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
        return ("an array" if is_array else "the specification's form: objects with commas between them"), None
    lists = [name for name, inner in value.items() if isinstance(inner, list)]
    if not lists:
        return "the specification's form: one object", None
    cursor = next((name for name in ("nextPageToken", "lastEvaluatedKey") if value.get(name)), None)
    return f"an envelope: `{lists[0]}`" + (f" with the cursor `{cursor}`" if cursor else ""), cursor


def _all_pages(target: Target, first: Response) -> _List:
    """Read all pages as the provider does."""
    entries: list[dict[str, Any]] = []

    def page(cursor: str | None) -> Page:
        response = first if cursor is None else _ask(target, list_page(target.version, cursor))
        parsed = parse_page(response)
        entries.extend(_entries(response))
        return parsed

    shape, _ = _shape(first)
    pages = [*follow_pages(page)]
    return _List(shape, len(pages), entries, distinct(live for one in pages for live in one.modules))


def _entries(response: Response) -> list[dict[str, Any]]:
    value = parse_json(response.body)
    if isinstance(value, dict):
        value = next((inner for inner in value.values() if isinstance(inner, list)), [value])
    return [entry for entry in value if isinstance(entry, dict)]


def _listed(listed: _List) -> Check:
    text = f"{listed.shape}; {count_of(listed.pages, 'page')}"
    unreadable = [f"{live.key or 'an entry without a key'} {live.problem}" for live in listed.modules if live.problem]
    if unreadable:
        step = "correct these with what made them, or delete them: forge-modules orphans"
        return warn("list", f"{text}; unreadable: {_some(unreadable)}", step)
    return ok("list", text)


def _count(listed: _List) -> Check:
    count = len(listed.modules)
    text = f"{count} of {LIMIT} modules"
    if count > LIMIT:
        return contract_violation("count", 7, f"there are {count} modules", "please report it as an issue")
    if count == LIMIT:
        return warn("count", f"{text}: no more can be registered", "delete what nothing needs: forge-modules orphans")
    if count >= _NEARLY_FULL:
        step = "delete what nothing needs (forge-modules orphans); a replacement needs a free slot, too"
        return warn("count", f"{text}: {LIMIT - count} are left", step)
    return ok("count", text)


def _keys(listed: _List) -> Check:
    counts = Counter(str(entry.get("key")) for entry in listed.entries)
    duplicates = [key for key, times in counts.items() if times > 1]
    if duplicates:
        return warn("keys", f"more than once in the list: {_some(duplicates)}", "the provider uses each once; please report it")
    unusable = [live.key for live in listed.modules if live.key and not is_usable(live.key)]
    if unusable:
        return warn("keys", f"not valid in a path: {_some(unusable)}", "delete these as they were registered")
    readable = {live.key for live in listed.modules if not live.problem}
    entries = [entry for entry in listed.entries if entry.get("key") in readable]
    different = [str(entry["key"]) for entry in entries if _data_key(entry) != entry["key"]]
    if different:
        text = f"`data.key` is not the key of {_some(different)}"
        return contract_violation("keys", 3, text, "the provider leaves `data.key` out; report it")
    return ok("keys", "each once, and copied into `data`") if listed.entries else skipped("keys", "there are no modules")


def _data_key(entry: dict[str, Any]) -> Any:
    data = entry.get("data")
    return data.get("key") if isinstance(data, dict) else None


def _types(listed: _List) -> Check:
    counts = Counter(live.content.type for live in listed.modules if live.content.type)
    if not counts:
        return skipped("types", "there are no modules")
    unknown = [name for name in counts if name not in KNOWN_TYPES]
    if unknown:
        step = "none, if they are right: the data of such a type is not checked in preview"
        return warn("types", f"not among the {len(KNOWN_TYPES)} known types: {_some(unknown)}", step)
    return ok("types", ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))


def _paging(target: Target, listed: _List) -> Check:
    """List one module a page, as a list longer than a page needs it."""
    total = len(listed.modules)
    if total < 2:  # noqa: PLR2004 - one module fits on one page
        return skipped("paging", "there are fewer than 2 modules")
    try:
        response = _ask(target, list_page(target.version, limit=1))
        page = parse_page(response)
        shape, cursor = _shape(response)
        if page.cursor is None and len(page.modules) >= total:
            return ok("paging", "the whole list comes at once, whatever the `limit`")
        if page.cursor is None:
            text = f"with limit=1 the list is cut to {len(page.modules)} of {total}, without a cursor"
            step = "the provider requests 100 at a time, the limit of an installation; please report it as an issue"
            return contract_violation("paging", 13 if shape == "an array" else 12, text, step)
        second = parse_page(_ask(target, list_page(target.version, page.cursor, limit=1)))
    except _CONCLUSIVE as error:
        return contract_violation("paging", 12, f"pages of one module cannot be read: {error}", _HARMLESS)
    if {live.key for live in page.modules} & {live.key for live in second.modules}:
        step = "a list of more than one page cannot be read"
        return contract_violation("paging", 12, "the cursor leads to the same page again", step)
    return ok("paging", f"the cursor `{cursor}` leads on")


def _limit(target: Target) -> Check:
    try:
        status: int | None = _ask(target, list_page(target.version, limit=0)).status
    except _CONCLUSIVE as error:
        status = error.status
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return ok("limit", "a list with limit=0 is refused with 422")
    return contract_violation("limit", 14, f"the response to a list with limit=0 is {status}, not 422", _HARMLESS)


def _read(target: Target, listed: _List) -> Check:
    live = next((live for live in listed.modules if is_usable(live.key) and not live.problem), None)
    if live is None:
        return skipped("read", "there are no modules")
    key = printable(live.key, 80)
    try:
        found = parse_module(_ask(target, read(target.version, live.key)), live.key)
    except _CONCLUSIVE as error:
        step = "the provider reads modules by their key, too: run the command again, and report it if it stays"
        return fail("read", f"the listed module {key} cannot be read by its key: {error}", step)
    if found != live:
        return contract_violation("read", 9, f"{key} reads otherwise than it is listed", "run the command again")
    return ok("read", "a module reads as it is listed")


def _unknown_key(target: Target) -> Check:
    """For the provider 404, and nothing else, means that a module does not exist."""
    name = "unknown key"
    response = target.connection.ask(read(target.version, f"forge-modules-doctor-{secrets.token_hex(8)}"))
    failure = error_from(response)
    if isinstance(failure, TRANSIENT):
        raise failure
    if not isinstance(failure, NotFound):
        outcome = f"HTTP {response.status}" if failure is None else str(failure)
        step = "the provider could not detect a missing module; check that baseUrl is the API itself"
        return fail(name, f"404 is documented (API assumption A10), the response is {outcome}", step)
    try:
        value = parse_json(response.body)
    except InvalidResponse:
        value = None
    if not isinstance(value, dict) or "message" not in value:
        step = "if a proxy or a gateway writes it, check that it lets the API's own responses through"
        return contract_violation(name, 10, "the body of the 404 is no JSON with a `message`", step)
    form = "`message`" if "code" not in value else "`type`, `code` and `message`, as sibling APIs have it"  # A30
    return ok(name, f"404 with {form}")


def _versions_apart(listed: _List, other: Response | None) -> Check:
    name = "versions apart"
    if other is None:
        return skipped(name, "only one version of the API responds")
    try:
        keys = {live.key for live in parse_page(other).modules}
    except ApiError as error:
        return skipped(name, f"the other version's list cannot be read ({error})")
    shared = sorted(keys & {live.key for live in listed.modules})
    if shared:
        step = "leave apiVersion as it is: another one would register the modules a second time"
        return contract_violation(name, 29, f"under both versions: {_some(shared)}", step)
    return ok(name, f"the other version has {count_of(len(keys))} of its own")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(printable(name, 80) for name in names[:_NAMES_SHOWN]) + more
