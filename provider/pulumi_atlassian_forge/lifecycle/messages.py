"""The messages of failed operations: from an error of the API to the one :class:`ForgeError` that the user reads.

At most six lines, in this form::

    could not <verb> module '<key>' (<type>) on installation '<name>' (<version>)
    HTTP <status>: <the server's own text>
    <the state that the module is in>
    next: <command or setting>
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from pulumi_atlassian_forge.api.errors import (
    ApiError,
    InternalError,
    InvalidResponse,
    NotFound,
    Outcome,
    OutOfTime,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
    UnreadableModule,
)
from pulumi_atlassian_forge.api.network_environment import certificates_step
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.config.settings import AuthMethodName, address_variable, config_key, setting_of, variable
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.model.module_id import Version

from .adoption import AdoptionTargetMissing, TypeMismatch
from .expected_installation import ExpectedInstallationUnknown, NotTheExpectedInstallation
from .installation_guard import UnverifiedInstallation, WrongInstallation
from .recovery import AmbiguousRegistration, KeyTaken

Verb = Literal["register", "adopt", "update", "read", "delete"]

LIMIT = 100  # dynamic modules that one installation holds at most, as Atlassian documents it
_LIMIT_WORDS: Final = re.compile(r"limit|maximum|at most|exceed|too many", re.IGNORECASE)
_REPORT: Final = "please report it as an issue, with this message (see CONTRIBUTING.md)"
_AT_LIMIT: Final = "delete a module that is not needed; if this one replaces another, set delete_before_replace=True on it"
_AT_SHARED_LIMIT: Final = (
    "set delete_before_replace=True on each module that replaces one of the other version, or delete what is not needed, and "
    "run the command again (docs/guide/upgrade.md#the-limit)"
)
_OLD_IS_DELETED: Final = "; the module that it replaces is deleted already"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An operation on one module, for the first line of its message."""

    verb: Verb
    key: str | None
    type: str
    installation: str
    version: Version
    base_url: str
    auth_method: AuthMethodName | None = None
    name: str | None = None
    has_deleted_old: bool = False  # a replacement that deletes first has deleted the module that this one replaces

    def __str__(self) -> str:
        # Under v2 a module has no key before it is registered: its logical name is what the reader knows.
        named = f"module {self.key!r}" if self.key is not None else f"the module of {self.name!r}"
        return (
            f"could not {self.verb} {named} ({printable(self.type, 100)}) on installation {self.installation!r} ({self.version})"
        )


def explain(attempt: Attempt, error: ApiError, *, registered: Mapping[Version, int] = MappingProxyType({})) -> ForgeError:
    """The message of an operation that failed with an error of the API. It holds text only, never that error.

    ``registered`` is how many modules the installation holds, if that is known: under one version of the API or under both.
    """
    is_full = attempt.verb == "register" and is_about_the_limit(error) and sum(registered.values()) >= LIMIT
    if is_full and error.outcome is Outcome.NOT_APPLIED:
        state = f"nothing was registered: the installation holds {_counted(registered)}, and the limit is {LIMIT}"
        step = _AT_LIMIT if len(registered) == 1 else _AT_SHARED_LIMIT
    elif isinstance(error, KeyTaken):
        state = "a module with this key is already registered; it was left as it is"
        step = (
            "import it, adopt it with adopt=True, or give this one another key= (docs/guide/existing-modules.md); "
            "if the program has renamed the resource: aliases="
        )
        if error.differing:
            paths = ", ".join(printable(path, 80) for path in error.differing)
            state += f". An interrupted run of this program may have registered it; it differs at {paths}"
            step = "if it is this resource's module: adopt=True; else import it, or give this one another key="
    elif isinstance(error, TypeMismatch):
        state = f"the module to be adopted is of type {error.type}, which cannot be changed in place; it was left as it is"
        step = "delete the registered one, or give this one another key="
    elif isinstance(error, AdoptionTargetMissing):
        state, step = "nothing was registered", "correct adopt=, or remove it to register a new module"
    elif isinstance(error, AmbiguousRegistration):
        named = (
            printable(key, 80) + (f" (differs at {', '.join(printable(path, 80) for path in paths)})" if paths else "")
            for key, paths in sorted(error.candidates.items())
        )
        state = f"it may be registered, and none was claimed; each of these could be it: {', '.join(named)}"
        step = f"DELETE …/{attempt.version}/dynamic/module/<key> for those that nothing needs, then run the command again"
    else:
        state, step = _resulting_state(attempt, error), _next_step(attempt, error)
    state += _OLD_IS_DELETED if attempt.has_deleted_old else ""
    server_text = _server_text(error)
    # The text of an Unreachable varies with the retries of earlier operations.
    why = error.reason if isinstance(error, Unreachable) else error.message
    return ForgeError(
        f"{attempt}\n{server_text}\n{state}\nnext: {step}",
        line=f"{attempt}: {server_text}; {state}",
        cause=f"{attempt.installation} {error.status} {why} {step}",
        code=error.code,
    )


