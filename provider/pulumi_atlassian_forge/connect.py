"""The one place that joins settings, auth and transport into an installation that the decisions can use.

The provider calls it today; functions and the command will.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping
from pathlib import Path

from .api.client import Client, Timeouts
from .api.errors import Unreachable
from .api.listing import Listing
from .api.operations import Operations
from .api.pace import Pace
from .api.protocol import Answer, Request, Version, list_page
from .errors import ForgeError
from .fields import DEFAULT, InstallationSettings, config_key, variable
from .installations_file import installations_in
from .modules.manifest import Manifest, Manifests
from .modules.manifest_file import ManifestError
from .parent import GATE
from .recovery import Registrar
from .roads.road import identity_of, opened
from .saying import say
from .settings import Get, Installations, unknown_installation
from .version import __version__
from .witness import Roll
from .workers import AT_ONCE

_USER_AGENT = f"pulumi-atlassian-forge/{__version__} (Python {platform.python_version()})"


class Connection:
    """One installation: its client, and per API version its operations and its list. Shared by all threads."""

    def __init__(self, name: str, settings: InstallationSettings, root: Path, roll: Roll) -> None:
        self.name = name
        self.roll = roll
        roll.is_credulous = settings.accept_all_gone
        self.turns = threading.BoundedSemaphore(AT_ONCE)
        self.road = settings.road
        self._version = settings.api_version
        self._road = opened(name, settings, root, self._forget)
        roll.identity = self.identity if self._road.installation is not None else None
        self._client = Client(
            self._road.base_url,
            self._road.auth,
            carrier=self._road.carrier,
            timeouts=Timeouts(
                connect=settings.connect_timeout,
                read=settings.request_timeout,
                total=settings.operation_timeout,
            ),
            transport=self._road.transport,
            user_agent=_USER_AGENT,
        )
        self.base_url = settings.base_url if settings.on_emulator and settings.base_url else self._road.base_url
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
        return self._road.auth.headers(list_page("v1"))

    def identity(self) -> str | None:
        """What tells this installation from others, where the road knows whose it is; asked for where it has to be.

        Raises:
            ApiError: It could not be asked.
        """
        if self._road.installation is None:
            return None
        if self._road.carrier is not None and not self._road.carrier.has_answered:
            self._listings[self._version].all()  # each answer tells
        found = self._road.installation()
        return None if found is None else identity_of(found)

    def _forget(self) -> None:
        """Other credentials may lead to another installation: what was seen of it is to be seen again."""
        self.roll.forget()
        for listing in self._listings.values():
            listing.forget()

    def secrets(self) -> set[str]:
        """Every token that was obtained, for redaction."""
        return self._road.secrets()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Connections:
    """All installations of a process, each connected when it is first needed.

    Args:
        get: Returns the value of a configuration key, or None.
        directory: Where the plugin runs. A relative path starts at the nearest Pulumi.yaml, from here upwards.

    Raises:
        ForgeError: ``atlassian-forge:installations`` or ``forge-installations.yaml`` cannot be used.
    """

    def __init__(self, get: Get, directory: Path | None = None) -> None:
        self._root = _project_root(directory or Path.cwd())
        self._installations = Installations(get, installations_in(self._root))
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


def _project_root(directory: Path) -> Path:
    """The plugin starts in the project's directory, or in that of ``main:`` below it; paths count from the former."""
    for candidate in (directory, *directory.parents):
        if any((candidate / name).is_file() for name in ("Pulumi.yaml", "Pulumi.yml")):
            return candidate
    return directory
