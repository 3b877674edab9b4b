"""The hooks of the dynamic provider: Pulumi's values in, Pulumi's results out, and no decisions.

``PROVIDER`` is pickled by reference: the string ``__provider`` in users' state says ``pulumi_atlassian_forge.provider.PROVIDER``
and nothing else. This path is public for ever (a test freezes it), and what runs at ``destroy`` is the installed code, not a copy
from the state.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, TypeVar

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from .dynamic import hidden_properties
from .dynamic.error_deduplication import ErrorDeduplicator
from .dynamic.pulumi_values import incoming, outgoing, text
from .errors import ForgeError, bug_report

if TYPE_CHECKING:
    from .lifecycle.check import KeyClaims
    from .session.connections import Connections

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _Process:
    """What the hooks of one plugin process share. The provider itself must hold nothing: it is pickled into state."""

    connections: Connections
    keys: KeyClaims
    deduplicator = ErrorDeduplicator()
    secrets: Callable[[], Iterable[str]] = frozenset
    is_watching = False
    running: ClassVar[set[object]] = set()  # one object for each hook under way


def _hook(
    function: Callable[Concatenate[ForgeProvider, _P], _R],
) -> Callable[Concatenate[ForgeProvider, _P], _R]:
    """Let nothing but a :class:`ForgeError` out of a hook, whatever happens in it. What one has told is not told again."""

    @functools.wraps(function)
    def guarded(self: ForgeProvider, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        call = object()
        _Process.running.add(call)
        try:
            return function(self, *args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - SystemExit from a hook would leave the engine waiting for ever
            failure = error if isinstance(error, ForgeError) else _report(error, function.__name__)
            name = _name_in(args)
            raise (failure if name is None else _Process.deduplicator.once(failure, name)) from None
        finally:
            _Process.running.discard(call)

    return guarded  # type: ignore[return-value] # wraps() forgets that self may be given by position


def _name_in(arguments: Iterable[object]) -> str | None:
    """The logical name of the resource that a hook is about, as the engine prints it; None for ``configure``."""
    found = [hidden_properties.unpack(properties).get("__name") for properties in arguments if isinstance(properties, dict)]
    return str(found[-1][-1]) if found and isinstance(found[-1], list) and found[-1] else None


def _report(error: BaseException, hook: str) -> ForgeError:
    from .version import __version__  # noqa: PLC0415 - reading metadata takes time that only a bug has to spend

    return bug_report(error, doing=hook, version=__version__, secrets=_Process.secrets())


class ForgeProvider(ResourceProvider):
    """One provider for both resources. It has no attributes; everything a process shares is made in :meth:`configure`."""

    serialize_as_secret_always = False

    def __reduce__(self) -> str:
        """Pickle as a name of this module."""
        return "PROVIDER"

    @_hook
    def configure(self, req: ConfigureRequest) -> None:
        """Read the settings. Called once per plugin process, before any other hook, with the configuration of the stack."""
        # Only here, never at import: the plugin's process is ours, the user's program is not. The runtime sends the formatted
        # traceback of an exception to the terminal; with this it is the message alone.
        sys.tracebacklimit = 0
        from .dynamic.thread_pool import raise_thread_limit  # noqa: PLC0415 - the same
        from .lifecycle.check import KeyClaims  # noqa: PLC0415 - the program imports this file too, and needs none of this
        from .session.connections import Connections  # noqa: PLC0415 - the same
        from .session.shutdown import exit_when_asked, watch  # noqa: PLC0415 - the same

        if not _Process.is_watching:
            _Process.is_watching = True
            watch()
            exit_when_asked(lambda: bool(_Process.running))
        connections = Connections(lambda key: text(req.config.get(key)))
        raise_thread_limit(len(connections.names))
        _Process.secrets = connections.secrets
        _Process.connections, _Process.keys = connections, KeyClaims()

    @_hook
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate and complete the inputs; offline."""
        from .lifecycle.check import check, in_preview  # noqa: PLC0415

        inputs = incoming(news)
        checked = check(inputs, _Process.connections, _Process.keys)
        if not checked.problems:
            guard = _Process.connections.guard(checked.inputs["installation"])
            guard.check(checked.inputs["apiVersion"], checked.inputs, incoming(_olds))
        if "__problems" in inputs:
            checked = in_preview(checked)
        failures = [CheckFailure(problem.path, problem.text) for problem in checked.problems]
        return CheckResult(outgoing(checked.inputs), failures)

    @_hook
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare old outputs with new inputs; offline. The result is a pure function of them."""
        from .lifecycle.diff import diff  # noqa: PLC0415
        from .model.module_id import ModuleId  # noqa: PLC0415

        module, olds, news = ModuleId.parse(_id), incoming(_olds), incoming(_news)
        _Process.connections.guard(module.installation).meet(module.version, module.key, olds, news)
        found = diff(olds, news)
        return DiffResult(changes=found.changes, replaces=found.replaces, delete_before_replace=found.delete_first)

    @_hook
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Register a module."""
        from .lifecycle.verbs import create  # noqa: PLC0415

        inputs = incoming(props)
        id_, outputs = create(_Process.connections.open(inputs["installation"]), inputs)
        return CreateResult(str(id_), outgoing(outputs))

    @_hook
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Look at a module; the empty id says that it is gone."""
        from .lifecycle.verbs import read  # noqa: PLC0415
        from .model.module_id import ModuleId  # noqa: PLC0415

        module = ModuleId.parse(id_)
        found = read(_Process.connections.open(module.installation), module, incoming(props))
        if found is None:
            return ReadResult("", {})
        outputs, inputs = found
        return ReadResult(id_, outgoing(outputs), outgoing(inputs))

    @_hook
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Replace the content of a module."""
        from .lifecycle.verbs import update  # noqa: PLC0415
        from .model.module_id import ModuleId  # noqa: PLC0415

        module = ModuleId.parse(_id)
        outputs = update(_Process.connections.open(module.installation), module, incoming(_news), incoming(_olds))
        return UpdateResult(outgoing(outputs))

    @_hook
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete a module; one that is not there counts as deleted."""
        from .lifecycle.verbs import delete  # noqa: PLC0415
        from .model.module_id import ModuleId  # noqa: PLC0415

        module = ModuleId.parse(_id)
        delete(_Process.connections.open(module.installation), module, incoming(_props))


PROVIDER = ForgeProvider()
