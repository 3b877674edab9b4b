"""How long a campaign is: a short seeded slice in `make test`, the whole of it in `make soak`.

Each run prints its seed in the name of its tests or in the message of its failure, so that it can be repeated.
"""

from __future__ import annotations

import os

SOAK = os.environ.get("FORGE_SOAK") == "1"


def runs(slice_: int, whole: int) -> int:
    """How many runs of a campaign: the slice in `make test`, the whole in `make soak`."""
    return whole if SOAK else slice_
