"""The API contract as a whole, and the API assumptions A01 to A08. The number is in the names of the tests."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.emulator.api_assumptions import ASSUMPTIONS, as_markdown, as_text
from pulumi_atlassian_forge.emulator.options import EmulatorOptions
from tests.support.contract_api import OTHER, TRIGGER, UNAUTHORIZED, Api, both, of, refused
from tests.support.samples import SAMPLES

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
def test_a01_without_valid_credentials(api: Api, headers: dict[str, str], method: str) -> None:
    api.headers = headers
    response = api.ask(method)
    assert (response.status, of(response)) == (401, UNAUTHORIZED)


@both
@pytest.mark.parametrize(
    "headers", [{"authorization": "Bearer user"}, {"forge-proxy-authorization": "Forge as=user,installationId=one"}]
)
def test_a02_a_user_is_refused(api: Api, headers: dict[str, str]) -> None:
    api.headers = headers
    response = api.ask("GET")
    assert (response.status, of(response)) == (401, UNAUTHORIZED)


@both
@pytest.mark.parametrize("prefix", ["", "/atlassian", "/ex/jira/1234"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a01_every_way_in_leads_to_the_installation_of_its_credentials(api: Api, prefix: str, slash: str) -> None:
    key = api.add()
    for name, value, found in [
        ("authorization", "bearer app", 200),
        ("authorization", "Bearer second", 404),
        ("forge-proxy-authorization", "Forge as=app,installationId=one", 200),
        ("forge-proxy-authorization", "Forge as=app,id=one", 200),
        ("forge-proxy-authorization", "Forge as=app,installationId=two", 404),
    ]:
        response = api.emulator.handle("GET", f"{prefix}{api.tail}/{key}{slash}", {}, {name: value}, b"")
        assert response.status == found, value
    listed = api.emulator.handle("GET", f"{prefix}{api.tail}{slash}", {}, api.headers, b"")
    assert len(of(listed)) == 1


# --- register ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1"])
def test_a03_v1_responds_with_the_resource_or_with_an_empty_body(api: Api) -> None:
    response = api.ask("POST", body=api.body("a"))
    assert response.status == 201
    assert of(response) == {"key": "a", "type": "trigger", "data": {**TRIGGER, "key": "a"}}
    api.option(register_body_v1="empty")
    response = api.ask("POST", body=api.body("b"))
    assert (response.status, response.body) == (201, b"")
    assert api.keys() == ["a", "b"]


@pytest.mark.parametrize("version", ["v2"])
def test_a03_v2_responds_with_a_generated_key(api: Api) -> None:
    api.option(register_body_v1="empty")
    response = api.ask("POST", body=api.body())
    key = of(response)["key"]
    assert uuid.UUID(key).version == 4
    assert response.status == 201
    assert of(response) == {"key": key, "type": "trigger", "data": {**TRIGGER, "key": key}}


@both
@pytest.mark.parametrize(
    "change",
    [{"type": None}, {"data": None}, {"type": 1}, {"data": []}, {"data": "x"}, {"key": 1}, {"key": "a b"}, {"key": ""}],
    ids=str,
)
def test_a04_missing_fields_and_other_json_types(api: Api, change: dict[str, Any]) -> None:
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
def test_a04_what_is_not_json(api: Api, raw: bytes) -> None:
    assert "body" in refused(api.ask("POST", raw=raw), 422)


@pytest.mark.parametrize("version", ["v1"])
def test_a04_v1_needs_a_key(api: Api) -> None:
    assert "key" in refused(api.ask("POST", body={"type": "trigger", "data": TRIGGER}), 422)


@both
def test_a05_a_key_in_the_body(api: Api) -> None:
    key = of(api.ask("POST", body={"key": "mine", "type": "trigger", "data": TRIGGER}))["key"]
    assert (key == "mine") == (api.version == "v1")
    api.option(body_key_v2="refuse")
    response = api.ask("POST", body={"key": "other", "type": "trigger", "data": TRIGGER})
    assert response.status == (201 if api.version == "v1" else 422)


@both
def test_a06_unknown_types_and_bad_data(api: Api) -> None:
    assert "jira:unknown" in refused(api.ask("POST", body=api.body(type_="jira:unknown")), 422)
    assert "data.events" in refused(api.ask("POST", body=api.body(data={"function": "f"})), 422)
    assert api.keys() == []


@both
@pytest.mark.parametrize("type_", sorted(SAMPLES))
def test_a06_every_known_type_is_taken_with_and_without_its_defaults(api: Api, type_: str) -> None:
    api.option(fill_defaults="on")
    for number, data in enumerate(SAMPLES[type_]):
        response = api.ask("POST", body=api.body(f"k{number}", type_, data))
        assert response.status == 201, response.body
        filled = of(response)["data"]
        assert {name: filled[name] for name in data if name != "filter"} == {k: v for k, v in data.items() if k != "filter"}
        assert api.ask("PUT", of(response)["key"], {**of(response), "key": of(response)["key"]}).status == 200


@both
def test_a06_an_event_named_twice_is_taken(api: Api) -> None:
    """No document says what the API does; the provider refuses it by a rule of its own."""
    assert api.ask("POST", body=api.body(data={**TRIGGER, "events": ["e", "e"]})).status == 201


@both
@pytest.mark.parametrize("shared", ["off", "on"])
def test_a07_the_101st_module(api: Api, shared: str) -> None:
    api.option(shared_limit=shared)
    for number in range(100):
        api.add(f"k{number}")
    assert "100" in refused(api.ask("POST", body=api.body("one-more")), 422)
    api.version = {"v1": "v2", "v2": "v1"}[api.version]
    assert api.ask("POST", body=api.body("of-the-other")).status == (201 if shared == "off" else 422)


@pytest.mark.parametrize("version", ["v1"])
def test_a08_v1_a_key_that_is_taken(api: Api) -> None:
    api.add("k")
    assert "k" in refused(api.ask("POST", body=api.body("k", data=OTHER)), 422)
    assert of(api.ask("GET", "k"))["data"]["endpoint"] == "some-endpoint"


@pytest.mark.parametrize("version", ["v2"])
def test_a08_v2_cannot_meet_a_taken_key(api: Api) -> None:
    assert api.add() != api.add()


# --- the table itself -------------------------------------------------------------------------------------------------------


def test_each_assumption_has_a_test() -> None:
    assert [one.number for one in ASSUMPTIONS] == list(range(1, 33))
    files = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_contract*.py")]
    tested = {int(number) for text in files for number in re.findall(r"^def test_a(\d\d)_", text, re.MULTILINE)}
    assert tested == {one.number for one in ASSUMPTIONS}


def test_every_assumption_is_marked_and_described() -> None:
    text, table = as_text(), as_markdown()
    for one in ASSUMPTIONS:
        marked = re.search(rf"^{one.name}  .*ASSUMED$", text, re.MULTILINE) is not None
        assert marked == (one.basis == "assumed"), one.number
        assert bool(one.note) or one.basis == "documented", one.number
        line = next(line for line in table.splitlines() if line.startswith(f"| {one.name} |"))
        assert ("**assumed**" in line) == (one.basis == "assumed")
        assert one.option is None or (one.option in text and f"`{one.option}`" in line)


def test_every_option_of_the_contract_exists() -> None:
    assert {one.option for one in ASSUMPTIONS if one.option} <= set(EmulatorOptions.model_fields)
