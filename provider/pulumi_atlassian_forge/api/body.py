"""Response bodies: decompression and JSON parsing, both with limits.

A value that could not be used later (in a comparison, in state, in Pulumi's messages) does not make the whole response unusable:
it may belong to a foreign module. :func:`problem_in` finds it where it matters.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from pulumi_atlassian_forge.model.values import has_lone_surrogate

from .errors import InvalidResponse

JSON_DEPTH_MAX: Final = 64
"""Nesting levels that a response may have (our own limit): recursive code has to be able to process it."""

MAX_RESPONSE_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a response, decompressed (our own limit: 100 modules of 64 KiB fit)."""

ACCEPTED: Final = "gzip"
"""The value of ``Accept-Encoding``."""

_MAX_DIGITS: Final = 308  # a longer integer fits into no float, and Pulumi's numbers are floats
_GZIP: Final = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Unusable:
    """What stands in the place of a value that cannot be used; ``problem`` continues a sentence about what holds it."""

    problem: str


_TOO_DEEP: Final = f"is nested deeper than {JSON_DEPTH_MAX} levels"
_TOO_LARGE: Final = Unusable("holds a number that is too large")
_SURROGATE: Final = "holds half of a surrogate pair, which is no text"


def read_json(body: bytes) -> Any:
    """Parse a body all of which is needed; raises InvalidResponse, ``transient`` if it may have been damaged in transit."""
    value = parse_json(body)
    problem = problem_in(value)
    if problem is not None:
        raise InvalidResponse(f"the response {problem}")
    return value


def parse_json(body: bytes) -> Any:
    """Parse the body of a response; a value that cannot be used is left to :func:`problem_in`. Raises as :func:`read_json`.

    The API's specification shows a list as objects with commas between them and no brackets: that becomes a list too.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidResponse("the response is not UTF-8", transient=True) from None
    if not text.strip():
        raise InvalidResponse("the response is empty", transient=True)
    try:
        return _decoded(text, _CONSTANTS)
    except json.JSONDecodeError:
        raise InvalidResponse("the response is not JSON", transient=True) from None
    except RecursionError:
        pass
    try:
        return _decoded(_without_depths(text), _DEPTHS)
    except (json.JSONDecodeError, RecursionError):
        raise InvalidResponse(f"the response {_TOO_DEEP}") from None


def problem_in(value: Any) -> str | None:
    """Why a parsed value cannot be used, as the rest of a sentence about it; None if it can. Without recursion."""
    level = [value]
    for _ in range(JSON_DEPTH_MAX + 1):
        containers: list[Any] = []
        for item in level:
            if isinstance(item, Unusable):
                return item.problem
            if isinstance(item, str):
                if has_lone_surrogate(item):
                    return _SURROGATE
            elif isinstance(item, dict | list):
                containers.append(item)
        if not containers:
            return None
        level = [inner for item in containers for inner in ((*item, *item.values()) if isinstance(item, dict) else item)]
    return _TOO_DEEP


def _decoded(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        if not (error.msg == "Extra data" and text.lstrip().startswith("{")):
            raise
        return decoder.decode(f"[{text}]")


def _integer(digits: str) -> int | Unusable:
    return int(digits) if len(digits) <= _MAX_DIGITS else _TOO_LARGE


def _float(digits: str) -> float | Unusable:
    number = float(digits)
    return number if math.isfinite(number) else _TOO_LARGE


def _decoder(constant: Callable[[str], Any]) -> json.JSONDecoder:
    return json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=constant)


_CONSTANTS: Final = _decoder(lambda name: Unusable(f"holds {name}, which is no JSON"))
_DEPTHS: Final = _decoder(lambda _: Unusable(_TOO_DEEP))  # for the text of _without_depths

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_CUT_BELOW: Final = JSON_DEPTH_MAX + 2  # levels: an entry of a list in an envelope may have JSON_DEPTH_MAX of its own


def _without_depths(text: str) -> str:
    """The text with a constant in place of each container that is nested too deep for the parser, which recurses."""
    pieces, level, start = [], 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            level += 1
            if level == _CUT_BELOW + 1:
                pieces.append(text[start : token.start()])
        elif token[0] in ("]", "}"):
            if level == _CUT_BELOW + 1:
                pieces.append("NaN")
                start = token.end()
            level -= 1
    return "".join([*pieces, text[start:]]) if level <= _CUT_BELOW else ""


def decompress(chunks: Iterable[bytes], encoding: str, *, limit: int = MAX_RESPONSE_BYTES) -> bytes:
    """Collect the chunks of a body, at most ``limit`` bytes, decompressed by the value of ``Content-Encoding``.

    A body is one gzip member: what follows its end, be it another member, is not read.
    """
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise InvalidResponse("the response is compressed in an encoding that was not requested")
    gzip = zlib.decompressobj(_GZIP) if encoding.endswith("gzip") else None
    body, received = bytearray(), 0
    try:
        for chunk in chunks:
            if gzip is not None and chunk and gzip.eof:
                break
            received += len(chunk)
            body += chunk if gzip is None else gzip.decompress(chunk, limit + 1 - len(body))
            if len(body) > limit:
                raise too_large(limit)
            if gzip is not None and gzip.unused_data:
                break
    except zlib.error:
        raise InvalidResponse("the response is compressed, and damaged", transient=True) from None
    # An empty body is whole: some servers send "Content-Encoding: gzip" with a 204 too.
    if gzip is not None and received and not gzip.eof:
        raise InvalidResponse("the response is compressed, and cut", transient=True)
    return bytes(body)


def too_large(limit: int = MAX_RESPONSE_BYTES, *, status: int | None = None) -> InvalidResponse:
    """The error for a response above the limit."""
    return InvalidResponse(f"the response is larger than {limit // 1024} KiB", status=status)
