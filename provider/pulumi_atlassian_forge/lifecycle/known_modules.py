"""What a process knows of the stack's modules on one installation, and the sample of them that each module records in state.

A hook knows one module of the stack. The others are known from other hooks of the process, and from ``__siblings``: a sample of
the stack that each module records (docs/adr/0001-state.md). It holds hashes, because a key that the server made is five times
as long as a hash.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, cast, get_args

from pulumi_atlassian_forge.model.comparison import fingerprint
from pulumi_atlassian_forge.model.content import content_of
from pulumi_atlassian_forge.model.module_id import Version

ModuleName = tuple[Version, str]  # with the key: what distinguishes the modules of one installation
KeyHash = tuple[Version, str]  # with a hash of the key

SAMPLE_SIZE: Final = 6  # other modules that each one records in its state
_LATEST: Final = 3  # of them are the latest declared ones: the rest of a program may be deleted together with its neighbors
_DIGITS: Final = 8  # hexadecimal digits of a hash


def digest(text: str) -> str:
    """A short hash, in hexadecimal digits."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=_DIGITS // 2).hexdigest()


@functools.lru_cache(maxsize=4096)
def hash_key(name: ModuleName) -> KeyHash:
    """The hash that stands for a module."""
    version, key = name
    return version, digest(key)


def encode_hashes(hashes: Iterable[KeyHash]) -> list[str]:
    """One text for each version of the API: ``v2:`` and the hashes, one after the other."""
    found: dict[str, list[str]] = {}
    for version, short in sorted(hashes):
        found.setdefault(version, []).append(short)
    return [f"{version}:{''.join(digests)}" for version, digests in found.items()]


def decode_hashes(texts: Any) -> Iterable[KeyHash]:
    """The hashes in a state; an unknown form is ignored."""
    for text in texts if isinstance(texts, list) else ():
        version, _, digests = str(text).partition(":")
        if version in get_args(Version):
            for at in range(0, len(digests), _DIGITS):
                yield cast("Version", version), digests[at : at + _DIGITS]


@dataclass
class KnownModules:
    """The modules of the stack that a process knows. Not synchronized: the guard holds its lock."""

    recorded: set[ModuleName] = field(default_factory=set)  # in the state, by name
    hashes: set[KeyHash] = field(default_factory=set)  # the samples of those: modules that were in the state once
    contents: set[tuple[Version, str]] = field(default_factory=set)  # fingerprints of those in the state without known keys (v2)
    identities: set[str] = field(default_factory=set)  # of the installation, as the state records them
    declared: dict[ModuleName, None] = field(default_factory=dict)  # by the program, in its order; they prove nothing
    awaiting: int = 0  # declared modules that are still to be registered
    is_compared: bool = False  # a module of the state was compared with its declaration: then all of the state is on its way
    registered: set[ModuleName] = field(default_factory=set)  # or adopted, by this process
    deleted: set[ModuleName] = field(default_factory=set)  # by this process

    def declare(self, version: Version, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> None:
        """Record a declaration of the program, and its inputs in the state (empty for a new module)."""
        if version == "v1" and isinstance(inputs.get("key"), str):
            self.declared.setdefault((version, inputs["key"]))
        self.awaiting += not olds
        recorded_version: Version = olds.get("apiVersion", version)
        if isinstance(olds.get("key"), str):
            self.recorded.add((recorded_version, olds["key"]))
        elif olds:  # under v2 the inputs hold no key: the module is known by its content
            self.contents.add((recorded_version, fingerprint(content_of(olds))))

    def record(self, name: ModuleName, outputs: Mapping[str, Any]) -> None:
        """Record a module of the state."""
        self.recorded.add(name)
        self.identities |= {identity for identity in (outputs.get("__identity"),) if isinstance(identity, str)}
        self.hashes |= set(decode_hashes(outputs.get("__siblings")))

    def all_hashes(self) -> set[KeyHash]:
        """Every module that is, or was once, in the state."""
        return set(map(hash_key, self.recorded)) | self.hashes

    def contents_without_names(self) -> set[tuple[Version, str]]:
        """What is known by its content alone, of versions of the API of which no module is known by its key."""
        named = {version for version, _ in (*self.recorded, *self.hashes)}
        return {content for content in self.contents if content[0] not in named}

    def sample(self, name: ModuleName, live: set[KeyHash] | None) -> list[str]:
        """The other modules that one records in its state: an even sample, the same each time, of the live ones if known."""
        latest = [hash_key(other) for other in self.declared if other not in self.deleted]
        known = self.all_hashes() | set(latest)
        known -= {hash_key(name), *map(hash_key, self.deleted)}
        if live is not None:
            known &= live
        chosen = [each for each in latest if each in known][-_LATEST:]
        drawn = sorted(known.difference(chosen), key=lambda other: digest(f"{name[0]}/{name[1]} {other}"))
        return encode_hashes([*chosen, *drawn[: SAMPLE_SIZE - len(chosen)]])
