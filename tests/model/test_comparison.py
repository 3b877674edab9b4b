from __future__ import annotations

import copy
from typing import Any

import pytest

from pulumi_atlassian_forge.model.comparison import as_declared, differences, same, server_additions
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.values import UNKNOWN
from tests.support.samples import SAMPLES

A, B, C = "avi:jira:created:issue", "avi:jira:updated:issue", "avi:jira:deleted:issue"
DEFAULT = "IGNORE_AND_LOG"


def trigger(*events: Any, **rest: Any) -> Content:
    return Content("trigger", {"events": list(events), "function": "f", **rest})


def module(**data: Any) -> Content:
    return Content("acme:thing", data)


def event(name: str, **filter_: Any) -> dict[str, Any]:
    return {"eventType": name, "filter": filter_}


# --- same and differences ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", SAMPLES)
def test_a_module_is_the_same_as_itself(type_: str) -> None:
    for data in SAMPLES[type_]:
        assert same(Content(type_, data), Content(type_, copy.deepcopy(data)))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (trigger(A, B), trigger(B, A)),
        (module(a=1, b=2), module(b=2, a=1.0)),
    ],
)
def test_equivalent_contents_are_equal(a: Content, b: Content) -> None:
    assert same(a, b)
    assert same(b, a)
    assert differences(a, b) == []


@pytest.mark.parametrize(
    ("a", "b", "paths"),
    [
        (trigger(A), trigger(B), ["/events"]),
        (trigger(A), trigger(A, A), ["/events"]),
        (trigger(A), trigger({"eventType": A}), ["/events"]),
        # What equals a server's form is another declaration: the user sees the change.
        (trigger(A, filter={"expression": "x"}), trigger(A, filter={"expression": "x", "onError": DEFAULT}), ["/filter/onError"]),
        (trigger(A, filter={"expression": "x"}), trigger(A, filter={"expression": "x "}), ["/filter/expression"]),
        (trigger(A, filter={"ignoreSelf": False}), trigger(A), ["/filter"]),
        (Content("jira:entityProperty", {"entityType": "issue"}), Content("jira:entityProperty", {}), ["/entityType"]),
        (trigger(A, filter={"ignoreSelf": True}), trigger(A), ["/filter"]),
        (
            trigger(A, filter={"expression": "x", "onError": "IGNORE"}),
            trigger(A, filter={"expression": "x"}),
            ["/filter/onError"],
        ),
        (module(v=["a", "b"]), module(v=["b", "a"]), ["/v/0", "/v/1"]),
        (module(v=["a"]), module(v=["a", "b"]), ["/v"]),
        (module(v=True), module(v=1), ["/v"]),
        (module(v=0), module(v=False), ["/v"]),
        (module(v={}), module(v=[]), ["/v"]),
        (module(v="1"), module(v=1), ["/v"]),
        (module(events=["a", "b"]), module(events=["b", "a"]), ["/events/0", "/events/1"]),
        (module(**{"a/b": 1, "c~d": {"e": 1}}), module(**{"c~d": {"e": 2}}), ["/a~1b", "/c~0d/e"]),
        (module(v=UNKNOWN), module(v=UNKNOWN), ["/v"]),
        (trigger(A, UNKNOWN), trigger(A, UNKNOWN), ["/events"]),
        (Content("acme:thing", UNKNOWN), module(v=1), [""]),  # type: ignore[arg-type]
        (Content("jira:entityProperty", {"entityType": "user"}), Content("jira:entityProperty", {}), ["/entityType"]),
    ],
)
def test_differences_are_listed_by_path(a: Content, b: Content, paths: list[str]) -> None:
    assert differences(a, b) == paths
    assert differences(b, a) == paths
    assert not same(a, b)


def test_another_type_is_not_the_same() -> None:
    assert not same(Content("a:b", {}), Content("a:c", {}))


def test_true_and_one_are_two_events_however_they_are_ordered() -> None:
    assert same(trigger(1, True), trigger(True, 1))
    assert not same(trigger(1, True), trigger(1, 1))


