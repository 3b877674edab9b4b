"""Authentication method of an installation: opens the one that its settings name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_atlassian_forge.api.client import Auth, FixedHeaders
from pulumi_atlassian_forge.config.settings import API_BASE, PROXY_VARIABLE, InstallationSettings
from pulumi_atlassian_forge.errors import Notify

from .bearer_token import BearerToken, Token, token_from, warn_of_expiry
from .local_emulator import ADDRESS, emulator
from .relay import Relay, Signature
from .secret import secret_file

if TYPE_CHECKING:
    from pulumi_atlassian_forge.emulator.transport import EmulatorTransport


@dataclass(frozen=True, slots=True)
class AuthMethod:
    """An open authentication method: where the requests of one installation go, and with which credentials."""

    base_url: str
    auth: Auth
    envelope: Relay | None = None  # wraps the requests; None if they go directly to the API
    transport: EmulatorTransport | None = None  # in place of the network
    # The id of the installation, None if it is not known yet; no function if the authentication method never knows it.
    installation: Callable[[], str | None] | None = None
    # When the token expires, in seconds since the epoch; None if that is not known, or there is no token.
    expires_at: Callable[[], float | None] = lambda: None


def open_auth_method(
    name: str, settings: InstallationSettings, root: Path, on_refresh: Callable[[], None], notify: Notify
) -> AuthMethod:
    """Open the authentication method that the settings of an installation name; raises ForgeError if the emulator cannot be used.

    A relative path starts at ``root``. ``on_refresh`` is called after the token was refreshed.
    """
    if settings.auth_method == "relayUrl":
        return _relay(settings, root)
    if settings.auth_method == "containerProxy":
        return _container(settings)
    transport = emulator(settings.base_url or "", name, root) if settings.on_emulator else None
    base_url = ADDRESS if transport is not None else settings.base_url or API_BASE
    obtain = _token(settings, root)
    if obtain is None:
        return AuthMethod(base_url, FixedHeaders({}), transport=transport)
    auth = BearerToken(obtain, on_refresh, lambda token: warn_of_expiry(token, lambda text: notify(name, text)))
    # Only a command tells which installation its token is for: for the others no token is obtained to find that out.
    installation = auth.installation if settings.auth_method == "tokenCommand" else None
    return AuthMethod(base_url, auth, transport=transport, installation=installation, expires_at=auth.expires_at)


def identity_of(installation: str) -> str:
    """The hash of an installation's id, for the state; an ARI and its last part, the bare id, have the same hash."""
    bare = installation.strip("/").rpartition("/")[2].lower()
    return blake2b(bare.encode(), digest_size=16, person=b"installation").hexdigest()


def _token(settings: InstallationSettings, root: Path) -> Callable[[], Token] | None:
    """What obtains the token; None if there is none, which the emulator accepts."""
    if settings.token is not None:
        return token_from(settings.token.get_secret_value)
    if settings.token_file is not None:
        return token_from(secret_file(settings.token_file, root, "token"))
    if settings.token_command is not None:
        from .token_command import TokenCommand  # noqa: PLC0415 - its lock is POSIX's, and few need it

        return TokenCommand(settings.token_command, root, settings.request_timeout)
    return None


def _relay(settings: InstallationSettings, root: Path) -> AuthMethod:
    key = settings.relay_key
    obtain = key.get_secret_value if key is not None else secret_file(settings.relay_key_file or "", root, "key")
    relay, signature = Relay(), Signature(obtain)
    return AuthMethod(settings.relay_url or "", signature, envelope=relay, installation=lambda: relay.installation)


def _container(settings: InstallationSettings) -> AuthMethod:
    """The container's sidecar adds the app's credentials; the header names the installation.

    https://developer.atlassian.com/platform/forge/containers-reference/ref-api/
    """
    kind, _, id_ = (settings.container_proxy or "").partition("=")
    base_url = settings.base_url or f"{os.environ.get(PROXY_VARIABLE, '').rstrip('/')}/atlassian"
    target = f"installationId={id_}" if kind == "installationId" else f"id={id_}"
    headers = FixedHeaders({"forge-proxy-authorization": f"Forge as=app,{target}"})
    return AuthMethod(base_url, headers, installation=(lambda: id_) if kind == "installationId" else None)
