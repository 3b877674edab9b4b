"""What ``doctor`` looks at on an installation: from its settings to the version of the API that answers. It only reads."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Final, get_args

from pulumi_atlassian_forge.api.body import read_json
from pulumi_atlassian_forge.api.errors import (
    ApiError,
    InvalidResponse,
    NotFound,
    ServerFailure,
    Throttled,
    Unauthorized,
    Unreachable,
    error_from,
)
from pulumi_atlassian_forge.api.protocol import list_page
from pulumi_atlassian_forge.api.request_response import Response
from pulumi_atlassian_forge.cli.stack_state import modules, of_stack
from pulumi_atlassian_forge.cli.target import Site, site
from pulumi_atlassian_forge.config.settings import PROXY_VARIABLE, address_variable, config_key, variable
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.messages import credentials_step
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.session.connection import Connection
from pulumi_atlassian_forge.session.connections import Connections

from . import api_contract, token
from .network import NAMES as NETWORK
from .network import reached
from .result import PASSING, Check, completed, duration, fail, failed, ok, skipped, warn

NAMES: Final = ("settings", *NETWORK, "clock", token.NAME, "auth", "version", *api_contract.NAMES)

_SKEW: Final = 60.0  # seconds by which two clocks may differ before it is worth a word
_KIND: Final = "use the system token of the app that is installed there, not a person's (docs/guide/real-installation.md)"

Outcome = Response | ApiError


def installation(
    connections: Connections, name: str, api_version: str | None, stacks: Sequence[str] = (), hint: str = ""
) -> list[Check]:
    """Look at one installation, as far as it can be reached.

    Args:
        connections: All installations.
        name: Which.
        api_version: v1 or v2; by default that of the settings.
        stacks: Those whose state has to have been made on it, as far as its authentication method tells which one it is.
        hint: What else to do where its settings cannot be used.
    """
    try:
        here = site(connections, name, api_version)
    except ForgeError as error:
        check = failed("settings", error)
        steps = [check.next, "" if "--stack" in (check.next or "") else hint]
        return completed([replace(check, next="; ".join(filter(None, steps)))], NAMES, "settings")
    found = [_settings(connections, here, api_version)]
    auth_method = here.connection.auth_method
    source = (connections.source(name, auth_method) if auth_method is not None else None) or variable(name, "token")
    try:
        headers = here.connection.credentials()
    except ApiError as error:
        found.append(fail("token", error.message, f"correct {source}"))
        return completed(found, NAMES, "token")
    seen = _seen(here)
    first = seen[here.version]
    found += reached(here, first, connections.source(name, "baseUrl") or address_variable(name, auth_method))
    now, clock = _clock(seen)
    found += [clock, token.judged(auth_method, headers, here.connection.expires_at(), source, now)]
    if isinstance(first, Unreachable):
        cause = next((check.name for check in found if check.status == "fail" and check.name in NETWORK), "connection")
        return completed(found, NAMES, cause)
    return _used(here, seen, stacks, found)


def _used(here: Site, seen: Mapping[Version, Outcome], stacks: Sequence[str], found: list[Check]) -> list[Check]:
    """What an installation that can be reached responses."""
    failures = {version: _failure(outcome) for version, outcome in seen.items()}
    auth = _auth(here, failures, stacks)
    found.append(auth)
    if auth.status == "fail":
        return completed(found, NAMES, "auth")
    version = _version(here, failures)
    found.append(version)
    response, other = seen[here.version], next((seen[v] for v in seen if v != here.version and failures[v] is None), None)
    if version.status == "fail" or isinstance(response, ApiError):
        return completed(found, NAMES, "version")
    found += api_contract.checks(here, response, other if isinstance(other, Response) else None)
    return completed(found, NAMES, "list")


def _settings(connections: Connections, here: Site, api_version: str | None) -> Check:
    def origin(field: str) -> str:
        return connections.source(here.name, field) or "default"

    version = "--api-version" if api_version is not None else origin("apiVersion")
    misspelt, auth_method = connections.misspelt(), here.connection.auth_method
    address = connections.source(here.name, "relayUrl" if auth_method == "relayUrl" else "baseUrl") or (
        PROXY_VARIABLE if auth_method == "containerProxy" else "default"
    )
    text = f"{here.connection.base_url} ({address}), {here.version} ({version})"
    if ".atlassian.net" in here.connection.base_url:
        step = f"unset {origin('baseUrl')} for https://api.atlassian.com"
        return warn("settings", f"{text}; that is a site, and the API is not known to be there", step)
    if "/forge/installation" in here.connection.base_url:
        step = f"end {origin('baseUrl')} before /forge/installation, which is added to it"
        return fail("settings", f"{text}; that is more than the base", step)
    if misspelt:
        wrong, right = next(iter(misspelt.items()))
        return warn("settings", f"{text}; the variable {wrong} is read by nothing", f"did you mean {right}?")
    return ok("settings", text)


def _seen(here: Site) -> dict[Version, Outcome]:
    """The list under both versions of the API; of a host that cannot be reached only under its own."""
    seen: dict[Version, Outcome] = {here.version: _asked(here.connection, here.version)}
    if isinstance(seen[here.version], Response):
        seen |= {version: _asked(here.connection, version) for version in get_args(Version) if version != here.version}
    return seen


def _asked(connection: Connection, version: Version) -> Outcome:
    try:
        return connection.ask(list_page(version))
    except ApiError as error:
        return error


def _failure(outcome: Outcome) -> ApiError | None:
    """Why this is not a response of the API; None where it is."""
    if isinstance(outcome, ApiError):
        return outcome
    failure = error_from(outcome)
    if failure is not None:
        return failure
    try:
        read_json(outcome.body)
    except InvalidResponse as error:
        return error.with_(status=outcome.status)
    return None


def _clock(seen: Mapping[Version, Outcome]) -> tuple[float, Check]:
    """The time by the server's clock where it tells it, and how far ours is from that."""
    ours = time.time()
    dates = [outcome.headers.get("date") for outcome in seen.values() if isinstance(outcome, Response)]
    try:
        theirs = parsedate_to_datetime(next(filter(None, dates))).timestamp()
    except StopIteration:
        return ours, skipped("clock", "no response told the time")
    except (ValueError, TypeError, OverflowError, IndexError):
        return ours, skipped("clock", "the server's Date cannot be read")
    apart = ours - theirs
    if abs(apart) < _SKEW:
        return theirs, ok("clock", "as the server's, to a minute")
    direction = "ahead of" if apart > 0 else "behind"
    text = f"this machine's is {duration(abs(apart))} {direction} the server's"
    return theirs, warn("clock", text, "set the clock (NTP): the end of a token is misjudged by that much")


