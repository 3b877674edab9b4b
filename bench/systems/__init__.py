"""The compared systems, in the order of tables and of measuring: one file for each kind."""

from __future__ import annotations

from typing import Final

from .bare_httpx import BareHttpx
from .noop import NoOp
from .opentofu import OpenTofu
from .ours import OursV1, OursV2
from .plain import Plain
from .system import System

NO_OP: Final = NoOp.name
"""The no-op baseline, to which ratios are computed."""

OURS: Final = (OursV2.name, OursV1.name)
"""The systems with targets: this provider, with the current version of the API first."""

SYSTEMS: Final[dict[str, System]] = {
    system.name: system for system in (OursV2(), NoOp(), OursV1(), Plain(), OpenTofu(), BareHttpx(4), BareHttpx(16))
}
"""By name. The no-op baseline is between the two systems of this provider: the strictest targets are differences to it, and the
speed of the machine changes from one command to the next."""
