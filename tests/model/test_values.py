from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from pulumi_atlassian_forge.model.content import normalize
from pulumi_atlassian_forge.model.values import UNKNOWN, contains_unknown, depth


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        (3.0, 3),
        (-0.0, 0),
        (2.5, 2.5),
        (float(2**53), 2**53),
        (True, True),
        (None, None),
        ("3.0", "3.0"),
        ((1.0, (2.0,)), [1, [2]]),
        ({"a": None, "b": {"c": None}, "d": [None]}, {"b": {}, "d": [None]}),
        ({}, {}),
        ([], []),
    ],
)
def test_the_normal_form(value: Any, normal: Any) -> None:
    found = normalize(value)
    assert found == normal
    assert type(found) is type(normal)


@pytest.mark.parametrize("value", [1e300, float("inf"), float("-inf"), float("nan"), float(2**54)])
def test_a_float_that_is_no_exact_integer_stays_one(value: float) -> None:
    assert normalize(value) is value


def test_numbers_inside_become_integers() -> None:
    assert repr(normalize({"a": [1.0, {"b": 2.0}]})) == "{'a': [1, {'b': 2}]}"


def test_normalising_copies_containers_and_keeps_unknown() -> None:
    value = {"a": [UNKNOWN], "b": UNKNOWN}
    found = normalize(value)
    assert found == value
    assert found is not value
    assert found["a"] is not value["a"]
    assert found["b"] is UNKNOWN


def test_unknown_is_one_object_however_it_is_copied() -> None:
    assert copy.copy(UNKNOWN) is UNKNOWN
    assert copy.deepcopy({"a": [UNKNOWN]})["a"][0] is UNKNOWN
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN
    assert repr(UNKNOWN) == "UNKNOWN"


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN], (1, UNKNOWN), {"a": {"b": [0, UNKNOWN]}}])
def test_unknown_is_found_at_any_depth(value: Any) -> None:
    assert contains_unknown(value)


@pytest.mark.parametrize("value", [None, "UNKNOWN", [], {}, {"UNKNOWN": 1}])
def test_what_is_known_is_not_unknown(value: Any) -> None:
    assert not contains_unknown(value)


@pytest.mark.parametrize(("value", "levels"), [(1, 0), ([], 1), ({}, 1), ({"a": [1, (2,)]}, 3), ([[], {"a": {}}], 3)])
def test_depth_counts_containers(value: Any, levels: int) -> None:
    assert depth(value) == levels


def test_depth_does_not_recurse() -> None:
    value: Any = 1
    for _ in range(10_000):
        value = [value]
    assert depth(value) == 10_000
