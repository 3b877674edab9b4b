"""Error deduplication: five modules that fail for one cause have one whole message and four complete lines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
import pytest

from testing.independent_server import Call, Server
from testing.plugin import Plugin, plugin

N: Final = 5
NO_TOKEN: Final = {"ATLASSIAN_FORGE_TOKEN": ""}
FAILING: Final = json.dumps([sys.executable, "-c", "raise SystemExit('no such role')"])
CAUSES: Final[Mapping[str, tuple[dict[str, str], str]]] = {
    "a wrong token": ({"ATLASSIAN_FORGE_TOKEN": "expired"}, "HTTP 401: Authorization failed"),
    "no token file": (
        {**NO_TOKEN, "ATLASSIAN_FORGE_TOKEN_FILE": "missing"},
        "the token file missing cannot be read: No such file or directory",
    ),
    "a command that fails": ({**NO_TOKEN, "ATLASSIAN_FORGE_TOKEN_COMMAND": FAILING}, "failed with exit code 1: no such role"),
    "no listener": (
        {"ATLASSIAN_FORGE_BASE_URL": "http://127.0.0.1:1", "ATLASSIAN_FORGE_OPERATION_TIMEOUT": "8"},
        "no connection: Connection refused",
    ),
}


def inputs(name: str, **more: Any) -> dict[str, Any]:
    properties = {"events": ["avi:jira:updated:issue"], "endpoint": name, "installation": "default", **more}
    return {"__name": ["parent", name], **properties}


def output_of(calls: Mapping[str, Callable[[], Any]]) -> dict[str, list[str]]:
    """The lines that each call fails with; all are made at once."""

    def failure(call: Callable[[], Any]) -> list[str]:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        return str(caught.value.details()).strip().removeprefix("pulumi_atlassian_forge.ForgeError: ").splitlines()

    with ThreadPoolExecutor(len(calls)) as pool:
        return dict(zip(calls, pool.map(failure, calls.values()), strict=True))


def registers(forge: Plugin, names: list[str]) -> dict[str, list[str]]:
    declared = {name: forge.check(inputs(name))[0] for name in names}
    return output_of({name: partial(forge.create, given) for name, given in declared.items()})


def first_of(messages: Mapping[str, list[str]]) -> str:
    (first,) = (name for name, lines in messages.items() if len(lines) > 1)
    return first


@pytest.mark.parametrize("cause", CAUSES)
def test_one_cause_has_one_whole_message_and_a_line_for_each_other_module(server: Server, tmp_path: Path, cause: str) -> None:
    environment, words = CAUSES[cause]
    with plugin(tmp_path, {**server.environment(), **environment}) as forge:
        messages = registers(forge, [f"notify-{i}" for i in range(N)])
    first = first_of(messages)
    assert len(messages[first]) == 4
    assert messages[first][-1].startswith("next: ")
    for name in messages.keys() - {first}:
        (line,) = messages[name]
        assert line.startswith(f"could not register module {name!r} (trigger) on installation 'default' (v1): ")
        assert words in line
        assert line.endswith(f"; nothing was registered; next: see the message about {first!r}")


def test_each_line_names_the_resulting_state_of_its_own_module(server: Server, tmp_path: Path) -> None:
    with plugin(tmp_path, server.environment()) as forge:
        made = {name: forge.create(forge.check(inputs(name))[0]) for name in ("one", "two", "three")}
    with plugin(tmp_path, server.environment(ATLASSIAN_FORGE_TOKEN="expired")) as forge:
        changed, _ = forge.check(inputs("two", payload={"include": {"fields": ["a"]}}))
        calls: dict[str, Callable[[], Any]] = {
            "one": lambda: forge.read(*made["one"]),
            "two": lambda: forge.update(*made["two"], changed),
            "three": lambda: forge.delete(*made["three"]),
        }
        messages = output_of(calls)
    first_of(messages)
    fates = {
        "one": "nothing was changed: the state is as it was",
        "two": "it was left as it was",
        "three": "it is still registered",
    }
    for name, fate in fates.items():
        assert fate in "\n".join(messages[name])


def test_another_cause_has_a_whole_message(server: Server, tmp_path: Path) -> None:
    def refuse(call: Call) -> Any:
        words = "no function" if b"bad" in call.body else "no endpoint"
        return (422, {"message": words}) if call.method == "POST" else None

    server.interfere = refuse
    with plugin(tmp_path, server.environment()) as forge:
        messages = registers(forge, ["bad-1", "bad-2", "other"])
    assert len(messages["other"]) == 4
    assert messages["other"][1] == "HTTP 422: no endpoint"
    assert sorted(len(messages[name]) for name in ("bad-1", "bad-2")) == [1, 4]


def test_the_whole_message_is_repeated_for_its_module_and_in_the_next_run(server: Server, tmp_path: Path) -> None:
    for first, other in (("one", "two"), ("two", "one")):
        with plugin(tmp_path, server.environment(ATLASSIAN_FORGE_TOKEN="expired")) as forge:
            assert [len(registers(forge, [first])[first]) for _ in range(2)] == [4, 4]
            assert len(registers(forge, [other])[other]) == 1


def test_a_bug_of_ours_has_one_traceback(server: Server, tmp_path: Path) -> None:
    # A planted bug: a module of the installed package that raises, put in front of it on the path.
    (tmp_path / "sitecustomize.py").write_text(
        "import pulumi_atlassian_forge.lifecycle.create as module\n"
        "def create(installation, inputs):\n"
        "    raise LookupError('planted bug')\n"
        "module.create = create\n",
        encoding="utf-8",
    )
    with plugin(tmp_path, server.environment(PYTHONPATH=str(tmp_path))) as forge:
        messages = registers(forge, ["one", "two"])
    first = first_of(messages)
    assert "| Traceback (most recent call last):" in messages[first]
    ((line,),) = (lines for name, lines in messages.items() if name != first)
    assert re.fullmatch(
        rf"a bug in pulumi-atlassian-forge \S+: LookupError in create; next: see the message about {first!r}", line
    )


def test_a_setting_that_cannot_be_used_is_one_whole_message_too(server: Server, tmp_path: Path) -> None:
    with plugin(tmp_path, server.environment(ATLASSIAN_FORGE_TOKEN="")) as forge:
        messages = output_of({name: partial(forge.check, inputs(name)) for name in ("one", "two")})
    first = first_of(messages)
    (other,) = messages.keys() - {first}
    line = (
        f"there is no token for installation 'default', and no other authentication method; next: see the message about {first!r}"
    )
    assert messages[other] == [line]
