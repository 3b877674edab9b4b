"""`python -m broker` serves; `python -m broker new-key` prints a key for the file of keys."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from typing import Final

import uvicorn
from cryptography.fernet import Fernet
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import Broker
from .audit import audit, to_stderr
from .policy import PolicyError, load_policy
from .settings import Settings, SettingsError, load_settings
from .store import Store, StoreError, load_keys

_LONGEST_HEADERS: Final = 64 * 1024  # two tokens, and what a proxy adds


class _Connection(H11Protocol):
    """A connection that hands on the client's certificate: uvicorn checks it and keeps it to itself."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "certificate": transport.get_extra_info("peercert")}


def main() -> None:
    """Serve until the process is told to stop. Exits with 1 where it cannot begin."""
    if sys.argv[1:] == ["new-key"]:
        print(Fernet.generate_key().decode())
        return
    if sys.argv[1:]:
        sys.exit("usage: python -m broker [new-key]; the settings are environment variables, see README.md")
    to_stderr()
    try:
        settings = load_settings()
        policy = load_policy(settings.policy)
        store = Store(settings.database, load_keys(settings.keys))
        serve(settings, Broker(policy, store, by_certificate=settings.client_ca is not None), store)
    except (SettingsError, PolicyError, StoreError) as error:
        sys.exit(f"the broker cannot start: {error}")


def serve(settings: Settings, broker: Broker, store: Store) -> None:
    """Listen and response.

    Raises:
        SettingsError: The address cannot be had, or the certificate not be used.
    """
    unopened = store.reseal()
    if unopened:
        audit("not-opened", count=str(unopened), reason="no key of the file opens these tokens; is a key missing?")
    config = uvicorn.Config(
        broker.app(),
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=_LONGEST_HEADERS,
        limit_concurrency=100,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        ssl_ca_certs=str(settings.client_ca) if settings.client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if settings.client_ca else ssl.CERT_NONE,
    )
    try:
        config.load()
    except OSError as error:
        raise SettingsError(f"FORGE_BROKER_TLS_… and FORGE_BROKER_CLIENT_CA: a file cannot be used: {error}") from None
    with _listening(settings.host, settings.port) as listener:
        host, port = listener.getsockname()[:2]
        audit("listening", host=host, port=str(port), serves="client certificates" if settings.client_ca else "Forge and CI")
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128)
    except OSError as error:
        raise SettingsError(f"FORGE_BROKER_HOST, FORGE_BROKER_PORT: cannot listen on {host}:{port}: {error.strerror}") from None


if __name__ == "__main__":
    main()
