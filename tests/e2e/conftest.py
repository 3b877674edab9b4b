from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.installations import BOTH, Installations, served


@pytest.fixture
def both() -> Iterator[Installations]:
    """An installation on each version of the API, each at a server of its own."""
    with served(*BOTH) as installations:
        yield installations
