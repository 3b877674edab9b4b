"""Valid modules: the minimal and the fullest data of each known type, and triggers as a ``TriggerModule`` has them."""

from __future__ import annotations

from typing import Any, Final

_EVENT: Final = "avi:jira:updated:issue"
_UI: Final[dict[str, Any]] = {"title": "Risk", "resource": "main"}
_FULL_UI: Final[dict[str, Any]] = {
    "title": {"i18n": "panel.title"},
    "resource": "main/panel",
    "render": "native",
    "resolver": {"function": "resolver"},
    "displayConditions": {"isLoggedIn": True, "or": [{"isAdmin": True}, {"not": {"hasGroup": "staff"}}]},
}
_SHORTCUT: Final[dict[str, Any]] = {"accelerator": "shift+r", "description": "Opens the risk"}
_FIELD: Final[dict[str, Any]] = {"name": "Risk", "description": "How likely it is", "type": "number"}
_FULL_FIELD: Final[dict[str, Any]] = {
    "name": {"i18n": "field.name"},
    "description": {"i18n": "field.description"},
    "type": "object",
    "collection": "list",
    "readOnly": True,
    "view": {"formatter": {"expression": "`${value.score}`"}, "resource": "view"},
    "edit": {"resource": "edit", "isInline": False},
    "validation": {"expression": "value.score < 10", "errorMessage": "too high"},
    "parser": {"expression": "{score: 1}"},
    "schema": {"type": "object", "properties": {"score": {"type": "number", "searchAlias": "Score"}}, "required": ["score"]},
    "searchSuggestions": {"function": "suggest"},
    "searchAlias": "risk",
    "value": {"function": "value"},
    "formatter": {"expression": "`${value.score}`", "export": True},
    "resource": "main",
    "render": "native",
    "resolver": {"endpoint": "risk-ui"},
    "isUIModificationsEnabled": True,
    "displayConditions": {"isAdmin": True},
}

