from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_atlassian_forge.emulator.handler import Emulator
from pulumi_atlassian_forge.emulator.store import Store
from tests.support.contract_api import Api


@pytest.fixture
def api(tmp_path: Path, version: str) -> Api:
    now = [1000.0]
    store = Store(tmp_path / "forge.db")
    with store.write() as rows:
        rows.add_token("app", "one")
        rows.add_token("old", "one", expires_at=999.0)
        rows.add_token("user", "one", kind="user")
        rows.add_token("second", "two")
    return Api(Emulator(store, clock=lambda: now[0]), version, now)
