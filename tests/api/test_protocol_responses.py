"""Responses: unknown fields are accepted, unusable ones are errors that say why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_atlassian_forge.api.errors import InvalidResponse, UnreadableModule
from pulumi_atlassian_forge.api.protocol import (
    LiveModule,
    Page,
    by_key,
    distinct,
    parse_deleted,
    parse_module,
    parse_page,
    parse_registered,
)
from pulumi_atlassian_forge.api.request_response import Response
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.module_id import Version

A = {"key": "a", "type": "trigger", "data": {"key": "a", "events": ["e"], "function": "f"}}
B = {"key": "b", "type": "trigger", "data": {"key": "b", "events": ["e"], "endpoint": "g"}}
LIVE_A = LiveModule("a", Content("trigger", {"events": ["e"], "function": "f"}))
LIVE_B = LiveModule("b", Content("trigger", {"events": ["e"], "endpoint": "g"}))

# The list as the specification prints it: two objects, a comma, no brackets.
SPECIFIED_LIST = b"""{
  "key": "a-dynamic-module",
  "type": "trigger",
  "data": {
    "key": "a-dynamic-module",
    "function": "jira-updated-issue-handler",
    "events": [
      "avi:jira:updated:issue"
    ]
  }
},
{
  "key": "another-dynamic-module",
  "type": "trigger",
  "data": {
    "filter": {
      "expression": "event.issue.fields?.issuetype.name == 'Bug'",
      "onError": "RECEIVE_AND_LOG"
    },
    "key": "another-dynamic-module",
    "endpoint": "some-endpoint",
    "events": [
      "avi:jira:updated:issue"
    ]
  }
}
"""


def response(body: Any, status: int = 200) -> Response:
    return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_module_is_read_without_the_key_in_its_data(version: Version) -> None:
    assert parse_module(response(A), "a") == LIVE_A
    assert parse_registered(version, response(A, 201), "a") == LIVE_A


def test_unknown_fields_pass() -> None:
    more = {**A, "self": "https://x", "version": 7, "data": {**A["data"], "new": {"deep": [None, 1]}}}  # type: ignore[dict-item]
    live = parse_module(response(more))
    assert live.key == "a"
    assert live.content.data["new"] == {"deep": [None, 1]}


def test_numbers_and_nulls_are_normalized() -> None:
    live = parse_module(response(b'{"key":"a","type":"t","data":{"n":1.0,"h":1.5,"gone":null,"big":12345678901234567890}}'))
    assert live.content.data == {"n": 1, "h": 1.5, "big": 12345678901234567890}
    assert isinstance(live.content.data["n"], int)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse_module(response(b"\xef\xbb\xbf" + json.dumps(A).encode())) == LIVE_A


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_an_empty_201_is_accepted_under_v1_only(body: bytes) -> None:
    assert parse_registered("v1", response(body, 201), "a") is None
    with pytest.raises(InvalidResponse, match="the response is empty") as caught:
        parse_registered("v2", response(body, 201))
    assert caught.value.status == 201


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "the response is not a JSON object"),
        (b'"text"', "the response is not a JSON object"),
        (b"null", "the response is not a JSON object"),
        (b"{}", "the response has no string 'key'"),
        (b'{"key":1,"type":"t","data":{}}', "the response has no string 'key'"),
        (b'{"key":"","type":"t","data":{}}', "the response has no string 'key'"),
        (b'{"key":"a","data":{}}', "the response has no string 'type'"),
        (b'{"key":"a","type":"t"}', "the response has no object 'data'"),
        (b'{"key":"a","type":"t","data":[]}', "the response has no object 'data'"),
        (b'{"key":"a","type":"t","data":null}', "the response has no object 'data'"),
        (b"", "the response is empty"),
        (b"<html>Log in</html>", "the response is not JSON"),
        (b'{"key":"a","type":"t","data":{}', "the response is not JSON"),
        (b'{"key":"a"} trailing', "the response is not JSON"),
        (b'{"key":"\xff"}', "the response is not UTF-8"),
        (b'{"key":"a","type":"t","data":{"x":NaN}}', "holds NaN"),
        (b'{"key":"a","type":"t","data":{"x":-Infinity}}', "holds -Infinity"),
        (b'{"key":"a","type":"t","data":{"x":1e999}}', "number that is too large"),
        (b'{"key":"a","type":"t","data":{"x":' + b"9" * 309 + b"}}", "number that is too large"),
        (b'{"key":"a","type":"t","data":{"x":' + b"9" * 100_000 + b"}}", "number that is too large"),
        (b'{"key":"a","type":"t","data":{"x":"\\ud800"}}', "half of a surrogate pair"),
        (b'{"key":"a","type":"t","data":{"\\udfff":1}}', "half of a surrogate pair"),
        (b'{"key":"a","type":"t","data":{"x":' + b"[" * 24 + b"]" * 24 + b"}}", "nested deeper than 24 levels"),
        (b'{"key":"a","type":"t","data":{"x":' + b"[" * 70 + b"]" * 70 + b"}}", "nested deeper than 64 levels"),
        (b"[" * 1_000_000, "nested deeper than 64 levels"),
        (b'{"key":"a","type":"t","data":' + b'{"a":' * 500_000 + b"1" + b"}" * 500_001, "nested deeper than 64 levels"),
    ],
)
def test_a_response_that_is_no_module_is_rejected_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidResponse, match=reason) as caught:
        parse_module(response(body))
    assert caught.value.__cause__ is None


def test_the_deepest_module_that_pulumi_can_store_is_accepted() -> None:
    body = b'{"key":"a","type":"t","data":{"x":' + b"[" * 23 + b"]" * 23 + b"}}"
    assert parse_module(response(body)).key == "a"


def test_a_whole_surrogate_pair_is_text() -> None:
    assert parse_module(response(b'{"key":"a","type":"t","data":{"x":"\\ud83d\\udc4d"}}')).content.data == {"x": "👍"}


@pytest.mark.parametrize(
    ("body", "transient"),
    [(b"", True), (b"<html>", True), (b"\xff", True), (b"{}", False), (b"[" * 100_000, False), (b"[NaN]", False)],
)
def test_only_garbage_may_pass_by_asking_again(body: bytes, transient: bool) -> None:
    with pytest.raises(InvalidResponse) as caught:
        parse_module(response(body))
    assert caught.value.transient is transient


def test_another_module_than_the_one_asked_for_is_refused_naming_both() -> None:
    other = {**A, "key": "oth\x1b[31mer"}
    with pytest.raises(InvalidResponse, match=r"requested module 'a', but the response is module 'other'"):
        parse_module(response(other), "a")
    with pytest.raises(InvalidResponse, match=r"requested module 'a', but the response is module 'other'"):
        parse_registered("v1", response(other), "a")


@pytest.mark.parametrize("key", [".", "..", "a\nb", "\x9b2K", "\u2028line", "\u202egnp", " a"])
def test_a_registered_key_that_could_never_be_read_or_printed_is_refused(key: str) -> None:
    with pytest.raises(InvalidResponse, match="a key that is not valid in a path"):
        parse_registered("v2", response({**A, "key": key}, 201))


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ([], Page((), None)),
        ([A, B], Page((LIVE_A, LIVE_B), None)),
        ({"result": [A, B]}, Page((LIVE_A, LIVE_B), None)),
        ({"result": []}, Page((), None)),
        ({"result": [A], "lastEvaluatedKey": "c"}, Page((LIVE_A,), "c")),
        ({"result": [A], "nextPageToken": "c"}, Page((LIVE_A,), "c")),
        ({"result": [A], "nextPageToken": "first", "lastEvaluatedKey": "second"}, Page((LIVE_A,), "first")),
        ({"result": [A], "nextPageToken": None, "lastEvaluatedKey": "second"}, Page((LIVE_A,), "second")),
        ({"result": [A], "lastEvaluatedKey": ""}, Page((LIVE_A,), None)),
        ({"result": [A], "lastEvaluatedKey": None, "total": 3}, Page((LIVE_A,), None)),
        ({"results": [A]}, Page((LIVE_A,), None)),
        ({"values": [A]}, Page((LIVE_A,), None)),
        ({"items": [A]}, Page((LIVE_A,), None)),
        (A, Page((LIVE_A,), None)),
        (json.dumps(A).encode() + b",\n" + json.dumps(B).encode(), Page((LIVE_A, LIVE_B), None)),
        ([A, A], Page((LIVE_A,), None)),
    ],
)
def test_every_shape_of_a_list_is_read(body: Any, page: Page) -> None:
    assert parse_page(response(body)) == page


def test_the_list_of_the_specification_is_read_as_it_is_printed() -> None:
    page = parse_page(response(SPECIFIED_LIST))
    assert [live.key for live in page.modules] == ["a-dynamic-module", "another-dynamic-module"]
    assert page.modules[1].content.data["filter"] == {
        "expression": "event.issue.fields?.issuetype.name == 'Bug'",
        "onError": "RECEIVE_AND_LOG",
    }
    assert page.cursor is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "no list of modules"),
        ({"message": "hello"}, "no list of modules"),
        ({"result": None}, "no list of modules"),
        ({"result": {"a": A}}, "no list of modules"),
        ("text", "no list of modules"),
        (b"", "the response is empty"),
        (b'{"a":1},', "the response is not JSON"),
        (b'{"a":1}],[{"b":2}', "the response is not JSON"),
        ([1, 2], "a list, but not one of modules"),
        ([{"message": "no"}], "a list, but not one of modules"),
        ({"errors": [{"message": "no"}], "result": ["no"]}, "a list, but not one of modules"),
        ({"result": [A], "lastEvaluatedKey": {"k": "x"}}, "cursor is not a text"),
        (b'{"result": [], "lastEvaluatedKey": "\\ud800"}', "cursor is not a text"),
        (b'{"result": [], "lastEvaluatedKey": 1e999}', "cursor is not a text"),
        ({"result": [A], "nextPageToken": 7}, "cursor is not a text"),
    ],
)
def test_a_response_that_is_no_list_is_rejected_with_a_reason(body: Any, reason: str) -> None:
    with pytest.raises(InvalidResponse, match=reason):
        parse_page(response(body))


DEEP = b"[" * 100_000 + b"]" * 100_000
ENTRIES = {
    b"null": ("", "", "is not a JSON object"),
    b"7": ("", "", "is not a JSON object"),
    b"NaN": ("", "", "holds NaN, which is no JSON"),
    b"{}": ("", "", "has no string 'key'"),
    b'{"key":7,"type":"t","data":{}}': ("", "t", "has no string 'key'"),
    b'{"key":"\\ud83d","type":"t","data":{}}': ("", "t", "holds half of a surrogate pair, which is no text"),
    b'{"key":"x","data":{}}': ("x", "", "has no string 'type'"),
    b'{"key":"x","type":"\\udfff","data":{}}': ("x", "", "holds half of a surrogate pair, which is no text"),
    b'{"key":"x","type":1e400,"data":{}}': ("x", "", "has no string 'type'"),
    b'{"key":"x","type":"t"}': ("x", "t", "has no object 'data'"),
    b'{"key":"x","type":"t","data":null}': ("x", "t", "has no object 'data'"),
    b'{"key":"x","type":"t","data":["a"]}': ("x", "t", "has no object 'data'"),
    b'{"key":"x","type":"t","data":{"title":"Risk \\ud83d"}}': ("x", "t", "holds half of a surrogate pair, which is no text"),
    b'{"key":"x","type":"t","data":{"a":{"\\ud83d":1}}}': ("x", "t", "holds half of a surrogate pair, which is no text"),
    b'{"key":"x","type":"t","data":{"n":[1e400]}}': ("x", "t", "holds a number that is too large"),
    b'{"key":"x","type":"t","data":{"n":-Infinity}}': ("x", "t", "holds -Infinity, which is no JSON"),
    b'{"key":"x","type":"t","data":{"n":' + b"9" * 309 + b"}}": ("x", "t", "holds a number that is too large"),
    b'{"key":"x","type":"t","data":{"a":' + b"[" * 65 + b"]" * 65 + b"}}": ("x", "t", "is nested deeper than 64 levels"),
    b'{"key":"x","type":"t","data":{"s":"]}\\"[{","a":' + DEEP + b',"b":' + DEEP + b"}}": (
        *("x", "t"),
        "is nested deeper than 64 levels",
    ),
}


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry[:40].decode()) for entry in ENTRIES])
@pytest.mark.parametrize("form", [b"[%s,%s,%s]", b'{"result":[%s,%s,%s],"count":NaN,"name":"\\ud800"}'])
def test_an_entry_that_cannot_be_used_is_opaque_and_the_others_are_as_they_were(entry: bytes, form: bytes) -> None:
    key, type_, problem = ENTRIES[entry]
    body = form % (json.dumps(A).encode(), entry, json.dumps(B).encode())
    assert parse_page(response(body)).modules == (LIVE_A, LiveModule(key, Content(type_, {}), problem), LIVE_B)


def test_a_foreign_field_that_cannot_be_used_does_no_harm() -> None:
    entry = b'{"key":"a","type":"trigger","data":{"events":["e"],"function":"f"},"author":"\\ud83d","score":1e400}'
    assert parse_page(response(b"[" + entry + b"]")).modules == (LIVE_A,)
    assert parse_module(response(entry), "a") == LIVE_A


def test_a_module_that_is_listed_twice_with_different_content_is_opaque() -> None:
    page = parse_page(response([A, B, {**A, "type": "other"}, A]))
    assert page.modules == (LiveModule("a", Content("", {}), "is in the list twice, with different content"), LIVE_B)


def test_entries_without_a_key_are_kept_apart() -> None:
    page = parse_page(response([{"type": "t"}, {"type": "t"}, A, {"type": "u"}]))
    assert [live.content.type for live in page.modules] == ["t", "t", "trigger", "u"]
    assert len(by_key(page.modules)) == 4


@pytest.mark.parametrize("key", ["a", "other", None])
def test_a_module_that_cannot_be_read_is_told_from_a_response_that_is_none(key: str | None) -> None:
    with pytest.raises(InvalidResponse) as caught:
        parse_module(response(b'{"key":"a","type":"t","data":{"title":"\\ud83d"}}'), key)
    assert isinstance(caught.value, UnreadableModule) is (key == "a")
    assert "half of a surrogate pair" in caught.value.message


def test_a_foreign_module_that_is_too_deep_does_not_block_the_list() -> None:
    deep: Any = "x"
    for _ in range(40):
        deep = [deep]
    page = parse_page(response([A, {**B, "data": {"deep": deep}}]))
    assert [live.key for live in page.modules] == ["a", "b"]


def test_a_module_listed_twice_with_the_same_content_is_one() -> None:
    assert distinct([LIVE_A, LIVE_B, LIVE_A]) == (LIVE_A, LIVE_B)


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b"{}"), (200, b"done"), (202, b"")])
def test_any_success_is_a_successful_delete(status: int, body: bytes) -> None:
    parse_deleted(response(body, status))


def test_html_is_no_response_to_a_delete() -> None:
    with pytest.raises(InvalidResponse, match="a page of HTML"):
        parse_deleted(response(b" <html>Log in</html>", 200))


@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_response_to_a_register_needs_its_status(status: int) -> None:
    with pytest.raises(InvalidResponse):
        parse_registered("v1", response(b"", status), "a")


@pytest.mark.parametrize("value", [{"4dabf18193072939515e22adb298388d": "x"}, ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"]])
def test_a_value_that_is_reserved_for_pulumi_is_rejected(value: object) -> None:
    with pytest.raises(InvalidResponse, match="is reserved for Pulumi"):
        parse_module(response({**A, "data": {"x": value}}))


def test_the_repr_of_a_response_shows_no_content() -> None:
    assert repr(Response(200, {"set-cookie": "secret"}, b"secret")) == "Response(status=200)"
