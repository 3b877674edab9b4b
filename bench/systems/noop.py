"""The no-op baseline."""

from __future__ import annotations

from .system import PulumiSystem


class NoOp(PulumiSystem):
    """A dynamic provider that does nothing, which measures the time of Pulumi itself."""

    name = "no-op"
    title = "no-op baseline"
    limitations = "It sends no request and imports only Pulumi: it measures the time of the engine and the SDK."
    program = "noop"
    sends_requests = False
