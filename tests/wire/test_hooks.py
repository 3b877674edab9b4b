"""The provider's hooks in the real plugin process, over the engine's own gRPC."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from testing.independent_server import Server
from testing.plugin import UNKNOWN, Plugin, plugin

SOME, NONE = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
TRIGGER: dict[str, Any] = {
    "__name": ["one"],
    "events": ["avi:jira:updated:issue", "avi:jira:created:issue"],
    "endpoint": "hook",
    "filter": {"expression": "x", "onError": "RECEIVE", "ignoreSelf": True},
    "payload": {"include": {"propertyPaths": ["a.b"], "fields": ["c"]}},
    "installation": "default",
}
PANEL: dict[str, Any] = {
    "__name": ["panel"],
    "type": "jira:entityProperty",
    "data": {"propertyKey": "p", "values": [{"path": "a", "type": "number"}], "extra": {"count": 3, "share": 0.5}},
    "installation": "default",
}


@pytest.fixture
def forge(server: Server, tmp_path: Path) -> Iterator[Plugin]:
    with plugin(tmp_path, server.environment()) as running:
        yield running


def replaced(value: Any, replacement: Any) -> Iterator[Any]:
    """The value with each of its parts replaced in turn, at every depth."""
    if isinstance(value, dict):
        for name in value:
            yield {**value, name: replacement}
            for inner in replaced(value[name], replacement):
                yield {**value, name: inner}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield [*value[:index], replacement, *value[index + 1 :]]
            for inner in replaced(item, replacement):
                yield [*value[:index], inner, *value[index + 1 :]]


@pytest.mark.parametrize("declared", [TRIGGER, PANEL], ids=["trigger", "dynamic"])
def test_an_unknown_value_at_any_depth_is_valid_and_stays_unknown(forge: Plugin, declared: dict[str, Any]) -> None:
    content = {name: value for name, value in declared.items() if name not in {"__name", "installation"}}
    seen = 0
    for changed in replaced(content, UNKNOWN):
        inputs, failures = forge.check({**declared, **changed})
        assert not failures, (changed, failures)
        assert json.dumps(inputs).count(UNKNOWN) == 1
        seen += 1
    assert seen >= 10


def test_an_unknown_differs_and_crashes_nothing(forge: Plugin) -> None:
    inputs, _ = forge.check(TRIGGER)
    id_, outputs = forge.create(inputs)
    for changed in replaced({"filter": TRIGGER["filter"], "events": TRIGGER["events"]}, UNKNOWN):
        news, _ = forge.check({**TRIGGER, **changed})
        assert forge.diff(id_, outputs, news).changes == SOME


@pytest.mark.parametrize("declared", [TRIGGER, PANEL, {**TRIGGER, "key": UNKNOWN}], ids=["trigger", "dynamic", "unknown-key"])
def test_checking_twice_is_checking_once(forge: Plugin, declared: dict[str, Any]) -> None:
    once, failures = forge.check(declared)
    twice, _ = forge.check(once, olds=once)
    assert not failures
    assert once == twice


def test_check_resolves_the_installation_the_version_and_the_key(forge: Plugin) -> None:
    inputs, _ = forge.check({"__name": ["types::comp", "one"], "events": ["avi:jira:updated:issue"], "endpoint": "hook"})
    assert inputs["installation"] == "default"
    assert inputs["apiVersion"] == "v1"
    assert inputs["key"] == "one"


def test_whole_numbers_reach_the_server_as_integers(forge: Plugin, server: Server) -> None:
    inputs, _ = forge.check(PANEL)
    forge.create(inputs)
    body = server.calls[-1].body.decode()
    assert '"extra":{"count":3,"share":0.5}' in body


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_no_change_is_found_after_any_operation(server: Server, tmp_path: Path, version: str) -> None:
    with plugin(tmp_path, server.environment(), {"atlassian-forge:apiVersion": version}) as forge:
        for declared in (TRIGGER, PANEL):
            inputs, _ = forge.check(declared)
            id_, outputs = forge.create(inputs)
            assert id_ == f"default/{version}/{outputs['key']}"
            assert forge.diff(id_, outputs, inputs).changes == NONE
            same_id, seen, seen_inputs = forge.read(id_, outputs)
            assert (same_id, seen) == (id_, outputs)
            assert seen_inputs == inputs
            # As a refresh asks: new outputs and old inputs.
            assert forge.diff(id_, seen, inputs).changes == NONE
            assert forge.update(id_, outputs, inputs) == outputs
            forge.delete(id_, outputs)
            forge.delete(id_, outputs)
            assert forge.read(id_, outputs)[0] == ""
    assert server.modules(version) == []


@pytest.mark.parametrize(
    ("change", "replaces", "first"),
    [
        ({"key": "two"}, ["key"], False),
        ({"key": UNKNOWN}, ["key"], False),
        ({"installation": "other"}, ["installation"], True),
        ({"apiVersion": "v2"}, ["apiVersion"], True),
        ({"endpoint": "other"}, [], True),  # of no effect, unless `up --replace` asks for it
    ],
)
def test_changes_that_replace_and_the_order_of_the_replacement(
    forge: Plugin, change: dict[str, Any], replaces: list[str], first: bool
) -> None:
    inputs, _ = forge.check(TRIGGER)
    id_, outputs = forge.create(inputs)
    found = forge.diff(id_, outputs, {**inputs, **change})
    assert found.changes == SOME
    assert list(found.replaces) == replaces
    assert found.deleteBeforeReplace is first


@pytest.mark.parametrize("kind", ["jira:issueAction", UNKNOWN])
def test_another_or_an_unknown_type_replaces_delete_first(forge: Plugin, kind: str) -> None:
    inputs, _ = forge.check(PANEL)
    id_, outputs = forge.create(inputs)
    found = forge.diff(id_, outputs, {**inputs, "type": kind})
    assert list(found.replaces) == ["type"]
    assert found.deleteBeforeReplace


def test_a_trigger_whose_type_was_changed_outside_pulumi_is_replaced(forge: Plugin, server: Server) -> None:
    inputs, _ = forge.check(TRIGGER)
    id_, outputs = forge.create(inputs)
    server.stores["v1"]["one"] = {"key": "one", "type": "jira:issuePanel", "data": {"title": "x", "key": "one"}}
    _, seen, _ = forge.read(id_, outputs)
    found = forge.diff(id_, seen, inputs)
    assert list(found.replaces) == ["type"]
    assert found.deleteBeforeReplace


def test_a_module_that_the_list_hides_is_found_by_its_key(forge: Plugin, server: Server) -> None:
    inputs, _ = forge.check(TRIGGER)
    id_, outputs = forge.create(inputs)
    server.interfere = lambda call: (200, []) if call.path.rstrip("/").endswith("/module") else None
    assert forge.read(id_, outputs)[0] == id_


def test_reads_at_once_share_one_list(server: Server, tmp_path: Path) -> None:
    with plugin(tmp_path, server.environment()) as forge:
        made = []
        for i in range(12):
            inputs, _ = forge.check({**TRIGGER, "__name": [f"m{i}"]})
            made.append(forge.create(inputs))
    server.calls.clear()
    server.latency = 0.2
    with plugin(tmp_path, server.environment()) as forge, ThreadPoolExecutor(12) as pool:
        seen = list(pool.map(lambda one: forge.read(*one)[0], made))
    assert seen == [id_ for id_, _ in made]
    assert [call.method for call in server.calls] == ["GET"]


def test_two_declarations_of_one_key_name_both_and_one_checked_twice_is_one(forge: Plugin) -> None:
    first, failures = forge.check({**TRIGGER, "key": "k"})
    assert not failures
    assert not forge.check(first)[1]
    _, (failure,) = forge.check({**TRIGGER, "__name": ["other"], "key": "k"})
    assert failure.property == "key"
    assert "'one'" in failure.reason
    assert "'other'" in failure.reason


def test_checks_at_once_do_not_disturb_each_other(forge: Plugin) -> None:
    barrier = threading.Barrier(8)

    def check(i: int) -> bool:
        barrier.wait(5)
        inputs, failures = forge.check({**TRIGGER, "__name": [f"m{i}"]})
        return inputs["key"] == f"m{i}" and not failures

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(check, range(8)))


def test_in_a_preview_problems_come_back_as_a_property(forge: Plugin) -> None:
    inputs, failures = forge.check({**TRIGGER, "__problems": [], "events": []})
    assert not failures
    assert [path for path, _ in inputs["__problems"]] == ["events"]
    inputs, _ = forge.check({**TRIGGER, "__problems": []})
    assert "__problems" not in inputs


def test_a_get_reads_everything_that_is_live(forge: Plugin, server: Server) -> None:
    data = {"events": ["e"], "function": "f", "filter": {"appIsLicensed": True}, "key": "live"}
    server.stores["v1"]["live"] = {"key": "live", "type": "trigger", "data": data}
    id_, outputs, _ = forge.read("default/v1/live", {"__name": ["x"], "installation": "default"})
    assert id_ == "default/v1/live"
    assert outputs["filter"] == {"appIsLicensed": True}
    assert outputs["function"] == "f"
