"""Settings of the broker process, from environment variables FORGE_BROKER_…. Access rules are in the policy."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

CONNECTIONS_PER_ADDRESS: Final = 20


class SettingsError(Exception):
    """A setting is missing or invalid. The message names it."""


class Settings(BaseSettings):
    """Settings from the environment.

    Attributes:
        policy: The policy file.
        keys: The file of the keys that encrypt tokens at rest.
        database: The SQLite database.
        host: The address to listen on.
        port: The port; 0 selects a free one.
        tls_certificate: PEM with its chain, if the broker itself terminates TLS.
        tls_key: PEM of the certificate's key.
        client_ca: PEM of the authority for client certificates. The process then serves CI only, and requires one.
        connections_per_address: How many connections one address may have. Default: 20 if the broker itself terminates TLS, else
            any number, because all connections are those of a proxy.
        tls_terminated_by_proxy: A proxy terminates TLS, so the broker may listen for plain HTTP on any address.
    """

    model_config = SettingsConfigDict(env_prefix="FORGE_BROKER_", env_ignore_empty=True, hide_input_in_errors=True, frozen=True)

    policy: Path
    keys: Path
    database: Path = Path("broker.db")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8787
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    connections_per_address: Annotated[int | None, Field(ge=1)] = None
    tls_terminated_by_proxy: bool = False

    def max_connections_of_an_address(self) -> int | None:
        """The limit that applies; None: none."""
        default = None if self.tls_certificate is None else CONNECTIONS_PER_ADDRESS
        return self.connections_per_address or default

    @model_validator(mode="after")
    def _require_encrypted_transport(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if self.client_ca is not None and self.tls_certificate is None:
            raise ValueError("client_ca needs tls_certificate: a proxy that terminates TLS removes the client's certificate")
        if self.tls_certificate is None and not self.tls_terminated_by_proxy and not _is_loopback(self.host):
            raise ValueError("unencrypted tokens are refused: set tls_certificate and tls_key, or tls_terminated_by_proxy=true")
        return self


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: A setting is missing or invalid.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_message(each["loc"], each["msg"]) for each in error.errors())) from None


def _message(where: tuple[int | str, ...], message: str) -> str:
    return f"FORGE_BROKER_{str(where[0]).upper()}: {message}" if where else message


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
