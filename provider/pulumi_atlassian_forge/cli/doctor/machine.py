"""What ``doctor`` looks at on this machine: the engine, the Python that runs the plugin, certificates, proxies."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from .result import Check, fail, ok, skipped, warn

_PATIENCE: Final = 60.0  # seconds for one program to say its version
_FLOOR: Final = (3, 216)
IMPORT_FLOOR: Final = (3, 254)
"""The CLI whose import takes inputs and outputs from the file."""

_BESIDE: Final = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
_INSTALL: Final = "install Pulumi (https://www.pulumi.com/docs/install/); in a checkout of this package: scripts/install-pulumi"
_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def numbers(text: str | None) -> tuple[int, int] | None:
    """The first two numbers of the version that a text starts with."""
    found = re.match(r"v?(\d+)\.(\d+)", (text or "").strip())
    return (int(found[1]), int(found[2])) if found else None


def engine() -> list[Check]:
    """The CLI on PATH, and the host that runs Python for it."""
    path = shutil.which("pulumi")
    if path is None:
        return [fail("engine", "there is no pulumi on PATH", _INSTALL), skipped("language host", "engine failed")]
    said = _version_of(path)
    version = numbers(said)
    if said is None:
        return [fail("engine", f"{path} does not run", _INSTALL), skipped("language host", "engine failed")]
    return [_judged(path, said.strip(), version), _host(Path(path))]


def _judged(path: str, said: str, version: tuple[int, int] | None) -> Check:
    what = f"pulumi {said or 'without a version'} ({path})"
    if version is None:
        return warn("engine", f"{what}: a build that says no version", "be sure that it is 3.216 or newer")
    if version < _FLOOR:
        return fail("engine", f"{what} is older than 3.216, and cannot read what a dynamic provider returns", _INSTALL)
    if version < IMPORT_FLOOR:
        return warn("engine", f"{what} is older than 3.254: `forge-modules import` needs that", _INSTALL)
    return ok("engine", what)


def _version_of(path: str) -> str | None:
    with tempfile.TemporaryDirectory() as home:  # it writes a log even for this, and the user's home is not ours
        environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": home}
        try:
            done = subprocess.run(  # noqa: S603 - the user's own, from PATH
                [path, "version"], capture_output=True, text=True, timeout=_PATIENCE, env=environment, check=False
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
    return None if done.returncode else done.stdout


def _host(path: Path) -> Check:
    beside = path.resolve().parent
    missing = [name for name in _BESIDE if not os.access(beside / name, os.X_OK) and shutil.which(name) is None]
    if missing:
        return fail("language host", f"neither beside pulumi nor on PATH: {', '.join(missing)}", _INSTALL)
    return ok("language host", "Python's is there")


def certificates() -> Check:
    """Which certificates are trusted: those of the first variable that is set, as httpx has it."""
    variable = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), None)
    if variable is None:
        return ok("certificates", "those that come with certifi; SSL_CERT_FILE is not set")
    where = os.environ[variable]
    try:
        if variable == "SSL_CERT_FILE":
            ssl.create_default_context(cafile=where)
        elif not Path(where).is_dir():
            raise NotADirectoryError
    except OSError:
        return fail("certificates", f"what {variable} names cannot be read: {where}", f"correct {variable}, or unset it")
    return ok("certificates", f"{where} ({variable})")


def proxy() -> Check:
    """Which proxies the environment names; not the passwords that stand in their addresses."""
    named = {name: value for upper in _PROXIES for name in (upper, upper.lower()) if (value := os.environ.get(name))}
    if not named:
        return ok("proxy", "none: no proxy variable is set")
    exceptions = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    text = ", ".join(f"{name} is {address(value)}" for name, value in named.items())
    return ok("proxy", f"{text}; " + (f"not for {exceptions} (NO_PROXY)" if exceptions else "NO_PROXY is not set"))


def address(url: str) -> str:
    """Host and port of a proxy."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "no host", parts.port
    except ValueError:
        return "no address"
    return f"{host}:{port}" if port else host
