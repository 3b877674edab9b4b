from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from pulumi_atlassian_forge.api.client import Timeouts
from pulumi_atlassian_forge.api.errors import (
    ApiError,
    InternalError,
    InvalidResponse,
    LostResponse,
    NotFound,
    Outcome,
    OutOfTime,
    Rejected,
    ServerFailure,
    Throttled,
)
from pulumi_atlassian_forge.api.operations import Operations
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.api.rate_limiter import RateLimiter
from pulumi_atlassian_forge.api.request_response import Request, Response
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.module_id import Version
from tests.support.timing import Clock

CONTENT = Content("trigger", {"events": ["e"], "function": "f"})


def module(key: str, function: str = "f") -> dict[str, Any]:
    return {"key": key, "type": "trigger", "data": {"key": key, "events": ["e"], "function": function}}


def response(status: int, body: Any = b"", **headers: str) -> Response:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, payload)


def page(modules: list[dict[str, Any]], cursor: str | None = None) -> dict[str, Any]:
    return {"result": modules, **({} if cursor is None else {"nextPageToken": cursor})}


class Script:
    """Gives its responses one after the other, the last one for ever."""

    timeouts = Timeouts()

    def __init__(self, responses: Iterable[Response | ApiError]) -> None:
        self.responses = list(responses)
        self.sent: list[Request] = []

    def send(self, request: Request, within: float | None = None) -> Response:
        assert within is not None
        self.sent.append(request)
        given = self.responses[min(len(self.sent), len(self.responses)) - 1]
        if isinstance(given, ApiError):
            raise given
        return given


@pytest.fixture
def clock() -> Clock:
    return Clock()


def operations(script: Script, clock: Clock, version: Version = "v1") -> Operations:
    rate_limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    return Operations(script, version, rate_limiter=rate_limiter, clock=clock, draw=lambda low, high: high)


def test_a_register_is_one_request_and_returns_the_module(clock: Clock) -> None:
    script = Script([response(201, module("k"))])
    assert operations(script, clock).register("k", CONTENT) == LiveModule("k", CONTENT)
    assert [request.method for request in script.sent] == ["POST"]


def test_under_v2_the_key_comes_from_the_response(clock: Clock) -> None:
    script = Script([response(201, module("0ae4-uuid"))])
    assert operations(script, clock, "v2").register(None, CONTENT) == LiveModule("0ae4-uuid", CONTENT)


def test_an_empty_201_is_a_module_without_a_description(clock: Clock) -> None:
    assert operations(Script([response(201)]), clock).register("k", CONTENT) is None
    with pytest.raises(InvalidResponse, match="empty"):
        operations(Script([response(201)]), clock, "v2").register(None, CONTENT)


@pytest.mark.parametrize(
    "first",
    [
        LostResponse("x"),
        response(500),
        response(502, b"<html>"),
        response(504),
        response(503),
        response(201, b"not json"),
        response(201, module("other")),
        response(302, location="https://elsewhere.example"),
    ],
)
def test_a_register_whose_outcome_is_unknown_is_not_retried(first: Response | ApiError, clock: Clock) -> None:
    script = Script([first, response(201, module("k"))])
    with pytest.raises(ApiError) as caught:
        operations(script, clock).register("k", CONTENT)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert len(script.sent) == 1


@pytest.mark.parametrize("first", [response(429), response(429, retry_after="2")])
def test_a_register_that_was_not_applied_is_retried(first: Response, clock: Clock) -> None:
    script = Script([first, response(201, module("k"))])
    assert operations(script, clock).register("k", CONTENT) == LiveModule("k", CONTENT)
    assert script.sent[0] == script.sent[1]


@pytest.mark.parametrize("first", [LostResponse("x"), response(500), response(200, b"not json"), response(429)])
def test_an_idempotent_request_is_retried(first: Response | ApiError, clock: Clock) -> None:
    script = Script([first, response(200, module("k"))])
    assert operations(script, clock).read("k") == LiveModule("k", CONTENT)
    script = Script([first, response(200, module("k"))])
    assert operations(script, clock).update("k", CONTENT) == LiveModule("k", CONTENT)
    script = Script([first, response(200, [module("k")])])
    assert operations(script, clock).list() == [LiveModule("k", CONTENT)]


def test_a_read_of_a_missing_module_is_not_retried(clock: Clock) -> None:
    script = Script([response(404, {"message": "no module k"})])
    with pytest.raises(NotFound, match="HTTP 404: no module k"):
        operations(script, clock).read("k")
    assert len(script.sent) == 1


