"""The contract, rows 25 to 30: faults, and what holds for every response."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from pulumi_atlassian_forge.emulator.faults import FaultRule
from pulumi_atlassian_forge.emulator.transport import EmulatorTransport
from tests.support.contract_api import OTHER, TRIGGER, UNAUTHORIZED, Api, both, of, refused


@both
@pytest.mark.parametrize("header", ["on", "off"])
def test_a25_too_many_requests(api: Api, header: str) -> None:
    api.emulator.faults.add(FaultRule(rate=2))
    api.option(retry_after=header)
    assert [api.ask("GET").status for _ in range(3)] == [200, 200, 429]
    response = api.ask("GET")
    refused(response, 429)
    assert response.headers.get("retry-after") == ("1" if header == "on" else None)
    api.headers = {"authorization": "Bearer second"}
    assert api.ask("GET").status == 200
    api.headers = {"authorization": "Bearer app"}
    api.now[0] += 1
    assert api.ask("GET").status == 200


@both
def test_a26_faults_on_demand(api: Api) -> None:
    api.emulator.faults.add(FaultRule(action="500", times=2))
    responses = [api.ask("GET") for _ in range(3)]
    assert [response.status for response in responses] == [500, 500, 200]
    assert of(responses[0]) == {"message": "An internal error occurred"}


@both
def test_a26_a_deleted_file_is_an_internal_error(api: Api) -> None:
    for path in api.emulator.store.path.parent.iterdir():
        path.unlink()
    assert refused(api.ask("GET"), 500) == "An internal error occurred"


@both
def test_a27_reads_may_lag_behind_writes(api: Api) -> None:
    api.option(read_lag_ms=500)
    key = api.add()
    refused(api.ask("GET", key), 404)
    assert api.keys() == []
    api.now[0] += 1
    assert api.keys() == [key]
    api.ask("PUT", key, api.body(key, data=OTHER))
    assert of(api.ask("GET", key))["data"] == {**TRIGGER, "key": key}
    api.now[0] += 1
    assert of(api.ask("GET", key))["data"] == {**OTHER, "key": key}


@both
def test_a27_without_a_lag_a_clock_that_is_put_back_hides_nothing(api: Api) -> None:
    key = api.add()
    api.now[0] -= 100
    assert api.ask("GET", key).status == 200


@both
def test_a28_a_lost_response_leaves_a_module(tmp_path: Path, version: str) -> None:
    transport = EmulatorTransport(tmp_path / "forge.db", faults=[FaultRule(method="POST", action="lose")])
    with httpx.Client(transport=transport, base_url="https://emulator.invalid") as client:
        path = f"/forge/installation/{version}/dynamic/module"
        body = {"type": "trigger", "data": TRIGGER} | ({"key": "k"} if version == "v1" else {})
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(path, json=body)
        (module,) = client.get(path).json()
    assert (module["key"] == "k") == (version == "v1")


@both
def test_a29_the_versions_do_not_see_each_other(api: Api) -> None:
    key = api.add()
    api.version = {"v1": "v2", "v2": "v1"}[api.version]
    refused(api.ask("GET", key), 404)
    assert api.keys() == []


@both
@pytest.mark.parametrize(
    ("method", "key", "status", "type_"),
    [
        ("GET", "unknown", 404, "NotFoundError"),
        ("PATCH", "k", 405, "MethodNotAllowedError"),
        ("POST", None, 422, "ValidationError"),
        ("DELETE", "k", 500, "InternalError"),
    ],
)
def test_a30_errors_in_the_sibling_form(api: Api, method: str, key: str | None, status: int, type_: str) -> None:
    api.emulator.faults.add(FaultRule(method="DELETE", action="500"))
    api.option(error_body="typed")
    response = api.ask(method, key)
    body = of(response)
    assert (response.status, body["type"], body["code"], set(body)) == (status, type_, status, {"type", "code", "message"})


@both
def test_a30_a_refused_token_in_the_sibling_form(api: Api) -> None:
    api.option(error_body="typed")
    api.headers = {}
    assert of(api.ask("GET")) == {"type": "AuthorizationError", "code": 401, **UNAUTHORIZED}
