"""The table of the 17 known module types. Types and properties that it does not know pass: Atlassian adds some without notice.

Sources: the page of each module in https://developer.atlassian.com/platform/forge/manifest-reference/modules/ for what is
required, the schema of ``@forge/manifest`` 13.7.0 for bounds; if the two differ, the laxer one stands. The ``key`` of a static
module is not in here: the server adds it. The emulator uses the same table; the tests compare it with the vendor's schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .schema import Anything, Bool, Enum, ListOf, ObjectOf, OneOf, Spec, String

REFERENCE: Final = String(255, r"^[a-zA-Z0-9\-._]+$", "1 to 255 of a-z A-Z 0-9 - . _")
"""The key of a function or an endpoint (``ExtensionKey``)."""

_KEY: Final = String(255, r"^[a-zA-Z0-9\-_]+$", "1 to 255 of a-z A-Z 0-9 - _")
_RESOURCE: Final = String(
    47,
    r"^[a-zA-Z0-9_\-]{1,23}(/[a-zA-Z0-9_\-]{1,23})?$",
    "1 to 23 of a-z A-Z 0-9 _ -, or two such parts joined by /",
)
_I18N_KEY: Final = String(
    300,
    r"^[a-zA-Z0-9_\-]+(\.[a-zA-Z0-9_\-]+)*$",
    "parts of a-z A-Z 0-9 _ - joined by dots, at most 300 characters",
)
_TITLE: Final = OneOf(String(255), ObjectOf(required={"i18n": _I18N_KEY}, closed=True))
_LONG_TEXT: Final = OneOf(String(), ObjectOf(required={"i18n": _I18N_KEY}, closed=True))
_SIZES: Final = ("small", "medium", "large", "xlarge")
_ANY: Final = Anything()


def _size(*names: str) -> Spec:
    return OneOf(Enum(names), ObjectOf())  # {width, height} on the pages that name it; an open object on all


def _licenses(*names: str) -> Spec:
    return ListOf(Enum(names))


_UI: Final[Mapping[str, Spec]] = {
    "resource": _RESOURCE,
    "function": _KEY,
    "render": Enum(("native", "default")),
    "resolver": ObjectOf(optional={"function": _KEY, "endpoint": _KEY}),
    "displayConditions": ObjectOf(),
}
_SHORTCUT: Final = ObjectOf(required={"accelerator": String()}, optional={"description": _ANY})
_DYNAMIC: Final = ObjectOf(optional={"function": _KEY})


def _ui(required: Mapping[str, Spec], optional: Mapping[str, Spec]) -> ObjectOf:
    """A module of the user interface: a ``resource``, or a ``function`` of the older UI kit."""
    return ObjectOf(required, {**_UI, **optional}, exactly_one=(("resource", "function"),))


# --- trigger: https://developer.atlassian.com/platform/forge/manifest-reference/modules/trigger/ --------------------------------

ON_ERROR: Final = ("IGNORE_AND_LOG", "IGNORE", "RECEIVE_AND_LOG", "RECEIVE")
FILTER: Final = ObjectOf(
    optional={
        "ignoreSelf": Bool(),
        "expression": String(10_000),
        "onError": Enum(ON_ERROR),
        "appIsLicensed": Bool(),
    },
    closed=True,
    at_least_one=("expression", "ignoreSelf", "appIsLicensed"),
)
PAYLOAD: Final = ObjectOf(
    required={
        "include": ObjectOf(
            optional={"propertyPaths": ListOf(String(), 1), "fields": ListOf(String(), 1)},
            closed=True,
            at_least_one=("propertyPaths", "fields"),
        )
    },
    closed=True,
)
_TRIGGER_REST: Final[Mapping[str, Spec]] = {
    "function": REFERENCE,
    "endpoint": REFERENCE,
    "filter": FILTER,
    "payload": PAYLOAD,
}
_BY: Final = (("function", "endpoint"),)
TRIGGER: Final = ObjectOf({"events": ListOf(String(), 1)}, _TRIGGER_REST, closed=True, exactly_one=_BY)
"""A ``TriggerModule``."""

_EVENT: Final = OneOf(String(), ObjectOf({"eventType": String()}, {"filter": FILTER, "payload": PAYLOAD}, closed=True))
RAW_TRIGGER: Final = ObjectOf({"events": ListOf(_EVENT, 1)}, _TRIGGER_REST, closed=True, exactly_one=_BY)
"""A ``DynamicModule`` of type ``trigger``: its events may be objects, too (schema only: ``FilteredProductEvents``)."""

# --- the others -----------------------------------------------------------------------------------------------------------------

_FIELD_KIND: Final = Enum(("string", "number", "user", "group", "date", "datetime", "object"))
_FIELD: Final[Mapping[str, Spec]] = {
    "collection": Enum(("none", "list")),
    "readOnly": Bool(),
    "view": ObjectOf(),
    "edit": ObjectOf(),
    "validation": ObjectOf(),
    "parser": ObjectOf(),
    "schema": ObjectOf(),
    "searchSuggestions": _ANY,
    "searchAlias": _ANY,
    "displayConditions": ObjectOf(),
}
_FIELD_REQUIRED: Final[Mapping[str, Spec]] = {
    "name": OneOf(String(100), ObjectOf(required={"i18n": _I18N_KEY}, closed=True)),
    "description": OneOf(String(1000), ObjectOf(required={"i18n": _I18N_KEY}, closed=True)),
    "type": _FIELD_KIND,
}
_ALIAS: Final = String(None, r"^[a-zA-Z0-9._\-]+$", "a-z A-Z 0-9 . _ -")
_PAGES: Final = (
    "help_center",
    "csm_help_center",
    "portal",
    "create_request",
    "view_request",
    "my_requests",
    "approvals",
    "profile",
)
_OPERATORS: Final = ("=", "!=", ">", ">=", "<", "<=", "in", "not in", "~", "!~", "~=", "is", "is not")

TYPES: Final[Mapping[str, ObjectOf]] = {
    "trigger": RAW_TRIGGER,
    "jira:issueAction": _ui(
        {"title": _TITLE},
        {"viewportSize": _size(*_SIZES, "max", "resizable")},
    ),
    "jira:issueActivity": _ui({"title": _TITLE}, {"viewportSize": _size(*_SIZES)}),
    "jira:issuePanel": _ui(
        {"title": _TITLE, "icon": String(255)},
        {
            "viewportSize": _size(*_SIZES),
            "allowMultiple": Bool(),
            "unlicensedAccess": _licenses("unlicensed", "customer", "anonymous"),
        },
    ),
    "jira:issueContext": _ui(
        {"title": _TITLE, "label": _TITLE},
        {
            "icon": String(),
            "status": ObjectOf({"type": Enum(("badge", "lozenge", "icon")), "value": ObjectOf()}),
            "dynamicProperties": _DYNAMIC,
        },
    ),
    "jira:customField": ObjectOf(_FIELD_REQUIRED, _FIELD),
    "jira:customFieldType": ObjectOf(_FIELD_REQUIRED, {**_FIELD, "contextConfig": ObjectOf(), "icon": String()}),
    "jira:jqlFunction": ObjectOf(
        {"name": String(), "operators": ListOf(Enum(_OPERATORS), 1), "types": ListOf(String(), 1)},
        {
            "arguments": ListOf(ObjectOf({"name": String(), "required": Bool()})),
            "function": _KEY,
            "endpoint": _KEY,
        },
        exactly_one=_BY,
    ),
    "jira:entityProperty": ObjectOf(
        {
            "propertyKey": String(255),
            "values": ListOf(
                ObjectOf(
                    {"path": String(), "type": Enum(("number", "string", "text", "user", "date"))},
                    {"searchAlias": _ALIAS},
                )
            ),
        },
        {"entityType": Enum(("issue", "project", "user"))},
    ),
    "confluence:contentAction": _ui(
        {"title": _TITLE},
        {
            "viewportSize": _size(*_SIZES, "max", "resizable"),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _licenses("unlicensed", "anonymous"),
        },
    ),
    "confluence:contentBylineItem": _ui(
        {"title": _TITLE},
        {
            "tooltip": _LONG_TEXT,
            "icon": String(),
            "description": _LONG_TEXT,
            "viewportContainer": Enum(("popup", "modal")),
            "viewportSize": _ANY,
            "dynamicProperties": _DYNAMIC,
            "contentPropertyKey": String(),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _licenses("unlicensed", "anonymous"),
        },
    ),
    "confluence:contentProperty": ObjectOf(
        {
            "propertyKey": String(100, r"^[a-zA-Z0-9_]+$", "1 to 100 of a-z A-Z 0-9 _"),
            "values": ListOf(
                ObjectOf({"path": String(), "type": String()}, {"searchAlias": String(), "uiSupport": ObjectOf()}),
            ),
        },
    ),
    "confluence:contextMenu": _ui(
        {"title": _TITLE},
        {
            "description": _LONG_TEXT,
            "viewportSize": _size("small", "medium", "large"),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _licenses("unlicensed", "anonymous"),
        },
    ),
    "macro": _ui(
        {"title": _TITLE},
        {
            "description": OneOf(String(10_000), ObjectOf(required={"i18n": _I18N_KEY}, closed=True)),
            "icon": String(),
            "layout": Enum(("inline", "block", "bodied", "inline-bodied")),
            "autoConvert": ObjectOf({"matchers": ListOf(ObjectOf({"pattern": String()}), 1)}),
            "adfExport": ObjectOf({"function": _KEY}),
            "hidden": Bool(),
            "emitsReadyEvent": Bool(),
        },
    ),
    "jiraServiceManagement:portalHeader": _ui(
        {},
        {
            "pages": ListOf(Enum(_PAGES)),
            "viewportSize": _size("xsmall", *_SIZES),
            "unlicensedAccess": _licenses("unlicensed", "customer", "anonymous"),
        },
    ),
    "jiraServiceManagement:portalRequestDetail": _ui(
        {"title": _TITLE},
        {
            "icon": String(),
            "layout": Enum(("native", "basic")),
            "viewportSize": _size(*_SIZES),
            "unlicensedAccess": _licenses("unlicensed", "customer"),
        },
    ),
    "jiraServiceManagement:portalRequestViewAction": _ui(
        {"title": _TITLE},
        {"icon": String(), "viewportSize": _size("xsmall", *_SIZES), "unlicensedAccess": _licenses("unlicensed", "customer")},
    ),
}

KNOWN_TYPES: Final = frozenset(TYPES)

DEFAULTS: Final[Mapping[str, Mapping[tuple[str, ...], Any]]] = {
    "trigger": {("filter", "onError"): "IGNORE_AND_LOG", ("events", "*", "filter", "onError"): "IGNORE_AND_LOG"},
    "jira:entityProperty": {("entityType",): "issue"},
    "confluence:contentBylineItem": {("viewportContainer",): "popup"},
}
"""The documented defaults, by type and path: a value that equals its default equals an absent one, in comparison only."""