def test_a_rejection_holds_the_servers_message(clock: Clock) -> None:
    with pytest.raises(Rejected) as caught:
        operations(Script([response(422, {"message": "unknown type"})]), clock).register("k", CONTENT)
    assert (caught.value.status, caught.value.message, caught.value.attempts) == (422, "unknown type", 1)


@pytest.mark.parametrize("call", ["read", "update"])
def test_another_module_than_the_one_asked_for_is_refused(call: str, clock: Clock) -> None:
    script = Script([response(200, module("other"))])
    with pytest.raises(InvalidResponse, match="requested module 'k', but the response is module 'other'"):
        getattr(operations(script, clock), call)(*(("k",) if call == "read" else ("k", CONTENT)))
    assert len(script.sent) == 1


def test_a_delete_returns_nothing_and_a_missing_module_is_named(clock: Clock) -> None:
    operations(Script([response(204)]), clock).delete("k")
    with pytest.raises(NotFound):
        operations(Script([response(404)]), clock).delete("k")


def test_a_delete_whose_response_was_lost_ends_in_a_404(clock: Clock) -> None:
    script = Script([LostResponse("x"), response(404)])
    with pytest.raises(NotFound) as caught:
        operations(script, clock).delete("k")
    assert caught.value.attempts == 2


def test_a_permanently_failing_server_ends_within_the_time_budget(clock: Clock) -> None:
    with pytest.raises(ServerFailure) as caught:
        operations(Script([response(500, {"message": "An internal error occurred"})]), clock).delete("k")
    assert caught.value.waited == sum(clock.sleeps) <= 120
    assert caught.value.attempts == len(clock.sleeps) + 1 > 10


def test_all_pages_of_a_list_are_read(clock: Clock) -> None:
    script = Script(
        [
            response(200, {"result": [module("a")], "lastEvaluatedKey": "1"}),
            response(200, {"result": [], "nextPageToken": "2"}),
            response(200, {"result": [module("b"), module("a")]}),
        ]
    )
    assert [live.key for live in operations(script, clock).list()] == ["a", "b"]
    assert [request.target.partition("?")[2] for request in script.sent] == [
        "limit=100",
        "limit=100&nextPageToken=1",
        "limit=100&nextPageToken=2",
    ]


@pytest.mark.parametrize("cursors", [["1", "1"], ["1", "2", "1"], ["1", "2", "3", "2"]])
def test_a_repeated_cursor_ends_the_list_with_an_error(cursors: list[str], clock: Clock) -> None:
    script = Script([response(200, {"result": [], "lastEvaluatedKey": cursor}) for cursor in cursors])
    with pytest.raises(InvalidResponse, match="its cursor came again"):
        operations(script, clock).list()
    assert len(script.sent) == len(cursors)


def test_an_endless_list_is_an_error(clock: Clock) -> None:
    script = Script([response(200, {"result": [], "lastEvaluatedKey": str(number)}) for number in range(260)])
    with pytest.raises(InvalidResponse, match="250 pages"):
        operations(script, clock).list()
    assert len(script.sent) == 250


def test_pages_of_one_module_are_read_to_the_end(clock: Clock) -> None:
    pages: list[Any] = [response(200, page([module(f"k{number}")], str(number))) for number in range(99)]
    script = Script([*pages, response(200, page([module("k99")]))])
    assert len(operations(script, clock).list()) == 100


def test_a_rejected_page_size_is_left_to_the_server(clock: Clock) -> None:
    refused = response(422, {"message": "limit must be at most 50"})
    both = [response(200, page([module("a")], "1")), response(200, page([module("b")]))]
    script = Script([refused, *both, *both])
    asked = operations(script, clock)
    for _ in range(2):
        assert [live.key for live in asked.list()] == ["a", "b"]
    assert [request.target.partition("?")[2] for request in script.sent] == ["limit=100", *["", "nextPageToken=1"] * 2]


def test_a_list_that_is_rejected_in_any_page_size_is_an_error(clock: Clock) -> None:
    script = Script([response(422, {"message": "first"}), response(422, {"message": "second"})])
    with pytest.raises(Rejected, match="first"):
        operations(script, clock).list()
    assert len(script.sent) == 2


def test_a_module_that_is_changed_between_two_pages_is_what_it_is_now(clock: Clock) -> None:
    script = Script(
        [
            response(200, {"result": [module("a")], "lastEvaluatedKey": "1"}),
            response(200, {"result": [module("a", function="g")]}),
        ]
    )
    assert [live.content.data["function"] for live in operations(script, clock).list()] == ["g"]


