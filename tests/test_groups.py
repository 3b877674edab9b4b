from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("groups")
def test_the_tests_of_a_group_run_in_one_process(request: pytest.FixtureRequest) -> None:
    """Where pytest-xdist loses its groups nothing else fails: each process makes the same stacks anew, for minutes."""
    assert request.node.nodeid.endswith("@groups") == ("PYTEST_XDIST_WORKER" in os.environ)
