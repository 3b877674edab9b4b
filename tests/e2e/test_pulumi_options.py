"""Effect of Pulumi's resource options on a module: each row of docs/reference/pulumi-options.md, through the real CLI.

One stack for each version of the API carries all options, so that the file stays quick: a test looks at what a command did to one
of its modules. Their names here are those of :mod:`testing.steps`.
"""

from __future__ import annotations

import ast
import re
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testing.independent_server import TOKEN, Server, serve
from testing.project import Project
from testing.steps import Steps, begin, destroy_from, name_of

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "reference" / "pulumi-options.md"

pytestmark = [pytest.mark.cli, pytest.mark.xdist_group("pulumi-options")]  # in one process, or each would run the stacks anew
both_versions = pytest.mark.parametrize("version", ["v1", "v2"])

PROGRAM = """
ONE, OTHER = ["avi:jira:created:issue"], ["avi:jira:updated:issue"]

def trigger(name, endpoint, events=ONE, on_error=None, key=None, **opts):
    filter_ = on_error and forge.TriggerFilter(expression="event.issue", on_error=on_error)
    opts = pulumi.ResourceOptions(**opts)
    return forge.TriggerModule(name, events=events, endpoint=endpoint, filter=filter_, key=key, opts=opts)

def action(name, type="jira:issueAction", resource="main", **opts):
    data = {"title": name, "resource": resource}
    return forge.DynamicModule(name, type=type, data=data, opts=pulumi.ResourceOptions(**opts))

def quiet(args):
    return pulumi.ResourceTransformResult({**args.props, "filter": {"ignoreSelf": True}}, args.opts)

class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("my:Team", name)
        trigger("moved", "moved", parent=self, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)])

for name in ("drifted", "deleted"):
    trigger(name, name)
trigger("protected", "protected", protect=True)
trigger("after", "after", depends_on=[trigger("before", "before")])
trigger("slow", "slow", custom_timeouts=pulumi.CustomTimeouts(create="100ms"))
trigger("transformed", "transformed", transforms=[quiet])
trigger("secret", "secret", additional_secret_outputs=["endpoint"])
"""

FIRST = """
trigger("target", "target")
trigger("retained", "retained", retain_on_delete=True)
trigger("renamed", "renamed")
trigger("moved", "moved")
trigger("ignoring", "ignoring", on_error="IGNORE", ignore_changes=["filter.onError"])
trigger("misspelt", "misspelt", on_error="IGNORE", ignore_changes=["filter.on_error"])
action("ignored-data", ignore_changes=["data"])
trigger("replace-on", "replace-on", replace_on_changes=["events"])
action("delete-first")
"""

THEN = """
trigger("target", "target", events=OTHER)
trigger("new", "renamed", aliases=[pulumi.Alias(name="renamed")])
Team("team")
trigger("ignoring", "ignoring", events=OTHER, on_error="RECEIVE", ignore_changes=["filter.onError"])
trigger("misspelt", "misspelt", on_error="RECEIVE", ignore_changes=["filter.on_error"])
action("ignored-data", resource="other", ignore_changes=["data"])
trigger("replace-on", "replace-on", events=OTHER, replace_on_changes=["events"])
action("delete-first", type="jira:issueActivity", delete_before_replace=True)
"""

# Under v1 the key is the user's, or the name.
V1 = (
    """
trigger("old", "keyed", key="keyed")
trigger("key", "key", key="one")
trigger("key-first", "key-first", key="two")
trigger("forced", "forced", delete_before_replace=True, ignore_changes=["events"])
action("retained-type", retain_on_delete=True)
""",
    """
trigger("other", "keyed", key="keyed", aliases=[pulumi.Alias(name="old")])
trigger("key", "key", key="three")
trigger("key-first", "key-first", key="four", delete_before_replace=True)
trigger("forced", "forced", events=OTHER, delete_before_replace=True, ignore_changes=["events"])
action("retained-type", retain_on_delete=True)
""",
)

V2 = (
    """
trigger("unaliased", "unaliased")
action("retained-type", retain_on_delete=True)
trigger("forced", "forced", ignore_changes=["events"])
""",
    """
trigger("unaliased-new", "unaliased")
action("retained-type", type="jira:issueActivity", retain_on_delete=True)
trigger("forced", "forced", events=OTHER, ignore_changes=["events"])
""",
)

