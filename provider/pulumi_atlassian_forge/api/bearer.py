"""What a token is sent with, and who sets one must not give: looked at before there is a client, so it stands alone."""

from __future__ import annotations

import re
from typing import Final

_WITH_SCHEME: Final = re.compile(r"\s*(?:authorization\s*:\s*)?bearer[\s:]", re.IGNORECASE)


def names_its_scheme(token: str) -> str | None:
    """Why a text is more than a token: somebody copied the header that one is sent in. None where it is not."""
    if _WITH_SCHEME.match(token) is None:
        return None
    return "begins with the word Bearer, which is put before it when it is sent: give the token alone"
