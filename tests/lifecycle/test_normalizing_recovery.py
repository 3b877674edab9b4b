"""Recognition of our own module after a lost response of a server that normalizes (docs/adr/0003-lost-responses.md)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.diff import diff
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.session.connection import Connection
from testing.independent_server import DROP, Call, Server
from testing.normalizing import EQUAL_UNDER_THE_RULES, NORMALIZATIONS, normalized
from tests.lifecycle.test_recovery import _no_waiting, at, connect

__all__ = ["_no_waiting", "connect"]

Opener = Callable[..., Connection]
FILTER = {"expression": " Ve\u0301lo == 'A LONG TEXT'\r\n", "ignoreSelf": False, "onError": "IGNORE"}


def declared(version: str, name: str = "m", **more: Any) -> dict[str, Any]:
    key = {"key": name} if version == "v1" else {}
    content = {"events": ["a:b", "c:d"], "function": "f", "filter": FILTER}
    return {"__name": [name], "installation": "default", "apiVersion": version, **key, **content, **more}


def normalize(server: Server, *names: str) -> None:
    server.rewrite = lambda module: {**module, "data": normalized(module["data"], names)}


def drop_posts(server: Server, *numbers: int) -> None:
    server.distort = at({*numbers}, "POST", lambda _: DROP)


def assert_quiet(connection: Connection, version: str, id_: Any, outputs: dict[str, Any], inputs: dict[str, Any]) -> None:
    """A refresh of another process changes nothing, and neither does the next preview."""
    found = read(connection, id_, outputs)
    assert found is not None
    assert {**found[0], "__siblings": None} == {**outputs, "__siblings": None}
    assert not diff(found[0], inputs).changes


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_after_a_lost_response_our_module_is_found_and_no_change_is_left(
    connect: Opener, server: Server, name: str, version: str
) -> None:
    """Under v1 of what goes beyond the rules: the list showed before that the key was absent."""
    normalize(server, name)
    connection = connect(apiVersion=version)
    if version == "v1" and name not in EQUAL_UNDER_THE_RULES:
        connection.module_list("v1").all()
    drop_posts(server, 1)
    inputs = declared(version)
    id_, outputs = create(connection, inputs)
    assert [module["key"] for module in server.modules(version)] == [id_.key]
    assert server.count("POST") == 1
    assert outputs["filter"] == FILTER
    assert_quiet(connect(apiVersion=version), version, id_, outputs, inputs)


def test_under_v1_a_key_that_may_have_existed_is_not_claimed_unless_its_content_is_equal(connect: Opener, server: Server) -> None:
    normalize(server, "lower case")
    drop_posts(server, 1)
    with pytest.raises(ForgeError) as caught:
        create(connect(apiVersion="v1"), declared("v1"))
    text = str(caught.value)
    assert "An interrupted run of this program may have registered it; it differs at /filter/expression" in text
    assert "next: if it is this resource's module: adopt=True" in text
    id_, outputs = create(connect(apiVersion="v1"), {**declared("v1"), "adopt": True})
    assert_quiet(connect(apiVersion="v1"), "v1", id_, outputs, declared("v1"))


def test_what_counts_as_the_server_s_doing_is_named(connect: Opener, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Under v2 another client may have registered it in the same seconds: nothing else would show that."""
    normalize(server, "lower case")
    drop_posts(server, 1)
    id_, _ = create(connect(apiVersion="v2"), declared("v2"))
    text = f"the module is registered, and found: {id_.key}; that it differs at /filter/expression"
    assert text in capsys.readouterr().err


def test_a_verification_read_that_found_nothing_shows_that_the_key_was_absent(connect: Opener, server: Server) -> None:
    """The first register never arrived; the response to the second one is lost."""
    normalize(server, "lower case")
    posts = iter(range(9))
    server.interfere = lambda call: DROP if call.method == "POST" and next(posts) == 0 else None
    drop_posts(server, 1)  # of those that arrive
    id_, _ = create(connect(apiVersion="v1"), declared("v1"))
    assert (id_.key, server.count("POST")) == ("m", 2)


