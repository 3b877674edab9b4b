"""Redactor: replaces the secrets of this process, and what looks like one, however a text spells it.

A server or a command may send a secret back in many forms: line-wrapped, percent-encoded, as UTF-16, with color codes or tags
inside, escaped for JSON or HTML, in Base64, cut short. A list of spellings is never complete. So a text and a secret are compared
by their *skeletons*: escapes are decoded, and only letters and digits count, without case and accents. A match is replaced where
it stands in the original text.

The secrets are a property of the process, as the masks of a CI system are: whoever reads one calls :func:`remember`.
"""

from __future__ import annotations

import base64
import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

REDACTED: Final = "[redacted]"

SECRET_MIN_LENGTH: Final = 6
"""Characters of a value that is redacted wherever it stands: a shorter one would be redacted out of ordinary words."""

WORD_MIN_LENGTH: Final = 4
"""Characters of a value that is redacted where it is a whole word."""

_PIECE: Final = 16  # letters and digits of a long secret that are redacted alone: a text may be cut at both ends
_JOINED: Final = 12  # letters and digits of a secret that is found although a text has spaces inside it
_SECRET_MAX_LENGTH: Final = 8192  # characters of one that stands across the end of what is searched
_ENCODED_MIN: Final = 7  # letters and digits of an encoded form that is searched for

_known: dict[str, None] = {}

