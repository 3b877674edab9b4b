"""Where things are: environment variables FORGE_BROKER_…. Who may do what is in the policy."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """A setting is missing or wrong. The text says which."""


class Settings(BaseSettings):
    """The environment.

    Attributes:
        policy: The policy file.
        keys: The file of the keys that seal tokens at rest.
        database: The SQLite database.
        host: The address to listen on.
        port: The port; 0: a free one.
        tls_certificate: PEM, with its chain, where the broker itself ends TLS.
        tls_key: PEM of its key.
        client_ca: PEM of what signs client certificates. The process then serves CI only, and only with a client certificate.
        tls_is_elsewhere: A proxy before the broker ends TLS, so clear text may be listened for on any address.
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
    tls_is_elsewhere: bool = False

    @model_validator(mode="after")
    def _tokens_travel_sealed(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if self.client_ca is not None and self.tls_certificate is None:
            raise ValueError("client_ca needs tls_certificate: a proxy that ends TLS keeps the client's certificate to itself")
        if self.tls_certificate is None and not self.tls_is_elsewhere and not _is_loopback(self.host):
            raise ValueError("tokens do not travel in clear: set tls_certificate and tls_key, or tls_is_elsewhere=true")
        return self


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: Something is missing or wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_said(each["loc"], each["msg"]) for each in error.errors())) from None


def _said(where: tuple[int | str, ...], message: str) -> str:
    return f"FORGE_BROKER_{str(where[0]).upper()}: {message}" if where else message


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
