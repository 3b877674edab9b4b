"""Each authentication method, for an API that accepts no other credentials than those of the method."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testing.independent_server import Server
from tests.support import sidecar
from tests.support.relay import KEY, relay

AUTH_METHODS = ("token", "tokenFile", "tokenCommand", "containerProxy", "relayUrl")
RENEWABLE = ("tokenFile", "tokenCommand")


@dataclass
class Opened:
    """An authentication method that is open.

    Attributes:
        environment: The variables of the installation ``default``.
        renew: Has the source of the token hand out another one.
        secrets: What must be found nowhere.
    """

    environment: dict[str, str]
    renew: Callable[[str], None]
    secrets: list[str]


@contextmanager
def opened(auth_method: str, server: Server, folder: Path) -> Iterator[Opened]:
    """Open one of the authentication methods to a server.

    Args:
        authentication method: The setting that opens it.
        server: What it leads to.
        folder: Where the token lies that something renews, apart from the project.
    """
    folder.mkdir()
    base = {"ATLASSIAN_FORGE_BASE_URL": server.base_url}
    match auth_method:
        case "token":
            yield Opened(server.environment(), _cannot, [server.token])
        case "tokenFile":
            file = folder / "token"
            _swap(file, server.token)
            environment = {**base, "ATLASSIAN_FORGE_TOKEN_FILE": str(file)}
            yield Opened(environment, lambda token: _swap(file, token), [server.token])
        case "tokenCommand":
            file = folder / "printed"
            _print(file, server.token)
            command = [sys.executable, "-c", f"print(open({str(file)!r}).read())"]
            environment = {**base, "ATLASSIAN_FORGE_TOKEN_COMMAND": json.dumps(command)}
            yield Opened(environment, lambda token: _print(file, token), [server.token])
        case "containerProxy":
            with sidecar.sidecar(server.base_url, server.token) as url:
                environment = {
                    "FORGE_EGRESS_PROXY_URL": url,
                    "ATLASSIAN_FORGE_CONTAINER_PROXY": f"installationId={sidecar.INSTALLATION}",
                }
                yield Opened(environment, _cannot, [server.token])
        case _:
            with relay(server.base_url, server.token) as url:
                environment = {"ATLASSIAN_FORGE_RELAY_URL": url, "ATLASSIAN_FORGE_RELAY_KEY": KEY}
                yield Opened(environment, _cannot, [server.token, KEY])


def _swap(file: Path, token: str) -> None:
    """As Kubernetes does it: the name is a link, and is pointed elsewhere at one stroke."""
    target = file.with_name(f"token-{len(list(file.parent.iterdir()))}")
    target.write_text(f"{token}\n")
    link = file.with_name("next")
    link.symlink_to(target)
    link.replace(file)


def _print(file: Path, token: str) -> None:
    other = file.with_name("other")
    other.write_text(json.dumps({"token": token, "installationId": "an-installation"}))
    other.replace(file)


def _cannot(token: str) -> None:
    raise AssertionError("nothing on this side renews it")
