"""The one place that joins settings, auth and transport into an installation that the decisions can use.

The provider calls it today; functions and the command will.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from .api.auth import BearerToken
from .api.client import Client, Timeouts
from .api.errors import Unauthorized, Unreachable
from .api.listing import Listing
from .api.operations import Operations
from .api.pace import Pace
from .api.protocol import Answer, Request, Version, list_page
from .errors import ForgeError
from .modules.manifest import Manifest, Manifests
from .modules.manifest_file import ManifestError
from .parent import GATE
from .recovery import Registrar
from .saying import say
from .settings import (
    API_BASE,
    DEFAULT,
    EMULATOR_SCHEME,
    Get,
    Installations,
    InstallationSettings,
    config_key,
    unknown_installation,
    variable,
)
from .version import __version__
from .witness import Roll
from .workers import AT_ONCE

if TYPE_CHECKING:
    from .emulator.transport import EmulatorTransport

_USER_AGENT = f"pulumi-atlassian-forge/{__version__} (Python {platform.python_version()})"


class Connection:
    """One installation: its client, and per API version its operations and its list. Shared by all threads."""

    def __init__(self, name: str, settings: InstallationSettings, root: Path, roll: Roll) -> None:
        self.name = name
        self.roll = roll
        roll.is_credulous = settings.accept_all_gone
        self.turns = threading.BoundedSemaphore(AT_ONCE)
        self.base_url = settings.base_url or API_BASE
        has_token = settings.token is not None or settings.token_file is not None
        self._auth = BearerToken(_source_of(settings, root), self._forget) if has_token else None
        self._client = Client(
            "https://emulator.invalid" if settings.on_emulator else self.base_url,
            self._auth or _NoAuth(),
            timeouts=Timeouts(
                connect=settings.connect_timeout,
                read=settings.request_timeout,
                total=settings.operation_timeout,
            ),
            transport=_emulator(self.base_url, name, root) if settings.on_emulator else None,
            user_agent=_USER_AGENT,
        )
        gated, pace = _Gated(self._client), Pace(lambda text: say(name, text))
        self._operations: dict[Version, Operations] = {v: Operations(gated, v, pace) for v in ("v1", "v2")}
        self._listings: dict[Version, Listing] = {v: Listing(operations) for v, operations in self._operations.items()}
        self._registrars: dict[Version, Registrar] = {
            v: Registrar(
                name,
                operations,
                self._listings[v],
                patience=settings.operation_timeout,
                take_over_identical=settings.take_over_identical,
            )
            for v, operations in self._operations.items()
        }

    def operations(self, version: Version) -> Operations:
        """The five operations under one version of the API."""
        return self._operations[version]

    def listing(self, version: Version) -> Listing:
        """The shared list of the installation's modules under one version of the API."""
        return self._listings[version]

    def registrar(self, version: Version) -> Registrar:
        """What registers modules, once each, under one version of the API."""
        return self._registrars[version]

    def ask(self, request: Request) -> Answer:
        """Send a request once, whatever comes of it: for a look at the installation itself.

        Raises:
            ApiError: No answer came that can be used.
        """
        return self._client.send(request)

    def credentials(self) -> Mapping[str, str]:
        """The headers that show who asks; none where the emulator needs none. Not to be shown.

        Raises:
            ApiError: There are none to be had.
        """
        return self._auth.headers(list_page("v1")) if self._auth is not None else {}

    def _forget(self) -> None:
        """Other credentials may lead to another installation: what was seen of it is to be seen again."""
        self.roll.forget()
        for listing in self._listings.values():
            listing.forget()

    def secrets(self) -> set[str]:
        """Every token that was obtained, for redaction."""
        return self._auth.secrets() if self._auth is not None else set()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Connections:
    """All installations of a process, each connected when it is first needed.

    Args:
        get: Returns the value of a configuration key, or None.
        directory: Where the plugin runs. A relative path starts at the nearest Pulumi.yaml, from here upwards.

    Raises:
        ForgeError: ``atlassian-forge:installations`` cannot be used.
    """

    def __init__(self, get: Get, directory: Path | None = None) -> None:
        self._installations = Installations(get)
        self._root = _project_root(directory or Path.cwd())
        self._lock = threading.Lock()
        self._open: dict[str, Connection] = {}
        self._rolls = _Rolls()
        self._manifests = Manifests()

    @property
    def names(self) -> list[str]:
        """The installations that can be used."""
        return self._installations.names

    def version(self, name: str) -> Version:
        """The API version of an installation.

        Raises:
            ForgeError: Its settings cannot be used.
        """
        return self._installations.resolve(name).api_version

    def source(self, name: str, field: str) -> str | None:
        """Where a setting of an installation comes from: a variable or a configuration key; None: it has its default."""
        return self._installations.source(name, field)

    def max_data_size(self, name: str) -> int:
        """Bytes that the data of a module may have.

        Raises:
            ForgeError: The settings of the installation cannot be used.
        """
        return self._installations.resolve(name).max_data_size

    def manifest(self, name: str) -> Manifest | None:
        """What the manifest of an installation's app declares; None where no manifest is set. Each file is read once.

        Raises:
            ForgeError: The settings of the installation cannot be used, or the manifest cannot be read.
        """
        file = self._installations.resolve(name).manifest
        if file is None:
            return None
        try:
            return self._manifests.get(self._root, file)
        except ManifestError as error:
            where = f"{file}:{error.line}" if error.line else file
            raise ForgeError(
                f"the app's manifest for installation {name!r} cannot be read\n"
                f"{where}: {error.reason}\n"
                f"it is set by {config_key(name, 'manifest')} (or {variable(name, 'manifest')}); a relative path starts at "
                f"{self._root}\n"
                "next: correct the file or the setting, or remove the setting to do without these checks"
            ) from None

    def roll(self, name: str) -> Roll:
        """The modules of the stack that are known on an installation. Needs no settings."""
        return self._rolls[name]

    def unknown(self, name: str) -> str | None:
        """Why an installation is not known; None where it is. A ``default`` without settings is another mistake."""
        return None if name == DEFAULT or name in self.names else unknown_installation(name, self.names)

    def secrets(self) -> set[str]:
        """Every token in sight, for redaction."""
        with self._lock:
            obtained = [connection.secrets() for connection in self._open.values()]
        return self._installations.secrets().union(*obtained)

    def open(self, name: str) -> Connection:
        """The connection to an installation: one for all threads.

        Raises:
            ForgeError: The installation is not configured, or its settings cannot be used.
        """
        with self._lock:
            connection = self._open.get(name)
            if connection is None:
                connection = self._open[name] = Connection(name, self._installations.resolve(name), self._root, self._rolls[name])
            return connection

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for connection in self._open.values():
                connection.close()
            self._open.clear()


