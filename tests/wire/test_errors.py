"""Messages for failures of the API and the network: real plugin process, real sockets, newest and minimum SDK."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from testing.independent_server import TOKEN, Server
from testing.plugin import INPUTS, Plugin, plugin


@pytest.fixture
def start(python: str, server: Server, tmp_path: Path) -> Iterator[Callable[..., Plugin]]:
    with ExitStack() as stack:

        def started(**environment: str) -> Plugin:
            settings = {**server.environment(), "ATLASSIAN_FORGE_OPERATION_TIMEOUT": "2", **environment}
            return stack.enter_context(plugin(tmp_path, settings, python=python))

        yield started


def failure(call: Callable[[], Any]) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    details = caught.value.details()
    assert details is not None
    # Newer SDKs send the formatted exception, older ones its text behind a prefix of grpc's.
    for prefix in ("pulumi_atlassian_forge.ForgeError: ", "Exception calling application: "):
        details = details.removeprefix(prefix)
    return details.strip()


def well_formed(text: str, verb: str, id_: str = "default/v1/one") -> list[str]:
    lines = text.splitlines()
    installation, version, key = id_.split("/")
    assert lines[0] == f"could not {verb} module '{key}' (trigger) on installation '{installation}' ({version})", text
    assert len(lines) <= 6, text
    assert lines[-1].startswith("next: "), text
    assert "Traceback" not in text
    assert TOKEN not in text
    return lines


def create(forge: Plugin) -> Any:
    inputs, failures = forge.check(INPUTS)
    assert not failures
    return forge.create(inputs)


def test_401_names_the_variable_of_the_token(start: Callable[..., Plugin]) -> None:
    lines = well_formed(failure(lambda: create(start(ATLASSIAN_FORGE_TOKEN="expired"))), "register")
    assert lines[1] == "HTTP 401: Authorization failed"
    assert lines[2] == "nothing was registered"
    assert "ATLASSIAN_FORGE_TOKEN" in lines[3]


def test_422_keeps_the_server_s_own_text(start: Callable[..., Plugin], server: Server) -> None:
    server.interfere = lambda call: (422, {"message": "the function \x1b[31mbug-hook\x1b[0m is not in the manifest"})
    lines = well_formed(failure(lambda: create(start())), "register")
    assert lines[1] == "HTTP 422: the function bug-hook is not in the manifest"


def test_the_101st_module_names_the_limit(start: Callable[..., Plugin], server: Server) -> None:
    server.stores["v1"] = {f"m{i}": {"key": f"m{i}", "type": "trigger", "data": {}} for i in range(100)}
    lines = well_formed(failure(lambda: create(start())), "register")
    assert lines[1] == "HTTP 422: at most 100 dynamic modules"
    assert "holds 100 modules" in lines[2]
    assert "delete_before_replace=True" in lines[3]


def test_404_on_update_is_reported_as_deleted_outside_pulumi(start: Callable[..., Plugin], server: Server) -> None:
    forge = start(ATLASSIAN_FORGE_API_VERSION="v2")
    id_, outputs = create(forge)
    server.stores["v2"].clear()
    inputs, _ = forge.check({**INPUTS, "endpoint": "other"})
    lines = well_formed(failure(lambda: forge.update(id_, outputs, inputs)), "update", id_)
    assert "deleted outside Pulumi" in lines[2]
    assert "pulumi up --refresh" in lines[3]


def test_500_for_ever_ends_within_the_budget(start: Callable[..., Plugin], server: Server) -> None:
    forge = start()
    id_, outputs = create(forge)
    server.interfere = lambda call: (500, {"message": "An internal error occurred"})
    began = time.monotonic()
    lines = well_formed(failure(lambda: forge.delete(id_, outputs)), "delete")
    assert time.monotonic() - began < 4
    assert re.fullmatch(r"HTTP 500: An internal error occurred \(\d+ attempts, waited \d+ s\)", lines[1])
    assert "still in the state" in lines[2]


def test_500_to_every_register_ends_with_an_unknown_outcome(start: Callable[..., Plugin], server: Server) -> None:
    server.interfere = lambda call: (500, {"message": "An internal error occurred"}) if call.method == "POST" else None
    began = time.monotonic()
    lines = well_formed(failure(lambda: create(start())), "register")
    assert time.monotonic() - began < 8
    assert lines[1].startswith("HTTP 500: An internal error occurred")
    assert "not known whether" in lines[2]


def test_a_dead_host(start: Callable[..., Plugin]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    lines = well_formed(failure(lambda: create(start(ATLASSIAN_FORGE_BASE_URL=base))), "register")
    assert time.monotonic() - began < 4
    assert "refused" in lines[1]
    assert lines[2] == "nothing was registered"
    assert base in lines[3]


def test_a_host_that_has_no_address(start: Callable[..., Plugin]) -> None:
    lines = well_formed(failure(lambda: create(start(ATLASSIAN_FORGE_BASE_URL="https://no-such-host.invalid"))), "register")
    assert "no-such-host.invalid" in "\n".join(lines)
    assert lines[2] == "nothing was registered"


@pytest.fixture
def untrusted() -> Iterator[str]:
    """A TLS server with an untrusted certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def accept() -> None:
        try:
            connection, _ = listener.accept()
            connection.settimeout(5)
            with connection, context.wrap_socket(connection, server_side=True):
                pass
        except OSError:
            pass  # the client refuses the certificate: that is the test

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"https://localhost:{listener.getsockname()[1]}"
    listener.close()
    thread.join(5)


