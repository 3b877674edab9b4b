"""Environment for `pulumi --policy-pack`: an installation of `pulumi-policy`, and a copy of the pack that starts."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

RUNTIME = "policy-test"

# The command of a current language host: Python runs the pack's folder with the engine's address. The engine runs it there.
START = """#!/bin/sh
exec python -u "$PWD" "$1"
"""


def install_policy_sdk(requirements: Path, root: Path) -> Path:
    """Create an environment with the packages of this one and the requirements.

    It is a separate one, because `pulumi-policy` requires an older protobuf than the newest SDK, which the other tests use.

    Returns:
        The directory to put on PATH.
    """
    venv = root / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (bin_, packages) = (Path(sysconfig.get_path(name, "venv", {"base": str(venv)})) for name in ("scripts", "purelib"))
    (packages / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(bin_ / "python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--requirement", str(requirements)], check=True)
    start = bin_ / f"pulumi-analyzer-policy-{RUNTIME}"
    start.write_text(START, encoding="utf-8")
    start.chmod(0o755)
    return bin_


def copy_with_test_runtime(pack: Path, root: Path) -> Path:
    """Copy a pack so that every engine can start it.

    The language host that `scripts/install-pulumi` builds from source cannot start it: it reads a field of the request that the
    engine no longer sends. For a runtime without a language host the engine runs `pulumi-analyzer-policy-<runtime>`.
    """
    copied = root / pack.name
    shutil.copytree(pack, copied, ignore=shutil.ignore_patterns("__pycache__"))
    project = copied / "PulumiPolicy.yaml"
    text = project.read_text("utf-8")
    assert text.count("runtime: python\n") == 1
    project.write_text(text.replace("runtime: python\n", f"runtime: {RUNTIME}\n"), encoding="utf-8")
    return copied
