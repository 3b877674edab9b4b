"""The body of an answer, decompressed under a limit.

httpx decompresses whatever arrives, as far as it goes: some kilobytes of nested or well-chosen compression would fill the memory
before anybody could count. So only gzip is asked for and taken, one bounded piece at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

from .errors import BadAnswer

ACCEPTED: Final = "gzip"
"""What ``Accept-Encoding`` asks for."""

MAX_ANSWER: Final = 8 * 1024 * 1024
"""Bytes of an answer, decompressed (our own limit: 100 modules of 64 KiB fit)."""

_GZIP: Final = 16 + zlib.MAX_WBITS


def decoded(chunks: Iterable[bytes], encoding: str, *, limit: int = MAX_ANSWER) -> bytes:
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
    raise BadAnswer("the answer is compressed in a way that was not asked for")


def too_large(limit: int = MAX_ANSWER, *, status: int | None = None) -> BadAnswer:
    """The error for an answer above the limit."""
    return BadAnswer(f"the answer is larger than {limit // 1024} KiB", status=status)


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
        raise BadAnswer("the answer is compressed, and damaged", transient=True) from None
    # A server that compresses by habit names it in a 204 too, which has no body to be cut.
    if received and not decompressor.eof:
        raise BadAnswer("the answer is compressed, and cut", transient=True)
    return bytes(body)
