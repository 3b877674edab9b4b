"""The Installation Details API: which installation credentials belong to. Numbers in comments: API assumptions."""

from __future__ import annotations

import uuid
from typing import Final

from .options import EmulatorOptions
from .responses import UNAUTHORIZED, EmulatorResponse, Refusal, json_response
from .store import Store

APP_ID: Final = "7d6b4c60-0000-4000-8000-000000000001"
ENVIRONMENT_ID: Final = "7d6b4c60-0000-4000-8000-000000000002"


def installation_path(name: str) -> str:
    """The ``<appId>/<environmentId>/<installationId>`` of an installation of the emulator.

    All are of one app in one environment. The last id is derived from the name; a name that is a UUID is the id itself.
    """
    try:
        id_ = uuid.UUID(name)
    except ValueError:
        id_ = uuid.uuid5(uuid.UUID(APP_ID), name)
    return f"{APP_ID}/{ENVIRONMENT_ID}/{id_}"


def installation_details(
    store: Store, options: EmulatorOptions, installation: str, requested: str, now: float
) -> EmulatorResponse:
    """``GET`` of the details of the requested installation, with the credentials of an installation."""
    if requested.lower() != installation_path(installation):  # A31
        raise Refusal(401, UNAUTHORIZED)
    if options.details_interval_s:
        with store.write() as rows:
            left = rows.seconds_until_details(installation, options.details_interval_s, now)
        if left > 0:  # A32
            raise Refusal(429, "Too many requests for this installation", {"retry-after": str(int(left) + 1)})
    permissions = {"scopes": options.granted_scopes.split()} if options.granted_scopes else {}
    return json_response(
        200,
        {
            "version": "1.0.0",
            "installationContext": {"id": f"ari:cloud:jira::site/{installation_path(installation).rpartition('/')[2]}"},
            "secondaryInstallationContexts": [],
            "permissions": {**permissions, "external": {}},
            "isSandbox": False,
        },
    )