def test_a_certificate_that_is_not_trusted(start: Callable[..., Plugin], untrusted: str) -> None:
    lines = well_formed(failure(lambda: create(start(ATLASSIAN_FORGE_BASE_URL=untrusted))), "register")
    assert "certificate" in lines[1]
    assert lines[2] == "nothing was registered"


def test_a_response_that_is_not_json(start: Callable[..., Plugin], server: Server) -> None:
    forge = start()
    id_, outputs = create(forge)
    server.interfere = lambda call: (200, b"<html><body>Hello, portal!</body></html>")
    lines = well_formed(failure(lambda: forge.read(id_, outputs)), "read")
    assert "JSON" in lines[1]
    assert lines[2] == "nothing was changed: the state is as it was"


def test_a_response_of_100_megabytes_is_cut_off(start: Callable[..., Plugin], server: Server) -> None:
    forge = start()
    id_, outputs = create(forge)
    huge = b"[" + b" " * 100_000_000 + b"]"
    server.interfere = lambda call: (200, huge)
    began = time.monotonic()
    lines = well_formed(failure(lambda: forge.read(id_, outputs)), "read")
    assert time.monotonic() - began < 5
    assert "larger than 8192 KiB" in lines[1]


def test_a_cyclic_cursor_is_an_error(start: Callable[..., Plugin], server: Server) -> None:
    forge = start()
    id_, outputs = create(forge)
    pages = iter(range(10**6))
    server.interfere = lambda call: (200, {"result": [], "lastEvaluatedKey": "ab"[next(pages) % 2]})
    lines = well_formed(failure(lambda: forge.read(id_, outputs)), "read")
    assert "cursor" in lines[1]
    assert len(server.calls) < 10


def test_a_bug_of_ours_shows_a_redacted_traceback_and_asks_for_a_report(python: str, server: Server, tmp_path: Path) -> None:
    # A planted bug: a module of the installed package that raises, put in front of it on the path.
    (tmp_path / "sitecustomize.py").write_text(
        "import pulumi_atlassian_forge.lifecycle.create as module\n"
        "def create(installation, inputs):\n"
        f"    raise SystemExit('planted bug, token {TOKEN}')\n"
        "module.create = create\n",
        encoding="utf-8",
    )
    with plugin(tmp_path, server.environment(PYTHONPATH=str(tmp_path)), python=python) as forge:
        text = failure(lambda: create(forge))
    assert text.startswith("a bug in pulumi-atlassian-forge ")
    assert "report it" in text
    assert "Traceback (most recent call last)" in text
    assert "planted bug, token [redacted]" in text
    assert TOKEN not in text


def test_a_module_that_is_asked_for_by_its_id_and_is_not_there_is_an_error(start: Callable[..., Plugin]) -> None:
    text = failure(lambda: start().read("default/v1/one", {"installation": "default", "__name": ["one"]}))
    assert well_formed(text, "read")[1].startswith("HTTP 404")


@pytest.mark.parametrize("id_", ["one", "default/v3/one", "default/v1/", "default/v1/..", "default/v1/."])
def test_an_invalid_id_is_an_error_that_shows_the_format(start: Callable[..., Plugin], server: Server, id_: str) -> None:
    text = failure(lambda: start().read(id_, {"installation": "default"}))
    assert not server.calls
    assert "default/v1/notify-on-bug" in text
