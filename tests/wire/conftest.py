"""The interpreters of the newest and the oldest SDK.

The oldest one lives in an environment of its own, which `make test` makes; its interpreter is named by FLOOR_PYTHON.
"""

from __future__ import annotations

import os
import sys

import pytest

PYTHONS = {"newest": sys.executable, "floor": os.environ.get("FLOOR_PYTHON", "")}


@pytest.fixture(params=list(PYTHONS))
def python(request: pytest.FixtureRequest) -> str:
    path = PYTHONS[request.param]
    assert path, "FLOOR_PYTHON is not set: run the tests with `make test`, which makes the environment of the oldest SDK"
    return path
