"""Checks this machine: the Pulumi CLI, trusted certificates, and proxies."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from pulumi_atlassian_forge.api.network_environment import (
    certificates_variable,
    proxy_address,
    unknown_exceptions,
    unused_certificates,
)
from pulumi_atlassian_forge.config.confidential import shown_path

from .result import Check, fail, ok, skipped, warn

MIN_CLI: Final = (3, 216)
MIN_IMPORT_CLI: Final = (3, 254)  # imports inputs and outputs from a file

_VERSION_TIMEOUT_S: Final = 60.0
_HOST_PROGRAMS: Final = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
_INSTALL: Final = "install Pulumi (https://www.pulumi.com/docs/install/); in a checkout of this package: scripts/install-pulumi"
_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def version_numbers(text: str | None) -> tuple[int, int] | None:
    """The first two numbers of the version at the start of a text."""
    found = re.match(r"v?(\d+)\.(\d+)", (text or "").strip())
    return (int(found[1]), int(found[2])) if found else None


def engine() -> list[Check]:
    """Check the CLI on PATH, and the programs that run Python for it."""
    path = shutil.which("pulumi")
    output = None if path is None else _version_output(path)
    if path is None or output is None:
        text = "there is no pulumi on PATH" if path is None else f"{path} does not run"
        return [fail("engine", text, _INSTALL), skipped("language host", "engine failed")]
    return [_engine(path, output.strip()), _language_host(Path(path))]


def _engine(path: str, output: str) -> Check:
    version = version_numbers(output)
    text = f"pulumi {output or 'without a version'} ({path})"
    if version is None:
        return warn("engine", f"{text}: a build without a version number", "be sure that it is 3.216 or newer")
    if version < MIN_CLI:
        return fail("engine", f"{text} is older than 3.216, and cannot read what a dynamic provider returns", _INSTALL)
    if version < MIN_IMPORT_CLI:
        return warn("engine", f"{text} is older than 3.254: `forge-modules import` needs that", _INSTALL)
    return ok("engine", text)


def _version_output(path: str) -> str | None:
    with tempfile.TemporaryDirectory() as home:  # even `pulumi version` writes a log, which must not go to the user's home
        environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": home}
        try:
            done = subprocess.run(  # noqa: S603 - the user's own, from PATH
                [path, "version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, env=environment, check=False
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
    return None if done.returncode else done.stdout


def _language_host(pulumi: Path) -> Check:
    folder = pulumi.resolve().parent
    missing = [name for name in _HOST_PROGRAMS if not os.access(folder / name, os.X_OK) and shutil.which(name) is None]
    if missing:
        return fail("language host", f"neither beside pulumi nor on PATH: {', '.join(missing)}", _INSTALL)
    return ok("language host", "Python's was found")


def certificates() -> Check:
    """Check the certificates that are trusted: as in httpx, those of the first variable that is set."""
    variable = certificates_variable()
    if variable is None:
        unused = "".join(f"; {name} is set, but not read here" for name in unused_certificates())
        return ok("certificates", f"those that come with certifi; SSL_CERT_FILE is not set{unused}")
    path = os.environ[variable]
    try:
        if variable == "SSL_CERT_FILE":
            ssl.create_default_context(cafile=path)
        elif not Path(path).is_dir():
            raise NotADirectoryError
    except OSError:
        shown = shown_path(path, Path.cwd())
        text = f"what {variable} names cannot be read{f':{shown}' if shown else ''}"
        return fail("certificates", text, f"correct {variable}, or unset it")
    return ok("certificates", f"{path} ({variable}); no others are trusted")


def proxy() -> Check:
    """Show the proxies of the environment, without the passwords in their addresses."""
    named = {name: value for upper in _PROXIES for name in (upper, upper.lower()) if (value := os.environ.get(name))}
    if not named:
        return ok("proxy", "none: no proxy variable is set")
    exceptions = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    text = ", ".join(f"{name} is {proxy_address(value)}" for name, value in named.items())
    text += f"; not for {exceptions} (NO_PROXY)" if exceptions else "; NO_PROXY is not set"
    if unknown := unknown_exceptions():
        step = "give hosts, addresses and networks, with commas between them"
        return warn("proxy", f"{text}; ignored, because it is neither a host nor a network: {', '.join(unknown)}", step)
    return ok("proxy", text)
