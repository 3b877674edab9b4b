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

The harness rejects what it does not support: a test must not pass because the harness ignores an option.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from testing import stack, stack_state
from testing.project import Outcome, Project, programs_python
from testing.provider_client import FrontEnd, PluginProcess, ProviderClient, ProviderError
from testing.resource_monitor import (
    SHOWED_AN_ERROR,
    Goal,
    Program,
    Properties,
    Registered,
    ShutDown,
    is_secret,
    revealed,
)
from testing.stack_state import PROVIDER_TYPE, STACK_TYPE, STACK_URN, Resource, name_of, needed_by, type_of, urn_of

_PREFIXES = {"create": "+ ", "update": "~ ", "delete": "- ", "replace": "+-"}
_COMMANDS = ("up", "preview", "refresh", "destroy")
_DONE = Outcome(0, "", "")


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
                done = Deployment(self, environment, Options.parse(flags), dry_run=command == "preview").run(command)
                self.output += [done.stdout]
                return done
            case ("config", "set", key, value) if not key.startswith("-"):
                stack.configure(self.root, {key: value})
                return _DONE
            case ("state", "taint", urn, "--yes"):
                resources = stack_state.load(self.file)
                (found,) = [resource for resource in resources if resource["urn"] == urn and not resource.get("delete")]
                found["taint"] = True
                stack_state.save(self.file, resources)
                return _DONE
            case ("stack", "import", "--file", file):
                given = json.loads((self.root / file).read_text("utf-8"))["deployment"]["resources"]
                stack_state.save(self.file, stack_state.opened(given))
                return _DONE
            case ("stack", "export", *_):
                return Outcome(0, stack_state.export(self.file), "")
            case ("stack", "output", name):
                (root,) = [resource for resource in stack_state.load(self.file) if resource["type"] == STACK_TYPE]
                outputs = revealed(root["outputs"])
                return Outcome(0, f"{json.dumps(outputs) if name == '--json' else outputs[name]}\n", "")
        raise NotImplementedError(f"the lifecycle harness does not know {args}: the test is one for the CLI")


@dataclass
class _Step:
    """What is to be done for one registration."""

    urn: str
    goal: Goal
    inputs: Properties
    old: Resource | None
    operation: str = "create"
    deletes_first: bool = False
    is_checked_again: bool = False


