"""What a program can ask: one module, or all of them. Each function has a duplicate that takes and gives outputs.

They run in the program's process, in a preview as well, and only read. All calls share one list of each installation
(design decision 4); the plugin, which is another process, has its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_atlassian_forge.errors import ForgeError

if TYPE_CHECKING:
    from pulumi_atlassian_forge.api.protocol import LiveModule
    from pulumi_atlassian_forge.model.module_id import ModuleId
    from pulumi_atlassian_forge.session.session import Session


@dataclass(frozen=True)
class ModuleResult:
    """A module as it is registered.

    Attributes:
        id: What ``TriggerModule.get`` and ``DynamicModule.get`` take: ``<installation>/<apiVersion>/<key>``.
        key: Its key.
        type: Its type.
        data: Its structure in the API's spelling, without ``key``.
        installation: The installation that it is registered on.
        api_version: The version of the API that it is registered under: ``v1`` or ``v2``.
    """

    id: str
    key: str
    type: str
    data: Mapping[str, Any]
    installation: str
    api_version: str


def get_module(key: str, *, installation: str = "default") -> ModuleResult:
    """Look at one module, whoever registered it.

    Args:
        key: Its key.
        installation: The installation, by its name in the settings; the API's version is its setting.

    Raises:
        ForgeError: There is no such module, or it cannot be read.
    """
    session = _session(installation)
    return _result(*session.find(installation, key))


def list_modules(*, type: str | None = None, installation: str = "default") -> list[ModuleResult]:  # noqa: A002 - the API's own word
    """All modules that are registered on an installation, sorted by key.

    One that hides behind a static module of the app with the same key is missing: the API's list leaves it out.

    Args:
        type: Only modules of this type.
        installation: The installation, by its name in the settings; the API's version is its setting.

    Raises:
        ForgeError: They cannot be listed.
    """
    found = _session(installation).list_modules(installation)
    return [_result(id_, live) for id_, live in found if type is None or live.content.type == type]


def get_module_output(key: pulumi.Input[str], *, installation: str = "default") -> pulumi.Output[ModuleResult]:
    """:func:`get_module` for a key that is an output. While the key is unknown, in a preview, nothing is asked."""

    def found(key: str) -> Any:  # an awaitable: the program goes on while it waits
        return asyncio.to_thread(get_module, key, installation=installation)

    return pulumi.Output.from_input(key).apply(found)


def list_modules_output(
    *,
    type: pulumi.Input[str] | None = None,  # noqa: A002 - the API's own word
    installation: str = "default",
) -> pulumi.Output[list[ModuleResult]]:
    """:func:`list_modules` as an output."""

    def found(type_: str | None) -> Any:
        return asyncio.to_thread(list_modules, type=type_, installation=installation)

    return pulumi.Output.from_input(type).apply(found)


class _Program:
    """What the calls of one program share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sessions: dict[str, Session] = {}  # by the configuration: each program of the Automation API has its own


_program = _Program()


def _session(installation: str) -> Session:
    """The session of the program's configuration."""
    if not isinstance(installation, str):
        raise ForgeError("installation must be a plain string, not an Output: it decides what is asked")
    from pulumi.runtime.config import get_config  # noqa: PLC0415 - plain, as the plugin gets it; pulumi.Config wraps secrets
    from pydantic.alias_generators import to_camel  # noqa: PLC0415

    from pulumi_atlassian_forge.config.settings import NAMESPACE, RENAMED, InstallationSettings  # noqa: PLC0415
    from pulumi_atlassian_forge.session.session import Session  # noqa: PLC0415

    fields = [*map(to_camel, InstallationSettings.model_fields), *RENAMED, "installations"]
    config = {name: value for field in fields if (value := get_config(name := f"{NAMESPACE}:{field}")) is not None}
    key = repr(sorted(config.items()))
    with _program.lock:
        if key not in _program.sessions:
            _program.sessions[key] = Session(config.get)
        return _program.sessions[key]


def _result(id_: ModuleId, live: LiveModule) -> ModuleResult:
    return ModuleResult(str(id_), live.key, live.content.type, live.content.data, id_.installation, id_.version)