StepsOf = Callable[[str], Steps]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StepsOf]:
    """The stack of one version; its commands are run when a test first asks for it."""
    recorded: dict[str, Steps] = {}

    def make(version: str) -> Steps:
        if version not in recorded:
            with serve() as server:
                recorded[version] = begin(tmp_path_factory.mktemp(version), server, version)
                run_changes(recorded[version], *{"v1": V1, "v2": V2}[version])
                if version == "v1":
                    run_commands(recorded[version], tmp_path_factory.mktemp("outside"))
        return recorded[version]

    yield make
    assert not any(TOKEN in made.stack.everything() for made in recorded.values())


def run_changes(steps: Steps, first: str, then: str) -> None:
    stack, modules = steps.stack, steps.server.stores[steps.version]
    stack.program(PROGRAM + FIRST + first)
    steps.step("up", stack.up)
    stack.program(PROGRAM + THEN + then)
    if steps.version == "v1":
        steps.step("target", lambda: stack.up("--target", "**::target"))
    steps.step("change", lambda: stack.up("--replace", "**::forced"))
    steps.step("again", lambda: stack.preview("--expect-no-changes"))
    for key, module in [*modules.items()]:
        match name_of(module):
            case "ignoring":
                module["data"]["filter"]["onError"] = "RECEIVE_AND_LOG"
            case "drifted":
                module["data"]["events"] = ["avi:jira:deleted:issue"]
            case "deleted":
                del modules[key]
    steps.step("drift", lambda: stack.up("--refresh"))


def run_commands(steps: Steps, outside: Path) -> None:
    stack, first = steps.stack, steps.server
    with serve(stores=first.stores) as second:
        move(steps, second, first)
        first.interfere = steps.watch  # it still responds
        steps.step("refresh as recorded", stack.refresh)
        move(steps, second, first)
        steps.step("refresh by program", lambda: stack.refresh("--run-program"))
        stack.program(PROGRAM + 'action("retained-type", type="jira:issueActivity", retain_on_delete=True)')
        steps.step("retained key", lambda: stack.up("--target", "**::retained-type"), fails=True)
        stack.program(PROGRAM.replace('trigger("protected"', "# "))
        steps.step("removed", stack.preview, fails=True)
        move(steps, first, second)
        steps.step("destroy target", lambda: stack.destroy("--run-program", "--target", "**::target"))
        steps.step("destroy", stack.destroy, fails=True)
        assert stack.run("state", "unprotect", "--all", "--yes").code == 0
        venv.create(outside / "bare", with_pip=False)
        steps.step("bare", lambda: destroy_from(outside, stack, outside / "bare" / "bin"), fails=True)
        steps.step("outside", lambda: destroy_from(outside, stack))


def move(steps: Steps, to: Server, away_from: Server) -> None:
    """The installation has another address from now on."""
    assert steps.stack.run("config", "set", "atlassian-forge:baseUrl", to.base_url).code == 0
    to.interfere = steps.watch
    away_from.interfere = lambda _: (410, {"message": "moved"})


@both_versions
def test_a_second_up_after_the_options_sends_no_request(steps: StepsOf, version: str) -> None:
    assert steps(version)["again"].requests == []


def test_protect_stops_a_removal_in_preview_and_a_destroy(steps: StepsOf) -> None:
    removed, destroy = steps("v1")["removed"], steps("v1")["destroy"]
    assert "because it is protected" in removed.outcome.text
    assert removed.requests == []
    assert "because it is protected" in destroy.outcome.text
    assert destroy.requests, "the others are deleted"
    assert sorted(map(name_of, destroy.modules)) == ["protected", "retained", "retained-type"]
    assert list(destroy.owned) == ["protected"]


@both_versions
def test_retain_on_delete_leaves_the_module_registered(steps: StepsOf, version: str) -> None:
    change = steps(version)["change"]
    assert change.of("retained") == []
    assert len(change.live("retained")) == 1
    assert "retained" not in change.owned


def test_retain_on_delete_leaves_what_is_replaced(steps: StepsOf) -> None:
    change = steps("v2")["change"]
    assert change.of("retained-type") == ["POST"]
    assert sorted(module["type"] for module in change.live("retained-type")) == ["jira:issueAction", "jira:issueActivity"]


