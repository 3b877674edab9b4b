"""Recovery from lost and invalid responses: no module is lost or registered twice, on a real server, without the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle import recovery
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.installation_guard import InstallationGuard
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.session.connection import Connection
from pulumi_atlassian_forge.session.session import Connections
from testing.independent_server import DROP, Call, Server
from tests.support.faults import ERROR, FAULTS, Order, arm

N = 12


def at(numbers: set[int], method: str, response: Callable[[Call], Any]) -> Callable[..., Any]:
    """A fault at some of the requests of one method, counted from 1."""
    seen = iter(range(1, 10_000))

    def fault(call: Call, *_done: Any) -> Any:
        return response(call) if call.method == method and next(seen) in numbers else None

    return fault


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "VERIFICATION_DELAYS_S", (0.0, 0.01, 0.02))


@pytest.fixture
def connect(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Connection]]:
    opened: list[Connections] = []

    def opener(**settings: str) -> Connection:
        token = {} if "tokenFile" in settings else {"token": server.token}
        config = {"baseUrl": server.base_url, **token, **settings}
        connections = Connections({f"atlassian-forge:{name}": value for name, value in config.items()}.get, tmp_path)
        opened.append(connections)
        return connections.open("default")

    for name in ("BASE_URL", "TOKEN"):
        monkeypatch.delenv(f"ATLASSIAN_FORGE_{name}", raising=False)
    yield opener
    for connections in opened:
        connections.close()


def declared(i: int, version: str, endpoint: str = "hook") -> dict[str, Any]:
    inputs = {
        "__name": [f"m{i}"],
        "installation": "default",
        "apiVersion": version,
        "events": ["e"],
        "endpoint": f"{endpoint}-{i}",
    }
    return {**inputs, "key": f"m{i}"} if version == "v1" else inputs


def interrupted(server: Server, name: str, method: str, first: int = 3) -> None:
    arm(server, [Order(method, first, FAULTS[name])])


@pytest.mark.parametrize("shape", ["array", "envelope"])
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", list(FAULTS))
def test_one_fault_at_a_register_leaves_what_was_declared(
    connect: Callable[..., Connection], server: Server, name: str, version: str, shape: str
) -> None:
    server.list_shape = shape
    connection = connect(apiVersion=version)
    interrupted(server, name, "POST")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda i: create(connection, declared(i, version)), range(N)))
    assert {id_.key for id_, _ in made} == {module["key"] for module in server.modules(version)}
    assert sorted(module["data"]["endpoint"] for module in server.modules(version)) == sorted(f"hook-{i}" for i in range(N))


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", list(FAULTS))
def test_one_fault_at_an_update_or_a_delete_changes_nothing_in_the_end(
    connect: Callable[..., Connection], server: Server, name: str, version: str
) -> None:
    connection = connect(apiVersion=version)
    made = [create(connection, declared(i, version)) for i in range(5)]
    interrupted(server, name, "PUT")
    for i, (id_, _) in enumerate(made):
        update(connection, id_, declared(i, version, "new"))
    assert sorted(module["data"]["endpoint"] for module in server.modules(version)) == [f"new-{i}" for i in range(5)]
    interrupted(server, name, "DELETE")
    for id_, outputs in made:
        delete(connection, id_, outputs)
    assert server.modules(version) == []


@pytest.mark.parametrize("name", ["response lost after commit", "500 after commit", "unreadable response", "500 twice"])
def test_modules_of_identical_content_are_neither_lost_nor_shared_under_v2(
    connect: Callable[..., Connection], server: Server, name: str
) -> None:
    connection = connect(apiVersion="v2")
    same = {**declared(0, "v2"), "endpoint": "hook"}
    interrupted(server, name, "POST", first=2)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: create(connection, same), range(5)))
    keys = [id_.key for id_, _ in made]
    assert len(set(keys)) == 5
    assert set(keys) == {module["key"] for module in server.modules("v2")}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_response_of_another_type_is_that_to_another_request(
    connect: Callable[..., Connection], server: Server, version: str
) -> None:
    """Its key may be another client's, and the state would have the module replaced."""
    connection = connect(apiVersion=version)
    foreign = {"type": "acme:x", "data": {}}

    def crossed(call: Call, *_done: Any) -> Any:
        return (200, {**foreign, "key": "m1" if version == "v1" else "new"}) if call.method in {"POST", "PUT"} else None

    server.distort = crossed
    id_, outputs = create(connection, declared(1, version))
    assert [module["key"] for module in server.modules(version)] == [id_.key]
    outputs = update(connection, id_, declared(1, version, "new"), outputs)
    assert (outputs["endpoint"], outputs.get("__type")) == ("new-1", None)


def test_a_register_is_not_sent_again_if_the_server_has_another_type_for_it(
    connect: Callable[..., Connection], server: Server
) -> None:
    """No verification read would recognize the module."""
    server.rewrite = lambda module: {**module, "type": "Trigger"}
    with pytest.raises(ForgeError, match="the response is a module of type Trigger\nit is not known whether it was registered"):
        create(connect(apiVersion="v2"), declared(1, "v2"))
    assert server.count("POST") == 1


def test_a_module_that_shows_late_is_found(connect: Callable[..., Connection], server: Server) -> None:
    connection = connect(apiVersion="v1")
    server.distort = at({1}, "POST", lambda call: DROP)
    looks = iter(range(10))
    server.interfere = lambda call: (404, ERROR) if call.method == "GET" and next(looks) < 2 else None
    id_, _ = create(connection, declared(1, "v1"))
    assert id_.key == "m1"
    assert server.count("POST") == 1


