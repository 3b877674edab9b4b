"""The one error that the benchmark's user sees."""

from __future__ import annotations


class BenchError(Exception):
    """What could not be measured, why, and what to do next."""
