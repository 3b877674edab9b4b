"""The contract, row by row. A row's number is in the names of its tests."""

from __future__ import annotations

import json
import re
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulumi_atlassian_forge.emulator.contract import ROWS, as_markdown, as_text
from pulumi_atlassian_forge.emulator.handler import Emulator, EmulatorAnswer
from pulumi_atlassian_forge.emulator.store import Store
from pulumi_atlassian_forge.emulator.switches import Switches
from pulumi_atlassian_forge.emulator.transport import EmulatorTransport

UNAUTHORIZED = {"message": "Authorization failed"}
TRIGGER = {"events": ["avi:jira:updated:issue"], "endpoint": "some-endpoint"}
OTHER = {"events": ["avi:jira:created:issue"], "function": "some-function"}
PROPERTY = {"propertyKey": "p", "values": []}
both = pytest.mark.parametrize("version", ["v1", "v2"])


@dataclass
class Api:
    """The emulator as a client sees it."""

    emulator: Emulator
    version: str
    now: list[float]
    headers: dict[str, str] = field(default_factory=lambda: {"authorization": "Bearer app"})

    @property
    def tail(self) -> str:
        return f"/forge/installation/{self.version}/dynamic/module"

    def ask(
        self, method: str, key: str | None = None, body: Any = None, *, raw: bytes | None = None, **query: str
    ) -> EmulatorAnswer:
        path = self.tail if key is None else f"{self.tail}/{key}"
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return self.emulator.handle(method, path, query, self.headers, content)

    def body(self, key: str = "k", type_: str = "trigger", data: Any = None) -> dict[str, Any]:
        """A registration, or an update, as this version wants it."""
        named = {"key": key} if self.version == "v1" else {}
        return {**named, "type": type_, "data": TRIGGER if data is None else data}

    def add(self, key: str = "k", data: Any = None) -> str:
        """Register a module; returns its key."""
        answer = self.ask("POST", body=self.body(key, data=data))
        assert answer.status == 201, answer
        return str(of(answer)["key"])

    def keys(self) -> list[str]:
        return [module["key"] for module in of(self.ask("GET"))]

    def switch(self, **values: Any) -> None:
        self.emulator.switches = self.emulator.switches.changed(**values)


def of(answer: EmulatorAnswer) -> Any:
    return json.loads(answer.body)


def refused(answer: EmulatorAnswer, status: int) -> str:
    assert answer.status == status, answer
    assert set(of(answer)) == {"message"}
    return str(of(answer)["message"])


@pytest.fixture
def api(tmp_path: Path, version: str) -> Api:
    now = [1000.0]
    store = Store(tmp_path / "forge.db")
    with store.write() as rows:
        rows.add_token("app", "one")
        rows.add_token("old", "one", expires_at=999.0)
        rows.add_token("user", "one", kind="user")
        rows.add_token("second", "two")
    return Api(Emulator(store, clock=lambda: now[0]), version, now)


