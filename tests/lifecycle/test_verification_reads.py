"""Verification reads: a module that seems to be missing or to exist for another reason (gateway, delayed list, rename)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.check import KeyClaims, check
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.session.connection import Connection
from pulumi_atlassian_forge.session.session import Connections
from testing.independent_server import Call, Server
from tests.lifecycle.test_recovery import _no_waiting, connect, declared
from tests.support.command import register_outside

__all__ = ["_no_waiting", "connect"]

Opener = Callable[..., Connection]
Made = tuple[Any, dict[str, Any]]
GATEWAY = (404, b"<html>no such route</html>")


def some(connection: Connection, version: str, count: int = 4) -> list[Made]:
    return [create(connection, declared(i, version)) for i in range(count)]


# -- a 404 of everything ------------------------------------------------------------------------------------------------------


def test_a_gateway_s_404s_during_a_destroy_take_nothing_out_of_the_state(connect: Opener, server: Server) -> None:
    made = some(connect(), "v1")
    second = connect()
    delete(second, *made[0])  # a confirmed module
    server.interfere = lambda call: GATEWAY
    for module in made[1:]:
        with pytest.raises(ForgeError, match="the API responded that the module does not exist, and its list is not available"):
            delete(second, *module)
        with pytest.raises(ForgeError, match="the API responded that the module does not exist, and its list is not available"):
            update(second, module[0], declared(9, "v1"), module[1])
    assert [module["key"] for module in server.modules()] == ["m1", "m2", "m3"]


def test_a_404_does_not_count_if_the_list_fails(connect: Opener, server: Server) -> None:
    made = some(connect(), "v2")
    second = connect(apiVersion="v2", operationTimeout="2")
    delete(second, *made[0])
    server.interfere = lambda call: GATEWAY if call.method == "DELETE" else (500, b"")
    with pytest.raises(ForgeError, match="its list is not available: HTTP 500"):
        delete(second, *made[1])


def test_the_api_of_the_old_version_may_no_longer_exist(connect: Opener, server: Server) -> None:
    """Everything of v1 is a 404: what the message advises goes through."""
    made = some(connect(), "v1", 2)
    server.interfere = lambda call: GATEWAY if "/v1/" in call.path else None
    second = connect(apiVersion="v2")
    for id_, outputs in made:
        second.guard.on_recorded(id_.version, id_.key, outputs)
    with pytest.raises(ForgeError, match=r"next: .*ATLASSIAN_FORGE_ACCEPT_MISSING_MODULES=true pulumi refresh"):
        create(second, declared(7, "v2"))
    refreshed = connect(acceptMissingModules="true")
    assert [read(refreshed, *module) for module in made] == [None, None]


# -- a sister installation ----------------------------------------------------------------------------------------------------


def test_under_v2_equal_content_does_not_show_that_an_installation_is_the_right_one(connect: Opener, server: Server) -> None:
    made = some(connect(apiVersion="v2"), "v2", 3)
    server.stores["v2"] = {f"other-{key}": {**module, "key": f"other-{key}"} for key, module in server.stores["v2"].items()}
    second = connect(apiVersion="v2")
    for i, (id_, outputs) in enumerate(made[:2]):  # unchanged
        inputs = declared(i, "v2")
        second.guard.on_declared("v2", inputs, inputs)
        second.guard.on_recorded(id_.version, id_.key, outputs, inputs)
    with pytest.raises(ForgeError, match="none of the 2 modules of this stack that were requested exists; 3 others do"):
        create(second, declared(7, "v2"))
    with pytest.raises(ForgeError, match="see the message about"):
        delete(second, *made[2])
    assert len(server.modules("v2")) == 3


def test_under_v2_content_is_enough_if_no_key_arrives(connect: Opener, server: Server) -> None:
    some(connect(apiVersion="v2"), "v2", 2)
    second = connect(apiVersion="v2")
    for i in range(2):
        second.guard.on_declared("v2", declared(i, "v2"), declared(i, "v2"))
    create(second, declared(7, "v2"))
    assert len(server.modules("v2")) == 3


def test_a_module_that_the_list_hides_shows_the_right_installation(connect: Opener, server: Server) -> None:
    made = some(connect(), "v1", 2)
    server.interfere = lambda call: (200, []) if call.method == "GET" and call.path.partition("?")[0].endswith("/") else None
    second = connect()
    for id_, outputs in made:
        second.guard.on_recorded(id_.version, id_.key, outputs)
    create(second, declared(7, "v1"))
    assert len(server.modules()) == 3


# -- our own delete, not seen everywhere yet ------------------------------------------------------------------------------------


def test_a_key_that_we_have_deleted_is_not_adopted(connect: Opener, server: Server) -> None:
    """A replacement that deletes first, on a server that shows its own deletes a little late."""
    connection = connect()
    made = some(connection, "v1", 2)
    (deleted_module,) = [module for module in server.modules() if module["key"] == "m0"]
    delete(connection, *made[0])
    posts = 0

    def late(call: Call) -> Any:
        nonlocal posts
        posts += call.method == "POST"
        if posts > 2:
            return None
        if call.method == "POST":
            return 422, {"message": "key m0 is taken"}
        return (200, deleted_module) if call.path.endswith("/m0") else None

    server.interfere = late
    create(connection, declared(0, "v1"))
    assert (posts, sorted(module["key"] for module in server.modules())) == (3, ["m0", "m1"])


# -- a certain refusal after an uncertain one ----------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [(401, {"message": "ended"}), (422, {"message": "at most 100 dynamic modules"})])
def test_a_rejection_after_a_lost_response_does_not_report_that_nothing_was_registered(
    connect: Opener, server: Server, refusal: Any
) -> None:
    responses = iter([(504, b""), refusal])
    server.interfere = lambda call: next(responses) if call.method == "POST" else None
    with pytest.raises(ForgeError, match="it is not known whether it was registered"):
        create(connect(apiVersion="v2"), declared(1, "v2"))


def test_the_outcome_is_unknown_at_the_limit_too(connect: Opener, server: Server) -> None:
    for i in range(100):
        register_outside(server, "v2", f"k{i}", "acme:x", a=i)
    responses = iter([(504, b""), (422, {"message": "at most 100 dynamic modules"})])
    server.interfere = lambda call: next(responses) if call.method == "POST" else None
    with pytest.raises(ForgeError, match="it is not known whether it was registered"):
        create(connect(apiVersion="v2"), declared(1, "v2"))


def test_a_module_registered_late_is_found_after_a_rejection(connect: Opener, server: Server) -> None:
    """The first request is carried out while the second is refused for the limit that the first has filled."""
    responses = iter([(504, b""), (422, {"message": "at most 100 dynamic modules"})])
    late: dict[str, Any] = {}

    def interfere(call: Call) -> Any:
        if call.method != "POST":
            return None
        given = next(responses)
        if given[0] == 422:
            server.stores["v2"]["late"] = {**late, "key": "late"}
        else:
            late.update({"type": "trigger", "data": {"events": ["e"], "endpoint": "hook-1", "key": "late"}})
        return given

    server.interfere = interfere
    id_, _ = create(connect(apiVersion="v2"), declared(1, "v2"))
    assert id_.key == "late"


# -- whose it is ----------------------------------------------------------------------------------------------------------


def renamed(connection: Connection) -> tuple[Made, Made]:
    """A resource `a` and its successor `b` under one key, both in the state: the run was interrupted before `a` was deleted."""
    before = create(connection, {**declared(0, "v1"), "__name": ["a"]})
    return before, create(connection, {**declared(0, "v1"), "__name": ["b"]})


def inputs_of(name: str) -> dict[str, Any]:
    return {**declared(0, "v1"), "__name": [name]}


def test_a_refresh_before_an_up_does_not_make_a_predecessor_the_program_s(connect: Opener, server: Server) -> None:
    before, after = renamed(connect())
    second = connect()
    for name, (id_, outputs) in {"a": before, "b": after}.items():
        second.guard.on_recorded(id_.version, id_.key, outputs, inputs_of(name))  # the refresh compares every module of the state
    second.guard.on_declared("v1", inputs_of("b"), inputs_of("b"))
    second.guard.on_recorded("v1", "m0", after[1], inputs_of("b"))
    delete(second, *before)
    assert [module["key"] for module in server.modules()] == ["m0"]


def test_a_resource_with_an_alias_is_deleted_under_its_old_name(connect: Opener, server: Server) -> None:
    before = create(connect(), inputs_of("a"))
    second = connect()
    second.guard.on_recorded("v1", "m0", before[1], inputs_of("a"))
    second.guard.on_declared("v1", inputs_of("b"), inputs_of("a"))
    second.guard.on_recorded("v1", "m0", before[1], inputs_of("b"))
    delete(second, *before)
    assert server.modules() == []


def test_two_classes_with_one_name_are_two_resources(tmp_path: Path) -> None:
    trigger = {"__name": ["x"], "events": ["avi:jira:updated:issue"], "endpoint": "h"}
    module = {"__name": ["x"], "type": "trigger", "data": {"events": ["avi:jira:updated:issue"], "endpoint": "h"}}
    settings, keys = Connections({"atlassian-forge:baseUrl": "emulator://x.db"}.get, tmp_path), KeyClaims()
    assert check(trigger, settings, keys).problems == []
    assert check(trigger, settings, keys).problems == []
    (problem,) = check(module, settings, keys).problems
    assert "DynamicModule 'x' and TriggerModule 'x' declare the same key on installation 'default' (v1)" in problem.text
