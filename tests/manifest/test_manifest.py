from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.manifest.checks import REFERENCES, check_manifest, check_static_key
from pulumi_atlassian_forge.manifest.event_scopes import EVENT_SCOPES
from pulumi_atlassian_forge.manifest.manifest import Manifest, Manifests
from pulumi_atlassian_forge.model.catalog.events import EVENTS
from pulumi_atlassian_forge.model.catalog.module_types import TYPES
from pulumi_atlassian_forge.model.validation import check_content
from pulumi_atlassian_forge.model.values import UNKNOWN
from tests.support.events import DOCUMENTATION_ONLY
from tests.support.manifests import REAL, SMALL, line_with, parsed
from tests.support.samples import SAMPLES, TRIGGERS

JIRA, PAGE = "avi:jira:updated:issue", "avi:confluence:created:page"


def ui(**data: Any) -> dict[str, Any]:
    return {"type": "jira:issuePanel", "data": {"title": "Risk", "icon": "i", **data}}


# --- problems -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bad:
    """A declaration that :data:`SMALL` does not allow, the lines that the message names, and the message."""

    name: str
    props: dict[str, Any]
    path: str
    lines: tuple[str, ...]
    text: str


BAD = [
    Bad(
        "a function that is misspelt",
        {"events": [JIRA], "function": "notfy"},
        "function",
        ("  function:", "key: notify"),
        "function= names a function that is not in modules.function of the manifest ({0}): did you mean 'notify' ({1})?",
    ),
    Bad(
        "a function that nothing is like",
        {"events": [JIRA], "function": "zzz"},
        "function",
        ("  function:",),
        "function= names a function that is not in modules.function of the manifest ({0}): "
        "there are notify, resolver; correct it, or add it and deploy the app",
    ),
    Bad(
        "a function that is an endpoint",
        {"events": [JIRA], "function": "bug-hook"},
        "function",
        ("  function:", "key: bug-hook"),
        "function= names a function that is not in modules.function of the manifest ({0}): {1} has an endpoint of this name",
    ),
    Bad(
        "an endpoint that is misspelt",
        {"events": [JIRA], "endpoint": "bug-hok"},
        "endpoint",
        ("  endpoint:", "key: bug-hook"),
        "endpoint= names an endpoint that is not in modules.endpoint of the manifest ({0}): did you mean 'bug-hook' ({1})?",
    ),
    Bad(
        "an endpoint with the user's token",
        {"events": [JIRA], "endpoint": "user-hook"},
        "endpoint",
        ("appUserToken: {enabled: true}",),
        "endpoint= names an endpoint with auth.appUserToken enabled ({0}), and an event has no user: only auth.appSystemToken "
        "may be enabled, so disable it, or give the trigger its own endpoint",
    ),
    Bad(
        "an endpoint without a route",
        {"events": [JIRA], "endpoint": "ui-only"},
        "endpoint",
        ("key: ui-only",),
        "endpoint= names an endpoint without a route ({0}), to which events are sent: add route.path and deploy the app",
    ),
    Bad(
        "a scope of a Jira event",
        {"events": [JIRA, "avi:jira:created:user"], "endpoint": "bug-hook"},
        "events[1]",
        ("  scopes:",),
        "events[1] needs the scope read:jira-user, which permissions.scopes does not list ({0}): "
        "add what is missing, and deploy the app",
    ),
    Bad(
        "two scopes of a Confluence event, of which the granular ones are begun",
        {"events": ["avi:confluence:trashed:page"], "endpoint": "bug-hook"},
        "events[0]",
        ("  scopes:",),
        "events[0] needs the scopes read:confluence-content.summary and write:confluence-content, or of the granular ones "
        "read:content.metadata:confluence and read:space:confluence and read:user:confluence and write:page:confluence, "
        "which permissions.scopes does not list ({0}): add what is missing, and deploy the app",
    ),
    Bad(
        "a scope of an event that is an object",
        {"type": "trigger", "data": {"events": [JIRA, {"eventType": "avi:jira:changed:configuration"}], "function": "notify"}},
        "data.events[1].eventType",
        ("  scopes:",),
        "data['events'][1]['eventType'] needs the scope manage:jira-configuration, which permissions.scopes does not list ({0}): "
        "add what is missing, and deploy the app",
    ),
    Bad(
        "a resource that is misspelt",
        ui(resource="mian"),
        "data.resource",
        ("resources:", "key: main"),
        "data['resource'] names a resource that is not in resources of the manifest ({0}): did you mean 'main' ({1})?",
    ),
    Bad(
        "an entry that the resource does not have",
        ui(resource="main/pannel"),
        "data.resource",
        ("    entry:", "panel: panel.jsx"),
        "data['resource'] names an entry that the resource does not have ({0}): did you mean 'panel' ({1})?",
    ),
    Bad(
        "an entry of a resource without entries",
        ui(resource="plain/panel"),
        "data.resource",
        ("key: plain",),
        "data['resource'] names an entry that the resource does not have ({0}): add it and deploy the app",
    ),
    Bad(
        "a function of a resolver",
        ui(resource="main", resolver={"function": "resolve"}),
        "data.resolver.function",
        ("  function:", "key: resolver"),
        "data['resolver']['function'] names a function that is not in modules.function of the manifest ({0}): "
        "did you mean 'resolver' ({1})?",
    ),
    Bad(
        "an endpoint of a resolver",
        ui(resource="main", resolver={"endpoint": "notify"}),
        "data.resolver.endpoint",
        ("  endpoint:", "key: notify"),
        "data['resolver']['endpoint'] names an endpoint that is not in modules.endpoint of the manifest ({0}): "
        "{1} has a function of this name",
    ),
    Bad(
        "the resource of a field's view",
        {"type": "jira:customField", "data": {"name": "n", "description": "d", "type": "number", "view": {"resource": "zzz"}}},
        "data.view.resource",
        ("resources:",),
        "data['view']['resource'] names a resource that is not in resources of the manifest ({0}): "
        "there are main, plain; correct it, or add it and deploy the app",
    ),
]