# --- who asks ---------------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer unknown"},
        {"authorization": "Bearer old"},
        {"authorization": "Bearer"},
        {"authorization": "Basic app"},
        {"forge-proxy-authorization": "Forge as=app,installationId=unknown"},
        {"forge-proxy-authorization": "Forge as=app"},
        {"forge-proxy-authorization": "as=app,id=one"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_row_01_without_valid_credentials(api: Api, headers: dict[str, str], method: str) -> None:
    api.headers = headers
    answer = api.ask(method)
    assert (answer.status, of(answer)) == (401, UNAUTHORIZED)


@both
@pytest.mark.parametrize(
    "headers", [{"authorization": "Bearer user"}, {"forge-proxy-authorization": "Forge as=user,installationId=one"}]
)
def test_row_02_a_user_is_refused(api: Api, headers: dict[str, str]) -> None:
    api.headers = headers
    answer = api.ask("GET")
    assert (answer.status, of(answer)) == (401, UNAUTHORIZED)


@both
@pytest.mark.parametrize("prefix", ["", "/atlassian", "/ex/jira/1234"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_row_01_every_way_in_leads_to_the_installation_of_its_credentials(api: Api, prefix: str, slash: str) -> None:
    key = api.add()
    for name, value, found in [
        ("authorization", "bearer app", 200),
        ("authorization", "Bearer second", 404),
        ("forge-proxy-authorization", "Forge as=app,installationId=one", 200),
        ("forge-proxy-authorization", "Forge as=app,id=one", 200),
        ("forge-proxy-authorization", "Forge as=app,installationId=two", 404),
    ]:
        answer = api.emulator.handle("GET", f"{prefix}{api.tail}/{key}{slash}", {}, {name: value}, b"")
        assert answer.status == found, value
    listed = api.emulator.handle("GET", f"{prefix}{api.tail}{slash}", {}, api.headers, b"")
    assert len(of(listed)) == 1


# --- register ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1"])
def test_row_03_v1_answers_with_the_resource_or_with_nothing(api: Api) -> None:
    answer = api.ask("POST", body=api.body("a"))
    assert answer.status == 201
    assert of(answer) == {"key": "a", "type": "trigger", "data": {**TRIGGER, "key": "a"}}
    api.switch(register_body_v1="empty")
    answer = api.ask("POST", body=api.body("b"))
    assert (answer.status, answer.body) == (201, b"")
    assert api.keys() == ["a", "b"]


@pytest.mark.parametrize("version", ["v2"])
def test_row_03_v2_answers_with_a_key_of_its_own(api: Api) -> None:
    api.switch(register_body_v1="empty")
    answer = api.ask("POST", body=api.body())
    key = of(answer)["key"]
    assert uuid.UUID(key).version == 4
    assert answer.status == 201
    assert of(answer) == {"key": key, "type": "trigger", "data": {**TRIGGER, "key": key}}


@both
@pytest.mark.parametrize(
    "change",
    [{"type": None}, {"data": None}, {"type": 1}, {"data": []}, {"data": "x"}, {"key": 1}, {"key": "a b"}, {"key": ""}],
    ids=str,
)
def test_row_04_missing_fields_and_other_json_types(api: Api, change: dict[str, Any]) -> None:
    body = {**api.body(), **change}
    for name in [name for name, value in change.items() if value is None]:
        del body[name]
    assert next(iter(change)) in refused(api.ask("POST", body=body), 422)


@both
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"type":"trigger","data":{"a":NaN}}',
        b'{"data":1e999}',
        b'{"a":"\\ud800"}',
    ],
)
def test_row_04_what_is_not_json(api: Api, raw: bytes) -> None:
    assert "body" in refused(api.ask("POST", raw=raw), 422)


@pytest.mark.parametrize("version", ["v1"])
def test_row_04_v1_needs_a_key(api: Api) -> None:
    assert "key" in refused(api.ask("POST", body={"type": "trigger", "data": TRIGGER}), 422)


@both
def test_row_05_a_key_in_the_body(api: Api) -> None:
    key = of(api.ask("POST", body={"key": "mine", "type": "trigger", "data": TRIGGER}))["key"]
    assert (key == "mine") == (api.version == "v1")
    api.switch(body_key_v2="refuse")
    answer = api.ask("POST", body={"key": "other", "type": "trigger", "data": TRIGGER})
    assert answer.status == (201 if api.version == "v1" else 422)


@both
def test_row_06_unknown_types_and_bad_data(api: Api) -> None:
    assert "jira:unknown" in refused(api.ask("POST", body=api.body(type_="jira:unknown")), 422)
    assert "data.events" in refused(api.ask("POST", body=api.body(data={"function": "f"})), 422)
    assert api.keys() == []


@both
@pytest.mark.parametrize("shared", ["off", "on"])
def test_row_07_the_101st_module(api: Api, shared: str) -> None:
    api.switch(shared_limit=shared)
    for number in range(100):
        api.add(f"k{number}")
    assert "100" in refused(api.ask("POST", body=api.body("one-more")), 422)
    api.version = {"v1": "v2", "v2": "v1"}[api.version]
    assert api.ask("POST", body=api.body("of-the-other")).status == (201 if shared == "off" else 422)


