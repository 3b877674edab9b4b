"""Check: validate one declaration, complete it, and find a key that is declared twice.

``check`` and ``diff`` are the only hooks that run in a preview. So they report everything that is known without a request.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pulumi_atlassian_forge.config.settings import DEFAULT
from pulumi_atlassian_forge.model.content import canonical_json, content_of, is_typed, properties_of
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.model.problems import LONG_REFERENCE, OTHER_KEY, Problem
from pulumi_atlassian_forge.model.validation import check_content, check_key
from pulumi_atlassian_forge.model.values import UNKNOWN, contains_unknown

if TYPE_CHECKING:
    from pulumi_atlassian_forge.manifest.manifest import Manifest


class Settings(Protocol):
    """What ``check`` needs of the settings. No request; a setting that cannot be used is a :class:`ForgeError`."""

    @property
    def names(self) -> list[str]:
        """The installations that can be used."""

    def version(self, name: str) -> Version:
        """The API version of an installation."""

    def max_data_size(self, name: str) -> int:
        """Bytes that the data of a module may have."""

    def strict(self, name: str) -> bool:
        """Whether warnings are errors."""

    def manifest(self, name: str) -> Manifest | None:
        """What the app's manifest declares; None if the settings name no manifest."""

    def unknown(self, name: str) -> str | None:
        """Why an installation is unknown; None if it is known."""


@dataclass(frozen=True, slots=True)
class CheckedInputs:
    """Inputs in the form that is stored and compared, all their validation errors, and the warnings about them."""

    inputs: dict[str, Any]
    problems: list[Problem]
    warnings: list[Problem]


class KeyClaims:
    """The keys that the resources of a run declare. Two resources with one key fail in preview, not during an ``up``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[tuple[str, str, str], str] = {}

    def claim(self, module: tuple[str, str, str], resource: str) -> str | None:
        """Claim a key for a resource; return another resource that declared it before."""
        with self._lock:
            owner = self._owners.setdefault(module, resource)
        return None if owner == resource else owner


def check(news: Mapping[str, Any], settings: Settings, keys: KeyClaims) -> CheckedInputs:
    """Validate and complete the inputs of one resource.

    No request; idempotent; accepts :data:`UNKNOWN` at any depth. Returns the inputs in canonical form, with ``installation``,
    ``apiVersion`` and (v1) ``key`` resolved, and all validation errors and warnings; with the setting ``strict`` the warnings are
    among the errors. Raises a :class:`ForgeError` only if the settings or the manifest cannot be used.
    """
    news = {name: value for name, value in news.items() if value is not None}
    found = check_content(news)
    problems = [problem for problem in found if problem.is_error]
    warnings = [problem for problem in found if not problem.is_error]
    inputs = dict(news)
    if not problems:
        inputs |= properties_of(content_of(inputs), typed=is_typed(inputs))
    installation = _check_installation(inputs, settings, problems)
    if installation is None:
        return CheckedInputs(inputs, problems, warnings)
    version = inputs.setdefault("apiVersion", settings.version(installation))
    _check_key(inputs, version, problems)
    _check_adopt(inputs, version, problems)
    warnings += _key_in_data(news, inputs, version)
    manifest = settings.manifest(installation)
    if manifest is not None:
        warnings = [problem for problem in warnings if problem.code != LONG_REFERENCE]  # the manifest is the judge
        _check_manifest(inputs, manifest, problems)
    if settings.strict(installation):
        problems, warnings = sorted([*problems, *warnings], key=lambda problem: problem.path), []
    if not problems:
        _check_size(inputs, settings.max_data_size(installation), problems)
    if not problems:
        _check_claim(inputs, (installation, version), keys, problems)
    return CheckedInputs(inputs, problems, warnings)


def _check_claim(inputs: Mapping[str, Any], where: tuple[str, Version], keys: KeyClaims, problems: list[Problem]) -> None:
    adopted = inputs.get("adopt")
    key = adopted if isinstance(adopted, str) else inputs.get("key", UNKNOWN)
    if key is UNKNOWN:
        return
    mine = f"{'TriggerModule' if is_typed(inputs) else 'DynamicModule'} {'/'.join(inputs.get('__name', [key]))!r}"
    other = keys.claim((*where, key), mine)
    if other is not None:
        installation, version = where
        text = (
            f"{mine} and {other} declare the same key on installation {installation!r} ({version}): give one of them another key="
        )
        problems.append(Problem("key", text))


def _key_in_data(news: Mapping[str, Any], inputs: Mapping[str, Any], version: Version) -> list[Problem]:
    """``data["key"]`` is never sent: entries of a manifest have one, and a user may take it for the module's key."""
    data = news.get("data")
    found = data.get("key") if isinstance(data, Mapping) else None
    key = inputs.get("key") if version == "v1" else inputs.get("adopt")
    if found is None or found is UNKNOWN or key is UNKNOWN or found == key:
        return []
    owner = "it is that of key=, or the logical name" if version == "v1" else "the server generates it under apiVersion v2"
    return [Problem("data.key", f"data['key'] is left out and is not the module's key: {owner}", code=OTHER_KEY)]


