from __future__ import annotations

from pathlib import Path

import pytest

from testing.doctor import Doctor, keeping_the_contract
from testing.independent_server import Server


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(tmp_path)


@pytest.fixture
def api(server: Server) -> Server:
    return keeping_the_contract(server)
