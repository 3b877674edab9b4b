"""`expectedInstallation` in whole runs: each authentication method, both versions, the token of another installation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from testing.independent_server import INSTALLATION, Server, is_about_details
from testing.installations import Installations, joined, reaching, variable
from testing.project import Outcome, Project
from tests.e2e.test_auth_methods import all_open
from tests.support.auth_methods import AUTH_METHODS
from tests.support.engines import BOTH_ENGINES

pytestmark = BOTH_ENGINES

OTHER = INSTALLATION.replace("1", "9")
ALL = "--continue-on-error"
EXPECTED = "EXPECTED_INSTALLATION"
PROGRAM = """
for installation in {installations}:
    for i in range({n}):
        forge.TriggerModule(
            f"{{installation}}-{{i}}",
            installation=installation,
            key=f"m-{{i}}" if installation.endswith(("default", "v1")) else None,
            adopt={adopt},
            events=["avi:jira:updated:issue"],
            endpoint=f"{endpoint}-{{i}}",
        )
"""


def program(installations: Mapping[str, object], n: int, endpoint: str = "hook", *, adopt: bool = False) -> str:
    return PROGRAM.format(installations=tuple(installations), n=n, endpoint=endpoint, adopt=adopt)


def expecting(stack: Project, installation: str, names: Mapping[str, object]) -> None:
    stack.environment |= {variable(name, EXPECTED): installation for name in names}
    stack.environment["XDG_CACHE_HOME"] = str(stack.root / "cache")


def refused(done: Outcome, names: Mapping[str, object], code: str = "AF601") -> None:
    assert done.code != 0, done.text
    assert "Traceback" not in done.text
    assert done.diagnostics.count(f"({code})") == len(names), done.text


def cached(stack: Project) -> list[Path]:
    return [*(stack.root / "cache" / "pulumi-atlassian-forge" / "verified-installations").glob("*")]


def test_a_first_up_with_credentials_of_another_installation_by_each_authentication_method(
    project: Callable[..., Project], tmp_path: Path
) -> None:
    with all_open(tmp_path / "auth_methods", AUTH_METHODS) as methods:
        names = {name: method for method in methods for name in method.installations.values()}
        stack = reaching(project, {name: method.auth_method.environment for name, method in names.items()})
        expecting(stack, OTHER, names)
        stack.program(program(names, 2))
        done = stack.up(ALL)
        refused(done, names)
        assert f"do not belong to expectedInstallation {OTHER}" in done.diagnostics
        assert [call.method for method in methods for call in method.server.calls if call.method != "GET"] == []
        assert all(method.server.detail_calls() for method in methods)
        expecting(stack, INSTALLATION, names)
        done = stack.up()
        assert done.code == 0, done.text
        assert {(len(method.server.modules("v1")), len(method.server.modules("v2"))) for method in methods} == {(2, 2)}
        assert {file.stat().st_mode & 0o777 for file in cached(stack)} == {0o600}
        assert not [secret for method in methods for secret in method.auth_method.secrets if secret in stack.everything()]
        # Two names stand for one installation. Each up sent one request with each credentials, and the destroy sends none.
        assert {method.name: len(method.server.detail_calls()) for method in methods} == dict.fromkeys(AUTH_METHODS, 2)
        done = stack.destroy()
        assert done.code == 0, done.text
        assert {method.name: len(method.server.detail_calls()) for method in methods} == dict.fromkeys(AUTH_METHODS, 2)


def test_staging_and_production_of_one_app_with_the_same_keys(project: Callable[..., Project], both: Installations) -> None:
    stack = joined(project, both)
    expecting(stack, INSTALLATION, both)
    stack.program(program(both, 3))
    assert stack.up().code == 0
    before = {name: json.dumps(one.modules()) for name, one in both.items()}
    for one in both.values():  # the token is now that of the other installation, which has modules with the same keys and content
        one.server.installation, one.server.token = OTHER, f"{one.server.token}-2"
        one.server.calls.clear()
    stack.environment |= {variable(name, "TOKEN"): one.server.token for name, one in both.items()}
    stack.is_planted = False
    stack.program(program(both, 3, "changed"))
    refused(stack.up(ALL), both)
    stack.program(program(both, 4))
    refused(stack.up(ALL), both)
    refused(stack.destroy(ALL), both)
    fresh = joined(project, both)
    expecting(fresh, INSTALLATION, both)
    fresh.program(program({"default": None}, 3, adopt=True))
    refused(fresh.up(ALL), {"default": None})
    assert fresh.state() == []
    assert {name: json.dumps(one.modules()) for name, one in both.items()} == before
    assert [call.method for one in both.values() for call in one.server.calls if call.method != "GET"] == []
    assert len(stack.state()) == 6
    # A refresh of modules that exist writes nothing; one that is missing is not taken for deleted.
    for one in both.values():
        one.server.stores[one.version].popitem()
    refused(stack.refresh(), both)
    assert len(stack.state()) == 6


def test_runs_within_five_minutes(project: Callable[..., Project], both: Installations) -> None:
    for one in both.values():
        one.server.details_interval = 300
    stack = joined(project, both)
    expecting(stack, INSTALLATION, both)
    stack.program(program(both, 2))
    assert stack.up().code == 0
    stack.program(program(both, 3))
    done = stack.up()
    assert done.code == 0, done.text
    assert "AF603" not in done.text
    assert [len(one.server.detail_calls()) for one in both.values()] == [1, 1]
    for one in both.values():
        one.server.token += "-2"
    stack.environment |= {variable(name, "TOKEN"): one.server.token for name, one in both.items()}
    stack.program(program(both, 4))
    done = stack.up()
    assert done.code == 0, done.text
    assert done.diagnostics.count("(AF603)") == 2, done.text
    assert [len(one.modules()) for one in both.values()] == [4, 4]
    fresh = joined(project, both)  # of which no module confirms the installation
    expecting(fresh, INSTALLATION, both)
    fresh.program(program(both, 1, "other"))
    done = fresh.up(ALL)
    refused(done, both, "AF602")
    assert "HTTP 429" in done.diagnostics
    assert "next: run the command again in 2" in done.diagnostics
    assert [len(one.modules()) for one in both.values()] == [4, 4]


def test_a_first_up_while_the_api_does_not_tell(project: Callable[..., Project], both: Installations) -> None:
    default, other = both["default"].server, both["other-v2"].server
    stack = joined(project, both, requestTimeout="1", connectTimeout="1")
    stack.environment |= {variable("other-v2", "REQUEST_TIMEOUT"): "1", variable("other-v2", "CONNECT_TIMEOUT"): "1"}
    expecting(stack, INSTALLATION, both)
    stack.program(program(both, 2))
    default.interfere = lambda call: (500, {"message": "An internal error occurred"}) if is_about_details(call) else None
    other.interfere = lambda call: time.sleep(4) if is_about_details(call) else None
    refused(stack.up(ALL), both, "AF602")
    for server in (default, other):
        assert _writes(server) == []
        assert len(server.detail_calls()) == 1
        server.interfere = lambda call: None
    assert stack.up().code == 0
    assert [len(one.modules()) for one in both.values()] == [2, 2]


def _writes(server: Server) -> list[str]:
    return server.writes()


def test_on_the_emulator_and_with_a_value_that_is_none(project: Callable[..., Project]) -> None:
    from pulumi_atlassian_forge.emulator.installation_details import installation_path  # noqa: PLC0415

    stack = project(expectedInstallation=installation_path("default"))
    stack.environment["XDG_CACHE_HOME"] = str(stack.root / "cache")
    stack.program(program({"default": None}, 1))
    assert stack.up().code == 0
    assert len(cached(stack)) == 1
    stack.program(program({"default": None}, 2))
    done = stack.up(ATLASSIAN_FORGE_EXPECTED_INSTALLATION=OTHER)
    refused(done, {"default": None})
    done = stack.up(ATLASSIAN_FORGE_EXPECTED_INSTALLATION="my-app/production/acme")
    assert done.code != 0
    assert "ATLASSIAN_FORGE_EXPECTED_INSTALLATION): must be <appId>/<environmentId>/<installationId>" in done.text
    assert "(AF604)" in done.text
    assert len(stack.state()) == 1