def test_several_modules_that_could_be_the_one_are_named_and_none_is_taken(
    connect: Callable[..., Connection], server: Server
) -> None:
    connection = connect(apiVersion="v2")
    create(connection, declared(0, "v2"))

    def duplicates(call: Call, *_done: Any) -> Any:
        if call.method != "POST":
            return None
        for key in ("duplicate-a", "duplicate-b"):  # what another run registers at the same moment
            server.stores["v2"][key] = {"key": key, "type": "trigger", "data": json.loads(call.body)["data"]}
        return DROP

    server.interfere = duplicates
    with pytest.raises(ForgeError) as caught:
        create(connection, declared(1, "v2"))
    assert "each of these could be it: duplicate-a, duplicate-b" in str(caught.value)
    assert server.count("POST") == 2


def test_a_permanent_500_ends_with_an_error_after_some_attempts(connect: Callable[..., Connection], server: Server) -> None:
    connection = connect(apiVersion="v1")
    server.interfere = lambda call: (500, ERROR) if call.method == "POST" else None
    with pytest.raises(ForgeError) as caught:
        create(connection, declared(1, "v1"))
    assert f"{recovery.ATTEMPTS} attempts" in str(caught.value)
    assert "not known whether it was registered" in str(caught.value)
    assert server.count("POST") == recovery.ATTEMPTS


def test_a_register_is_not_retried_without_a_verification_read(connect: Callable[..., Connection], server: Server) -> None:
    connection = connect(apiVersion="v1", operationTimeout="1")
    server.interfere = lambda call: (500, ERROR)
    with pytest.raises(ForgeError, match="not known whether it was registered"):
        create(connection, declared(1, "v1"))
    assert server.count("POST") == 1


@pytest.mark.parametrize("read", [404, 500])
def test_a_refusal_after_a_lost_response_is_not_reported_as_nothing_registered(
    connect: Callable[..., Connection], server: Server, read: int
) -> None:
    """The first register is carried out late: after its verification reads, and too late for the read after the refusal."""
    posts: list[Call] = []

    def interfere(call: Call) -> Any:
        posts.extend([call] if call.method == "POST" else [])
        if call.method == "POST":
            return DROP if len(posts) == 1 else (422, {"message": "key m1 is taken"})
        return (read, ERROR) if len(posts) > 1 else None

    server.interfere = interfere
    with pytest.raises(ForgeError) as caught:
        create(connect(apiVersion="v1", operationTimeout="4"), declared(1, "v1"))
    assert "HTTP 422: key m1 is taken\nit is not known whether it was registered; it is not in the state\n" in str(caught.value)


def test_an_identical_module_that_existed_is_adopted_with_a_message(
    connect: Callable[..., Connection], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    create(connect(apiVersion="v1"), declared(1, "v1"))
    id_, outputs = create(connect(apiVersion="v1"), declared(1, "v1"))
    assert (id_.key, outputs["endpoint"]) == ("m1", "hook-1")
    assert "default/m1: was already registered with the same content, and is adopted" in capsys.readouterr().err
    assert len(server.modules()) == 1
    assert server.count("PUT") == 0


def test_an_identical_module_is_an_error_if_adopt_identical_is_false(connect: Callable[..., Connection], server: Server) -> None:
    create(connect(apiVersion="v1"), declared(1, "v1"))
    with pytest.raises(ForgeError, match="already registered"):
        create(connect(apiVersion="v1", adoptIdentical="false"), declared(1, "v1"))


def test_a_module_with_other_content_is_never_adopted(connect: Callable[..., Connection], server: Server) -> None:
    create(connect(apiVersion="v1"), declared(1, "v1"))
    with pytest.raises(ForgeError) as caught:
        create(connect(apiVersion="v1"), declared(1, "v1", "other"))
    assert "HTTP 422: key m1 is taken" in str(caught.value)
    assert "give this one another key=" in str(caught.value)
    assert server.modules()[0]["data"]["endpoint"] == "hook-1"


def test_under_v2_an_identical_older_module_is_not_changed(connect: Callable[..., Connection], server: Server) -> None:
    create(connect(apiVersion="v2"), declared(1, "v2"))
    server.distort = at({1}, "POST", lambda call: DROP)
    create(connect(apiVersion="v2"), declared(1, "v2"))
    assert len(server.modules("v2")) == 2


def test_under_v2_an_older_duplicate_is_named_although_its_key_is_a_sibling_in_the_state(
    connect: Callable[..., Connection], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """A killed run registers modules that are siblings of others and are in no state."""
    killed = connect(apiVersion="v2")
    left, _ = create(killed, declared(1, "v2"))
    kept, outputs = create(killed, declared(2, "v2"))
    assert [text.partition(":")[0] for text in outputs["__siblings"]] == ["v2"]
    assert len(outputs["__siblings"][0]) == len("v2:12345678")
    after = connect(apiVersion="v2")
    after.guard.on_recorded("v2", kept.key, outputs)
    create(after, declared(1, "v2"))
    assert f"identical content is still registered as {left.key}" in capsys.readouterr().err


def test_under_v2_identical_content_that_the_state_owns_is_not_named(
    connect: Callable[..., Connection], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    create(connect(apiVersion="v2"), declared(1, "v2"))
    after = connect(apiVersion="v2")
    after.guard.on_declared("v2", declared(1, "v2"), declared(1, "v2"))  # all that it learns of an unchanged module
    create(after, declared(1, "v2"))
    assert "identical content" not in capsys.readouterr().err


def test_siblings_of_another_form_are_drawn_anew() -> None:
    guard = InstallationGuard("default", lambda about, text: None)
    for key in ("one", "two"):
        guard.on_recorded("v1", key, {})
    drawn = guard.siblings("v1", "one", [("v1", "one"), ("v1", "two")], ["v1/two"])
    assert drawn == guard.siblings("v1", "one", [("v1", "one"), ("v1", "two")], drawn) != ["v1/two"]
    assert drawn
