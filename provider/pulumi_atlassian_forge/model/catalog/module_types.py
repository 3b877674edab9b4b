"""The table of the 17 known module types. Types and properties that it does not know pass: Atlassian adds some without notice.

Sources: the page of each module in https://developer.atlassian.com/platform/forge/manifest-reference/modules/ for what is
required, the schema of ``@forge/manifest`` 13.7.0 for bounds; if the two differ, the laxer one stands. The ``key`` of a static
module is not in here: the server adds it. The emulator uses the same table; the tests compare it with the vendor's schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from .schema import Anything, Bool, Enum, ListOf, ObjectOf, OneOf, Spec, String

REFERENCE_MAX_LENGTH: Final = 255
REFERENCE: Final = String(REFERENCE_MAX_LENGTH, r"^[a-zA-Z0-9\-._]+$", "1 to 255 of a-z A-Z 0-9 - . _")
"""The key of a function or an endpoint (``ExtensionKey``)."""

_KEY: Final = String(255, r"^[a-zA-Z0-9\-_]+$", "1 to 255 of a-z A-Z 0-9 - _")
_RESOURCE: Final = String(
    47, r"^[a-zA-Z0-9_\-]{1,23}(/[a-zA-Z0-9_\-]{1,23})?$", "1 to 23 of a-z A-Z 0-9 _ -, or two such parts joined by /"
)
_I18N_KEY: Final = String(
    300, r"^[a-zA-Z0-9_\-]+(\.[a-zA-Z0-9_\-]+)*$", "parts of a-z A-Z 0-9 _ - joined by dots, at most 300 characters"
)
_ALIAS: Final = String(255, r"^[a-zA-Z0-9._\-]+$", "a-z A-Z 0-9 . _ -")
_TEXT: Final = String(min_length=0)
_SHORT: Final = String(255)
_ANY: Final = Anything()
_BY: Final = (("function", "endpoint"),)


def _translatable(max_length: int | None = None, min_length: Literal[0, 1] = 1) -> OneOf:
    """A text for people: itself, or the key of its translations."""
    return OneOf(String(max_length, min_length=min_length), ObjectOf({"i18n": _I18N_KEY}, closed=True))


_TITLE: Final = _translatable(255)
_SIZES: Final = ("small", "medium", "large", "xlarge")
_SIZE: Final = ObjectOf({"width": _SHORT}, {"height": _SHORT})
_RENDER: Final = Enum(("native", "default"))
_CALL: Final = ObjectOf({"function": _KEY})
_RESOLVER: Final = ObjectOf(optional={"function": _KEY, "endpoint": _KEY}, exactly_one=_BY)
_UI: Final[Mapping[str, Spec]] = {
    "resource": _RESOURCE, "function": _KEY, "render": _RENDER, "resolver": _RESOLVER, "displayConditions": ObjectOf(),
}  # fmt: skip
_SHORTCUT: Final = ObjectOf({"accelerator": _SHORT}, {"description": _translatable(1000)})


def _ui(required: Mapping[str, Spec], optional: Mapping[str, Spec]) -> ObjectOf:
    """A module of the user interface: a ``resource``, or a ``function`` of the older UI kit."""
    return ObjectOf(required, {**_UI, **optional}, exactly_one=(("resource", "function"),))


def _unlicensed(*users: str) -> ListOf:
    return ListOf(Enum(users))


# --- trigger: https://developer.atlassian.com/platform/forge/manifest-reference/modules/trigger/ --------------------------------

ON_ERROR: Final = ("IGNORE_AND_LOG", "IGNORE", "RECEIVE_AND_LOG", "RECEIVE")
FILTER: Final = ObjectOf(
    optional={"ignoreSelf": Bool(), "expression": String(10_000), "onError": Enum(ON_ERROR), "appIsLicensed": Bool()},
    closed=True,
    at_least_one=("expression", "ignoreSelf", "appIsLicensed"),
)
_PARTS: Final[Mapping[str, Spec]] = {"propertyPaths": ListOf(String(), 1), "fields": ListOf(String(), 1)}
INCLUDE: Final = ObjectOf(optional=_PARTS, closed=True, at_least_one=(*_PARTS,))
PAYLOAD: Final = ObjectOf({"include": INCLUDE}, closed=True)
_TRIGGER_REST: Final[Mapping[str, Spec]] = {"function": REFERENCE, "endpoint": REFERENCE, "filter": FILTER, "payload": PAYLOAD}
_EVENT: Final = OneOf(String(), ObjectOf({"eventType": String()}, {"filter": FILTER, "payload": PAYLOAD}))
TRIGGER: Final = ObjectOf({"events": ListOf(_EVENT, 1)}, _TRIGGER_REST, closed=True, exactly_one=_BY)
"""A trigger, of either resource. Its events may be objects, too (schema only: ``FilteredProductEvents``)."""

# --- the others -----------------------------------------------------------------------------------------------------------------

_EXPRESSION: Final = ObjectOf({"expression": _TEXT})
_VALIDATION: Final = ObjectOf({"expression": _TEXT}, {"errorMessage": _translatable(min_length=0)})
_FORMATTER: Final = ObjectOf({"expression": _TEXT}, dict.fromkeys(("export", "api", "historyView", "allowPrerender"), Bool()))
_VIEW: Final = ObjectOf(optional={
    "resource": _RESOURCE, "render": _RENDER, "formatter": _FORMATTER, "value": _CALL,
    "experience": ListOf(Enum(("issue-view", "portal-view", "csm-request-view"))),
})  # fmt: skip
_EDIT_PLACES: Final = ("issue-create", "issue-view", "issue-bulk-edit", "list-view", "portal-request", "csm-contact-form")
_EDIT: Final = ObjectOf(optional={
    "resource": _RESOURCE, "render": _RENDER, "validation": _VALIDATION, "parser": _EXPRESSION,
    "experience": ListOf(Enum(_EDIT_PLACES)), "isInline": Bool(),
})  # fmt: skip
_FIELD_REQUIRED: Final[Mapping[str, Spec]] = {
    "name": _translatable(100), "description": _translatable(1000),
    "type": Enum(("string", "number", "user", "group", "date", "datetime", "object")),
}  # fmt: skip
_FIELD: Final[Mapping[str, Spec]] = {
    "collection": Enum(("none", "list")), "readOnly": Bool(), "view": _VIEW, "edit": _EDIT, "value": _CALL,
    "formatter": _FORMATTER, "validation": _VALIDATION, "parser": _EXPRESSION, "schema": ObjectOf(),
    "searchSuggestions": ObjectOf(optional={"function": _KEY, "expression": _TEXT}, at_least_one=("function", "expression")),
    "searchAlias": _ANY, "function": _KEY, "resource": _RESOURCE, "render": _RENDER, "resolver": _RESOLVER,
    "isUIModificationsEnabled": Bool(), "displayConditions": ObjectOf(),
}  # fmt: skip
_CONNECT_TYPES: Final = ("MULTI_SELECT", "RICH_TEXT", "SINGLE_SELECT", "TEXT")
_CONTEXT_CONFIG: Final = ObjectOf(
    optional={"function": _KEY, "resource": _RESOURCE, "render": _RENDER, "layout": Enum(("basic", "blank", "native"))},
    at_least_one=("function", "resource"),
)
_OPERATORS: Final = ("=", "!=", ">", ">=", "<", "<=", "in", "not in", "~", "!~", "~=", "is", "is not")
_JQL_TYPES: Final = (
    *("issue", "project", "project_category", "project_type", "hierarchy_level", "version", "component", "user", "group", "team"),
    *("project_role", "priority", "resolution", "issue_type", "status", "status_category", "cascading_option", "option"),
    *("saved_filter", "issue_security_level", "issue_restriction", "label", "attachment", "issue_list", "issue_link_type"),
    *("date", "text", "number", "duration", "url"),
)
_INDEX_TYPE: Final = Enum(("number", "string", "text", "user", "date"))
_VALUE_TYPES: Final = ("space", "label", "user", "contentId", "contentType", "date", "string", "number")
_UI_SUPPORT: Final = ObjectOf(
    {"name": _translatable(1500), "valueType": Enum(_VALUE_TYPES)},
    {"defaultOperator": String(100), "tooltip": _translatable(1500)},
)
_STATUS_VALUE: Final = ObjectOf(
    {"label": _SHORT}, {"url": _TEXT, "type": Enum(("default", "inprogress", "moved", "new", "removed", "success"))}
)
_STATUS: Final = ObjectOf({"type": Enum(("badge", "lozenge", "icon")), "value": _STATUS_VALUE})
_PAGES: Final = (
    *("help_center", "csm_help_center", "portal", "create_request"),
    *("view_request", "my_requests", "approvals", "profile"),
)

TYPES: Final[Mapping[str, ObjectOf]] = {
    "trigger": TRIGGER,
    "jira:issueAction": _ui({"title": _TITLE}, {"viewportSize": OneOf(Enum((*_SIZES, "max", "resizable")), _SIZE)}),
    "jira:issueActivity": _ui({"title": _TITLE}, {"viewportSize": Enum((*_SIZES, "max"))}),
    "jira:issuePanel": _ui({"title": _TITLE, "icon": _SHORT}, {
        "viewportSize": Enum((*_SIZES, "max")), "allowMultiple": Bool(), "config": _CALL,
        "unlicensedAccess": _unlicensed("unlicensed", "customer", "anonymous"),
    }),
    "jira:issueContext": _ui({"title": _TITLE, "label": _TITLE}, {"icon": _SHORT, "status": _STATUS, "dynamicProperties": _CALL}),
    "jira:customField": ObjectOf(_FIELD_REQUIRED, {
        **_FIELD, "migratedFromConnect": Bool(),
        "connectFieldProperty": ObjectOf(optional={"key": _TEXT, "path": _TEXT, "connectFieldType": Enum(_CONNECT_TYPES)}),
    }),
    "jira:customFieldType": ObjectOf(_FIELD_REQUIRED, {**_FIELD, "contextConfig": _CONTEXT_CONFIG, "icon": _SHORT}),
    "jira:jqlFunction": ObjectOf(
        {"name": _SHORT, "operators": ListOf(Enum(_OPERATORS)), "types": ListOf(Enum(_JQL_TYPES))},
        {"arguments": ListOf(ObjectOf({"name": _SHORT, "required": Bool()})), "function": _KEY, "endpoint": _KEY},
        exactly_one=_BY,
    ),
    "jira:entityProperty": ObjectOf(
        {"propertyKey": _SHORT, "values": ListOf(ObjectOf({"path": _SHORT, "type": _INDEX_TYPE}, {"searchAlias": _ALIAS}))},
        {"entityType": Enum(("issue", "project", "user"))},
    ),
    "confluence:contentAction": _ui({"title": _TITLE}, {
        "viewportSize": OneOf(Enum((*_SIZES, "max", "resizable")), _SIZE), "keyboardShortcut": _SHORTCUT,
        "unlicensedAccess": _unlicensed("unlicensed", "anonymous"),
    }),
    "confluence:contentBylineItem": _ui({"title": _TITLE}, {
        "tooltip": _TITLE, "icon": _SHORT, "description": _translatable(1000), "viewportContainer": Enum(("popup", "modal")),
        "viewportSize": OneOf(Enum((*_SIZES, "max", "fullscreen", "resizable")), _SIZE), "dynamicProperties": _CALL,
        "contentPropertyKey": _KEY, "keyboardShortcut": _SHORTCUT, "unlicensedAccess": _unlicensed("unlicensed", "anonymous"),
    }),
    "confluence:contentProperty": ObjectOf({"propertyKey": String(100), "values": ListOf(
        ObjectOf({"path": String(1000), "type": _INDEX_TYPE}, {"searchAlias": _ALIAS, "uiSupport": _UI_SUPPORT})
    )}),
    "confluence:contextMenu": _ui({"title": _TITLE}, {
        "description": _translatable(), "viewportSize": Enum(("small", "medium", "large")), "keyboardShortcut": _SHORTCUT,
        "unlicensedAccess": _unlicensed("unlicensed", "anonymous"),
    }),
    "macro": _ui({"title": _TITLE}, {
        "description": _translatable(10_000), "icon": String(),
        "category": Enum(("structure", "media", "embed", "text-formatting", "data-and-charts")),
        "layout": Enum(("inline", "block", "bodied", "inline-bodied")),
        "autoConvert": ObjectOf({"matchers": ListOf(ObjectOf({"pattern": String(1024)}), 1)}), "adfExport": _CALL,
        "hidden": Bool(), "emitsReadyEvent": Bool(),
    }),
    "jiraServiceManagement:portalHeader": _ui({}, {
        "pages": ListOf(Enum(_PAGES)), "viewportSize": Enum(("xsmall", *_SIZES)),
        "unlicensedAccess": _unlicensed("unlicensed", "customer", "anonymous"),
    }),
    "jiraServiceManagement:portalRequestDetail": _ui({"title": _TITLE}, {
        "icon": _SHORT, "layout": Enum(("native", "basic")), "viewportSize": Enum(_SIZES),
        "unlicensedAccess": _unlicensed("unlicensed", "customer"),
    }),
    "jiraServiceManagement:portalRequestViewAction": _ui({"title": _TITLE}, {
        "icon": String(), "viewportSize": OneOf(Enum(("xsmall", *_SIZES, "resizable")), _SIZE),
        "unlicensedAccess": _unlicensed("unlicensed", "customer"),
    }),
}  # fmt: skip

KNOWN_TYPES: Final = frozenset(TYPES)

DEFAULTS: Final[Mapping[str, Mapping[tuple[str, ...], Any]]] = {
    "trigger": {("filter", "onError"): "IGNORE_AND_LOG", ("events", "*", "filter", "onError"): "IGNORE_AND_LOG"},
    "jira:entityProperty": {("entityType",): "issue"},
    "confluence:contentBylineItem": {("viewportContainer",): "popup"},
}
"""The documented defaults, by type and path: a value that equals its default equals an absent one, in comparison only."""
