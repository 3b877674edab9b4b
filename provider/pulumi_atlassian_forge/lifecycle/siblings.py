"""How a module's state names other modules of the stack: ``__siblings`` (docs/adr/0001-state.md).

By hashes, because a key that the server made is five times as long, and every module carries some.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final, cast, get_args

from pulumi_atlassian_forge.model.module_id import Version

Name = tuple[Version, str]
"""The version of the API and the key: what tells the modules of one installation apart."""

Mark = tuple[Version, str]
"""The version of the API and a hash of the key: what each module carries of others."""

_DIGITS: Final = 8  # of the hash


def digest(text: str) -> str:
    """A short hash, in hexadecimal digits."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=_DIGITS // 2).hexdigest()


@functools.lru_cache(maxsize=4096)
def mark_of(name: Name) -> Mark:
    """What stands for a module."""
    version, key = name
    return version, digest(key)


def written(marks: Iterable[Mark]) -> list[str]:
    """One text for each version of the API: ``v2:`` and the hashes, one after the other."""
    found: dict[str, list[str]] = {}
    for version, short in sorted(marks):
        found.setdefault(version, []).append(short)
    return [f"{version}:{''.join(digests)}" for version, digests in found.items()]


def marks_in(texts: Any) -> Iterable[Mark]:
    """What a state holds; nothing of what is in no form that is known."""
    for text in texts if isinstance(texts, list) else ():
        version, _, digests = str(text).partition(":")
        if version in get_args(Version):
            for at in range(0, len(digests), _DIGITS):
                yield cast("Version", version), digests[at : at + _DIGITS]
