"""Engines that run the commands of a test's project, and the test target that a test belongs to.

The markers are described in pyproject.toml. `make test` runs what is marked neither ``cli`` nor ``complete``, and what is marked
``smoke``; `make test-all` runs everything but what is marked ``soak``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

import pytest

from testing.lifecycle import LifecycleProject
from testing.project import Project

HARNESS: Final = "harness"
CLI: Final = "cli"
PROJECTS: Final[Mapping[str, type[Project]]] = {HARNESS: LifecycleProject, CLI: Project}

ENGINES: Final = (HARNESS, pytest.param(CLI, marks=pytest.mark.cli))
BOTH_ENGINES: Final = pytest.mark.parametrize("engine", ENGINES, indirect=True)
"""A scenario for the lifecycle harness and for the real CLI: the assertions are the same, so the two agree."""

COMPLETE: Final = (
    "tests/bench/",
    "tests/remote_broker/",
    "tests/scripts/",
    "tests/test_ci_examples.py",
    "tests/test_examples.py",
    "tests/test_fleet_settings.py",
    "tests/test_policy_pack.py",
    "tests/test_web_trigger_relay.py",
)
"""Tests of what has its own users: the benchmark, the examples, the scripts. They are in `make test-all` only."""


def minimum_sdk_python() -> str:
    """The interpreter of the environment with the minimum SDK."""
    python = os.environ.get("MINIMUM_SDK_PYTHON", "")
    assert python, "MINIMUM_SDK_PYTHON is not set: run the tests with `make test-all`, which makes its environment"
    return python


def mark(item: pytest.Item) -> None:
    """Give a test the markers that follow from where it is and from what it uses."""
    if item.nodeid.startswith(COMPLETE):
        item.add_marker("complete")
    if "project" in getattr(item, "fixturenames", ()):
        callspec = getattr(item, "callspec", None)
        if callspec is None or "engine" not in callspec.params:
            item.add_marker("cli")
