"""Responses that need a confirmation: what an earlier attempt did, whose a module is, which installation a token is for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.diff import diff
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.session.connection import Connection
from testing.independent_server import DROP, Call, Server
from tests.lifecycle.test_recovery import _no_waiting, connect, declared
from tests.support.command import register_outside

__all__ = ["_no_waiting", "connect"]

Opener = Callable[..., Connection]
REDIRECT = (302, b"", {"location": "https://login.example/"})


def of_type(name: str, version: str, **data: Any) -> dict[str, Any]:
    inputs = {"__name": [name], "installation": "default", "apiVersion": version, "type": "acme:x", "data": data}
    return {**inputs, "key": name} if version == "v1" else inputs


def filtered(name: str, **filter_: Any) -> dict[str, Any]:
    common = {"__name": [name], "installation": "default", "apiVersion": "v1", "key": name}
    return {**common, "events": ["avi:jira:updated:issue"], "endpoint": "h", "filter": filter_}


@pytest.mark.parametrize("response", [REDIRECT, (500, {"message": "no"})], ids=["redirect", "500"])
def test_an_update_that_only_removes_is_not_taken_for_done(connect: Opener, server: Server, response: Any) -> None:
    connection = connect(operationTimeout="3")
    id_, outputs = create(connection, filtered("m", expression="true", ignoreSelf=True))
    server.interfere = lambda call: response if call.method == "PUT" else None
    with pytest.raises(ForgeError, match="it may hold the old or the new content"):
        update(connection, id_, filtered("m", expression="true"), outputs)
    server.interfere = lambda call: None
    done = update(connection, id_, filtered("m", expression="true"), outputs)
    assert done["__server"] == []
    assert server.modules()[0]["data"]["filter"] == {"expression": "true"}


def with_address(module: dict[str, Any]) -> dict[str, Any]:
    """A server puts an address in place of a reference to a resource of the app."""
    icon = str(module["data"]["icon"]).removeprefix("resource:main;")
    return {**module, "data": {**module["data"], "icon": f"https://cdn.example/{icon}"}}


def panel(icon: str, **more: Any) -> dict[str, Any]:
    data = {"title": "t", "resource": "main", "icon": f"resource:main;{icon}"}
    return {**of_type("m", "v1", **data), "type": "jira:issuePanel", **more}


def test_an_address_does_not_prove_that_a_reference_was_updated(connect: Opener, server: Server) -> None:
    server.rewrite = with_address
    connection = connect()
    id_, outputs = create(connection, panel("a.svg"))
    server.interfere = lambda call: REDIRECT if call.method == "PUT" else None
    with pytest.raises(ForgeError, match="it may hold the old or the new content"):
        update(connection, id_, panel("b.svg"), outputs)
    server.interfere = lambda call: None
    outputs = update(connection, id_, panel("b.svg"), outputs)
    server.distort = lambda call, *_: REDIRECT if call.method == "PUT" else None
    again = panel("b.svg")
    again["data"]["title"] = "another"
    assert update(connection, id_, again, outputs)["data"]["title"] == "another"  # the reference is the same as before


def test_an_adopted_module_gets_the_declared_reference(connect: Opener, server: Server) -> None:
    server.rewrite = with_address
    create(connect(), panel("a.svg"))
    create(connect(), panel("b.svg", adopt=True))
    assert server.modules()[0]["data"]["icon"] == "https://cdn.example/b.svg"


def test_a_removed_property_that_the_server_keeps_is_named_and_is_no_endless_update(
    connect: Opener, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be the server's default: then no update removes it."""
    id_, outputs = create(connect(), of_type("m", "v1", a=1, b=2))
    server.rewrite = lambda module: {**module, "data": {"b": 2, **module["data"]}}
    outputs = update(connect(), id_, of_type("m", "v1", a=1), outputs)
    assert "default/m: warning: no longer declared, but still there after the update" in capsys.readouterr().err
    assert outputs["__server"] == ["/b"]
    found = read(connect(), id_, outputs)
    assert found is not None
    assert not diff(found[0], of_type("m", "v1", a=1)).changes


def test_what_a_server_adds_is_no_endless_update_of_an_imported_module(connect: Opener, server: Server) -> None:
    """A get knows no declaration, so that its outputs hold what the server adds, too."""
    server.rewrite = lambda module: {**module, "data": {**module["data"], "links": {"self": "x"}}}
    id_, _ = create(connect(), of_type("m", "v1", a=1))
    found = read(connect(), id_, {**of_type("m", "v1"), "data": {}})
    assert found is not None
    assert found[0]["data"] == {"a": 1, "links": {"self": "x"}}
    outputs = update(connect(), id_, of_type("m", "v1", a=1), found[0])
    assert not diff(outputs, of_type("m", "v1", a=1)).changes


def test_an_adopted_module_whose_update_did_not_happen_is_not_adopted(connect: Opener, server: Server) -> None:
    register_outside(server, "v1", "m", "acme:x", a=1, b=2)
    server.interfere = lambda call: REDIRECT if call.method == "PUT" else None
    with pytest.raises(ForgeError, match="redirected"):
        create(connect(), {**of_type("m", "v1", a=1), "adopt": True})


