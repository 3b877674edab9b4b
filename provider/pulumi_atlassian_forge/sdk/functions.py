"""Functions of a program: read one module, or list all of them. Each has a variant that takes and returns outputs.

They run in the program's process, in a preview as well, and only read. All calls of a program share one list of each
installation; the plugin, which is another process, has its own.
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

_lock = threading.Lock()
_sessions: dict[str, Session] = {}
"""The sessions by their configuration: with the Automation API one process runs several programs."""


@dataclass(frozen=True)
class ModuleResult:
    """A module as it is registered.

    Attributes:
        id: What ``TriggerModule.get`` and ``DynamicModule.get`` take: ``<installation>/<apiVersion>/<key>``.
        key: Its key.
        type: Its type.
        data: Its structure with API property names, without ``key``.
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
    """Read one module, also one that no stack manages.

    Args:
        key: Its key.
        installation: The installation, by its name in the settings; the API's version is its setting.

    Raises:
        ForgeError: There is no such module, or it cannot be read.
    """
    return _result(*_session(installation).find(installation, key))


def list_modules(*, type: str | None = None, installation: str = "default") -> list[ModuleResult]:  # noqa: A002 - the API's own word
    """List all modules that are registered on an installation, sorted by key.

    The API's list leaves out a module that has the key of a static module of the app.

    Args:
        type: Only modules of this type.
        installation: The installation, by its name in the settings; the API's version is its setting.

    Raises:
        ForgeError: They cannot be listed.
    """
    found = _session(installation).list_modules(installation)
    return [_result(id_, live) for id_, live in found if type is None or live.content.type == type]


def get_module_output(key: pulumi.Input[str], *, installation: str = "default") -> pulumi.Output[ModuleResult]:
    """:func:`get_module` for a key that is an output. If the key is unknown, in a preview, no request is sent."""

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


def _session(installation: str) -> Session:
    """The session of the program's configuration.

    Raises:
        ForgeError: The name of the installation is not a text, or the configuration cannot be used.
    """
    from pulumi.runtime.config import get_config  # noqa: PLC0415 - plain, as the plugin gets it; pulumi.Config wraps secrets

    from pulumi_atlassian_forge.config.settings import NAMESPACE, RENAMED, SETTINGS  # noqa: PLC0415
    from pulumi_atlassian_forge.session.session import Session  # noqa: PLC0415

    if not isinstance(installation, str):
        raise ForgeError("installation must be a plain string, not an Output: it decides which API receives the request")
    keys = [f"{NAMESPACE}:{field}" for field in (*SETTINGS, *RENAMED, "installations")]
    config = {key: value for key in keys if (value := get_config(key)) is not None}
    identity = repr(sorted(config.items()))
    with _lock:
        if identity not in _sessions:
            _sessions[identity] = Session(config.get)
        return _sessions[identity]


def _result(id_: ModuleId, live: LiveModule) -> ModuleResult:
    return ModuleResult(str(id_), live.key, live.content.type, live.content.data, id_.installation, id_.version)
