"""Checks a module against the app's manifest: references to functions, endpoints and resources, and scopes of events.

The rules are those of ``@forge/manifest`` 13.7.0, by which ``forge deploy`` validates *static* modules, and for keys those of
https://developer.atlassian.com/platform/forge/apis-reference/dynamic-modules-api/. Unknown values pass, and so does whatever the
manifest leaves open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from pulumi_atlassian_forge.model.content import TRIGGER, is_typed
from pulumi_atlassian_forge.model.problems import Location, Problem, argument_of, path_of
from pulumi_atlassian_forge.model.suggestions import nearest

from .event_scopes import EVENT_SCOPES, missing_scopes
from .manifest import DeclaredList, Manifest

_Kind = Literal["function", "endpoint", "resource"]
_MAX_NAMED: Final = 5  # keys in one message; a manifest may have a hundred

_CALLED: Final[dict[str, _Kind]] = {"function": "function", "endpoint": "endpoint"}
_UI: Final[dict[str, _Kind]] = {
    "function": "function",
    "resource": "resource",
    "resolver.function": "function",
    "resolver.endpoint": "endpoint",
}
_FIELD: Final[dict[str, _Kind]] = {
    **_UI,
    "view.resource": "resource",
    "edit.resource": "resource",
    "edit.function": "function",
    "value.function": "function",
    "searchSuggestions.function": "function",
}
REFERENCES: Final[Mapping[str, Mapping[str, _Kind]]] = {
    TRIGGER: _CALLED,
    "jira:issueAction": _UI,
    "jira:issueActivity": _UI,
    "jira:issuePanel": {**_UI, "config.function": "function"},
    "jira:issueContext": {**_UI, "dynamicProperties.function": "function"},
    "jira:customField": _FIELD,
    "jira:customFieldType": {**_FIELD, "contextConfig.resource": "resource", "contextConfig.function": "function"},
    "jira:jqlFunction": _CALLED,
    "confluence:contentAction": _UI,
    "confluence:contentBylineItem": {**_UI, "dynamicProperties.function": "function"},
    "confluence:contextMenu": _UI,
    "macro": {**_UI, "config.resource": "resource", "config.function": "function", "adfExport.function": "function"},
    "jiraServiceManagement:portalHeader": _UI,
    "jiraServiceManagement:portalRequestDetail": _UI,
    "jiraServiceManagement:portalRequestViewAction": _UI,
}
"""By type: the properties that name something of the manifest. Source: the schema of ``@forge/manifest``."""


def check_manifest(props: Mapping[str, Any], manifest: Manifest) -> list[Problem]:
    """The problems of a module's properties, in a stable order. Unknown and invalid values pass: others check the form."""
    root: Location = () if is_typed(props) else ("data",)
    type_, data = (TRIGGER, props) if is_typed(props) else (props.get("type"), props.get("data"))
    if not isinstance(type_, str) or not isinstance(data, Mapping):
        return []
    problems: list[Problem] = []
    for path, kind in REFERENCES.get(type_, {}).items():
        location = tuple(path.split("."))
        name: Any = data
        for part in location:
            name = name.get(part) if isinstance(name, Mapping) else None
        if isinstance(name, str) and name:
            problems += _check_reference(name, kind, (*root, *location), manifest)
    if type_ == TRIGGER:
        problems += _check_endpoint(data.get("endpoint"), (*root, "endpoint"), manifest)
        problems += _check_scopes(data.get("events"), (*root, "events"), manifest)
    return sorted(problems, key=lambda problem: (problem.path, problem.text))


def check_static_key(key: Any, manifest: Manifest) -> str | None:
    """The problem of a module's key under v1, or None.

    If a static and a dynamic module have one key, the static one wins, and the API's list leaves the other out. Whether that
    holds for functions and endpoints is not documented: their keys pass.
    """
    static = manifest.modules.get(key) if isinstance(key, str) else None
    if static is None:
        return None
    type_, line = static
    return f"key= is that of a static module of type {type_} ({manifest.at(line)}), which wins over this one: give another key="


