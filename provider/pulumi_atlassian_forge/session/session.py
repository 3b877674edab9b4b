"""What a process has open: its installations, and the verbs on plain values, which are all that a front end calls.

A front end (the dynamic provider, the functions of a program) translates values and says where run-time messages go. What
protects the user is fed in here, so that no front end can forget it: the installation guard, the ownership of modules, the keys
that are declared twice.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_atlassian_forge.config.confidential import secrets_of_environment, shown_path
from pulumi_atlassian_forge.config.installations import Get, Installations, unknown_installation
from pulumi_atlassian_forge.config.installations_file import installations_in, project_file
from pulumi_atlassian_forge.config.settings import DEFAULT, InstallationSettings, config_key, variable
from pulumi_atlassian_forge.errors import ForgeError, Notify
from pulumi_atlassian_forge.lifecycle.check import CheckedInputs, KeyClaims, check
from pulumi_atlassian_forge.lifecycle.diff import Difference, diff
from pulumi_atlassian_forge.lifecycle.installation_guard import InstallationGuard
from pulumi_atlassian_forge.model.module_id import ModuleId, Version
from pulumi_atlassian_forge.redaction import remember
from pulumi_atlassian_forge.sanitizer import printable

from .notifications import to_standard_error

if TYPE_CHECKING:
    from pulumi_atlassian_forge.api.protocol import LiveModule
    from pulumi_atlassian_forge.lifecycle.expected_installation import Verdicts
    from pulumi_atlassian_forge.manifest.manifest import Manifest, Manifests

    from .connection import Connection


class Connections:
    """All installations of a process, each connected when it is first needed.

    A setting, a file or an installation that cannot be used is a :class:`ForgeError`. ``get`` returns the value of a
    configuration key. A relative path starts at the nearest Pulumi.yaml, from ``directory`` upwards. ``called`` are installations
    that the user or a state names: their variables are enough, without a configuration.
    """

    def __init__(
        self, get: Get, directory: Path | None = None, called: Iterable[str] = (), notify: Notify = to_standard_error
    ) -> None:
        remember(secrets_of_environment())  # first: what fails here may quote them
        start = directory or Path.cwd()
        project = project_file(start)
        self._root = project.parent if project else start
        self._installations = Installations(get, installations_in(self._root), called)
        remember(self._installations.secrets())
        self._lock = threading.Lock()
        self._open: dict[str, Connection] = {}
        self._notify = notify
        self._guards: dict[str, InstallationGuard] = {}
        self._manifests: Manifests | None = None
        self._verdicts: Verdicts | None = None

    @property
    def names(self) -> list[str]:
        """The installations that can be used."""
        return self._installations.names

    def version(self, name: str) -> Version:
        """The API version of an installation."""
        return self._installations.resolve(name).api_version

    def settings(self, name: str) -> InstallationSettings:
        """The settings of an installation."""
        return self._installations.resolve(name)

    def source(self, name: str, field: str) -> str | None:
        """Where a setting of an installation comes from: a variable or a configuration key; None: it has its default."""
        return self._installations.source(name, field)

    def misspelt(self) -> dict[str, str]:
        """Variables that nothing reads, each with the one that it resembles."""
        return self._installations.misspelt()

    def max_data_size(self, name: str) -> int:
        """Bytes that the data of a module may have."""
        return self._installations.resolve(name).max_data_size

    def strict(self, name: str) -> bool:
        """Whether warnings about a declaration are errors."""
        return self._installations.resolve(name).strict

    def manifest(self, name: str) -> Manifest | None:
        """What the manifest of an installation's app declares; None if no manifest is set. Each file is read once."""
        file = self._installations.resolve(name).manifest
        if file is None:
            return None
        # Most stacks set no manifest, and their previews need not wait for this.
        from pulumi_atlassian_forge.manifest.manifest import Manifests  # noqa: PLC0415
        from pulumi_atlassian_forge.manifest.yaml_nodes import ManifestError  # noqa: PLC0415

        with self._lock:
            manifests = self._manifests = self._manifests or Manifests()
        try:
            return manifests.get(self._root, file)
        except ManifestError as error:
            shown = shown_path(file, self._root).strip()
            where = (shown or "the file") + (f":{error.line}" if error.line else "")
            raise ForgeError(
                f"the app's manifest for installation {name!r} cannot be read\n{where}: {printable(error.reason)}\n"
                f"it is set by {config_key(name, 'manifest')} (or {variable(name, 'manifest')}); a relative path starts at "
                f"{self._root}\n"
                "next: correct the file or the setting, or remove the setting to do without these checks",
                code=None if shown else "AF701",
            ) from None

    def guard(self, name: str) -> InstallationGuard:
        """The protection against the credentials of another installation. Needs no settings."""
        return self._guards.setdefault(name, InstallationGuard(name, self._notify))

    def unknown(self, name: str) -> str | None:
        """Why an installation is unknown; None if it is known. A ``default`` without settings is another error."""
        return None if name == DEFAULT or name in self.names else unknown_installation(name, self.names)

    def open(self, name: str) -> Connection:
        """The connection to an installation: one for all threads."""
        # It imports the client. A preview needs none, and is a tenth of a second faster without.
        from pulumi_atlassian_forge.lifecycle.expected_installation import Verdicts  # noqa: PLC0415

        from .connection import Connection  # noqa: PLC0415

        with self._lock:
            connection = self._open.get(name)
            if connection is None:
                settings, is_one_of_several = self._installations.resolve(name), len(self.names) > 1
                verdicts = self._verdicts = self._verdicts or Verdicts()
                connection = self._open[name] = Connection(
                    name,
                    settings,
                    self._root,
                    self.guard(name),
                    self._notify,
                    is_one_of_several=is_one_of_several,
                    verdicts=verdicts,
                )
            return connection

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for connection in self._open.values():
                connection.close()
            self._open.clear()


