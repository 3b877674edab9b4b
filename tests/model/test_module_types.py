from __future__ import annotations

from typing import Any

import pytest

from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES, ON_ERROR, TYPES
from pulumi_atlassian_forge.model.validation import check_content
from tests.support.samples import SAMPLES

REQUIRED = {
    "trigger": ["events"],
    "jira:issueAction": ["title"],
    "jira:issueActivity": ["title"],
    "jira:issuePanel": ["title", "icon"],
    "jira:issueContext": ["title", "label"],
    "jira:customField": ["name", "description", "type"],
    "jira:customFieldType": ["name", "description", "type"],
    "jira:jqlFunction": ["name", "operators", "types"],
    "jira:entityProperty": ["propertyKey", "values"],
    "confluence:contentAction": ["title"],
    "confluence:contentBylineItem": ["title"],
    "confluence:contentProperty": ["propertyKey", "values"],
    "confluence:contextMenu": ["title"],
    "macro": ["title"],
    "jiraServiceManagement:portalHeader": [],
    "jiraServiceManagement:portalRequestDetail": ["title"],
    "jiraServiceManagement:portalRequestViewAction": ["title"],
}
BY_REFERENCE = ("trigger", "jira:jqlFunction")
NO_CODE = ("jira:customField", "jira:customFieldType", "jira:entityProperty", "confluence:contentProperty")
WITH_UI = [name for name in REQUIRED if name not in (*BY_REFERENCE, *NO_CODE)]
S_XL = ["small", "medium", "large", "xlarge"]
FIELD_TYPES = ["string", "number", "user", "group", "date", "datetime", "object"]

ENUMS: list[tuple[str, str, list[str]]] = [
    *[(name, "render", ["native", "default"]) for name in WITH_UI],
    ("jira:issueAction", "viewportSize", [*S_XL, "max", "resizable"]),
    ("jira:issueActivity", "viewportSize", [*S_XL, "max"]),
    ("jira:issuePanel", "viewportSize", [*S_XL, "max"]),
    ("jira:issuePanel", "unlicensedAccess[0]", ["unlicensed", "customer", "anonymous"]),
    ("jira:issueContext", "status.type", ["badge", "lozenge", "icon"]),
    ("jira:customField", "type", FIELD_TYPES),
    ("jira:customField", "collection", ["none", "list"]),
    ("jira:customFieldType", "type", FIELD_TYPES),
    ("jira:jqlFunction", "operators[0]", ["=", "!=", ">", ">=", "<", "<=", "in", "not in", "~", "!~", "~=", "is", "is not"]),
    ("jira:entityProperty", "entityType", ["issue", "project", "user"]),
    ("jira:entityProperty", "values[0].type", ["number", "string", "text", "user", "date"]),
    ("confluence:contentAction", "viewportSize", [*S_XL, "max", "resizable"]),
    ("confluence:contentAction", "unlicensedAccess[0]", ["unlicensed", "anonymous"]),
    ("confluence:contentBylineItem", "viewportContainer", ["popup", "modal"]),
    ("confluence:contentBylineItem", "viewportSize", [*S_XL, "max", "fullscreen", "resizable"]),
    ("confluence:contentBylineItem", "unlicensedAccess[0]", ["unlicensed", "anonymous"]),
    ("confluence:contextMenu", "viewportSize", ["small", "medium", "large"]),
    ("confluence:contextMenu", "unlicensedAccess[0]", ["unlicensed", "anonymous"]),
    ("macro", "layout", ["inline", "block", "bodied", "inline-bodied"]),
    (
        "jiraServiceManagement:portalHeader",
        "pages[0]",
        [
            *["help_center", "csm_help_center", "portal", "create_request"],
            *["view_request", "my_requests", "approvals", "profile"],
        ],
    ),
    ("jiraServiceManagement:portalHeader", "viewportSize", ["xsmall", *S_XL]),
    ("jiraServiceManagement:portalHeader", "unlicensedAccess[0]", ["unlicensed", "customer", "anonymous"]),
    ("jiraServiceManagement:portalRequestDetail", "layout", ["native", "basic"]),
    ("jiraServiceManagement:portalRequestDetail", "viewportSize", S_XL),
    ("jiraServiceManagement:portalRequestDetail", "unlicensedAccess[0]", ["unlicensed", "customer"]),
    ("jiraServiceManagement:portalRequestViewAction", "viewportSize", ["xsmall", *S_XL, "resizable"]),
    ("jiraServiceManagement:portalRequestViewAction", "unlicensedAccess[0]", ["unlicensed", "customer"]),
    ("trigger", "filter.onError", ["IGNORE_AND_LOG", "IGNORE", "RECEIVE_AND_LOG", "RECEIVE"]),
]


