"""`forge-modules list`, `show` and `events`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from testing.command import printed, register_outside, run
from testing.independent_server import Server, serve
from tests.support.samples import TRIGGERS


def test_a_list_is_one_line_for_each_module_and_fit_to_print(server: Server) -> None:
    register_outside(server, "v1", "b", "jira:issuePanel", title={"i18n": "panel.title"}, resource="main")
    register_outside(server, "v1", "a\x1b[31m", filter={"ignoreSelf": True}, events=["avi:jira:updated:issue"], endpoint="hook")
    done = run("list", server=server)
    assert done.stdout == "a\ttrigger\tavi:jira:updated:issue → endpoint hook, filtered\nb\tjira:issuePanel\tpanel.title\n"
    found = printed(run("list", "--json", server=server))
    assert found["installations"][0]["apiVersion"] == "v1"
    assert [module["key"] for module in found["installations"][0]["modules"]] == ["a\x1b[31m", "b"]
    assert server.counts() == {"GET": 2, "POST": 0, "PUT": 0, "DELETE": 0}


def test_a_failing_installation_does_not_hide_the_others(server: Server) -> None:
    register_outside(server, "v1", "one")
    with serve() as second:
        url = second.base_url
        done = run("list", "--installation", "acme", ATLASSIAN_FORGE_ACME_BASE_URL=url, ATLASSIAN_FORGE_ACME_TOKEN="wrong")
    assert (done.code, done.stdout) == (1, "")
    assert "could not list the modules of installation 'acme' (v1)" in done.stderr
    assert "HTTP 401" in done.stderr
    assert "wrong" not in done.stderr
    done = run("list", "--installation", "acme", "--all", server=server)
    assert (done.code, "exclude each other" in done.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [("list",), ("show", "one"), ("orphans", "--state", "state.json"), ("doctor",)])
def test_an_unknown_installation_is_not_one_without_a_token(server: Server, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "state.json").write_text('{"deployment": {"resources": []}}')
    done = run(*arguments, "--installation", "nosuch", server=server, cwd=tmp_path)
    assert done.code == 1
    assert "installation 'nosuch' is not configured; configured: 'default'" in done.text
    assert "next: correct the name, name the stack that configures it (--stack), or set ATLASSIAN_FORGE_NOSUCH_TOKEN" in done.text
    assert server.calls == []


def test_a_module_is_shown_as_a_statement_as_json_and_as_yaml(server: Server) -> None:
    register_outside(server, "v2", "0000", **TRIGGERS[0])
    shown = run("show", "0000", "--api-version", "v2", server=server)
    assert shown.stdout.startswith('forge.TriggerModule(\n    "0000",\n    events=[')
    assert 'on_error="RECEIVE_AND_LOG",' in shown.stdout
    module = {"key": "0000", "type": "trigger", "data": TRIGGERS[0]}
    assert json.loads(run("show", "0000", "--api-version", "v2", "--format", "json", server=server).stdout) == module
    assert yaml.safe_load(run("show", "0000", "--api-version", "v2", "--format", "yaml", server=server).stdout) == module
    assert printed(run("show", "0000", "--api-version", "v2", "--json", server=server))["module"] == module
    missing = run("show", "0001", "--api-version", "v2", server=server)
    assert (missing.code, missing.stdout) == (1, "")
    assert "could not read module '0001' (any type) on installation 'default' (v2)" in missing.stderr


def test_events_are_found_by_a_part_of_the_name_or_a_pattern() -> None:
    assert "avi:jira:updated:issue\tjira\n" in run("events", "updated:issue").stdout
    found = printed(run("events", "avi:confluence:created:*", "--json"))["events"]
    assert "avi:confluence:created:page" in found
    assert all(name.startswith("avi:confluence:created:") for name in found)
    nothing = run("events", "avi:nothing")
    assert (nothing.code, "no event of the catalog matches 'avi:nothing'" in nothing.stderr) == (1, True)


@pytest.mark.parametrize(
    "words", [("issue", "created"), ("created issue",), ("issue_created",), ("jira:issue_created",), ("issue", "creat")]
)
def test_events_are_found_by_words_in_any_order(words: tuple[str, ...]) -> None:
    found = printed(run("events", *words, "--json"))["events"]
    assert "avi:jira:created:issue" in found
    assert all("issue" in name and "creat" in name for name in found)


def test_a_misspelt_event_is_found_by_its_parts_and_never_its_opposite() -> None:
    assert printed(run("events", "isue_created", "--json"))["events"] == ["avi:jira:created:issue"]
    nothing = run("events", "uninstalled")
    assert (nothing.code, "no event of the catalog matches 'uninstalled'" in nothing.stderr) == (1, True)


def test_a_wrong_option_is_not_the_exit_code_of_drift() -> None:
    assert run("list", "--wrong").code == 1
    assert run("drift", "--wrong").code == 1


@pytest.mark.parametrize("ci", ["", "true"])
def test_a_table_is_for_terminals_and_never_for_ci(server: Server, ci: str) -> None:
    """A table folds long cells, and a part of one could begin a line of the log with a command."""
    register_outside(server, "v2", "k" * 50 + "::error::forged")
    done = run("list", "--api-version", "v2", server=server, FORCE_COLOR="1", COLUMNS="60", CI=ci)
    assert ("KEY" in done.stdout) == (not ci)
    assert len(done.stdout.splitlines()) == 1 or not ci