# --- what the server adds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "response", "paths"),
    [
        (module(a=1), module(a=1), []),
        (module(a=1), module(a=1, b={"c": 1}), ["/b"]),
        (module(a={"x": 1}), module(a={"x": 1, "y": 1, "z": 1}), ["/a/y", "/a/z"]),
        (module(v=[{"p": 1}, {"p": 2}]), module(v=[{"p": 1}, {"p": 2, "q": 3}]), ["/v/1/q"]),
        (module(v=[1]), module(v=[1, 2]), ["/v/1"]),
        (module(a=1, b=2), module(a=1), []),
        (module(a={"x": 1}), module(a=1), []),
        (module(a=1), module(a={"x": 1}), []),
        (module(**{"a/b": {}}), module(**{"a/b": {"~": 1}}), ["/a~1b/~0"]),
        (trigger(A, filter={"expression": "x"}), trigger(A, filter={"expression": "x", "onError": DEFAULT}), []),
    ],
)
def test_the_topmost_paths_that_were_not_sent(sent: Content, response: Content, paths: list[str]) -> None:
    assert server_additions(sent, response) == paths


def test_additions_to_events_have_the_index_of_the_declaration() -> None:
    sent = trigger(event(B, expression="x"), event(A, expression="y"))
    response = trigger({**event(A, expression="y"), "added": 1}, event(B, expression="x"))
    assert server_additions(sent, response) == ["/events/1/added"]


def test_an_event_missing_from_the_response_moves_no_index() -> None:
    sent = trigger(event(A, expression="x"), event(B, expression="x"), event(C, expression="x"))
    response = trigger(event(A, expression="x"), {**event(C, expression="x"), "added": 1})
    assert server_additions(sent, response) == ["/events/2/added"]


# --- a live module as state shows it ------------------------------------------------------------------------------------------


def seen(declared: Content, live: Content, server: list[str] | None = None) -> dict[str, Any]:
    before = copy.deepcopy((declared.data, live.data))
    found = as_declared(declared, live, server)
    assert (declared.data, live.data) == before
    assert found.type == live.type
    return found.data


def events_seen(declared: list[Any], live: list[Any], server: list[str] | None = None) -> Any:
    return seen(trigger(*declared), trigger(*live), server)["events"]


@pytest.mark.parametrize(
    ("declared", "live", "events"),
    [
        ([C, A, B], [A, B, C], [C, A, B]),
        ([C, A, B], [A, C], [C, A]),
        ([C, A], [B, A, "x:y", C], [C, A, B, "x:y"]),
        ([C, A], [B, A], [A, B]),
        ([C], [A, B], [A, B]),
        ([A, A], [A], [A]),
        ([A], [A, A], [A, A]),
        ([A], [], []),
        ([UNKNOWN, A], [A, B], [A, B]),
    ],
)
def test_events_keep_the_order_of_the_declaration(declared: list[Any], live: list[Any], events: list[Any]) -> None:
    assert events_seen(declared, live, []) == events
    assert events_seen(declared, live, None) == events


def test_events_that_are_objects_keep_what_was_declared_and_lose_what_the_server_filled_in() -> None:
    declared = [event(B, expression="x"), event(A, expression="y", onError=DEFAULT)]
    live = [event(A, expression="y"), event(B, expression="x", onError=DEFAULT)]
    assert events_seen(declared, live, []) == declared
    assert events_seen(declared, live, ["/events/0/filter/onError"]) == declared


def test_a_value_of_the_server_s_own_in_an_event_may_change() -> None:
    declared = [event(B, expression="x"), event(A, expression="y")]
    live = [{**event(A, expression="y"), "added": 2}, {**event(B, expression="x"), "added": 3}]
    assert events_seen(declared, live, ["/events/0/added", "/events/1/added"]) == declared
    assert events_seen(declared, live, ["/events/0/added"]) == [declared[0], live[0]]


def test_an_event_that_was_removed_moves_no_index_of_the_server_s() -> None:
    declared = [event(A, expression="x"), event(B, expression="x"), event(C, expression="x")]
    live = [event(A, expression="x"), {**event(C, expression="x"), "added": 1}]
    assert events_seen(declared, live, ["/events/2/added"]) == [declared[0], declared[2]]


