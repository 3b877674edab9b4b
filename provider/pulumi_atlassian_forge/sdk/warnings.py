"""Warnings of the program about its own arguments: each is logged on its resource. Nothing fails, and no secret is shown.

The rules are those of ``check`` (:mod:`~pulumi_atlassian_forge.lifecycle.check`), which sees the same declaration again in the
plugin. Here is what the plugin cannot know: which resource a warning is about, and which values are secret. The hidden input
``__announced`` names the paths that were warned of; the plugin prints the warnings about others, for example about what a
transform has added.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakSet

import pulumi
from pulumi.runtime import is_config_secret

from pulumi_atlassian_forge.dynamic.pulumi_values import ANNOUNCED
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.model.problems import Location, Problem, camel, path_of
from pulumi_atlassian_forge.model.values import UNKNOWN
from pulumi_atlassian_forge.redaction import redact
from pulumi_atlassian_forge.sanitizer import message

from .arguments import TriggerFilter, TriggerPayload, TriggerPayloadInclude
from .unsendable import items_of

if TYPE_CHECKING:
    from pulumi_atlassian_forge.session.session import Connections

_NAMESPACE: Final = "atlassian-forge"  # as in config.settings, which the program does not load to start faster
_CLEAR_TEXT: Final = "AF411"  # the code of a token in clear text

# The runs whose configuration was checked: with the Automation API one process runs several programs.
_checked_runs: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
_connections: WeakKeyDictionary[asyncio.AbstractEventLoop, Connections] = WeakKeyDictionary()


@dataclass
class _Arguments:
    """The arguments of a resource as plain values with API property names, as far as they are known."""

    values: dict[str, Any] = field(default_factory=dict)
    outputs: list[tuple[Location, Any]] = field(default_factory=list)  # their values stand as UNKNOWN until they are resolved
    secrets: set[str] = field(default_factory=set)  # the paths of secret values

    def add(self, name: str, value: Any) -> None:
        self.values[name] = self._plain(value, (name,))

    async def resolve(self) -> None:
        """Wait for the outputs, in which there may be further ones. Awaitables that are no outputs stay unknown."""
        while self.outputs:
            location, output = self.outputs.pop()
            if await output.is_secret():
                self.secrets.add(path_of(location))
            *above, name = location
            parent: Any = self.values
            for part in above:
                parent = parent[part]
            parent[name] = self._plain(await output.future(with_unknowns=True), location)

    def _plain(self, value: Any, location: Location) -> Any:
        if isinstance(value, pulumi.Output):
            self.outputs.append((location, value))
            return UNKNOWN
        if isinstance(value, pulumi.output.Unknown) or inspect.isawaitable(value):
            return UNKNOWN
        items = items_of(value)
        if items is None:
            return value
        if isinstance(value, Sequence):
            return [self._plain(item, (*location, index)) for index, item in items]
        if isinstance(value, (TriggerFilter, TriggerPayload, TriggerPayloadInclude)):
            items = [(camel(name), item) for name, item in items]
        return {name: self._plain(item, (*location, name)) for name, item in items if isinstance(name, str) and item is not None}


class Announcement:
    """The warnings about one resource: found before it is registered, and logged on it."""

    def __init__(self, resource: pulumi.Resource, name: str, declared: Mapping[str, Any], *, secrets: Iterable[str] = ()) -> None:
        self._resource = resource
        self._name = name
        self._arguments = _Arguments(secrets=set(secrets))
        for argument, value in declared.items():
            if value is not None and value is not False:
                self._arguments.add(argument, value)
        self._found = [] if self._arguments.outputs else self._warnings()

    def hidden_inputs(self) -> dict[str, Any]:
        """The hidden input for the plugin; none if there is nothing to say."""
        if self._arguments.outputs:
            return {ANNOUNCED: self._when_known()}
        return {ANNOUNCED: [warning.path for warning in self._found]} if self._found else {}

    def log(self) -> None:
        """Log what is known, after the registration has begun."""
        _warn_of_clear_text_token(self._resource)
        for warning in self._found:
            is_secret = warning.is_within(self._arguments.secrets)
            # In a dictionary that is secret, the names are secret too; only one that nobody knows is not public anyway.
            names = map(str, warning.unknown[-1:]) if is_secret else ()
            text = redact(warning.message(details=not is_secret), names)
            pulumi.log.warn(message(text), resource=self._resource)

    async def _when_known(self) -> list[str] | None:
        try:
            await self._arguments.resolve()
        except Exception:  # noqa: BLE001 - the registration fails with it, and says so
            return None
        self._found = self._warnings()
        self.log()
        return [warning.path for warning in self._found] or None

    def _warnings(self) -> list[Problem]:
        from pulumi_atlassian_forge.model.validation import check_content  # noqa: PLC0415 - a program without modules needs none

        values = self._arguments.values
        is_suspect = any(not problem.is_error for problem in check_content(values)) or _has_key(values.get("data"))
        return _judged({**values, "__name": [self._name]}) if is_suspect else []


def _has_key(data: Any) -> bool:
    return isinstance(data, dict) and "key" in data


def _judged(inputs: dict[str, Any]) -> list[Problem]:
    """The warnings of ``check`` with the settings of the installation: it knows ``strict``, the manifest and the API's version.

    The settings take a tenth of a second to load, which only a program with a warning has to spend.
    """
    from pulumi_atlassian_forge.lifecycle.check import KeyClaims, check  # noqa: PLC0415

    try:
        return check(inputs, _settings(), KeyClaims()).warnings
    except ForgeError:
        return []  # the plugin reports the error, and with it all else that is wrong


def _settings() -> Connections:
    from pulumi.runtime.config import get_config  # noqa: PLC0415 - plain, as the plugin gets it

    from pulumi_atlassian_forge.config.settings import NAMESPACE, RENAMED, SETTINGS  # noqa: PLC0415
    from pulumi_atlassian_forge.session.session import Connections  # noqa: PLC0415

    run = asyncio.get_event_loop()
    found = _connections.get(run)
    if found is None:
        keys = [f"{NAMESPACE}:{name}" for name in (*SETTINGS, *RENAMED, "installations")]
        config = {key: value for key in keys if (value := get_config(key)) is not None}
        found = _connections[run] = Connections(config.get)
    return found


def _warn_of_clear_text_token(resource: pulumi.Resource) -> None:
    """Check the configuration once per run, on the first resource: it is the same for all."""
    run = asyncio.get_event_loop()
    if run in _checked_runs:
        return
    _checked_runs.add(run)
    config = pulumi.Config(_NAMESPACE)
    for key, options in (
        ("token", f"{_NAMESPACE}:token"),
        ("installations", f"--path '{_NAMESPACE}:installations.<name>.token'"),
    ):
        name = f"{_NAMESPACE}:{key}"
        if _holds_token(key, config.get(key)) and not is_config_secret(name):
            advice = f"pulumi config set --secret {options} <token>"
            text = f"{name} holds a token in clear text; encrypt it: {advice} ({_CLEAR_TEXT})"
            pulumi.log.warn(text, resource=resource)


def _holds_token(key: str, value: str | None) -> bool:
    if value is None or key == "token":
        return value is not None
    try:
        entries = json.loads(value)
    except ValueError:
        return False  # the plugin reports the error
    return isinstance(entries, dict) and any(isinstance(e, dict) and e.get("token") for e in entries.values())