@pytest.mark.parametrize("version", ["v1"])
def test_row_08_v1_a_key_that_is_taken(api: Api) -> None:
    api.add("k")
    assert "k" in refused(api.ask("POST", body=api.body("k", data=OTHER)), 422)
    assert of(api.ask("GET", "k"))["data"]["endpoint"] == "some-endpoint"


@pytest.mark.parametrize("version", ["v2"])
def test_row_08_v2_cannot_meet_a_taken_key(api: Api) -> None:
    assert api.add() != api.add()


# --- read -------------------------------------------------------------------------------------------------------------------


@both
def test_row_09_a_known_key(api: Api) -> None:
    key = api.add()
    answer = api.ask("GET", key)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert of(answer) == {"key": key, "type": "trigger", "data": {**TRIGGER, "key": key}}


@both
def test_row_09_as_the_switches_rewrite_it(api: Api) -> None:
    key = api.add(data={"events": ["b:jira", "a:jira"], "function": "f", "filter": {"expression": "true"}})
    api.switch(sort_events="on", fill_defaults="on")
    data = of(api.ask("GET", key))["data"]
    assert data["events"] == ["a:jira", "b:jira"]
    assert data["filter"] == {"expression": "true", "onError": "IGNORE_AND_LOG"}
    property_ = of(api.ask("POST", body=api.body("p", "jira:entityProperty", PROPERTY)))
    assert property_["data"]["entityType"] == "issue"


@both
@pytest.mark.parametrize("key", ["unknown", "%2e%2e%2f", "%ff", "%00"])
def test_row_10_an_unknown_key(api: Api, key: str) -> None:
    refused(api.ask("GET", key), 404)


@both
def test_row_11_both_shapes_of_a_list(api: Api) -> None:
    assert of(api.ask("GET")) == []
    modules = [{"key": key, "type": "trigger", "data": {**TRIGGER, "key": key}} for key in (api.add("a"), api.add("b"))]
    assert of(api.ask("GET")) == modules
    api.switch(list_shape="envelope")
    assert of(api.ask("GET")) == {"result": modules}


@both
@pytest.mark.parametrize("names", [{"lastEvaluatedKey"}, {"lastEvaluatedKey", "nextPageToken"}])
def test_row_12_a_cursor_where_more_is_left(api: Api, names: set[str]) -> None:
    api.switch(list_shape="envelope", page_size=2, cursor_name="both" if len(names) == 2 else "lastEvaluatedKey")
    keys = [api.add(f"k{number}") for number in range(4)]
    first = of(api.ask("GET", limit="100"))
    assert set(first) == names | {"result"}
    second = of(api.ask("GET", nextPageToken=first["lastEvaluatedKey"]))
    assert set(second) == {"result"}
    assert [module["key"] for module in first["result"] + second["result"]] == keys


@both
def test_row_12_nothing_is_skipped_where_modules_vanish_between_pages(api: Api) -> None:
    api.switch(list_shape="envelope")
    keys = [api.add(f"k{number}") for number in range(3)]
    cursor = of(api.ask("GET", limit="2"))["lastEvaluatedKey"]
    api.ask("DELETE", keys[1])
    assert [module["key"] for module in of(api.ask("GET", limit="2", nextPageToken=cursor))["result"]] == keys[2:]


@both
def test_row_13_an_array_is_everything(api: Api) -> None:
    api.switch(page_size=1)
    keys = [api.add(f"k{number}") for number in range(3)]
    assert [module["key"] for module in of(api.ask("GET", limit="1"))] == keys


@both
@pytest.mark.parametrize("shape", ["array", "envelope"])
@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "", "٣", "9" * 50])
def test_row_14_a_bad_limit(api: Api, shape: str, limit: str) -> None:
    api.switch(list_shape=shape)
    assert "limit" in refused(api.ask("GET", limit=limit), 422)


