"""``forge-modules drift``: what is live against what a state holds, without running a program. It only reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.model.comparison import differences, value_at
from pulumi_atlassian_forge.model.content import Content, content_of
from pulumi_atlassian_forge.session.connections import Connections

from .output import JsonOption, as_json, fail, reported
from .stack_state import Owned, modules, of_file, of_stack
from .tables import counted, line, progress, value
from .target import connected

FOUND: Final = 2
"""The exit code where there is drift."""

Status = Literal["changed", "deleted", "type changed"]


@dataclass(frozen=True)
class _Drift:
    module: Owned
    status: Status
    state: Content
    live: Content | None

    def paths(self) -> list[str]:
        return differences(self.state, self.live) if self.live is not None and self.status == "changed" else []

    def shown(self, content: Content, path: str) -> Any:
        """A value, unless it is secret: Pulumi marks what it knows as secret by the name of the property."""
        if self.module.secrets:
            return "[secret]"
        try:
            return value_at(content, path)
        except (KeyError, IndexError):
            return None


def drift(
    state: Annotated[list[Path] | None, typer.Option(help="A state, as `pulumi stack export` writes it. Repeatable.")] = None,
    stack: Annotated[list[str] | None, typer.Option(help="A stack of the project in this directory. Repeatable.")] = None,
    as_json_: JsonOption = False,
) -> None:
    """Compare what is live with a state. Exit code 2 where they differ; nothing is changed.

    What is registered and in no state is not drift: `forge-modules orphans` finds it.
    """
    with reported("drift"):
        if not state and not stack:
            raise ForgeError("there is nothing to compare with\nnext: give --stack or --state")
        states = [*map(of_file, state or ()), *(of_stack(name, secrets=True) for name in stack or ())]
        owned = [module for module in modules(states) if not module.is_external]
        unreadable = [module for module in owned if not module.is_readable]
        with connected(stack, *(module.id.installation for module in owned)) as connections:
            found = _compare(connections, [module for module in owned if module.is_readable])
    if as_json_:
        as_json(compared=len(owned) - len(unreadable), notCompared=[str(module.id) for module in unreadable], drift=_json(found))
    else:
        _print(found, len(owned) - len(unreadable))
    if found:
        raise typer.Exit(FOUND)
    if unreadable:
        names = ", ".join(str(module.id) for module in unreadable)
        fail(
            "drift",
            f"not compared, because the state holds encrypted values: {names}\nnext: give --stack, or export with --show-secrets",
        )


def _compare(connections: Connections, owned: list[Owned]) -> list[_Drift]:
    found = []
    with progress("comparing", len(owned)) as advance:
        # Those that are there come first: a module that is gone is believed to be gone only beside one that is live.
        for module in owned:
            connections.guard(module.id.installation).on_recorded(module.id.version, module.id.key, module.outputs)
        for module in owned:
            one = _compared(connections, module)
            found += [one] if one is not None else []
            advance()
    return found


def _compared(connections: Connections, module: Owned) -> _Drift | None:
    seen = read(connections.open(module.id.installation), module.id, module.outputs)
    was = content_of(module.outputs)
    if seen is None:
        return _Drift(module, "deleted", was, None)
    outputs = seen[0]
    live = content_of(outputs)
    if "__type" in outputs or live.type != was.type:
        return _Drift(module, "type changed", was, Content(outputs.get("__type", live.type), live.data))
    return _Drift(module, "changed", was, live) if differences(was, live) else None


def _print(found: Iterable[_Drift], compared: int) -> None:
    found = list(found)
    if not found:
        line(f"no drift: {counted(compared)} as the state says", style="green")
        return
    line(f"{len(found)} of {counted(compared)} not as the state says:", style="bold")
    for one in found:
        more = f": {one.state.type} → {one.live.type}" if one.status == "type changed" and one.live is not None else ""
        style = "red" if one.live is None else "yellow"
        line(str(one.module.id), f"{one.module.type} {one.module.name!r}", one.status + more, style=style)
        for path in one.paths():
            line(f"{path}: {value(one.shown(one.state, path))} → {value(one.shown(one.live or one.state, path))}", indent=2)
    line("next: pulumi refresh, then pulumi preview --diff, shows the way back to the program")


def _json(found: Iterable[_Drift]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(one.module.id),
            "urn": one.module.urn,
            "status": one.status,
            "differences": [
                {"path": path, "state": one.shown(one.state, path), "live": one.shown(one.live or one.state, path)}
                for path in one.paths()
            ],
        }
        for one in found
    ]
