"""The Makefile: what is promised about it that can be seen without running a target."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    printable = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        **environment,
    }  # without the variables of an outer make
    return subprocess.run(command, cwd=ROOT, env=printable, capture_output=True, text=True, timeout=60, check=False)


def test_help_is_the_default_and_lists_the_targets() -> None:
    done = make()
    assert done.returncode == 0
    assert done.stdout == make("help").stdout
    listed = dict(re.findall(r"^  make (\S+)\s+(\S.*)$", done.stdout, re.MULTILINE))
    assert {"up", "preview", "refresh", "destroy", "test", "test-all", "soak", "lint", "clean", "help"} <= set(listed)


@pytest.mark.parametrize("target", ["up", "preview", "refresh", "destroy"])
def test_a_stack_target_installs_its_prerequisites(target: str, tmp_path: Path) -> None:
    done = make("-n", target, f"VENV={tmp_path / 'venv'}")
    assert done.returncode == 0, done.stderr
    order = [
        done.stdout.index(part)
        for part in (" -m venv ", " -m pip install ", "scripts/install-pulumi", f"pulumi --non-interactive {target} ")
    ]
    assert order == sorted(order)
    assert not list(tmp_path.iterdir())


def test_nothing_is_installed_again_if_nothing_changed(tmp_path: Path) -> None:
    for stamp in (".made", ".dependencies", ".installed"):
        (tmp_path / stamp).touch()
    done = make("-n", "up", f"VENV={tmp_path}")
    assert "scripts/install-pulumi" in done.stdout
    assert " -m venv " not in done.stdout
    assert " -m pip " not in done.stdout


@pytest.mark.parametrize("stamp", [".made", ".dependencies"])
def test_an_environment_whose_creation_was_interrupted_is_made_again(stamp: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    for done in (".made", ".dependencies", ".installed"):
        if done == stamp:
            break
        (tmp_path / done).touch()
    assert (" -m venv " if stamp == ".made" else " -m pip install ") in make("-n", "up", f"VENV={tmp_path}").stdout


def test_the_demo_cannot_reach_a_real_installation_or_another_stack() -> None:
    user_environment = {
        "ATLASSIAN_FORGE_BASE_URL": "https://example.com",
        "ATLASSIAN_FORGE_TOKEN": "secret",
        "ATLASSIAN_FORGE_ACME_TOKEN": "secret",
        "PULUMI_BACKEND_URL": "https://example.com",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "/nowhere",
        "PULUMI_HOME": "/nowhere",
        "PULUMI_PYTHON_CMD": "/nowhere",
        "PULUMI_STACK": "prod",
        "PYTHONPATH": "/nowhere",
    }
    done = make("--eval=show: ; @env", "show", **user_environment)
    assert done.returncode == 0, done.stderr
    environment = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    ours = {name: value for name, value in environment.items() if name in user_environment}
    assert ours == {
        "PULUMI_BACKEND_URL": f"file://{ROOT}/.local/state?metadata=skip",
        "PULUMI_HOME": f"{ROOT}/.local/pulumi-home",
    }


def test_a_python_that_is_too_old_is_refused_with_a_message(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = make(f"{tmp_path / 'venv'}/.made", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}")
    assert done.returncode != 0
    assert f"Python 3.11 or newer is needed, and {old} is not" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_ci_runs_the_checks_and_all_tests() -> None:
    lines = [
        line for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make lint", "make test-all"]
