"""What the verification of the expected installation needs of a connection: its credentials, its list, one request, the cache."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final

from pulumi_atlassian_forge.api.client import Client
from pulumi_atlassian_forge.api.errors import RELAY, ApiError
from pulumi_atlassian_forge.api.installation_details import InstallationDetails, installation_details, parse_details
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.protocol import list_page
from pulumi_atlassian_forge.auth.auth_method import AuthMethod
from pulumi_atlassian_forge.model.module_id import Version

from .verified_installations import VerifiedInstallations

# What stays the same in the credentials of all requests. The rest of a relay's is made for one request.
_STABLE: Final = ("authorization", "forge-proxy-authorization", f"{RELAY}-key")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class DetailsSource:
    """The :class:`~pulumi_atlassian_forge.lifecycle.expected_installation.Source` of one connection.

    ``address`` is where its requests go: the same token means something else at another one.
    """

    def __init__(
        self,
        installation: str,
        version: Version,
        *,
        address: str,
        method: AuthMethod,
        client: Client,
        module_list: Callable[[Version], ModuleList],
        cache: VerifiedInstallations,
    ) -> None:
        self.version = version
        self.module_list = module_list
        self._installation = installation
        self._address = address
        self._method = method
        self._client = client
        self._cache = cache

    def credentials(self) -> Mapping[str, str]:
        """The credentials of a read; raises an ApiError if there are none."""
        return self._method.auth.headers(list_page(self.version))

    def fingerprint(self, credentials: Mapping[str, str]) -> str:
        """The hash of the credentials and of the address that they are sent to."""
        stable = [self._address, *(f"{name}: {credentials[name]}" for name in _STABLE if name in credentials)]
        return hashlib.sha256("\n".join(stable).encode("utf-8", "surrogatepass")).hexdigest()

    def ask_details(self) -> tuple[str, ApiError | None]:
        """Send one request; returns the fingerprint of its credentials, and why the response does not verify them."""
        fingerprint, found = self.details()
        return fingerprint, found if isinstance(found, ApiError) else None

    def details(self) -> tuple[str, InstallationDetails | ApiError]:
        """The details of the expected installation, or why they are not known. What is verified is cached."""
        request = installation_details(self._installation)
        credentials = self._method.auth.headers(request)
        fingerprint = self.fingerprint(credentials)
        try:
            found = parse_details(self._client.send_once(request, credentials))
        except ApiError as error:
            return fingerprint, error
        self._cache.record(fingerprint, self._installation, self._method.expires_at())
        return fingerprint, found

    def list_now(self) -> object:
        """List the modules anew; raises an ApiError if the credentials are not accepted."""
        return self.module_list(self.version).all(within=0.0)

    def verified_earlier(self, fingerprint: str) -> str | None:
        """The installation that an earlier request proved."""
        return self._cache.get(fingerprint)

    def names_expected(self) -> bool | None:
        """Whether the authentication method names the expected installation; None if it names none, or by no UUID."""
        named = None if self._method.installation is None else self._method.installation()
        id_ = "" if named is None else named.strip("/").rpartition("/")[2].lower()
        return id_ == self._installation.rpartition("/")[2] if _UUID.fullmatch(id_) else None
