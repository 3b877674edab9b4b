"""The id of a resource: ``<installation>/<apiVersion>/<key>``, for example ``default/v1/notify-on-bug``. Public and stable.

With the settings of the stack the id alone is enough to read, update, delete and import a module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

from pulumi_atlassian_forge.errors import ForgeError

Version = Literal["v1", "v2"]

VERSIONS: tuple[str, ...] = get_args(Version)
_PARTS = 3


@dataclass(frozen=True, slots=True)
class ModuleId:
    """The id of a module."""

    installation: str
    version: Version
    key: str

    def __str__(self) -> str:
        return f"{self.installation}/{self.version}/{self.key}"

    @classmethod
    def parse(cls, text: str) -> ModuleId:
        """Read an id; raises ForgeError if the text has another form."""
        parts = text.split("/", _PARTS - 1)
        # Quoting does not protect the keys "." and "..": clients and proxies resolve them as path segments.
        if len(parts) != _PARTS or not all(parts) or parts[1] not in VERSIONS or parts[2] in {".", ".."}:
            raise ForgeError(
                f"{text!r} is not the id of a module\n"
                "next: give <installation>/<apiVersion>/<key>, for example default/v1/notify-on-bug"
            )
        return cls(parts[0], cast("Version", parts[1]), parts[2])