@pytest.mark.parametrize(
    ("response", "state"),
    [(REDIRECT, "it may hold the old or the new content"), ((400, {"message": "no"}), "nothing was registered or changed")],
)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_message_about_a_failed_adoption_does_not_advise_to_delete_the_module(
    connect: Opener, server: Server, version: str, response: Any, state: str
) -> None:
    register_outside(server, version, "m", "acme:x", a=1)
    server.interfere = lambda call: response if call.method == "PUT" else None
    with pytest.raises(ForgeError) as caught:
        create(connect(apiVersion=version), {**of_type("m", version, a=2), "adopt": True if version == "v1" else "m"})
    assert f"could not adopt module 'm' (acme:x) on installation 'default' ({version})\n" in str(caught.value)
    assert f"\n{state}; it is not in the state\n" in str(caught.value)
    assert "delete" not in str(caught.value)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_module_that_this_process_has_deleted_is_not_adopted(connect: Opener, server: Server, version: str) -> None:
    """A replacement deletes first if it adopts; the server still shows the former module."""
    register_outside(server, version, "m", "acme:y", a=1)
    stale = dict(server.stores[version]["m"])
    connection, adopted = connect(apiVersion=version), True if version == "v1" else "m"
    id_, outputs = create(connection, {**of_type("m", version, a=1), "type": "acme:y", "adopt": adopted})
    delete(connection, id_, outputs)
    server.interfere = lambda call: (200, stale) if call.method == "GET" and call.path.endswith("/m") else None
    create(connection, {**of_type("m", version, a=1), "adopt": adopted})
    assert [module["type"] for module in server.modules(version)] == ["acme:x"]


def test_under_v1_content_with_an_addition_is_not_the_same_content(connect: Opener, server: Server) -> None:
    register_outside(
        server, "v1", "m", events=["avi:jira:updated:issue"], endpoint="h", filter={"expression": "true", "ignoreSelf": True}
    )
    with pytest.raises(ForgeError, match="a module with this key is already registered"):
        create(connect(), filtered("m", expression="true"))


def test_under_v1_a_property_that_the_server_adds_does_not_prevent_adoption(connect: Opener, server: Server) -> None:
    server.rewrite = lambda module: {**module, "data": {**module["data"], "links": {"self": "x"}}}
    create(connect(), filtered("m", expression="true"))
    create(connect(), filtered("m", expression="true"))
    assert len(server.modules()) == 1


def test_under_v2_a_create_does_not_take_a_module_that_declares_more(connect: Opener, server: Server) -> None:
    """The smaller one's register is dropped while the response to the larger one's is still in flight."""
    connection = connect(apiVersion="v2")
    larger_is_there, smaller_is_done = threading.Event(), threading.Event()
    dropped: list[Call] = []

    def before(call: Call) -> Any:
        if call.method == "POST" and b'"b"' not in call.body:
            assert larger_is_there.wait(5)
            if not dropped:
                dropped.append(call)
                return DROP
        return None

    def after(call: Call, status: int, body: bytes) -> None:
        if call.method == "POST" and b'"b"' in call.body:
            larger_is_there.set()
            smaller_is_done.wait(5)

    server.interfere, server.distort = before, after
    found: list[Any] = []
    larger = threading.Thread(target=lambda: found.append(create(connection, of_type("large", "v2", a=1, b=2))))
    larger.start()
    smaller = create(connection, of_type("small", "v2", a=1))
    smaller_is_done.set()
    larger.join()
    assert smaller[0] != found[0][0]
    assert sorted(len(module["data"]) for module in server.modules("v2")) == [2, 3]  # with the key in each


def test_under_v2_a_response_with_a_key_that_existed_belongs_to_another_request(connect: Opener, server: Server) -> None:
    connection = connect(apiVersion="v2")
    first, _ = create(connection, of_type("a", "v2", a=1))
    replayed = {"key": first.key, "type": "acme:x", "data": {"a": 1}}
    server.distort = lambda call, status, body: (201, replayed) if call.method == "POST" else None
    second, _ = create(connection, of_type("b", "v2", b=1))
    assert {first.key, second.key} == set(server.stores["v2"])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_503_with_retry_after_has_an_unknown_outcome(connect: Opener, server: Server, version: str) -> None:
    seen: list[Call] = []

    def late(call: Call, status: int, body: bytes) -> Any:
        if call.method == "POST" and not seen:
            seen.append(call)
            return 503, {"message": "busy"}, {"retry-after": "0"}
        return None

    server.distort = late
    create(connect(apiVersion=version), declared(1, version))
    assert len(server.modules(version)) == 1


def test_a_lost_delete_and_a_404_prove_nothing_about_the_token(connect: Opener, server: Server) -> None:
    connection = connect()
    made = [create(connection, declared(i, "v1")) for i in range(4)]
    other = connect()
    for id_, outputs in made:
        other.guard.on_recorded("v1", id_.key, outputs)
    server.stores["v1"] = {"foreign": {"key": "foreign", "type": "x", "data": {}}}
    lost: list[Call] = []

    def once(call: Call) -> Any:
        if call.method == "DELETE" and not lost:
            lost.append(call)
            return 502, b"<html>bad gateway</html>"
        return None

    server.interfere = once
    for id_, outputs in made:
        with pytest.raises(ForgeError, match=r"none of the 4 modules|see the message about"):
            delete(other, id_, outputs)


