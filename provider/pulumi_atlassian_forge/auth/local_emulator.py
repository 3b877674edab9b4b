"""Authentication method for the emulator in this process, which is loaded only if a base URL names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pulumi_atlassian_forge.config.settings import EMULATOR_SCHEME
from pulumi_atlassian_forge.errors import ForgeError

if TYPE_CHECKING:
    from pulumi_atlassian_forge.emulator.transport import EmulatorTransport

ADDRESS = "https://emulator.invalid"
"""The base URL of its requests; the host is reserved (RFC 6761, section 6.4)."""


def emulator(base_url: str, name: str, root: Path) -> EmulatorTransport:
    """Open the emulator of ``emulator://<path>.db``, as a transport; a relative path starts at ``root``."""
    from pulumi_atlassian_forge.emulator.faults import FaultRule  # noqa: PLC0415
    from pulumi_atlassian_forge.emulator.options import EmulatorOptions  # noqa: PLC0415
    from pulumi_atlassian_forge.emulator.transport import EmulatorTransport  # noqa: PLC0415

    file, _, query = base_url.removeprefix(f"{EMULATOR_SCHEME}://").partition("?")
    path, parameters = root / file, parse_qsl(query, keep_blank_values=True)
    try:
        options = EmulatorOptions.parse(value for parameter, value in parameters if parameter == "option")
        faults = [FaultRule.parse(value) for parameter, value in parameters if parameter == "fault"]
        return EmulatorTransport(path, installation=name, options=options, faults=faults)
    except ValueError as error:
        raise ForgeError(
            f"baseUrl of installation {name!r} is not valid for the emulator: {error}\n"
            "next: correct baseUrl; docs/guide/emulator.md lists the options and the keys of a fault"
        ) from None
    except OSError as error:
        raise ForgeError(f"the emulator's file {path} cannot be used: {error.strerror}\nnext: correct baseUrl") from None
