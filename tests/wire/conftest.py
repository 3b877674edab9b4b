"""The interpreters of the newest and of the minimum SDK.

The minimum SDK is in an environment of its own, which `make test-all` makes; its interpreter is named by MINIMUM_SDK_PYTHON.
"""

from __future__ import annotations

import sys

import pytest

from tests.support.engines import minimum_sdk_python


@pytest.fixture(params=["newest", pytest.param("minimum", marks=pytest.mark.complete)])
def python(request: pytest.FixtureRequest) -> str:
    return sys.executable if request.param == "newest" else minimum_sdk_python()
