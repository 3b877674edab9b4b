from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from pulumi_atlassian_forge.api.body import decompress
from pulumi_atlassian_forge.api.errors import InvalidResponse

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_is_put_together(encoding: str) -> None:
    assert decompress([b"ab", b"", b"c"], encoding) == b"abc"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_compressed_body_is_put_together_however_it_was_cut(encoding: str, size: int) -> None:
    packed = gzip.compress(bytes(range(256)) * 10)
    chunks = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert decompress(chunks, encoding) == bytes(range(256)) * 10


def test_the_limit_applies_to_the_decompressed_size() -> None:
    packed = gzip.compress(b" " * 1000, mtime=0)
    assert len(decompress([packed], "gzip", limit=1000)) == 1000
    for chunks, encoding in (([packed], "gzip"), ([b" " * 500] * 2, "")):
        with pytest.raises(InvalidResponse, match="larger") as caught:
            decompress(chunks, encoding, limit=999)
        assert not caught.value.transient


def test_a_bomb_takes_no_more_memory_than_the_limit_allows() -> None:
    bomb = gzip.compress(b" " * 200 * MEGABYTE, 1, mtime=0)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidResponse, match="larger"):
            decompress([bomb], "gzip")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * MEGABYTE


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "compress", "gzip;q=1"])
def test_an_encoding_that_was_not_requested_is_not_decompressed(encoding: str) -> None:
    with pytest.raises(InvalidResponse, match="an encoding that was not requested"):
        decompress([zlib.compress(b"x")], encoding)


@pytest.mark.parametrize("behind", [b"more", gzip.compress(b"second", mtime=0), b"\0" * 8])
@pytest.mark.parametrize("size", [1, 10_000])
def test_what_is_behind_the_end_of_a_compressed_body_is_not_read(behind: bytes, size: int) -> None:
    packed = gzip.compress(b"first", mtime=0)
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        for start in range(0, len(packed) + 1000 * len(behind), size):
            chunk = (packed + behind * 1000)[start : start + size]
            read += len(chunk)
            yield chunk

    assert decompress(chunks(), "gzip") == b"first"
    assert read <= len(packed) + size


def test_a_whole_compressed_body_is_read_to_its_end_so_that_its_connection_can_be_used_again() -> None:
    chunks = iter([gzip.compress(b"first", mtime=0), b""])
    assert decompress(chunks, "gzip") == b"first"
    assert [*chunks] == []


@pytest.mark.parametrize("chunks", [[], [b""]])
def test_an_empty_body_is_empty_with_any_content_encoding(chunks: list[bytes]) -> None:
    assert decompress(chunks, "gzip") == b""


@pytest.mark.parametrize(
    "body", [b"text", gzip.compress(b"x" * 100, mtime=0)[:-1], gzip.compress(b"x", mtime=0)[:-8] + b"\0" * 8]
)
def test_a_damaged_body_may_be_retried(body: bytes) -> None:
    with pytest.raises(InvalidResponse, match="compressed, and") as caught:
        decompress([body], "gzip")
    assert caught.value.transient