def at(path: str, value: Any) -> dict[str, Any]:
    """The smallest change to a sample that puts a value at a path."""
    if path.endswith("[0]"):
        return {path.removesuffix("[0]"): [value]}
    match path:
        case "status.type":
            return {"status": {"type": value, "value": {"label": "x"}}}
        case "values[0].type":
            return {"values": [{"path": "p", "type": value}]}
        case "filter.onError":
            return {"filter": {"expression": "true", "onError": value}}
    return {path: value}


def problems(type_: str, data: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.path, problem.text) for problem in check_content({"type": type_, "data": data})]


def test_there_are_17_and_each_has_samples() -> None:
    assert len(KNOWN_TYPES) == 17
    assert set(TYPES) == set(KNOWN_TYPES) == set(SAMPLES) == set(REQUIRED)
    assert set(ON_ERROR) == {"IGNORE_AND_LOG", "IGNORE", "RECEIVE_AND_LOG", "RECEIVE"}


@pytest.mark.parametrize("type_", REQUIRED)
def test_both_samples_are_good(type_: str) -> None:
    least, fullest = SAMPLES[type_]
    assert problems(type_, least) == []
    assert problems(type_, fullest) == []
    assert set(least) <= set(fullest) | {"function", "endpoint", "resource"}


@pytest.mark.parametrize(("type_", "name"), [(type_, name) for type_, names in REQUIRED.items() for name in names])
def test_each_required_property_is_missed(type_: str, name: str) -> None:
    for sample in SAMPLES[type_]:
        data = {key: value for key, value in sample.items() if key != name}
        assert problems(type_, data) == [(f"data.{name}", f"data[{name!r}] is required")]


@pytest.mark.parametrize("type_", [*WITH_UI, *BY_REFERENCE])
def test_a_module_type_that_runs_code_has_exactly_one_reference(type_: str) -> None:
    names = ("function", "endpoint") if type_ in BY_REFERENCE else ("resource", "function")
    for sample in SAMPLES[type_]:
        rest = {key: value for key, value in sample.items() if key not in names}
        neither = problems(type_, rest)
        both = problems(type_, {**rest, **dict.fromkeys(names, "main")})
        assert [path for path, _ in neither] == ["data"] == [path for path, _ in both]
        assert "there is neither" in neither[0][1]
        assert "there are both" in both[0][1]
        for name in names:
            assert repr(name) in neither[0][1]
            assert problems(type_, {**rest, name: "main"}) == []


def test_the_samples_use_every_property_of_the_table() -> None:
    for type_, spec in TYPES.items():
        used = {name for sample in SAMPLES[type_] for name in sample}
        assert set(spec.required) <= used
        assert set(spec.optional) - used <= {"function", "endpoint"}


@pytest.mark.parametrize(("type_", "path", "values"), ENUMS, ids=[f"{type_}-{path}" for type_, path, _ in ENUMS])
def test_the_values_of_an_enumeration(type_: str, path: str, values: list[str]) -> None:
    least = SAMPLES[type_][0]
    for value in values:
        assert problems(type_, {**least, **at(path, value)}) == []
    for bad in ("enormous", values[0].upper() + "X", "", 1, True, ["x"]):
        found = problems(type_, {**least, **at(path, bad)})
        assert [where for where, _ in found] == [f"data.{path}"]
        is_error = [problem.is_error for problem in check_content({"type": type_, "data": {**least, **at(path, bad)}})]
        assert is_error == [not isinstance(bad, str)]
        assert f"must be one of {', '.join(values)}" in found[0][1]


@pytest.mark.parametrize("type_", sorted(set(REQUIRED) - {"trigger"}))
def test_properties_outside_the_table_pass(type_: str) -> None:
    for sample in SAMPLES[type_]:
        assert problems(type_, {**sample, "brandNew": {"a": [1]}}) == []


def test_an_unknown_type_is_not_checked() -> None:
    unknown = [("type", "type= is not a known type of dynamic module, so its data is not checked")]
    assert problems("acme:thing", {}) == unknown
    assert problems("acme:thing", {"title": 7, "events": "x"}) == unknown


def test_a_trigger_has_no_other_property() -> None:
    sample = SAMPLES["trigger"][0]
    assert [path for path, _ in problems("trigger", {**sample, "unlicensedAccess": True})] == ["data.unlicensedAccess"]
