"""Validation errors: each fails in preview, by its property, all at once, and without a request."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from testing.independent_server import Server, serve
from testing.project import Outcome, Project
from tests.support.bad_inputs import OK, ROWS, Bad
from tests.support.engines import BOTH_ENGINES, ENGINES, PROJECTS


def problems(seen: Outcome) -> dict[str, list[str]]:
    """The errors that the engine printed in its last block, by logical name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in seen.stdout.partition("Diagnostics:")[2].splitlines():
        if header := re.match(r"  \S+ \((.+)\):$", line):
            name = header[1]
        elif line.startswith("    error: "):
            found.setdefault(name, []).append(line.removeprefix("    error: "))
    return found


@pytest.fixture(scope="module", params=ENGINES)
def everything(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, int]:
    """One preview of a program that makes every mistake, each in a resource of its own."""
    with serve() as server:
        root = tmp_path_factory.mktemp("bad")
        stack = PROJECTS[request.param](root, environment=server.environment(ATLASSIAN_FORGE_STRICT="true"))
        stack.program("\n".join(row.source(row.name) for row in ROWS) + "\n")
        return stack.preview(), len(server.calls)


def test_the_preview_fails_and_makes_no_request(everything: tuple[Outcome, int]) -> None:
    seen, calls = everything
    assert seen.code != 0
    assert calls == 0
    assert "Traceback" not in seen.text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_validation_error_names_its_property_and_its_rule(everything: tuple[Outcome, int], row: Bad) -> None:
    seen, _ = everything
    texts = problems(seen).get(row.name)
    assert texts, f"no error for {row.name}:\n{seen.text}"
    where = f"property {row.property}: " if row.property else ""
    assert any(text.startswith(where) and row.words in text for text in texts), texts


