"""Requests, compared with the specification byte for byte."""

from __future__ import annotations

import pytest

from pulumi_atlassian_forge.api import protocol
from pulumi_atlassian_forge.api.request_response import Request
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.module_id import Version

CONTENT = Content("trigger", {"events": ["avi:jira:updated:issue"], "endpoint": "some-endpoint"})

# What JSON.stringify makes of the payloads printed in the specification (v1), and of the same without their key (v2).
V1_BODY = b'{"key":"unique-module-key","type":"trigger","data":{"events":["avi:jira:updated:issue"],"endpoint":"some-endpoint"}}'
V2_BODY = b'{"type":"trigger","data":{"events":["avi:jira:updated:issue"],"endpoint":"some-endpoint"}}'


@pytest.mark.parametrize(
    ("request_", "method", "target", "body"),
    [
        (protocol.register("v1", "unique-module-key", CONTENT), "POST", "/forge/installation/v1/dynamic/module", V1_BODY),
        (protocol.register("v2", None, CONTENT), "POST", "/forge/installation/v2/dynamic/module", V2_BODY),
        (
            protocol.update("v1", "unique-module-key", CONTENT),
            "PUT",
            "/forge/installation/v1/dynamic/module/unique-module-key",
            V1_BODY,
        ),
        (protocol.update("v2", "0ae4", CONTENT), "PUT", "/forge/installation/v2/dynamic/module/0ae4", V2_BODY),
        (protocol.read("v1", "a-key"), "GET", "/forge/installation/v1/dynamic/module/a-key", None),
        (protocol.delete("v2", "a-key"), "DELETE", "/forge/installation/v2/dynamic/module/a-key", None),
        (protocol.list_page("v1"), "GET", "/forge/installation/v1/dynamic/module/?limit=100", None),
        (
            protocol.list_page("v2", "next"),
            "GET",
            "/forge/installation/v2/dynamic/module/?limit=100&nextPageToken=next",
            None,
        ),
    ],
)
def test_requests_are_those_of_the_specification(request_: Request, method: str, target: str, body: bytes | None) -> None:
    assert (request_.method, request_.target, request_.body) == (method, target, body)


def test_a_body_keeps_order_and_characters() -> None:
    content = Content("jira:issuePanel", {"z": "é 日本 👍", "a": {"title": 'a "quote" \\ / \u2028'}, "n": [1, 1.5, True, 10**17]})
    data = '{"z":"é 日本 👍","a":{"title":"a \\"quote\\" \\\\ / \u2028"},"n":[1,1.5,true,100000000000000000]}'
    expected = f'{{"type":"jira:issuePanel","data":{data}}}'
    assert protocol.register("v2", None, content).body == expected.encode()


@pytest.mark.parametrize(
    ("key", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("%2e%2e", "%252e%252e"),
        ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
        ("ключ", "%D0%BA%D0%BB%D1%8E%D1%87"),
        ("a b\r\nHost: evil", "a%20b%0D%0AHost%3A%20evil"),
        ("...", "..."),
        ("x" * 10_000, "x" * 10_000),
    ],
)
def test_a_key_is_one_quoted_segment_of_the_path(key: str, segment: str) -> None:
    assert protocol.read("v1", key).target == f"/forge/installation/v1/dynamic/module/{segment}"


@pytest.mark.parametrize("key", ["", ".", "..", "a\ud800"])
def test_a_key_that_no_quoting_saves_is_refused(key: str) -> None:
    for make in (protocol.read, protocol.delete):
        with pytest.raises(ValueError, match="cannot be part of a path"):
            make("v1", key)
    with pytest.raises(ValueError, match="cannot be part of a path"):
        protocol.update("v1", key, CONTENT)
    with pytest.raises(ValueError, match="cannot be part of a path"):
        protocol.register("v1", key, CONTENT)


@pytest.mark.parametrize(("version", "key"), [("v1", None), ("v2", "mine")])
def test_the_maker_of_the_key_depends_on_the_version(version: Version, key: str | None) -> None:
    with pytest.raises(ValueError, match="key"):
        protocol.register(version, key, CONTENT)


def test_a_cursor_travels_unharmed() -> None:
    cursor = 'eyJrIjoi+/=&%"}# ü'
    assert protocol.list_page("v1", cursor).target.endswith("&nextPageToken=eyJrIjoi%2B%2F%3D%26%25%22%7D%23%20%C3%BC")


def test_data_that_is_not_json_sends_no_request() -> None:
    for value in (float("nan"), float("inf"), "\ud800"):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever the encoder says: it must not be sent
            protocol.register("v2", None, Content("trigger", {"x": value}))


def test_only_a_register_is_not_idempotent() -> None:
    safe = {
        request.method: request.is_idempotent
        for request in (
            protocol.register("v2", None, CONTENT),
            protocol.read("v2", "k"),
            protocol.update("v2", "k", CONTENT),
            protocol.delete("v2", "k"),
        )
    }
    assert safe == {"POST": False, "GET": True, "PUT": True, "DELETE": True}


def test_the_repr_of_a_request_shows_no_content() -> None:
    assert "some-endpoint" not in repr(protocol.register("v2", None, CONTENT))
