"""The setting ``manifest``, from the configuration to the problems of ``check``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.check import KeyClaims, check
from pulumi_atlassian_forge.model.problems import OTHER_FORM
from pulumi_atlassian_forge.model.values import UNKNOWN
from pulumi_atlassian_forge.session.session import Connections
from tests.support.manifests import SMALL, line_with, write

Props = dict[str, Any]
GOOD: Props = {"events": ["avi:jira:updated:issue"], "function": "notify", "__name": ["good"]}
BAD: Props = {**GOOD, "function": "notfy", "__name": ["bad"]}


@pytest.fixture
def connections(tmp_path: Path) -> Callable[..., Connections]:
    """A project with an app beside the program, and a plugin that starts in a folder of the project."""
    (tmp_path / "Pulumi.yaml").touch()
    (tmp_path / "app").mkdir()
    write(tmp_path / "app", SMALL)
    (tmp_path / "program").mkdir()

    def make(named: dict[str, Any] | None = None, **config: str) -> Connections:
        config = {"baseUrl": "emulator://forge.db", **config, "installations": json.dumps(named or {})}
        return Connections({f"atlassian-forge:{name}": value for name, value in config.items()}.get, tmp_path / "program")

    return make


def problems_of(props: Props, connections: Connections) -> list[tuple[str, str]]:
    return [(problem.path, problem.text) for problem in check(props, connections, KeyClaims()).problems]


def test_a_relative_path_starts_at_pulumi_yaml_and_messages_name_the_file_as_it_was_set(
    connections: Callable[..., Connections],
) -> None:
    ((path, text),) = problems_of(BAD, connections(manifest="app/manifest.yml"))
    assert path == "function"
    assert f"did you mean 'notify' (app/manifest.yml:{line_with(SMALL, 'key: notify')})?" in text
    assert not problems_of(GOOD, connections(manifest="app/manifest.yml"))


def test_an_absolute_path_and_a_home_are_taken_as_they_are(
    connections: Callable[..., Connections], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for setting in (str(tmp_path / "app" / "manifest.yml"), "~/app/manifest.yml"):
        ((_, text),) = problems_of(BAD, connections(manifest=setting))
        assert f"{setting}:" in text


def test_without_the_setting_nothing_is_checked(connections: Callable[..., Connections], monkeypatch: pytest.MonkeyPatch) -> None:
    assert not problems_of(BAD, connections())
    assert not problems_of(BAD, connections(manifest=" "))
    monkeypatch.setenv("ATLASSIAN_FORGE_MANIFEST", "")
    assert not problems_of(BAD, connections())


def test_the_environment_wins_and_each_installation_has_its_own(
    connections: Callable[..., Connections], monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = {"baseUrl": "emulator://forge.db", "manifest": "app/manifest.yml"}
    several = {"acme": acme, "bare": {"baseUrl": "emulator://forge.db"}}
    both = connections(several)
    assert [len(problems_of({**BAD, "installation": name}, both)) for name in ("default", "acme", "bare")] == [0, 1, 0]
    monkeypatch.setenv("ATLASSIAN_FORGE_MANIFEST", "app/manifest.yml")
    assert len(problems_of(BAD, connections(manifest="app/other.yml"))) == 1
    monkeypatch.setenv("ATLASSIAN_FORGE_BARE_MANIFEST", "app/manifest.yml")
    assert len(problems_of({**BAD, "installation": "bare"}, connections(several))) == 1


def test_an_unreadable_manifest_is_one_message_with_location_cause_and_next_step(
    connections: Callable[..., Connections], tmp_path: Path
) -> None:
    write(tmp_path / "app", "app:\n\tid: x\n")
    acme = {"baseUrl": "emulator://forge.db", "manifest": "app/manifest.yml"}
    with pytest.raises(ForgeError) as caught:
        check({**GOOD, "installation": "acme"}, connections({"acme": acme}), KeyClaims())
    assert str(caught.value).splitlines() == [
        "the app's manifest for installation 'acme' cannot be read",
        "app/manifest.yml:2: a tab indents this line, and YAML accepts spaces only",
        (
            "it is set by atlassian-forge:installations.acme.manifest (or ATLASSIAN_FORGE_ACME_MANIFEST); "
            f"a relative path starts at {tmp_path}"
        ),
        "next: correct the file or the setting, or remove the setting to do without these checks",
    ]


def test_a_missing_manifest_is_named_without_a_line_number(connections: Callable[..., Connections]) -> None:
    with pytest.raises(ForgeError, match=r"\nmanifest\.yml: does not exist\n"):
        check(GOOD, connections(manifest="manifest.yml"), KeyClaims())


def test_an_invalid_form_is_a_warning_beside_what_the_manifest_does_not_have(connections: Callable[..., Connections]) -> None:
    props = {**GOOD, "events": ["avi:jira:created:user"], "function": "a b"}
    checked = check(props, connections(manifest="app/manifest.yml"), KeyClaims())
    assert [problem.path for problem in checked.problems] == ["events[0]", "function"]
    assert [(problem.path, problem.code) for problem in checked.warnings] == [("function", OTHER_FORM)]


@pytest.mark.parametrize(("version", "paths"), [("v1", ["key"]), ("v2", [])])
def test_a_logical_name_that_is_a_static_key_is_an_error_if_it_becomes_the_key(
    connections: Callable[..., Connections], version: str, paths: list[str]
) -> None:
    props = {**GOOD, "__name": ["static-trigger"]}
    assert [path for path, _ in problems_of(props, connections(manifest="app/manifest.yml", apiVersion=version))] == paths


def test_unknown_values_pass_and_checking_twice_is_checking_once(connections: Callable[..., Connections]) -> None:
    made = connections(manifest="app/manifest.yml")
    props = {"type": UNKNOWN, "data": {"function": UNKNOWN}, "key": UNKNOWN, "__name": ["x"]}
    first = check(props, made, KeyClaims())
    assert not first.problems
    assert check(first.inputs, made, KeyClaims()) == first
    good = check(GOOD, made, KeyClaims())
    assert check(good.inputs, made, KeyClaims()) == good
