"""Checks which installation the credentials belong to, and whether it has the scopes that the events of its triggers need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from pulumi_atlassian_forge.api.errors import ApiError, Throttled, Unauthorized
from pulumi_atlassian_forge.api.installation_details import INTERVAL_S, InstallationDetails
from pulumi_atlassian_forge.api.protocol import parse_page
from pulumi_atlassian_forge.api.request_response import Response
from pulumi_atlassian_forge.cli.stack_state import RecordedModule, export_stack, recorded_modules
from pulumi_atlassian_forge.cli.target import Target
from pulumi_atlassian_forge.config.settings import setting_of
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.manifest.event_scopes import EVENT_SCOPES, missing_scopes
from pulumi_atlassian_forge.model.content import TRIGGER, Content, content_of

from .result import Check, fail, ok, skipped, warn

_NAME: Final = "installation"
_GUIDE: Final = "docs/guide/errors.md#expectedinstallation"
_EVIDENCE: Final = 2  # modules of a stack, of which one can confirm what happened to the other
_EVENTS_SHOWN: Final = 3


def check_expected_installation(target: Target, first_page: Response, stacks: Sequence[str]) -> list[Check]:
    """Check an installation whose list was read. None if the setting is not set and nothing recommends it.

    The events are those of the states of the stacks, and of the live triggers on the first page of the list.
    """
    expected = target.connection.expected_installation
    try:
        recorded = [one for one in recorded_modules(map(export_stack, stacks)) if one.id.installation == target.name]
    except ForgeError:
        recorded = []  # the check of the credentials, or that of the configuration, has reported it
    if expected is None:
        return [*_recommendation(target, recorded)]
    details = target.connection.installation_details()
    if isinstance(details, InstallationDetails):
        return [
            ok(_NAME, f"expectedInstallation matches: {_described(details)}"),
            _scopes(details, _events(first_page, recorded)),
        ]
    return [_not_verified(target, expected, details), skipped("scopes", "the details of the installation are not known")]


def _recommendation(target: Target, recorded: Sequence[RecordedModule]) -> Iterator[Check]:
    connection = target.connection
    if connection.auth_method is None or connection.installation() is not None or len(recorded) >= _EVIDENCE:
        return
    yield warn(
        _NAME,
        "nothing tells which installation the credentials belong to: expectedInstallation is not set, the authentication method "
        "names none, and no stack with two modules is known, of which one could confirm the other",
        f"set {setting_of(target.name, 'expectedInstallation')} to <appId>/<environmentId>/<installationId> ({_GUIDE})",
    )


def _described(details: InstallationDetails) -> str:
    sandbox = {True: "a sandbox", False: "not a sandbox", None: "unknown whether it is a sandbox"}[details.is_sandbox]
    return f"site {details.site or 'unknown'}, app version {details.app_version or 'unknown'}, {sandbox}"


def _not_verified(target: Target, expected: str, failure: ApiError | None) -> Check:
    setting = setting_of(target.name, "expectedInstallation")
    if isinstance(failure, Unauthorized) and not failure.is_from_relay:
        text = f"the credentials do not belong to expectedInstallation {expected} ({failure}), and nothing is written with them"
        return fail(_NAME, text, f"correct the credentials, or {setting}")
    if target.connection.is_verified():
        return ok(_NAME, f"expectedInstallation was verified earlier; its details are not known now ({failure})")
    wait = failure.retry_after if isinstance(failure, Throttled) and failure.retry_after is not None else INTERVAL_S
    step = f"check {setting}; run the command again in {wait:.0f} seconds, the API accepts one such request in five minutes"
    return warn(_NAME, f"expectedInstallation could not be verified ({failure}): a first `up` would stop", step)


def _events(first_page: Response, recorded: Iterable[RecordedModule]) -> list[str]:
    """The events of all triggers, each once."""
    try:
        contents = [live.content for live in parse_page(first_page).modules]
    except ApiError:
        contents = []
    contents += [content_of(one.outputs) for one in recorded]
    return sorted({event for content in contents if content.type == TRIGGER for event in _events_of(content)})


def _events_of(content: Content) -> Iterator[str]:
    events: Any = content.data.get("events")
    for event in events if isinstance(events, list) else ():
        name = event.get("eventType") if isinstance(event, dict) else event
        if isinstance(name, str):
            yield name


def _scopes(details: InstallationDetails, events: Sequence[str]) -> Check:
    name, known = "scopes", [event for event in events if event in EVENT_SCOPES]
    if details.scopes is None:
        return skipped(name, "the details of the installation name no scopes")
    if not known:
        return skipped(name, "there are no triggers with events whose scopes are known")
    lacking = {event: missing for event in known if (missing := missing_scopes(event, details.scopes))}
    if not lacking:
        return ok(name, f"the installation has those of its {len(known)} known events")
    scopes = ", ".join(sorted(frozenset().union(*lacking.values())))
    more = f" and {len(lacking) - _EVENTS_SHOWN} more" if len(lacking) > _EVENTS_SHOWN else ""
    text = f"the installation lacks {scopes}: {', '.join([*lacking][:_EVENTS_SHOWN])}{more} will not be delivered"
    step = "add them to permissions.scopes of manifest.yml, deploy the app, and `forge install --upgrade`"
    return warn(name, text, step)
