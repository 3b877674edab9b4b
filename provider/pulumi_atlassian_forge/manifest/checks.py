"""What a manifest says against a declaration: what it refers to is not there, or the app is not allowed what it asks for.

Sources: the validators of ``@forge/manifest`` 13.7.0, which ``forge deploy`` runs over the *static* modules (references, scopes
of events, endpoints of triggers), and docs:apis-reference/dynamic-modules-api for keys. What the manifest leaves open passes, and
so does what is not known of the declaration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from pulumi_atlassian_forge.model.content import TRIGGER, is_typed
from pulumi_atlassian_forge.model.problems import Location, Problem, argument_of, path_of
from pulumi_atlassian_forge.model.suggestions import nearest

from .event_scopes import EVENT_SCOPES
from .manifest import Listed, Manifest

_Kind = Literal["function", "endpoint", "resource"]
_NAMED_AT_MOST: Final = 5  # of the keys that there are; a manifest may have a hundred

_BY: Final[dict[str, _Kind]] = {"function": "function", "endpoint": "endpoint"}
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
    TRIGGER: _BY,
    "jira:issueAction": _UI,
    "jira:issueActivity": _UI,
    "jira:issuePanel": {**_UI, "config.function": "function"},
    "jira:issueContext": {**_UI, "dynamicProperties.function": "function"},
    "jira:customField": _FIELD,
    "jira:customFieldType": {**_FIELD, "contextConfig.resource": "resource", "contextConfig.function": "function"},
    "jira:jqlFunction": _BY,
    "confluence:contentAction": _UI,
    "confluence:contentBylineItem": {**_UI, "dynamicProperties.function": "function"},
    "confluence:contextMenu": _UI,
    "macro": {**_UI, "config.resource": "resource", "config.function": "function", "adfExport.function": "function"},
    "jiraServiceManagement:portalHeader": _UI,
    "jiraServiceManagement:portalRequestDetail": _UI,
    "jiraServiceManagement:portalRequestViewAction": _UI,
}
"""By type, which properties name something of the manifest (schema of ``@forge/manifest``; docs:manifest-reference/modules)."""


def check_manifest(props: Mapping[str, Any], manifest: Manifest) -> list[Problem]:
    """Everything that a manifest says against the content of a declaration.

    Args:
        props: The properties of a resource, with unknown values anywhere. What has the wrong form is left to
            :func:`.rules.check_content`.
        manifest: The manifest of the app that is installed.

    Returns:
        The problems in a stable order; empty if there are none.
    """
    root: Location = () if is_typed(props) else ("data",)
    type_, data = (TRIGGER, props) if is_typed(props) else (props.get("type"), props.get("data"))
    if not isinstance(type_, str) or not isinstance(data, Mapping):
        return []
    problems: list[Problem] = []
    for path, kind in REFERENCES.get(type_, {}).items():
        location = tuple(path.split("."))
        name = _at(data, location)
        if isinstance(name, str) and name:
            problems += _reference(name, kind, (*root, *location), manifest)
    if type_ == TRIGGER:
        problems += _delivery(data.get("endpoint"), (*root, "endpoint"), manifest)
        problems += _scopes(data.get("events"), (*root, "events"), manifest)
    return sorted(problems, key=lambda problem: (problem.path, problem.text))


def check_static_key(key: Any, manifest: Manifest) -> str | None:
    """What is wrong with the key of a module under v1, or None.

    Of a static and a dynamic module with one key the static one wins, and the other is not even listed
    (docs:apis-reference/dynamic-modules-api). Whether that goes for functions and endpoints is not documented: they pass.
    """
    static = manifest.modules.get(key) if isinstance(key, str) else None
    if static is None:
        return None
    type_, line = static
    return f"key= is that of a static module of type {type_} ({manifest.at(line)}), which wins over this one: give another key="


# --- references -------------------------------------------------------------------------------------------------------------


def _at(data: Any, location: tuple[str, ...]) -> Any:
    for name in location:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _reference(name: str, kind: _Kind, where: Location, manifest: Manifest) -> Iterator[Problem]:
    listed: Listed = getattr(manifest, f"{kind}s")
    key, _, entry = name.partition("/") if kind == "resource" else (name, "", "")
    if key not in listed.lines:
        if not listed.is_open:
            yield Problem(path_of(where), f"{argument_of(where)} names {_missing(key, kind, listed, manifest)}")
    elif entry:
        entries = manifest.entries[key]
        if entry not in entries.lines and not entries.is_open:
            text = f"{argument_of(where)} names an entry that the resource does not have ({manifest.at(entries.line)})"
            yield Problem(path_of(where), f"{text}: {_instead(entry, entries, manifest)}")


def _missing(key: str, kind: _Kind, listed: Listed, manifest: Manifest) -> str:
    a_kind = f"an {kind}" if kind == "endpoint" else f"a {kind}"
    if not listed.exists:
        return f"{a_kind}, and the manifest has no {listed.path} ({manifest.at(listed.line)}): add it and deploy the app"
    text = f"{a_kind} that is not in {listed.path} of the manifest ({manifest.at(listed.line)})"
    for other, lines in (("function", manifest.functions.lines), ("endpoint", manifest.endpoints.lines)):
        if kind not in (other, "resource") and key in lines:
            return f"{text}: {manifest.at(lines[key])} has {'an' if other == 'endpoint' else 'a'} {other} of this name"
    return f"{text}: {_instead(key, listed, manifest)}"


def _instead(key: str, listed: Listed, manifest: Manifest) -> str:
    near = nearest(key, listed.lines)
    if near is not None:
        return f"did you mean {near!r} ({manifest.at(listed.lines[near])})?"
    if not listed.lines:
        return "add it and deploy the app"
    some = ", ".join(list(listed.lines)[:_NAMED_AT_MOST])
    return f"there are {some}{', …' if len(listed.lines) > _NAMED_AT_MOST else ''}; correct it, or add it and deploy the app"


# --- triggers ---------------------------------------------------------------------------------------------------------------


def _delivery(name: Any, where: Location, manifest: Manifest) -> Iterator[Problem]:
    """Events reach an endpoint as the app itself, at a fixed path (docs:remote/sending-product-events)."""
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


def _scopes(events: Any, where: Location, manifest: Manifest) -> Iterator[Problem]:
    if manifest.scopes.is_open:
        return
    for index, event in enumerate(events if isinstance(events, list) else []):
        name, place = event, (*where, index)
        if isinstance(event, dict):
            name, place = event.get("eventType"), (*place, "eventType")
        missing = _missing_scopes(name, manifest) if isinstance(name, str) else None
        if missing is not None:
            yield Problem(path_of(place), f"{argument_of(place)} needs {missing}")


def _missing_scopes(event: str, manifest: Manifest) -> str | None:
    """All of the classic scopes, or all of the granular ones: a mixture is not enough for ``forge deploy`` either."""
    need, have = EVENT_SCOPES.get(event), manifest.scopes.lines.keys()
    if need is None or need.classic <= have or (need.granular and need.granular <= have):
        return None
    classic = " and ".join(sorted(need.classic - have))
    granular = need.granular - have
    scopes = "scope" if len(need.classic - have) == 1 else "scopes"
    # An app that has some of the granular scopes goes that way; of any other the shorter one is told.
    also = f", or of the granular ones {' and '.join(sorted(granular))}" if granular and need.granular & have else ""
    lacks = "which permissions.scopes does not list" if manifest.scopes.exists else "and there is no permissions.scopes"
    return f"the {scopes} {classic}{also}, {lacks} ({manifest.at(manifest.scopes.line)}): add what is missing, and deploy the app"