@pytest.mark.parametrize("row", BAD, ids=lambda row: row.name)
def test_a_problem_has_its_property_and_the_manifest_s_line(row: Bad, tmp_path: Path) -> None:
    assert not check_content(row.props), "the declaration has another problem"
    (problem,) = check_manifest(row.props, parsed(tmp_path, SMALL))
    lines = [f"manifest.yml:{line_with(SMALL, words)}" for words in row.lines]
    assert (problem.path, problem.text) == (row.path, row.text.format(*lines))


def test_all_problems_of_a_declaration_are_named_at_once(tmp_path: Path) -> None:
    props = {"events": ["avi:jira:created:user", "avi:jira:created:filter"], "endpoint": "no-such"}
    assert [problem.path for problem in check_manifest(props, parsed(tmp_path, SMALL))] == ["endpoint", "events[0]", "events[1]"]


def test_a_missing_list_has_the_nearest_line(tmp_path: Path) -> None:
    small = parsed(tmp_path, "app:\n  id: x\nmodules:\n  trigger: []\n")
    texts = [problem.text for problem in check_manifest({"events": [JIRA], "function": "f"}, small)]
    scopes, function = texts
    assert scopes.startswith("events[0] needs the scope read:jira-work, and there is no permissions.scopes (manifest.yml:1): add")
    assert function == (
        "function= names a function, and the manifest has no modules.function (manifest.yml:3): add it and deploy the app"
    )


def test_a_message_never_holds_what_the_program_gave(tmp_path: Path) -> None:
    trigger = {"events": ["avi:jira:created:user"], "function": "s3cret"}
    small = parsed(tmp_path, SMALL)
    for props in (trigger, ui(resource="s3cret/x"), ui(resource="main/s3cret"), ui(resolver={"function": "s3cret"})):
        problems = check_manifest(props, small)
        assert problems
        assert not any("s3cret" in problem.text for problem in problems)


def test_a_key_of_a_static_module_is_refused_and_one_of_a_function_is_not(tmp_path: Path) -> None:
    small = parsed(tmp_path, SMALL)
    line = line_with(SMALL, "key: static-trigger")
    assert check_static_key("static-trigger", small) == (
        f"key= is that of a static module of type trigger (manifest.yml:{line}), which wins over this one: give another key="
    )
    assert [check_static_key(key, small) for key in ("other", "notify", "bug-hook", UNKNOWN, None, 3)] == [None] * 6


# --- what passes ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Manifest:
    return Manifests().get(REAL.parent, REAL.name)


def test_a_manifest_of_real_size_raises_no_false_alarm_for_any_type(real: Manifest) -> None:
    assert len(REAL.read_text("utf-8").splitlines()) > 300
    assert SAMPLES.keys() == TYPES.keys()
    renamed = {"risky": "risky-remote", "some.end-point_1": "hook"}  # a manifest has each key once, and no dots in it
    for type_, samples in SAMPLES.items():
        for data in samples:
            named = {**data, "endpoint": renamed.get(data["endpoint"], data["endpoint"])} if "endpoint" in data else data
            assert not check_manifest({"type": type_, "data": named}, real), type_
    for data in TRIGGERS:
        named = {**data, "endpoint": renamed[data["endpoint"]]} if "endpoint" in data else data
        assert not check_manifest(named, real)


@pytest.mark.parametrize("event", EVENTS)
def test_a_manifest_of_real_size_allows_every_event_of_its_products(real: Manifest, event: str) -> None:
    found = check_manifest({"events": [event], "endpoint": "hook"}, real)
    other_product = event in EVENT_SCOPES and event.split(":")[1] in ("bitbucket", "compass")
    assert [problem.path for problem in found] == (["events[0]"] if other_product else [])