def test_retain_on_delete_under_v1_lets_no_other_type_have_the_key(steps: StepsOf) -> None:
    step = steps("v1")["retained key"]
    assert "a module with this key is already registered; it was left as it is" in step.outcome.text
    assert [module["type"] for module in step.live("retained-type")] == ["jira:issueAction"]


def test_depends_on_registers_after_and_deletes_before(steps: StepsOf) -> None:
    assert "before" in steps("v1")["up"].there("after", "POST")
    assert "after" not in steps("v1")["destroy"].there("before", "DELETE")


def test_an_alias_renames_without_a_request_under_v1_if_key_is_given(steps: StepsOf) -> None:
    change = steps("v1")["change"]
    assert change.of("keyed") == []
    assert change.owned["other"]["id"] == "default/v1/keyed"


def test_an_alias_replaces_under_v1_if_the_name_is_the_key(steps: StepsOf) -> None:
    change = steps("v1")["change"]
    assert change.of("renamed") == ["POST", "DELETE"]
    assert [module["key"] for module in change.live("renamed")] == ["new"]


def test_an_alias_renames_without_a_request_under_v2(steps: StepsOf) -> None:
    up, change = steps("v2")["up"], steps("v2")["change"]
    assert change.of("renamed") == []
    assert change.owned["new"]["id"] == up.owned["renamed"]["id"]
    assert change.of("unaliased") == ["POST", "DELETE"], "what happens without one"


@both_versions
def test_an_alias_moves_into_a_component_without_a_request(steps: StepsOf, version: str) -> None:
    up, change = steps(version)["up"], steps(version)["change"]
    assert change.of("moved") == []
    assert change.owned["moved"]["id"] == up.owned["moved"]["id"]
    assert change.owned["moved"]["parent"].endswith("my:Team::team")


@both_versions
def test_ignore_changes_keeps_the_value_in_the_state(steps: StepsOf, version: str) -> None:
    change = steps(version)["change"]
    assert change.of("ignored-data") == []
    assert change.of("ignoring") == ["PUT"], "for its events"
    (module,) = change.live("ignoring")
    assert (module["data"]["events"], module["data"]["filter"]["onError"]) == (["avi:jira:updated:issue"], "IGNORE")


@both_versions
def test_ignore_changes_keeps_drift_after_a_refresh(steps: StepsOf, version: str) -> None:
    drifted = steps(version)["drift"]
    assert drifted.of("ignoring") == []
    assert [module["data"]["filter"]["onError"] for module in drifted.live("ignoring")] == ["RECEIVE_AND_LOG"]


@both_versions
def test_ignore_changes_ignores_nothing_by_a_python_name(steps: StepsOf, version: str) -> None:
    change = steps(version)["change"]
    assert change.of("misspelt") == ["PUT"]
    assert [module["data"]["filter"]["onError"] for module in change.live("misspelt")] == ["RECEIVE"]


@both_versions
def test_ignore_changes_has_no_part_in_a_replacement(steps: StepsOf, version: str) -> None:
    assert [module["data"]["events"] for module in steps(version)["change"].live("forced")] == [["avi:jira:updated:issue"]]


def test_delete_before_replace_reverses_the_order_for_another_key(steps: StepsOf) -> None:
    change = steps("v1")["change"]
    assert change.of("key") == ["POST", "DELETE"]
    assert "key" in change.there("key", "POST"), "both run for a moment"
    assert change.of("key-first") == ["DELETE", "POST"]
    assert "key-first" not in change.there("key-first", "POST")


@both_versions
def test_delete_before_replace_deletes_first_for_another_type(steps: StepsOf, version: str) -> None:
    change = steps(version)["change"]
    assert change.of("delete-first") == ["DELETE", "POST"]
    assert [module["type"] for module in change.live("delete-first")] == ["jira:issueActivity"]


@both_versions
def test_custom_timeouts_are_not_kept(steps: StepsOf, version: str) -> None:
    up = steps(version)["up"]
    assert up.owned["slow"]["customTimeouts"] == {"create": 0.1}
    assert len(up.live("slow")) == 1, "it took a second"


@both_versions
def test_transforms_see_the_property_names_of_the_state(steps: StepsOf, version: str) -> None:
    assert [module["data"]["filter"] for module in steps(version)["up"].live("transformed")] == [{"ignoreSelf": True}]


