"""`get_module` and `list_modules` in a process that runs several programs, as a service with the Automation API does."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS

import pulumi_atlassian_forge as forge
from testing.independent_server import TOKEN, Server
from tests.support.command import register_outside


class _Monitor:
    """A connection to an engine, which functions never use."""


def new_run() -> None:
    """What the SDK does first in each run of a program: it connects to the engine of that run."""
    SETTINGS.monitor = _Monitor()


@pytest.fixture
def _automation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pulumi.automation", sys)


@pytest.fixture
def live(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, configured in the environment of this process."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    new_run()
    yield server
    SETTINGS.monitor = None


def keys() -> list[str]:
    return [module.key for module in forge.list_modules()]


def test_each_run_of_a_program_sees_the_installation_of_now(live: Server) -> None:
    assert keys() == []
    register_outside(live, "v1", "later")
    assert keys() == [], "one list for all calls of a run"
    new_run()
    assert keys() == ["later"]
    assert forge.get_module("later").key == "later"


def test_each_run_of_a_program_uses_the_credentials_of_now(live: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keys() == []
    live.token = "another-token-0123456789"
    monkeypatch.setenv("ATLASSIAN_FORGE_TOKEN", live.token)
    new_run()
    assert keys() == []
    assert live.calls[-1].headers["authorization"] == f"Bearer {live.token}" != f"Bearer {TOKEN}"


def test_without_a_run_nothing_is_kept(live: Server) -> None:
    SETTINGS.monitor = None
    assert keys() == []
    register_outside(live, "v1", "later")
    assert keys() == ["later"]


def test_a_failure_has_no_traceback_in_a_program(live: Server) -> None:
    with pytest.raises(forge.ForgeError, match="could not read module 'missing'") as caught:
        forge.get_module("missing")
    # The SDK prints the traceback of every exception of a program but this one.
    assert isinstance(caught.value, pulumi.RunError)


@pytest.mark.usefixtures("_automation")
def test_variables_of_the_workspace_do_not_reach_a_function(live: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in live.environment():
        monkeypatch.delenv(name)
    with pytest.raises(forge.ForgeError) as caught:
        forge.list_modules()
    first, *rest = str(caught.value).splitlines()
    assert first == "the installation 'default' is not configured"
    assert "env_vars" in rest[0]
    assert rest[-1].startswith("next: ")
    assert str(caught.value).endswith("(AF501)")


@pytest.mark.usefixtures("_automation")
def test_a_function_says_whose_variables_it_reads(live: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing shows whether the workspace sets others, which its resources would follow."""
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", said.append)
    assert keys() == keys() == []
    assert len(said) == 1
    assert live.base_url in said[0]
    assert "env_vars" in said[0]
