"""No spelling of a secret is shown, and other text is left as it is."""

from __future__ import annotations

import base64
import html
import json
import time
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_atlassian_forge.redaction import redact, redact_known, redact_opaque, remember

OPAQUE = "Zk3xFfGN0abcdEFGHIJ+cd/ef=A1B2C3D4"
ATLASSIAN = "ATCTT3xFfGN0abcdEFGHIJ=A1B2C3D4"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3OTAwMDAwMDB9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
TOKENS = {"opaque": OPAQUE, "of Atlassian": ATLASSIAN, "JWT": JWT}

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "percent-encoded": lambda token: urllib.parse.quote(token, safe=""),
    "percent-encoded twice": lambda token: urllib.parse.quote(urllib.parse.quote(token, safe=""), safe=""),
    "every character percent-encoded": lambda token: "".join(f"%{ord(letter):02x}" for letter in token),
    "JSON of PHP": lambda token: token.replace("/", "\\/"),
    "JSON escapes": lambda token: token.replace("=", "\\u003d").replace("+", "\\u002b"),
    "JSON escapes of all": lambda token: "".join(f"\\u{ord(letter):04X}" for letter in token),
    "JSON within JSON": lambda token: json.dumps(json.dumps("".join(f"\\u{ord(letter):04x}" for letter in token))),
    "HTML entities": lambda token: "".join(f"&#{ord(letter)};" for letter in token),
    "hexadecimal entities": lambda token: "".join(f"&#x{ord(letter):x};" for letter in token),
    "escaped HTML": lambda token: html.escape("".join(f"&#{ord(letter)};" for letter in token)),
    "UTF-16": "\0".join,
    "spaced out": " ".join,
    "zero-width spaces": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "invisible tags": "\U000e0041".join,
    "colors": lambda token: f"{token[:9]}\x1b[31m{token[9:17]}\x1b[0m{token[17:]}",
    "a window title in it": lambda token: f"{token[:9]}\x1b]0;title\x07{token[9:]}",
    "wbr": lambda token: "<wbr>".join(token[at : at + 7] for at in range(0, len(token), 7)),
    "spans": lambda token: "".join(f'<span class="t">{token[at : at + 7]}</span>' for at in range(0, len(token), 7)),
    "lines": lambda token: "\r\n  ".join(token[at : at + 19] for at in range(0, len(token), 19)),
    "lines in JSON": lambda token: "\\n".join(token[at : at + 19] for at in range(0, len(token), 19)),
    "quoted-printable": lambda token: token.replace("=", "=3D"),
    "Base64": lambda token: base64.b64encode(token.encode()).decode(),
    "Base64 of the header": lambda token: base64.b64encode(f"Authorization: Bearer {token}\r\n".encode()).decode(),
    "Base64 of basic": lambda token: base64.urlsafe_b64encode(f"a:{token}".encode()).decode().rstrip("="),
    "hexadecimal": lambda token: token.encode().hex(),
    "a buffer of Node.js": lambda token: json.dumps({"type": "Buffer", "data": [*token.encode()]}),
    "a hexadecimal dump": lambda token: token.encode().hex(" "),
    "Base64 of UTF-16": lambda token: base64.b64encode(f"a {token}".encode("utf-16-le")).decode(),
    "entities without an end": lambda token: "".join(f"&#{ord(letter)}" for letter in token),
    "escapes of JavaScript": lambda token: "".join(f"%u{ord(letter):04x}" for letter in token),
    "NFD and upper case": lambda token: "".join(f"{letter}\u0301" for letter in token),
    "full width": lambda token: "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in token),
    "the beginning": lambda token: token[:24],
    "the end": lambda token: token[-20:],
    "quoted pieces": lambda token: f'"{token[:12]}" + "{token[12:]}"',
}


