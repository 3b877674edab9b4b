"""The engine's floor."""

from __future__ import annotations

from .system import PulumiRow


class Nothing(PulumiRow):
    """A dynamic provider that does nothing: what is left is Pulumi's own time."""

    name = "floor"
    title = "the engine's floor"
    leaves_out = "The API: it sends no request and imports nothing but Pulumi. What is left is the engine's time and the SDK's."
    program = "noop"
    speaks = False
