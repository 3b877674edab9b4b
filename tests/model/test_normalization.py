"""What a server makes of what it was sent: the comparison rules, and the remembered forms (docs/adr/0001-state.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_atlassian_forge.model.comparison import (
    as_declared,
    changed_paths,
    differences,
    fingerprint,
    normalized_forms,
    same,
    server_additions,
)
from pulumi_atlassian_forge.model.content import Content

A, B, C = "avi:jira:created:issue", "avi:jira:updated:issue", "avi:jira:deleted:issue"


def trigger(*events: Any, **rest: Any) -> Content:
    return Content("trigger", {"events": list(events), "function": "f", **rest})


def panel(**data: Any) -> Content:
    return Content("jira:issuePanel", {"title": "Risk", "icon": "i", "resource": "main", **data})


def module(**data: Any) -> Content:
    return Content("acme:thing", data)


def seen(declared: Content, live: Content, after: Content | None = None) -> Content:
    """``live`` as state shows it, after a write whose response was ``after``."""
    if after is None:
        return as_declared(declared, live, [])
    return as_declared(declared, live, server_additions(declared, after), normalized_forms(declared, after))


# --- the rules that need no memory ------------------------------------------------------------------------------------------

EQUAL = [
    (trigger(A, filter={"expression": "\n x == 'y'\t"}), trigger(A, filter={"expression": "x == 'y'"})),
    (trigger(A, filter={"expression": "a\r\nb"}), trigger(A, filter={"expression": "a\nb"})),
    (trigger(A, filter={"expression": "Ve\u0301lo"}), trigger(A, filter={"expression": "V\u00e9lo"})),
    (module(v=["a\r\n", {"t": " b"}]), module(v=["a", {"t": "b"}])),
    (trigger(f"{A} "), trigger(A)),
    (trigger({"eventType": A, "filter": {"expression": "x "}}, B), trigger(B, {"eventType": A, "filter": {"expression": "x"}})),
    (trigger(A, filter={"expression": "x", "ignoreSelf": False}), trigger(A, filter={"expression": "x"})),
    (trigger(A, filter={"ignoreSelf": False}), trigger(A)),
    (trigger(A), trigger(A, filter={"ignoreSelf": False}, payload={"include": {}})),
    (trigger(A, filter={"expression": "x"}), trigger(A, filter={"expression": "x", "onError": "IGNORE_AND_LOG"})),
    (panel(displayConditions={}, allowMultiple=False), panel()),
    (panel(), panel(displayConditions={}, unlicensedAccess=[])),
    (Content("macro", {"title": "t", "hidden": False, "emitsReadyEvent": False}), Content("macro", {"title": "t"})),
    (Content("jira:entityProperty", {"entityType": "issue"}), Content("jira:entityProperty", {})),
    (panel(icon="resource:main;icons/risk.svg"), panel(icon="https://cdn.example.com/1234/icons/risk.svg")),
    (panel(icon="resource:main;icons/risk.svg"), panel(icon="/assets/risk.svg")),
]


@pytest.mark.parametrize(("declared", "live"), EQUAL)
def test_what_a_server_normalizes_is_no_change(declared: Content, live: Content) -> None:
    found = seen(declared, live)
    assert differences(declared, found) == []
    assert repr(found.data) == repr(declared.data)  # the declared form, character by character
    assert changed_paths(declared, live) == []


@pytest.mark.parametrize(("declared", "live"), [pair for pair in EQUAL if "resource:" not in str(pair[0].data)])
def test_contents_that_a_server_may_exchange_have_one_fingerprint(declared: Content, live: Content) -> None:
    assert fingerprint(declared) == fingerprint(live)


@pytest.mark.parametrize(
    ("declared", "live", "paths"),
    [
        (trigger(A, filter={"expression": "x y"}), trigger(A, filter={"expression": "x  y"}), ["/filter/expression"]),
        (trigger(A, filter={"expression": "x"}), trigger(A, filter={"expression": "X"}), ["/filter/expression"]),
        (trigger(A, filter={"ignoreSelf": True}), trigger(A), ["/filter"]),
        (trigger(A), trigger(A, filter={"ignoreSelf": True}), ["/filter"]),
        (
            trigger(A, filter={"expression": "x"}),
            trigger(A, filter={"expression": "x", "onError": "IGNORE"}),
            ["/filter/onError"],
        ),
        (panel(allowMultiple=False), panel(allowMultiple=True), ["/allowMultiple"]),
        (panel(icon="resource:main;a.svg"), panel(icon="resource:main;b.svg"), ["/icon"]),
        (panel(icon="https://a.example/x"), panel(icon="https://b.example/x"), ["/icon"]),
        (panel(icon="resource:main;a.svg"), panel(icon="avatar"), ["/icon"]),
        (module(v=False), module(), ["/v"]),  # an unknown type: nobody knows what false means there
        (module(), module(v={}), ["/v"]),
        (panel(unknown=False), panel(), ["/unknown"]),
        (Content("jira:jqlFunction", {"types": []}), Content("jira:jqlFunction", {}), ["/types"]),  # required
    ],
)
def test_other_differences_are_drift(declared: Content, live: Content, paths: list[str]) -> None:
    assert differences(declared, seen(declared, live)) == paths


# --- the remembered forms ---------------------------------------------------------------------------------------------------

NORMALIZATIONS: dict[str, tuple[Content, Content, list[str]]] = {
    "upper case": (module(v="abc"), module(v="ABC"), ["/v"]),
    "number as text": (module(v={"n": 1}), module(v={"n": "1"}), ["/v/n"]),
    "text as object": (module(v="abc", w=1), module(v={"value": "abc"}, w=1), ["/v"]),
    "dropped": (module(v=1, w=""), module(v=1), ["/w"]),
    "cut": (module(v=["a", "b", "c"]), module(v=["a", "b"]), ["/v"]),
    "sorted": (module(v=["b", "a"]), module(v=["a", "b"]), ["/v"]),
    "prepended": (module(v=["a"]), module(v=["x", "a"]), ["/v"]),
    "items": (module(v=["a", {"t": "b"}]), module(v=["a", {"t": "B"}]), ["/v/1/t"]),
    "kinds of items": (module(v=["a", "b"]), module(v=["a", {"id": "b"}]), ["/v"]),
    "events as objects": (trigger(A, B), trigger({"eventType": B}, {"eventType": A}), ["/events"]),
    "events renamed": (trigger(A, B), trigger(A, "jira:updated"), ["/events"]),
    "below an event": (
        trigger({"eventType": A, "filter": {"expression": "x"}}),
        trigger({"eventType": A, "filter": {"expression": "(x)"}}),
        ["/events"],
    ),
    "escaped": (module(**{"a/b": {"~": "x"}}), module(**{"a/b": {"~": "y"}}), ["/a~1b/~0"]),
}


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_what_the_server_made_of_our_write_counts_as_declared(name: str) -> None:
    declared, response, paths = NORMALIZATIONS[name]
    assert sorted(normalized_forms(declared, response)) == paths
    assert not same(seen(declared, response), declared)  # without memory it would be a change
    assert seen(declared, response, after=response) == declared
    assert seen(declared, declared, after=response) == declared  # a server that stops doing so


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_any_other_value_is_drift(name: str) -> None:
    declared, response, paths = NORMALIZATIONS[name]

    def changed(value: Any, path: list[str]) -> Any:
        if not path:
            return ["another"] if isinstance(value, list) else "another"
        part, *rest = path
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            return [changed(item, rest) if str(i) == part else item for i, item in enumerate(value)]
        return {**value, part: changed(value.get(part), rest)}

    other = Content(declared.type, changed(response.data, paths[0].split("/")[1:]))
    found = seen(declared, other, after=response)
    assert not same(found, declared)
    assert differences(declared, found) == differences(declared, seen(declared, other))  # and is shown as it is live


def test_another_event_beside_normalized_ones_is_drift() -> None:
    declared, response, _ = NORMALIZATIONS["events as objects"]
    live = trigger({"eventType": B}, {"eventType": A}, {"eventType": C})
    assert differences(declared, seen(declared, live, after=response)) == ["/events"]


def test_a_form_says_nothing_of_the_value() -> None:
    declared, response = module(v="abc"), module(v="hunter2")
    first, second = (normalized_forms(declared, response)["/v"] for _ in range(2))
    assert first != second  # salted: equal secrets of two modules are not seen to be equal
    assert "hunter2" not in first
    assert len(first) < 40


@pytest.mark.parametrize("reorder", [lambda d: d, lambda d: dict(reversed(d.items()))])
def test_the_order_of_names_in_a_response_does_not_matter(reorder: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    declared, response = module(v="x"), module(v={"a": 1, "b": 2})
    live = module(v=reorder({"a": 1, "b": 2}))
    assert seen(declared, live, after=response) == declared