def unverified(attempt: Attempt, error: UnverifiedInstallation) -> ForgeError:
    """The message of the installation guard: the credentials may be those of another installation."""
    state = {
        "register": "nothing was registered",
        "adopt": "nothing was changed",
        "update": "nothing was changed",
        "read": "nothing was changed: the state is as it was",
        "delete": "nothing was deleted: it is still in the state",
    }[attempt.verb]
    state += _OLD_IS_DELETED if attempt.has_deleted_old else ""
    if error.first is not None:
        return ForgeError(f"{attempt}\n{state}: see the message about {error.first!r}")
    accept = f"{variable(attempt.installation, 'acceptMissingModules')}=true pulumi refresh"
    setting, what = _setting_and_meaning(attempt.installation, attempt.auth_method)
    if isinstance(error, WrongInstallation):
        why = "this is not the installation that the stack was deployed to"
        step = "correct it and run the command again; if the app was reinstalled"
    else:
        why = f"none of the {error.known} modules of this stack that were requested exists; {error.listed} others do"
        step = "if not, correct it and run the command again; if all were deleted"
    return ForgeError(f"{attempt}\n{why}\n{state}\nis {setting} {what}, at {attempt.base_url}?\nnext: {step}: {accept}")


def expectation_step(
    installation: str, auth_method: AuthMethodName | None, error: NotTheExpectedInstallation | ExpectedInstallationUnknown
) -> str:
    """What to do if the credentials are not verified as those of the expected installation."""
    setting = setting_of(installation, "expectedInstallation")
    if isinstance(error, NotTheExpectedInstallation):
        return f"correct {_setting_and_meaning(installation, auth_method)[0]}, or {setting}"
    if error.is_relay_outdated:
        return "deploy the newest version of the relay (examples/web-trigger-relay), which relays this request"
    if error.is_request_wrong:
        return f"check the three ids of {setting}"
    return f"run the command again in {error.next_request_s:.0f} s, when the API accepts another such request"


def _reachability_step(installation: str, auth_method: AuthMethodName | None, error: ApiError) -> str:
    if isinstance(error, Unauthorized):
        return credentials_step(installation, auth_method, error)
    if isinstance(error, InternalError):
        return _REPORT
    return _network_step(address_variable(installation, auth_method), error)


def _network_step(address: str, error: ApiError) -> str:
    if isinstance(error, Unreachable) and error.reason == "tls":
        return certificates_step()
    if isinstance(error, Unreachable) and error.reason == "proxy":
        return "correct the variable of the proxy, unset it, or add the host to NO_PROXY (forge-modules doctor shows all of them)"
    return f"check {address}, the network and the proxy"


def credentials_step(installation: str, auth_method: AuthMethodName | None, error: Unauthorized) -> str:
    """What to do if the credentials of an authentication method are refused or missing."""
    who = "a token of the app that is installed there, which is valid for at most 4 hours"
    setting = _setting_and_meaning(installation, auth_method)[0]
    match auth_method:
        case "relayUrl" if error.is_from_relay:
            key = setting_of(installation, "relayKey")
            return f"the clock of this machine has to be right, and {key} the relay's own RELAY_KEY"
        case "relayUrl" if error.status is None:
            return f"correct {setting_of(installation, 'relayKeyFile')}: it names a file with the relay's own RELAY_KEY"
        case "relayUrl":
            return f"the relay accepted the key, but the API rejected the app: the app of {setting} must be installed there"
        case "containerProxy":
            return f"check {setting}: it names an installation of the app that this container belongs to"
        case "tokenCommand" | "tokenFile":
            return f"check where {setting} gets its token from: it must be {who}"
    return f"refresh {setting}: it needs {who}"


def _setting_and_meaning(installation: str, auth_method: AuthMethodName | None) -> tuple[str, str]:
    """The setting that selects an installation, and what it has to hold."""
    if auth_method is None:  # the emulator, without a token
        return setting_of(installation, "baseUrl"), "the file of this installation"
    what = {"relayUrl": "the relay of this installation", "containerProxy": "this installation"}
    return setting_of(installation, auth_method), what.get(auth_method, "the token of this installation")


