from __future__ import annotations

import pytest

from testing import installed_packages
from testing.project import programs_python


@pytest.fixture
def known_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs and plugins run with a Python that knows what is installed: what the engine has `pip` list is no part of a test.

    The benchmark itself has no such Python: what a command takes with the real `pip` is what a user waits for.
    """
    monkeypatch.setenv("FORGE_PYTHON", installed_packages.python(programs_python()))