def left(shown: str, spelling: str, token: str, around: str = "") -> list[str]:
    """The pieces of a spelled token that are still shown; those that are around it, or in the spelling of any token, may be."""
    spelled, anyones = SPELLINGS[spelling](token), SPELLINGS[spelling]("~" * len(token))
    # What they begin with may be a word in Base64, whose last letter has a bit of the token.
    same = next((at for at, (one, other) in enumerate(zip(spelled, anyones, strict=False)) if one != other), 0)
    pieces = (spelled[at : at + 12] for at in range(same and same + 1, max(same + 2, len(spelled) - 11)))
    return [piece for piece in pieces if piece in shown and piece not in around and piece not in anyones]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", TOKENS)
def test_no_spelling_of_a_token_is_shown(kind: str, spelling: str) -> None:
    spelled = SPELLINGS[spelling](TOKENS[kind])
    shown = redact(f"the header was {spelled} and is refused", [TOKENS[kind]])
    assert left(shown, spelling, TOKENS[kind]) == []
    assert shown.startswith("the header was ")
    assert shown.endswith(" and is refused")
    remember([TOKENS[kind]])
    assert left(redact_known(spelled), spelling, TOKENS[kind]) == []


TOKEN_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
AROUND = st.text(st.characters(codec="utf-8"), max_size=30).map(lambda text: text + " ")


@given(
    st.text(TOKEN_LETTERS + "+/=-_.~", min_size=24, max_size=90).filter(lambda text: sum(map(str.isalnum, text)) >= 24),
    st.sampled_from(sorted(SPELLINGS)),
    AROUND,
    AROUND,
)
def test_any_token_in_any_spelling_in_any_text(token: str, spelling: str, before: str, after: str) -> None:
    spelled = SPELLINGS[spelling](token)
    shown = redact(f"{before}{spelled} {after}", [token])
    assert left(shown, spelling, token, f"{before} {after}") == []


ORDINARY = (
    "the function bug-hook is not in the manifest HTTP 422: 401: token authorization failed: invalid_token expired "
    "avi:jira:updated:issue event.issue.fields?.issuetype.name == 'B' 1.2.3 https://api.atlassian.com/forge/v1?limit=9&cursor=a "
    "50% of a < b && c > d \\ \\n C:\\new\\users /var/run/secrets/token user@example.com Tiếng Việt smörgås 日本語 👩\u200d💻 "
    'ATLASSIAN_FORGE_TOKEN (or atlassian-forge:token) &amp; &lt;b&gt; <html> {"code": 401} 0e6c8d3a-1b2c-4d5e-8f90-a1b2c3d4e5f6'
)


@given(st.lists(st.sampled_from(ORDINARY.split(" ")), max_size=40).map(" ".join), st.sampled_from(sorted(TOKENS.values())))
def test_ordinary_text_is_left_as_it_is(text: str, token: str) -> None:
    assert redact(text, [token, "hunter2!", "hush-9912"]) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"got {JWT} back", "got [redacted] back"),
        (f"got {JWT[:40]}", "got [redacted]"),
        ("e y J h b G c i O i J F U z I 1 N i J 9 . e y J l e H A i", "[redacted]"),
        (f"cut {JWT[:30]}\n   {JWT[30:]}", "cut [redacted]"),
        ("eyJhbGciOiJF\x1b[31mUzI1NiJ9.eyJleHAi.abc", "[redacted]"),
        ("ATATT3xFfGN0abcdEFGHIJ=A1B2C3D4 is old", "[redacted] is old"),
        ("> Authorization: Bearer hvs.CAESabc", "> Authorization: Bearer [redacted]"),
        ("authorization: 0123456789abcdef", "authorization: [redacted]"),
        ("proxy-authorization: Basic dXNlcjpwYXNz", "proxy-authorization: Basic [redacted]"),
        ('{"access_token": "abcdef123456"}', '{"access_token": "[redacted]"}'),
        ("?token=abcdef123456&x=1", "?token=[redacted]&x=1"),
        ("http://user:S3CRET-PASS@proxy:80/x", "http://[redacted]@proxy:80/x"),
        ("QmVhcmVyIGFiY2RlZmdoaWprbG0=", "[redacted]"),
    ],
)
def test_what_looks_like_a_secret_is_not_shown_although_nobody_knows_it(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        'curl -X DELETE -H "Authorization: Bearer $ATLASSIAN_FORGE_TOKEN" https://api.atlassian.com/x',
        "pulumi config set --secret atlassian-forge:token <token>",
        "the token begins with the word Bearer, which the provider adds: give the token alone",
        "HTTP 401: Authorization failed",
        "Authorization: required",
        "see https://registry.npmjs.org/@forge/manifest",
    ],
)
def test_our_own_words_about_tokens_are_shown(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("said hunter2!", "said [redacted]"),
        ("said h u n t e r 2 !", "said [redacted]"),
        ("said hunter\n2!", "said [redacted]!"),
        ("said hunter%32!", "said [redacted]"),
        ("a hunter 2! years old", "a hunter 2! years old"),
        ("PIN 4711 is wrong", "PIN [redacted] is wrong"),
        ("47110 is another", "47110 is another"),
    ],
)
def test_a_short_secret_is_not_made_of_other_words(text: str, shown: str) -> None:
    remember(["hunter2!", "4711"], shortest=4)
    assert redact(text) == shown


