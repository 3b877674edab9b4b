"""The Installation Details API without I/O: which request it is, and what its response holds.

The server rejects the request with 401 unless the installation in the path is the one that the credentials belong to. So a 200
proves which installation that is. It accepts one request in five minutes and installation.
https://developer.atlassian.com/platform/forge/apis-reference/installation-details-api/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .body import read_json
from .errors import InvalidResponse, error_from
from .request_response import Request, Response
from .text import printable

INTERVAL_S: Final = 300.0
"""Seconds between two requests about one installation, as Atlassian documents it."""

_IDENTIFYING: Final = ("version", "installationContext")  # a response with neither is not this API's: a gateway's, or a login
_MAX_CHARACTERS: Final = 200  # of a text for the user


@dataclass(frozen=True, slots=True)
class InstallationDetails:
    """What the API tells of an installation; None, or empty, if it does not tell it. All texts are printable."""

    app_version: str | None
    site: str | None  # the ARI of the installation context, such as ari:cloud:jira::site/<cloudId>
    scopes: frozenset[str] | None  # the OAuth scopes that are granted
    is_sandbox: bool | None


def installation_details(installation: str) -> Request:
    """GET of the details of ``<appId>/<environmentId>/<installationId>``, beside the base path of the dynamic modules."""
    app, environment, id_ = installation.split("/")
    return Request("GET", f"/forge/installation/v1/{app}/{environment}/installation/{id_}")


def parse_details(response: Response) -> InstallationDetails:
    """The details in a response; raises the ApiError that its status stands for, or InvalidResponse if it holds none."""
    failure = error_from(response)
    if failure is not None:
        raise failure.redacted(response.secrets)
    try:
        value = read_json(response.body)
    except InvalidResponse as error:
        raise error.with_(status=response.status) from None
    if not (isinstance(value, dict) and any(name in value for name in _IDENTIFYING)):
        raise InvalidResponse("the response holds no details of an installation", status=response.status)
    context, permissions = _object(value, "installationContext"), _object(value, "permissions")
    scopes, is_sandbox = permissions.get("scopes"), value.get("isSandbox")
    return InstallationDetails(
        _text(value.get("version")),
        _text(context.get("id")),
        frozenset(filter(None, map(_text, scopes))) if isinstance(scopes, list) else None,
        is_sandbox if isinstance(is_sandbox, bool) else None,
    )


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(value: object) -> str | None:
    return printable(value, _MAX_CHARACTERS) if isinstance(value, str) else None
