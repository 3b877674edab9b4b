"""A dynamic provider as in Pulumi's tutorials."""

from __future__ import annotations

from .system import PulumiSystem


class Plain(PulumiSystem):
    """One call of `httpx` in each hook, in the program's file."""

    name = "plain"
    title = "a plain dynamic provider"
    limitations = (
        "No validation, retries, recovery, paging, drift in the inputs or installation guard: one call in each hook. Each call "
        "creates a client, as `httpx.post` does, which takes much of its CPU time."
    )
    program = "plain"
