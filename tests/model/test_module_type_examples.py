"""The table of module types by examples: what each type takes, and what it refuses with the name of the property."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES, TYPES
from pulumi_atlassian_forge.model.validation import check_content

TRIGGER = {"events": ["avi:jira:updated:issue"], "function": "f"}
UI = {"title": "T", "resource": "r"}
FIELD = {"name": "N", "description": "D", "type": "string"}
JQL = {"name": "n", "operators": ["="], "types": ["issue"], "arguments": [{"name": "a", "required": True}], "function": "f"}
ENTITY = {"propertyKey": "p", "values": [{"path": "a.b", "type": "number"}]}
JIRA = "avi:jira:created:issue"

MINIMAL: dict[str, dict[str, Any]] = {
    "trigger": TRIGGER,
    "jira:issueAction": UI,
    "jira:issueActivity": UI,
    "jira:issuePanel": {**UI, "icon": "i"},
    "jira:issueContext": {**UI, "label": "L"},
    "jira:customField": FIELD,
    "jira:customFieldType": FIELD,
    "jira:jqlFunction": JQL,
    "jira:entityProperty": ENTITY,
    "confluence:contentAction": UI,
    "confluence:contentBylineItem": UI,
    "confluence:contentProperty": ENTITY,
    "confluence:contextMenu": UI,
    "macro": UI,
    "jiraServiceManagement:portalHeader": {"resource": "r"},
    "jiraServiceManagement:portalRequestDetail": UI,
    "jiraServiceManagement:portalRequestViewAction": UI,
}
WITH_TITLE = sorted(name for name, data in MINIMAL.items() if "title" in data)
WITH_UI = sorted(name for name, data in MINIMAL.items() if "resource" in data)
LONG = "x" * 256
BAD_TITLES: tuple[Any, ...] = ("", LONG, 1, {}, {"i18n": "a..b"}, {"i18n": "a", "b": 1})

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("trigger", {"function": None, "endpoint": "a.b-c"}),
    ("trigger", {"events": [{"eventType": JIRA, "filter": {"ignoreSelf": False}, "payload": {"include": {"fields": ["a"]}}}]}),
    ("trigger", {"events": [{"eventType": JIRA}, "avi:jira:deleted:issue"]}),
    ("trigger", {"events": [{"eventType": JIRA, "other": 1}]}),
    ("jira:issueActivity", {"viewportSize": "max"}),
    ("jira:jqlFunction", {"operators": [], "types": []}),
    ("confluence:contentProperty", {"propertyKey": "a-b"}),
    ("trigger", {"filter": {"expression": "true", "onError": "IGNORE", "ignoreSelf": True, "appIsLicensed": False}}),
    ("trigger", {"payload": {"include": {"propertyPaths": ["a"], "fields": ["b"]}}}),
    ("trigger", {"filter": {"expression": "x" * 10_000}}),
    *[(name, {"title": {"i18n": "a.b-c"}}) for name in WITH_TITLE],
    *[(name, {"render": "native", "resolver": {"endpoint": "e"}, "displayConditions": {"a": 1}, "other": 1}) for name in WITH_UI],
    *[(name, {"resource": None, "function": "f"}) for name in WITH_UI],
    ("jira:issueAction", {"viewportSize": "resizable"}),
    ("jira:issueAction", {"viewportSize": {"width": "1px", "height": "1px"}}),
    ("jira:issuePanel", {"allowMultiple": True, "unlicensedAccess": ["unlicensed", "customer", "anonymous"]}),
    ("jira:issueContext", {"status": {"type": "badge", "value": {"label": "1"}}, "dynamicProperties": {"function": "f"}}),
    ("jira:customField", {"type": "object", "collection": "list", "readOnly": True, "schema": {}, "searchAlias": 1}),
    ("jira:customFieldType", {"contextConfig": {"function": "f"}, "icon": "i"}),
    ("jira:jqlFunction", {"operators": ["not in", "!~", "~="], "arguments": [], "function": None, "endpoint": "e"}),
    ("jira:entityProperty", {"entityType": "user", "values": [{"path": "p", "type": "text", "searchAlias": "a.b_c-1"}]}),
    ("jira:entityProperty", {"values": []}),
    ("confluence:contentAction", {"keyboardShortcut": {"accelerator": "a", "description": "d"}, "unlicensedAccess": []}),
    ("confluence:contentBylineItem", {"viewportContainer": "modal", "viewportSize": "fullscreen", "tooltip": {"i18n": "a"}}),
    ("confluence:contentProperty", {"values": [{"path": "p", "type": "user", "uiSupport": {"name": "n", "valueType": "label"}}]}),
    ("confluence:contextMenu", {"viewportSize": "large", "description": LONG}),
    ("macro", {"layout": "inline-bodied", "autoConvert": {"matchers": [{"pattern": "p"}]}, "adfExport": {"function": "f"}}),
    ("macro", {"description": "x" * 10_000, "hidden": False, "categories": ["a"], "config": True}),
    ("jiraServiceManagement:portalHeader", {"pages": ["csm_help_center"], "viewportSize": "xsmall"}),
    ("jiraServiceManagement:portalRequestDetail", {"layout": "basic", "unlicensedAccess": ["customer"]}),
    ("jiraServiceManagement:portalRequestViewAction", {"viewportSize": "xsmall", "icon": "i"}),
]  # fmt: skip

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("trigger", {"endpoint": "e"}, "endpoint"),
    ("trigger", {"function": None}, "function"),
    ("trigger", {"function": "a b"}, "function"),
    ("trigger", {"function": "f\n"}, "function"),
    ("trigger", {"function": LONG}, "function"),
    ("trigger", {"events": []}, "events"),
    ("trigger", {"events": "e"}, "events"),
    ("trigger", {"events": [""]}, "events[0]"),
    ("trigger", {"events": [{"filter": {"ignoreSelf": True}}]}, "eventType"),
    ("trigger", {"unlicensedAccess": []}, "unlicensedAccess"),
    ("trigger", {"filter": {}}, "filter"),
    ("trigger", {"filter": {"onError": "IGNORE"}}, "filter"),
    ("trigger", {"filter": {"ignoreSelf": True, "onError": "IGNORE"}}, "onError"),
    ("trigger", {"filter": {"ignoreSelf": 1}}, "ignoreSelf"),
    ("trigger", {"filter": {"expression": "x" * 10_001}}, "expression"),
    ("trigger", {"filter": {"expression": "true", "onError": "PANIC"}}, "onError"),
    ("trigger", {"filter": {"expression": "true", "on_error": "IGNORE"}}, "on_error"),
    ("trigger", {"events": ["avi:confluence:created:page"], "filter": {"ignoreSelf": True}}, "ignoreSelf"),
    ("trigger", {"events": [{"eventType": "e", "filter": {"ignoreSelf": True}}]}, "ignoreSelf"),
    ("trigger", {"payload": {}}, "include"),
    ("trigger", {"payload": {"include": {}}}, "include"),
    ("trigger", {"payload": {"include": {"fields": []}}}, "fields"),
    ("trigger", {"payload": {"include": {"fields": [1]}}}, "fields[0]"),
    *[(name, {required: None}, required) for name, data in MINIMAL.items() for required in data if required != "arguments"],
    *[(name, {"title": title}, "title") for name in WITH_TITLE for title in BAD_TITLES],
    *[(name, {"function": "f"}, "resource") for name in WITH_UI],
    *[(name, {"resource": "a/b/c"}, "resource") for name in WITH_UI],
    *[(name, {"resource": "x" * 24}, "resource") for name in WITH_UI],
    *[(name, {"render": "other"}, "render") for name in WITH_UI],
    *[(name, {"resolver": {"function": "a b"}}, "resolver") for name in WITH_UI],
    *[(name, {"displayConditions": []}, "displayConditions") for name in WITH_UI],
    ("jira:issueAction", {"viewportSize": "xsmall"}, "viewportSize"),
    ("jira:issueActivity", {"viewportSize": "resizable"}, "viewportSize"),
    ("jira:issueActivity", {"viewportSize": {"width": "1px"}}, "viewportSize"),
    ("jira:issuePanel", {"allowMultiple": "yes"}, "allowMultiple"),
    ("jira:issuePanel", {"icon": LONG}, "icon"),
    ("jira:issuePanel", {"unlicensedAccess": ["nobody"]}, "unlicensedAccess"),
    ("jira:issueContext", {"status": {"type": "other", "value": {}}}, "status"),
    ("jira:issueContext", {"status": {"type": "icon"}}, "status"),
    ("jira:customField", {"type": "text"}, "type"),
    ("jira:customField", {"name": "x" * 101}, "name"),
    ("jira:customField", {"view": {"formatter": {}}}, "view.formatter.expression"),
    ("jira:customField", {"view": {"experience": ["nowhere"]}}, "view.experience[0]"),
    ("jira:customField", {"edit": {"isInline": 1}}, "edit.isInline"),
    ("jira:customField", {"edit": {"resource": "a b"}}, "edit.resource"),
    ("jira:customField", {"searchSuggestions": {}}, "searchSuggestions"),
    ("jira:customField", {"resolver": {}}, "resolver"),
    ("jira:customFieldType", {"contextConfig": {}}, "contextConfig"),
    ("jira:customFieldType", {"description": "x" * 1001}, "description"),
    ("jira:customFieldType", {"collection": "set"}, "collection"),
    ("jira:jqlFunction", {"operators": ["=="]}, "operators"),
    ("jira:jqlFunction", {"types": ["epic"]}, "types[0]"),
    ("jira:jqlFunction", {"arguments": [{"name": "a"}]}, "arguments"),
    ("jira:jqlFunction", {"endpoint": "e"}, "endpoint"),
    ("jira:entityProperty", {"entityType": "board"}, "entityType"),
    ("jira:entityProperty", {"propertyKey": LONG}, "propertyKey"),
    ("jira:entityProperty", {"values": [{"path": "p", "type": "boolean"}]}, "type"),
    ("jira:entityProperty", {"values": [{"path": "p", "type": "text", "searchAlias": "a b"}]}, "searchAlias"),
    ("confluence:contentAction", {"keyboardShortcut": {}}, "accelerator"),
    ("confluence:contentAction", {"unlicensedAccess": ["customer"]}, "unlicensedAccess"),
    ("confluence:contentBylineItem", {"viewportContainer": "panel"}, "viewportContainer"),
    ("confluence:contentProperty", {"propertyKey": "x" * 101}, "propertyKey"),
    ("confluence:contentProperty", {"values": [{"path": "p", "type": "date", "uiSupport": {}}]}, "uiSupport.name"),
    ("confluence:contentProperty", {"values": [{"type": "t"}]}, "path"),
    ("confluence:contextMenu", {"viewportSize": "xlarge"}, "viewportSize"),
    ("macro", {"autoConvert": {"matchers": []}}, "matchers"),
    ("macro", {"description": "x" * 10_001}, "description"),
    ("macro", {"layout": "block-bodied"}, "layout"),
    ("macro", {"hidden": 0}, "hidden"),
    ("macro", {"adfExport": {}}, "function"),
    ("jiraServiceManagement:portalHeader", {"pages": ["home"]}, "pages"),
    ("jiraServiceManagement:portalRequestDetail", {"layout": "default"}, "layout"),
    ("jiraServiceManagement:portalRequestDetail", {"viewportSize": "xsmall"}, "viewportSize"),
    ("jiraServiceManagement:portalRequestViewAction", {"unlicensedAccess": ["anonymous"]}, "unlicensedAccess"),
]  # fmt: skip


def changed(type_: str, change: dict[str, Any]) -> dict[str, Any]:
    """The least that a type takes, with some properties set, and removed where they are None."""
    return {name: value for name, value in {**MINIMAL[type_], **change}.items() if value is not None}


def problems(type_: str, data: dict[str, Any]) -> list[str]:
    return [f"{found.path}: {found.text}" for found in check_content({"type": type_, "data": data})]


def test_the_examples_are_of_the_17_known_types() -> None:
    assert set(TYPES) == set(KNOWN_TYPES) == set(MINIMAL)
    assert len(TYPES) == 17


@pytest.mark.parametrize("type_", sorted(MINIMAL))
def test_the_least_and_the_servers_key_pass(type_: str) -> None:
    for data in (MINIMAL[type_], {**MINIMAL[type_], "key": "k"}):
        assert problems(type_, data) == []


@pytest.mark.parametrize(("type_", "change"), GOOD, ids=[f"{type_}-{'-'.join(change)}" for type_, change in GOOD])
def test_good_data_passes(type_: str, change: dict[str, Any]) -> None:
    assert problems(type_, changed(type_, change)) == []


@pytest.mark.parametrize(("type_", "change", "named"), BAD, ids=[f"{type_}-{named}" for type_, _, named in BAD])
def test_bad_data_is_refused_by_the_name_of_the_property(type_: str, change: dict[str, Any], named: str) -> None:
    found = problems(type_, changed(type_, change))
    assert any(named in problem for problem in found)
    assert all(problem.startswith("data") for problem in found)