@pytest.mark.parametrize("secret", ['a"b\\c/d!e', "x'y\"z%&`", '!!!""\'\\###', 'p"ss\\'])
def test_a_secret_of_signs_is_found_although_they_are_escaped(secret: str) -> None:
    remember([secret], shortest=4)
    once = json.dumps(secret)[1:-1]
    for spelled in (once, json.dumps(once)[1:-1], repr(secret)[1:-1], secret.replace("'", "\\'"), html.escape(secret)):
        assert redact(f"said ({spelled})") == "said ([redacted])"


@pytest.mark.parametrize("spelled", ["h\x1b[1mus\x1b[mh", "h%75sh", "\\u0068ush", "h<b>us</b>h", "h\u200bush", "h&#117;sh"])
def test_a_secret_of_one_short_word_is_found_in_other_spellings(spelled: str) -> None:
    remember(["hush"], shortest=4)
    assert redact(f"said {spelled} to hushed") == "said [redacted] to hushed"


def test_an_unknown_word_of_letters_and_digits_is_not_shown_of_a_program_that_handles_secrets() -> None:
    text = "/usr/lib/python3.11/site-packages/a1b2c3d4e5f6a7b8c9d0e1f2: CAESIJabcdefghij1234567890 at https://sso.example/x"
    assert redact_opaque(text) == text.replace("CAESIJabcdefghij1234567890", "[redacted]")


def test_an_enormous_text_and_many_secrets_take_no_time() -> None:
    began = time.process_time()
    redact("<b>an</b> error &amp; page %41 " * 2_200, [OPAQUE])
    redact("a" * 65_536, ["a" * 80, OPAQUE])
    for part in ("token=$", "\\", "%25", "&amp;", "<", "\x1b]", "eyJ", "a ", "://", "authorization: "):
        redact((part * 65_536)[:65_536], [OPAQUE])
    remember(f"value number {number} of a stack that is all secret" for number in range(1000))
    redact("an ordinary refusal of 300 characters " * 8)
    assert time.process_time() - began < 6


def test_a_secret_that_repeats_itself_takes_no_time() -> None:
    remember(["a" * 4_000, "lorem ipsum dolor " * 500])
    began = time.process_time()
    assert redact("a" * 16_000) == redact("lorem ipsum dolor " * 900).strip() == "[redacted]"
    assert time.process_time() - began < 6


def test_the_spellings_of_many_secrets_are_computed_once() -> None:
    remember(f"value number {number} of a stack {number * 7919}" for number in range(5_000))
    seconds = []
    for _ in range(2):
        began = time.process_time()
        redact("an ordinary text")
        seconds.append(time.process_time() - began)
    first, second = seconds
    assert second < first / 2
