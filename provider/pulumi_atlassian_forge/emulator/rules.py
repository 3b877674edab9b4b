"""What the emulator takes as the ``data`` of the 17 types (rows 6 and 21).

A table of its own, written from the reference and not from the provider's: a mistake in one must not hide in the other. A test
compares what the two say.
"""

from __future__ import annotations

from typing import Any, Final

from .checks import Check, among, anything, both, each, either, flag, record, text

_NAME: Final = text(255, r"[a-zA-Z0-9_-]+")
_EXTENSION: Final = text(255, r"[a-zA-Z0-9._-]+")
_RESOURCE: Final = text(47, r"[a-zA-Z0-9_-]{1,23}(/[a-zA-Z0-9_-]{1,23})?")
_I18N: Final = record({"i18n*": text(300, r"[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*")}, closed=True)
_OBJECT: Final = record()


def _words(longest: int | None = None) -> Check:
    """A text that people read: itself, or the key of its translations."""
    return either(text(longest), _I18N)


def _size(names: str) -> Check:
    return either(among(names), _OBJECT)


def _module(properties: dict[str, Check]) -> Check:
    """Something with a user interface."""
    shared = {
        "resource": _RESOURCE,
        "function": _NAME,
        "render": among("native/default"),
        "resolver": record({"function": _NAME, "endpoint": _NAME}),
        "displayConditions": _OBJECT,
    }
    return record(shared | properties, one="resource/function")


# --- trigger ----------------------------------------------------------------------------------------------------------------

_ON_ERROR: Final = among("IGNORE_AND_LOG/IGNORE/RECEIVE_AND_LOG/RECEIVE")


def _no_handling_without_expression(value: dict[str, Any], where: str) -> str | None:
    return f"{where}.onError needs {where}.expression" if "onError" in value and "expression" not in value else None


_FILTER: Final = both(
    record(
        {"ignoreSelf": flag, "expression": text(10_000), "onError": _ON_ERROR, "appIsLicensed": flag},
        closed=True,
        some="ignoreSelf/expression/appIsLicensed",
    ),
    _no_handling_without_expression,
)
_STRINGS: Final = each(text(), least=1)
_INCLUDE: Final = record({"propertyPaths": _STRINGS, "fields": _STRINGS}, closed=True, some="propertyPaths/fields")
_PAYLOAD: Final = record({"include*": _INCLUDE}, closed=True)
_EVENT: Final = either(text(), record({"eventType*": text(), "filter": _FILTER, "payload": _PAYLOAD}, closed=True))


def _own_events_of_jira_only(value: dict[str, Any], where: str) -> str | None:
    shared = value.get("filter", {}).get("ignoreSelf") is True
    for index, event in enumerate(value["events"]):
        name, own = (event["eventType"], event.get("filter", {})) if isinstance(event, dict) else (event, {})
        if (shared or own.get("ignoreSelf") is True) and "jira" not in name:
            return f"{where}.filter.ignoreSelf is for events of jira, which {where}.events[{index}] is not"
    return None


_TRIGGER: Final = both(
    record(
        {
            "events*": each(_EVENT, least=1),
            "function": _EXTENSION,
            "endpoint": _EXTENSION,
            "filter": _FILTER,
            "payload": _PAYLOAD,
        },
        closed=True,
        one="function/endpoint",
    ),
    _own_events_of_jira_only,
)

# --- the others -------------------------------------------------------------------------------------------------------------

_S_XL: Final = "small/medium/large/xlarge"
_EVERYONE: Final = each(among("unlicensed/customer/anonymous"))
_OF_CONFLUENCE: Final = each(among("unlicensed/anonymous"))
_OF_PORTAL: Final = each(among("unlicensed/customer"))
_SHORTCUT: Final = record({"accelerator*": text()})
_DYNAMIC: Final = record({"function": _NAME})
_FIELD: Final = {
    "name*": _words(100),
    "description*": _words(1000),
    "type*": among("string/number/user/group/date/datetime/object"),
    "collection": among("none/list"),
    "readOnly": flag,
    **dict.fromkeys(("view", "edit", "validation", "parser", "schema", "displayConditions"), _OBJECT),
}
_JQL: Final = {
    "name*": text(),
    "operators*": each(among("=/!=/>/>=/</<=/in/not in/~/!~/~=/is/is not"), least=1),
    "types*": each(text(), least=1),
    "arguments": each(record({"name*": text(), "required*": flag})),
    "function": _NAME,
    "endpoint": _NAME,
}
_ENTITY_VALUE: Final = record(
    {"path*": text(), "type*": among("number/string/text/user/date"), "searchAlias": text(None, r"[a-zA-Z0-9._-]+")}
)
_CONTENT_VALUE: Final = record({"path*": text(), "type*": text(), "searchAlias": text(), "uiSupport": _OBJECT})
_STATUS: Final = record({"type*": among("badge/lozenge/icon"), "value*": _OBJECT})
_PAGES: Final = among("help_center/csm_help_center/portal/create_request/view_request/my_requests/approvals/profile")

