"""Whether an installation keeps the contract (docs/guide/emulator.md), as far as reading can tell.

What only a write would show (rows 3 to 8 and 16 to 24), another token (1, 2) or a fault (25, 26, 28) is not tested.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from pulumi_atlassian_forge.api.body import read_json
from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse, NotFound, Rejected, Unauthorized, error_from
from pulumi_atlassian_forge.api.operations import MAX_PAGES
from pulumi_atlassian_forge.api.protocol import LiveModule, distinct, is_usable, list_page, parse_module, parse_page, read
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.cli.target import Site
from pulumi_atlassian_forge.lifecycle.messages import LIMIT
from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES

from .result import PASSING, Check, broken, fail, ok, skipped, warn

NAMES: Final = ("list", "count", "keys", "types", "paging", "limit", "read", "unknown key", "versions apart")

_NEARLY: Final = 90  # modules from which on the limit is worth a word
_SHOWN: Final = 5
_VERDICTS: Final = (InvalidResponse, NotFound, Rejected, Unauthorized)
_TELL: Final = "nothing of the provider depends on it; please report it as an issue"


@dataclass(frozen=True)
class Listed:
    """All pages of a list.

    Attributes:
        shape: How it is written.
        pages: How many pages there were.
        entries: The entries as they came.
        modules: The modules, each once.
    """

    shape: str
    pages: int
    entries: list[dict[str, Any]]
    modules: tuple[LiveModule, ...]


def checks(here: Site, first: Response, other: Response | None) -> list[Check]:
    """Look at what an installation that answers has.

    Args:
        here: The installation.
        first: The first page of its list.
        other: The first page under the other version of the API, where that answers.
    """
    found = [_asked("limit", _limit, here), _asked("unknown key", _unknown_key, here)]
    try:
        listed = _listed(here, first)
    except PASSING as error:
        return [*found, fail("list", f"it could not be read to its end: {error}", "run the command again later")]
    except ApiError as error:
        step = "the provider cannot work with this list; please report it as an issue"
        return [*found, fail("list", str(error), step)]
    return [
        *found,
        ok("list", f"{listed.shape}; {_many(listed.pages, 'page')}"),
        *(judge(listed) for judge in (_count, _keys, _types)),
        _asked("paging", _paging, here, listed),
        _asked("read", _read, here, listed),
        _apart(listed, other),
    ]


def _asked(name: str, look: Callable[..., Check], *args: object) -> Check:
    """What a look at the installation shows; a request that has to be made again shows nothing."""
    try:
        return look(*args)
    except PASSING as error:
        return skipped(name, f"it could not be asked ({error})")


def shape(response: Response) -> tuple[str, str | None]:
    """How a list is written, and the name of its cursor."""
    value = read_json(response.body)
    if isinstance(value, list):
        is_array = response.body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
        return ("an array" if is_array else "the specification's form: objects with commas between them"), None
    if not any(isinstance(inner, list) for inner in value.values()):
        return "the specification's form: one object", None
    names = [name for name, inner in value.items() if isinstance(inner, list)]
    cursor = next((name for name in ("nextPageToken", "lastEvaluatedKey") if value.get(name)), None)
    return f"an envelope: `{names[0]}`" + (f" with the cursor `{cursor}`" if cursor else ""), cursor


def _listed(here: Site, response: Response) -> Listed:
    """All pages, as the provider follows them.

    Raises:
        ApiError: They cannot be had, or do not end.
    """
    entries: list[dict[str, Any]] = []
    modules: list[LiveModule] = []
    seen: set[str] = set()
    how, _ = shape(response)
    for number in range(1, MAX_PAGES + 1):
        page = parse_page(response)
        entries += _entries(response)
        modules += page.modules
        if page.cursor is None:
            return Listed(how, number, entries, distinct(modules))
        if page.cursor in seen:
            raise InvalidResponse("the list does not end: its cursor came again")
        seen.add(page.cursor)
        response = _answered(here, list_page(here.version, page.cursor))
    raise InvalidResponse(f"the list does not end: {MAX_PAGES} pages were read")


def _entries(response: Response) -> list[dict[str, Any]]:
    value = read_json(response.body)
    if isinstance(value, dict):
        value = next((inner for inner in value.values() if isinstance(inner, list)), [value])
    return [entry for entry in value if isinstance(entry, dict)]


def _answered(here: Site, request: Request) -> Response:
    response = here.connection.ask(request)
    failure = error_from(response)
    if failure is not None:
        raise failure
    return response


def _count(listed: Listed) -> Check:
    count = len(listed.modules)
    text = f"{count} of {LIMIT} modules"
    if count > LIMIT:
        return broken("count", 7, f"there are {count} modules", "please report it as an issue")
    if count >= LIMIT:
        return warn("count", f"{text}: no more can be registered", "delete what nothing needs: forge-modules orphans")
    if count >= _NEARLY:
        step = "delete what nothing needs (forge-modules orphans); a replacement needs a free place, too"
        return warn("count", f"{text}: {LIMIT - count} are left", step)
    return ok("count", text)


def _keys(listed: Listed) -> Check:
    counted = Counter(str(entry.get("key")) for entry in listed.entries)
    twice = [key for key, times in counted.items() if times > 1]
    if twice:
        return warn("keys", f"more than once in the list: {_some(twice)}", "the provider takes each once; please report it")
    unusable = [live.key for live in listed.modules if not is_usable(live.key)]
    if unusable:
        return warn("keys", f"no path can carry: {_some(unusable)}", "delete these as they were registered")
    other = [str(entry.get("key")) for entry in listed.entries if _copy(entry) != entry.get("key")]
    if other:
        return broken("keys", 3, f"`data.key` is not the key of {_some(other)}", "the provider leaves `data.key` out; report it")
    return ok("keys", "each once, and copied into `data`") if listed.entries else skipped("keys", "there are no modules")


def _copy(entry: dict[str, Any]) -> Any:
    data = entry.get("data")
    return data.get("key") if isinstance(data, dict) else None


def _types(listed: Listed) -> Check:
    if not listed.modules:
        return skipped("types", "there are no modules")
    counted = Counter(live.content.type for live in listed.modules)
    unknown = [name for name in counted if name not in KNOWN_TYPES]
    if unknown:
        step = "none, if they are right: the data of such a type is not checked in preview"
        return warn("types", f"not among the {len(KNOWN_TYPES)} known types: {_some(unknown)}", step)
    return ok("types", ", ".join(f"{count} {name}" for name, count in sorted(counted.items())))


def _paging(here: Site, listed: Listed) -> Check:
    """Ask for one module a page: what a longer list would need."""
    if len(listed.modules) < 2:  # noqa: PLR2004 - one is no list
        return skipped("paging", "there are fewer than 2 modules")
    try:
        response = _answered(here, _with(here, ("limit", "1")))
        page = parse_page(response)
        if page.cursor is None:
            return _uncut(response, len(page.modules), len(listed.modules))
        second = parse_page(_answered(here, _with(here, ("limit", "1"), ("nextPageToken", page.cursor))))
    except _VERDICTS as error:
        return broken("paging", 12, f"pages of one module cannot be had: {error}", _TELL)
    if {live.key for live in page.modules} & {live.key for live in second.modules}:
        return broken("paging", 12, "the cursor leads to the same page again", "a list of more than one page cannot be had")
    return ok("paging", f"the cursor `{shape(response)[1]}` leads on")


def _uncut(response: Response, count: int, total: int) -> Check:
    how, _ = shape(response)
    if count >= total:
        return ok("paging", "everything comes at once, whatever `limit` says")
    row = 13 if how == "an array" else 12
    step = "the provider asks for 100 at a time, which is all that there can be; please report it as an issue"
    return broken("paging", row, f"with limit=1 the list is cut to {count} of {total}, without a cursor", step)


def _limit(here: Site) -> Check:
    try:
        status: int | None = _answered(here, _with(here, ("limit", "0"))).status
    except _VERDICTS as error:
        status = error.status
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return ok("limit", "a list with limit=0 is refused with 422")
    return broken("limit", 14, f"a list with limit=0 is answered with {status}, not 422", _TELL)


def _with(here: Site, *query: tuple[str, str]) -> Request:
    return Request("GET", list_page(here.version).path, query)


def _read(here: Site, listed: Listed) -> Check:
    usable = [live for live in listed.modules if is_usable(live.key)]
    if not usable:
        return skipped("read", "there are no modules")
    live = usable[0]
    try:
        found = parse_module(_answered(here, read(here.version, live.key)), live.key)
    except _VERDICTS as error:
        step = "the provider reads modules by their key, too: run the command again, and report it if it stays"
        return fail("read", f"the listed module {printable(live.key, 80)} cannot be read by its key: {error}", step)
    if found != live:
        return broken("read", 9, f"{printable(live.key, 80)} reads otherwise than it is listed", "run the command again")
    return ok("read", "a module reads as it is listed")


def _unknown_key(here: Site) -> Check:
    """The provider takes a 404 for "gone", and nothing else."""
    name = "unknown key"
    response = here.connection.ask(read(here.version, f"forge-modules-doctor-{secrets.token_hex(8)}"))
    failure = error_from(response)
    if isinstance(failure, PASSING):
        raise failure
    if not isinstance(failure, NotFound):
        said = f"HTTP {response.status}" if failure is None else str(failure)
        step = "the provider could not tell that a module is gone; is baseUrl the API itself?"
        return fail(name, f"404 is documented (row 10 of the contract), the response is {said}", step)
    form = _form(response)
    if form is None:
        step = "if a proxy or a gateway writes it, check that it lets the API's own responses through"
        return broken(name, 10, "the body of the 404 is no JSON with a `message`", step)
    return ok(name, f"404 with {form}")


def _form(response: Response) -> str | None:
    """The form of an error's body (row 30); None where it is neither."""
    try:
        value = read_json(response.body)
    except InvalidResponse:
        return None
    if not isinstance(value, dict) or "message" not in value:
        return None
    return "`message`" if "code" not in value else "`type`, `code` and `message`, as sibling APIs have it"


def _apart(listed: Listed, other: Response | None) -> Check:
    name = "versions apart"
    if other is None:
        return skipped(name, "only one version of the API answers")
    try:
        keys = {live.key for live in parse_page(other).modules}
    except ApiError as error:
        return skipped(name, f"the other version's list cannot be read ({error})")
    shared = sorted(keys & {live.key for live in listed.modules})
    if shared:
        step = "leave apiVersion as it is: another one would register the modules a second time"
        return broken(name, 29, f"under both versions: {_some(shared)}", step)
    return ok(name, f"the other version has {_many(len(keys), 'module')} of its own")


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(printable(name, 80) for name in names[:_SHOWN]) + more
