"""The probe that the plugin's Python runs as ``python -c``: prints as JSON its version and what is installed.

It has to run in a Python that is too old or has no packages, so it imports nothing but the standard library at the top.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib import metadata


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _is_editable(name: str) -> bool:
    try:
        origin = metadata.distribution(name).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return False
    return bool(json.loads(origin or "{}").get("dir_info", {}).get("editable"))


def _import_error() -> str | None:
    try:
        importlib.import_module("pulumi.dynamic")
        importlib.import_module("pulumi_atlassian_forge.provider")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    name = "pulumi-atlassian-forge"
    found = {
        "python": list(sys.version_info[:2]),
        "prefix": sys.prefix,
        "pip": importlib.util.find_spec("pip") is not None,
        "sdk": _version("pulumi"),
        "package": _version(name),
        "editable": _is_editable(name),
        "error": _import_error(),
    }
    sys.stdout.write("\n" + json.dumps(found) + "\n")