# The patterns are texts, which `re` compiles when they are first used: most programs print no message.
# What a view leaves out, and what it decodes. Repeated prefixes: what was escaped twice.
_DECODED: Final = (
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[P^_X][^\x1b]*(?:\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?"
    r"|(?P<dropped>[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]+)"
    r"|&(?:amp;)*(?P<entity>#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[A-Za-z]{2,8}(?=;));?"
    r"|(?P<bytes>(?:%(?:25)*[89A-Fa-f][0-9A-Fa-f])+)"
    r"|%(?:25)*(?P<byte>[0-7][0-9A-Fa-f])"
    r"|(?:(?<!\\)\\+|%(?:25)*)u\{?(?P<unit>[0-9A-Fa-f]{4})\}?"
    r"|(?<!\\)\\+x(?P<hex>[0-9A-Fa-f]{2})"
    r"|(?<!\\)\\+[nrtbfv0](?P<space>)"
    r"|\\(?P<sign>[\"'`/\\])"
    r"|=(?P<quoted>[0-9A-F]{2})"
    r"|=\r?\n"
)
_TAGS: Final = r"<[^<>]{0,500}>"
_SPACED: Final = r"(?<!\S)(?:[!-~][ \t]){7,}[!-~](?!\S)"
_WORDS: Final = r"[^\W_]+"

_OPAQUE: Final = (
    r"(?=[^\s\"'<>,;&]{0,256}\d|[^\s\"'<>,;&]{20})[^\s\"'<>,;&$\[\]]{8,}"  # a value that is no word: with a digit, or long
)
_LONG_OPAQUE: Final = r"(?=[\w+=-]{0,256}\d)(?=[\w+=-]{0,256}[^\W\d_])[\w+=-]{20,}"
_LIKE_SECRETS: Final = (
    r"eyJ[\w-]{8,}(?:\.[\w-]*){0,4}(?:[ \t]*\r?\n[ \t>|]*[\w.-]{16,})*"  # a JWT, also line-wrapped
    r"|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"
    r"|AT(?:ATT|CTT)[\w=-]+(?:[ \t]*\r?\n[ \t>|]*[\w=-]{16,})*"  # API tokens of Atlassian
    r"|(?:gh[pousr]|github_pat|glpat|xox[abeoprs]|hv[sbr])[-_.][\w.-]{16,}"
    r"|\b(?:QmVhcmVyI|QVRBVFQ|QVRDVFQ|ZXlK)[\w+/=-]{12,}"  # Base64 of "Bearer ", ATATT, ATCTT and eyJ
    r"|(?i:\bauthorization[\"']?\s*[:=]\s*[\"']?[a-z]+\s+(?P<credentials>[^\s\"'<>,;$\[\]]{6,}))"
    r"|(?i:\b(?:authorization|cookie)[\"']?\s*[:=]\s*[\"']?(?P<header>" + _OPAQUE + r"))"
    r"|(?i:\b(?:bearer|basic)\s+(?P<scheme>" + _OPAQUE + r"))"
    r"|(?i:(?:token|secret|password|passwd|api[-_]?key|access[-_]?key|signature)[\"']?\s*[:=]\s*[\"']?(?P<named>"
    + _OPAQUE
    + r"))"
    r"|://(?P<user>[^\s/?#\"'<>]*)@"
)


@dataclass(frozen=True, slots=True)
class _View:
    """A text in another form; for each of its characters the place in the original text."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def remember(values: Iterable[str], *, shortest: int = SECRET_MIN_LENGTH) -> None:
    """Redact these values from now on, in every message of this process; those below ``shortest`` characters are ignored."""
    _known.update((value, None) for value in values if len(value.strip()) >= shortest)


def forget() -> None:
    """Forget all remembered values: for tests, which share a process."""
    _known.clear()


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """A text on its way to a terminal or a log, without secrets: these, the remembered ones, and what looks like one."""
    return _replaced(text, _spans(text, secrets))


def redact_beginning(text: str, length: int, secrets: Iterable[str] = ()) -> str:
    """:func:`redact` for the first ``length`` characters of a text. A secret that stands across their end is seen whole."""
    spans = _spans(text[: length + _SECRET_MAX_LENGTH], secrets)
    return _replaced(text[:length], [(start, min(end, length)) for start, end in spans if start < length])


def redact_known(text: str) -> str:
    """A text of the user's own data, without the secrets that are remembered. What only looks like one stays."""
    return _replaced(text, _known_spans(text, _views(text), [*_known])) if _known else text


def redact_opaque(text: str, secrets: Iterable[str] = ()) -> str:
    """:func:`redact` for the output of a program that handles secrets: without long words of letters and digits, too."""
    views = _views(text)
    opaque = [
        (view.starts[found.start()], view.ends[found.end() - 1])
        for view in views
        for word in re.finditer(r"[^\s\"'<>(){},;]+", view.text)
        if not word[0].startswith(("/", "~", "./", "../")) and "://" not in word[0]
        for found in re.compile(_LONG_OPAQUE).finditer(view.text, *word.span())
    ]
    return _replaced(redact(_replaced(text, opaque), secrets), ())


def looks_opaque(value: str) -> bool:
    """Whether a value that ought to be a path or a name looks like a secret."""
    return redact(value) != value or re.search(_LONG_OPAQUE, value) is not None


def _spans(text: str, secrets: Iterable[str]) -> list[tuple[int, int]]:
    views = _views(text)
    spans = [span for view in views for span in _like_secrets(view)]
    return [*spans, *_known_spans(text, views, [*_known, *filter(None, secrets)])]


def _replaced(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces, position = [], 0
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    for start, end in merged:
        pieces += [text[position:start], REDACTED]
        position = end
    return "".join([*pieces, text[position:]]) if merged else text


def _like_secrets(view: _View) -> Iterator[tuple[int, int]]:
    """What looks like a secret: the value alone, if its name tells that it is one."""
    for found in re.finditer(_LIKE_SECRETS, view.text):
        start, end = found.span(found.lastgroup or 0)
        if start < end:
            yield view.starts[start], view.ends[end - 1]


def _known_spans(text: str, views: Sequence[_View], secrets: Iterable[str]) -> Iterator[tuple[int, int]]:
    skeletons = [_skeleton(view) for view in views]
    for secret in dict.fromkeys(secrets):
        if len(secret) < SECRET_MIN_LENGTH:
            yield from _words(views, secret)
            continue
        for view in views:
            for start in _positions(view.text, secret):
                yield view.starts[start], view.ends[start + len(secret) - 1]
        for needle in _needles(secret):
            for skeleton in skeletons:
                for start, end in _matches(skeleton.text, needle):
                    first, last = skeleton.starts[start], skeleton.ends[end - 1]
                    if end - start >= _JOINED or _is_joined(text[first:last], secret):
                        yield first, last


def _words(views: Sequence[_View], word: str) -> Iterator[tuple[int, int]]:
    """Where a view holds a text as a whole word."""
    for view in views:
        for found in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", view.text):
            yield view.starts[found.start()], view.ends[found.end() - 1]


def _positions(text: str, wanted: str) -> Iterator[int]:
    start = text.find(wanted)
    while start >= 0:
        yield start
        start = text.find(wanted, start + len(wanted))


def _matches(skeleton: str, needle: str) -> Iterator[tuple[int, int]]:
    """Where a skeleton holds the needle; of a long needle also a part of it."""
    length = min(len(needle), _PIECE)
    offsets = {*range(0, len(needle) - length + 1, length), len(needle) - length}
    covered = bytearray(len(skeleton))  # a text that repeats itself has every piece of such a needle at every place
    for offset in offsets:
        for position in _positions(skeleton, needle[offset : offset + length]):
            start, end, before, after = position, position + length, offset, offset + length
            if covered.find(0, start, end) < 0:
                continue
            while start and before and skeleton[start - 1] == needle[before - 1]:
                start, before = start - 1, before - 1
            while end < len(skeleton) and after < len(needle) and skeleton[end] == needle[after]:
                end, after = end + 1, after + 1
            if end - start == len(needle) or len(needle) > _PIECE + _ENCODED_MIN:
                covered[start:end] = b"\1" * (end - start)
                yield start, end


def _is_joined(raw: str, secret: str) -> bool:
    """Whether spaces inside the match of a short secret are a spelling of it, and not those between ordinary words."""
    blanks, own = sum(map(str.isspace, raw)), sum(map(str.isspace, secret))
    letters = sum(map(str.isalnum, raw))
    return blanks <= own or blanks >= letters - 1 or any(sign in raw for sign in "\r\n")


@functools.cache  # of the secrets of this process: with fewer places than secrets, every text would compute all of them again
def _needles(secret: str) -> tuple[str, ...]:
    """The skeletons to search for: that of the secret as it is, with its escapes decoded, in Base64, and its bytes as numbers."""
    views = _views(secret.strip())
    found = dict.fromkeys(_skeleton(view).text for view in views)
    encoded = []
    for encoding in ("utf-8", "utf-16-le"):
        data = secret.strip().encode(encoding, "surrogatepass")
        encoded += [data.hex(), "".join(map(str, data))]
        for shift in range(3):  # what stands before it decides on its form in Base64
            text = base64.b64encode(bytes(shift) + data).decode()
            encoded.append(text[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6])
    found.update((skeleton, None) for text in encoded if len(skeleton := _skeleton(_raw(text)).text) >= _ENCODED_MIN)
    return tuple(needle for needle in found if len(needle) >= SECRET_MIN_LENGTH)


def _views(text: str) -> list[_View]:
    """The text as it is, with its escapes decoded, without tags, and without the blanks of a text that is spaced out."""
    views = [_raw(text)]
    for pattern, replace in _STEPS:
        view = _derived(views[-1], pattern, replace)
        if view is not views[-1]:
            views.append(view)
    return views


def _raw(text: str) -> _View:
    return _View(text, range(len(text)), range(1, len(text) + 1))


def _derived(view: _View, pattern: str, replace: Callable[[re.Match[str]], str]) -> _View:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for found in re.finditer(pattern, view.text):
        start, end = found.span()
        piece = replace(found)
        pieces += [view.text[position:start], piece]
        starts += [*view.starts[position:start], *[view.starts[start]] * len(piece)]
        ends += [*view.ends[position:start], *[view.ends[end - 1]] * len(piece)]
        position = end
    if not position:
        return view
    pieces.append(view.text[position:])
    return _View("".join(pieces), [*starts, *view.starts[position:]], [*ends, *view.ends[position:]])


def _decoded(found: re.Match[str]) -> str:
    kind, text = found.lastgroup, found[found.lastgroup or 0]
    if kind in {"byte", "unit", "hex", "quoted"}:
        return chr(int(text, 16))
    if kind == "bytes":
        return bytes.fromhex(text.replace("%25", "%").replace("%", "")).decode("utf-8", "replace")
    if kind == "entity":
        from html import unescape  # noqa: PLC0415 - few texts have any

        return unescape(f"&{text};")
    return text if kind == "sign" else " " if kind == "space" else ""


def _nothing(_found: re.Match[str]) -> str:
    return ""


def _unspaced(found: re.Match[str]) -> str:
    return found[0][::2]


def _skeleton(view: _View) -> _View:
    """The letters and digits of a view, without case and accents."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for found in re.finditer(_WORDS, view.text):
        start, end = found.span()
        if found[0].isascii():
            pieces.append(found[0].lower())
            starts += view.starts[start:end]
            ends += view.ends[start:end]
            continue
        for index in range(start, end):
            folded = _folded(view.text[index])
            pieces.append(folded)
            starts += [view.starts[index]] * len(folded)
            ends += [view.ends[index]] * len(folded)
    return _View("".join(pieces), starts, ends)


@functools.lru_cache(maxsize=1024)
def _folded(letter: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", letter).casefold()))


_STEPS: Final = ((_DECODED, _decoded), (_DECODED, _decoded), (_DECODED, _decoded), (_TAGS, _nothing), (_SPACED, _unspaced))
