"""The text of a fault rule, and which requests it is about."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pulumi_atlassian_forge.emulator.faults import FaultRule
from pulumi_atlassian_forge.emulator.requests import Route


def test_a_rule_is_read_from_its_text() -> None:
    text = "method=POST, on=module,version=v2,nth=3,times=2,chance=0.5,seed=7,action=503,retry-after=2,latency=10"
    assert FaultRule.parse(text) == FaultRule(
        method="POST", on="module", version="v2", nth=3, times=2, chance=0.5, seed=7, action="503", retry_after=2, latency=10
    )
    assert FaultRule.parse("action=hang,seconds=0.5") == FaultRule(action="hang", seconds=0.5)


@pytest.mark.parametrize(
    "rule",
    ["action=400", "action=599", "action=502-html", "action=late-400", "action=late-599", "action=late-503,retry-after=0",
     "action=429-html,retry-after=1", "latency=1", "rate=1", "latency=1,rate=1", "latency=1,action=drop"],
)  # fmt: skip
def test_a_valid_rule_is_parsed(rule: str) -> None:
    FaultRule.parse(rule)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("", "'' is not of the form name=value"),
        ("lose", "'lose' is not of the form name=value"),
        ("action=lose,", "'' is not of the form name=value"),
        ("metod=POST,action=lose", "metod is not a key of a rule; did you mean method?; there are method, on, version, nth"),
        ("retry_after=1,action=429", "did you mean retry-after?"),
        ("xyz=1,action=429", "xyz is not a key of a rule; there are"),
        ("action=loose", "loose is not an action; did you mean lose?; there are drop, <status>"),
        ("action=399", "399 is not an action"),
        ("action=600", "600 is not an action"),
        ("action=5000", "5000 is not an action"),
        ("action=500-502", "500-502 is not an action"),
        ("action=<status>", "<status> is not an action"),
        ("action=late-<status>", "late-<status> is not an action"),
        ("action=500,nth=1,action=503", "action is given twice"),
        ("action=500,method=post", "method must be one of any, GET, POST, PUT, DELETE, and is 'post'"),
        ("action=500,on=lists", "on must be one of any, list, module"),
        ("action=500,version=v3", "version must be one of any, v1, v2"),
        ("action=500,nth=0", "nth must be a whole number, 1 or more, and is 0"),
        ("action=500,nth=1.5", "nth must be a whole number, 1 or more, and is '1.5'"),
        ("action=500,times=-1", "times must be a whole number, 0 or more, and is -1"),
        ("action=500,chance=1.1", "chance must be a number from 0 to 1, and is 1.1"),
        ("action=500,chance=nan", "chance must be a number from 0 to 1, and is nan"),
        ("action=hang,seconds=inf", "seconds must be a number from 0 to 3600, and is inf"),
        ("latency=3600001", "latency must be a whole number from 0 to 3600000"),
        ("nth=3", "it does nothing: give it an action, a latency or a rate"),
        ("rate=0", "it does nothing"),
        ("rate=1,action=500", "it has an action and a rate: write two rules"),
        ("action=lose,seconds=1", "seconds is for the action hang only"),
        ("action=500,retry-after=1", "retry-after is for an action with 429 or 503 only"),
        ("rate=1,retry-after=1", "retry-after is for an action with 429 or 503 only"),
    ],
)
def test_an_error_names_the_rule_and_what_there_is(rule: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        FaultRule.parse(rule)
    assert str(caught.value).startswith(f"the fault {rule!r} cannot be used: ")


@pytest.mark.parametrize("values", [{"nth": "3"}, {"times": True}, {"chance": None}, {"retry_after": 1.5}, {"action": None}])
def test_values_of_another_type_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(values)).replace("_", "-")):
        FaultRule(**{"action": "503", **values})


LIST, MODULE = Route("v1", None), Route("v1", "k")


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ("", {"GET list", "GET module", "POST", "PUT", "v2", "nowhere"}),
        ("method=GET,", {"GET list", "GET module", "v2", "nowhere"}),
        ("on=list,", {"GET list", "v2"}),
        ("on=module,", {"GET module", "POST", "PUT"}),
        ("version=v1,", {"GET list", "GET module", "POST", "PUT"}),
        ("version=v2,", {"v2"}),
        ("method=PUT,on=module,version=v1,", {"PUT"}),
        ("method=DELETE,", set()),
    ],
)
def test_which_requests_a_rule_matches(rule: str, met: set[str]) -> None:
    requests = {
        "GET list": ("GET", LIST),
        "GET module": ("GET", MODULE),
        "POST": ("POST", LIST),
        "PUT": ("PUT", MODULE),
        "v2": ("GET", Route("v2", None)),
        "nowhere": ("GET", None),
    }
    parsed = FaultRule.parse(f"{rule}action=500")
    assert {name for name, request in requests.items() if parsed.matches(*request)} == met


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ("action=500", [1]),
        ("action=500,nth=3", [3]),
        ("action=500,nth=3,times=2", [3, 4]),
        ("action=500,nth=5,times=0", [5, 6]),
        ("latency=1", [1, 2, 3, 4, 5, 6]),
        ("rate=1,nth=6", [6]),
        ("latency=1,times=1", [1]),
        ("latency=1,action=500", [1]),
    ],
)
def test_to_which_of_the_requests_a_rule_applies(rule: str, hit: list[int]) -> None:
    assert [number for number in range(1, 7) if FaultRule.parse(rule).applies_to(number)] == hit