def test_one_budget_serves_all_pages(clock: Clock) -> None:
    script = Script(
        [
            response(429, retry_after="50"),
            response(200, {"result": [], "lastEvaluatedKey": "1"}),
            response(429, retry_after="50"),
            response(200, {"result": [], "lastEvaluatedKey": "2"}),
            response(429, retry_after="50"),
        ]
    )
    with pytest.raises(Throttled) as caught:
        operations(script, clock).list()
    assert [pause for pause in clock.sleeps if pause > 10] == [50.0, 50.0]  # between them the turns of a server that is slow
    assert caught.value.waited == pytest.approx(sum(clock.sleeps))


def test_a_key_that_is_not_valid_in_a_path_sends_no_request(clock: Clock) -> None:
    script = Script([response(200)])
    with pytest.raises(ValueError, match="cannot be part of a path"):
        operations(script, clock).read("..")
    assert script.sent == []


@pytest.mark.parametrize("per_page", [4, 5, 100])
def test_a_list_of_too_many_modules_is_given_up_however_they_are_divided(per_page: int, clock: Clock) -> None:
    pages = [
        response(200, page([module(f"{number}-{one}") for one in range(per_page)], str(number)))
        for number in range(1010 // per_page + 1)
    ]
    script = Script(pages)
    with pytest.raises(InvalidResponse, match=r"more than 1000 modules on \d+ pages|250 pages were read") as caught:
        operations(script, clock).list()
    assert caught.value.code == "AF203"
    assert len(script.sent) <= 1000 // per_page + 1


def test_a_thousand_modules_are_listed(clock: Clock) -> None:
    pages = [
        response(200, page([module(f"{number}-{one}") for one in range(100)], None if number == 9 else str(number)))
        for number in range(10)
    ]
    assert len(operations(Script(pages), clock).list()) == 1000


def test_the_memory_of_a_whole_list_is_limited(clock: Clock) -> None:
    padding = b" " * (7 * 1024 * 1024)
    script = Script([response(200, json.dumps(page([], str(number))).encode() + padding) for number in range(20)])
    with pytest.raises(InvalidResponse, match="the list is too large: more than 64 MiB on 10 pages"):
        operations(script, clock).list()
    assert len(script.sent) == 10


def test_the_message_is_true_if_the_time_is_over_between_two_pages(clock: Clock) -> None:
    class Slow(Script):
        def send(self, request: Request, within: float | None = None) -> Response:
            clock.now += 45.0
            return super().send(request, within)

    script = Slow(response(200, page([], str(number))) for number in range(20))
    with pytest.raises(OutOfTime, match="no time was left for this request: the operation took 135 s") as caught:
        operations(script, clock).list()
    assert (caught.value.status, caught.value.outcome, len(script.sent)) == (None, Outcome.NOT_APPLIED, 3)


def test_a_register_after_a_lost_response_takes_a_new_connection(clock: Clock) -> None:
    script = Script([LostResponse("x"), response(200, module("k")), response(201, module("k")), response(201, module("k"))])
    shared = operations(script, clock).with_shared_budget()
    with pytest.raises(LostResponse):
        shared.register("k", CONTENT)
    shared.read("k")
    shared.register("k", CONTENT)
    shared.register("k", CONTENT)
    assert [request.needs_new_connection for request in script.sent] == [False, False, True, True]


class UnheardOfError(Exception):
    """One that nobody has thought of."""


BUGS = [
    AssertionError("x"),
    RecursionError(),
    MemoryError(),
    KeyError("secret-value"),
    OSError("x"),
    UnheardOfError("secret-value"),
]
PLACES = {
    "operations.error_from": 201,
    "protocol.parse_registered": 201,
    "protocol.parse_json": 201,
    "rate_limiter.RateLimiter.on_response": 201,
    "retry.pause_before_retry": 500,
    "errors.printable": 500,
    "errors.redact": 500,
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
@pytest.mark.parametrize("place", list(PLACES))
def test_whatever_is_raised_after_a_register_was_sent_is_an_unknown_outcome(
    place: str, bug: Exception, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script([response(PLACES[place], module("k"))])

    def raised(*_: object, **__: object) -> None:
        monkeypatch.undo()  # once
        raise bug

    monkeypatch.setattr(f"pulumi_atlassian_forge.api.{place}", raised)
    with pytest.raises(ApiError) as caught:
        operations(script, clock).register("k", CONTENT)
    assert isinstance(caught.value, InternalError)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.message.startswith(f"a bug in pulumi-atlassian-forge: {type(bug).__name__} at ")
    assert "secret-value" not in str(caught.value)
    assert caught.value.__context__ is None
    assert len(script.sent) == 1


def test_a_bug_during_a_read_is_an_error_like_others(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_atlassian_forge.api.protocol.parse_json", lambda body: {}[body])
    with pytest.raises(InternalError, match=r"KeyError at api/protocol\.py:\d+"):
        operations(Script([response(200, module("k"))]), clock).read("k")
