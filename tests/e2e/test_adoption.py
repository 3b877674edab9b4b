"""What exists already: each row of docs/guide/existing-modules.md, through the real CLI."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.independent_server import Server
from tests.support.plugin import PROVIDER
from tests.support.project import Project

TRIGGER = {"events": ["avi:jira:updated:issue"], "endpoint": "hook"}
THREE_WAYS = "next: import it, take it over with adopt=True, or give this one another key= (docs/guide/existing-modules.md)"


def there(server: Server, version: str, key: str, data: dict[str, Any], type_: str = "trigger") -> None:
    server.stores[version][key] = {"key": key, "type": type_, "data": {**data, "key": key}}


def trigger(**arguments: Any) -> str:
    given = "".join(f", {name}={value!r}" for name, value in arguments.items())
    return f'forge.TriggerModule("notify", events=["avi:jira:updated:issue"], endpoint="hook"{given})\n'


ADOPTING: dict[str, dict[str, Any]] = {"v1": {"adopt": True}, "v2": {"adopt": "notify"}}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_identical_one_is_adopted_as_it_is(project: Callable[..., Project], server: Server, version: str) -> None:
    there(server, version, "notify", TRIGGER)
    stack = project(server, apiVersion=version)
    stack.program(trigger(**ADOPTING[version]))
    done = stack.up()
    assert done.code == 0, done.text
    assert "default/notify: was already registered, and is adopted as it is" in done.text
    assert server.counts() == {"GET": 1, "POST": 0, "PUT": 0, "DELETE": 0}
    assert [resource["id"] for resource in stack.state()] == [f"default/{version}/notify"]
    stack.program(trigger())  # adopt is stored and never compared
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.refresh().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.destroy().code == 0
    assert server.modules(version) == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_differing_one_is_adopted_and_overwritten_with_a_warning(
    project: Callable[..., Project], server: Server, version: str
) -> None:
    there(server, version, "notify", {**TRIGGER, "endpoint": "old-hook", "filter": {"ignoreSelf": True}})
    stack = project(server, apiVersion=version)
    stack.program(trigger(**ADOPTING[version]))
    done = stack.up()
    assert done.code == 0, done.text
    line = (
        "default/notify: warning: was already registered with other content, and is adopted and overwritten: "
        '/endpoint was "old-hook"; /filter was {"ignoreSelf": true}'
    )
    assert done.diagnostics.count(line) == 1, done.text
    assert server.counts() == {"GET": 1, "POST": 0, "PUT": 1, "DELETE": 0}
    assert server.modules(version) == [{"key": "notify", "type": "trigger", "data": {**TRIGGER, "key": "notify"}}]
    assert stack.preview("--expect-no-changes").code == 0


def test_where_there_is_none_adopt_registers_under_v1_and_fails_under_v2(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(trigger(adopt=True))
    assert stack.up().code == 0
    assert [module["key"] for module in server.modules()] == ["notify"]
    other = project(server, apiVersion="v2")
    other.program(trigger(adopt="notify"))
    done = other.up()
    assert done.code != 0
    assert "HTTP 404: there is no module with the key notify" in done.text
    assert "next: correct adopt=, or remove it to register a new module" in done.text
    assert server.modules("v2") == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_one_of_another_type_is_left_alone(project: Callable[..., Project], server: Server, version: str) -> None:
    there(server, version, "notify", {"title": "t"}, "jira:issueAction")
    before = server.modules(version)
    stack = project(server, apiVersion=version)
    stack.program(trigger(**ADOPTING[version]))
    done = stack.up()
    assert done.code != 0
    assert "is of type jira:issueAction, which cannot be changed in place; it was left as it is" in done.text
    assert server.modules(version) == before


@pytest.mark.parametrize(
    ("data", "settings"), [({**TRIGGER, "endpoint": "other"}, {}), (TRIGGER, {"takeOverIdentical": "false"})]
)
def test_without_adopt_a_taken_key_is_an_error_that_names_three_ways(
    project: Callable[..., Project], server: Server, data: dict[str, Any], settings: dict[str, str]
) -> None:
    there(server, "v1", "notify", data)
    before = server.modules()
    stack = project(server, **settings)
    stack.program(trigger())
    done = stack.up()
    assert done.code != 0
    assert "HTTP 422: key notify is taken" in done.diagnostics
    assert "a module with this key is already registered; it was left as it is" in done.diagnostics
    assert THREE_WAYS in done.diagnostics
    assert server.modules() == before
    stack.program(trigger(adopt=True))
    assert stack.up().code == 0
    stack.program(trigger(adopt=True, key="another"))
    assert stack.up().code == 0
    assert [module["key"] for module in server.modules()] == ["another"]


def test_an_identical_one_is_taken_over_with_a_line_under_v1(project: Callable[..., Project], server: Server) -> None:
    there(server, "v1", "notify", TRIGGER)
    stack = project(server)
    stack.program(trigger())
    done = stack.up()
    assert done.code == 0, done.text
    assert "default/notify: was already registered with the same content, and is taken over" in done.text
    assert len(server.modules()) == 1


def test_under_v2_an_identical_one_is_named_and_another_is_registered(project: Callable[..., Project], server: Server) -> None:
    there(server, "v2", "older-key", TRIGGER)
    stack = project(server, apiVersion="v2")
    stack.program(trigger())
    done = stack.up()
    assert done.code == 0, done.text
    assert "registered; the same content was there before as older-key, and is still" in done.diagnostics
    assert "forge-modules orphans" in done.diagnostics
    assert len(server.modules("v2")) == 2


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_type_change_with_adopt_still_in_the_program_leaves_one_module(
    project: Callable[..., Project], server: Server, version: str
) -> None:
    there(server, version, "panel", {"title": "t"}, "custom:one")
    adopt = {"v1": "True", "v2": '"panel"'}[version]
    stack = project(server, apiVersion=version)
    stack.program(f'forge.DynamicModule("panel", type="custom:one", data={{"title": "t"}}, adopt={adopt})')
    assert stack.up().code == 0
    stack.program(f'forge.DynamicModule("panel", type="custom:two", data={{"title": "t"}}, adopt={adopt})')
    done = stack.up()
    assert done.code == 0, done.text
    assert [module["type"] for module in server.modules(version)] == ["custom:two"]
    assert [resource["outputs"]["key"] for resource in stack.state()] == [server.modules(version)[0]["key"]]
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.destroy().code == 0
    assert server.modules(version) == []


@pytest.mark.parametrize(
    ("version", "argument", "words"),
    [
        ("v1", "'notify'", "adopt= is True under apiVersion v1"),
        ("v2", "True", "adopt= is the key of the module under apiVersion v2"),
        ("v1", "first.id.apply(bool)", "adopt must be plain"),
    ],
)
def test_a_wrong_adopt_is_refused_in_preview(
    project: Callable[..., Project], server: Server, version: str, argument: str, words: str
) -> None:
    stack = project(server, apiVersion=version)
    stack.program(
        'first = forge.TriggerModule("first", events=["avi:jira:created:issue"], endpoint="hook")\n'
        f'forge.TriggerModule("notify", events=["avi:jira:updated:issue"], endpoint="hook", adopt={argument})'
    )
    done = stack.preview()
    assert done.code != 0
    assert words in done.text
    assert not server.calls


def test_the_import_file_of_the_guide_takes_a_module_into_the_state(project: Callable[..., Project], server: Server) -> None:
    there(server, "v1", "notify", TRIGGER)
    stack = project(server)
    stack.program(trigger())
    inputs = {**TRIGGER, "key": "notify", "installation": "default", "apiVersion": "v1", "__name": ["notify"]}
    resource = {
        "type": "pulumi-python:dynamic/atlassian-forge:TriggerModule",
        "name": "notify",
        "id": "default/v1/notify",
        "inputs": {**inputs, "__provider": PROVIDER},
        "outputs": {**inputs, "__schema": 1, "__provider": PROVIDER},
    }
    (stack.root / "import.json").write_text(json.dumps({"resources": [resource]}), "utf-8")
    done = stack.run("import", "--file", "import.json", "--generate-code=false", "--protect=false", "--yes")
    assert done.code == 0, done.text
    assert not server.calls
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.destroy().code == 0
    assert server.modules() == []
