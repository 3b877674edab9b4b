"""Two entries of a state with one module, and a replacement that deletes first: what a later hook knows of the earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.session.connection import Connection
from testing.independent_server import Call, Server
from tests.lifecycle.test_recovery import _no_waiting, connect, declared

__all__ = ["_no_waiting", "connect"]

Opener = Callable[..., Connection]
REFUSAL = (422, {"message": "refused"})


def renamed(connect: Opener) -> tuple[tuple[Any, dict[str, Any]], tuple[Any, dict[str, Any]]]:
    """What `up --target <new>` leaves: the earlier entry, and one that adopted its module under another name."""
    inputs = declared(0, "v1")
    (id_, earlier), (_, later) = create(connect(), inputs), create(connect(), {**inputs, "__name": ["new"]})
    earlier["__made"] = f"{int(later['__made'][:8], 16) - 1:08x}{earlier['__made'][8:]}"  # a second before
    return (id_, earlier), (id_, later)


def refreshed(connection: Connection, *entries: tuple[Any, dict[str, Any]]) -> list[tuple[Any, dict[str, Any]]]:
    for id_, outputs in entries:  # the hooks of a refresh run at the same time: each begins before the first has ended
        connection.guard.ownership.record_entry((id_.version, id_.key), outputs)
    found = []
    for id_, outputs in entries:
        live = read(connection, id_, outputs)
        assert live is not None
        assert "__successor" not in live[1]
        found.append((id_, live[0]))
    return found


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_after_a_refresh_the_earlier_entry_does_not_delete_the_module_of_the_later_one(
    connect: Opener, server: Server, order: slice
) -> None:
    entries = [*renamed(connect)]
    earlier, later = refreshed(connect(), *entries[order])[order]
    assert (earlier[1]["__successor"], "__successor" in later[1]) == (later[1]["__made"], False)
    delete(connect(), *earlier)
    assert [module["key"] for module in server.modules()] == ["m0"]
    delete(connect(), *later)
    assert server.modules() == []


def test_the_mark_goes_with_the_later_entry(connect: Opener, server: Server) -> None:
    earlier, _ = renamed(connect)
    marked = (earlier[0], {**earlier[1], "__successor": "f" * 16})
    (alone,) = refreshed(connect(), marked)
    assert "__successor" not in alone[1]
    delete(connect(), *alone)
    assert server.modules() == []


def test_marks_of_an_older_release_have_no_order(connect: Opener) -> None:
    earlier, later = renamed(connect)
    old = [(id_, {**outputs, "__made": made}) for (id_, outputs), made in ((earlier, "00000001"), (later, "00000002"))]
    assert all("__successor" not in outputs for _, outputs in refreshed(connect(), *old))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_refused_register_says_that_the_old_module_is_deleted_already(connect: Opener, server: Server, version: str) -> None:
    id_, outputs = create(connect(), declared(0, version))
    create(connect(), declared(1, version))
    connection = connect()
    connection.guard.on_recorded(id_.version, id_.key, outputs)
    delete(connection, id_, outputs)
    server.interfere = _refused
    with pytest.raises(ForgeError) as caught:
        create(connection, declared(0, version))
    assert str(caught.value).splitlines()[2] == "nothing was registered; the module that it replaces is deleted already"
    with pytest.raises(ForgeError) as caught:
        create(connection, declared(2, version))
    assert str(caught.value).splitlines()[2] == "nothing was registered"


def _refused(call: Call) -> Any:
    return REFUSAL if call.method == "POST" else None