def _check_reference(name: str, kind: _Kind, where: Location, manifest: Manifest) -> Iterator[Problem]:
    listed: DeclaredList = getattr(manifest, f"{kind}s")
    key, _, entry = name.partition("/") if kind == "resource" else (name, "", "")
    if key not in listed.lines:
        if not listed.is_open:
            yield Problem(path_of(where), f"{argument_of(where)} names {_missing(key, kind, listed, manifest)}")
    elif entry:
        entries = manifest.entries[key]
        if entry not in entries.lines and not entries.is_open:
            text = f"{argument_of(where)} names an entry that the resource does not have ({manifest.at(entries.line)})"
            yield Problem(path_of(where), f"{text}: {_suggestion(entry, entries, manifest)}")


def _missing(key: str, kind: _Kind, listed: DeclaredList, manifest: Manifest) -> str:
    a_kind = f"an {kind}" if kind == "endpoint" else f"a {kind}"
    if not listed.exists:
        return f"{a_kind}, and the manifest has no {listed.path} ({manifest.at(listed.line)}): add it and deploy the app"
    text = f"{a_kind} that is not in {listed.path} of the manifest ({manifest.at(listed.line)})"
    for other, lines in (("function", manifest.functions.lines), ("endpoint", manifest.endpoints.lines)):
        if kind not in (other, "resource") and key in lines:
            return f"{text}: {manifest.at(lines[key])} has {'an' if other == 'endpoint' else 'a'} {other} of this name"
    return f"{text}: {_suggestion(key, listed, manifest)}"


def _suggestion(key: str, listed: DeclaredList, manifest: Manifest) -> str:
    near = nearest(key, listed.lines)
    if near is not None:
        return f"did you mean {near!r} ({manifest.at(listed.lines[near])})?"
    if not listed.lines:
        return "add it and deploy the app"
    some = ", ".join(list(listed.lines)[:_MAX_NAMED])
    return f"there are {some}{', …' if len(listed.lines) > _MAX_NAMED else ''}; correct it, or add it and deploy the app"


def _check_endpoint(name: Any, where: Location, manifest: Manifest) -> Iterator[Problem]:
    """An event is sent to an endpoint as the app itself, and to a fixed path."""
    endpoint = manifest.endpoint.get(name) if isinstance(name, str) else None
    if endpoint is None:
        return
    if endpoint.user_token is not None:
        text = (
            f"{argument_of(where)} names an endpoint with auth.appUserToken enabled ({manifest.at(endpoint.user_token)}), and an "
            "event has no user: only auth.appSystemToken may be enabled, so disable it, or give the trigger its own endpoint"
        )
        yield Problem(path_of(where), text)
    if not endpoint.has_route:
        text = (
            f"{argument_of(where)} names an endpoint without a route ({manifest.at(endpoint.line)}), to which events are sent: "
            "add route.path and deploy the app"
        )
        yield Problem(path_of(where), text)


def _check_scopes(events: Any, where: Location, manifest: Manifest) -> Iterator[Problem]:
    if manifest.scopes.is_open:
        return
    for index, event in enumerate(events if isinstance(events, list) else []):
        name, location = event, (*where, index)
        if isinstance(event, dict):
            name, location = event.get("eventType"), (*location, "eventType")
        missing = _missing_scopes(name, manifest) if isinstance(name, str) else None
        if missing is not None:
            yield Problem(path_of(location), f"{argument_of(location)} needs {missing}")


def _missing_scopes(event: str, manifest: Manifest) -> str | None:
    """An app needs all of the classic scopes, or all of the granular ones; ``forge deploy`` refuses a mixture, too."""
    have = manifest.scopes.lines.keys()
    missing = missing_scopes(event, have)
    if not missing:
        return None
    need = EVENT_SCOPES[event]
    classic = " and ".join(sorted(missing))
    granular = need.granular - have
    scopes = "scope" if len(missing) == 1 else "scopes"
    # The granular scopes are named only to an app that has some of them: the classic ones are fewer.
    also = f", or of the granular ones {' and '.join(sorted(granular))}" if granular and need.granular & have else ""
    lacks = "which permissions.scopes does not list" if manifest.scopes.exists else "and there is no permissions.scopes"
    return f"the {scopes} {classic}{also}, {lacks} ({manifest.at(manifest.scopes.line)}): add what is missing, and deploy the app"