@pytest.mark.parametrize("existing", [{"function": "g"}, {"events": ["a:b"]}, {"payload": {"include": {"fields": ["x"]}}}])
def test_under_v1_another_module_is_never_claimed(connect: Opener, server: Server, existing: dict[str, Any]) -> None:
    server.stores["v1"]["m"] = {"key": "m", "type": "trigger", "data": {"events": ["a:b", "c:d"], "function": "f", **existing}}
    server.interfere = lambda call: DROP if call.method == "POST" else None
    with pytest.raises(ForgeError, match="a module with this key is already registered; it was left as it is\n"):
        create(connect(apiVersion="v1"), declared("v1"))


def test_after_a_kill_only_equal_content_is_adopted_under_v1(
    connect: Opener, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    normalize(server, *EQUAL_UNDER_THE_RULES)
    create(connect(apiVersion="v1"), declared("v1"))
    id_, outputs = create(connect(apiVersion="v1"), declared("v1"))
    assert "default/m: was already registered with the same content, and is adopted" in capsys.readouterr().err
    assert_quiet(connect(apiVersion="v1"), "v1", id_, outputs, declared("v1"))


@pytest.mark.parametrize("names", [EQUAL_UNDER_THE_RULES, ("lower case", "events as objects", "with additions")])
def test_after_a_kill_a_second_one_is_registered_under_v2_and_the_older_one_is_named(
    connect: Opener, server: Server, names: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    normalize(server, *names)
    older, _ = create(connect(apiVersion="v2"), declared("v2"))
    create(connect(apiVersion="v2"), declared("v2"))
    assert f"registered, but identical content is still registered as {older.key}" in capsys.readouterr().err


PROPERTY = {"propertyKey": "Key", "values": [{"path": "A.b", "type": "string"}]}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"type": "jira:entityProperty", "data": PROPERTY}, "lower case"),  # does not say what it runs
        ({"events": ["a:b"] * 2, "function": "f"}, "sorted lists"),
    ],
)
def test_under_v2_a_second_module_of_ours_is_named(
    connect: Opener, server: Server, content: dict[str, Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The module whose response was lost is not recognized, so that it is registered again."""

    def stored(module: dict[str, Any]) -> dict[str, Any]:
        data = normalized(module["data"], [name])
        return {**module, "data": {**data, "events": sorted(set(data["events"]))} if "events" in data else data}

    server.rewrite = stored
    drop_posts(server, 1)
    common = {"__name": ["m"], "installation": "default", "apiVersion": "v2"}
    id_, _ = create(connect(apiVersion="v2"), {**common, **content})
    (lost,) = (module["key"] for module in server.modules("v2") if module["key"] != id_.key)
    text = f"default/{id_.key}: registered, but a register whose response was lost may have registered {lost}, too"
    assert text in capsys.readouterr().err


def test_under_v2_a_module_that_could_be_that_of_two_registers_is_claimed_by_none(connect: Opener, server: Server) -> None:
    """Both responses are lost, one register was carried out, and the server's form is as like the one as the other."""
    server.rewrite = lambda module: {**module, "data": {**module["data"], "filter": {"expression": "same"}}}
    connection = connect(apiVersion="v2")

    def lost(call: Call, *_done: Any) -> Any:
        return DROP if call.method == "POST" else None

    def refused(call: Call) -> Any:
        return DROP if call.method == "POST" and b"never" in call.body else None

    server.interfere, server.distort = refused, lost
    with ThreadPoolExecutor(2) as pool:
        tasks = [
            pool.submit(create, connection, declared("v2", name, filter={"expression": text}))
            for name, text in (("a", "carried out"), ("b", "never"))
        ]
        errors = [str(task.exception()) for task in tasks]
    (key,) = server.stores["v2"]
    assert all(f"each of these could be it: {key} (differs at /filter/expression)" in text for text in errors), errors


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_registers_at_the_same_time_find_each_its_own_module(connect: Opener, server: Server, name: str) -> None:
    """Each differs from the others in what it runs, so that no server can mix them up."""
    normalize(server, name)
    connection = connect(apiVersion="v2")
    drop_posts(server, 1, 3, 4, 6)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda i: create(connection, declared("v2", f"m{i}", function=f"f{i}")), range(8)))
    found = {module["key"]: module["data"]["function"] for module in server.modules("v2")}
    assert found == {id_.key: f"f{i}" for i, (id_, _) in enumerate(made)}
