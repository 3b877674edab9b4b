"""Lifecycle harness: runs a program against a provider in the order of Pulumi's engine, without the engine.

The real CLI takes two seconds for a command, of which the provider has a tenth. So `make test` runs most scenarios here, in a
fifth of the time, and `make test-all` runs each of them with the real CLI, too, which proves that the two agree.

What is real: the user's program, the SDK in it, the plugin process and every call between them. What is written anew is the
engine: Check, Diff, then Create, Update or Replace; Read and Diff in a refresh; Delete. It follows the step generator of Pulumi
3.259:

- Check of one resource at a time, everything else of several at once (``--parallel``).
- A replacement deletes at the end, or first if Diff or the resource option says so.
- After the first failure nothing more is begun, unless ``--continue-on-error`` is given.
- One plugin process for each command. If ``up --refresh`` finds another configuration than the state, it is one for each.

What the harness does not know it refuses: a test must not pass because the harness ignores what it was told.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn, Self

import grpc
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from testing import stack
from testing.plugin import plugin
from testing.project import Outcome, Project, programs_python
from testing.resource_monitor import (
    SHOWED_AN_ERROR,
    SIGNATURE,
    Goal,
    Program,
    Properties,
    Registered,
    ShutDown,
    from_wire,
    is_secret,
    marked,
    revealed,
    secret,
    to_wire,
)

Resource = dict[str, Any]
"""A resource as the state has it."""

STACK_TYPE, PROVIDER_TYPE = "pulumi:pulumi:Stack", "pulumi:providers:"
_PREFIXES = {"create": "+ ", "update": "~ ", "delete": "- ", "replace": "+-"}
_SAME, _SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
_CALL_TIMEOUT_S = 120.0
_COMMANDS = ("up", "preview", "refresh", "destroy")


@dataclass(frozen=True)
class FrontEnd:
    """How a provider is reached: the dynamic one of the Python SDK by default.

    Attributes:
        package: The first part of its type tokens.
        module: What Python runs as its plugin.
    """

    package: str = "pulumi-python"
    module: str = "pulumi.dynamic"


@dataclass(frozen=True)
class Options:
    """The flags of a command."""

    refresh: bool = False
    continue_on_error: bool = False
    expect_no_changes: bool = False
    replace: frozenset[str] = frozenset()
    parallel: int = 8

    @classmethod
    def parse(cls, arguments: Iterable[str]) -> Options:
        known: dict[str, Any] = {}
        replaced: set[str] = set()
        remaining = iter(arguments)
        for argument in remaining:
            name, _, value = argument.partition("=")
            if name in {"--refresh", "--continue-on-error", "--expect-no-changes"} and not value:
                known[name[2:].replace("-", "_")] = True
            elif name == "--replace":
                replaced.add(value or next(remaining))
            elif name == "--parallel":
                known["parallel"] = int(value or next(remaining))
            elif argument not in {"--yes", "--skip-preview", "--diff"}:
                raise NotImplementedError(f"the lifecycle harness does not know {argument}: the test is one for the CLI")
        return cls(**known, replace=frozenset(replaced))


class LifecycleProject(Project):
    """A project whose commands the harness runs. Its state is where the real CLI would have it, and the CLI can read it."""

    front_end = FrontEnd()

    def run(self, *args: str, **environment: str) -> Outcome:
        self.make()
        match args:
            case (command, *flags) if command in _COMMANDS:
                done = Deployment(self, environment, Options.parse(flags)).run(command)
                self.output += [done.stdout]
                return done
            case ("config", "set", key, value) if not key.startswith("-"):
                stack.configure(self.root, {key: value})
                return Outcome(0, "", "")
            case ("state", "taint", urn, "--yes"):
                resources = self.load()
                (found,) = [resource for resource in resources if resource["urn"] == urn and not resource.get("delete")]
                found["taint"] = True
                self.save(resources)
                return Outcome(0, "", "")
            case ("stack", "output", name):
                (root,) = [resource for resource in self.load() if resource["type"] == STACK_TYPE]
                outputs = revealed(root["outputs"])
                return Outcome(0, f"{json.dumps(outputs) if name == '--json' else outputs[name]}\n", "")
            case ("stack", "import", "--file", file):
                given = json.loads((self.root / file).read_text("utf-8"))["deployment"]["resources"]
                self.save([_changed(resource, _opened) for resource in given])
                return Outcome(0, "", "")
            case ("stack", "export", *_):
                return Outcome(0, json.dumps({"version": 3, "deployment": self._checkpoint()["checkpoint"]["latest"]}), "")
        raise NotImplementedError(f"the lifecycle harness does not know {args}: the test is one for the CLI")

    def load(self) -> list[Resource]:
        resources = (self._checkpoint()["checkpoint"].get("latest") or {}).get("resources") or []
        return [{"inputs": {}, "outputs": {}, **_changed(resource, _opened)} for resource in resources]

    def save(self, resources: list[Resource]) -> None:
        checkpoint = self._checkpoint()
        version = "3.259.0"
        manifest = {"time": "2026-01-01T00:00:00Z", "magic": hashlib.sha256(version.encode()).hexdigest(), "version": version}
        latest = {"manifest": manifest, **(checkpoint["checkpoint"].get("latest") or {})}
        latest["resources"] = [_changed(resource, _sealed) for resource in resources]
        checkpoint["checkpoint"]["latest"] = latest
        self.file.write_text(json.dumps(checkpoint), "utf-8")

    def configuration(self) -> dict[str, str]:
        """The stack's configuration as the engine gives it to programs and plugins."""
        values = (yaml.safe_load((self.root / f"Pulumi.{stack.STACK}.yaml").read_text("utf-8")) or {}).get("config", {})
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}

    def _checkpoint(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text("utf-8"))
        return found


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    value = change(value)
    if isinstance(value, dict):
        return {name: _changed(inner, change) for name, inner in value.items()}
    return [_changed(inner, change) for inner in value] if isinstance(value, list) else value


