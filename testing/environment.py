"""Environment of a process that a test starts in a directory of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pulumi_atlassian_forge


def environment(**more: str) -> dict[str, str]:
    """This one's, with the same package under test, and without settings of the provider or of this pytest run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ATLASSIAN_FORGE"))}
    return {**kept, "PYTHONPATH": str(Path(pulumi_atlassian_forge.__file__).parents[1]), **more}
