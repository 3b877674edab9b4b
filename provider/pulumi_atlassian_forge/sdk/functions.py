"""Functions of a program: read one module, or list all of them. Each has a variant that takes and returns outputs.

They run in the program's process, in a preview as well, and only read. All calls of one run of a program share one list of each
installation and its settings; the plugin, which is another process, has its own. A process of the Automation API runs many
programs: each run starts anew. Variables of its workspace (``env_vars``) reach the engine, and with it the plugin, but nothing
passes them to the program, so a function says that it reads those of its own process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_atlassian_forge.errors import ForgeError, bug_report

if TYPE_CHECKING:
    from pulumi_atlassian_forge.api.protocol import LiveModule
    from pulumi_atlassian_forge.model.module_id import ModuleId
    from pulumi_atlassian_forge.session.session import Session

_lock = threading.Lock()
_sessions: weakref.WeakKeyDictionary[Any, dict[str, Session]] = weakref.WeakKeyDictionary()
"""The sessions of each run, by its connection to the engine, and by the configuration."""


class _FunctionError(ForgeError, pulumi.RunError):
    """Ends a program with its message alone: of any other exception the SDK prints the traceback."""

    def __init__(self, error: ForgeError) -> None:
        super().__init__(str(error), line=error.line, cause=error.cause)
        self.code = error.code


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
    with _reported("get_module"), _session(installation) as session:
        return _result(*session.find(installation, key))


def list_modules(*, type: str | None = None, installation: str = "default") -> list[ModuleResult]:  # noqa: A002 - the API's own word
    """List all modules that are registered on an installation, sorted by key.

    The API's list leaves out a module that has the key of a static module of the app.

    Args:
        type: Only modules of this type.
        installation: The installation, by its name in the settings; the API's version is its setting.

    Raises:
        ForgeError: They cannot be listed.
    """
    with _reported("list_modules"), _session(installation) as session:
        found = session.list_modules(installation)
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


@contextmanager
def _reported(function: str) -> Iterator[None]:
    """Raise nothing but a :class:`ForgeError`: the text of another exception may hold a secret."""
    try:
        yield
    except ForgeError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        from pulumi_atlassian_forge.version import __version__  # noqa: PLC0415 - only a bug needs it

        failure = bug_report(error, doing=function, version=__version__)
    else:
        return
    raise failure  # outside of "except", so that its context does not show the exception


@contextmanager
def _session(installation: str) -> Iterator[Session]:
    """The session of this run of the program; outside of a run, one of this call alone.

    Raises:
        ForgeError: The name of the installation is not a text, the configuration cannot be used, or the call failed.
    """
    from pulumi.runtime.settings import get_monitor  # noqa: PLC0415

    if not isinstance(installation, str):
        text = "installation must be a plain string, not an Output: it decides which API receives the request"
        raise _FunctionError(ForgeError(text))
    run = get_monitor()
    try:
        if run is None:
            session = _open(installation)
            with closing(session.connections):
                yield session
        else:
            yield _shared(run, installation)
    except ForgeError as error:
        raise _FunctionError(error) from None


def _shared(run: object, installation: str) -> Session:
    identity = repr((installation, sorted(_config().items())))
    with _lock:
        sessions = _sessions.setdefault(run, {})
        if identity not in sessions:
            session = sessions[identity] = _open(installation)
            weakref.finalize(run, session.connections.close).atexit = False
        return sessions[identity]


def _config() -> dict[str, str]:
    """The configuration of the program, plain, as the plugin gets it; ``pulumi.Config`` would wrap secrets."""
    from pulumi.runtime.config import get_config  # noqa: PLC0415

    from pulumi_atlassian_forge.config.settings import NAMESPACE, RENAMED, SETTINGS  # noqa: PLC0415

    keys = [f"{NAMESPACE}:{field}" for field in (*SETTINGS, *RENAMED, "installations")]
    return {key: value for key in keys if (value := get_config(key)) is not None}


def _open(installation: str) -> Session:
    from pulumi_atlassian_forge.session.session import Session  # noqa: PLC0415

    session = Session(_config().get)
    # A program that the engine itself started has the engine's environment. Nothing tells whether the workspace has others.
    if "pulumi.automation" in sys.modules and "PULUMI_CONFIG" not in os.environ:
        _mention_environment(session, installation)
    return session


def _mention_environment(session: Session, installation: str) -> None:
    """Say that variables of the workspace are not seen, if the installation is not configured, or by variables."""
    from pulumi_atlassian_forge.config.settings import PREFIX, SETTINGS  # noqa: PLC0415

    connections = session.connections
    try:
        address = connections.open(installation).base_url
    except ForgeError as error:
        raise ForgeError(
            f"{error.line}\nget_module and list_modules of a program of the Automation API read the environment of this process; "
            "env_vars of the workspace reach its resources only\n"
            "next: set the variables in os.environ, or the settings in the stack's configuration",
            code="AF501",
        ) from None
    if any((connections.source(installation, field) or "").startswith(PREFIX) for field in SETTINGS):
        pulumi.log.info(
            f"get_module and list_modules read {address} by the environment of this process, and not by env_vars of the workspace"
        )


def _result(id_: ModuleId, live: LiveModule) -> ModuleResult:
    return ModuleResult(str(id_), live.key, live.content.type, live.content.data, id_.installation, id_.version)