def test_events_with_the_same_name_are_matched_by_content() -> None:
    declared = [event(A, expression="x"), event(A, expression="y")]
    live = [{**event(A, expression="y"), "added": 1}, {**event(A, expression="x"), "added": 1}]
    server = server_additions(trigger(*declared), trigger(*live))
    assert server == ["/events/0/added", "/events/1/added"]
    assert events_seen(declared, live, server) == declared


def test_an_event_of_one_name_does_not_take_the_partner_of_another() -> None:
    declared = [event(A, expression="gone"), event(A, expression="y")]
    live = [event(A, expression="y"), event(A, expression="new")]
    assert events_seen(declared, live, []) == [event(A, expression="new"), event(A, expression="y")]


def test_the_fuller_of_two_events_goes_to_the_fuller_declaration() -> None:
    declared = [{"eventType": A}, event(A, expression="x")]
    live = [{**event(A, expression="x"), "added": 1}, {"eventType": A, "added": 1}]
    assert events_seen(declared, live, ["/events/0/added", "/events/1/added"]) == declared


def test_a_filter_that_was_given_to_an_event_stands_where_the_event_stood() -> None:
    assert events_seen([B, A], [A, event(B, ignoreSelf=True)], []) == [event(B, ignoreSelf=True), A]
    assert events_seen([event(B, ignoreSelf=True), A], [A, B], []) == [B, A]


def test_a_changed_event_shows_the_live_value_in_its_place() -> None:
    declared = [event(B, expression="x"), A]
    live = [A, event(B, expression="changed", onError="IGNORE")]
    assert events_seen(declared, live, []) == [live[1], A]


@pytest.mark.parametrize("server", [None, [], ["/filter/onError"]])
def test_defaults(server: list[str] | None) -> None:
    bare, with_default = {"expression": "x"}, {"expression": "x", "onError": DEFAULT}
    assert seen(trigger(A, filter=with_default), trigger(A, filter=bare), server)["filter"] == with_default
    assert seen(trigger(A, filter=bare), trigger(A, filter=with_default), server)["filter"] == bare
    assert seen(trigger(A, filter=with_default), trigger(A, filter=with_default), server)["filter"] == with_default


def test_a_default_changed_outside_pulumi_is_drift_unless_the_server_added_it() -> None:
    bare, changed = {"expression": "x"}, {"expression": "x", "onError": "RECEIVE"}
    assert seen(trigger(A, filter=bare), trigger(A, filter=changed), [])["filter"] == changed
    assert seen(trigger(A, filter={**bare, "onError": DEFAULT}), trigger(A, filter=changed), [])["filter"] == changed
    assert seen(trigger(A, filter=bare), trigger(A, filter=changed), ["/filter/onError"])["filter"] == bare


@pytest.mark.parametrize("server", [None, []])
@pytest.mark.parametrize("name", ["filter", "payload"])
def test_a_trigger_s_closed_set_is_drift_unless_the_server_is_known_to_add_it(server: list[str] | None, name: str) -> None:
    added = {name: {"some": "thing"}}
    assert seen(trigger(A), trigger(A, **added), server) == trigger(A, **added).data
    assert seen(trigger(A), trigger(A, **added), ["/filter", "/payload"]) == trigger(A).data


def test_beside_the_closed_set_a_server_may_add() -> None:
    assert seen(trigger(A), trigger(A, scopes=["x"]), ["/scopes"]) == trigger(A).data
    assert seen(trigger(A), trigger(A, scopes=["x"]), None) == trigger(A).data
    assert seen(trigger(A), trigger(A, scopes=["x"]), [])["scopes"] == ["x"]


def test_without_recorded_additions_every_undeclared_path_is_a_server_addition() -> None:
    live = module(a={"x": 1, "y": 2}, b=3, v=[{"p": 1, "q": 2}])
    assert seen(module(a={"x": 1}, v=[{"p": 1}]), live, None) == {"a": {"x": 1}, "v": [{"p": 1}]}