class Session:
    """What one process of a front end has open. Shared by all threads. The arguments are those of :class:`Connections`.

    A verb that fails raises a :class:`ForgeError`, which says what happened to the module, or that this is unknown.
    """

    def __init__(self, get: Get, notify: Notify = to_standard_error, directory: Path | None = None) -> None:
        self.connections = Connections(get, directory, notify=notify)
        self._keys = KeyClaims()
        self._notify = notify
        self._shown: set[tuple[str, str]] = set()  # the engine checks a resource twice if it is replaced
        self._announced: dict[str, list[str]] = {}  # the warnings that a front end shows itself, by what each is about

    # The verbs import what they need when they are called: a preview calls check and diff only, and needs no client.

    def check(
        self,
        inputs: Mapping[str, Any],
        olds: Mapping[str, Any],
        announced: Collection[str] = (),
        *,
        secret_places: Sequence[Sequence[str | int]] = (),
    ) -> CheckedInputs:
        """Validate and complete the inputs of one resource; no request. For a new one ``olds``, its old inputs, are empty.

        Each warning is a message, once in a process, unless its path is among those that the front end has ``announced``.
        The values at ``secret_places`` are shown in no message of this process from now on.
        """
        if secret_places:
            from pulumi_atlassian_forge.lifecycle.declared_secrets import remember_declared  # noqa: PLC0415 - few need it

            remember_declared(inputs, secret_places)
            remember_declared(olds, secret_places)
        checked = check(inputs, self.connections, self._keys)
        about = _about(checked.inputs)
        self._announced[about] = [warning.message() for warning in checked.warnings if warning.path in announced]
        self._warn(about, [warning.message() for warning in checked.warnings if warning.path not in announced])
        if not checked.problems:
            guard = self.connections.guard(checked.inputs["installation"])
            guard.on_declared(checked.inputs["apiVersion"], checked.inputs, olds)
        return checked

    def _warn(self, about: str, texts: Iterable[str]) -> None:
        for text in texts:
            if (about, text) not in self._shown:
                self._shown.add((about, text))
                self._notify(about, f"warning: {text}")

    @contextmanager
    def _warns_if_refused(self, inputs: Mapping[str, Any]) -> Iterator[None]:
        """Show what was announced, too, if the module is refused: a program cannot log on a resource that does not come to be."""
        try:
            yield
        except ForgeError:
            self._warn(_about(inputs), self._announced.get(_about(inputs), ()))
            raise

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
        """Compare the old outputs with the new inputs; no request. The result depends on nothing else."""
        module = ModuleId.parse(id_)
        self.connections.guard(module.installation).on_recorded(module.version, module.key, olds, news)
        return diff(olds, news)

    def create(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Register a module, or adopt one: its id and its outputs."""
        from pulumi_atlassian_forge.lifecycle.create import create  # noqa: PLC0415

        with self._warns_if_refused(inputs):
            id_, outputs = create(self.connections.open(inputs["installation"]), inputs)
        return str(id_), outputs

    def read(self, id_: str, olds: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Read a module: its outputs and inputs; None if it was deleted outside Pulumi."""
        from pulumi_atlassian_forge.lifecycle.read import read  # noqa: PLC0415

        module = ModuleId.parse(id_)
        return read(self.connections.open(module.installation), module, olds)

    def update(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the content of a module: its outputs."""
        from pulumi_atlassian_forge.lifecycle.update import update  # noqa: PLC0415

        module = ModuleId.parse(id_)
        with self._warns_if_refused(news):
            return update(self.connections.open(module.installation), module, news, olds)

    def delete(self, id_: str, olds: Mapping[str, Any]) -> None:
        """Delete a module."""
        from pulumi_atlassian_forge.lifecycle.delete import delete  # noqa: PLC0415

        module = ModuleId.parse(id_)
        delete(self.connections.open(module.installation), module, olds)

    def find(self, installation: str, key: str) -> tuple[ModuleId, LiveModule]:
        """Find one module, whether it is in a state or not."""
        from pulumi_atlassian_forge.lifecycle.read import find  # noqa: PLC0415

        connection = self.connections.open(installation)
        version = self.connections.version(installation)
        return ModuleId(installation, version, key), find(connection, version, key)

    def list_modules(self, installation: str) -> list[tuple[ModuleId, LiveModule]]:
        """All modules of an installation, sorted by key. Those that cannot be read are left out, with a message."""
        from pulumi_atlassian_forge.lifecycle.read import list_modules  # noqa: PLC0415

        connection = self.connections.open(installation)
        version = self.connections.version(installation)
        found = list_modules(connection, version)
        if opaque := [live.key or "an entry without a key" for live in found if live.problem]:
            why = "left out of the list, because they cannot be read (forge-modules list shows why)"
            connection.notify(installation, f"warning: {why}: {', '.join(opaque)} (AF207)")
        return [(ModuleId(installation, version, live.key), live) for live in found if not live.problem]


def _about(inputs: Mapping[str, Any]) -> str:
    """What a warning is about: ``<installation>/<logical name>``."""
    return "/".join((str(inputs["installation"]), *inputs.get("__name", [""])[-1:]))