def not_found(attempt: Attempt) -> ForgeError:
    """The message for a module that is missing where it is needed: in an update, or in a get by its id."""
    if attempt.verb == "update":
        state = "it was deleted outside Pulumi; nothing was changed"
        step = "`pulumi up --refresh` removes it from the state and registers it again"
    else:
        state = "there is no module with this key on this installation"
        step = "correct the id, the installation or the token"
    return ForgeError(f"{attempt}\nHTTP 404: not found\n{state}\nnext: {step}")


def another_type(attempt: Attempt, type_: str) -> ForgeError:
    """The message for a get of a trigger by the id of a module of another type."""
    return ForgeError(f"{attempt}\nit is a module of type {printable(type_, 100)}\nnext: DynamicModule.get")


def list_failed(
    installation: str, version: Version, base_url: str, auth_method: AuthMethodName | None, error: ApiError
) -> ForgeError:
    """The message for an installation whose modules cannot be listed."""
    return ForgeError(
        f"could not list the modules of installation {installation!r} ({version}) at {base_url}\n{_server_text(error)}\n"
        f"next: {_reachability_step(installation, auth_method, error)}",
        code=error.code,
    )


def is_about_the_limit(error: ApiError) -> bool:
    """Whether a refusal may be about the limit. Its text is not documented, and there are other reasons to refuse."""
    return isinstance(error, Rejected) and _LIMIT_WORDS.search(error.message) is not None


def _counted(registered: Mapping[Version, int]) -> str:
    if len(registered) == 1:
        return f"{sum(registered.values())} modules"
    return " and ".join(f"{number} modules under {version}" for version, number in sorted(registered.items()))


def _server_text(error: ApiError) -> str:
    text = f"HTTP {error.status}: {error.message}" if error.status is not None else error.message
    if error.attempts > 1:
        text += f" ({error.attempts} attempts, waited {error.waited:.0f} s)"
    return text


def _resulting_state(attempt: Attempt, error: ApiError) -> str:
    if attempt.verb == "read":
        return "nothing was changed: the state is as it was"
    is_certain = error.outcome is Outcome.NOT_APPLIED
    if attempt.verb == "register":
        if isinstance(error, UnreadableModule):
            return "a module with this key is registered, and cannot be read: it is not in the state, and was left as it is"
        return "nothing was registered" if is_certain else "it is not known whether it was registered; it is not in the state"
    if attempt.verb == "adopt":
        state = "nothing was registered or changed" if is_certain else "it may hold the old or the new content"
        return f"{state}; it is not in the state"
    if attempt.verb == "update":
        return "it was left as it was" if is_certain else "it may hold the old or the new content"
    return "it is still registered" if is_certain else "it may still be registered; it is still in the state"


def _next_step(attempt: Attempt, error: ApiError) -> str:
    if isinstance(error, NotTheExpectedInstallation | ExpectedInstallationUnknown):
        return expectation_step(attempt.installation, attempt.auth_method, error)
    if isinstance(error, UnreadableModule):
        return _step_after_unreadable(attempt)
    if attempt.verb == "register" and error.outcome is not Outcome.NOT_APPLIED:
        return _step_after_unknown_register(attempt)
    return _step_after(attempt, error)


def _step_after(attempt: Attempt, error: ApiError) -> str:
    """What to do after an error of the API, by its kind."""
    key = functools.partial(config_key, attempt.installation)
    api = f"{address_variable(attempt.installation, attempt.auth_method)} ({attempt.base_url})"
    match error:
        case Unauthorized():
            step = credentials_step(attempt.installation, attempt.auth_method, error)
        case Unreachable():
            step = f"{_network_step(api, error)}, then run the command again"
        case InternalError():
            step = f"{_REPORT}; then run the command again"
        case Throttled() | OutOfTime():
            step = f"run the command again later, or give it more time: {key('operationTimeout')}"
        case NotFound():
            step = f"check that {api} is the API, and that it speaks apiVersion {attempt.version}"
        case Rejected() if attempt.verb != "read":
            step = "correct the declaration as the server's text explains"
        case InvalidResponse() | Rejected():
            step = f"check that {api} is the API, then run the command again"
        case _:
            step = "run the command again: it does what is left"
    return step


def _step_after_unreadable(attempt: Attempt) -> str:
    if attempt.verb == "register":
        return "correct it with what made it, or delete it (forge-modules orphans --delete), then run the command again"
    return "correct it with what made it; or let `pulumi up --replace <its URN>` register it anew"


def _step_after_unknown_register(attempt: Attempt) -> str:
    if attempt.key is not None:
        return (
            f"check whether GET …/dynamic/module/{printable(attempt.key)} finds it; if so delete it, then run the command again"
        )
    return "list the installation's modules; if a new one has this content delete it, then run the command again"
