"""The versions of the API: in a file of its own, because a preview needs their names and nothing else of the protocol."""

from __future__ import annotations

from typing import Literal

Version = Literal["v1", "v2"]