_JIRA: Final[dict[str, Check]] = {
    "jira:issueAction": _module({"title*": _words(255), "viewportSize": _size(f"{_S_XL}/max/resizable")}),
    "jira:issueActivity": _module({"title*": _words(255), "viewportSize": _size(_S_XL)}),
    "jira:issuePanel": _module(
        {
            "title*": _words(255),
            "icon*": text(255),
            "viewportSize": _size(_S_XL),
            "allowMultiple": flag,
            "unlicensedAccess": _EVERYONE,
        }
    ),
    "jira:issueContext": _module(
        {"title*": _words(255), "label*": _words(255), "icon": text(), "status": _STATUS, "dynamicProperties": _DYNAMIC}
    ),
    "jira:customField": record(_FIELD),
    "jira:customFieldType": record({**_FIELD, "contextConfig": _OBJECT, "icon": text()}),
    "jira:jqlFunction": record(_JQL, one="function/endpoint"),
    "jira:entityProperty": record(
        {"propertyKey*": text(255), "values*": each(_ENTITY_VALUE), "entityType": among("issue/project/user")}
    ),
}
_CONFLUENCE: Final[dict[str, Check]] = {
    "confluence:contentAction": _module(
        {
            "title*": _words(255),
            "viewportSize": _size(f"{_S_XL}/max/resizable"),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _OF_CONFLUENCE,
        }
    ),
    "confluence:contentBylineItem": _module(
        {
            "title*": _words(255),
            "tooltip": _words(),
            "icon": text(),
            "description": _words(),
            "viewportContainer": among("popup/modal"),
            "viewportSize": anything,
            "dynamicProperties": _DYNAMIC,
            "contentPropertyKey": text(),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _OF_CONFLUENCE,
        }
    ),
    "confluence:contentProperty": record({"propertyKey*": text(100, r"[a-zA-Z0-9_]+"), "values*": each(_CONTENT_VALUE)}),
    "confluence:contextMenu": _module(
        {
            "title*": _words(255),
            "description": _words(),
            "viewportSize": _size("small/medium/large"),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _OF_CONFLUENCE,
        }
    ),
    "macro": _module(
        {
            "title*": _words(255),
            "description": _words(10_000),
            "icon": text(),
            "layout": among("inline/block/bodied/inline-bodied"),
            "autoConvert": record({"matchers*": each(record({"pattern*": text()}), least=1)}),
            "adfExport": record({"function*": _NAME}),
            "hidden": flag,
            "emitsReadyEvent": flag,
        }
    ),
}
_SERVICE: Final[dict[str, Check]] = {
    "jiraServiceManagement:portalHeader": _module(
        {"pages": each(_PAGES), "viewportSize": _size(f"xsmall/{_S_XL}"), "unlicensedAccess": _EVERYONE}
    ),
    "jiraServiceManagement:portalRequestDetail": _module(
        {
            "title*": _words(255),
            "icon": text(),
            "layout": among("native/basic"),
            "viewportSize": _size(_S_XL),
            "unlicensedAccess": _OF_PORTAL,
        }
    ),
    "jiraServiceManagement:portalRequestViewAction": _module(
        {"title*": _words(255), "icon": text(), "viewportSize": _size(f"xsmall/{_S_XL}"), "unlicensedAccess": _OF_PORTAL}
    ),
}

TYPES: Final[dict[str, Check]] = {"trigger": _TRIGGER, **_JIRA, **_CONFLUENCE, **_SERVICE}
"""What is held against ``data``, per type."""

_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "jira:entityProperty": {"entityType": "issue"},
    "confluence:contentBylineItem": {"viewportContainer": "popup"},
}


def problem(type_: str, data: dict[str, Any]) -> str | None:
    """What is wrong with a module.

    Args:
        type_: Its type.
        data: Its data; ``key`` in it is the server's and not looked at.

    Returns:
        A sentence that names the property, or None.
    """
    check = TYPES.get(type_)
    if check is None:
        return f"type {type_!r} is not a dynamic module's"
    return check({name: value for name, value in data.items() if name != "key"}, "data")


def with_defaults(type_: str, data: dict[str, Any]) -> dict[str, Any]:
    """The data with the documented defaults of what was not sent.

    Args:
        type_: The module's type.
        data: Its data.
    """
    if type_ != "trigger":
        return _DEFAULTS.get(type_, {}) | data
    filter_ = data.get("filter")
    if not isinstance(filter_, dict) or "expression" not in filter_ or "onError" in filter_:
        return data
    return {**data, "filter": {**filter_, "onError": "IGNORE_AND_LOG"}}
