"""Random responses of a broken gateway or an attacker.

:class:`Hostile` is the behaviour of a :mod:`.raw_server`: some of its responses are what the API would send, the others are not.
What it does depends on nothing but its seed and the requests.
"""

from __future__ import annotations

import functools
import gzip
import json
import socket
import struct
import time
import zlib
from contextlib import suppress
from random import Random
from typing import Any, Final

from tests.support.generated_bodies import BODIES, KEY, MODULE, broken_html, page_of_html, words
from tests.support.raw_server import MEGABYTE, RawServer, Seen

_LONGEST_WAIT: Final = 2.0  # seconds; a client that is slower than this to give up fails at the test's own limit

_STATUSES: Final = [
    *(200, 200, 200, 201, 201, 202, 204, 206, 226, 299),
    *(300, 301, 302, 303, 304, 307, 308, 399),
    *(400, 401, 402, 403, 404, 405, 409, 410, 413, 418, 422, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 505, 511, 599),
    *(600, 999),
]
_REASONS: Final[list[bytes]] = [b"OK", b"", b"\xff\xfe", b"x" * 5_000, b"\x1b[31mred", b"a\tb", "\u00fc".encode()]
_STATUS_LINES: Final[list[bytes]] = [
    b"",
    b"\r\n" * 100,
    b"HTTP/0.9 200 OK",
    b"HTTP/2.0 200 OK",
    b"HTTP/1.1 abc OK",
    b"HTTP/1.1 99 low",
    b"HTTP/1.1 -20 minus",
    b"HTTP/1.1 2000 long",
    b"HTTP/1.1  200 OK",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 103 Early Hints",
    b"ICY 200 OK",
    b"SSH-2.0-OpenSSH_9.9",
    b"PRI * HTTP/2.0",
    b"\x15\x03\x01\x00\x02\x02\x46",
    b"{}",
    b"HTTP/1.1 200 " + b"x" * 200_000,
]
_RETRY_AFTER: Final = [
    "0",
    "1",
    "-1",
    "1e9",
    "9" * 400,
    "\u0663",
    "",
    "soon",
    "Wed, 21 Oct 2065 07:28:00 GMT",
    "Mon, 99 Foo 0 9:9:9 +99999",
]