@pytest.mark.parametrize("form", ["    - {0}\n", "    {0}: {{}}\n", "    {0}:\n      allowImpersonation: true\n"])
def test_scopes_may_be_a_list_or_a_mapping_classic_or_granular_but_not_a_mixture(tmp_path: Path, form: str) -> None:
    need = EVENT_SCOPES["avi:confluence:deleted:page"]
    classic, granular = sorted(need.classic), sorted(need.granular)
    for scopes, is_enough in ((classic, True), (granular, True), ([*classic[:1], *granular[:-1]], False)):
        text = "permissions:\n  scopes:\n" + "".join(form.format(scope) for scope in scopes)
        text += "modules:\n  function:\n    - key: f\n"
        found = check_manifest({"events": ["avi:confluence:deleted:page"], "function": "f"}, parsed(tmp_path, text))
        assert bool(found) is not is_enough


@pytest.mark.parametrize(
    "props",
    [
        {},
        {"events": UNKNOWN, "endpoint": UNKNOWN},
        {"events": [UNKNOWN], "function": UNKNOWN},
        {"events": "text", "function": 3},
        {"events": [None, 3, {"eventType": UNKNOWN}, {}], "function": None},
        {"events": ["avi:acme:made:up", "avi:cloud:ecosystem::event/app/key", "avi:forge:installed:app"]},
        {"type": UNKNOWN, "data": {"function": "zzz"}},
        {"type": "acme:thing", "data": {"function": "zzz", "resource": "zzz"}},
        {"type": ["trigger"], "data": {"function": "zzz"}},
        {"type": "trigger", "data": UNKNOWN},
        {"type": "trigger", "data": [1]},
        {"type": "trigger"},
        ui(resource=UNKNOWN, resolver=UNKNOWN),
        ui(resource="main", resolver={"function": UNKNOWN}, config=True),
        ui(resource="", resolver="text"),
        {"type": "macro", "data": {"resource": "main", "config": True, "adfExport": {"function": UNKNOWN}}},
    ],
)
def test_unknown_values_and_parts_of_another_form_pass(tmp_path: Path, props: dict[str, Any]) -> None:
    assert not check_manifest(props, parsed(tmp_path, SMALL))


OPEN = [
    "permissions: {scopes: ['${SCOPE}']}\nmodules: {function: [{key: '${KEY}'}], endpoint: [{key: '${KEY}'}]}\nresources: [{}]\n",
    "permissions: {scopes: text}\nmodules: {function: {a: b}, endpoint: text}\nresources: {main: {}}\n",
    "permissions: text\nmodules: [function]\nresources: text\n",
    "permissions: []\nmodules: []\nresources: {}\n",
    "permissions: [read:x]\nmodules: [{key: x}]\nresources: text\n",
    "permissions: {scopes: [[read:jira-work]]}\nmodules: {function: [[f]], endpoint: [text]}\nresources: [{key: [main]}]\n",
    "permissions: {scopes: {'a b': {}}}\nmodules: text\nresources: [{key: 'a b'}]\n",
]


@pytest.mark.parametrize("text", OPEN)
@pytest.mark.parametrize(
    "props", [{"events": [JIRA], "function": "f"}, {"events": [PAGE], "endpoint": "e"}, ui(resource="main/x")]
)
def test_a_manifest_that_leaves_it_open_fails_nothing(tmp_path: Path, text: str, props: dict[str, Any]) -> None:
    assert not check_manifest(props, parsed(tmp_path, text))


@pytest.mark.parametrize("enabled", ["false", "no", '"true"', "'${FLAG}'", "", "[true]"])
def test_only_a_plain_true_enables_the_user_s_token(tmp_path: Path, enabled: str) -> None:
    text = SMALL.replace("appUserToken: {enabled: true}", f"appUserToken: {{enabled: {enabled}}}")
    assert text != SMALL
    assert not check_manifest({"events": [JIRA], "endpoint": "user-hook"}, parsed(tmp_path, text))


def test_an_endpoint_with_the_user_s_token_may_serve_a_resolver_and_a_jql_function(tmp_path: Path) -> None:
    jql = {"name": "n", "operators": ["in"], "types": ["issue"], "endpoint": "user-hook"}
    small = parsed(tmp_path, SMALL)
    assert not check_manifest({"type": "jira:jqlFunction", "data": jql}, small)
    assert not check_manifest(ui(resource="main", resolver={"endpoint": "ui-only"}), small)


# --- the tables -------------------------------------------------------------------------------------------------------------


def test_the_table_of_scopes_and_the_catalogue_know_the_same_events() -> None:
    assert EVENT_SCOPES.keys() == set(EVENTS) - DOCUMENTATION_ONLY


def test_every_event_has_classic_scopes_and_all_are_written_as_scopes_are() -> None:
    for event, need in EVENT_SCOPES.items():
        assert need.classic, event
        assert not need.classic & need.granular, event
        for scope in need.classic | need.granular:
            assert re.fullmatch(r"(read|write|manage):[a-z.-]+(:[a-z-]+)?", scope), scope


def test_the_table_of_references_has_every_type_with_a_reference() -> None:
    assert TYPES.keys() - REFERENCES.keys() == {"jira:entityProperty", "confluence:contentProperty"}
    assert REFERENCES.keys() <= TYPES.keys()