def _auth(here: Site, failures: Mapping[Version, ApiError | None], stacks: Sequence[str]) -> Check:
    if None in failures.values():
        return _whose(here, stacks)
    refusal = next((failure for failure in failures.values() if isinstance(failure, Unauthorized)), None)
    if refusal is None:
        return skipped("auth", "nothing answered as the API does")
    is_token = here.connection.auth_method == "token"
    return fail("auth", str(refusal), _KIND if is_token else credentials_step(here.name, here.connection.auth_method, refusal))


def _whose(here: Site, stacks: Sequence[str]) -> Check:
    """Whose credentials are taken, where the authentication method tells: the state has to have been made there."""
    id_ = here.connection.installation()
    if id_ is None:
        return ok("auth", "the credentials are taken")
    text = f"the credentials are taken, for the installation {id_}"
    try:
        states = [*modules(map(of_stack, stacks))]
    except ForgeError as error:
        problem = str(error).partition("\n")[0]
        return warn("auth", f"{text}; whether the state was made there was not told: {problem}", "correct what pulumi says")
    try:
        here.require_same_identity(states)
    except ForgeError as error:
        return failed("auth", error)
    return ok("auth", f"{text}, which the state was made on" if here.recorded(states) else text)


def _version(here: Site, failures: Mapping[Version, ApiError | None]) -> Check:
    failure = failures[here.version]
    others = {version: other for version, other in failures.items() if version != here.version}
    answering = [version for version, other in others.items() if other is None]
    if failure is None:
        return ok("version", "; ".join([f"{here.version} answers", *(f"{v} {_does_too(other)}" for v, other in others.items())]))
    if isinstance(failure, PASSING):
        return fail("version", f"{here.version} could not be asked: {failure}", _later(failure))
    if answering:
        step = f"set {config_key(here.name, 'apiVersion')} (or {variable(here.name, 'apiVersion')}) to {answering[0]}"
        text = f"{here.version} does not respond ({failure}), {answering[0]} does"
        return fail("version", text, f"{step}: that replaces every module of a stack")
    base = f"{address_variable(here.name, here.connection.auth_method)} ({here.connection.base_url})"
    if isinstance(failure, NotFound):
        step = f"check {base}: it is what comes before /forge/installation"
    elif isinstance(failure, InvalidResponse):
        step = f"check that {base} is the API, and no login and no proxy stands before it"
    else:
        step = f"check {base}"
    return fail("version", f"no version of the API answers: {failure}", step)


def _does_too(failure: ApiError | None) -> str:
    if failure is None:
        return "does too"
    return f"could not be asked ({failure})" if isinstance(failure, PASSING) else f"does not ({failure})"


def _later(failure: ApiError) -> str:
    wish = failure.retry_after if isinstance(failure, Throttled | ServerFailure) else None
    return "run the command again later" if wish is None else f"run the command again in {wish:.0f} seconds"
