"""Parsing of a request: its route, its credentials and the fields of its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from pulumi_atlassian_forge.model.values import depth

from .responses import Refusal

_PATH: Final = re.compile(r"(?:/[^/]+)*/forge/installation/(v1|v2)/dynamic/module(?:/([^/]+))?/?")
"""Any base path may come first: a gateway's, ``/atlassian`` of the egress proxy, or none."""

_DETAILS: Final = re.compile(r"(?:/[^/]+)*/forge/installation/v1/([^/]+/[^/]+)/installation/([^/]+)")
_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_PROXY: Final = re.compile(r"forge +(\S+)", re.IGNORECASE)
_KEY: Final = re.compile(r"[a-zA-Z0-9_-]+")
_MAX_DEPTH: Final = 200
"""Our own limit: far below Python's recursion limit, so that a stored body can be read at any call depth."""


@dataclass(frozen=True, slots=True)
class Route:
    """A version of the API, and the key of a module; None for the collection.

    Or ``installation``, as ``<appId>/<environmentId>/<installationId>``, for the details of one.
    """

    version: str
    key: str | None
    installation: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a request: a bearer token, or the header that the egress proxy turns into one."""

    token: str | None = None
    installation: str | None = None
    as_app: bool = True


def route_of(path: str) -> Route | None:
    """The route of a path, which is still percent-encoded; None if the API has none."""
    details = _DETAILS.fullmatch(path)
    if details is not None:
        return Route("v1", None, unquote(f"{details[1]}/{details[2]}"))
    match = _PATH.fullmatch(path)
    return Route(match[1], None if match[2] is None else unquote(match[2])) if match else None


def credentials_of(headers: Mapping[str, str]) -> Credentials | None:
    """The credentials of a request; None if it has none, or none of a known form."""
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
    """The fields of a body, of which ``key`` may be missing; raises Refusal if it is no JSON, or a type is wrong (A04)."""
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
        # A value that cannot be serialized (an infinite number, half a surrogate pair) cannot be stored.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise Refusal(422, "the body is not JSON") from None
    if depth(value) > _MAX_DEPTH + 1:  # the body itself is not counted
        raise Refusal(422, f"the body is nested deeper than {_MAX_DEPTH} levels")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