class Hostile:
    """The behaviour of a server for one run.

    Args:
        seed: Of everything that it does.
        elsewhere: Where its redirects lead: the URL of another server.
        honest_lists: Whether lists are what they should be, so that a single module is asked for.
        honest_at_first: Whether the first responses may be what they should be.
    """

    def __init__(self, seed: int, elsewhere: str, *, honest_lists: bool = False, honest_at_first: bool = True) -> None:
        self._random = Random(seed)
        self._elsewhere = elsewhere
        self._honest_lists = honest_lists
        self._listed: list[Any] = [] if honest_lists else self._random.choice([[], [MODULE]])
        # So that the later requests of an operation are met by something odd as often as its first.
        self._honest_at_first = self._random.choice([0, 0, 0, 1, 2, 3]) if honest_at_first else 0
        self._honesty = self._random.choice([0.0, 0.0, 0.3, 0.6])
        # A body is read only if what is around it is in order.
        self._is_tidy = self._random.random() < 0.6
        self._bodies = BODIES if self._random.random() < 0.5 else [self._random.choice(BODIES)]
        self._token = ""
        self.output: list[str] = []

    def __call__(self, server: RawServer, connection: socket.socket, seen: Seen) -> bool:
        self._token = seen.headers.get("authorization", "").rpartition(" ")[2]
        status, value = self._honest(seen)
        is_list = seen.method == "GET" and seen.target.partition("?")[0].endswith("/")
        is_honest = len(self.output) < self._honest_at_first or self._random.random() < self._honesty
        if is_honest or (is_list and self._honest_lists):
            self.output.append(f"{seen.method} {status}")
            body = b"" if value is None else json.dumps(value).encode()
            connection.sendall(_head(status, [("content-length", str(len(body)))]) + body)
            return True
        self.output.append(f"{seen.method} ")
        with suppress(OSError):  # a client that has had enough is right
            return self._tidy(connection, status, value) if self._is_tidy else self._response(connection, status, value)
        return False

    def _honest(self, seen: Seen) -> tuple[int, Any]:
        match seen.method:
            case "POST":
                asked = json.loads(seen.body)
                return 201, {"key": "made", **asked}
            case "PUT":
                return 200, {"key": KEY, **json.loads(seen.body)}
            case "DELETE":
                return 204, None
        if seen.target.partition("?")[0].endswith("/"):
            return 200, self._listed
        return (200, MODULE) if seen.target.endswith(KEY) else (404, {"message": "no such module"})

    def _tidy(self, connection: socket.socket, status: int, value: Any) -> bool:
        """Nothing is wrong but the body, and where that is an error's, the status."""
        random = self._random
        if random.random() < 0.05:
            return self._echo(connection, value)
        kind = random.choice(self._bodies)
        if kind in (words, page_of_html, broken_html) or random.random() < 0.1:
            status = random.choice(_STATUSES)
        body = b"" if status in (204, 304) else kind(random, value)
        self._note(f"{kind.__name__}, {status}")
        headers = [*self._redirect(status), ("content-length", str(len(body)))]
        connection.sendall(_head(status, headers) + body)
        return True

    def _echo(self, connection: socket.socket, value: Any) -> bool:
        """The token in the response, where a message might show it: as it is, as JSON may escape it, or in pieces."""
        random, token = self._random, self._token
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in token)
        written = random.choice([token, escaped, f"{token[:5]}\x1b[0m{token[5:]}"])
        status = random.choice([200, 201, 302, 400, 401, 404, 422, 429, 500, 503])
        body = random.choice(
            [f'{{"message": "no: {written}"}}', f"<html><body>{written}", f'{{"error": {{"title": ["{written}"]}}}}']
        )
        self._note(f"echo, {status}, {body}")
        headers = [("location", f"http://{token}.example/{token}"), ("content-length", str(len(body))), ("x-token", token)]
        connection.sendall(b"HTTP/1.1 %d %s\r\n" % (status, token.encode()) + _lines(headers) + body.encode())
        return True

    def _response(self, connection: socket.socket, status: int, value: Any) -> bool:
        random = self._random
        draw = random.random()
        if draw < 0.02:
            return self._note("silent") or _waits_for_the_end(connection)
        if draw < 0.04:
            return self._note("dripping") or _drips(connection, _head(200, []) + b" " * 1000)
        if draw < 0.08:
            return self._note("closed") or (random.random() < 0.5 and _resets(connection))
        if draw < 0.14:
            line = random.choice(_STATUS_LINES)
            self._note(f"line {line[:30]!r}")
            connection.sendall(line + b"\r\ncontent-length: 2\r\n\r\n{}")
            return random.random() < 0.5
        kind = random.choice(self._bodies)
        self._note(kind.__name__)
        body = kind(random, value)
        if random.random() < 0.6:
            status = random.choice(_STATUSES)
        reason = b"OK" if random.random() < 0.8 else random.choice(_REASONS)
        head, body, keep = self._framed(body, [*self._redirect(status), *_odd_headers(random)])
        self._note(f"{status} in {len(head) + len(body)} bytes")
        data = b"HTTP/1.1 %d %s\r\n" % (status, reason) + head + body
        if random.random() < 0.05:
            data = data[: random.randrange(len(data))]
            keep = False
        connection.sendall(data)
        return keep

    def _note(self, text: str) -> bool:
        self.output[-1] += f"{text}; "
        return False

    def _redirect(self, status: int) -> list[tuple[str, str]]:
        if not 300 <= status < 400 and self._random.random() < 0.9:
            return []
        host = self._elsewhere.removeprefix("http://")
        return [
            (
                "location",
                self._random.choice(
                    [
                        self._elsewhere,
                        f"{self._elsewhere}/forge/installation/v1/dynamic/module/",
                        f"//{host}/",
                        f"http://user:password@{host}/",
                        f"http://\x1b[31m{host}/",
                        f"http://{'x' * 5_000}.example/",
                        "http://[",
                        "http://\u00fc\u202e.example/",
                        "file:///etc/passwd",
                        "javascript:alert(1)",
                        "/same/path",
                        "?",
                        "",
                        "http://" + "a." * 200,
                        "http://h:99999999/",
                    ]
                ),
            )
        ]

    def _framed(self, body: bytes, headers: list[tuple[str, str]]) -> tuple[bytes, bytes, bool]:
        random = self._random
        body, encoding = _encoded(random, body)
        headers = [*headers, *encoding]
        how = random.choice(["length"] * 6 + ["chunked", "chunked", "close", "short", "long", "strange", "both", "bad chunks"])
        self._note(how)
        length = len(body)
        if how in ("chunked", "bad chunks"):
            body = _chunked(random, body, good=how == "chunked")
            headers.append(("transfer-encoding", random.choice(["chunked"] * 4 + ["gzip, chunked", "identity", "Chunked", "x"])))
        elif how == "both":
            headers += [("content-length", str(length)), ("transfer-encoding", "chunked")]
        elif how != "close":
            value = {"length": str(length), "short": str(length // 2), "long": str(length + 7)}.get(how)
            headers.append(
                (
                    "content-length",
                    value or random.choice(["-1", "1e3", "\u0663", "9" * 30, "", "0x10", f"{length}, {length}", "1, 2"]),
                )
            )
        random.shuffle(headers)
        return _lines(headers), body, how in ("length", "chunked", "short")


# --- the parts --------------------------------------------------------------------------------------------------------------


def _head(status: int, headers: list[tuple[str, str]]) -> bytes:
    return b"HTTP/1.1 %d OK\r\n" % status + _lines(headers)


def _lines(headers: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("utf-8", "surrogateescape") + b"\r\n"


def _odd_headers(random: Random) -> list[tuple[str, str]]:
    found = [("retry-after", random.choice(_RETRY_AFTER))] if random.random() < 0.3 else []
    odd = [
        ("content-type", random.choice(["text/html; charset=utf-16", "application/json; charset=\u00fc", "x"])),
        ("set-cookie", random.choice(["a=b; domain=.localhost", "=", "\x01", "a=" + "b" * 5_000])),
        ("date", random.choice(["never", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 99999 07:28:00 GMT"])),
        ("x-long", "y" * random.choice([10_000, 60_000, 200_000])),
        ("x-odd", random.choice(["\x00", "\udcff", "a\r\n folded", "a\rb", "\u00fc", "\t"])),
        ("bad name", "x"),
        ("", "no name"),
        ("connection", random.choice(["close", "keep-alive", "upgrade", "\u00fc"])),
        ("link", '<http://evil.example/>; rel="next"'),
    ]
    found += [random.choice(odd) for _ in range(random.choice([0, 0, 0, 0, 0, 1, 1, 2]))]
    if random.random() < 0.02:
        found += [(f"x-{number}", "y") for number in range(2_000)]
    return found


def _encoded(random: Random, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    if random.random() < 0.75:
        return body, []
    kind = random.choice(["gzip"] * 3 + ["cut", "trailing", "not", "twice", "deflate", "br", "bomb", "bomb", "odd"])
    packed = gzip.compress(body, 1)
    match kind:
        case "cut":
            packed = packed[: random.randrange(len(packed))]
        case "trailing":
            packed += b"more" * 100
        case "not":
            packed = body
        case "twice":
            packed = gzip.compress(packed)
        case "deflate":
            return zlib.compress(body), [("content-encoding", "deflate")]
        case "br":
            return body, [("content-encoding", random.choice(["br", "zstd", "compress"]))]
        case "bomb":
            packed = bomb()
        case "odd":
            return packed, [("content-encoding", random.choice(["GZIP", "gzip, gzip", "gzip,", "\u00fc", " x-gzip "]))]
    return packed, [("content-encoding", "gzip")]


@functools.cache
def bomb(megabytes: int = 200) -> bytes:
    """Few bytes that become many; made without ever holding the many."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = b" " * MEGABYTE
    return b"".join([*(compressor.compress(block) for _ in range(megabytes)), compressor.flush()])


def _chunked(random: Random, body: bytes, *, good: bool) -> bytes:
    size = max(1, random.choice([1000, 50_000, 1_000_000]))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    if good:
        return data + b"0\r\n\r\n"
    return random.choice(
        [
            b"zz\r\n",
            b"ffffffffffffffff\r\n",
            b"-1\r\n",
            b"5;" + b"x" * 100_000,
            data,
            b"3\r\nabcdef\r\n0\r\n\r\n",
            data + b"0\r\nx: y\r\n",
        ]
    )


def _waits_for_the_end(connection: socket.socket) -> bool:
    connection.settimeout(_LONGEST_WAIT)
    connection.recv(1)
    return False


def _drips(connection: socket.socket, data: bytes) -> bool:
    ends = time.monotonic() + _LONGEST_WAIT
    for position in range(len(data)):
        if time.monotonic() > ends:
            break
        connection.sendall(data[position : position + 1])
        time.sleep(0.02)
    return False


def _resets(connection: socket.socket) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
