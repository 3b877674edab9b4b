"""The API assumptions A31 and A32: the details of an installation."""

from __future__ import annotations

import pytest

from pulumi_atlassian_forge.emulator.handler import EmulatorResponse
from pulumi_atlassian_forge.emulator.installation_details import installation_path
from pulumi_atlassian_forge.emulator.requests import Route
from pulumi_atlassian_forge.testing import FaultRule
from tests.support.contract_api import UNAUTHORIZED, Api, of


def details(api: Api, installation: str, method: str = "GET", prefix: str = "") -> EmulatorResponse:
    app, environment, id_ = installation.split("/")
    path = f"{prefix}/forge/installation/v1/{app}/{environment}/installation/{id_}"
    return api.emulator.handle(method, path, {}, api.headers, b"")


@pytest.fixture
def version() -> str:
    return "v1"


def test_a31_the_details_are_those_of_the_installation_of_the_credentials(api: Api) -> None:
    found = details(api, installation_path("one"))
    assert found.status == 200
    assert set(of(found)) == {
        "version",
        "installationContext",
        "secondaryInstallationContexts",
        "permissions",
        "isSandbox",
    }
    assert details(api, installation_path("two").upper()).status == 401
    api.headers = {"forge-proxy-authorization": "Forge as=app,installationId=two"}
    assert details(api, installation_path("two").upper(), prefix="/atlassian").status == 200


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a31_another_app_environment_or_installation_is_refused(api: Api, part: int) -> None:
    ids = installation_path("one").split("/")
    ids[part] = "00000000-0000-4000-8000-000000000000"
    response = details(api, "/".join(ids))
    assert (response.status, of(response)) == (401, UNAUTHORIZED)
    api.option(error_body="typed")
    assert of(details(api, "/".join(ids))) == {"type": "AuthorizationError", "code": 401, **UNAUTHORIZED}


def test_a31_credentials_come_first_and_other_methods_are_refused(api: Api) -> None:
    assert details(api, installation_path("one"), "DELETE").status == 405
    api.headers = {"authorization": "Bearer unknown"}
    assert details(api, installation_path("one"), "DELETE").status == 401


def test_a31_an_installation_that_is_named_by_its_id(api: Api) -> None:
    id_ = "12345678-1234-4234-8234-123456789abc"
    assert installation_path(id_).endswith(f"/{id_}")
    assert installation_path("one") != installation_path("two")


def test_a31_the_granted_scopes_are_an_option(api: Api) -> None:
    api.option(granted_scopes="read:jira-work storage:app", details_interval_s=0)
    assert of(details(api, installation_path("one")))["permissions"]["scopes"] == ["read:jira-work", "storage:app"]


def test_a32_one_request_in_five_minutes_and_installation(api: Api) -> None:
    assert details(api, installation_path("one")).status == 200
    api.now[0] += 290
    throttled = details(api, installation_path("one"))
    assert throttled.status == 429
    assert 10 <= int(throttled.headers["retry-after"]) <= 11
    api.headers = {"authorization": "Bearer second"}
    assert details(api, installation_path("one")).status == 401
    api.headers = {"authorization": "Bearer app"}
    api.now[0] += 11
    assert details(api, installation_path("one")).status == 200
    api.now[0] -= 3600
    assert details(api, installation_path("one")).status == 200
    api.option(details_interval_s=0)
    assert details(api, installation_path("one")).status == 200


def test_a_fault_rule_may_be_for_the_details_alone() -> None:
    rules = {on: FaultRule(on=on, action="500") for on in ("any", "list", "module", "details")}
    route = Route("v1", None, installation_path("one"))
    assert {on for on, rule in rules.items() if rule.matches("GET", route)} == {"any", "details"}
    assert not rules["details"].matches("GET", Route("v1", None))
