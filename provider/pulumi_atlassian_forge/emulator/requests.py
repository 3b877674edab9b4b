"""What a request says: where it goes, who sends it, and what is in its body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from .responses import Refusal

_PATH: Final = re.compile(r"(?:/[^/]+)*/forge/installation/(v1|v2)/dynamic/module(?:/([^/]+))?/?")
"""Any base goes before the tail: a gateway's, ``/atlassian`` of the egress proxy, or none."""

_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_PROXY: Final = re.compile(r"forge +(\S+)", re.IGNORECASE)
_KEY: Final = re.compile(r"[a-zA-Z0-9_-]+")
_DEEPEST: Final = 200
"""Levels of a body (our own limit): far below where Python gives up, so that what was stored can be read from any call depth."""


@dataclass(frozen=True, slots=True)
class Route:
    """A version of the API, and a module's key or None: the collection."""

    version: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows: a bearer token, or what the egress proxy would turn into one."""

    token: str | None = None
    installation: str | None = None
    as_app: bool = True


def route_of(path: str) -> Route | None:
    """Where a path leads.

    Args:
        path: The path, still percent-encoded, without the query.
    """
    match = _PATH.fullmatch(path)
    return Route(match[1], None if match[2] is None else unquote(match[2])) if match else None


def credentials_of(headers: Mapping[str, str]) -> Credentials | None:
    """Who sends a request; None where it shows nothing, or something of another form.

    Args:
        headers: The headers, names in lower case.
    """
    if (authorization := headers.get("authorization")) is not None:
        match = _BEARER.fullmatch(authorization.strip())
        return Credentials(token=match[1]) if match else None
    match = _PROXY.fullmatch(headers.get("forge-proxy-authorization", "").strip())
    if match is None:
        return None
    fields = dict(part.partition("=")[::2] for part in match[1].split(","))
    installation = fields.get("installationId") or fields.get("id")
    return Credentials(installation=installation, as_app=fields.get("as") == "app") if installation else None


def fields_of(body: bytes) -> dict[str, Any]:
    """The fields of a body that has the right JSON types; ``key`` may be missing.

    Raises:
        Refusal: It has not (row 4).
    """
    fields = _json(body)
    if not isinstance(fields, dict):
        raise Refusal(422, "the body has to be a JSON object")
    for name, kind, words in (("type", str, "a string"), ("data", dict, "an object")):
        if name not in fields:
            raise Refusal(422, f"{name} is required")
        if not isinstance(fields[name], kind):
            raise Refusal(422, f"{name} has to be {words}")
    if "key" in fields and not (isinstance(fields["key"], str) and _KEY.fullmatch(fields["key"])):
        raise Refusal(422, f"key has to be a string that matches {_KEY.pattern}")
    return fields


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body, parse_constant=_no_constant)
        # What cannot be written again (an infinite number, half a surrogate pair) cannot be stored either.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise Refusal(422, "the body is not JSON") from None
    if _deeper_than(value, _DEEPEST):
        raise Refusal(422, f"the body is nested deeper than {_DEEPEST} levels")
    return value


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [child for item in layer for child in _children(item)]
        if not layer:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
