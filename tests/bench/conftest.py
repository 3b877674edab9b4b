from __future__ import annotations

import pytest

from testing import installed_packages
from testing.project import programs_python


@pytest.fixture
def known_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run programs and plugins with a Python that caches the list of installed packages, so the engine need not run `pip`.

    The benchmark itself does not use it, because a user waits for the real `pip`, too.
    """
    monkeypatch.setenv("FORGE_PYTHON", installed_packages.python(programs_python()))
