"""The rows, in the order of the tables and of measuring: one file for each kind."""

from __future__ import annotations

from typing import Final

from .bare_httpx import Bare
from .noop import Nothing
from .opentofu import OpenTofu
from .ours import OursV1, OursV2
from .plain import Plain
from .system import Row

FLOOR: Final = Nothing.name
"""The row that ratios are taken to."""

OURS: Final = (OursV2.name, OursV1.name)
"""Those that the targets are about: today's version of the API first."""

ROWS: Final[dict[str, Row]] = {row.name: row for row in (OursV2(), Nothing(), OursV1(), Plain(), OpenTofu(), Bare(4), Bare(16))}
"""By name. The floor stands beside both of ours: what the machine does meanwhile changes from one command to the next, and the
promises of the least time are differences of the two."""
