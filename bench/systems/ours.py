"""This provider, with both versions of the API."""

from __future__ import annotations

from typing import ClassVar

from bench.server import Installation

from .system import PulumiSystem


class OursV2(PulumiSystem):
    """The current version of the API: the server creates the keys."""

    name = "ours-v2"
    title = "this provider, v2"
    limitations = "No TLS (the server speaks plain HTTP), and no manifest to check against."
    program: ClassVar[str] = "ours"

    def environment(self, installation: Installation) -> dict[str, str]:
        """The settings, as a pipeline passes them."""
        return {
            "ATLASSIAN_FORGE_API_VERSION": self.version,
            "ATLASSIAN_FORGE_BASE_URL": installation.base_url,
            "ATLASSIAN_FORGE_TOKEN": installation.token,
        }


class OursV1(OursV2):
    """The older version of the API: the program chooses the keys."""

    name = "ours-v1"
    title = "this provider, v1"
    version = "v1"
