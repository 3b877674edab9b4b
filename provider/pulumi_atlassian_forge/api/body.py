"""From the bytes of a response to a JSON value that the rest of the house can hold.

Strict where a value could not be used later (in a comparison, in state, on Pulumi's wire), lenient everywhere else.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, NoReturn

from .errors import InvalidResponse

DEPTH: Final = 64
"""Containers in one another that a response may have (our own limit): what comes after it must be able to recurse."""

_DIGITS: Final = 308  # beyond that an integer fits into no float, and Pulumi's wire knows floats only


def read_json(body: bytes) -> Any:
    """Parse a response's body.

    The specification prints a list as objects with commas between them and no brackets: that becomes a list too.

    Raises:
        BadAnswer: It is empty, not UTF-8, not JSON, too deep, or holds a number or a text that cannot be kept. ``transient``
            where it may have been garbled on its way.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidResponse("the response is not UTF-8", transient=True) from None
    if not text.strip():
        raise InvalidResponse("the response is empty", transient=True)
    value = _parse(text)
    _refuse_unusable(value)
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
        raise InvalidResponse(f"the response is nested deeper than {DEPTH} levels") from None
    except json.JSONDecodeError:
        raise InvalidResponse("the response is not JSON", transient=True) from None


def _refuse_unusable(value: Any) -> None:
    """Without recursion: the value may be deeper than Python's stack."""
    level = [value]
    for _ in range(DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise InvalidResponse(f"the response is nested deeper than {DEPTH} levels")


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_lone_surrogates(name)
            yield inner
    elif isinstance(value, list):
        yield from value
    elif isinstance(value, str):
        _refuse_lone_surrogates(value)


def _refuse_lone_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidResponse("the response holds half of a surrogate pair, which is no text") from None


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
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


ACCEPTED: Final = "gzip"
"""What ``Accept-Encoding`` asks for."""

MAX_RESPONSE_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a response, decompressed (our own limit: 100 modules of 64 KiB fit)."""

_GZIP: Final = 16 + zlib.MAX_WBITS


def decoded(chunks: Iterable[bytes], encoding: str, *, limit: int = MAX_RESPONSE_BYTES) -> bytes:
    """Collect and decompress a body.

    Args:
        chunks: The pieces as they came over the wire.
        encoding: The value of ``Content-Encoding``.
        limit: The largest body that is taken, in bytes after decompression.

    Raises:
        BadAnswer: It is larger, compressed in another way, or damaged.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return _collected(chunks, limit)
        case "gzip" | "x-gzip":
            return _gunzipped(chunks, limit)
    raise InvalidResponse("the response is compressed in a way that was not asked for")


def too_large(limit: int = MAX_RESPONSE_BYTES, *, status: int | None = None) -> InvalidResponse:
    """The error for a response above the limit."""
    return InvalidResponse(f"the response is larger than {limit // 1024} KiB", status=status)


def _collected(chunks: Iterable[bytes], limit: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        if len(body) + len(chunk) > limit:
            raise too_large(limit)
        body += chunk
    return bytes(body)


def _gunzipped(chunks: Iterable[bytes], limit: int) -> bytes:
    body = bytearray()
    received = 0
    decompressor = zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            received += len(chunk)
            body += decompressor.decompress(chunk, limit + 1 - len(body))
            if len(body) > limit:
                raise too_large(limit)
    except zlib.error:
        raise InvalidResponse("the response is compressed, and damaged", transient=True) from None
    # A server that compresses by habit names it in a 204 too, which has no body to be cut.
    if received and not decompressor.eof:
        raise InvalidResponse("the response is compressed, and cut", transient=True)
    return bytes(body)
