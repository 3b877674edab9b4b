"""Response bodies: decompression and JSON parsing, both with limits.

Strict about values that could not be used later (in a comparison, in state, in Pulumi's messages), lenient otherwise.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from pulumi_atlassian_forge.model.values import depth, has_lone_surrogate

from .errors import InvalidResponse

JSON_DEPTH_MAX: Final = 64
"""Nesting levels that a response may have (our own limit): recursive code has to be able to process it."""

MAX_RESPONSE_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a response, decompressed (our own limit: 100 modules of 64 KiB fit)."""

ACCEPTED: Final = "gzip"
"""The value of ``Accept-Encoding``."""

_MAX_DIGITS: Final = 308  # a longer integer fits into no float, and Pulumi's numbers are floats
_GZIP: Final = 16 + zlib.MAX_WBITS


def read_json(body: bytes) -> Any:
    """Parse the body of a response; raises InvalidResponse, ``transient`` if it may have been damaged in transit.

    The API's specification shows a list as objects with commas between them and no brackets: that becomes a list too.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidResponse("the response is not UTF-8", transient=True) from None
    if not text.strip():
        raise InvalidResponse("the response is empty", transient=True)
    value = _parse(text)
    if depth(value) > JSON_DEPTH_MAX:
        raise InvalidResponse(f"the response is nested deeper than {JSON_DEPTH_MAX} levels")
    if _has_lone_surrogate(value):
        raise InvalidResponse("the response holds half of a surrogate pair, which is no text")
    return value


def _parse(text: str) -> Any:
    try:
        try:
            return _DECODER.decode(text)
        except json.JSONDecodeError as error:
            if not (error.msg == "Extra data" and text.lstrip().startswith("{")):
                raise
            return _DECODER.decode(f"[{text}]")
    except RecursionError:
        raise InvalidResponse(f"the response is nested deeper than {JSON_DEPTH_MAX} levels") from None
    except json.JSONDecodeError:
        raise InvalidResponse("the response is not JSON", transient=True) from None


def _has_lone_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return has_lone_surrogate(value)
    inner = (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_lone_surrogate, inner))


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InvalidResponse("the response holds a number that is too large")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidResponse("the response holds a number that is too large")
    return number


def _no_number(name: str) -> NoReturn:
    raise InvalidResponse(f"the response holds {name}, which is no JSON")


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_no_number)


def decompress(chunks: Iterable[bytes], encoding: str, *, limit: int = MAX_RESPONSE_BYTES) -> bytes:
    """Collect the chunks of a body, at most ``limit`` bytes, decompressed by the value of ``Content-Encoding``."""
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise InvalidResponse("the response is compressed in an encoding that was not requested")
    gzip = zlib.decompressobj(_GZIP) if encoding.endswith("gzip") else None
    body, received = bytearray(), 0
    try:
        for chunk in chunks:
            received += len(chunk)
            body += chunk if gzip is None else gzip.decompress(chunk, limit + 1 - len(body))
            if len(body) > limit:
                raise too_large(limit)
    except zlib.error:
        raise InvalidResponse("the response is compressed, and damaged", transient=True) from None
    # An empty body is whole: some servers send "Content-Encoding: gzip" with a 204 too.
    if gzip is not None and received and not gzip.eof:
        raise InvalidResponse("the response is compressed, and cut", transient=True)
    return bytes(body)


def too_large(limit: int = MAX_RESPONSE_BYTES, *, status: int | None = None) -> InvalidResponse:
    """The error for a response above the limit."""
    return InvalidResponse(f"the response is larger than {limit // 1024} KiB", status=status)