def test_other_credentials_have_to_show_that_they_lead_to_the_same_installation(
    connect: Opener, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(server.token, "utf-8")
    connection = connect(tokenFile=str(file))
    made = [create(connection, declared(i, "v1")) for i in range(3)]
    second = connect(tokenFile=str(file))
    assert read(second, *made[0]) is not None
    assert read(second, *made[1]) is not None
    file.write_text("of-another-installation", "utf-8")
    server.token = "of-another-installation"
    server.stores["v1"] = {}
    with pytest.raises(ForgeError, match="none of the"):
        update(second, made[2][0], declared(2, "v1", "new"), made[2][1])
    with pytest.raises(ForgeError, match="see the message about"):
        create(second, declared(9, "v1"))
    assert server.modules() == []


def test_a_gateway_s_404_to_an_update_or_a_delete_does_not_count_against_the_list(connect: Opener, server: Server) -> None:
    connection = connect()
    made = [create(connection, declared(i, "v1")) for i in range(3)]
    second = connect()
    assert read(second, *made[0]) is not None
    server.interfere = lambda call: (404, b"<html>not found</html>") if call.method in {"PUT", "DELETE"} else None
    with pytest.raises(ForgeError, match="the API responded that the module does not exist, but lists it"):
        update(second, made[1][0], declared(1, "v1", "new"), made[1][1])
    with pytest.raises(ForgeError, match="the API responded that the module does not exist, but lists it"):
        delete(second, *made[1])
    assert len(server.modules()) == 3


def test_nothing_is_registered_if_the_verification_read_failed(connect: Opener, server: Server) -> None:
    server.interfere = lambda call: (500, {"message": "no"}) if call.method == "GET" else None
    with pytest.raises(ForgeError, match="nothing was registered"):
        create(connect(apiVersion="v2", operationTimeout="2"), declared(1, "v2"))
    with pytest.raises(ForgeError, match="nothing was registered or changed; it is not in the state"):
        create(connect(operationTimeout="2"), {**declared(1, "v1"), "adopt": True})
    assert server.count("POST") == 0


def test_an_update_after_a_lost_one_does_not_report_an_unchanged_module(connect: Opener, server: Server) -> None:
    connection = connect(operationTimeout="5")
    id_, outputs = create(connection, declared(1, "v1"))
    lost: list[Call] = []

    def before(call: Call) -> Any:
        return (401, {"message": "ended"}) if lost else None

    def after(call: Call, status: int, body: bytes) -> Any:
        if call.method == "PUT":
            lost.append(call)
            return DROP
        return None

    server.interfere, server.distort = before, after
    with pytest.raises(ForgeError, match="it may hold the old or the new content"):
        update(connection, id_, declared(1, "v1", "new"), outputs)


def test_a_full_installation_is_not_blamed_for_another_refusal(connect: Opener, server: Server) -> None:
    for number in range(100):
        register_outside(server, "v1", f"other-{number}")
    server.interfere = lambda call: (400, {"message": "no such function"}) if call.method == "POST" else None
    with pytest.raises(ForgeError) as caught:
        create(connect(), declared(1, "v1"))
    assert "delete a module" not in str(caught.value)
    server.interfere = lambda call: None
    with pytest.raises(ForgeError, match="the installation holds 100 modules, and the limit is 100"):
        create(connect(), declared(1, "v1"))


def test_the_modules_of_both_versions_may_share_the_limit(connect: Opener, server: Server) -> None:
    server.shared_limit = True
    for number in range(100):
        register_outside(server, "v1" if number < 70 else "v2", f"other-{number}")
    for version in ("v1", "v2"):
        with pytest.raises(ForgeError, match="holds 70 modules under v1 and 30 modules under v2, and the limit is 100"):
            create(connect(), declared(1, version))
    server.interfere = lambda call: (404, {"message": "no such path"}) if "/v2/" in call.path else None
    with pytest.raises(ForgeError, match="correct the declaration as the server's text explains"):
        create(connect(), declared(1, "v1"))


def test_verification_reads_and_retries_share_one_budget(connect: Opener, server: Server) -> None:
    server.distort = lambda call, status, body: DROP
    began = time.monotonic()
    with pytest.raises(ForgeError):
        create(connect(operationTimeout="2"), declared(1, "v1"))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("kind", ["pipe", "folder", "no such user", "nul"])
def test_a_token_file_that_cannot_be_used_is_named(connect: Opener, server: Server, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "token"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    name = {"no such user": "~nobody-of-this-name/token", "nul": "a\0b"}.get(kind, str(path))
    with pytest.raises(ForgeError, match=r"the token file( .*)? cannot be read"):
        create(connect(tokenFile=name), declared(1, "v1"))
    assert not server.calls
