"""The error class of the benchmark."""

from __future__ import annotations


class BenchError(Exception):
    """A failure that is shown to the user: what failed, why, and what to do next."""
