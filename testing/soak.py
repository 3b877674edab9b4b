"""Size of the soak tests: a short seeded subset in `make test-all`, all of it in `make soak`.

Each run shows its seed in the name of its test or in the message of its failure, so that it can be run again.
"""

from __future__ import annotations

import os

SOAK = os.environ.get("FORGE_SOAK") == "1"


def runs(subset: int, whole: int) -> int:
    """The number of runs of a soak test: the subset, or the whole in `make soak`."""
    return whole if SOAK else subset
