"""This provider, under both versions of the API."""

from __future__ import annotations

from typing import ClassVar

from bench.server import Site

from .system import PulumiRow


class OursV2(PulumiRow):
    """Today's version of the API: the server makes the keys."""

    name = "ours-v2"
    title = "ours, v2"
    leaves_out = "TLS (the server speaks plain HTTP), and a manifest to check against."
    program: ClassVar[str] = "ours"

    def environment(self, site: Site) -> dict[str, str]:
        """The settings, as a pipeline would give them."""
        return {
            "ATLASSIAN_FORGE_API_VERSION": self.version,
            "ATLASSIAN_FORGE_BASE_URL": site.base_url,
            "ATLASSIAN_FORGE_TOKEN": site.token,
        }


class OursV1(OursV2):
    """The specification's version: the program chooses the keys."""

    name = "ours-v1"
    title = "ours, v1"
    version = "v1"
