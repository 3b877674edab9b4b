"""From intent to request and from response to result, for both versions of the API. Pure: no I/O, no clock.

What is asked follows the specification to the byte; what is answered is read leniently: unknown fields pass, both documented
shapes of a list are taken. What cannot be used at all is a :class:`~.errors.InvalidResponse` that says why. Nothing is guessed
(design decision 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from pulumi_atlassian_forge.model.content import Content, canonical_json
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.model.values import MAX_DEPTH, depth, normalize

from .body import read_json
from .errors import InvalidResponse
from .request_response import Request, Response
from .text import printable

_LISTS: Final = ("result", "results", "values", "items")  # the first is documented (rest), the others are a precaution
_CURSORS: Final = ("nextPageToken", "lastEvaluatedKey")  # spec; rest
_PAGE_SIZE: Final = "100"  # an installation holds no more (docs:apis-reference/dynamic-modules)


# How Pulumi's wire marks assets, secrets and the like, and an unknown value (sdk/python/lib/pulumi/runtime/rpc.py).
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# A dot segment is resolved by clients and gateways before anybody sees it as a key, whether it is quoted or not.
_STEPS: Final = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class LiveModule:
    """A module as it is on the installation: ``data.key`` dropped, numbers normalized."""

    key: str
    content: Content


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list; without a cursor it is the last."""

    modules: tuple[LiveModule, ...]
    cursor: str | None


def register(version: Version, key: str | None, content: Content) -> Request:
    """POST: the key is the caller's under v1 and the server's under v2.

    Raises:
        ValueError: A key is missing under v1 or given under v2, or the content is no JSON.
    """
    if (key is None) == (version == "v1"):
        raise ValueError("a key is needed under v1" if version == "v1" else "the server makes the key under v2")
    if key is not None:
        _module_path(version, key)  # what could not be read later is not registered
    return Request("POST", _collection(version), body=_body(key, content))


def list_page(version: Version, cursor: str | None = None, *, limited: bool = True) -> Request:
    """GET of one page; the only path with a slash at its end (spec).

    Args:
        version: The version of the API.
        cursor: What the page before said; None: the first page.
        limited: Whether to ask for all modules in one page; no document says which sizes there are.
    """
    query = (("limit", _PAGE_SIZE),) if limited else ()
    return Request("GET", f"{_collection(version)}/", query if cursor is None else (*query, ("nextPageToken", cursor)))


def read(version: Version, key: str) -> Request:
    """GET of one module.

    Raises:
        ValueError: No path can carry the key.
    """
    return Request("GET", _module_path(version, key))


def update(version: Version, key: str, content: Content) -> Request:
    """PUT of the whole content; the body names the key again under v1 (spec), and must not under v2 (rest).

    Raises:
        ValueError: No path can carry the key, or the content is no JSON.
    """
    return Request("PUT", _module_path(version, key), body=_body(key if version == "v1" else None, content))


def delete(version: Version, key: str) -> Request:
    """DELETE of one module.

    Raises:
        ValueError: No path can carry the key.
    """
    return Request("DELETE", _module_path(version, key))


def parse_registered(version: Version, response: Response, key: str | None = None) -> LiveModule | None:
    """The module that was registered.

    Args:
        version: The version of the API.
        response: A successful response.
        key: The key that was asked for, under v1.

    Returns:
        The module; None for an empty body, which v1 may send (reference section 1.1).

    Raises:
        BadAnswer: Under v2 the response must be the module, with a key that can be used: it is the only place to learn it.
    """
    if version == "v1" and response.status == HTTPStatus.CREATED and not response.body.strip():
        return None
    live = parse_module(response, key)
    if not is_usable(live.key):
        raise InvalidResponse("the response has a key that no path and no terminal can carry", status=response.status)
    return live


def is_usable(key: str) -> bool:
    """Whether a key that the server made can be part of a path, and of an id, which Pulumi prints as it is."""
    return key not in _STEPS and printable(key, len(key)) == key