@both
@pytest.mark.parametrize("cursor", ["", "x", "é", "djE6", "djM6MQ==", "MQ=="])
def test_row_14_a_bad_cursor(api: Api, cursor: str) -> None:
    assert "nextPageToken" in refused(api.ask("GET", nextPageToken=cursor), 422)


@both
def test_row_15_a_static_key_hides_a_module_from_the_list(api: Api) -> None:
    hidden, shown = api.add("a"), api.add("b")
    api.switch(static_keys=f"x, {hidden}")
    assert api.keys() == [shown]
    assert api.ask("GET", hidden).status == 200


# --- update -----------------------------------------------------------------------------------------------------------------


@both
def test_row_16_an_update_replaces_all_data(api: Api) -> None:
    key = api.add()
    answer = api.ask("PUT", key, api.body(key, data=OTHER))
    assert answer.status == 200
    assert of(answer) == of(api.ask("GET", key)) == {"key": key, "type": "trigger", "data": {**OTHER, "key": key}}


@both
@pytest.mark.parametrize("mismatch", ["refuse", "ignore"])
def test_row_17_another_key_in_the_body(api: Api, mismatch: str) -> None:
    api.switch(put_key_mismatch_v2=mismatch)
    key = api.add()
    answer = api.ask("PUT", key, {**api.body(), "key": "another"})
    if api.version == "v2" and mismatch == "ignore":
        assert (answer.status, of(answer)["key"]) == (200, key)
    else:
        assert refused(answer, 400) == "Key cannot be modified during update"


@both
@pytest.mark.parametrize("without", ["refuse", "accept"])
def test_row_18_no_key_in_the_body(api: Api, without: str) -> None:
    api.switch(put_without_key_v1=without)
    answer = api.ask("PUT", api.add(), {"type": "trigger", "data": TRIGGER})
    assert answer.status == (422 if api.version == "v1" and without == "refuse" else 200)


@both
def test_row_19_an_update_of_an_unknown_key(api: Api) -> None:
    refused(api.ask("PUT", "unknown", api.body("unknown")), 404)
    assert api.keys() == []


@both
def test_row_20_another_type(api: Api) -> None:
    key = api.add()
    assert "type" in refused(api.ask("PUT", key, api.body(key, "jira:entityProperty", PROPERTY)), 422)
    api.switch(put_type_change="accept")
    assert of(api.ask("PUT", key, api.body(key, "jira:entityProperty", PROPERTY)))["type"] == "jira:entityProperty"


@both
def test_row_21_an_update_with_bad_data(api: Api) -> None:
    key = api.add()
    assert "data" in refused(api.ask("PUT", key, api.body(key, data={**TRIGGER, "function": "f"})), 422)
    assert of(api.ask("GET", key))["data"] == {**TRIGGER, "key": key}


@both
def test_row_22_an_update_of_the_collection(api: Api) -> None:
    answer = api.ask("PUT", body=api.body(api.add()))
    refused(answer, 405)
    assert answer.headers["allow"] == "GET, POST"
    assert refused(api.emulator.handle("GET", "/forge/installation/v3/dynamic/module", {}, api.headers, b""), 404)


# --- delete -----------------------------------------------------------------------------------------------------------------


@both
def test_row_23_a_deletion(api: Api) -> None:
    key = api.add()
    answer = api.ask("DELETE", key)
    assert (answer.status, answer.body) == (204, b"")
    assert api.keys() == []


@both
def test_row_24_a_second_deletion(api: Api) -> None:
    key = api.add()
    api.ask("DELETE", key)
    refused(api.ask("DELETE", key), 404)


# --- faults and the rest ----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("header", ["on", "off"])
def test_row_25_too_many_requests(api: Api, header: str) -> None:
    api.switch(rate_limit=2, retry_after=header)
    assert [api.ask("GET").status for _ in range(3)] == [200, 200, 429]
    answer = api.ask("GET")
    refused(answer, 429)
    assert answer.headers.get("retry-after") == ("1" if header == "on" else None)
    api.headers = {"authorization": "Bearer second"}
    assert api.ask("GET").status == 200
    api.headers = {"authorization": "Bearer app"}
    api.now[0] += 1
    assert api.ask("GET").status == 200