class _Rolls(dict[str, Roll]):
    def __missing__(self, name: str) -> Roll:
        return self.setdefault(name, Roll(name))


class _Gated:
    """The client, behind the gate that shuts when the engine is gone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def timeouts(self) -> Timeouts:
        return self._client.timeouts

    def send(self, request: Request, *, within: float | None = None) -> Answer:
        with GATE.passing() as may_pass:
            if not may_pass:
                raise Unreachable("the engine is gone, so no request is sent any more")
            return self._client.send(request, within=within)


class _NoAuth:
    """The emulator in this process takes a request without a token for one of the named installation."""

    def headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the form of every Auth
        return {}

    def renewed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the form of every Auth
        return False


def _source_of(settings: InstallationSettings, root: Path) -> Callable[[], str]:
    """Where the token comes from. A file is read again at each renewal: something else keeps it fresh."""
    token, file = settings.token, settings.token_file
    if token is not None:
        return token.get_secret_value

    def read() -> str:
        try:
            path = root / Path(file or "").expanduser()
            # A pipe or a device could keep every thread waiting for ever.
            reason = "" if not path.exists() or path.is_file() else "it is not a file"
            text = "" if reason else path.read_text("utf-8").strip()
        except (OSError, ValueError, RuntimeError) as error:  # no such user, a NUL in the name
            reason = getattr(error, "strerror", None) or ("it is not a text" if isinstance(error, UnicodeError) else str(error))
            text = ""
        if reason:
            raise Unauthorized(f"the token file {file} cannot be read: {reason}")
        if not text:
            raise Unauthorized(f"the token file {file} is empty")
        return text

    return read


def _emulator(base_url: str, name: str, root: Path) -> EmulatorTransport:
    # The emulator is loaded only where it was asked for.
    from .emulator.fault_rules import FaultRule  # noqa: PLC0415
    from .emulator.switches import Switches  # noqa: PLC0415
    from .emulator.transport import EmulatorTransport  # noqa: PLC0415

    file, _, query = base_url.removeprefix(f"{EMULATOR_SCHEME}://").partition("?")
    path, parameters = root / file, parse_qsl(query, keep_blank_values=True)
    try:
        switches = Switches.parse(value for parameter, value in parameters if parameter == "switch")
        faults = [FaultRule.parse(value) for parameter, value in parameters if parameter == "fault"]
        return EmulatorTransport(path, installation=name, switches=switches, faults=faults)
    except ValueError as error:
        raise ForgeError(
            f"the emulator cannot do what baseUrl of installation {name!r} says: {error}\n"
            "next: correct baseUrl; docs/guide/emulator.md lists the switches and the keys of a fault"
        ) from None
    except OSError as error:
        raise ForgeError(f"the emulator's file {path} cannot be used: {error.strerror}\nnext: correct baseUrl") from None


def _project_root(directory: Path) -> Path:
    """The plugin starts in the project's directory, or in that of ``main:`` below it; paths count from the former."""
    for candidate in (directory, *directory.parents):
        if any((candidate / name).is_file() for name in ("Pulumi.yaml", "Pulumi.yml")):
            return candidate
    return directory
