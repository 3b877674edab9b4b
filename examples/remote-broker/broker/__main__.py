"""Command line: `python -m broker` serves; `python -m broker new-key` prints a new key for the key file."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from typing import Final

import uvicorn
from cryptography.fernet import Fernet

from .app import Broker
from .audit import audit, log_to_stderr
from .connections import REQUEST_TIMEOUT_S, Connection, EventLoop
from .permissions import PermissionsError, require_private
from .policy import PolicyError, load_policy
from .settings import Settings, SettingsError, load_settings
from .store import Store, StoreError, load_keys

_MAX_HEADERS_BYTES: Final = 64 * 1024  # two tokens, and the headers that a proxy adds


def main() -> None:
    """Serve until the process is stopped. Exits with 1 if the broker cannot start."""
    if sys.argv[1:] == ["new-key"]:
        print(Fernet.generate_key().decode())
        return
    if sys.argv[1:]:
        sys.exit("usage: python -m broker [new-key]; the settings are environment variables, see README.md")
    log_to_stderr()
    try:
        settings = load_settings()
        require_private(settings.policy, 0o002)
        require_private(settings.keys)
        if settings.tls_key is not None:
            require_private(settings.tls_key)
        policy = load_policy(settings.policy)
        store = Store(settings.database, load_keys(settings.keys))
        serve(settings, Broker(policy, store, by_certificate=settings.client_ca is not None), store)
    except (SettingsError, PermissionsError, PolicyError, StoreError) as error:
        sys.exit(f"the broker cannot start: {error}")


def serve(settings: Settings, broker: Broker, store: Store) -> None:
    """Listen and serve requests.

    Raises:
        SettingsError: The address is not available, or the certificate cannot be used.
    """
    if store.had_mode is not None:
        reason = f"its mode was {store.had_mode:04o}, and is 0600 now; other users may have read encrypted tokens"
        audit("permissions-corrected", file=str(settings.database), reason=reason)
    unreadable = store.reencrypt()
    if unreadable:
        audit("decryption-failed", count=str(unreadable), reason="no key of the file decrypts these tokens; is a key missing?")
    Connection.max_per_address = settings.max_connections_of_an_address()
    config = uvicorn.Config(
        broker.app(),
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=[("connection", "close")],  # uvicorn reads requests that follow into memory, faster than it responds to them
        h11_max_incomplete_event_size=_MAX_HEADERS_BYTES,
        limit_concurrency=100,
        timeout_keep_alive=int(REQUEST_TIMEOUT_S),
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
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            runner.run(uvicorn.Server(config).serve(sockets=[listener]))


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128)
    except OSError as error:
        raise SettingsError(f"FORGE_BROKER_HOST, FORGE_BROKER_PORT: cannot listen on {host}:{port}: {error.strerror}") from None


if __name__ == "__main__":
    main()
