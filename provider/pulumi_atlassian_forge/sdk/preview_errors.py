"""Reports the validation errors of all resources in a preview, although the engine stops at the first failed check.

Validation stays in the plugin's ``check``. In a preview the program sends the hidden input ``__problems``, an empty list; then
``check`` returns its errors there and does not fail. The engine returns checked inputs to the program as outputs, so the program
reads the errors of every resource, logs each on its resource, and fails at the end. In an ``up`` the input is not sent, and
``check`` fails as usual: nothing that is invalid is ever registered.

In the host of a component provider, which constructs components for programs of other languages, there is no program to fail. The
host answers each request of the engine (``Construct``) on its own, awaits nothing but the registrations that it made, and has all
requests in one event loop. So a run is one request there, and its report counts as a registration that fails.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.rpc_manager import RPCManager
from pulumi.runtime.settings import SETTINGS

from pulumi_atlassian_forge.dynamic import pulumi_values


class _Run:
    """The modules of one run of a program, or of one request to a component host, and the task that reads their errors."""

    def __init__(self) -> None:
        self.modules: list[pulumi.Resource] = []
        self.task: pulumi.Output[int] | asyncio.Task[int] | None = None

    def start(self, registrations: list[Any]) -> None:
        """Start the report, so that what the program is run by waits for it and fails with it."""
        if pulumi.runtime.get_root_resource() is not None:
            output: pulumi.Output[int] = pulumi.Output.from_input(self.report(pulumi.RunError))
            self.task = output
        else:  # the SDK's host reports this exception without a traceback
            self.task = task = asyncio.ensure_future(self.report(pulumi.InputPropertiesError))
            registrations.append(task)

    async def report(self, error: type[Exception]) -> int:
        """Log every error of every module in the program's order, and fail if there was one."""
        invalid = 0
        for module in self.modules:  # grows while the program runs
            problems = await _problems_of(module)
            invalid += bool(problems)
            await _print(module, problems)
        self.modules.clear()
        if invalid:
            raise error(f"{invalid} of the declared modules cannot be registered; nothing was changed")
        return invalid


# By what the SDK has one of for each run and for each request: the Automation API may run several programs in one process.
_runs: WeakKeyDictionary[RPCManager, _Run] = WeakKeyDictionary()


def hidden_inputs() -> dict[str, Any]:
    """The hidden input of a module in a preview; none in an ``up``."""
    return {pulumi_values.PROBLEMS: []} if pulumi.runtime.is_dry_run() else {}


def report(module: pulumi.Resource) -> None:
    """Report this module's errors, if this is a preview."""
    if not pulumi.runtime.is_dry_run():
        return
    manager = SETTINGS.rpc_manager
    run = _runs.setdefault(manager, _Run())
    run.modules.append(module)
    if len(run.modules) == 1:
        run.start(manager.rpcs)


async def _print(module: pulumi.Resource, problems: list[tuple[str, str]]) -> None:
    """Log the errors, and wait for the SDK's tasks that send them: a program may end before they have run."""
    if not problems:
        return
    before = asyncio.all_tasks()
    for path, text in problems:
        pulumi.log.error(f"property {path}: {text}" if path else text, resource=module)
    if tasks := asyncio.all_tasks() - before:
        await asyncio.wait(tasks)


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
