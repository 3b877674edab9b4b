"""`forge-modules doctor`: the API assumptions, one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from testing.doctor import Doctor, expect, there
from testing.independent_server import Call, Server


def test_healthy(doctor: Doctor, api: Server) -> None:
    there(api, 3)
    there(api, 2, "v2")
    done = doctor(server=api)
    expect(done, 0)
    body = done.stdout.partition("installation 'default'\n")[2]
    assert body == (
        f"  ok       settings: {api.base_url} (ATLASSIAN_FORGE_BASE_URL), v1 (default)\n"
        "  skipped  dns: 127.0.0.1 is an address\n"
        f"  ok       connection: {api.base_url.removeprefix('http://')}\n"
        "  skipped  tls: http, on a loopback address\n"
        "  ok       clock: as the server's, to a minute\n"
        "  ok       token: from ATLASSIAN_FORGE_TOKEN; its expiry is unknown\n"
        "  ok       auth: the credentials are accepted\n"
        "  ok       version: v1 responds; v2 does too\n"
        "  ok       list: an array; 1 page\n"
        "  ok       count: 3 of 100 modules\n"
        "  ok       keys: each once, and copied into `data`\n"
        "  ok       types: 3 trigger\n"
        "  ok       paging: the whole list comes at once, whatever the `limit`\n"
        "  ok       limit: a list with limit=0 is refused with 422\n"
        "  ok       read: a module reads as it is listed\n"
        "  ok       unknown key: 404 with `message`\n"
        "  ok       versions apart: the other version has 2 modules of its own\n"
        "  warn     installation: nothing tells which installation the credentials belong to: expectedInstallation is not set, "
        "the authentication method names none, and no stack with two modules is known, of which one could confirm the other\n"
        "             next: set ATLASSIAN_FORGE_EXPECTED_INSTALLATION (or atlassian-forge:expectedInstallation) to "
        "<appId>/<environmentId>/<installationId> (docs/guide/errors.md#expectedinstallation)\n"
    )
    assert api.counts() == {"GET": 6, "POST": 0, "PUT": 0, "DELETE": 0}


def test_an_envelope_of_several_pages(doctor: Doctor, api: Server) -> None:
    api.list_shape, api.page_size = "envelope", 2
    there(api, 5)
    expect(
        doctor(server=api),
        0,
        "ok       list: an envelope: `result` with the cursor `lastEvaluatedKey`; 3 pages",
        "ok       count: 5 of 100 modules",
        "ok       paging: the cursor `lastEvaluatedKey` leads on",
    )


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (97, "warn     count: 97 of 100 modules: 3 are left"),
        (100, "warn     count: 100 of 100 modules: no more can be registered"),
        (
            101,
            "warn     count: API assumption A07 does not hold here: there are 101 modules",
        ),
    ],
)
def test_nearly_full(doctor: Doctor, api: Server, count: int, line: str) -> None:
    there(api, count)
    expect(doctor(server=api), 0, line)


def test_the_specification_s_form(doctor: Doctor, api: Server) -> None:
    there(api, 2)
    form = b",\n".join(json.dumps(module).encode() for module in api.modules())
    api.distort = lambda call, status, body: (200, form) if call.path.endswith("module/") else None
    expect(doctor(server=api), 0, "ok       list: the specification's form: objects with commas between them; 1 page")


def test_each_violated_assumption_is_named(doctor: Doctor, server: Server) -> None:
    there(server, 3)
    server.stores["v1"]["v1-0"]["data"]["key"] = "another"
    server.stores["v1"]["v1-1"]["type"] = "jira:newPanel"
    server.stores["v2"] = server.stores["v1"]

    def distort(call: Call, status: int, body: bytes) -> Any:
        if call.query == "limit=1":
            return 200, json.loads(body)[:1]
        return (404, b"<h1>Not Found</h1>") if status == 404 else None

    server.distort = distort
    violated = "API assumption A{:02} does not hold here:"
    expect(
        doctor(server=server),
        0,
        f"warn     keys: {violated.format(3)} `data.key` is not the key of v1-0",
        "warn     types: not among the 17 known types: jira:newPanel",
        f"warn     paging: {violated.format(13)} with limit=1 the list is cut to 1 of 3, without a cursor",
        f"warn     limit: {violated.format(14)} the response to a list with limit=0 is 200, not 422\n"
        "next: nothing of the provider depends on it; please report it as an issue",
        f"warn     unknown key: {violated.format(10)} the body of the 404 is no JSON with a `message`",
        f"warn     versions apart: {violated.format(29)} under both versions: v1-0, v1-1, v1-2",
    )


def test_what_the_provider_cannot_work_with_fails(doctor: Doctor, api: Server) -> None:
    there(api, 4)
    page = json.dumps({"result": api.modules()[:2], "nextPageToken": "again"}).encode()
    api.distort = lambda call, status, body: (200, page) if call.path.endswith("module/") else (200, {})
    expect(
        doctor(server=api),
        1,
        "fail     list: the list does not end: its cursor came again",
        "skipped  count, keys, types, paging: list failed",
        "fail     unknown key: 404 is documented (API assumption A10), the response is HTTP 200",
    )


def test_a_module_that_is_listed_and_cannot_be_read(doctor: Doctor, api: Server) -> None:
    there(api, 1)
    api.distort = lambda call, status, body: (404, {"message": "gone"}) if call.path.endswith("v1-0") else None
    expect(doctor(server=api), 1, "fail     read: the listed module v1-0 cannot be read by its key: HTTP 404: gone")