def _opened(value: Any) -> Any:
    if isinstance(value, dict) and SIGNATURE in value and "value" not in value:
        if "plaintext" not in value:
            raise NotImplementedError("the lifecycle harness has no key: the test is one for the CLI")
        return secret(json.loads(value["plaintext"]))
    return value


def _sealed(value: Any) -> Any:
    return {SIGNATURE: value[SIGNATURE], "plaintext": json.dumps(value["value"])} if is_secret(value) else value


@dataclass
class _Step:
    """What is to be done for one registration."""

    urn: str
    goal: Goal
    inputs: Properties
    old: Resource | None
    operation: str = "create"
    deletes_first: bool = False


@dataclass
class Deployment:
    """One command."""

    project: LifecycleProject
    environment: Mapping[str, str]
    options: Options
    dry_run: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    messages: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = self.project.load()
        self.after: list[Resource] = []
        self.cancelled = threading.Event()
        self.package = self.project.front_end.package
        self._removed: set[int] = set()  # resources of the state before, by identity
        self._seen: set[str] = set()
        self._aliases: dict[str, list[str]] = {}
        self._failed: set[str] = set()
        self._checking, self._writing = threading.Lock(), threading.RLock()
        self._workers = threading.BoundedSemaphore(self.options.parallel)
        self._plugin = _PluginProcess(self)

    # -- commands -----------------------------------------------------------------------------------------------------

    def run(self, command: str) -> Outcome:
        self.dry_run = command == "preview"
        with self._plugin:
            if command == "refresh" or self.options.refresh:
                self._refresh(is_counted=command == "refresh")
            if command in {"up", "preview"} and not self._has_failed:
                self._run_program()
            if command != "refresh" and not self.cancelled.is_set():
                self._delete_the_rest()
        if not self.dry_run:
            self.project.save(self._snapshot())
        return self._outcome()

    def _run_program(self) -> None:
        environment = self.project.own_environment(**self.environment)
        config = self.project.configuration()
        program = Program(self.project.root, programs_python(), environment, config, self.options.parallel, self.dry_run)
        code = program.run(self, self.cancelled)
        if code and not self.cancelled.is_set():
            if code != SHOWED_AN_ERROR:
                self.show(f"error: Program exited with non-zero exit code: {code}")
            self.cancelled.set()

    @property
    def _has_failed(self) -> bool:
        return self.cancelled.is_set() or bool(self.counts["errored"])

    def _snapshot(self) -> list[Resource]:
        return [*self.after, *(resource for resource in self.before if id(resource) not in self._removed)]

    # -- what the program asks ----------------------------------------------------------------------------------------

    def log(self, message: str, urn: str = "") -> None:
        """A message of the program. The engine ends the program when a step fails: of that its own message is enough."""
        if not self.cancelled.is_set():
            self.show(message, urn)

    def show(self, message: str, urn: str = "") -> None:
        with self._writing:
            self.messages.setdefault(urn or self._stack_urn, []).append(message.strip("\n"))

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        with self._writing:
            (found,) = [resource for resource in self.after if resource["urn"] == urn]
            found["outputs"] = outputs

    def register(self, goal: Goal) -> Registered:
        with self._checking:
            step = self._checked(goal)
        if step is None:
            return Registered(self._urn_of(goal), failed=True)
        self._compared(step)
        with self._workers:
            self._require_running()
            return self._performed(step)

    def read(self, goal: Goal, id_: str) -> Registered:
        """A resource that the program names by its id, and that the stack does not own."""
        urn = self._urn_of(goal)
        stub = self._provider()
        request = provider_pb2.ReadRequest(id=id_, urn=urn, type=goal.type, name=goal.name, inputs=to_wire(revealed(goal.inputs)))
        response = self._called(urn, stub.Read, request)
        if not response.id:
            self._bail(urn, f"resource '{id_}' does not exist")
        outputs = marked(from_wire(response.properties), goal.inputs)
        self._forget(next((old for old in self.before if old["urn"] == urn), None))
        self._seen.add(urn)
        with self._writing:
            self.after.append(self._resource(urn, goal, goal.inputs, response.id, outputs) | {"external": True})
        return Registered(urn, response.id, outputs)

    # -- check and diff -----------------------------------------------------------------------------------------------

    def _checked(self, goal: Goal) -> _Step | None:
        self._require_running()
        urn = self._urn_of(goal)
        old = self._old(urn, goal)
        self._seen |= {urn, old["urn"] if old else urn}
        needed = {goal.parent, *goal.dependencies, *(one for found in goal.property_dependencies.values() for one in found)}
        if needed & self._failed:
            self._failed.add(urn)
            return None
        step = _Step(urn, goal, goal.inputs, old)
        if goal.custom:
            step.inputs = self._check(urn, goal, None if self._is_replaced_by_force(urn, old) else old)
        return step

    def _check(self, urn: str, goal: Goal, old: Resource | None) -> Properties:
        request = provider_pb2.CheckRequest(
            urn=urn,
            type=goal.type,
            name=goal.name,
            olds=to_wire(revealed(old["inputs"])) if old else None,
            news=to_wire(revealed(goal.inputs)),
        )
        response = self._called(urn, self._provider().Check, request)
        for failure in response.failures:
            value = goal.inputs.get(failure.property)
            found = f": property {failure.property} value {{{value}}}" if failure.property else ""
            self.show(f"error: {goal.type} resource '{goal.name}'{found} has a problem: {failure.reason}", urn)
        if response.failures:
            self._cancel()
        return marked(from_wire(response.inputs), goal.inputs)

    def _compared(self, step: _Step) -> None:
        """Decide whether the resource is created, updated, replaced, or stays the same."""
        old = step.old
        if old is None:
            return
        if self._is_replaced_by_force(step.urn, old):
            step.operation, step.deletes_first = "replace", bool(step.goal.delete_before_replace)
            return
        if not step.goal.custom:
            step.operation = "same" if old.get("inputs", {}) == step.inputs else "update"
            return
        found = self._diff(step.urn, old["id"], old, step.inputs)
        if found.replaces or old.get("pendingReplacement"):
            step.operation = "replace"
            given = step.goal.delete_before_replace
            step.deletes_first = found.deleteBeforeReplace if given is None else given
            with self._checking:  # no value of the old resource may be taken for the new one
                step.inputs = self._check(step.urn, step.goal, None)
        else:
            step.operation = "same" if found.changes == _SAME else "update"

    def _diff(self, urn: str, id_: str, old: Resource, news: Properties) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(
            id=id_,
            urn=urn,
            type=old["type"],
            name=_name(urn),
            olds=to_wire(revealed(old["outputs"])),
            old_inputs=to_wire(revealed(old["inputs"])),
            news=to_wire(revealed(news)),
        )
        response: provider_pb2.DiffResponse = self._called(urn, self._provider().Diff, request)
        assert response.changes in {_SAME, _SOME}, "the provider cannot tell: the harness does not know that"
        return response

    def _is_replaced_by_force(self, urn: str, old: Resource | None) -> bool:
        return old is not None and (urn in self.options.replace or bool(old.get("taint")))

    # -- steps --------------------------------------------------------------------------------------------------------

    def _performed(self, step: _Step) -> Registered:
        old, urn = step.old, step.urn
        try:
            if step.operation == "replace" and step.deletes_first and old is not None:
                self._delete_before_replacement(old)
            id_, outputs = self._written(step)
        except grpc.RpcError as error:
            return self._step_failed(urn, error)
        with self._writing:
            if step.operation == "replace" and not step.deletes_first and old is not None:
                old["delete"] = True
            else:
                self._forget(old)
            self.after.append(self._resource(urn, step.goal, step.inputs, id_, outputs))
            self.counts[step.operation] += 1
        return Registered(urn, id_, outputs)

    def _written(self, step: _Step) -> tuple[str, Properties]:
        old, inputs = step.old, step.inputs
        if not step.goal.custom:
            return "", old["outputs"] if old is not None and "outputs" in old else inputs
        if step.operation == "same" and old is not None:
            return old["id"], old["outputs"]
        if step.operation == "update" and old is not None:
            if self.dry_run:
                return old["id"], inputs
            update = provider_pb2.UpdateRequest(
                id=old["id"],
                urn=step.urn,
                type=step.goal.type,
                name=step.goal.name,
                olds=to_wire(revealed(old["outputs"])),
                old_inputs=to_wire(revealed(old["inputs"])),
                news=to_wire(revealed(inputs)),
            )
            updated = self._provider().Update(update, timeout=_CALL_TIMEOUT_S)
            return old["id"], marked(from_wire(updated.properties), inputs)
        if self.dry_run:
            return "", inputs
        create = provider_pb2.CreateRequest(
            urn=step.urn, type=step.goal.type, name=step.goal.name, properties=to_wire(revealed(inputs))
        )
        created = self._provider().Create(create, timeout=_CALL_TIMEOUT_S)
        return created.id, marked(from_wire(created.properties), inputs)

    def _delete_before_replacement(self, old: Resource) -> None:
        if any(old["urn"] in _needed_by(other) for other in self.before if id(other) not in self._removed):
            raise NotImplementedError("the lifecycle harness does not replace what others depend on: the test is one for the CLI")
        if not old.get("pendingReplacement") and not self.dry_run:
            self._delete(old)
            old["pendingReplacement"] = True

    def _delete(self, resource: Resource) -> None:
        request = provider_pb2.DeleteRequest(
            id=resource["id"],
            urn=resource["urn"],
            type=resource["type"],
            name=_name(resource["urn"]),
            properties=to_wire(revealed(resource["outputs"])),
        )
        self._provider().Delete(request, timeout=_CALL_TIMEOUT_S)

    def _delete_the_rest(self) -> None:
        """Delete what was replaced and what the program has no more, those first on which no other depends."""
        condemned = [old for old in self.before if id(old) not in self._removed and (old.get("delete") or not self._is_kept(old))]
        chains: list[list[Resource]] = []
        left = condemned
        while left:
            urns = {resource["urn"] for resource in left}
            chains.append([resource for resource in left if not _needed_by(resource) & urns])
            left = [resource for resource in left if _needed_by(resource) & urns]
        spared: set[str] = set()
        for chain in reversed(chains):
            if self.cancelled.is_set():
                return
            with ThreadPoolExecutor(self.options.parallel) as pool:
                failed = [*pool.map(self._deleted, [one for one in chain if one["urn"] not in spared])]
            spared |= {urn for resource in failed if resource for urn in _all_needed_by(resource, self.before)}

    def _is_kept(self, old: Resource) -> bool:
        return old["urn"] in self._seen or (old["type"].startswith(PROVIDER_TYPE) and any(one["custom"] for one in self.after))

    def _deleted(self, resource: Resource) -> Resource | None:
        """Delete it; returns what could not be deleted."""
        if self.cancelled.is_set():
            return resource
        is_called = resource["custom"] and not resource["type"].startswith(PROVIDER_TYPE) and not resource.get("external")
        if is_called and not self.dry_run and not resource.get("pendingReplacement"):
            try:
                self._delete(resource)
            except grpc.RpcError as error:
                with suppress(ShutDown):
                    self._step_failed(resource["urn"], error)
                return resource
        with self._writing:
            self._forget(resource)
            if not resource.get("delete") and not resource["type"].startswith(PROVIDER_TYPE):
                self.counts["delete"] += 1
        return None

    # -- refresh ------------------------------------------------------------------------------------------------------

    def _refresh(self, *, is_counted: bool) -> None:
        with ThreadPoolExecutor(self.options.parallel) as pool:
            found = [*pool.map(self._refreshed, self.before)]
        refreshed = [new for new, _ in found if new is not None]
        there = {resource["urn"] for resource in refreshed}
        for resource in refreshed:
            if "dependencies" in resource:
                resource["dependencies"] = [urn for urn in resource["dependencies"] if urn in there]
            if "propertyDependencies" in resource:
                kept = {name: [urn for urn in urns if urn in there] for name, urns in resource["propertyDependencies"].items()}
                resource["propertyDependencies"] = kept
        if is_counted:
            self.counts.update(
                operation
                for old, (_, operation) in zip(self.before, found, strict=True)
                if not old["type"].startswith(PROVIDER_TYPE) or operation == "errored"
            )
        else:
            self.counts["errored"] += sum(operation == "errored" for _, operation in found)
        self.before = refreshed

    def _refreshed(self, old: Resource) -> tuple[Resource | None, str]:
        if not old["custom"] or old["type"].startswith(PROVIDER_TYPE) or old.get("pendingReplacement"):
            return old, "same"
        stub = self._plugin.stub(self._recorded_configuration())
        request = provider_pb2.ReadRequest(
            id=old["id"],
            urn=old["urn"],
            type=old["type"],
            name=_name(old["urn"]),
            properties=to_wire(revealed(old["outputs"])),
            inputs=to_wire(revealed(old["inputs"])),
        )
        try:
            response = stub.Read(request, timeout=_CALL_TIMEOUT_S)
        except grpc.RpcError as error:
            self.show(f"error: {_details(error)}", old["urn"])
            return old, "errored"
        if not response.id:
            return None, "delete"
        inputs = marked(from_wire(response.inputs), old["inputs"]) if response.inputs.fields else old["inputs"]
        outputs = marked(from_wire(response.properties), old["outputs"])
        new = {**old, "id": response.id, "inputs": inputs, "outputs": outputs}
        diff = provider_pb2.DiffRequest(
            id=response.id,
            urn=old["urn"],
            type=old["type"],
            name=_name(old["urn"]),
            olds=to_wire(revealed(outputs)),
            old_inputs=to_wire(revealed(inputs)),
            news=to_wire(revealed(old["inputs"])),
        )
        found = stub.Diff(diff, timeout=_CALL_TIMEOUT_S)
        return new, "same" if found.changes == _SAME else "update"

    # -- provider -----------------------------------------------------------------------------------------------------

    def _provider(self) -> provider_pb2_grpc.ResourceProviderStub:
        """The plugin, with the current configuration if a program runs, and else with the recorded one."""
        if not self._seen:
            return self._plugin.stub(self._recorded_configuration())
        config = self.project.configuration()
        with self._writing:
            if self._provider_urn not in self._seen:
                self._seen.add(self._provider_urn)
                old = next((one for one in self.before if one["urn"] == self._provider_urn), None)
                self._forget(old)
                new = {"urn": self._provider_urn, "custom": True, "type": PROVIDER_TYPE + self.package}
                id_ = old["id"] if old else str(uuid.uuid4())
                self.after.append({**new, "id": id_, "inputs": config, "outputs": config})
                self._reference = f"{self._provider_urn}::{id_}"
        return self._plugin.stub(config)

    def _recorded_configuration(self) -> Mapping[str, str]:
        found = [one["inputs"] for one in self.before if one["urn"] == self._provider_urn]
        return found[0] if found else {}

    def _called(self, urn: str, call: Callable[..., Any], request: Any) -> Any:
        """Ask the provider what no step is: a failure ends the command."""
        try:
            return call(request, timeout=_CALL_TIMEOUT_S)
        except grpc.RpcError as error:
            self._bail(urn, _details(error))

    def _step_failed(self, urn: str, error: grpc.RpcError) -> Registered:
        with self._writing:
            self.counts["errored"] += 1
            self._failed.add(urn)
            self.show(f"error: {_details(error)}", urn)
        if not self.options.continue_on_error:
            self._cancel()
        return Registered(urn, failed=True)

    def _bail(self, urn: str, message: str) -> NoReturn:
        self.show(f"error: {message}", urn)
        self._cancel()

    def _cancel(self) -> NoReturn:
        self.cancelled.set()
        raise ShutDown

    def _require_running(self) -> None:
        if self.cancelled.is_set():
            raise ShutDown

    # -- names and state ----------------------------------------------------------------------------------------------

    @cached_property
    def _stack_urn(self) -> str:
        return f"urn:pulumi:{stack.STACK}::project::{STACK_TYPE}::project-{stack.STACK}"

    @cached_property
    def _provider_urn(self) -> str:
        return f"urn:pulumi:{stack.STACK}::project::{PROVIDER_TYPE}{self.package}::default"

    def _urn_of(self, goal: Goal) -> str:
        return self._urn(goal.parent, goal.type, goal.name)

    @staticmethod
    def _urn(parent: str, type_: str, name: str) -> str:
        above = parent.split("::")[2] if parent else STACK_TYPE
        prefix = "" if above == STACK_TYPE else f"{above}$"
        return f"urn:pulumi:{stack.STACK}::project::{prefix}{type_}::{name}"

    def _old(self, urn: str, goal: Goal) -> Resource | None:
        self._aliases[urn] = [*self._aliases_of(goal)]
        for known in (urn, *self._aliases[urn]):
            for old in self.before:
                if old["urn"] == known and not old.get("delete") and not old.get("external"):
                    return old
        return None

    def _aliases_of(self, goal: Goal) -> Iterable[str]:
        """The names that it had before, and those that it had under names that its parent had before."""
        for alias in goal.aliases:
            spec = alias.spec
            parent = "" if spec.noParent else spec.parentUrn or goal.parent
            yield alias.urn or self._urn(parent, spec.type or goal.type, spec.name or goal.name)
        for parent in self._aliases.get(goal.parent, ()):
            yield self._urn(parent, goal.type, goal.name)

    def _resource(self, urn: str, goal: Goal, inputs: Properties, id_: str, outputs: Properties) -> Resource:
        made: Resource = {"urn": urn, "custom": goal.custom, "type": goal.type, "inputs": inputs, "outputs": outputs}
        if goal.parent:
            made["parent"] = goal.parent
        if goal.custom:
            made |= {"id": id_, "provider": self._reference, "propertyDependencies": goal.property_dependencies}
        return made | ({"dependencies": goal.dependencies} if goal.dependencies else {})

    def _forget(self, old: Resource | None) -> None:
        if old is not None:
            self._removed.add(id(old))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _outcome(self) -> Outcome:
        has_changed = any(self.counts[operation] for operation in _PREFIXES)
        if self.options.expect_no_changes and has_changed and not self._has_failed:
            self.show("error: no changes were expected but changes " + ("were proposed" if self.dry_run else "occurred"))
            self.cancelled.set()
        elif self.counts["errored"]:
            self.show("error: preview failed" if self.dry_run else "error: update failed")
        shown = [f"Previewing update ({stack.STACK}):" if self.dry_run else f"Updating ({stack.STACK}):", ""]
        if self.messages:
            shown.append("Diagnostics:")
            for urn in sorted(self.messages, key=lambda urn: urn != self._stack_urn):
                shown.append(f"  {urn.split('::')[2].rpartition('$')[2]} ({_name(urn)}):")
                shown += [f"    {line}" for message in self.messages[urn] for line in message.splitlines()]
                shown.append("")
        outputs = [resource["outputs"] for resource in self.after if resource["type"] == STACK_TYPE and resource["outputs"]]
        if outputs:
            values = {name: "[secret]" if is_secret(value) else json.dumps(value) for name, value in outputs[0].items()}
            shown += ["Outputs:", *(f"    {name}: {value}" for name, value in values.items()), ""]
        shown.append("Resources:")
        for operation, prefix in _PREFIXES.items():
            if count := self.counts[operation]:
                what = f"to {operation}" if self.dry_run else operation.rstrip("e") + "ed"
                shown.append(f"    {prefix}{count} {what}")
        shown += [f"    {count} {what}" for what in ("errored",) if (count := self.counts[what])]
        changes = [self.counts[operation] for operation in _PREFIXES if self.counts[operation]]
        several = f"{sum(changes)} changes. " if len(changes) > 1 else ""
        if several or self.counts["same"]:
            shown.append(f"    {several}{self.counts['same']} unchanged" if self.counts["same"] else f"    {several}")
        return Outcome(int(self._has_failed), "\n".join([*shown, ""]), "")