@both
def test_row_26_faults_on_demand(api: Api) -> None:
    api.switch(fault_500=2)
    answers = [api.ask("GET") for _ in range(3)]
    assert [answer.status for answer in answers] == [500, 500, 200]
    assert of(answers[0]) == {"message": "An internal error occurred"}


@both
def test_row_26_a_file_that_vanishes_is_an_internal_error(api: Api) -> None:
    for path in api.emulator.store.path.parent.iterdir():
        path.unlink()
    assert refused(api.ask("GET"), 500) == "An internal error occurred"


@both
def test_row_27_reads_may_lag_behind_writes(api: Api) -> None:
    api.switch(read_lag_ms=500)
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
def test_row_27_without_a_lag_a_clock_that_is_put_back_hides_nothing(api: Api) -> None:
    key = api.add()
    api.now[0] -= 100
    assert api.ask("GET", key).status == 200


@both
def test_row_28_a_lost_answer_leaves_a_module(tmp_path: Path, version: str) -> None:
    transport = EmulatorTransport(tmp_path / "forge.db", switches=Switches(lose_answers=1))
    with httpx.Client(transport=transport, base_url="https://emulator.invalid") as client:
        path = f"/forge/installation/{version}/dynamic/module"
        body = {"type": "trigger", "data": TRIGGER} | ({"key": "k"} if version == "v1" else {})
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(path, json=body)
        (module,) = client.get(path).json()
    assert (module["key"] == "k") == (version == "v1")


@both
def test_row_29_the_versions_do_not_see_each_other(api: Api) -> None:
    key = api.add()
    api.version = {"v1": "v2", "v2": "v1"}[api.version]
    refused(api.ask("GET", key), 404)
    assert api.keys() == []


@both
@pytest.mark.parametrize(
    ("setting", "method", "key", "status", "type_"),
    [
        ({}, "GET", "unknown", 404, "NotFoundError"),
        ({}, "PATCH", "k", 405, "MethodNotAllowedError"),
        ({}, "POST", None, 422, "ValidationError"),
        ({"fault_500": 1}, "GET", "k", 500, "InternalError"),
    ],
)
def test_row_30_errors_in_the_sibling_form(
    api: Api, setting: dict[str, Any], method: str, key: str | None, status: int, type_: str
) -> None:
    api.switch(error_body="typed", **setting)
    answer = api.ask(method, key)
    body = of(answer)
    assert (answer.status, body["type"], body["code"], set(body)) == (status, type_, status, {"type", "code", "message"})


@both
def test_row_30_a_refused_token_in_the_sibling_form(api: Api) -> None:
    api.switch(error_body="typed")
    api.headers = {}
    assert of(api.ask("GET")) == {"type": "AuthorizationError", "code": 401, **UNAUTHORIZED}


# --- the table itself -------------------------------------------------------------------------------------------------------


def test_there_are_thirty_rows_and_each_has_a_test() -> None:
    assert [row.number for row in ROWS] == list(range(1, 31))
    tested = {int(match[1]) for name in vars(sys.modules[__name__]) if (match := re.match(r"test_row_(\d\d)_", name))}
    assert tested == {row.number for row in ROWS}


def test_every_assumption_is_marked_and_says_what_is_assumed() -> None:
    text, table = as_text(), as_markdown()
    for row in ROWS:
        marked = re.search(rf"^ *{row.number}  .*ASSUMED$", text, re.MULTILINE) is not None
        assert marked == (row.basis == "assumed"), row.number
        assert bool(row.note) or row.basis == "documented", row.number
        line = next(line for line in table.splitlines() if line.startswith(f"| {row.number} |"))
        assert ("**assumed**" in line) == (row.basis == "assumed")
        assert row.switch is None or (row.switch in text and f"`{row.switch}`" in line)


def test_every_switch_of_the_contract_exists() -> None:
    assert {row.switch for row in ROWS if row.switch} <= set(Switches.__dataclass_fields__)
