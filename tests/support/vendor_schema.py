"""The vendor's own schema of a manifest, from the npm package ``@forge/manifest``."""

from __future__ import annotations

import json
from typing import Any

from tests.support.npm import package

VERSION = "13.7.0"


def manifest_schema() -> dict[str, Any]:
    """The JSON schema of a whole ``manifest.yml``."""
    found = package("@forge/manifest", VERSION) / "out" / "schema" / "manifest-schema.json"
    schema: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return schema