class _PluginProcess:
    """The plugin of a command: started when it is first needed, and anew when the configuration is another."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._lock = threading.Lock()
        self._running = ExitStack()
        self._config: Mapping[str, str] | None = None
        self._stub: provider_pb2_grpc.ResourceProviderStub | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def stub(self, config: Mapping[str, str]) -> provider_pb2_grpc.ResourceProviderStub:
        with self._lock:
            if self._stub is None or self._config != config:
                self._running.close()
                self._config, self._stub = config, self._started(config)
            return self._stub

    def _started(self, config: Mapping[str, str]) -> provider_pb2_grpc.ResourceProviderStub:
        project = self._deployment.project
        log = self._running.enter_context((project.root / "plugin.log").open("w+", encoding="utf-8", errors="replace"))
        self._running.callback(self._report, log)
        started = self._running.enter_context(
            plugin(
                project.root,
                project.own_environment(**self._deployment.environment),
                config,
                python=programs_python(),
                stderr=log.fileno(),
                module=project.front_end.module,
            )
        )
        self._running.callback(lambda: started.stub.Cancel(empty_pb2.Empty(), timeout=_CALL_TIMEOUT_S))
        return started.stub

    def _report(self, log: Any) -> None:
        """What the plugin wrote on standard error belongs to no resource."""
        log.seek(0)
        for line in log.read().splitlines():
            self._deployment.show(line)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _details(error: grpc.RpcError) -> str:
    # As the engine shows it. Older SDKs let gRPC put its own words before the exception.
    return str(error.details()).strip().removeprefix("Exception calling application: ")


def _needed_by(resource: Resource) -> set[str]:
    """The URNs of the resources that it needs."""
    provider = resource.get("provider", "").rpartition("::")[0]
    others = [urn for urns in resource.get("propertyDependencies", {}).values() for urn in urns]
    return {urn for urn in (resource.get("parent"), provider, *resource.get("dependencies", ()), *others) if urn}


def _all_needed_by(resource: Resource, resources: list[Resource]) -> set[str]:
    found = _needed_by(resource)
    for other in resources:
        if other["urn"] in found and other is not resource:
            found |= _all_needed_by(other, resources)
    return found
