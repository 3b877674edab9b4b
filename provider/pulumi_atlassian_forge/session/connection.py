"""One installation, connected: its client, and what the decisions need of it."""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pulumi_atlassian_forge.api.client import Client, Timeouts
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.protocol import list_page
from pulumi_atlassian_forge.api.rate_limiter import RateLimiter
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.auth.auth_method import identity_of, open_auth_method
from pulumi_atlassian_forge.config.settings import InstallationSettings
from pulumi_atlassian_forge.errors import Notify
from pulumi_atlassian_forge.lifecycle.installation_guard import InstallationGuard
from pulumi_atlassian_forge.lifecycle.recovery import Registrar
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.version import __version__

from .shutdown import GATE

CONCURRENCY: Final = 4
"""Operations at once on one installation."""

_USER_AGENT = f"pulumi-atlassian-forge/{__version__} (Python {platform.python_version()})"

_ADVICE = "; the others need not wait with it: --parallel, see docs/guide/authentication.md#many-installations"


class Connection:
    """One installation: its client, and per API version its operations and its list. Shared by all threads.

    Args:
        name: The name that it has in the settings.
        settings: How to reach it.
        root: Where a relative path starts.
        guard: The protection against the credentials of another installation.
        notify: Receives run-time messages.
        is_one_of_several: Whether it could keep others waiting.
    """

    def __init__(
        self,
        name: str,
        settings: InstallationSettings,
        root: Path,
        guard: InstallationGuard,
        notify: Notify,
        *,
        is_one_of_several: bool = False,
    ) -> None:
        self.name = name
        self.notify = notify
        self.guard = guard
        guard.accept_missing_modules = settings.accept_missing_modules
        self.slots = threading.BoundedSemaphore(CONCURRENCY)
        self.auth_method = settings.auth_method
        self._version = settings.api_version
        self._auth_method = open_auth_method(name, settings, root, self._forget, notify)
        guard.identity = self.identity if self._auth_method.installation is not None else None
        self._client = Client(
            self._auth_method.base_url,
            self._auth_method.auth,
            envelope=self._auth_method.envelope,
            gate=GATE,
            timeouts=Timeouts(
                connect=settings.connect_timeout,
                read=settings.request_timeout,
                total=settings.operation_timeout,
            ),
            transport=self._auth_method.transport,
            user_agent=_USER_AGENT,
        )
        self.base_url = settings.base_url if settings.on_emulator and settings.base_url else self._auth_method.base_url
        rate_limiter = RateLimiter(lambda text: notify(name, text), advice=_ADVICE if is_one_of_several else "")
        self._operations: dict[Version, Operations] = {v: Operations(self._client, v, rate_limiter) for v in ("v1", "v2")}
        self._module_lists: dict[Version, ModuleList] = {v: ModuleList(operations) for v, operations in self._operations.items()}
        self._registrars: dict[Version, Registrar] = {
            v: Registrar(
                name,
                operations,
                self._module_lists[v],
                budget_s=settings.operation_timeout,
                adopt_identical=settings.adopt_identical,
                notify=notify,
            )
            for v, operations in self._operations.items()
        }

    def operations(self, version: Version) -> Operations:
        """The five operations under one version of the API."""
        return self._operations[version]

    def module_list(self, version: Version) -> ModuleList:
        """The shared list of the installation's modules under one version of the API."""
        return self._module_lists[version]

    def registrar(self, version: Version) -> Registrar:
        """What registers modules, once each, under one version of the API."""
        return self._registrars[version]

    def ask(self, request: Request) -> Response:
        """Send a request once, whatever comes of it: for a look at the installation itself.

        Raises:
            ApiError: No response came that can be used.
        """
        return self._client.send(request)

    def credentials(self) -> Mapping[str, str]:
        """The headers that show who asks; none where the emulator needs none. Not to be shown.

        Raises:
            ApiError: There are none to be had.
        """
        return self._auth_method.auth.headers(list_page("v1"))

    def expires_at(self) -> float | None:
        """When the token ends, in seconds since the epoch; None where that is not known, or there is no token.

        Raises:
            ApiError: There is none to be had.
        """
        return self._auth_method.expires_at()

    def installation(self) -> str | None:
        """The id of the installation, as far as the authentication method has told it by now.

        Raises:
            ApiError: The token that tells it cannot be had.
        """
        return None if self._auth_method.installation is None else self._auth_method.installation()

    def identity(self) -> str | None:
        """What tells this installation from others, if the authentication method knows it; a request may be needed to learn it.

        Raises:
            ApiError: It could not be asked.
        """
        if self._auth_method.installation is None:
            return None
        if self._auth_method.envelope is not None and not self._auth_method.envelope.has_responded:
            self._module_lists[self._version].all()  # each response tells
        found = self.installation()
        return None if found is None else identity_of(found)

    def _forget(self) -> None:
        """Other credentials may lead to another installation: what was seen of it is to be seen again."""
        self.guard.on_credentials_refreshed()
        for module_list in self._module_lists.values():
            module_list.invalidate()

    def secrets(self) -> set[str]:
        """Every token that was obtained, for redaction."""
        return self._auth_method.secrets()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
