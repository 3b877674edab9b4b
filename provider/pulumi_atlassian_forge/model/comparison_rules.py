"""Comparison rules of values: exact for a program and its state, tolerant for a declaration and what a server made of it.

Servers trim texts, compose Unicode, leave out a ``false`` and fill in defaults. What they make of a declaration is not a change
(docs/adr/0001-state.md). Paths are tuples of names and indices below ``data``.
"""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any, Final

from .catalog.module_types import DEFAULTS, TYPES
from .catalog.schema import Anything, Bool, ListOf, ObjectOf, OneOf, Spec
from .content import TRIGGER, TRIGGER_PROPERTIES, canonical_json
from .values import UNKNOWN

Path = tuple[str, ...]

ABSENT: Final = object()
"""In place of a value that is not there."""

_RESOURCE: Final = re.compile(r"resource:[^;]+;.")
_ADDRESS: Final = re.compile(r"(?!resource:)[a-z][a-z0-9+.-]*:|/", re.IGNORECASE)


class ExactRules:
    """For a program and its state. The order of a trigger's events does not matter, because the API does not keep it."""

    def __init__(self, type_: str) -> None:
        self.type = type_
        self._is_trigger = type_ == TRIGGER

    def is_set(self, path: Path) -> bool:
        """Whether a list is a set."""
        return self._is_trigger and path == ("events",)

    def are_equal(self, declared: Any, live: Any) -> bool:
        """Whether two scalars are equal as JSON defines it: 1 is 1.0, but true is not 1; an unknown value equals nothing."""
        if declared is UNKNOWN or live is UNKNOWN or isinstance(declared, bool) != isinstance(live, bool):
            return False
        return bool(declared == live)

    def equals_absent(self, path: Path, value: Any) -> bool:  # noqa: ARG002 - for those of a server
        """Whether a value means the same as none."""
        return False

    def canonical_text(self, text: str) -> str:
        """The same text for all texts that are equal."""
        return text


class ServerRules(ExactRules):
    """For a declaration and what a server has: the comparison rules that need no memory, and the remembered forms.

    ``normalized`` are the remembered forms of :func:`remember`, ``server`` the paths that the server adds by itself. If it is
    None, they are not known yet: then every addition is the server's, except a property of a trigger's closed set. Without
    ``any_address`` a reference to a resource equals no address: no rule can tell which resource an address is of.
    """

    def __init__(
        self,
        type_: str,
        normalized: Mapping[str, str] | None = None,
        server: Collection[str] | None = frozenset(),
        *,
        any_address: bool = True,
    ) -> None:
        super().__init__(type_)
        self._type = type_ if isinstance(type_, str) else ""
        self._normalized = normalized or {}
        self._server = None if server is None else frozenset(server)
        self._any_address = any_address

    def are_equal(self, declared: Any, live: Any) -> bool:
        """Texts are equal in Unicode's composed form, without outer white space, whatever ends their lines.

        A reference to a resource of the app equals any address: the server puts the one in place of the other.
        """
        if super().are_equal(declared, live):
            return True
        if not (isinstance(declared, str) and isinstance(live, str)):
            return False
        if self.canonical_text(declared) == self.canonical_text(live):
            return True
        return self._any_address and _RESOURCE.match(declared) is not None and _ADDRESS.match(live) is not None

    def equals_absent(self, path: Path, value: Any) -> bool:
        """A documented default equals an absent value, and so do ``false``, ``{}`` and ``[]`` of a known optional property."""
        pattern = tuple("*" if part.isdigit() else part for part in path)
        defaults = DEFAULTS.get(self._type, {})
        if pattern in defaults and self.are_equal(defaults[pattern], value):
            return True
        spec, is_optional = _spec_of(self._type, pattern)
        return is_optional and self._is_empty(path, value, spec)

    def _is_empty(self, path: Path, value: Any, spec: Spec | None) -> bool:
        if isinstance(value, dict):
            is_object = isinstance(spec, (ObjectOf, OneOf, Anything))
            return is_object and all(self._holds_nothing((*path, name), item) for name, item in value.items())
        if isinstance(value, list):
            return isinstance(spec, (ListOf, Anything)) and not value
        return value is False and isinstance(spec, Bool)

    def _holds_nothing(self, path: Path, value: Any) -> bool:
        """Within an object that may be empty, a required object may be empty, too."""
        if self.equals_absent(path, value):
            return True
        spec, _ = _spec_of(self._type, tuple("*" if part.isdigit() else part for part in path))
        return isinstance(value, (dict, list)) and self._is_empty(path, value, spec)

    def canonical_text(self, text: str) -> str:
        """The same text for all texts that are equal."""
        return unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip()

    def is_normalized(self, path: Path, live: Any) -> bool:
        """Whether a live value, or :data:`ABSENT`, is what the server made of what we sent."""
        form = self._normalized.get(pointer(path)) if self._normalized else None
        return form is not None and form == _hash(live, form.partition(":")[0], is_set=self.is_set(path))

    def is_server_default(self, path: Path) -> bool:
        """Whether a live value that was not declared is the server's own."""
        if self._server is not None:
            return pointer(path) in self._server
        return not self.is_closed(path)

    def is_closed(self, path: Path) -> bool:
        """Whether a path is a property of a trigger, which has no others."""
        return self._is_trigger and len(path) == 1 and path[0] in TRIGGER_PROPERTIES


def remember(path: Path, live: Any, rules: ExactRules) -> str:
    """The remembered form of a live value: a salted, truncated hash, never the value, which may be a secret."""
    return _hash(live, secrets.token_hex(4), is_set=rules.is_set(path))


def _hash(value: Any, salt: str, *, is_set: bool) -> str:
    if is_set and isinstance(value, list):
        value = sorted(value, key=lambda item: canonical_json(_sorted(item)))
    text = "" if value is ABSENT else canonical_json(_sorted(value))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, salt=salt.encode()[:16]).hexdigest()
    return f"{salt}:{digest}"


def _sorted(value: Any) -> Any:
    """The value with its names in one order, which a server need not keep."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@functools.lru_cache(4096)
def _spec_of(type_: str, pattern: Path) -> tuple[Spec | None, bool]:
    """What the table says of a path, and whether it is a property that may be absent; None if the table does not know it."""
    spec: Spec | None = TYPES.get(type_)
    is_optional = False
    for part in pattern:
        if isinstance(spec, OneOf):
            spec = spec.object
        if isinstance(spec, ListOf):
            spec, is_optional = spec.item, False
        elif isinstance(spec, ObjectOf) and part in spec.properties:
            is_optional = part in spec.optional
            spec = spec.properties[part]
        else:
            return None, False
    return spec, is_optional


def pointer(path: Path) -> str:
    """A path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
