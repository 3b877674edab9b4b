"""How a preview reports the mistakes of all resources, although the engine stops at the first failed check.

Validation stays in one place, the plugin's ``check``. In a preview the program asks it, by the hidden input ``__problems``, an
empty list, to hand the problems back there instead of failing; the engine gives a preview's checked inputs to the program as
outputs, so the program can read them of every resource, print each on its resource, and fail at the end. In an ``up`` nothing is
asked, and ``check`` fails as usual: nothing that is wrong is ever registered.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

import pulumi

from pulumi_atlassian_forge.dynamic import pulumi_values


class _Run:
    """The modules of one program run, and the task that reads their problems."""

    def __init__(self) -> None:
        self.modules: list[pulumi.Resource] = []
        self.waited_for: pulumi.Output[int] | None = None

    async def report(self) -> int:
        """Print every problem of every module, in the program's order, and fail if there was one."""
        wrong = 0
        for module in self.modules:  # grows while the program runs
            problems = await _problems_of(module)
            wrong += bool(problems)
            await _print(module, problems)
        self.modules.clear()
        if wrong:
            raise pulumi.RunError(f"{wrong} of the declared modules cannot be registered; nothing was changed")
        return wrong


# One for each event loop: the Automation API may run several programs in one process, each in a thread with a loop of its own.
_runs: WeakKeyDictionary[asyncio.AbstractEventLoop, _Run] = WeakKeyDictionary()


def hidden_inputs() -> dict[str, Any]:
    """The input that a module needs for this; none in an ``up``."""
    return {pulumi_values.PROBLEMS: []} if pulumi.runtime.is_dry_run() else {}


def watch(module: pulumi.Resource) -> None:
    """Report this module's problems, if this is a preview."""
    if not pulumi.runtime.is_dry_run():
        return
    run = _runs.setdefault(asyncio.get_event_loop(), _Run())
    run.modules.append(module)
    if len(run.modules) == 1:
        # An output, so that the program waits for it and fails with it.
        waited_for: pulumi.Output[int] = pulumi.Output.from_input(run.report())
        run.waited_for = waited_for


async def _print(module: pulumi.Resource, problems: list[tuple[str, str]]) -> None:
    """Log, and wait until it is said: the SDK has a task for each line of a resource, and a program ends without them."""
    if not problems:
        return
    before = asyncio.all_tasks()
    for path, text in problems:
        pulumi.log.error(f"property {path}: {text}" if path else text, resource=module)
    if lines := asyncio.all_tasks() - before:
        await asyncio.wait(lines)


async def _problems_of(module: pulumi.Resource) -> list[tuple[str, str]]:
    output = module.__dict__.get(pulumi_values.PROBLEMS if pulumi_values.sdk_passes_hidden() else pulumi_values.INTERNAL)
    if output is None:
        return []
    try:
        found = await output.future(with_unknowns=True)
        if not pulumi_values.sdk_passes_hidden() and isinstance(found, dict):
            found = pulumi_values.decode_hidden({pulumi_values.INTERNAL: found}).get(pulumi_values.PROBLEMS)
    except Exception:  # noqa: BLE001 - the registration failed for another reason, which the engine reports
        return []
    return [(path, text) for path, text in found] if isinstance(found, list) else []
