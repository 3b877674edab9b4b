"""Settings of `examples/fleet`: how the settings of an installation are passed to its stack."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from fleet.display import as_json, print_summary, visible
from fleet.installations import FIELDS, FleetError, read_installations, select_names, stack_environment, write_stack_config
from fleet.stack import Job, Operation, Result, StackRun, redacted
from pulumi.automation import DiagnosticEvent, EngineEvent, PulumiCommand
from pydantic.alias_generators import to_snake
from semver import VersionInfo

from pulumi_atlassian_forge.config.settings import SETTINGS


def test_a_stack_gets_its_own_variables_as_those_of_default_and_no_others() -> None:
    inherited = {
        "PATH": "/bin",
        "ATLASSIAN_FORGE_TOKEN": "default",
        "ATLASSIAN_FORGE_BASE_URL": "https://default.example",
        "ATLASSIAN_FORGE_ACME_TOKEN": "acme",
        "ATLASSIAN_FORGE_ACME_EU_TOKEN": "acme-eu",
        "ATLASSIAN_FORGE_ACME_EU_RELAY_KEY": "key of acme-eu",
        "ATLASSIAN_FORGE_ACME_EU_WEST_TOKEN": "acme-eu-west, which is not in the file",
        "ATLASSIAN_FORGE_ACME_TOKEN_FILE": "file of acme",
        "ATLASSIAN_FORGE_GLOBEX_TOKEN_FILE": "globex",
        "ATLASSIAN_FORGE_LOG": "debug",
    }
    names = ["acme-token", "acme", "acme-eu", "globex", "initech"]
    blank = {name: "" for name in inherited if name != "PATH"} | {"ATLASSIAN_FORGE_LOG": "debug"}
    of_default = {
        "acme": {"ATLASSIAN_FORGE_TOKEN": "acme", "ATLASSIAN_FORGE_TOKEN_FILE": "file of acme"},
        "acme-eu": {"ATLASSIAN_FORGE_TOKEN": "acme-eu", "ATLASSIAN_FORGE_RELAY_KEY": "key of acme-eu"},
        "acme-token": {},
        "globex": {"ATLASSIAN_FORGE_TOKEN_FILE": "globex"},
        "initech": {},
    }
    assert {name: stack_environment(name, names, inherited) for name in sorted(names)} == {
        name: {**blank, **own} for name, own in of_default.items()
    }
    assert stack_environment("acme", ["acme"], inherited) == {**blank, **of_default["acme"]}


def test_the_fleet_knows_every_setting_of_the_provider() -> None:
    assert {to_snake(field).upper() for field in SETTINGS} <= set(FIELDS)


FOREIGN = "a\x1b]0;title\x07b\x1b[2Jc\x1bd\x9b31me\u202ef\u061cg\u2028h\rj\ud800k\tl\nm"


def test_no_output_controls_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert visible(FOREIGN) == "abc\ufffdde\ufffdf\ufffdg\ufffdh\ufffdj\ufffdk\tl\nm"
    result = Result("acme", "failed", error=FOREIGN, warnings=[FOREIGN])
    print_summary([result], 1)
    shown = capsys.readouterr().out
    assert "acme: warning: abc" in shown
    printed = shown + as_json(Job(Path(), Operation.UP), [result], 1)
    assert not [character for character in printed if character in set(FOREIGN) - set("abcdefghjklm\t\n0;title2J31[]")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "installations:\n  acme: &a {}\n  globex: *a",
            "cannot be read: line 3: the alias *a is not allowed; write the value again",
        ),
        ("installations:\n  acme:\n    tokenCommand: &a [x, *a]", "line 3: the alias *a"),
        ("installations: " + "[" * 600 + "]" * 600, "cannot be read"),
        ("installations:\n  acme: {tokenFile: a}\n  acme: {tokenFile: b}", "line 3: 'acme' occurs twice"),
        ("installations:\n  acme:\n    tokenFile: a\n    tokenFile: b", "line 4: 'tokenFile' occurs twice"),
        ("installations: [a", "is not YAML: line 1"),
    ],
    ids=["alias", "recursive", "deep", "installation", "setting", "broken"],
)
def test_a_file_of_installations_that_cannot_be_used_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "forge-installations.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(FleetError) as caught:
        read_installations(file)
    assert str(file) in str(caught.value)
    assert words in str(caught.value)


def test_the_file_of_installations_manages_only_the_provider_s_keys(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.acme.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "encryptionsalt": "v1:salt",
                "config": {
                    "atlassian-forge:apiVersion": "v2",
                    "atlassian-forge:token": {"secure": "v1:x"},
                    "fleet:colour": "red",
                },
            }
        ),
        "utf-8",
    )
    settings = {"baseUrl": "https://a.example", "adoptIdentical": "false", "tokenCommand": ["get", "it"]}
    write_stack_config(tmp_path, "acme", settings)
    assert yaml.safe_load(path.read_text("utf-8")) == {
        "encryptionsalt": "v1:salt",
        "config": {
            "atlassian-forge:token": {"secure": "v1:x"},
            "fleet:colour": "red",
            "atlassian-forge:baseUrl": "https://a.example",
            "atlassian-forge:adoptIdentical": "false",
            "atlassian-forge:tokenCommand": ["get", "it"],
        },
    }
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_settings_and_other_values_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        "installations:\n  acme: {manifest: 010, maxDataSize: 1_000, strict: on, relayUrl: 12:30, baseUrl: 2020-99-99,"
        " tokenFile: , tokenCommand: [a, 1.10, no]}\n",
        "utf-8",
    )
    path = tmp_path / "Pulumi.acme.yaml"
    path.write_text("config:\n  p:country: no\n  p:at: 12:30:45\n  p:map: {on: 1_000, list: [010, true, ~]}\n", "utf-8")
    path.chmod(0o600)
    settings = read_installations(tmp_path / "f.yaml")["acme"]
    write_stack_config(tmp_path, "acme", settings)
    assert path.read_text("utf-8") == (
        "config:\n  p:country: no\n  p:at: 12:30:45\n  p:map: {on: 1_000, list: [010, true, ~]}\n"
        "  atlassian-forge:manifest: '010'\n  atlassian-forge:maxDataSize: '1_000'\n  atlassian-forge:strict: 'on'\n"
        "  atlassian-forge:relayUrl: '12:30'\n  atlassian-forge:baseUrl: '2020-99-99'\n"
        "  atlassian-forge:tokenCommand:\n  - a\n  - '1.10'\n  - 'no'\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    written = path.stat().st_ino
    write_stack_config(tmp_path, "acme", settings)
    assert path.stat().st_ino == written, "the file is replaced although nothing changes"


def test_the_name_default_is_reserved(tmp_path: Path) -> None:
    file = tmp_path / "forge-installations.yaml"
    file.write_text("installations:\n  default:\n    baseUrl: https://a.example\n", "utf-8")
    with pytest.raises(FleetError, match="'default': this name is reserved"):
        read_installations(file)


def test_an_invalid_stack_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.acme.yaml").write_text("- a list", "utf-8")
    with pytest.raises(FleetError, match=r"Pulumi\.acme\.yaml cannot be used"):
        write_stack_config(tmp_path, "acme", {})


def test_names_are_selected_by_patterns() -> None:
    names = ["acme", "acme-eu", "globex"]
    assert select_names(names, []) == names
    assert select_names(names, ["*-eu", "globex"]) == ["acme-eu", "globex"]
    with pytest.raises(FleetError, match="--only globx matches no installation"):
        select_names(names, ["globx"])


@pytest.mark.parametrize(
    "password",
    ["plain-word", "p%40ss%2Fword", "p@ss@word", "pass/word", "pass:word"],
)
@pytest.mark.parametrize("form", ["postgres://user:{}@db.example/state", "postgres://db.example/state?user=user&password={}"])
def test_messages_do_not_contain_the_password_of_the_backend(form: str, password: str) -> None:
    backend = form.format(password)
    shown = redacted(f"parse {backend}: failed for {unquote(password)!r}", backend)
    assert shown.startswith("parse postgres://")
    assert "db.example" in shown
    assert password not in shown
    assert unquote(password) not in shown


def run_with(command: str, job: Job) -> StackRun:
    cli = PulumiCommand.__new__(PulumiCommand)  # without looking for a CLI
    cli.command, cli.version = command, VersionInfo(3, 259, 0)
    return StackRun("acme", {}, {}, job, cli)


def test_a_run_of_a_cli_that_prints_no_json_has_failed_and_not_just_not_started(tmp_path: Path) -> None:
    command = tmp_path / "pulumi"
    command.write_text("#!/bin/sh\necho no JSON\n", "utf-8")
    command.chmod(0o755)
    run = run_with(str(command), Job(tmp_path, Operation.UP))
    run.execute(lambda: None)
    assert run.result.status == "failed"
    assert str(run.result.error).startswith("the Pulumi CLI printed something unexpected, and the stack may have changed: ")


def test_no_message_of_the_engine_contains_the_password_of_the_backend(tmp_path: Path) -> None:
    job = Job(tmp_path, Operation.PREVIEW, backend="postgres://user:secret-word@db.example/state")
    run = run_with("pulumi", job)
    for severity in ("error", "warning"):
        diagnostic = DiagnosticEvent(f"{severity}: {job.backend}", "always", severity)
        run._on_event(EngineEvent(1, 1, diagnostic_event=diagnostic))
    assert run.result.warnings == ["warning: postgres://user:***@db.example/state"]
