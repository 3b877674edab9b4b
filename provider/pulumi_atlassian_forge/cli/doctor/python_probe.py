"""Run by the Python that the plugin would run in, as ``python -c``: prints as JSON what it is and whether it has what it needs.

It must run where nothing is installed and in a Python that is too old, so it imports nothing of ours before it has to.
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


def _why_not() -> str | None:
    try:
        import pulumi.dynamic as pulumi_dynamic  # noqa: PLC0415 - whether it can be is the question

        import pulumi_atlassian_forge.provider as ours  # noqa: PLC0415 - the same
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the response
        return f"{type(error).__name__}: {error}"
    return None if pulumi_dynamic and ours else ""


if __name__ == "__main__":
    name = "pulumi-atlassian-forge"
    found = {
        "python": list(sys.version_info[:2]),
        "pip": importlib.util.find_spec("pip") is not None,
        "sdk": _version("pulumi"),
        "package": _version(name),
        "editable": _is_editable(name),
        "error": _why_not(),
    }
    sys.stdout.write("\n" + json.dumps(found) + "\n")