def _check_installation(inputs: dict[str, Any], settings: Settings, problems: list[Problem]) -> str | None:
    name = inputs.setdefault("installation", DEFAULT)
    if isinstance(name, str):
        reason = settings.unknown(name)
        if reason is None:
            return name
    else:
        reason = "installation must be a plain string, not an Output: it decides what every other argument means"
    problems.append(Problem("installation", reason))
    return None


def _check_key(inputs: dict[str, Any], version: Version, problems: list[Problem]) -> None:
    logical, reason = (inputs.get("__name") or [""])[-1], None
    if version == "v2":
        if "key" in inputs:
            what = "key= cannot be given under apiVersion v2, where the server generates it"
            reason = f"{what}: remove key=, and read the attribute"
    elif "key" in inputs:
        reason = check_key(inputs["key"])
    elif "__name" not in inputs:
        reason = (
            "the hidden input __name is missing, so a transform has removed it: have it keep what begins with __, or give key="
        )
    elif check_key(logical) is None:
        inputs["key"] = logical
    else:
        reason = f"the logical name {logical!r} cannot be a module key (1 to 255 of a-z A-Z 0-9 _ -): give key="
    if reason is not None:
        problems.append(Problem("key", reason))


def _check_adopt(inputs: dict[str, Any], version: Version, problems: list[Problem]) -> None:
    """``adopt`` decides what a register does, so like ``installation`` it is a plain value, never an output."""
    adopt = inputs.get("adopt")
    if adopt is None or adopt is False:
        inputs.pop("adopt", None)
    elif not isinstance(adopt, bool | str):
        text = "adopt must be plain: True under apiVersion v1, the key as a string under v2, never an Output"
        problems.append(Problem("adopt", text))
    elif version == "v1" and adopt is not True:
        text = "adopt= is True under apiVersion v1, where key= (or the logical name) identifies the module: write adopt=True"
        problems.append(Problem("adopt", text))
    elif version == "v2" and (adopt is True or check_key(adopt) is not None):
        text = 'adopt= is the key of the module under apiVersion v2, where the server generated it: write adopt="<key>"'
        problems.append(Problem("adopt", text))


def _check_manifest(inputs: Mapping[str, Any], manifest: Manifest, problems: list[Problem]) -> None:
    from pulumi_atlassian_forge.manifest.checks import check_manifest, check_static_key  # noqa: PLC0415 - most stacks set no manifest

    found = check_manifest(inputs, manifest)
    reason = check_static_key(inputs.get("key"), manifest)  # v1 only: under v2 there is none, or it is wrong already
    if reason is not None:
        found.append(Problem("key", reason))
    wrong = {problem.path for problem in problems}  # what has the wrong form is in no manifest either: that says nothing new
    problems += [problem for problem in found if problem.path not in wrong]


def _check_size(inputs: Mapping[str, Any], limit: int, problems: list[Problem]) -> None:
    if contains_unknown(inputs):
        return
    size = len(canonical_json(content_of(inputs).data).encode())
    if size > limit:
        text = (
            f"the module's data is {size:,} bytes of JSON, and at most {limit:,} are sent (setting maxDataSize): make it smaller"
        )
        problems.append(Problem("data", text))
