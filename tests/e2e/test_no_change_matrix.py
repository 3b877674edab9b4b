"""No change is planned after create, refresh, update and import: every property of every known type."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pulumi_atlassian_forge.model.content import TRIGGER
from testing.independent_server import Module, Server
from testing.installations import variables_of
from testing.project import Outcome, Project
from testing.soak import runs
from tests.support.command import in_project, printed
from tests.support.engines import BOTH_ENGINES, CLI
from tests.support.matrix import SPECS, TYPED, Declared, declared, paths, paths_in

BEFORE, AFTER = declared()

PROGRAM = f"""
import json

for installation, name, kind, data in json.load(open("modules.json", encoding="utf-8")):
    if kind == "{TYPED}":
        forge.TriggerModule(name, installation=installation, **data)
    else:
        forge.DynamicModule(name, installation=installation, type=kind, data=data)
"""


def declare(stack: Project, modules: Sequence[Declared], *installations: str) -> None:
    entries = [(name, f"{name}-{one.name}", one.kind, one.data) for name in installations or ["default"] for one in modules]
    (stack.root / "modules.json").write_text(json.dumps(entries), "utf-8")
    stack.program(PROGRAM)


def as_sent(modules: Sequence[Declared]) -> list[str]:
    return sorted(written(TRIGGER if one.kind == TYPED else one.kind, one.data) for one in modules)


def as_live(server: Server, version: str) -> list[str]:
    return sorted(written(live["type"], live["data"]) for live in server.modules(version))


def written(type_: str, data: dict[str, Any]) -> str:
    """Without the key, which the server puts into the data, too."""
    return json.dumps([type_, {name: value for name, value in data.items() if name != "key"}], sort_keys=True)


def same(done: Outcome, count: int) -> None:
    """Nothing is planned, and where it refreshed nothing was found."""
    assert done.code == 0, done.text
    assert done.summary == {"unchanged": count + 1}, done.text


@pytest.mark.parametrize("kind", SPECS)
def test_the_matrix_has_every_property(kind: str) -> None:
    used = {path for module in BEFORE if module.kind == kind for path in paths_in(module.data)}
    assert set(paths(SPECS[kind])) <= used


@BOTH_ENGINES
@pytest.mark.parametrize("version", ["v1", "v2"][: runs(1, 2)])
def test_nothing_is_planned_if_nothing_changed(
    project: Callable[..., Project], server: Server, version: str, engine: str
) -> None:
    server.limit, count = 1000, len(BEFORE)
    stack = project(server, apiVersion=version)
    for modules in (BEFORE, AFTER):
        declare(stack, modules)
        done = stack.up()
        assert done.code == 0, done.text
        assert as_live(server, version) == as_sent(modules)
        same(stack.preview("--diff", "--expect-no-changes"), count)
        if modules is BEFORE:
            same(stack.up("--refresh", "--diff", "--expect-no-changes"), count)

    if engine != CLI:  # `forge-modules import` runs the real one
        return
    other = project(server, apiVersion=version)
    done = in_project(other, "import", "--stack", "test", "--run", "--json")
    assert done.code == 0, done.text
    assert len(printed(done)["imported"]) == count
    shutil.copy(other.root / "forge_modules.py", other.root / "__main__.py")
    same(other.preview("--diff", "--expect-no-changes"), count)
    assert server.counts()["POST"] == server.counts()["PUT"] == count


def adding(module: Module) -> Module:
    """Something in every object, and the documented defaults; and events come in an order of the server's own."""
    data = {**DEFAULTS.get(module["type"], {}), **module["data"]}
    for filtered in (data, *(event for event in data.get("events", ()) if isinstance(event, dict))):
        if "filter" in filtered:
            filtered["filter"] = {"onError": "IGNORE_AND_LOG", **filtered["filter"]}
    if module["type"] == TRIGGER:
        data["events"] = data["events"][::-1]
    return {**module, "data": more(data), "createdBy": "somebody"}


def more(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{name: more(inner) for name, inner in value.items()}, "own": {"revision": 3}}
    return [*map(more, value)] if isinstance(value, list) else value


DEFAULTS = {"jira:entityProperty": {"entityType": "issue"}, "confluence:contentBylineItem": {"viewportContainer": "popup"}}


@BOTH_ENGINES
def test_a_server_addition_causes_no_change(project: Callable[..., Project], server: Server, engine: str) -> None:
    server.rewrite, server.empty_201 = adding, True
    stack = project(server, **{"installations.acme.apiVersion": "v2"})
    stack.environment |= variables_of("acme", server.environment())
    before, after = ([one for one in modules if one.number == 1] for modules in (BEFORE, AFTER))
    count = 2 * len(SPECS)
    declare(stack, before, "default", "acme")
    done = stack.up()
    assert done.code == 0, done.text
    same(stack.preview("--diff", "--expect-no-changes"), count)
    same(stack.up("--refresh", "--diff", "--expect-no-changes"), count)
    declare(stack, after, "default", "acme")
    done = stack.up()
    assert done.code == 0, done.text
    same(stack.preview("--diff", "--expect-no-changes"), count)
    same(stack.up("--refresh", "--diff", "--expect-no-changes"), count)
    assert server.counts()["POST"] == server.counts()["PUT"] == count
    assert len(server.modules("v1")) == len(server.modules("v2"))

    if engine != CLI:
        return
    other = project(server)
    done = in_project(other, "import", "--stack", "test", "--run", "--json")
    assert done.code == 0, done.text
    found = printed(done)["imported"]
    assert len(found) == len(server.modules("v1"))
    assert any("/filter/own" in one["serversOwn"] for one in found)
    shutil.copy(other.root / "forge_modules.py", other.root / "__main__.py")
    same(other.preview("--diff", "--expect-no-changes"), len(found))
    same(other.up("--refresh", "--diff", "--expect-no-changes"), len(found))