@both_versions
def test_additional_secret_outputs_encrypt_outputs_and_not_inputs(steps: StepsOf, version: str) -> None:
    resource = steps(version)["up"].owned["secret"]
    assert "ciphertext" in resource["outputs"]["endpoint"]
    assert resource["inputs"]["endpoint"] == "secret"


@both_versions
def test_replace_on_changes_updates_in_place(steps: StepsOf, version: str) -> None:
    change = steps(version)["change"]
    assert change.of("replace-on") == ["PUT"]
    assert [module["data"]["events"] for module in change.live("replace-on")] == [["avi:jira:updated:issue"]]


def test_target_changes_and_destroys_one_module(steps: StepsOf) -> None:
    target, destroy = steps("v1")["target"], steps("v1")["destroy target"]
    assert [(request.method, request.module) for request in target.requests] == [("PUT", "target")]
    assert [(request.method, request.module) for request in destroy.requests] == [("DELETE", "target")]


def test_replace_under_v1_with_delete_before_replace_registers_the_key_anew(steps: StepsOf) -> None:
    change = steps("v1")["change"]
    assert change.of("forced") == ["DELETE", "POST"]
    assert [module["key"] for module in change.live("forced")] == ["forced"]


def test_replace_under_v2_registers_before_it_deletes(steps: StepsOf) -> None:
    up, change = steps("v2")["up"], steps("v2")["change"]
    assert change.of("forced") == ["POST", "DELETE"]
    assert len(change.live("forced")) == 1
    assert change.owned["forced"]["id"] != up.owned["forced"]["id"]


@both_versions
def test_refresh_within_up_repairs_drift_in_one_run(steps: StepsOf, version: str) -> None:
    drifted = steps(version)["drift"]
    assert drifted.of("drifted") == ["PUT"]
    assert drifted.of("deleted") == ["POST"]
    others = [request for request in drifted.requests if request.module not in {"drifted", "deleted"}]
    assert [request.module for request in others] == ["the list"] * len(others)
    assert [module["data"]["events"] for module in drifted.live("drifted")] == [["avi:jira:created:issue"]]
    assert len(drifted.live("deleted")) == 1


def test_run_program_asks_whom_the_configuration_names(steps: StepsOf) -> None:
    assert steps("v1")["refresh as recorded"].of("the list") == ["GET"], "at the address in the state"
    assert steps("v1")["refresh by program"].of("the list") == ["GET"], "at the new one: the other one refuses"
    assert steps("v1")["destroy target"].of("target") == ["DELETE"], "after another move"


def test_destroy_outside_the_project_needs_the_package_on_the_path(steps: StepsOf) -> None:
    bare, outside = steps("v1")["bare"], steps("v1")["outside"]
    assert "No module named 'pulumi'" in bare.outcome.text
    assert bare.requests == []
    assert [(request.method, request.module) for request in outside.requests] == [("DELETE", "protected")]
    assert outside.owned == {}


def test_import_does_not_reach_the_provider(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program(
        'forge.TriggerModule("there", events=["avi:jira:created:issue"], endpoint="hook", '
        'opts=pulumi.ResourceOptions(import_="default/v1/there"))'
    )
    done = stack.preview()
    assert done.code != 0
    assert "KeyError: '__provider'" in done.text
    assert not server.calls


# -- the page -----------------------------------------------------------------------------------------------------------------

OPTIONS = """
protect retain_on_delete depends_on aliases ignore_changes delete_before_replace import_ custom_timeouts transforms
additional_secret_outputs replace_on_changes --target --replace --refresh --run-program destroy
"""


def rows() -> dict[str, list[str]]:
    """The tests that each row names."""
    found = re.findall(r"^\| (`.*?) \|.* \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {option: re.findall(r"`(tests/[^`]+)`", tests) for option, tests in found}


def declared_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_entry_of_the_page_names_existing_tests() -> None:
    for option, tests in rows().items():
        assert tests, option
        for test in tests:
            path, _, name = test.partition("::")
            assert name in declared_in(path), test


def test_every_option_is_on_the_page() -> None:
    assert [option for option in OPTIONS.split() if not any(re.search(rf"`[^`]*{option}\b", row) for row in rows())] == []
