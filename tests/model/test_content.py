from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_atlassian_forge.model.content import Content, canonical_json, content_of, is_typed, properties_of
from pulumi_atlassian_forge.model.values import UNKNOWN
from tests.support.samples import SAMPLES, TRIGGERS


@pytest.mark.parametrize("props", TRIGGERS)
def test_a_trigger_is_the_content_of_its_properties(props: dict[str, Any]) -> None:
    content = content_of({**props, "key": "k", "installation": "default", "apiVersion": "v1", "__name": ["n"]})
    assert content == Content("trigger", props)
    assert properties_of(content, typed=True) == props


@pytest.mark.parametrize("type_", SAMPLES)
def test_a_module_of_any_type_is_its_type_and_data(type_: str) -> None:
    for data in SAMPLES[type_]:
        content = content_of({"type": type_, "data": {**data, "key": "k"}, "installation": "default"})
        assert content == Content(type_, data)
        assert properties_of(content, typed=False) == {"type": type_, "data": data}


def test_only_a_resource_without_type_and_data_is_typed() -> None:
    assert is_typed({"events": [], "key": "k"})
    assert not is_typed({"type": "trigger"})
    assert not is_typed({"data": {}})


def test_the_order_of_names_is_fixed_at_every_depth() -> None:
    there = {"zeta": {"b": 1, "a": [{"d": 1, "c": 2}]}, "alpha": 1}
    back = {"alpha": 1, "zeta": {"a": [{"c": 2, "d": 1}], "b": 1}}
    sent = canonical_json(content_of({"type": "acme:thing", "data": there}).data)
    assert sent == canonical_json(content_of({"type": "acme:thing", "data": back}).data)
    assert sent == '{"alpha":1,"zeta":{"a":[{"c":2,"d":1}],"b":1}}'


def test_a_trigger_has_the_order_of_the_specification() -> None:
    props = {"payload": {}, "filter": {"onError": "IGNORE", "expression": "x"}, "endpoint": "e", "events": ["b", "a"]}
    expected = '{"events":["b","a"],"endpoint":"e","filter":{"expression":"x","onError":"IGNORE"},"payload":{}}'
    assert canonical_json(content_of(props).data) == expected


def test_properties_of_a_trigger_leave_out_unknown_data() -> None:
    content = Content("trigger", {"events": ["a"], "function": "f", "scopes": ["x"]})
    assert properties_of(content, typed=True) == {"events": ["a"], "function": "f"}


@pytest.mark.parametrize(
    ("props", "data"),
    [({"type": "t", "data": UNKNOWN}, UNKNOWN), ({"type": "t"}, {}), ({"type": "t", "data": None}, {})],
)
def test_data_that_is_no_dictionary(props: dict[str, Any], data: Any) -> None:
    assert content_of(props) == Content("t", data)


def test_the_repr_shows_no_data() -> None:
    assert "hunter2" not in repr(Content("macro", {"title": "hunter2"}))


def test_canonical_json_is_compact_and_keeps_text_as_it_is() -> None:
    value = {"b": "ü\u2028/", "a": [True, None, 1, 1.5]}
    assert canonical_json(value) == '{"b":"ü\u2028/","a":[true,null,1,1.5]}'
    assert json.loads(canonical_json(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_refuses_what_json_has_not(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": value})
