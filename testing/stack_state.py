"""State of a stack in the backend's file: the lifecycle harness reads and writes it where the real CLI does, in its form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from testing.resource_monitor import SIGNATURE, is_secret, secret
from testing.stack import STACK

Resource = dict[str, Any]
"""A resource as the state has it."""

STACK_TYPE, PROVIDER_TYPE = "pulumi:pulumi:Stack", "pulumi:providers:"
STACK_URN = f"urn:pulumi:{STACK}::project::{STACK_TYPE}::project-{STACK}"
_VERSION = "3.259.0"


def load(file: Path) -> list[Resource]:
    return opened(_checkpoint(file)["latest"].get("resources") or [])


def save(file: Path, resources: list[Resource]) -> None:
    checkpoint = _checkpoint(file)
    manifest = {"time": "2026-01-01T00:00:00Z", "magic": hashlib.sha256(_VERSION.encode()).hexdigest(), "version": _VERSION}
    checkpoint["latest"] = {"manifest": manifest, **checkpoint["latest"], "resources": _changed(resources, _sealed)}
    file.write_text(json.dumps({"version": 3, "checkpoint": checkpoint}), "utf-8")


def export(file: Path) -> str:
    """What ``pulumi stack export --show-secrets`` prints."""
    return json.dumps({"version": 3, "deployment": _checkpoint(file)["latest"]})


def opened(resources: list[Resource]) -> list[Resource]:
    """The resources of a state file or an export, with secrets as they are on the wire."""
    return [{"inputs": {}, "outputs": {}, **resource} for resource in _changed(resources, _opened)]


def configuration(root: Path) -> dict[str, str]:
    """The stack's configuration as the engine gives it to programs and plugins."""
    values = (yaml.safe_load((root / f"Pulumi.{STACK}.yaml").read_text("utf-8")) or {}).get("config", {})
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def name_of(urn: str) -> str:
    return urn.rpartition("::")[2]


def type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def urn_of(parent: str, type_: str, name: str) -> str:
    above = parent.split("::")[2] if parent else STACK_TYPE
    prefix = "" if above == STACK_TYPE else f"{above}$"
    return f"urn:pulumi:{STACK}::project::{prefix}{type_}::{name}"


def needed_by(resource: Resource) -> set[str]:
    """The URNs of the resources that it needs."""
    provider = resource.get("provider", "").rpartition("::")[0]
    others = [urn for urns in resource.get("propertyDependencies", {}).values() for urn in urns]
    return {urn for urn in (resource.get("parent"), provider, *resource.get("dependencies", ()), *others) if urn}


def all_needed_by(resource: Resource, resources: list[Resource]) -> set[str]:
    """The same, and what those need."""
    found = needed_by(resource)
    for other in resources:
        if other["urn"] in found and other is not resource:
            found |= all_needed_by(other, resources)
    return found


def without_dangling(resources: list[Resource]) -> list[Resource]:
    """The resources without dependencies on others that are not among them."""
    there = {resource["urn"] for resource in resources}
    for resource in resources:
        if "dependencies" in resource:
            resource["dependencies"] = [urn for urn in resource["dependencies"] if urn in there]
        by_property = resource.get("propertyDependencies", {})
        by_property.update({name: [urn for urn in urns if urn in there] for name, urns in by_property.items()})
    return resources


def _checkpoint(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))["checkpoint"]
    return {**found, "latest": found.get("latest") or {}}


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    value = change(value)
    if isinstance(value, dict):
        return {name: _changed(inner, change) for name, inner in value.items()}
    return [_changed(inner, change) for inner in value] if isinstance(value, list) else value


def _opened(value: Any) -> Any:
    if isinstance(value, dict) and SIGNATURE in value and "value" not in value:
        if "plaintext" not in value:
            raise NotImplementedError("the lifecycle harness cannot decrypt: the test is one for the CLI")
        return secret(json.loads(value["plaintext"]))
    return value


def _sealed(value: Any) -> Any:
    return {SIGNATURE: value[SIGNATURE], "plaintext": json.dumps(value["value"])} if is_secret(value) else value
