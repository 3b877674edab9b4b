"""What `pulumi --policy-pack` needs beside the engine: an environment that holds `pulumi-policy`, and a way to start the pack."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

RUNTIME = "policy-test"

# What a current language host runs: the folder of the pack, with the engine's address. The engine starts this in that folder.
START = """#!/bin/sh
exec python -u "$PWD" "$1"
"""


def environment_of(requirements: Path, root: Path) -> Path:
    """Make an environment that has what this one has, and the requirements.

    One of its own, because `pulumi-policy` wants an older protobuf than the newest SDK brings, which is what the other tests run.

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


def startable(pack: Path, root: Path) -> Path:
    """Copy a pack so that every engine can start it.

    The language host that `scripts/install-pulumi` builds from source cannot: it reads a field of the request that the engine
    no longer sends. For a runtime that has no language host, the engine starts `pulumi-analyzer-policy-<runtime>`.
    """
    copied = root / pack.name
    shutil.copytree(pack, copied, ignore=shutil.ignore_patterns("__pycache__"))
    project = copied / "PulumiPolicy.yaml"
    text = project.read_text("utf-8")
    assert text.count("runtime: python\n") == 1
    project.write_text(text.replace("runtime: python\n", f"runtime: {RUNTIME}\n"), encoding="utf-8")
    return copied
