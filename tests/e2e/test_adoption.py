"""Adoption of existing modules: each row of docs/guide/existing-modules.md.

Rows share a program, each on an installation of its own, which has the name of the row; so has its one resource, and under v1 the
key of its module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from testing.independent_server import Module, Server
from testing.installations import Installation, Installations, joined, output_of, served
from testing.plugin import PROVIDER
from testing.project import Project
from tests.support.engines import BOTH_ENGINES

TRIGGER = {"events": ["avi:jira:updated:issue"], "endpoint": "hook"}
OTHER = {**TRIGGER, "endpoint": "old-hook", "filter": {"ignoreSelf": True}}
ADOPTED = "was already registered, and is adopted as it is"
OVERWRITTEN = "warning: was already registered with other content, and is adopted and overwritten at /endpoint, /filter"
ADOPTED_IDENTICAL = "was already registered with the same content, and is adopted"
OLDER = "registered, but identical content is still registered as older-key, from before this run: if no stack owns that "
OTHER_TYPE = "is of type jira:issueAction, which cannot be changed in place; it was left as it is"
THREE_WAYS = (
    "a module with this key is already registered; it was left as it is",
    "next: import it, adopt it with adopt=True, or give this one another key= (docs/guide/existing-modules.md)",
)


@dataclass(frozen=True)
class Row:
    """What is registered before `up`, and what comes of it.

    Attributes:
        there: The content of the module; None: there is none.
        says: What `up` says of it.
        requests: What it takes.
        adopts: Whether the program adopts it.
        key: The module's key, where it is not the row's name.
        type: The module's type.
    """

    there: dict[str, Any] | None
    says: tuple[str, ...]
    requests: list[str] = field(default_factory=list)
    adopts: bool = True
    key: str = ""
    type: str = "trigger"


MADE = {
    "same-v1": Row(TRIGGER, (ADOPTED,), ["GET"]),
    "same-v2": Row(TRIGGER, (ADOPTED,), ["GET"]),
    "other-v1": Row(OTHER, (OVERWRITTEN,), ["GET", "PUT"]),
    "other-v2": Row(OTHER, (OVERWRITTEN,), ["GET", "PUT"]),
    "none-v1": Row(None, (), ["GET", "POST"]),
    "unasked-v1": Row(TRIGGER, (ADOPTED_IDENTICAL,), ["POST", "GET"], adopts=False),
    "unasked-v2": Row(TRIGGER, (OLDER + "(see forge-modules orphans)",), ["GET", "POST"], adopts=False, key="older-key"),
}
REFUSED = {
    "none-v2": Row(
        None,
        (
            "HTTP 404: there is no module with the key none-v2",
            "next: correct adopt=, or remove it to register a new module",
        ),
    ),
    "type-v1": Row({"title": "t"}, (OTHER_TYPE,), type="jira:issueAction"),
    "type-v2": Row({"title": "t"}, (OTHER_TYPE,), type="jira:issueAction"),
    "taken-v1": Row({**TRIGGER, "endpoint": "other"}, ("HTTP 422: key taken-v1 is taken", *THREE_WAYS), adopts=False),
    "same-v1": Row(TRIGGER, ("HTTP 422: key same-v1 is taken", *THREE_WAYS), adopts=False),  # with adoptIdentical: false
}


def module(key: str, data: dict[str, Any], type_: str = "trigger") -> Module:
    return {"key": key, "type": type_, "data": {**data, "key": key}}


def put(one: Installation, row: Row) -> None:
    if row.there is not None:
        key = row.key or one.name
        one.server.stores[one.version][key] = module(key, row.there, row.type)


def trigger(name: str, installation: str = "", **arguments: Any) -> str:
    given = "".join(f", {name}={value!r}" for name, value in {"installation": installation or name, **arguments}.items())
    return f'forge.TriggerModule("{name}", events=["avi:jira:updated:issue"], endpoint="hook"{given})\n'


def adopting(name: str) -> dict[str, Any]:
    return {"adopt": name if name.endswith("v2") else True}


def program(rows: Mapping[str, Row]) -> str:
    return "".join(trigger(name, **(adopting(name) if row.adopts else {})) for name, row in rows.items())


def modules(installations: Installations) -> dict[str, list[Module]]:
    return {name: one.modules() for name, one in installations.items()}


PANEL = """
forge.DynamicModule("{name}", installation="{name}", type="TYPE", data={{"title": "t"}}, adopt={adopt!r})
"""


@BOTH_ENGINES
def test_adopted_and_registered_modules_are_in_the_state(project: Callable[..., Project]) -> None:
    with served(*MADE) as installations:
        for name, row in MADE.items():
            put(installations[name], row)
        stack = joined(project, installations)
        stack.program(program(MADE))
        done = stack.up()
        assert done.code == 0, done.text
        requests = {name: [call.method for call in one.server.calls] for name, one in installations.items()}
        assert requests == {name: row.requests for name, row in MADE.items()}

        (mine,) = [one["key"] for one in installations["unasked-v2"].modules() if one["key"] != "older-key"]
        keys = {name: name for name in MADE} | {"unasked-v2": mine}
        assert sorted(resource["id"] for resource in stack.state()) == sorted(
            f"{name}/{one.version}/{keys[name]}" for name, one in installations.items()
        )
        expected = {name: [module(key, TRIGGER)] for name, key in keys.items()}
        expected["unasked-v2"].insert(0, module("older-key", TRIGGER))
        assert modules(installations) == expected
        for name, row in MADE.items():
            lines = [line.strip() for line in done.diagnostics.splitlines() if f"{name}/" in line]
            assert len(lines) == len(row.says), (name, done.text)
            for line, says in zip(lines, row.says, strict=True):
                assert line.startswith(f"{name}/{keys[name]}: {says}")

        # adopt is stored and never compared, whether it is still in the program or not
        stack.program("".join(trigger(name, **(adopting(name) if row.there is OTHER else {})) for name, row in MADE.items()))
        assert stack.preview("--expect-no-changes").code == 0
        assert stack.refresh().code == 0
        assert stack.preview("--expect-no-changes").code == 0
        assert stack.destroy().code == 0
        assert modules(installations) == {**{name: [] for name in MADE}, "unasked-v2": [module("older-key", TRIGGER)]}


@BOTH_ENGINES
def test_a_rejected_adoption_changes_nothing(project: Callable[..., Project]) -> None:
    with served(*REFUSED) as installations:
        for name, row in REFUSED.items():
            put(installations[name], row)
        before = modules(installations)
        stack = joined(project, installations, **{"installations.same-v1.adoptIdentical": "false"})
        stack.program(program(REFUSED))
        done = stack.up("--continue-on-error")
        assert done.code != 0
        assert stack.state() == []
        assert modules(installations) == before
        for name, row in REFUSED.items():
            for words in row.says:
                assert words in output_of(done).get(name, ""), done.text

        ways = ("taken-v1", "same-v1")
        stack.program("".join(trigger(name, adopt=True) for name in ways))
        assert stack.up().code == 0
        stack.program("".join(trigger(name, adopt=True, key="another") for name in ways))
        assert stack.up().code == 0
        assert [[live["key"] for live in installations[name].modules()] for name in ways] == [["another"], ["another"]]


@BOTH_ENGINES
def test_a_type_change_with_adopt_still_in_the_program_leaves_one_module(
    project: Callable[..., Project], both: Installations
) -> None:
    for one in both.values():
        put(one, Row({"title": "t"}, (), type="custom:one"))
    panels = "".join(PANEL.format(name=name, **adopting(name)) for name in both)
    stack = joined(project, both)
    stack.program(panels.replace("TYPE", "custom:one"))
    assert stack.up().code == 0
    assert {name: [live["key"] for live in one.modules()] for name, one in both.items()} == {name: [name] for name in both}
    stack.program(panels.replace("TYPE", "custom:two"))
    done = stack.up()
    assert done.code == 0, done.text
    assert {name: [live["type"] for live in one.modules()] for name, one in both.items()} == {
        name: ["custom:two"] for name in both
    }
    assert {resource["outputs"]["installation"]: resource["outputs"]["key"] for resource in stack.state()} == {
        name: one.modules()[0]["key"] for name, one in both.items()
    }
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.destroy().code == 0
    assert modules(both) == {name: [] for name in both}


@BOTH_ENGINES
def test_a_wrong_adopt_is_refused_in_preview(project: Callable[..., Project], both: Installations) -> None:
    stack = joined(project, both)
    wrong = {
        "text": ("default", "'notify'", "adopt= is True under apiVersion v1"),
        "true": ("other-v2", "True", "adopt= is the key of the module under apiVersion v2"),
        "output": ("default", "first.id.apply(bool)", "adopt must be plain"),
    }
    stack.program(
        f"first = {trigger('first', 'default')}"
        + "".join(
            trigger(name, installation, adopt="GIVEN").replace("'GIVEN'", given)
            for name, (installation, given, _) in wrong.items()
        )
    )
    done = stack.preview()
    assert done.code != 0
    for name, (_, _, words) in wrong.items():
        assert words in output_of(done).get(name, ""), done.text
    assert "first" not in output_of(done)
    assert [one.server.calls for one in both.values()] == [[], []]


@pytest.mark.smoke
def test_the_import_file_of_the_guide_takes_a_module_into_the_state(project: Callable[..., Project], server: Server) -> None:
    server.stores["v1"]["notify"] = module("notify", TRIGGER)
    stack = project(server)
    stack.program(trigger("notify", "default"))
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
