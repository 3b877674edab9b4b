"""The rows, in the order of the tables: one file for each kind."""

from __future__ import annotations

from typing import Final

from .bare import Bare
from .nothing import Nothing
from .opentofu import OpenTofu
from .ours import OursV1, OursV2
from .plain import Plain
from .row import Row

FLOOR: Final = Nothing.name
"""The row that ratios are taken to."""

ROWS: Final[dict[str, Row]] = {row.name: row for row in (OursV2(), OursV1(), Plain(), Nothing(), OpenTofu(), Bare(4), Bare(16))}
"""By name."""
