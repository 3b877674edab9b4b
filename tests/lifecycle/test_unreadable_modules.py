"""Modules that cannot be read: a foreign one is in nobody's way; one of ours is an error that says so, and nothing is lost."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.emulator.unreadable import FORMS
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.read import find, read
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.session.connection import Connection
from pulumi_atlassian_forge.session.session import Connections, Session
from testing.independent_server import DROP, Call, Server
from tests.lifecycle.test_recovery import _no_waiting, at, connect, declared
from tests.lifecycle.test_verification_reads import Opener

__all__ = ["_no_waiting", "connect"]

HALF = "Risk \ud83d"


def plant(server: Server, version: str, name: str, **fields: Any) -> None:
    """A module that another client left; JSON can write it, and nothing can use it."""
    server.stores[version][name] = {"key": name, "type": "trigger", "data": {"title": HALF}, **fields}


def emulated(tmp_path: Path, version: str, *options: str) -> Connection:
    query = "&".join(f"option={option}" for option in options)
    config = {"atlassian-forge:baseUrl": f"emulator://{tmp_path}/forge.db?{query}", "atlassian-forge:apiVersion": version}
    return Connections(config.get, tmp_path).open("default")


@pytest.mark.parametrize("shape", ["array", "envelope"])
@pytest.mark.parametrize("form", list(FORMS))
def test_a_foreign_module_that_cannot_be_read_is_in_nobody_s_way(form: str, shape: str, tmp_path: Path) -> None:
    for i in (0, 9):  # foreign ones, of which the second can be read
        create(emulated(tmp_path, "v1"), declared(i, "v1"))
    connection = emulated(tmp_path, "v1", f"unreadable=m0={form}", f"list_shape={shape}")
    made = [create(connection, declared(i, "v1")) for i in (1, 2)]
    again = emulated(tmp_path, "v1", f"unreadable=m0={form}", f"list_shape={shape}")
    for id_, outputs in made:
        found = read(again, id_, outputs)
        assert found is not None
        assert found[0]["endpoint"] == outputs["endpoint"]
        update(again, id_, declared(int(id_.key[1:]), "v1", "new"), outputs)
        delete(again, id_, outputs)
    assert len(again.module_list("v1").all(within=0.0)) == 2


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_lost_register_is_found_beside_a_foreign_module_that_cannot_be_read(
    connect: Opener, server: Server, version: str
) -> None:
    plant(server, version, "foreign")
    plant(server, version, "keyless", key=None)
    server.distort = at({1}, "POST", lambda call: DROP)
    create(connect(apiVersion=version), declared(1, version))
    assert server.count("POST") == 1


@pytest.mark.parametrize("planted", [{"key": "new-one"}, {"key": None}])
def test_a_new_module_that_cannot_be_read_may_be_ours(connect: Opener, server: Server, planted: dict[str, Any]) -> None:
    plant(server, "v2", "old-one")

    def spoiled(call: Call, *_done: Any) -> Any:
        if call.method != "POST":
            return None
        plant(server, "v2", "new-one", **planted)
        return DROP

    server.interfere = spoiled
    with pytest.raises(ForgeError) as caught:
        create(connect(apiVersion="v2"), declared(1, "v2"))
    assert "a new module cannot be read" in str(caught.value)
    assert f"each of these could be it: {planted['key'] or 'an entry without a key'}\n" in str(caught.value)
    assert server.count("POST") == 1


@pytest.mark.parametrize("lost", [True, False])
def test_our_own_register_that_comes_back_unreadable_is_not_sent_again(connect: Opener, server: Server, lost: bool) -> None:
    def spoiled(call: Call, *_done: Any) -> Any:
        if call.method != "POST":
            return None
        plant(server, "v1", "m1")
        return DROP if lost else (201, server.stores["v1"]["m1"])

    server.interfere = spoiled
    with pytest.raises(ForgeError) as caught:
        create(connect(), declared(1, "v1"))
    lines = str(caught.value).splitlines()
    assert lines[1:3] == [
        "HTTP 200: the response holds half of a surrogate pair, which is no text",
        "a module with this key is registered, and cannot be read: it is not in the state, and was left as it is",
    ]
    assert caught.value.code == "AF201"
    assert server.count("POST") == 1


@pytest.mark.parametrize(
    ("more", "state"),
    [({}, "a module with this key is registered, and cannot be read"), ({"adopt": True}, "nothing was registered or changed")],
)
def test_a_key_that_an_unreadable_module_has_is_not_taken(
    connect: Opener, server: Server, more: dict[str, Any], state: str
) -> None:
    plant(server, "v1", "m1")
    with pytest.raises(ForgeError, match=state):
        create(connect(), {**declared(1, "v1"), **more})
    assert server.modules()[0]["data"] == {"title": HALF}


def test_a_module_of_the_state_that_cannot_be_read_is_an_error_of_its_own(connect: Opener, server: Server) -> None:
    connection = connect()
    made = [create(connection, declared(i, "v1")) for i in range(3)]
    plant(server, "v1", "m1")
    second = connect()
    for id_, outputs in made:
        if id_.key == "m1":
            with pytest.raises(ForgeError, match=r"nothing was changed: the state is as it was\n.*register it anew"):
                read(second, id_, outputs)
        else:
            assert read(second, id_, outputs) is not None
    # The update writes it anew, and what is unreadable can be deleted.
    update(second, made[1][0], declared(1, "v1", "new"), made[1][1])
    assert read(connect(), *made[1]) is not None
    plant(server, "v1", "m1")
    delete(connect(), *made[1])
    assert sorted(module["key"] for module in server.modules()) == ["m0", "m2"]


def test_a_module_that_the_list_holds_without_its_data_is_read_by_its_key(connect: Opener, server: Server) -> None:
    connection = connect()
    made = [create(connection, declared(i, "v1")) for i in range(2)]

    def summaries(call: Call, status: int, body: Any) -> Any:
        if call.method == "GET" and isinstance(body, list):
            return status, [{"key": module["key"], "type": module["type"]} for module in body]
        return None

    server.distort = summaries
    for id_, outputs in made:
        assert read(connect(), id_, outputs) is not None
    assert find(connect(), "v1", "m0").content.data["endpoint"] == "hook-0"


def test_an_unreadable_module_of_the_stack_confirms_the_installation(connect: Opener, server: Server) -> None:
    connection = connect()
    made = [create(connection, declared(i, "v1")) for i in range(2)]
    plant(server, "v1", "m0")
    del server.stores["v1"]["m1"]
    assert read(connect(), *made[1]) is None


def test_list_modules_leaves_it_out_and_says_so(server: Server, tmp_path: Path) -> None:
    plant(server, "v1", "broken")
    plant(server, "v1", "whole", data={"events": ["e"], "function": "f"})
    config = {"atlassian-forge:baseUrl": server.base_url, "atlassian-forge:token": server.token}
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        session = Session(config.get, directory=tmp_path)
        found = session.list_modules("default")
        session.connections.close()
    assert [live.key for _, live in found] == ["whole"]
    assert "cannot be read (forge-modules list shows why): broken (AF207)" in said.getvalue()
