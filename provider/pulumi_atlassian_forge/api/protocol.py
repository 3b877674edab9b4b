"""The API's protocol without I/O: which request an operation is, and what its response holds, for both versions of the API.

Requests follow the specification to the byte. Responses are read leniently: unknown fields pass, and so do both documented shapes
of a list. What cannot be used is an :class:`~.errors.InvalidResponse` that says why; nothing is guessed. An entry of a list that
cannot be used is kept as an opaque one, because it may be a foreign module, which must not block the others. Functions that take
a key raise ValueError if no path can hold it.
https://developer.atlassian.com/platform/forge/apis-reference/dynamic-modules-api/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from pulumi_atlassian_forge.model.content import Content, canonical_json, normalize
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.model.values import MAX_DEPTH, depth, has_lone_surrogate
from pulumi_atlassian_forge.sanitizer import is_printable

from .body import parse_json, problem_in
from .errors import InvalidResponse, UnreadableModule
from .request_response import Request, Response
from .text import printable

_LIST_NAMES: Final = ("result", "results", "values", "items")  # the first is documented, the others are a precaution
_CURSOR_NAMES: Final = ("nextPageToken", "lastEvaluatedKey")  # two documents, two names
_MODULE_NAMES: Final = frozenset({"key", "type", "data"})
PAGE_SIZE: Final = 100  # the limit of an installation

# How Pulumi's messages mark assets, secrets and the like, and an unknown value (sdk/python/lib/pulumi/runtime/rpc.py).
PULUMI_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# Clients and gateways resolve dot segments of a path, percent-encoded or not.
_DOT_SEGMENTS: Final = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class LiveModule:
    """A module as the installation holds it: without ``data.key``, numbers normalized.

    If ``problem`` is set, it is an opaque entry of a list: the module is there, but cannot be read. Then it has no data; its type
    and even its key may be empty. The text is the rest of a sentence: ``has no object 'data'``.
    """

    key: str
    content: Content
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list; the last one has no cursor. ``size`` are the bytes of its body."""

    modules: tuple[LiveModule, ...]
    cursor: str | None
    size: int = field(default=0, compare=False)


def register(version: Version, key: str | None, content: Content) -> Request:
    """POST of a new module: the caller chooses its key under v1, the server under v2. ValueError if it is the other way round."""
    if (key is None) == (version == "v1"):
        raise ValueError("a key is needed under v1" if version == "v1" else "the server generates the key under v2")
    if key is not None:
        _module_path(version, key)  # a module that could not be read later is not registered
    return Request("POST", _collection(version), body=_body(key, content))


def list_page(version: Version, cursor: str | None = None, *, limit: int | None = PAGE_SIZE) -> Request:
    """GET of one page: the first one, or the one at a cursor. The only path that ends with a slash.

    ``limit`` is the size of a page, None the server's default; the documents do not say which sizes are allowed.
    """
    query = {"limit": limit, "nextPageToken": cursor}
    given = urlencode({name: value for name, value in query.items() if value is not None}, quote_via=quote, safe="")
    return Request("GET", f"{_collection(version)}/{given and '?'}{given}")


def read(version: Version, key: str) -> Request:
    """GET of one module."""
    return Request("GET", _module_path(version, key))


def update(version: Version, key: str, content: Content) -> Request:
    """PUT of the whole content; under v1 the body repeats the key, under v2 it must not."""
    return Request("PUT", _module_path(version, key), body=_body(key if version == "v1" else None, content))


def delete(version: Version, key: str) -> Request:
    """DELETE of one module."""
    return Request("DELETE", _module_path(version, key))


def parse_registered(version: Version, response: Response, key: str | None = None) -> LiveModule | None:
    """The module in the successful response to a register; None for an empty body, which v1 may send.

    Raises InvalidResponse if it holds no module, or no usable key: under v2 only this response tells it.
    """
    if version == "v1" and response.status == HTTPStatus.CREATED and not response.body.strip():
        return None
    live = parse_module(response, key)
    if not is_usable(live.key):
        raise InvalidResponse("the response has a key that is not valid in a path", status=response.status)
    return live


def is_usable(key: str) -> bool:
    """Whether a key of the server can be part of a path, and of an id, which Pulumi prints as it is."""
    return key not in _DOT_SEGMENTS and is_printable(key)


def parse_module(response: Response, key: str | None = None) -> LiveModule:
    """The module in the successful response to a read or an update; raises InvalidResponse if it has another key."""
    live = _live(_json(response))
    if live.problem:
        kind = UnreadableModule if live.key and live.key == key else InvalidResponse
        raise kind(f"the response {live.problem}", status=response.status)
    if key is not None and live.key != key:
        raise InvalidResponse(
            f"requested module '{printable(key, 80)}', but the response is module '{printable(live.key, 80)}'",
            status=response.status,
        )
    return require_storable(live)


