"""A dynamic provider as the tutorials write it."""

from __future__ import annotations

from .system import PulumiRow


class Plain(PulumiRow):
    """One call of `httpx` in each hook, in the program's own file."""

    name = "plain"
    title = "a plain dynamic provider"
    leaves_out = (
        "Validation, retries, recovery, paging, drift in the inputs, a guard against a wrong token, and all else that is not one "
        "call for each hook. Each call makes a client of its own, as `httpx.post` does: much of its processor time is that."
    )
    program = "plain"
