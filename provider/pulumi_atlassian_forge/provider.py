"""The hooks of the dynamic provider: Pulumi's values in, Pulumi's results out, and no decisions.

``PROVIDER`` is pickled by reference: the string ``__provider`` in users' state says ``pulumi_atlassian_forge.provider.PROVIDER``
and nothing else. This path is public for ever (a test freezes it), and what runs at ``destroy`` is the installed code, not a copy
from the state.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

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

from .dynamic.error_deduplication import ErrorDeduplicator
from .dynamic.pulumi_values import ANNOUNCED, PROBLEMS, SECRETS, decode_hidden, from_pulumi, to_pulumi, with_problems
from .errors import ForgeError, bug_report
from .sanitizer import printable

if TYPE_CHECKING:
    from .session.session import Session

_PROBLEM_MAX_LENGTH = 4000
_P = ParamSpec("_P")
_R = TypeVar("_R")


class _Process:
    """What the hooks of one plugin process share. The provider itself holds nothing, because it is pickled into state."""

    session: Session

    def __init__(self) -> None:
        self.is_configured = False
        self.errors = ErrorDeduplicator()
        self.running: set[object] = set()  # one object for each hook under way


_process = _Process()


def _hook(function: Callable[Concatenate[ForgeProvider, _P], _R]) -> Callable[Concatenate[ForgeProvider, _P], _R]:
    """Raise nothing but a :class:`ForgeError` from a hook, and each cause in full only once (:mod:`.dynamic`)."""

    @functools.wraps(function)
    def guarded(self: ForgeProvider, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        call = object()
        _process.running.add(call)
        try:
            return function(self, *args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - SystemExit from a hook would leave the engine waiting for ever
            failure = error if isinstance(error, ForgeError) else _report(error, function.__name__)
            name = _name_in(args)
            raise (failure if name is None else _process.errors.shorten(failure, name)) from None
        finally:
            _process.running.discard(call)

    return guarded  # type: ignore[return-value] # wraps() forgets that self may be given by position


def _name_in(arguments: Iterable[object]) -> str | None:
    """The logical name of the resource that a hook is about, as the engine prints it; None for ``configure``."""
    found = [decode_hidden(properties).get("__name") for properties in arguments if isinstance(properties, dict)]
    return str(found[-1][-1]) if found and isinstance(found[-1], list) and found[-1] else None


def _report(error: BaseException, hook: str) -> ForgeError:
    from .version import __version__  # noqa: PLC0415 - reading metadata takes time that only a bug has to spend

    return bug_report(error, doing=hook, version=__version__)


class ForgeProvider(ResourceProvider):
    """One provider for both resources. It has no attributes; everything that a process shares is made in :meth:`configure`."""

    serialize_as_secret_always = False

    def __reduce__(self) -> str:
        """Pickle as a name of this module."""
        return "PROVIDER"

    @_hook
    def configure(self, req: ConfigureRequest) -> None:
        """Read the settings. Called once per plugin process, before any other hook, with the configuration of the stack."""
        # Only here, never at import: the plugin's process is ours, the user's program is not. The SDK sends the formatted
        # traceback of an exception to the terminal; with this it is the message alone.
        sys.tracebacklimit = 0
        # The program imports this file too, and needs none of these.
        from .dynamic.thread_pool import raise_thread_limit  # noqa: PLC0415
        from .session.session import Session  # noqa: PLC0415
        from .session.shutdown import exit_when_asked, watch  # noqa: PLC0415

        if not _process.is_configured:
            watch()
            exit_when_asked(lambda: bool(_process.running))
        _process.session = Session(lambda key: _as_text(req.config.get(key)))
        _process.is_configured = True
        raise_thread_limit(len(_process.session.connections.names))

    @_hook
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate and complete the inputs; no request."""
        inputs = from_pulumi(news)
        is_report_wanted = inputs.pop(PROBLEMS, None) is not None
        announced, places = inputs.pop(ANNOUNCED, ()), inputs.pop(SECRETS, None)
        secret_places = places if isinstance(places, list) else ()
        checked = _process.session.check(inputs, from_pulumi(_olds), announced, secret_places=secret_places)
        # A path and a text may quote a file of others, such as the manifest, and a name in a secret dictionary.
        problems = [(printable(problem.path), printable(problem.message(), _PROBLEM_MAX_LENGTH)) for problem in checked.problems]
        if problems and is_report_wanted:
            return CheckResult(to_pulumi(with_problems(checked.inputs, problems)), [])
        return CheckResult(to_pulumi(checked.inputs), [CheckFailure(path, text) for path, text in problems])

    @_hook
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare old outputs with new inputs; no request."""
        found = _process.session.diff(_id, from_pulumi(_olds), from_pulumi(_news))
        return DiffResult(changes=found.changes, replaces=found.replaces, delete_before_replace=found.delete_first)

    @_hook
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Register a module."""
        id_, outputs = _process.session.create(from_pulumi(props))
        return CreateResult(id_, to_pulumi(outputs))

    @_hook
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read a module; an empty id in the result means that it was deleted."""
        found = _process.session.read(id_, from_pulumi(props))
        if found is None:
            return ReadResult("", {})
        outputs, inputs = found
        return ReadResult(id_, to_pulumi(outputs), to_pulumi(inputs))

    @_hook
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Replace the content of a module."""
        return UpdateResult(to_pulumi(_process.session.update(_id, from_pulumi(_olds), from_pulumi(_news))))

    @_hook
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete a module; one that does not exist counts as deleted if that can be confirmed."""
        _process.session.delete(_id, from_pulumi(_props))


PROVIDER = ForgeProvider()


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)
