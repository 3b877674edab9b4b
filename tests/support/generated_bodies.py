"""Random bodies of responses: invalid ones, and some valid ones.

A body is derived from the valid response, as a value or None.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.support.raw_server import MEGABYTE

KEY: Final = "watched"
MODULE: Final[dict[str, Any]] = {
    "key": KEY,
    "type": "trigger",
    "data": {"events": ["avi:jira:updated:issue"], "endpoint": "hook"},
}

ODD_TEXTS: Final = [
    "",
    ".",
    "..",
    "a/b",
    "../../other",
    "%2e%2e",
    "%2F",
    "a b",
    "\u00fc\U0001f600",
    "x" * 10_000,
    "\u00fc" * 5_000,
    "a\r\nset-cookie: b",
    "\n" * 50,
    "\x00",
    "\x07\x08\x7f",
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07",
    "\x9b2K",
    "\u202egnp.exe",
    "\u2028line\u2029",
    "\ufeff",
    "\ud800",
    "a\udfff",
    "<script>alert(1)</script>",
    "<html><title>502</title><h1>Bad\x1b[31m gateway</h1></html>",
    "%s %d {0} {key}",
]

Body = Callable[[Random, Any], bytes]


def dumped(random: Random, value: Any) -> bytes:
    """JSON, as a rule without escapes, so that it holds what no JSON may hold."""
    escaped = random.random() < 0.5
    return json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def odd_text(random: Random) -> str:
    return random.choice(ODD_TEXTS) if random.random() < 0.8 else "".join(chr(random.randrange(1, 0x300)) for _ in range(20))


def odd_value(random: Random, depth: int = 0) -> Any:
    draw = random.random()
    if depth < 4 and draw < 0.25:
        return [odd_value(random, depth + 1) for _ in range(random.randrange(4))]
    if depth < 4 and draw < 0.6:
        names = ["key", "type", "data", "result", "message", "lastEvaluatedKey", "errors", odd_text(random)]
        return {random.choice(names): odd_value(random, depth + 1) for _ in range(random.randrange(5))}
    return random.choice([None, True, 0, -1, 1.5, 2**70, float("nan"), float("-inf"), 1e308, "text", odd_text(random)])


def as_it_should_be(random: Random, honest: Any) -> bytes:
    return b"" if honest is None else json.dumps(honest).encode()


def cut(random: Random, honest: Any) -> bytes:
    body = as_it_should_be(random, honest)
    return body[: random.randrange(len(body) + 1)]


def flipped(random: Random, honest: Any) -> bytes:
    body = bytearray(as_it_should_be(random, honest) or b"{}")
    for _ in range(random.randrange(1, 5)):
        body[random.randrange(len(body))] = random.randrange(256)
    return bytes(body)


def marked(random: Random, honest: Any) -> bytes:
    text = json.dumps(honest if honest is not None else MODULE)
    return text.encode(random.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7"]))


def deep(random: Random, honest: Any) -> bytes:
    opening, inner, closing = random.choice([(b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b'[{"data":', b"{}", b"}]")])
    levels = random.choice([20, 30, 70, 500, 5_000, 20_000])
    body = opening * levels + (inner + closing * levels if random.random() < 0.7 else b"")
    return body if random.random() < 0.5 else b'{"key":"watched","type":"trigger","data":{"x":' + body + b"}}"


def numbers(random: Random, honest: Any) -> bytes:
    number = random.choice(
        ["1e999", "-1e999", "9" * 400, "9" * 5_000, "NaN", "-Infinity", "1e-999", "01", "0x1", "1" * 300, "-0"]
    )
    module = json.dumps({**MODULE, "data": {**MODULE["data"], "n": "here"}}).replace('"here"', number)
    return random.choice([module, f"[{module}]", number, f'{{"message": {number}}}']).encode()


def doubled(random: Random, honest: Any) -> bytes:
    one = json.dumps(MODULE)[1:-1]
    return random.choice(
        [f'{{{one}, "key": "other"}}', f'{{{one}, "data": []}}', f'{{"message": "a", "message": 1, {one}}}']
    ).encode()


def shapes(random: Random, honest: Any) -> bytes:
    return dumped(random, odd_value(random))


def numbers_for_modules(random: Random, honest: Any) -> bytes:
    return json.dumps(list(range(random.choice([0, 3, 10_000])))).encode()


def incomplete(random: Random, honest: Any) -> bytes:
    module = dict(MODULE)
    module.pop(random.choice(list(module)))
    module |= random.choice([{}, {"key": 3}, {"type": None}, {"data": []}, {"type": ""}, {"data": "x"}])
    return json.dumps(random.choice([module, [module], [MODULE, module], {"result": [module]}])).encode()


def foreign(random: Random, honest: Any) -> bytes:
    """Modules with the content that was sent, under keys that no client would ask for."""
    content = honest if isinstance(honest, dict) and "type" in honest else MODULE
    found = [{**content, "key": odd_text(random) or "k"} for _ in range(random.choice([1, 1, 2, 30]))]
    if random.random() < 0.3:
        found.append({**MODULE, "data": {odd_text(random): odd_value(random)}})
    return dumped(
        random, random.choice([found, found[0], {"result": found}, {"values": found, "nextPageToken": odd_text(random)}])
    )


def pages(random: Random, honest: Any) -> bytes:
    """A list that never ends, or goes round."""
    cursor = random.choice(["again", str(random.random()), odd_text(random), 3, {}])
    return dumped(random, {"result": random.choice([[], [MODULE]]), random.choice(["lastEvaluatedKey", "nextPageToken"]): cursor})


def words(random: Random, honest: Any) -> bytes:
    """What an error has to say."""
    text = odd_text(random) + random.choice(["", "\x1b[1mloud", "\r\nHTTP/1.1 200 OK", "x" * 100_000])
    shape = random.choice(["message", "errors", "list", "nested", "plain"])
    value = {
        "message": {"message": text},
        "errors": {"errors": [{"title": text, "status": 1}]},
        "list": {"errorMessages": [text, text]},
        "nested": {"error": {"error": {"error": {"message": text}}}},
    }
    return text.encode("utf-8", "surrogatepass") if shape == "plain" else dumped(random, value[shape])


def page_of_html(random: Random, honest: Any) -> bytes:
    text = odd_text(random)
    return f"<!DOCTYPE html><html><head><title>{text}</title><style>{'x' * 1000}</style></head><body><p>{text}<br".encode(
        "utf-8", "replace"
    )


_MARKUP: Final = [
    *("<![x", "<![CDATA[", "<![if x]>", "<![endif", "]]>", "<!--", "-->", "<!", "<!DOCTYPE x [", "<?xml", "?>", "</", "/>"),
    *("<a href='", '<a b="', "<script>", "</script", "<style", "<title>", "<p>", "<br", ">", "<", "&#x110000;", "&#xd800;"),
    *("&#", "&amp", "&notit;", "\x00", "%s", "[", "]", "=", "'", '"', "502 Bad Gateway", "\u202e", "\x1b[2J", "\n"),
]


def broken_html(random: Random, honest: Any) -> bytes:
    """Markup that Python's parser reads, ignores or raises an AssertionError at."""
    pieces = (random.choice(_MARKUP) for _ in range(random.choice([1, 3, 10, 100, 2_000])))
    return (random.choice(["<html>", "<!doctype html>", "<p>", ""]) + "".join(pieces)).encode()


def large(random: Random, honest: Any) -> bytes:
    return random.choice([b" " * (9 * MEGABYTE), b'["' + b"x" * (7 * MEGABYTE) + b'"]', b"\x00" * 100_000])


def noise(random: Random, honest: Any) -> bytes:
    return random.randbytes(random.randrange(200))


BODIES: Final[list[Body]] = [
    *(as_it_should_be, cut, flipped, marked, deep, numbers, doubled, shapes, shapes, numbers_for_modules, incomplete),
    *(foreign, foreign, foreign, pages, pages, words, words, words, page_of_html, broken_html, noise),
    *(as_it_should_be, cut, flipped, marked, deep, numbers, doubled, shapes, shapes, numbers_for_modules, incomplete),
    *(foreign, foreign, foreign, pages, pages, words, words, words, page_of_html, broken_html, large),
]