def parse_module(response: Response, key: str | None = None) -> LiveModule:
    """The module that was read or updated.

    Args:
        response: A successful response.
        key: The key that was asked for.

    Raises:
        BadAnswer: The response is not a module, or is another one.
    """
    live = _live(_json(response), "the response", response.status)
    if key is not None and live.key != key:
        raise InvalidResponse(
            f"asked for module '{printable(key, 80)}', the response is module '{printable(live.key, 80)}'", status=response.status
        )
    return refuse_uncarriable(live)


def parse_page(response: Response) -> Page:
    """One page of the list: an array, an object with the array in it, or the specification's objects with commas between them.

    Raises:
        BadAnswer: It is none of these, an entry is not a module, or the cursor is not a text.
    """
    value = _json(response)
    cursor: object = None
    if isinstance(value, dict):
        name = next((name for name in _LISTS if name in value), None)
        if name is not None:
            cursor = next((value[name] for name in _CURSORS if value.get(name)), None)
            value = value[name]
        elif "key" in value:  # the specification's form, with one module
            value = [value]
    if not isinstance(value, list):
        raise InvalidResponse("the response is no list of modules", status=response.status)
    if not (cursor is None or isinstance(cursor, str)):
        raise InvalidResponse("the list's cursor is not a text", status=response.status)
    modules = (_live(entry, f"entry {number} of the list", response.status) for number, entry in enumerate(value, 1))
    return Page(distinct(modules), cursor)


def parse_deleted(response: Response) -> None:
    """204 without a body (spec). Any other success is one too, unless a page says it: that is a gateway's, or a login.

    Raises:
        BadAnswer: The response is HTML.
    """
    if response.body.lstrip()[:1] == b"<":
        raise InvalidResponse("the response is a page of HTML", status=response.status)


def distinct(modules: Iterable[LiveModule]) -> tuple[LiveModule, ...]:
    """Every module once: an entry that comes again unchanged is one module.

    Raises:
        BadAnswer: One key has two contents.
    """
    found: dict[str, LiveModule] = {}
    for module in modules:
        if found.setdefault(module.key, module) != module:
            raise InvalidResponse(f"the list holds module '{printable(module.key, 80)}' twice, with different content")
    return tuple(found.values())


def refuse_uncarriable(live: LiveModule) -> LiveModule:
    """Return a module that Pulumi's wire can carry.

    Raises:
        BadAnswer: It is nested deeper than that, or holds one of Pulumi's own marks. Not asked of the entries of a
            list: a stranger must not block the others.
    """
    if depth(live.content.data) > MAX_DEPTH:
        raise InvalidResponse(
            f"module '{printable(live.key, 80)}' is nested deeper than {MAX_DEPTH} levels, which Pulumi cannot carry"
        )
    if _holds_a_mark(live.content.data):
        raise InvalidResponse(
            f"module '{printable(live.key, 80)}' holds a value that Pulumi takes for a mark of its own, and cannot carry"
        )
    return live


def _holds_a_mark(value: Any) -> bool:
    if isinstance(value, dict):
        return _SIGNATURE in value or any(map(_holds_a_mark, value.values()))
    return any(map(_holds_a_mark, value)) if isinstance(value, list) else value == _UNKNOWN


def _collection(version: Version) -> str:
    return f"/forge/installation/{version}/dynamic/module"


def _module_path(version: Version, key: str) -> str:
    if key in _STEPS:
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
        return read_json(response.body)
    except InvalidResponse as error:
        raise error.with_(status=response.status) from None


def _live(value: Any, what: str, status: int) -> LiveModule:
    if not isinstance(value, dict):
        raise InvalidResponse(f"{what} is not a JSON object", status=status)
    for name in ("key", "type"):
        if not (isinstance(value.get(name), str) and value[name]):
            raise InvalidResponse(f"{what} has no string '{name}'", status=status)
    if not isinstance(value.get("data"), dict):
        raise InvalidResponse(f"{what} has no object 'data'", status=status)
    # The server copies the key into the data (spec): it is no content.
    data = {name: inner for name, inner in value["data"].items() if name != "key"}
    return LiveModule(value["key"], Content(value["type"], normalize(data)))