def parse_page(response: Response) -> Page:
    """One page of the list: an array, an object that holds the array, or objects with commas between them."""
    value = _json(response)
    cursor: object = None
    if isinstance(value, dict):
        name = next((name for name in _LIST_NAMES if name in value), None)
        if name is not None:
            cursor = next((value[name] for name in _CURSOR_NAMES if value.get(name)), None)
            value = value[name]
        elif "key" in value:  # objects with commas between them, and only one of them
            value = [value]
    if not isinstance(value, list):
        raise InvalidResponse("the response is no list of modules", status=response.status)
    if value and not any(isinstance(entry, dict) and _MODULE_NAMES & entry.keys() for entry in value):
        raise InvalidResponse("the response is a list, but not one of modules", status=response.status)
    if not (cursor is None or (isinstance(cursor, str) and not has_lone_surrogate(cursor))):
        raise InvalidResponse("the list's cursor is not a text", status=response.status)
    return Page(distinct(map(_live, value)), cursor, len(response.body))


def parse_deleted(response: Response) -> None:
    """Accept a success as the response to a delete, except for a page of HTML, which is a gateway's, or a login."""
    if response.body.lstrip()[:1] == b"<":
        raise InvalidResponse("the response is a page of HTML", status=response.status)


def distinct(modules: Iterable[LiveModule]) -> tuple[LiveModule, ...]:
    """The modules without repeated entries. If two have the same key and different content, that module is opaque."""
    found: dict[str | int, LiveModule] = {}
    for name, module in _named(modules):
        if found.setdefault(name, module) != module:
            found[name] = LiveModule(module.key, Content("", {}), "is in the list twice, with different content")
    return tuple(found.values())


def by_key(modules: Iterable[LiveModule]) -> dict[str | int, LiveModule]:
    """The modules by their keys, the last one of each; an entry without a key by its number."""
    return dict(_named(modules))


def _named(modules: Iterable[LiveModule]) -> Iterator[tuple[str | int, LiveModule]]:
    return ((live.key or number, live) for number, live in enumerate(modules))


def require_storable(live: LiveModule) -> LiveModule:
    """The module, if Pulumi can store it. Entries of a list are not checked: a foreign module must not block the others."""
    if depth(live.content.data) > MAX_DEPTH:
        problem = f"is nested deeper than {MAX_DEPTH} levels, which Pulumi cannot store"
    elif _holds_mark(live.content.data):
        problem = "holds a value that is reserved for Pulumi and cannot be stored"
    else:
        return live
    raise UnreadableModule(f"module '{printable(live.key, 80)}' {problem}")


def _holds_mark(value: Any) -> bool:
    if isinstance(value, dict):
        return PULUMI_SIGNATURE in value or any(map(_holds_mark, value.values()))
    return any(map(_holds_mark, value)) if isinstance(value, list) else value == _UNKNOWN


def _collection(version: Version) -> str:
    return f"/forge/installation/{version}/dynamic/module"


def _module_path(version: Version, key: str) -> str:
    if key in _DOT_SEGMENTS:
        raise ValueError("this key cannot be part of a path")
    try:
        return f"{_collection(version)}/{quote(key, safe='')}"
    except UnicodeEncodeError:
        raise ValueError("a key with half of a surrogate pair in it cannot be part of a path") from None


def _body(key: str | None, content: Content) -> bytes:
    named = {} if key is None else {"key": key}
    return canonical_json({**named, "type": content.type, "data": content.data}).encode()


def _json(response: Response) -> Any:
    try:
        return parse_json(response.body)
    except InvalidResponse as error:
        raise error.with_(status=response.status) from None


def _live(value: Any) -> LiveModule:
    """The module that a JSON value is; an opaque one if it cannot be used."""
    if not isinstance(value, dict):
        return LiveModule("", Content("", {}), problem_in(value) or "is not a JSON object")
    (key, key_problem), (type_, type_problem) = _text(value, "key"), _text(value, "type")
    data: Any = value.get("data")
    data_problem = problem_in(data) if isinstance(data, dict) else "has no object 'data'"
    if problem := key_problem or type_problem or data_problem:
        return LiveModule(key, Content(type_, {}), problem)
    # The server copies the key into the data; it is not part of the content.
    return LiveModule(key, Content(type_, normalize({name: inner for name, inner in data.items() if name != "key"})))


def _text(value: dict[str, Any], name: str) -> tuple[str, str | None]:
    """A text that a module must have, and why it cannot be used: then it is empty."""
    text = value.get(name)
    problem = problem_in(text) if isinstance(text, str) and text else f"has no string '{name}'"
    return ("", problem) if problem or not isinstance(text, str) else (text, None)
