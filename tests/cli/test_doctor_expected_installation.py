"""`forge-modules doctor`: which installation the credentials belong to, and its scopes."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.command import register_outside
from testing.doctor import Doctor, expect, keeping_the_contract
from testing.independent_server import INSTALLATION, Call, Server, is_about_details

OTHER = INSTALLATION.replace("1", "9")
SETTING = "ATLASSIAN_FORGE_EXPECTED_INSTALLATION (or atlassian-forge:expectedInstallation)"


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Doctor(tmp_path)


@pytest.fixture
def api(server: Server) -> Server:
    return keeping_the_contract(server)


def test_it_matches(doctor: Doctor, api: Server) -> None:
    api.details |= {"isSandbox": True, "permissions": {"scopes": ["read:jira-work"]}}
    register_outside(api, "v1", "m", "trigger", events=["avi:jira:created:issue", "avi:jira:updated:issue"], endpoint="h")
    done = doctor(server=api, ATLASSIAN_FORGE_EXPECTED_INSTALLATION=INSTALLATION)
    expect(
        done,
        0,
        "ok       installation: expectedInstallation matches: site ari:cloud:jira::site/s, app version 4.2.0, a sandbox",
        "ok       scopes: the installation has those of its 2 known events",
    )
    api.details_interval = 300
    expect(
        doctor(server=api, ATLASSIAN_FORGE_EXPECTED_INSTALLATION=INSTALLATION),
        0,
        "ok       installation: expectedInstallation was verified earlier; its details are not known now "
        "(HTTP 429: too many requests)",
        "skipped  scopes: the details of the installation are not known",
    )


def test_scopes_that_events_need_are_missing(doctor: Doctor, api: Server) -> None:
    api.details["permissions"] = {"scopes": ["read:jira-work", "read:issue-type:jira"]}
    events = ["avi:jira:created:issue", "avi:confluence:created:page", {"eventType": "avi:jira:created:field"}, "avi:unknown"]
    register_outside(api, "v1", "m", "trigger", events=events, endpoint="h")
    expect(
        doctor(server=api, ATLASSIAN_FORGE_EXPECTED_INSTALLATION=INSTALLATION),
        0,
        "warn     scopes: the installation lacks manage:jira-configuration, read:confluence-content.summary: "
        "avi:confluence:created:page, avi:jira:created:field will not be delivered\n"
        "next: add them to permissions.scopes of manifest.yml, deploy the app, and `forge install --upgrade`",
    )


def test_it_is_another_one(doctor: Doctor, api: Server) -> None:
    expect(
        doctor(server=api, ATLASSIAN_FORGE_EXPECTED_INSTALLATION=OTHER),
        1,
        f"fail     installation: the credentials do not belong to expectedInstallation {OTHER} "
        "(HTTP 401: Authorization failed), and nothing is written with them\n"
        f"next: correct the credentials, or {SETTING}",
    )


def test_it_cannot_be_told(doctor: Doctor, server: Server) -> None:
    server.interfere = lambda call: (429, {"message": "slow"}, {"retry-after": "123"}) if is_about_details(call) else limit(call)
    expect(
        doctor(server=server, ATLASSIAN_FORGE_EXPECTED_INSTALLATION=INSTALLATION),
        0,
        "warn     installation: expectedInstallation could not be verified (HTTP 429: slow): a first `up` would stop\n"
        f"next: check {SETTING}; run the command again in 123 seconds, the API accepts one such request in five minutes",
    )


def limit(call: Call) -> object:
    return (422, {"message": "limit"}) if call.query == "limit=0" else None


def test_it_is_recommended_if_nothing_else_tells(doctor: Doctor, api: Server) -> None:
    expect(
        doctor(server=api),
        0,
        "warn     installation: nothing tells which installation the credentials belong to: expectedInstallation is not set, the "
        "authentication method names none, and no stack with two modules is known, of which one could confirm the other\n"
        f"next: set {SETTING} to <appId>/<environmentId>/<installationId> (docs/guide/errors.md#expectedinstallation)",
    )
    assert api.detail_calls() == []


def test_it_is_not_recommended_on_the_emulator_without_a_token(doctor: Doctor, tmp_path: Path) -> None:
    done = doctor(ATLASSIAN_FORGE_BASE_URL=f"emulator://{tmp_path}/forge.db")
    assert done.code == 0, done.text
    assert "expectedInstallation" not in done.stdout


def test_a_value_that_is_none(doctor: Doctor, api: Server) -> None:
    done = doctor(server=api, ATLASSIAN_FORGE_EXPECTED_INSTALLATION="acme")
    assert done.code == 1
    assert "must be <appId>/<environmentId>/<installationId>" in done.stdout