@dataclass
class Deployment:
    """One command. It is the handler of what its program asks."""

    project: LifecycleProject
    environment: Mapping[str, str]
    options: Options
    dry_run: bool
    counts: Counter[str] = field(default_factory=Counter)
    messages: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = stack_state.load(self.project.file)
        self.after: list[Resource] = []
        self.cancelled = threading.Event()
        self._own_environment = self.project.own_environment(**self.environment)
        self._config = stack_state.configuration(self.project.root)
        front_end = self.project.front_end
        self._provider_urn = urn_of("", PROVIDER_TYPE + front_end.package, "default")
        self._provider_reference = ""
        self._plugin = PluginProcess(self.project.root, self._own_environment, front_end, self.show)
        self._removed: set[int] = set()  # resources of the state before, by identity
        self._seen: set[str] = set()
        self._failed: set[str] = set()
        self._aliases: dict[str, list[str]] = {}
        self._writing = threading.RLock()
        # As in the engine: one thread generates steps, several execute them, both in the order of the registrations.
        self._generator, self._workers = ThreadPoolExecutor(1), ThreadPoolExecutor(self.options.parallel)

    # -- commands -----------------------------------------------------------------------------------------------------

    def run(self, command: str) -> Outcome:
        with self._plugin:
            if command == "refresh" or self.options.refresh:
                self._refresh(is_counted=command == "refresh")
            if command in {"up", "preview"} and not self._has_failed:
                self._run_program()
            if command != "refresh" and not self.cancelled.is_set():
                self._delete_the_rest()
        if not self.dry_run:
            stack_state.save(self.project.file, [*self.after, *(old for old in self.before if id(old) not in self._removed)])
        return self._outcome()

    def _run_program(self) -> None:
        parallel, root = self.options.parallel, self.project.root
        program = Program(root, programs_python(), self._own_environment, self._config, parallel, self.dry_run)
        with self._generator, self._workers:
            code = program.run(self, self.cancelled)
        if code and not self.cancelled.is_set():
            if code != SHOWED_AN_ERROR:
                self.show(f"error: Program exited with non-zero exit code: {code}")
            self.cancelled.set()

    @property
    def _has_failed(self) -> bool:
        return self.cancelled.is_set() or bool(self.counts["errored"])

    # -- what the program asks ----------------------------------------------------------------------------------------

    def log(self, message: str, urn: str = "") -> None:
        """A message of the program. The engine ends the program when a step fails: of that its own message is enough."""
        if not self.cancelled.is_set():
            self.show(message, urn)

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        with self._writing:
            (found,) = [resource for resource in self.after if resource["urn"] == urn]
            found["outputs"] = outputs

    def register(self, goal: Goal) -> Registered:
        step = self._generator.submit(self._checked, goal).result()
        if step is None:
            return Registered(_urn(goal), failed=True)
        self._workers.submit(self._compare, step).result()
        if step.is_checked_again:  # no value of the old resource may become one of the new
            step.inputs = self._generator.submit(self._check, step.urn, goal, None).result()
        return self._workers.submit(self._performed, step).result()

    def read(self, goal: Goal, id_: str) -> Registered:
        """A resource that the program names by its id, and that the stack does not own."""
        urn = _urn(goal)
        try:
            found = self._provider().read({"urn": urn, "id": id_, "inputs": goal.inputs})
        except ProviderError as error:
            self._bail(urn, str(error))
        if found is None:
            self._bail(urn, f"resource '{id_}' does not exist")
        with self._writing:
            self._seen.add(urn)
            self._forget(next((old for old in self.before if old["urn"] == urn), None))
            self.after.append(self._resource(urn, goal, goal.inputs, found["id"], found["outputs"]) | {"external": True})
        return Registered(urn, found["id"], found["outputs"])

    # -- check and diff -----------------------------------------------------------------------------------------------

    def _checked(self, goal: Goal) -> _Step | None:
        """The step with its checked inputs; None if a resource that it needs has failed."""
        self._require_running()
        urn = _urn(goal)
        old = self._old(urn, goal)
        self._seen |= {urn, old["urn"] if old else urn}
        needed = {goal.parent, *goal.dependencies, *(one for found in goal.property_dependencies.values() for one in found)}
        if needed & self._failed:
            self._failed.add(urn)
            return None
        step = _Step(urn, goal, goal.inputs, old)
        if goal.custom:
            is_new = old is None or self._is_replaced_by_force(urn, old)
            step.inputs = self._check(urn, goal, None if is_new or old is None else old["inputs"])
        return step

    def _check(self, urn: str, goal: Goal, olds: Properties | None) -> Properties:
        try:
            inputs, failures = self._provider().check(urn, goal.inputs, olds)
        except ProviderError as error:
            self._bail(urn, str(error))
        for name, reason in failures:
            where = f": property {name} value {{{goal.inputs.get(name)}}}" if name else ""
            self.show(f"error: {goal.type} resource '{goal.name}'{where} has a problem: {reason}", urn)
        if failures:
            self._cancel()
        return inputs

    def _compare(self, step: _Step) -> None:
        """Decide whether the resource is created, updated, replaced, or stays the same."""
        self._require_running()
        old, goal = step.old, step.goal
        if old is None:
            return
        if self._is_replaced_by_force(step.urn, old):
            step.operation, step.deletes_first = "replace", bool(goal.delete_before_replace)
            return
        if not goal.custom:
            step.operation = "same" if old["inputs"] == step.inputs else "update"
            return
        try:
            found = self._provider().diff(old, step.inputs)
        except ProviderError as error:
            self._bail(step.urn, str(error))
        if found.is_replaced or old.get("pendingReplacement"):
            step.operation = "replace"
            step.deletes_first = found.deletes_first if goal.delete_before_replace is None else goal.delete_before_replace
            step.is_checked_again = True
        else:
            step.operation = "update" if found.is_changed else "same"

    def _is_replaced_by_force(self, urn: str, old: Resource) -> bool:
        return urn in self.options.replace or bool(old.get("taint"))

    # -- steps --------------------------------------------------------------------------------------------------------

    def _performed(self, step: _Step) -> Registered:
        self._require_running()
        old, urn = step.old, step.urn
        try:
            if old is not None and step.operation == "replace" and step.deletes_first:
                self._delete_before_replacement(old)
            id_, outputs = self._written(step)
        except ProviderError as error:
            return self._step_failed(urn, error)
        with self._writing:
            if old is not None and step.operation == "replace" and not step.deletes_first:
                old["delete"] = True
            else:
                self._forget(old)
            self.after.append(self._resource(urn, step.goal, step.inputs, id_, outputs))
            self.counts[step.operation] += 1
        return Registered(urn, id_, outputs)

    def _written(self, step: _Step) -> tuple[str, Properties]:
        """The id and the outputs. In a preview the inputs are all that is known of the outputs."""
        old, inputs = step.old, step.inputs
        if not step.goal.custom:
            return "", old["outputs"] if old else inputs
        if old is not None and step.operation == "same":
            return old["id"], old["outputs"]
        if old is not None and step.operation == "update":
            return old["id"], inputs if self.dry_run else self._provider().update(old, step.urn, inputs)
        return ("", inputs) if self.dry_run else self._provider().create(step.urn, inputs)

    def _delete_before_replacement(self, old: Resource) -> None:
        if any(old["urn"] in needed_by(other) for other in self.before if id(other) not in self._removed):
            raise NotImplementedError("the lifecycle harness does not replace what others depend on: the test is one for the CLI")
        if not old.get("pendingReplacement") and not self.dry_run:
            self._provider().delete(old)
            old["pendingReplacement"] = True

    def _delete_the_rest(self) -> None:
        """Delete what was replaced and what the program has no more, those first on which no other depends."""
        left = [old for old in self.before if id(old) not in self._removed and (old.get("delete") or not self._is_kept(old))]
        chains: list[list[Resource]] = []
        while left:
            urns = {resource["urn"] for resource in left}
            chains.append([resource for resource in left if not needed_by(resource) & urns])
            left = [resource for resource in left if needed_by(resource) & urns]
        spared: set[str] = set()  # what could not be deleted keeps what it needs
        for chain in reversed(chains):
            with ThreadPoolExecutor(self.options.parallel) as pool:
                failed = [*pool.map(self._failed_to_delete, [one for one in chain if one["urn"] not in spared])]
            spared |= {urn for resource in failed if resource for urn in stack_state.all_needed_by(resource, self.before)}

    def _is_kept(self, old: Resource) -> bool:
        return old["urn"] in self._seen or (old["type"].startswith(PROVIDER_TYPE) and any(one["custom"] for one in self.after))

    def _failed_to_delete(self, resource: Resource) -> Resource | None:
        """Delete a resource; returns it if it is still there."""
        if self.cancelled.is_set():
            return resource
        is_known = _is_of_a_provider(resource) and not resource.get("external") and not resource.get("pendingReplacement")
        if is_known and not self.dry_run:
            try:
                self._provider().delete(resource)
            except ProviderError as error:
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
        for old, (_, operation) in zip(self.before, found, strict=True):
            if operation == "errored" or (is_counted and not old["type"].startswith(PROVIDER_TYPE)):
                self.counts[operation] += 1
        self.before = stack_state.without_dangling([new for new, _ in found if new is not None])

    def _refreshed(self, old: Resource) -> tuple[Resource | None, str]:
        if not _is_of_a_provider(old) or old.get("pendingReplacement"):
            return old, "same"
        try:
            new = self._provider().read(old)
            if new is None:
                return None, "delete"
            # What an `up` of an unchanged program would find.
            return new, "update" if self._provider().diff(new, old["inputs"]).is_changed else "same"
        except ProviderError as error:
            self.show(f"error: {error}", old["urn"])
            return old, "errored"

    # -- provider and failures ----------------------------------------------------------------------------------------

    def _provider(self) -> ProviderClient:
        """The plugin, with the current configuration if a program runs, and else with that which the state has recorded."""
        old = next((one for one in self.before if one["urn"] == self._provider_urn), None)
        if not self._seen:
            return self._plugin.client(old["inputs"] if old else {})
        with self._writing:
            if self._provider_urn not in self._seen:
                self._seen.add(self._provider_urn)
                self._forget(old)
                new: Resource = {"urn": self._provider_urn, "custom": True, "type": type_of(self._provider_urn)}
                new |= {"id": old["id"] if old else str(uuid.uuid4()), "inputs": self._config, "outputs": self._config}
                self.after.append(new)
                self._provider_reference = f"{self._provider_urn}::{new['id']}"
        return self._plugin.client(self._config)

    def _step_failed(self, urn: str, error: ProviderError) -> Registered:
        with self._writing:
            self.counts["errored"] += 1
            self._failed.add(urn)
        self.show(f"error: {error}", urn)
        if not self.options.continue_on_error:
            self._cancel()
        return Registered(urn, failed=True)

    def _bail(self, urn: str, message: str) -> NoReturn:
        """A failure that is not one of a step ends the command at once."""
        self.show(f"error: {message}", urn)
        self._cancel()

    def _cancel(self) -> NoReturn:
        self.cancelled.set()
        raise ShutDown

    def _require_running(self) -> None:
        if self.cancelled.is_set():
            raise ShutDown

    # -- state --------------------------------------------------------------------------------------------------------

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
            yield alias.urn or urn_of(parent, spec.type or goal.type, spec.name or goal.name)
        for parent in self._aliases.get(goal.parent, ()):
            yield urn_of(parent, goal.type, goal.name)

    def _resource(self, urn: str, goal: Goal, inputs: Properties, id_: str, outputs: Properties) -> Resource:
        made: Resource = {"urn": urn, "custom": goal.custom, "type": goal.type, "inputs": inputs, "outputs": outputs}
        if goal.parent:
            made["parent"] = goal.parent
        if goal.custom:
            made |= {"id": id_, "provider": self._provider_reference, "propertyDependencies": goal.property_dependencies}
        return made | ({"dependencies": goal.dependencies} if goal.dependencies else {})

    def _forget(self, old: Resource | None) -> None:
        if old is not None:
            self._removed.add(id(old))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def show(self, message: str, urn: str = "") -> None:
        with self._writing:
            self.messages.setdefault(urn or STACK_URN, []).append(message.strip("\n"))

    def _outcome(self) -> Outcome:
        changes = {operation: self.counts[operation] for operation in _PREFIXES if self.counts[operation]}
        if self.options.expect_no_changes and changes and not self._has_failed:
            self.show("error: no changes were expected but changes " + ("were proposed" if self.dry_run else "occurred"))
            self.cancelled.set()
        elif self.counts["errored"]:
            self.show("error: preview failed" if self.dry_run else "error: update failed")
        shown = [f"Previewing update ({stack.STACK}):" if self.dry_run else f"Updating ({stack.STACK}):", ""]
        if self.messages:
            shown.append("Diagnostics:")
        for urn in sorted(self.messages, key=lambda urn: urn != STACK_URN):
            lines = [f"    {line}" for message in self.messages[urn] for line in message.splitlines()]
            shown += [f"  {type_of(urn)} ({name_of(urn)}):", *lines, ""]
        for outputs in [one["outputs"] for one in self.after if one["type"] == STACK_TYPE and one["outputs"]]:
            values = {name: "[secret]" if is_secret(value) else json.dumps(value) for name, value in outputs.items()}
            shown += ["Outputs:", *(f"    {name}: {value}" for name, value in values.items()), ""]
        shown.append("Resources:")
        for operation, count in changes.items():
            what = f"to {operation}" if self.dry_run else f"{operation.rstrip('e')}ed"
            shown.append(f"    {_PREFIXES[operation]}{count} {what}")
        if self.counts["errored"]:
            shown.append(f"    {self.counts['errored']} errored")
        last = [f"{sum(changes.values())} changes."] if len(changes) > 1 else []
        last += [f"{self.counts['same']} unchanged"] if self.counts["same"] else []
        if last:
            shown.append(f"    {' '.join(last)}")
        return Outcome(int(self._has_failed), "\n".join([*shown, ""]), "")


def _urn(goal: Goal) -> str:
    return urn_of(goal.parent, goal.type, goal.name)


def _is_of_a_provider(resource: Resource) -> bool:
    return resource["custom"] and not resource["type"].startswith(PROVIDER_TYPE)
