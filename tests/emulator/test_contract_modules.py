"""The API assumptions A09 to A24: modules that exist."""

from __future__ import annotations

import pytest

from tests.support.contract_api import OTHER, PROPERTY, TRIGGER, Api, both, of, refused

# --- read -------------------------------------------------------------------------------------------------------------------


@both
def test_a09_a_known_key(api: Api) -> None:
    key = api.add()
    response = api.ask("GET", key)
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert of(response) == {"key": key, "type": "trigger", "data": {**TRIGGER, "key": key}}


@both
def test_a09_as_the_options_rewrite_it(api: Api) -> None:
    key = api.add(data={"events": ["b:jira", "a:jira"], "function": "f", "filter": {"expression": "true"}})
    api.option(sort_events="on", fill_defaults="on")
    data = of(api.ask("GET", key))["data"]
    assert data["events"] == ["a:jira", "b:jira"]
    assert data["filter"] == {"expression": "true", "onError": "IGNORE_AND_LOG"}
    property_ = of(api.ask("POST", body=api.body("p", "jira:entityProperty", PROPERTY)))
    assert property_["data"]["entityType"] == "issue"


@both
@pytest.mark.parametrize("key", ["unknown", "%2e%2e%2f", "%ff", "%00"])
def test_a10_an_unknown_key(api: Api, key: str) -> None:
    refused(api.ask("GET", key), 404)


@both
def test_a11_both_shapes_of_a_list(api: Api) -> None:
    assert of(api.ask("GET")) == []
    modules = [{"key": key, "type": "trigger", "data": {**TRIGGER, "key": key}} for key in (api.add("a"), api.add("b"))]
    assert of(api.ask("GET")) == modules
    api.option(list_shape="envelope")
    assert of(api.ask("GET")) == {"result": modules}


@both
@pytest.mark.parametrize("names", [{"lastEvaluatedKey"}, {"lastEvaluatedKey", "nextPageToken"}])
def test_a12_a_cursor_if_more_modules_are_left(api: Api, names: set[str]) -> None:
    api.option(list_shape="envelope", page_size=2, cursor_name="both" if len(names) == 2 else "lastEvaluatedKey")
    keys = [api.add(f"k{number}") for number in range(4)]
    first = of(api.ask("GET", limit="100"))
    assert set(first) == names | {"result"}
    second = of(api.ask("GET", nextPageToken=first["lastEvaluatedKey"]))
    assert set(second) == {"result"}
    assert [module["key"] for module in first["result"] + second["result"]] == keys


@both
def test_a12_nothing_is_skipped_if_modules_are_deleted_between_pages(api: Api) -> None:
    api.option(list_shape="envelope")
    keys = [api.add(f"k{number}") for number in range(3)]
    cursor = of(api.ask("GET", limit="2"))["lastEvaluatedKey"]
    api.ask("DELETE", keys[1])
    assert [module["key"] for module in of(api.ask("GET", limit="2", nextPageToken=cursor))["result"]] == keys[2:]


@both
def test_a13_an_array_is_everything(api: Api) -> None:
    api.option(page_size=1)
    keys = [api.add(f"k{number}") for number in range(3)]
    assert [module["key"] for module in of(api.ask("GET", limit="1"))] == keys


@both
@pytest.mark.parametrize("shape", ["array", "envelope"])
@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "", "٣", "9" * 50])
def test_a14_a_bad_limit(api: Api, shape: str, limit: str) -> None:
    api.option(list_shape=shape)
    assert "limit" in refused(api.ask("GET", limit=limit), 422)


@both
@pytest.mark.parametrize("cursor", ["", "x", "é", "djE6", "djM6MQ==", "MQ=="])
def test_a14_a_bad_cursor(api: Api, cursor: str) -> None:
    assert "nextPageToken" in refused(api.ask("GET", nextPageToken=cursor), 422)


@both
def test_a15_a_static_key_hides_a_module_from_the_list(api: Api) -> None:
    hidden, shown = api.add("a"), api.add("b")
    api.option(static_keys=f"x, {hidden}")
    assert api.keys() == [shown]
    assert api.ask("GET", hidden).status == 200


# --- update -----------------------------------------------------------------------------------------------------------------


@both
def test_a16_an_update_replaces_all_data(api: Api) -> None:
    key = api.add()
    response = api.ask("PUT", key, api.body(key, data=OTHER))
    assert response.status == 200
    assert of(response) == of(api.ask("GET", key)) == {"key": key, "type": "trigger", "data": {**OTHER, "key": key}}


@both
@pytest.mark.parametrize("mismatch", ["refuse", "ignore"])
def test_a17_another_key_in_the_body(api: Api, mismatch: str) -> None:
    api.option(put_key_mismatch_v2=mismatch)
    key = api.add()
    response = api.ask("PUT", key, {**api.body(), "key": "another"})
    if api.version == "v2" and mismatch == "ignore":
        assert (response.status, of(response)["key"]) == (200, key)
    else:
        assert refused(response, 400) == "Key cannot be modified during update"


@both
@pytest.mark.parametrize("without", ["refuse", "accept"])
def test_a18_no_key_in_the_body(api: Api, without: str) -> None:
    api.option(put_without_key_v1=without)
    response = api.ask("PUT", api.add(), {"type": "trigger", "data": TRIGGER})
    assert response.status == (422 if api.version == "v1" and without == "refuse" else 200)


@both
def test_a19_an_update_of_an_unknown_key(api: Api) -> None:
    refused(api.ask("PUT", "unknown", api.body("unknown")), 404)
    assert api.keys() == []


@both
def test_a20_another_type(api: Api) -> None:
    key = api.add()
    assert "type" in refused(api.ask("PUT", key, api.body(key, "jira:entityProperty", PROPERTY)), 422)
    api.option(put_type_change="accept")
    assert of(api.ask("PUT", key, api.body(key, "jira:entityProperty", PROPERTY)))["type"] == "jira:entityProperty"


@both
def test_a21_an_update_with_bad_data(api: Api) -> None:
    key = api.add()
    assert "data" in refused(api.ask("PUT", key, api.body(key, data={**TRIGGER, "function": "f"})), 422)
    assert of(api.ask("GET", key))["data"] == {**TRIGGER, "key": key}


@both
def test_a22_an_update_of_the_collection(api: Api) -> None:
    response = api.ask("PUT", body=api.body(api.add()))
    refused(response, 405)
    assert response.headers["allow"] == "GET, POST"
    assert refused(api.emulator.handle("GET", "/forge/installation/v3/dynamic/module", {}, api.headers, b""), 404)


# --- delete -----------------------------------------------------------------------------------------------------------------


@both
def test_a23_a_deletion(api: Api) -> None:
    key = api.add()
    response = api.ask("DELETE", key)
    assert (response.status, response.body) == (204, b"")
    assert api.keys() == []


@both
def test_a24_a_second_deletion(api: Api) -> None:
    key = api.add()
    api.ask("DELETE", key)
    refused(api.ask("DELETE", key), 404)
