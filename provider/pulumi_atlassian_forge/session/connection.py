"""One installation, connected: its client, and what the decisions need of it."""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_atlassian_forge.api.client import Client, Timeouts
from pulumi_atlassian_forge.api.errors import ApiError
from pulumi_atlassian_forge.api.installation_details import InstallationDetails
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.protocol import list_page
from pulumi_atlassian_forge.api.rate_limiter import RateLimiter
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.auth.auth_method import identity_of, open_auth_method
from pulumi_atlassian_forge.config.settings import InstallationSettings
from pulumi_atlassian_forge.errors import Notify
from pulumi_atlassian_forge.lifecycle.expected_installation import ExpectedInstallation, Verdicts
from pulumi_atlassian_forge.lifecycle.installation_guard import InstallationGuard
from pulumi_atlassian_forge.lifecycle.recovery import Registrar
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.version import __version__

from .shutdown import GATE

if TYPE_CHECKING:
    from .details_source import DetailsSource

CONCURRENCY: Final = 4  # operations at once on one installation
_USER_AGENT = f"pulumi-atlassian-forge/{__version__} (Python {platform.python_version()})"

_ADVICE = "; the others need not wait with it: --parallel, see docs/guide/authentication.md#many-installations"


class Connection:
    """One installation: its client, and per API version its operations and its list. Shared by all threads.

    A relative path in the settings starts at ``root``. ``verdicts`` are those of the whole process. A request that fails, or a
    token that cannot be obtained, is an :class:`~pulumi_atlassian_forge.api.errors.ApiError`.
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
        verdicts: Verdicts | None = None,
    ) -> None:
        self.name = name
        self.notify = notify
        self.guard = guard
        guard.accept_missing_modules = settings.accept_missing_modules
        self.slots = threading.BoundedSemaphore(CONCURRENCY)
        self.auth_method = settings.auth_method
        self.version = settings.api_version
        self.expected_installation = settings.expected_installation
        self._auth_method = method = open_auth_method(name, settings, root, self._forget, notify)
        guard.identity = self.identity if method.installation is not None else None
        self.base_url = settings.base_url if settings.on_emulator and settings.base_url else method.base_url
        timeouts = Timeouts(connect=settings.connect_timeout, read=settings.request_timeout, total=settings.operation_timeout)
        self._client = Client(
            method.base_url,
            method.auth,
            envelope=method.envelope,
            gate=GATE,
            verified=guard.require_expected_installation,
            timeouts=timeouts,
            transport=method.transport,
            user_agent=_USER_AGENT,
        )
        rate_limiter = RateLimiter(lambda text: notify(name, text), advice=_ADVICE if is_one_of_several else "")
        self._operations: dict[Version, Operations] = {v: Operations(self._client, v, rate_limiter) for v in ("v1", "v2")}
        self._module_lists: dict[Version, ModuleList] = {v: ModuleList(operations) for v, operations in self._operations.items()}
        budget_s, adopt_identical = settings.operation_timeout, settings.adopt_identical
        self._registrars: dict[Version, Registrar] = {
            v: Registrar(
                name, operations, self._module_lists[v], budget_s=budget_s, adopt_identical=adopt_identical, notify=notify
            )
            for v, operations in self._operations.items()
        }
        self._details_source: DetailsSource | None = None
        guard.expected = None
        if settings.expected_installation is not None:
            address = f"{root} {name} {self.base_url}" if settings.on_emulator else self.base_url
            self._expect(settings.expected_installation, address, verdicts or Verdicts())

    def operations(self, version: Version) -> Operations:
        """The five operations under one version of the API."""
        return self._operations[version]

    def module_list(self, version: Version) -> ModuleList:
        """The shared list of the installation's modules under one version of the API."""
        return self._module_lists[version]

    def registrar(self, version: Version) -> Registrar:
        """Registers modules exactly once, under one version of the API."""
        return self._registrars[version]

    def ask(self, request: Request) -> Response:
        """Send a request once, without retries, and return the response whatever its status."""
        return self._operations[self.version].send_once(request)

    def credentials(self) -> Mapping[str, str]:
        """The secret headers that authenticate a request; empty if the emulator needs none."""
        return self._auth_method.auth.headers(list_page("v1"))

    def expires_at(self) -> float | None:
        """When the token expires, in seconds since the epoch; None if that is not known, or there is no token."""
        return self._auth_method.expires_at()

    def installation(self) -> str | None:
        """The id of the installation; None if the authentication method does not know it, or not yet."""
        return None if self._auth_method.installation is None else self._auth_method.installation()

    def identity(self) -> str | None:
        """The hash of the installation's id; None if the authentication method does not know the id. May send a request."""
        method = self._auth_method
        if method.installation is None:
            return None
        if method.envelope is not None and not method.envelope.has_responded:
            self._module_lists[self.version].all()  # each response of the relay holds the id
        found = self.installation()
        return None if found is None else identity_of(found)

    def installation_details(self) -> InstallationDetails | ApiError | None:
        """The details of the expected installation, or why they are not known; None if none is expected. Sends one request."""
        return None if self._details_source is None else self._details_source.details()[1]

    def is_verified(self) -> bool:
        """Whether an earlier request proved that the credentials belong to the expected installation. Sends no request."""
        source = self._details_source
        if source is None:
            return False
        return source.verified_earlier(source.fingerprint(source.credentials())) == self.expected_installation

    def _expect(self, installation: str, address: str, verdicts: Verdicts) -> None:
        """Have the guard verify the installation before the first write, and with new credentials again.

        The address tells apart what the same credentials mean elsewhere: without a token, an emulator goes by the name.
        """
        # Few stacks expect one, and the others need not load these.
        from .details_source import DetailsSource  # noqa: PLC0415
        from .verified_installations import VerifiedInstallations, cache_folder  # noqa: PLC0415

        self._details_source = DetailsSource(
            installation,
            self.version,
            address=address,
            method=self._auth_method,
            client=self._client,
            module_list=self.module_list,
            cache=VerifiedInstallations(cache_folder()),
        )
        self.guard.expected = ExpectedInstallation(installation, self._details_source, verdicts)

    def _forget(self) -> None:
        """New credentials may be those of another installation: everything known of it is forgotten."""
        self.guard.on_credentials_refreshed()
        for module_list in self._module_lists.values():
            module_list.invalidate()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
