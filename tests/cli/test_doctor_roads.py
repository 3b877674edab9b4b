"""What ``doctor`` says of each road to an installation."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.support import sidecar
from tests.support.bridge import KEY, bridge
from tests.support.doctor import Doctor, expect, jwt
from tests.support.independent_server import Server


def test_a_token_command(doctor: Doctor, api: Server, tmp_path: Path) -> None:
    api.token = jwt(exp=time.time() + 3 * 3600 + 1800)
    printed = tmp_path / "printed"
    printed.write_text(json.dumps({"token": api.token}))
    command = json.dumps([sys.executable, "-c", f"print(open({str(printed)!r}).read())"])
    done = doctor(ATLASSIAN_FORGE_BASE_URL=api.base_url, ATLASSIAN_FORGE_TOKEN_COMMAND=command)
    expect(
        done,
        0,
        "ok       token: from ATLASSIAN_FORGE_TOKEN_COMMAND; it ends in 3 hours",
        "ok       auth: the credentials are taken",
    )
    assert api.token not in done.text


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
            f"ok       settings: {url}/atlassian (default), v1 (default)",
            "ok       token: none on this side: the sidecar of the container asks as the app (ATLASSIAN_FORGE_CONTAINER_PROXY)",
            "ok       auth: the credentials are taken",
        )


def test_a_container_that_is_none(doctor: Doctor) -> None:
    expect(
        doctor(ATLASSIAN_FORGE_CONTAINER_PROXY="invocationId=1"),
        1,
        "fail     settings: atlassian-forge:containerProxy of installation 'default' works inside a Forge container, and "
        "FORGE_EGRESS_PROXY_URL is not set\n"
        "next: run this in a container of the app, or take another way (docs/guide/roads.md)",
    )


def test_a_bridge(doctor: Doctor, api: Server) -> None:
    with bridge(api.base_url, api.token) as url:
        expect(
            doctor(ATLASSIAN_FORGE_BRIDGE_URL=url, ATLASSIAN_FORGE_BRIDGE_KEY=KEY),
            0,
            f"ok       settings: {url} (ATLASSIAN_FORGE_BRIDGE_URL), v1 (default)",
            "ok       token: none on this side: the bridge asks as the app, and each request to it is signed "
            "(ATLASSIAN_FORGE_BRIDGE_URL)",
            "ok       auth: the credentials are taken",
        )


def test_a_bridge_with_another_key(doctor: Doctor, api: Server) -> None:
    with bridge(api.base_url, api.token) as url:
        done = doctor(ATLASSIAN_FORGE_BRIDGE_URL=url, ATLASSIAN_FORGE_BRIDGE_KEY=f"{KEY}-other")
    assert done.code == 1
    assert "auth: HTTP 401" in done.text
    assert "ATLASSIAN_FORGE_BRIDGE_KEY (or atlassian-forge:bridgeKey) the bridge's own BRIDGE_KEY" in done.text
    assert api.calls == []


def test_a_bridge_that_is_not_there(doctor: Doctor, server: Server) -> None:
    """Something else answers at that address."""
    done = doctor(ATLASSIAN_FORGE_BRIDGE_URL=server.base_url, ATLASSIAN_FORGE_BRIDGE_KEY=KEY)
    assert done.code == 1
    assert "the answer is not the bridge's: no app, or another one, is at this address" in done.text
    assert f"next: check that ATLASSIAN_FORGE_BRIDGE_URL ({server.base_url}) is the API" in done.text


def test_a_variable_that_nothing_reads(doctor: Doctor, api: Server) -> None:
    done = doctor(server=api, ATLASSIAN_FORGE_API_VERSON="v2")
    assert done.code == 0
    assert "warn     settings" in done.stdout
    assert "the variable ATLASSIAN_FORGE_API_VERSON is read by nothing" in done.stdout
    assert "next: did you mean ATLASSIAN_FORGE_API_VERSION?" in done.stdout