@BOTH_ENGINES
def test_five_resources_with_one_validation_error_each_report_all_five(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(f'for i in range(5):\n    forge.TriggerModule(f"m{{i}}", {OK}, key="not a key")\n')
    seen = stack.preview()
    assert seen.code != 0
    assert {f"m{i}" for i in range(5)} <= set(problems(seen))
    assert "5 of the declared modules cannot be registered" in seen.text


@BOTH_ENGINES
def test_a_validation_error_is_reported_however_late_the_name_of_its_resource_is_known(
    project: Callable[..., Project], server: Server
) -> None:
    """The SDK tells it in a task that waits for the name, and a program that fails ends without waiting for such tasks."""
    stack = project(server)
    stack.program(
        "import asyncio\n"
        f'wrong = forge.TriggerModule("wrong", {OK}, key="not a key")\n'
        "async def late(urn):\n"
        "    known = await urn.future()\n"
        "    await asyncio.sleep(0.5)\n"
        "    return known\n"
        'wrong.__dict__["urn"] = pulumi.Output.from_input(late(wrong.urn))\n'
    )
    seen = stack.preview()
    assert seen.code != 0
    assert "wrong" in problems(seen), seen.text


@BOTH_ENGINES
def test_an_up_without_a_preview_registers_nothing_that_is_wrong(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(f'forge.TriggerModule("m", {OK}, key="not a key")\n')
    done = stack.up()
    assert done.code != 0
    assert "property key value {not a key} has a problem" in done.text
    assert not server.calls


@BOTH_ENGINES
def test_one_resource_with_five_validation_errors_reports_all_five(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(
        """
forge.TriggerModule(
    "five",
    key="not a key",
    events=["avi:confluence:created:page", "avi:confluence:created:page"],
    function="a b",
    filter={"ignoreSelf": True, "onError": "PANIC"},
)
"""
    )
    seen = stack.preview(ATLASSIAN_FORGE_STRICT="true")
    assert seen.code != 0
    deduplicator = "\n".join(problems(seen)["five"])
    for path in ("key", "events[1]", "function", "filter.ignoreSelf", "filter.onError"):
        assert f"property {path}: " in deduplicator, deduplicator
    assert not server.calls


@BOTH_ENGINES
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (r'"\ud800"', "data.x.y: holds a lone surrogate"),
        ("{1, 2}", "data.x.y: is a set"),
        ("b'x'", "data.x.y: is a bytes"),
        ("{3: 4}", "data.x.y: has a name that is not text"),
    ],
)
def test_a_value_that_cannot_be_serialized_is_an_error_at_its_line(
    project: Callable[..., Project], server: Server, value: str, words: str
) -> None:
    stack = project(server)
    stack.program(f'forge.DynamicModule("one", type="acme:x", data={{"x": {{"y": {value}}}}})\n')
    seen = stack.preview()
    assert seen.code != 0
    assert words in seen.text
    assert "the arguments of 'one' cannot be sent" in seen.text
    assert not server.calls


@BOTH_ENGINES
@pytest.mark.parametrize(
    ("config", "environment", "words"),
    [
        ({}, {"ATLASSIAN_FORGE_BASE_URL": "http://example.com"}, "must be https"),
        ({}, {"ATLASSIAN_FORGE_BASE_URL": "https://user:pw@example.com"}, "no user, password"),
        ({}, {"ATLASSIAN_FORGE_BASE_URL": "ftp://example.com"}, "https://<host>"),
        ({}, {"ATLASSIAN_FORGE_API_VERSION": "v3"}, "'v1' or 'v2'"),
        ({}, {"ATLASSIAN_FORGE_OPERATION_TIMEOUT": "soon"}, "operationTimeout"),
        ({}, {"ATLASSIAN_FORGE_TOKEN": ""}, "there is no token"),
        ({"installations.Acme.baseUrl": "https://example.com"}, {}, "'Acme'"),
        ({"installations.acme.baseURL": "https://example.com"}, {}, "did you mean baseUrl"),
    ],
)
def test_settings_that_cannot_be_used_are_one_message_in_preview(
    project: Callable[..., Project], server: Server, config: dict[str, str], environment: dict[str, str], words: str
) -> None:
    stack = project(server, **config)
    stack.environment.update(environment)
    stack.program(f'for i in range(5):\n    forge.TriggerModule(f"m{{i}}", {OK})\n')
    seen = stack.preview()
    assert seen.code != 0
    assert words in seen.text
    assert seen.diagnostics.count("ForgeError") == 1, seen.text
    assert "Traceback" not in seen.text
    assert not server.calls


@BOTH_ENGINES
def test_a_preview_without_a_token_explains_how_to_run_without_one(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(f'forge.TriggerModule("one", {OK})\n')
    assert stack.up().code == 0
    calls = len(server.calls)
    stack.program(f'forge.TriggerModule("one", {OK.replace("hook", "another-hook")})\n')
    refused = stack.preview(ATLASSIAN_FORGE_TOKEN="")
    assert refused.code != 0
    advice = re.search(r"for a preview alone, which sends nothing: (\w+)=(\S+) pulumi preview", refused.text)
    assert advice, refused.text
    seen = stack.preview(ATLASSIAN_FORGE_TOKEN="", **{advice[1]: advice[2]})
    assert seen.code == 0, seen.text
    assert "1 to update" in seen.text
    assert len(server.calls) == calls


@BOTH_ENGINES
def test_no_settings_at_all_lists_the_authentication_methods(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.environment.clear()
    stack.program(f'for i in range(5):\n    forge.TriggerModule(f"m{{i}}", {OK})\n')
    seen = stack.preview()
    assert seen.code != 0
    for way in ("ATLASSIAN_FORGE_TOKEN", "pulumi config set --secret atlassian-forge:token", "emulator://"):
        assert way in seen.text


@BOTH_ENGINES
def test_a_key_under_v2_is_refused(project: Callable[..., Project], server: Server) -> None:
    stack = project(server, apiVersion="v2")
    stack.program(f'forge.TriggerModule("one", {OK}, key="mine")\n')
    seen = stack.preview()
    assert seen.code != 0
    assert "property key: " in seen.text
    assert "v2" in seen.text


@BOTH_ENGINES
def test_a_logical_name_that_is_no_key_is_refused_with_the_advice_to_give_one(
    project: Callable[..., Project], server: Server
) -> None:
    stack = project(server)
    stack.program(f'forge.TriggerModule("my hook", {OK})\n')
    seen = stack.preview()
    assert seen.code != 0
    assert "give key=" in seen.text
    stack.program(f'forge.TriggerModule("my hook", {OK}, key="my-hook")\n')
    assert stack.preview().code == 0
