"""`forge-modules doctor`: each authentication method."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pulumi_atlassian_forge.auth.auth_method import identity_of
from testing.doctor import Doctor, expect, jwt, program
from testing.independent_server import Server
from tests.support import sidecar
from tests.support.relay import INSTALLATION, KEY, relay


def test_a_token_command(doctor: Doctor, api: Server, tmp_path: Path) -> None:
    api.token = jwt(exp=time.time() + 3 * 3600 + 1800)
    printed = tmp_path / "printed"
    printed.write_text(json.dumps({"token": api.token}))
    command = json.dumps([sys.executable, "-c", f"print(open({str(printed)!r}).read())"])
    done = doctor(ATLASSIAN_FORGE_BASE_URL=api.base_url, ATLASSIAN_FORGE_TOKEN_COMMAND=command)
    expect(
        done,
        0,
        "ok       token: from ATLASSIAN_FORGE_TOKEN_COMMAND; it expires in 3 hours",
        "ok       auth: the credentials are accepted",
    )
    assert api.token not in done.text


def printing(folder: Path, **printed: str) -> str:
    """A token command."""
    (folder / "printed").write_text(json.dumps(printed))
    return json.dumps([sys.executable, "-c", f"print(open({str(folder / 'printed')!r}).read())"])


def test_a_token_command_that_prints_the_expiry_and_the_installation(doctor: Doctor, api: Server, tmp_path: Path) -> None:
    end = datetime.fromtimestamp(time.time() + 3 * 3600 + 1800, UTC).isoformat()
    command = printing(tmp_path, token=api.token, expiresAt=end, installationId="an-installation")
    expect(
        doctor(ATLASSIAN_FORGE_BASE_URL=api.base_url, ATLASSIAN_FORGE_TOKEN_COMMAND=command),
        0,
        "ok       token: from ATLASSIAN_FORGE_TOKEN_COMMAND; it expires in 3 hours",
        "ok       auth: the credentials are accepted, for the installation an-installation",
    )


@pytest.mark.parametrize(
    ("made_on", "code", "lines"),
    [
        (
            "this-one",
            0,
            "ok       auth: the credentials are accepted, for the installation this-one, the installation of the state",
        ),
        (
            "another-one",
            1,
            (
                "fail     auth: installation 'default' (v1) is not the installation of the states\n"
                "next: correct ATLASSIAN_FORGE_TOKEN_COMMAND (or atlassian-forge:tokenCommand); if the app was reinstalled: "
                "docs/guide/errors.md"
            ),
        ),
        (
            None,
            0,
            (
                "warn     auth: the credentials are accepted, for the installation this-one; it is unknown whether the state "
                "belongs to it: `pulumi stack export` failed: no state\n"
                "next: correct what pulumi reports"
            ),
        ),
    ],
)
def test_the_token_s_installation_is_compared_with_the_state_of_a_stack(
    doctor: Doctor, api: Server, tmp_path: Path, made_on: str | None, code: int, lines: str
) -> None:
    path = doctor.tools()
    export = "cat state.json" if made_on else "echo no state >&2; exit 1"
    program(
        tmp_path / "bin" / "pulumi",
        f'case "$*" in *" config "*) echo "{{}}";; *" export "*) {export};; *) echo v3.259.0;; esac',
    )
    module = {
        "type": "pulumi-python:dynamic/atlassian-forge:TriggerModule",
        "urn": "urn:pulumi:dev::project::pulumi-python:dynamic/atlassian-forge:TriggerModule::one",
        "id": "default/v1/one",
        "outputs": {"__identity": identity_of(made_on or "")},
    }
    (tmp_path / "state.json").write_text(json.dumps({"deployment": {"resources": [module]}}))
    command = printing(tmp_path, token=api.token, installationId="this-one")
    done = doctor("--stack", "dev", PATH=path, ATLASSIAN_FORGE_BASE_URL=api.base_url, ATLASSIAN_FORGE_TOKEN_COMMAND=command)
    expect(done, code, lines)


def test_a_token_command_that_fails(doctor: Doctor, api: Server) -> None:
    command = json.dumps([sys.executable, "-c", "import sys; sys.exit('no such role')"])
    expect(
        doctor(ATLASSIAN_FORGE_BASE_URL=api.base_url, ATLASSIAN_FORGE_TOKEN_COMMAND=command),
        1,
        f"fail     token: the token command '{sys.executable}' failed with exit code 1: no such role\n"
        "next: correct ATLASSIAN_FORGE_TOKEN_COMMAND",
    )
    assert api.calls == []


def test_a_container(doctor: Doctor, api: Server) -> None:
    with sidecar.sidecar(api.base_url, api.token) as url:
        expect(
            doctor(FORGE_EGRESS_PROXY_URL=url, ATLASSIAN_FORGE_CONTAINER_PROXY=f"installationId={sidecar.INSTALLATION}"),
            0,
            f"ok       settings: {url}/atlassian (FORGE_EGRESS_PROXY_URL), v1 (default)",
            "ok       token: none on this side: the sidecar of the container authenticates as the app "
            "(ATLASSIAN_FORGE_CONTAINER_PROXY)",
            f"ok       auth: the credentials are accepted, for the installation {sidecar.INSTALLATION}",
        )


def test_outside_of_a_container(doctor: Doctor) -> None:
    expect(
        doctor(ATLASSIAN_FORGE_CONTAINER_PROXY="invocationId=1"),
        1,
        "fail     settings: atlassian-forge:containerProxy of installation 'default' works inside a Forge container, and "
        "FORGE_EGRESS_PROXY_URL is not set\n"
        "next: run this in a container of the app, or use another authentication method (docs/guide/authentication.md)",
    )


def test_a_relay(doctor: Doctor, api: Server) -> None:
    with relay(api.base_url, api.token) as url:
        expect(
            doctor(ATLASSIAN_FORGE_RELAY_URL=url, ATLASSIAN_FORGE_RELAY_KEY=KEY),
            0,
            f"ok       settings: {url} (ATLASSIAN_FORGE_RELAY_URL), v1 (default)",
            "ok       token: none on this side: the relay authenticates as the app, and each request to it is signed "
            "(ATLASSIAN_FORGE_RELAY_URL)",
            f"ok       auth: the credentials are accepted, for the installation {INSTALLATION}",
        )


def test_a_relay_with_another_key(doctor: Doctor, api: Server) -> None:
    with relay(api.base_url, api.token) as url:
        done = doctor(ATLASSIAN_FORGE_RELAY_URL=url, ATLASSIAN_FORGE_RELAY_KEY=f"{KEY}-other")
    assert done.code == 1
    assert "auth: HTTP 401" in done.text
    assert "ATLASSIAN_FORGE_RELAY_KEY (or atlassian-forge:relayKey) the relay's own RELAY_KEY" in done.text
    assert "has to be installed there" not in done.text
    assert api.calls == []


def test_a_relay_with_an_app_that_the_api_rejects(doctor: Doctor, api: Server) -> None:
    with relay(api.base_url, "another token") as url:
        done = doctor(ATLASSIAN_FORGE_RELAY_URL=url, ATLASSIAN_FORGE_RELAY_KEY=KEY)
    expect(
        done,
        1,
        "fail     auth: HTTP 401: Authorization failed\n"
        "next: the relay accepted the key, but the API rejected the app: the app of ATLASSIAN_FORGE_RELAY_URL (or "
        "atlassian-forge:relayUrl) must be installed there",
    )


def test_a_key_of_a_relay_without_its_address(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    for done in (doctor(ATLASSIAN_FORGE_RELAY_KEY=KEY), doctor(ATLASSIAN_FORGE_RELAY_KEY_FILE="key")):
        expect(
            done,
            1,
            "fail     settings: installation 'default' has a relay key, but no relay address\n"
            "next: set ATLASSIAN_FORGE_RELAY_URL, or: pulumi config set 'atlassian-forge:relayUrl' <url>; it is the URL of the "
            "app's web trigger: docs/guide/authentication.md#relay",
        )


def test_an_address_without_a_relay(doctor: Doctor, server: Server) -> None:
    """Something else responses at that address."""
    done = doctor(ATLASSIAN_FORGE_RELAY_URL=server.base_url, ATLASSIAN_FORGE_RELAY_KEY=KEY)
    assert done.code == 1
    assert "the response is not the relay's: no app, or another one, is at this address" in done.text
    assert f"next: check that ATLASSIAN_FORGE_RELAY_URL ({server.base_url}) is the API" in done.text


def test_a_misspelt_variable(doctor: Doctor, api: Server) -> None:
    done = doctor(server=api, ATLASSIAN_FORGE_API_VERSON="v2")
    assert done.code == 0
    assert "warn     settings" in done.stdout
    assert "the variable ATLASSIAN_FORGE_API_VERSON is not used" in done.stdout
    assert "next: did you mean ATLASSIAN_FORGE_API_VERSION?" in done.stdout
