"""Checks one installation: its settings, network, clock, token, credentials and API version. It only reads."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Final, get_args

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
from pulumi_atlassian_forge.api.protocol import list_page, parse_page
from pulumi_atlassian_forge.api.request_response import Response
from pulumi_atlassian_forge.cli.stack_state import export_stack, recorded_modules
from pulumi_atlassian_forge.cli.target import Target, open_target
from pulumi_atlassian_forge.config.settings import PROXY_VARIABLE, address_variable, config_key, variable
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.messages import credentials_step
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.session.session import Connections

from . import api_contract, network, token
from .expected_installation import check_expected_installation
from .result import TRANSIENT, Check, duration, fail, fill_skipped, from_error, ok, skipped, warn

NAMES: Final = ("settings", *network.NAMES, "clock", token.NAME, "auth", "version", *api_contract.NAMES)

_CLOCK_TOLERANCE_S: Final = 60.0
_SYSTEM_TOKEN: Final = "use the system token of the app that is installed there, not a person's (docs/guide/real-installation.md)"  # noqa: S105


def check_installation(
    connections: Connections, name: str, api_version: str | None, stacks: Sequence[str] = (), hint: str = ""
) -> list[Check]:
    """Check one installation, as far as it can be reached; the state of the stacks must belong to it.

    ``hint`` says what else to do if its settings cannot be used.
    """
    try:
        target = open_target(connections, name, api_version)
    except ForgeError as error:
        check = from_error("settings", error)
        steps = [check.next, "" if "--stack" in (check.next or "") else hint]
        return fill_skipped([replace(check, next="; ".join(filter(None, steps)))], NAMES, "settings")
    found = [_settings(connections, target, api_version)]
    auth_method = target.connection.auth_method
    source = (connections.source(name, auth_method) if auth_method is not None else None) or variable(name, "token")
    try:
        headers = target.connection.credentials()
    except ApiError as error:
        key = connections.source(name, "relayKeyFile") if auth_method == "relayUrl" else None
        return fill_skipped([*found, fail("token", error.message, f"correct {key or source}")], NAMES, "token")
    responses, failures = _first_requests(target)
    address_setting = connections.source(name, "baseUrl") or address_variable(name, auth_method)
    found += network.check_network(target, failures[target.version] or responses[target.version], address_setting)
    now, clock = _clock(responses)
    found += [clock, token.check_token(auth_method, headers, target.connection.expires_at(), source, now)]
    if isinstance(failures[target.version], Unreachable):
        cause = next((check.name for check in found if check.status == "fail" and check.name in network.NAMES), "connection")
        return fill_skipped(found, NAMES, cause)
    found.append(_auth(target, failures, stacks))
    if found[-1].status != "fail":
        found.append(_version(target, failures))
    if found[-1].status == "fail":
        return fill_skipped(found, NAMES, found[-1].name)
    other = next((responses[v] for v, failure in failures.items() if v != target.version and failure is None), None)
    found += api_contract.check_contract(target, responses[target.version], other)
    last = check_expected_installation(target, responses[target.version], stacks)
    return [*fill_skipped(found, NAMES, "list"), *last]


def _settings(connections: Connections, target: Target, api_version: str | None) -> Check:
    def source(field: str) -> str:
        return connections.source(target.name, field) or "default"

    base_url, auth_method = target.connection.base_url, target.connection.auth_method
    address = source("relayUrl" if auth_method == "relayUrl" else "baseUrl")
    if address == "default" and auth_method == "containerProxy":
        address = PROXY_VARIABLE
    text = f"{base_url} ({address}), {target.version} ({'--api-version' if api_version is not None else source('apiVersion')})"
    if ".atlassian.net" in base_url:
        step = f"unset {source('baseUrl')} for https://api.atlassian.com"
        return warn("settings", f"{text}; that is a site, and the API is not known to be there", step)
    if "/forge/installation" in base_url:
        step = f"end {source('baseUrl')} before /forge/installation, which is added to it"
        return fail("settings", f"{text}; that is more than the base", step)
    for wrong, right in connections.misspelt().items():
        return warn("settings", f"{text}; the variable {wrong} is not used", f"did you mean {right}?")
    return ok("settings", text)


def _first_requests(target: Target) -> tuple[dict[Version, Response], dict[Version, ApiError | None]]:
    """List under the target's version, and then, if the host can be reached, under the other one.

    Returns the responses, whatever their status; and for each version why its response is not the API's, or None.
    """
    responses: dict[Version, Response] = {}
    failures: dict[Version, ApiError | None] = {}
    for version in sorted(get_args(Version), key=lambda version: version != target.version):
        try:
            responses[version] = target.connection.ask(list_page(version))
            failures[version] = _failure(responses[version])
        except ApiError as error:
            failures[version] = error
            if version == target.version:
                break
    return responses, failures


def _failure(response: Response) -> ApiError | None:
    """Why a response is not a list of the API; None if it is."""
    failure = error_from(response)
    if failure is not None:
        return failure
    try:
        parse_page(response)
    except InvalidResponse as error:
        return error
    return None


def _clock(responses: Mapping[Version, Response]) -> tuple[float, Check]:
    """The time by the server's clock if it is known, and how far this machine's clock is from that."""
    ours = time.time()
    dates = [date for response in responses.values() if (date := response.headers.get("date"))]
    if not dates:
        return ours, skipped("clock", "no response has a Date")
    try:
        server = parsedate_to_datetime(dates[0]).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return ours, skipped("clock", "the server's Date cannot be read")
    difference = ours - server
    if abs(difference) < _CLOCK_TOLERANCE_S:
        return server, ok("clock", "as the server's, to a minute")
    text = f"this machine's is {duration(abs(difference))} {'ahead of' if difference > 0 else 'behind'} the server's"
    return server, warn("clock", text, "set the clock (NTP): the expiry of a token is misjudged by that much")


def _auth(target: Target, failures: Mapping[Version, ApiError | None], stacks: Sequence[str]) -> Check:
    if None in failures.values():
        return _identity(target, stacks)
    refusal = next((failure for failure in failures.values() if isinstance(failure, Unauthorized)), None)
    if refusal is None:
        return skipped("auth", "no response was that of the API")
    auth_method = target.connection.auth_method
    return fail(
        "auth", str(refusal), _SYSTEM_TOKEN if auth_method == "token" else credentials_step(target.name, auth_method, refusal)
    )


def _identity(target: Target, stacks: Sequence[str]) -> Check:
    """If the authentication method knows the installation, the states of the stacks must belong to it."""
    id_ = target.connection.installation()
    if id_ is None:
        return ok("auth", "the credentials are accepted")
    text = f"the credentials are accepted, for the installation {id_}"
    try:
        recorded = [*recorded_modules(map(export_stack, stacks))]
    except ForgeError as error:
        problem = str(error).partition("\n")[0]
        return warn("auth", f"{text}; it is unknown whether the state belongs to it: {problem}", "correct what pulumi reports")
    try:
        target.require_same_identity(recorded)
    except ForgeError as error:
        return from_error("auth", error)
    return ok("auth", f"{text}, the installation of the state" if target.recorded_identities(recorded) else text)


def _version(target: Target, failures: Mapping[Version, ApiError | None]) -> Check:
    failure = failures[target.version]
    others = {version: other for version, other in failures.items() if version != target.version}
    if failure is None:
        parts = [f"{target.version} responds", *(f"{version} {_responds_too(other)}" for version, other in others.items())]
        return ok("version", "; ".join(parts))
    if isinstance(failure, TRANSIENT):
        wait = failure.retry_after if isinstance(failure, Throttled | ServerFailure) else None
        when = "later" if wait is None else f"in {wait:.0f} seconds"
        return fail("version", f"{target.version} could not be checked: {failure}", f"run the command again {when}")
    for version, other in others.items():
        if other is None:
            step = f"set {config_key(target.name, 'apiVersion')} (or {variable(target.name, 'apiVersion')}) to {version}"
            text = f"{target.version} does not respond ({failure}), {version} does"
            return fail("version", text, f"{step}: that replaces every module of a stack")
    base = f"{address_variable(target.name, target.connection.auth_method)} ({target.connection.base_url})"
    step = f"check {base}"
    if isinstance(failure, NotFound):
        step = f"check {base}: it is what comes before /forge/installation"
    elif isinstance(failure, InvalidResponse):
        step = f"check that {base} is the API, and no login and no proxy stands before it"
    return fail("version", f"no version of the API responds: {failure}", step)


def _responds_too(failure: ApiError | None) -> str:
    if failure is None:
        return "does too"
    return f"could not be checked ({failure})" if isinstance(failure, TRANSIENT) else f"does not ({failure})"
