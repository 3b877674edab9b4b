"""A bug of our own, or of a parser, after a write was sent: the verification read comes all the same, and decides."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.update import update
from testing.independent_server import Server
from tests.lifecycle.test_recovery import _no_waiting, at, connect, declared
from tests.lifecycle.test_verification_reads import Opener

__all__ = ["_no_waiting", "connect"]

API = "pulumi_atlassian_forge.api"
MALFORMED = b"<html><h1>502 Bad Gateway</h1><![x status]></html>"


def raising_once(monkeypatch: pytest.MonkeyPatch, place: str, bug: Exception) -> None:
    def raised(*_: Any, **__: Any) -> Any:
        monkeypatch.undo()
        raise bug

    monkeypatch.setattr(f"{API}.{place}", raised)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("place", ["protocol.parse_registered", "client._read", "client.decompress", "protocol.parse_json"])
@pytest.mark.parametrize("bug", [AssertionError("unknown status keyword"), RecursionError(), MemoryError()])
def test_a_register_is_sent_once_and_found(
    connect: Opener,
    server: Server,
    version: str,
    place: str,
    bug: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    connection = connect(apiVersion=version)
    create(connection, declared(0, version))  # so that the list before is taken
    raising_once(monkeypatch, place, bug)
    id_, _ = create(connection, declared(1, version))
    assert id_.key in {module["key"] for module in server.modules(version)}
    assert server.count("POST") == 2
    said = capsys.readouterr().err
    assert f"the response was lost: a bug in pulumi-atlassian-forge: {type(bug).__name__}" in said
    assert "Traceback" not in said


def test_an_update_and_a_delete_are_verified(connect: Opener, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect()
    id_, outputs = create(connection, declared(1, "v1"))
    raising_once(monkeypatch, "protocol.parse_module", RecursionError())
    outputs = update(connection, id_, declared(1, "v1", "new"), outputs)
    assert outputs["endpoint"] == "new-1"
    raising_once(monkeypatch, "protocol.parse_deleted", KeyError("x"))
    delete(connection, id_, outputs)
    assert server.modules() == []


def test_the_message_names_the_bug_and_shows_no_traceback(
    connect: Opener, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect()

    def broken(*_: Any) -> Any:
        raise AssertionError("secret-value")

    monkeypatch.setattr(f"{API}.protocol.parse_json", broken)
    with pytest.raises(ForgeError) as caught:
        create(connection, declared(1, "v1"))
    lines = str(caught.value).splitlines()
    assert lines[1].startswith("a bug in pulumi-atlassian-forge: AssertionError at api/protocol.py:")
    assert lines[2] == "it is not known whether it was registered; it is not in the state"
    assert len(lines) <= 6
    assert (caught.value.code, "secret-value" in str(caught.value)) == ("AF202", False)
    assert server.count("POST") == 1


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_malformed_error_page_after_the_commit_changes_nothing(connect: Opener, server: Server, version: str) -> None:
    server.distort = at({1}, "POST", lambda call: (502, MALFORMED))
    create(connect(apiVersion=version), declared(1, version))
    assert (len(server.modules(version)), server.count("POST")) == (1, 1)


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_module_that_is_gone_is_missing(connect: Opener, server: Server, version: str, status: int) -> None:
    """410 and 404 mean the same in a delete, and in an update under v1, which registers it again."""
    made = [create(connect(apiVersion=version), declared(i, version)) for i in range(2)]
    del server.stores[version][made[1][0].key]
    server.distort = lambda call, code, body: (status, body) if code == 404 else None
    second = connect(apiVersion=version)
    if version == "v1":
        update(second, made[1][0], declared(1, version, "new"), made[1][1])
        assert len(server.modules(version)) == 2
        del server.stores[version][made[1][0].key]
    delete(connect(apiVersion=version), *made[1])
    assert len(server.modules(version)) == 1