SAMPLES: Final[dict[str, list[dict[str, Any]]]] = {
    "trigger": [
        {"events": [_EVENT], "endpoint": "hook"},
        {
            "events": [
                {
                    "eventType": _EVENT,
                    "filter": {"expression": "event.issue != null", "onError": "RECEIVE", "ignoreSelf": True},
                    "payload": {"include": {"propertyPaths": ["issue.key"], "fields": ["summary"]}},
                },
                {"eventType": "avi:jira:created:issue", "filter": {"appIsLicensed": True}},
                "avi:jira:deleted:issue",
            ],
            "function": "on-issue",
            "filter": {"expression": "true", "onError": "IGNORE", "ignoreSelf": True, "appIsLicensed": False},
            "payload": {"include": {"propertyPaths": ["issue.id"], "fields": ["status"]}},
        },
    ],
    "jira:issueAction": [_UI, {**_FULL_UI, "viewportSize": {"width": "600px", "height": "400px"}}],
    "jira:issueActivity": [_UI, {**_FULL_UI, "viewportSize": "small"}],
    "jira:issuePanel": [
        {**_UI, "icon": "https://example.com/icon.svg"},
        {
            **_FULL_UI,
            "icon": "resource:main;icon.svg",
            "viewportSize": "xlarge",
            "allowMultiple": False,
            "config": {"function": "resolver"},
            "unlicensedAccess": ["unlicensed", "customer", "anonymous"],
        },
    ],
    "jira:issueContext": [
        {**_UI, "label": "Risk"},
        {
            **_FULL_UI,
            "label": {"i18n": "context.label"},
            "icon": "https://example.com/icon.svg",
            "status": {"type": "lozenge", "value": {"label": "high", "url": "/risk", "type": "removed"}},
            "dynamicProperties": {"function": "properties"},
        },
    ],
    "jira:customField": [
        _FIELD,
        {
            **_FULL_FIELD,
            "migratedFromConnect": True,
            "connectFieldProperty": {"key": "risk", "path": "score", "connectFieldType": "TEXT"},
        },
    ],
    "jira:customFieldType": [
        _FIELD,
        {**_FULL_FIELD, "contextConfig": {"resource": "config"}, "icon": "https://example.com/icon.svg"},
    ],
    "jira:jqlFunction": [
        {"name": "risky", "operators": ["in"], "types": ["issue"], "function": "risky"},
        {
            "name": "risky",
            "operators": ["=", "!=", "not in", "is not", "!~"],
            "types": ["issue", "project", "user"],
            "arguments": [{"name": "score", "required": True}, {"name": "project", "required": False}],
            "endpoint": "risky",
        },
    ],
    "jira:entityProperty": [
        {"propertyKey": "risk", "values": [{"path": "score", "type": "number"}]},
        {
            "propertyKey": "risk",
            "entityType": "project",
            "values": [
                {"path": "score", "type": "number", "searchAlias": "risk.score"},
                {"path": "owner.id", "type": "user", "searchAlias": "risk_owner-1"},
            ],
        },
    ],
    "confluence:contentAction": [
        _UI,
        {
            **_FULL_UI,
            "viewportSize": "resizable",
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": ["unlicensed", "anonymous"],
        },
    ],
    "confluence:contentBylineItem": [
        _UI,
        {
            **_FULL_UI,
            "tooltip": "Who looked at it",
            "icon": "https://example.com/icon.svg",
            "description": {"i18n": "byline.description"},
            "viewportContainer": "modal",
            "viewportSize": "medium",
            "dynamicProperties": {"function": "properties"},
            "contentPropertyKey": "seen-by",
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": ["unlicensed"],
        },
    ],
    "confluence:contentProperty": [
        {"propertyKey": "seen_by", "values": [{"path": "count", "type": "number"}]},
        {
            "propertyKey": "seen_by",
            "values": [
                {
                    "path": "last.date",
                    "type": "date",
                    "searchAlias": "lastSeen",
                    "uiSupport": {"name": "Last seen", "valueType": "date", "defaultOperator": ">", "tooltip": "When"},
                }
            ],
        },
    ],
    "confluence:contextMenu": [
        _UI,
        {
            **_FULL_UI,
            "description": "Explains the selection",
            "viewportSize": "large",
            "keyboardShortcut": _SHORTCUT,
            "unlicensedAccess": ["anonymous"],
        },
    ],
    "macro": [
        _UI,
        {
            **_FULL_UI,
            "description": "A chart of risks",
            "icon": "https://example.com/icon.svg",
            "categories": ["reporting"],
            "category": "data-and-charts",
            "layout": "bodied",
            "config": {"resource": "config", "openOnInsert": True},
            "autoConvert": {"matchers": [{"pattern": "https://example.com/risk/{}"}, {"pattern": "https://example.com/{}"}]},
            "adfExport": {"function": "export"},
            "hidden": False,
            "emitsReadyEvent": True,
            "migratedFrom": [{"extensionType": "com.example.macro"}],
        },
    ],
    "jiraServiceManagement:portalHeader": [
        {"resource": "main"},
        {
            **{name: value for name, value in _FULL_UI.items() if name != "title"},
            "pages": ["portal", "profile", "help_center"],
            "viewportSize": "xsmall",
            "unlicensedAccess": ["unlicensed", "customer", "anonymous"],
        },
    ],
    "jiraServiceManagement:portalRequestDetail": [
        _UI,
        {
            **_FULL_UI,
            "icon": "https://example.com/icon.svg",
            "layout": "basic",
            "viewportSize": "medium",
            "unlicensedAccess": ["unlicensed", "customer"],
        },
    ],
    "jiraServiceManagement:portalRequestViewAction": [
        {"title": "Risk", "function": "risk"},
        {**_FULL_UI, "icon": "https://example.com/icon.svg", "viewportSize": "large", "unlicensedAccess": ["customer"]},
    ],
}

TRIGGERS: Final[list[dict[str, Any]]] = [
    {
        "events": [_EVENT, "avi:jira:created:issue"],
        "function": "on-issue",
        "filter": {
            "expression": "event.issue.fields?.issuetype.name == 'Bug'",
            "onError": "RECEIVE_AND_LOG",
            "ignoreSelf": True,
            "appIsLicensed": True,
        },
        "payload": {"include": {"propertyPaths": ["issue.key", "issue.id"], "fields": ["summary"]}},
    },
    {
        "events": ["avi:confluence:created:page", _EVENT],
        "endpoint": "some.end-point_1",
        "filter": {"expression": "true", "onError": "IGNORE_AND_LOG", "ignoreSelf": False, "appIsLicensed": False},
        "payload": {"include": {"propertyPaths": ["content.id"], "fields": ["title"]}},
    },
]
