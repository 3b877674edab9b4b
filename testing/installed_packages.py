"""Cached output of ``pip list``.

Before each command the engine runs ``pip list`` in the program's environment, to find plugins: half a second of a processor, a
fifth of the time of these tests, for the same output each time. Here it runs once. What the engine makes of the real ``pip`` is
tested in tests/e2e/test_engine.py, by the new-user tests, and with the minimum SDK.
"""

from __future__ import annotations

import atexit
import functools
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

_PYTHON = """#!/bin/sh
case "$*" in "-m pip list -v --format json") exec cat {listed};; esac
exec {python} "$@"
"""


def known(environment: Mapping[str, str], python: str) -> dict[str, str]:
    """The environment with a ``python3`` first on PATH that prints the cached list, and is this interpreter in all else."""
    return {**environment, "PATH": os.pathsep.join([str(_folder(python)), environment["PATH"]])}


def python(interpreter: str) -> str:
    """That ``python3``, for a test that names the interpreter of programs instead of a PATH."""
    return str(_folder(interpreter) / "python3")


@functools.cache
def _folder(python: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="packages-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    listed = folder / "listed.json"
    command = [python, "-m", "pip", "list", "-v", "--format", "json"]
    listed.write_bytes(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    script = folder / "python3"
    script.write_text(_PYTHON.format(listed=shlex.quote(str(listed)), python=shlex.quote(python)), "utf-8")
    script.chmod(0o755)
    return folder
