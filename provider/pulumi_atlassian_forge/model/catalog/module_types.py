"""The 17 known types of dynamic modules, as a table. What the table does not know passes: Atlassian adds types and properties.

Sources: docs:manifest-reference/modules/<page> for what is required, the schema of ``@forge/manifest`` 13.7.0 for bounds. A
static module's ``key`` is not in here: the server puts it in. Where the two sources differ, the laxer one stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .schema import Anything, Choice, Either, Fields, Flag, Items, Spec, Text

REFERENCE: Final = Text(255, r"^[a-zA-Z0-9\-._]+$", "1 to 255 of a-z A-Z 0-9 - . _")
"""The key of a function or an endpoint (``ExtensionKey``)."""

_KEY: Final = Text(255, r"^[a-zA-Z0-9\-_]+$", "1 to 255 of a-z A-Z 0-9 - _")
_RESOURCE: Final = Text(
    47,
    r"^[a-zA-Z0-9_\-]{1,23}(/[a-zA-Z0-9_\-]{1,23})?$",
    "1 to 23 of a-z A-Z 0-9 _ -, or two such parts joined by /",
)
_I18N_KEY: Final = Text(
    300,
    r"^[a-zA-Z0-9_\-]+(\.[a-zA-Z0-9_\-]+)*$",
    "parts of a-z A-Z 0-9 _ - joined by dots, at most 300 characters",
)
_TITLE: Final = Either(Text(255), Fields(required={"i18n": _I18N_KEY}, closed=True))
_LONG_TEXT: Final = Either(Text(), Fields(required={"i18n": _I18N_KEY}, closed=True))
_SIZES: Final = ("small", "medium", "large", "xlarge")
_ANY: Final = Anything()


def _size(*names: str) -> Spec:
    return Either(Choice(names), Fields())  # {width, height} on the pages that name it; an open object on all


def _licences(*names: str) -> Spec:
    return Items(Choice(names))


_UI: Final[Mapping[str, Spec]] = {
    "resource": _RESOURCE,
    "function": _KEY,
    "render": Choice(("native", "default")),
    "resolver": Fields(optional={"function": _KEY, "endpoint": _KEY}),
    "displayConditions": Fields(),
}
_SHORTCUT: Final = Fields(required={"accelerator": Text()}, optional={"description": _ANY})
_DYNAMIC: Final = Fields(optional={"function": _KEY})


def _ui(required: Mapping[str, Spec], optional: Mapping[str, Spec]) -> Fields:
    """A module of the user interface: a ``resource``, or a ``function`` of the older UI kit."""
    return Fields(required, {**_UI, **optional}, exactly_one=(("resource", "function"),))


# --- trigger: docs:manifest-reference/modules/trigger and the definitions trigger, ProductEventsFilter, PayloadInclude ----------

ON_ERROR: Final = ("IGNORE_AND_LOG", "IGNORE", "RECEIVE_AND_LOG", "RECEIVE")
FILTER: Final = Fields(
    optional={
        "ignoreSelf": Flag(),
        "expression": Text(10_000),
        "onError": Choice(ON_ERROR),
        "appIsLicensed": Flag(),
    },
    closed=True,
    at_least_one=("expression", "ignoreSelf", "appIsLicensed"),
)
PAYLOAD: Final = Fields(
    required={
        "include": Fields(
            optional={"propertyPaths": Items(Text(), 1), "fields": Items(Text(), 1)},
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
TRIGGER: Final = Fields({"events": Items(Text(), 1)}, _TRIGGER_REST, closed=True, exactly_one=_BY)
"""A ``TriggerModule``."""

_EVENT: Final = Either(Text(), Fields({"eventType": Text()}, {"filter": FILTER, "payload": PAYLOAD}, closed=True))
RAW_TRIGGER: Final = Fields({"events": Items(_EVENT, 1)}, _TRIGGER_REST, closed=True, exactly_one=_BY)
"""A ``DynamicModule`` of type ``trigger``: its events may be objects, too (schema only: ``FilteredProductEvents``)."""

# --- the others -----------------------------------------------------------------------------------------------------------------

_FIELD_KIND: Final = Choice(("string", "number", "user", "group", "date", "datetime", "object"))
_FIELD: Final[Mapping[str, Spec]] = {
    "collection": Choice(("none", "list")),
    "readOnly": Flag(),
    "view": Fields(),
    "edit": Fields(),
    "validation": Fields(),
    "parser": Fields(),
    "schema": Fields(),
    "searchSuggestions": _ANY,
    "searchAlias": _ANY,
    "displayConditions": Fields(),
}
_FIELD_REQUIRED: Final[Mapping[str, Spec]] = {
    "name": Either(Text(100), Fields(required={"i18n": _I18N_KEY}, closed=True)),
    "description": Either(Text(1000), Fields(required={"i18n": _I18N_KEY}, closed=True)),
    "type": _FIELD_KIND,
}
_ALIAS: Final = Text(None, r"^[a-zA-Z0-9._\-]+$", "a-z A-Z 0-9 . _ -")
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

TYPES: Final[Mapping[str, Fields]] = {
    "trigger": RAW_TRIGGER,
    "jira:issueAction": _ui(
        {"title": _TITLE},
        {"viewportSize": _size(*_SIZES, "max", "resizable")},
    ),
    "jira:issueActivity": _ui({"title": _TITLE}, {"viewportSize": _size(*_SIZES)}),
    "jira:issuePanel": _ui(
        {"title": _TITLE, "icon": Text(255)},
        {
            "viewportSize": _size(*_SIZES),
            "allowMultiple": Flag(),
            "unlicensedAccess": _licences("unlicensed", "customer", "anonymous"),
        },
    ),
    "jira:issueContext": _ui(
        {"title": _TITLE, "label": _TITLE},
        {
            "icon": Text(),
            "status": Fields({"type": Choice(("badge", "lozenge", "icon")), "value": Fields()}),
            "dynamicProperties": _DYNAMIC,
        },
    ),
    "jira:customField": Fields(_FIELD_REQUIRED, _FIELD),
    "jira:customFieldType": Fields(_FIELD_REQUIRED, {**_FIELD, "contextConfig": Fields(), "icon": Text()}),
    "jira:jqlFunction": Fields(
        {"name": Text(), "operators": Items(Choice(_OPERATORS), 1), "types": Items(Text(), 1)},
        {
            "arguments": Items(Fields({"name": Text(), "required": Flag()})),
            "function": _KEY,
            "endpoint": _KEY,
        },
        exactly_one=_BY,
    ),
    "jira:entityProperty": Fields(
        {
            "propertyKey": Text(255),
            "values": Items(
                Fields(
                    {"path": Text(), "type": Choice(("number", "string", "text", "user", "date"))},
                    {"searchAlias": _ALIAS},
                )
            ),
        },
        {"entityType": Choice(("issue", "project", "user"))},
    ),
    "confluence:contentAction": _ui(
        {"title": _TITLE},
        {
            "viewportSize": _size(*_SIZES, "max", "resizable"),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _licences("unlicensed", "anonymous"),
        },
    ),
    "confluence:contentBylineItem": _ui(
        {"title": _TITLE},
        {
            "tooltip": _LONG_TEXT,
            "icon": Text(),
            "description": _LONG_TEXT,
            "viewportContainer": Choice(("popup", "modal")),
            "viewportSize": _ANY,
            "dynamicProperties": _DYNAMIC,
            "contentPropertyKey": Text(),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _licences("unlicensed", "anonymous"),
        },
    ),
    "confluence:contentProperty": Fields(
        {
            "propertyKey": Text(100, r"^[a-zA-Z0-9_]+$", "1 to 100 of a-z A-Z 0-9 _"),
            "values": Items(
                Fields({"path": Text(), "type": Text()}, {"searchAlias": Text(), "uiSupport": Fields()}),
            ),
        },
    ),
    "confluence:contextMenu": _ui(
        {"title": _TITLE},
        {
            "description": _LONG_TEXT,
            "viewportSize": _size("small", "medium", "large"),
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": _licences("unlicensed", "anonymous"),
        },
    ),
    "macro": _ui(
        {"title": _TITLE},
        {
            "description": Either(Text(10_000), Fields(required={"i18n": _I18N_KEY}, closed=True)),
            "icon": Text(),
            "layout": Choice(("inline", "block", "bodied", "inline-bodied")),
            "autoConvert": Fields({"matchers": Items(Fields({"pattern": Text()}), 1)}),
            "adfExport": Fields({"function": _KEY}),
            "hidden": Flag(),
            "emitsReadyEvent": Flag(),
        },
    ),
    "jiraServiceManagement:portalHeader": _ui(
        {},
        {
            "pages": Items(Choice(_PAGES)),
            "viewportSize": _size("xsmall", *_SIZES),
            "unlicensedAccess": _licences("unlicensed", "customer", "anonymous"),
        },
    ),
    "jiraServiceManagement:portalRequestDetail": _ui(
        {"title": _TITLE},
        {
            "icon": Text(),
            "layout": Choice(("native", "basic")),
            "viewportSize": _size(*_SIZES),
            "unlicensedAccess": _licences("unlicensed", "customer"),
        },
    ),
    "jiraServiceManagement:portalRequestViewAction": _ui(
        {"title": _TITLE},
        {"icon": Text(), "viewportSize": _size("xsmall", *_SIZES), "unlicensedAccess": _licences("unlicensed", "customer")},
    ),
}

KNOWN_TYPES: Final = frozenset(TYPES)
