"""``forge-modules drift``: compares the live modules with a state, without running a program. It only reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.model.comparison import differences, value_at
from pulumi_atlassian_forge.model.content import Content, content_of
from pulumi_atlassian_forge.sanitizer import printable
from pulumi_atlassian_forge.session.session import Connections

from .output import EXIT_FOUND, JsonOption, fail, print_json, reported
from .stack_state import RecordedModule, export_stack, read_state_file, recorded_modules
from .tables import count_of, print_line, print_step, progress, value_text
from .target import open_configured

Status = Literal["changed", "deleted", "type changed"]


@dataclass(frozen=True)
class _Drift:
    """A module whose live content, None if it is deleted, differs from the recorded one."""

    module: RecordedModule
    status: Status
    recorded: Content
    live: Content | None

    def differences(self) -> list[tuple[str, Any, Any]]:
        """Each path that differs, with the recorded and the live value."""
        if self.live is None or self.status != "changed":
            return []
        paths = differences(self.recorded, self.live)
        return [(path, self._value(self.recorded, path), self._value(self.live, path)) for path in paths]

    def _value(self, content: Content, path: str) -> Any:
        """A value to print. Pulumi marks a secret by the name of its property only, so one secret hides all values."""
        if self.module.secrets:
            return "[secret]"
        try:
            return value_at(content, path)
        except (KeyError, IndexError):
            return None


def drift(
    state: Annotated[list[Path] | None, typer.Option(help="A state, as `pulumi stack export` writes it. Repeatable.")] = None,
    stack: Annotated[list[str] | None, typer.Option(help="A stack of the project in this directory. Repeatable.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the live modules with a state. Exit code 2 if they differ; nothing is changed.

    A module that no state holds is not drift: `forge-modules orphans` finds it.
    """
    with reported("drift"), ExitStack() as opened:
        if not state and not stack:
            raise ForgeError("there is nothing to compare with\nnext: give --stack or --state")
        states = {name: [*_managed(export_stack(name, show_secrets=True))] for name in dict.fromkeys(stack or ())}
        files = [module for file in state or () for module in _managed(read_state_file(file))]
        managed = [*files, *chain.from_iterable(states.values())]
        requested = [module.id.installation for module in managed]
        readable = [module for module in managed if module.is_readable]
        unreadable = [str(module.id) for module in managed if not module.is_readable]
        configured = opened.enter_context(open_configured(stack, *requested))
        # A file does not say whose settings it needs: those of the stacks if they agree, else those of the environment.
        of_files = configured[0] if len(configured) == 1 else opened.enter_context(open_configured(None, *requested))[0]
        groups = [(one.connections, [*chain.from_iterable(states[name] for name in one.stacks)]) for one in configured]
        found, failures = _compare([*groups, (of_files.connections, files)], len(readable))
    compared = len(readable) - len(failures)
    if as_json:
        print_json(compared=compared, notCompared=unreadable, drift=[*map(_json, found)], failed=failures)
    else:
        _print(found, compared)
    if failures:
        fail("drift", "\n".join(failures))
    if found:
        raise typer.Exit(EXIT_FOUND)
    if unreadable:
        fail(
            "drift",
            f"not compared, because the state holds encrypted values: {', '.join(map(printable, unreadable))}\n"
            "next: give --stack, or export with --show-secrets",
        )


def _managed(state: dict[str, Any]) -> Iterator[RecordedModule]:
    return (module for module in recorded_modules([state]) if not module.is_external)


def _compare(groups: list[tuple[Connections, list[RecordedModule]]], total: int) -> tuple[list[_Drift], list[str]]:
    """Compare the modules that can be read, each with the connections of its stack.

    Returns the modules that differ, and the messages about those whose live module cannot be read, which do not stop the rest.
    """
    found: list[_Drift] = []
    failures: list[str] = []
    readable = [(connections, module) for connections, modules in groups for module in modules if module.is_readable]
    with progress("comparing", total) as advance:
        # The installation guard has to know all modules first: one that exists confirms that another is deleted.
        for connections, module in readable:
            connections.guard(module.id.installation).on_recorded(module.id.version, module.id.key, module.outputs)
        for connections, module in readable:
            try:
                drift_ = _compare_one(connections, module)
            except ForgeError as error:
                if error.code != "AF201":
                    raise
                failures.append(str(error))
            else:
                found += [drift_] if drift_ is not None else []
            advance()
    return found, failures


def _compare_one(connections: Connections, module: RecordedModule) -> _Drift | None:
    found = read(connections.open(module.id.installation), module.id, module.outputs)
    recorded = content_of(module.outputs)
    if found is None:
        return _Drift(module, "deleted", recorded, None)
    outputs = found[0]
    live = content_of(outputs)
    if "__type" in outputs or live.type != recorded.type:
        return _Drift(module, "type changed", recorded, Content(outputs.get("__type", live.type), live.data))
    return _Drift(module, "changed", recorded, live) if differences(recorded, live) else None


def _print(found: list[_Drift], compared: int) -> None:
    if not found:
        print_line(f"no drift: {count_of(compared)} as in the state", style="green")
        return
    print_line(f"{len(found)} of {count_of(compared)} differ from the state:", style="bold")
    for one in found:
        types = f": {one.recorded.type} → {one.live.type}" if one.status == "type changed" and one.live is not None else ""
        style = "red" if one.live is None else "yellow"
        of_stack = f" of stack {one.module.stack!r}" if len({each.module.stack for each in found}) > 1 else ""
        print_line(str(one.module.id), f"{one.module.type} {one.module.name!r}{of_stack}", one.status + types, style=style)
        for path, recorded, live in one.differences():
            print_line(f"{path}: {value_text(recorded)} → {value_text(live)}", indent=2)
    print_step("pulumi refresh, then pulumi preview --diff shows what up would revert")


def _json(one: _Drift) -> dict[str, Any]:
    return {
        "id": str(one.module.id),
        "urn": one.module.urn,
        "status": one.status,
        "differences": [{"path": path, "state": recorded, "live": live} for path, recorded, live in one.differences()],
    }