def test_an_addition_is_drift_unless_its_path_is_recorded_as_the_server_s() -> None:
    live = module(a={"x": 1, "y": 2, "z": 3}, b=4, c={"deep": 5})
    assert seen(module(a={"x": 1}), live, ["/a/y", "/c"]) == {"a": {"x": 1, "z": 3}, "b": 4}


def test_items_of_a_list_go_by_their_index() -> None:
    declared = module(v=[{"p": 1}, {"p": 2}])
    live = module(v=[{"p": 1, "q": 7}, {"p": 2, "q": 8}, {"p": 3, "q": 9}])
    assert seen(declared, live, ["/v/0/q", "/v/1/q"])["v"] == [{"p": 1}, {"p": 2}, {"p": 3, "q": 9}]
    assert seen(declared, live, ["/v/1/q"])["v"][:2] == [{"p": 1, "q": 7}, {"p": 2}]
    assert seen(declared, module(v=[{"p": 1}]), [])["v"] == [{"p": 1}]


def test_a_path_of_the_server_s_is_escaped() -> None:
    assert seen(module(a=1), module(**{"a": 1, "b/c~d": 2}), ["/b~1c~0d"]) == {"a": 1}


@pytest.mark.parametrize("live", [1, "x", True, None, [], [1], {}, {"x": 1}])
@pytest.mark.parametrize("declared", [1, "x", True, [2], {"y": 1}, UNKNOWN, [UNKNOWN], {"x": UNKNOWN}])
def test_a_value_of_another_kind_is_seen_as_it_is_live(declared: Any, live: Any) -> None:
    found = seen(module(v=declared), module(v=live), [])["v"]
    assert found == live
    assert type(found) is type(live)


def test_a_declared_number_keeps_its_form() -> None:
    assert repr(seen(module(v=1), module(v=1.0), [])) == "{'v': 1}"


@pytest.mark.parametrize("declared", [UNKNOWN, [A], "x", None])
@pytest.mark.parametrize("live", [[A, B], "x", {"a": 1}, None])
def test_events_that_are_no_list(declared: Any, live: Any) -> None:
    a, b = Content("trigger", {"events": declared}), Content("trigger", {"events": live})
    assert seen(a, b, []) == {"events": live}


@pytest.mark.parametrize("data", [UNKNOWN, [1], "x"])
def test_data_that_is_no_dictionary(data: Any) -> None:
    for type_ in ("trigger", "acme:thing"):
        odd, even = Content(type_, data), Content(type_, {"events": [A]})
        assert as_declared(odd, even, []).data == {"events": [A]}
        assert as_declared(even, odd, []).data == data
        assert server_additions(odd, even) == []
        assert not same(odd, even)


def test_a_type_that_is_no_text() -> None:
    odd = Content([], {"a": 1})  # type: ignore[arg-type]
    assert same(odd, odd)
    assert as_declared(odd, odd, None) == odd


def test_a_default_that_the_server_filled_in_and_a_person_changed_is_drift() -> None:
    declared = trigger(A, filter={"expression": "x"})
    server = server_additions(declared, trigger(A, filter={"expression": "x", "onError": DEFAULT}))
    changed = trigger(A, filter={"expression": "x", "onError": "RECEIVE"})
    assert not same(as_declared(declared, changed, server), declared)


def test_items_that_the_server_appends_are_no_drift_and_those_of_a_person_are() -> None:
    declared = module(v=[1])
    server = server_additions(declared, module(v=[1, 2]))
    assert as_declared(declared, module(v=[1, 2]), server) == declared
    assert as_declared(declared, module(v=[1, 2, 3]), server).data == {"v": [1, 3]}


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_an_event_leaves_its_nearest_match_to_an_event_with_no_other_match(swapped: bool, backwards: bool) -> None:
    full, bare = event(A, expression="x"), {"eventType": A}
    declared = [bare, full] if swapped else [full, bare]
    live = [event(A, expression="x", added=1), {**bare, "added": 1}]
    sent, response = trigger(*declared), trigger(*(reversed(live) if backwards else live))
    server = server_additions(sent, response)
    assert server == (["/events/0/added", "/events/1/filter/added"] if swapped else ["/events/0/filter/added", "/events/1/added"])
    assert as_declared(sent, response, server) == sent
