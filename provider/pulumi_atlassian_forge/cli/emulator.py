"""``forge-modules emulator``: serves the API from a file."""

from __future__ import annotations

import re
import secrets
import shlex
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from pulumi_atlassian_forge.config.settings import NAME, NAME_RULE, variable
from pulumi_atlassian_forge.emulator.api_assumptions import as_text
from pulumi_atlassian_forge.emulator.faults import FaultRule
from pulumi_atlassian_forge.emulator.handler import Emulator
from pulumi_atlassian_forge.emulator.options import EmulatorOptions
from pulumi_atlassian_forge.emulator.store import Store

from .output import fail, print_data

_TOKEN: Final = re.compile(r"[!-~]+")


def emulator(  # noqa: PLR0913, PLR0917 - typer wants one parameter for each option
    db: Annotated[Path, typer.Option(help="The file; it is created if it does not exist.")] = Path("forge.db"),
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: a free one.")] = 0,
    installation: Annotated[list[str] | None, typer.Option(help="An installation that exists. Repeatable.")] = None,
    token: Annotated[
        list[str] | None,
        typer.Option(
            envvar="FORGE_EMULATOR_TOKEN",
            help="installation=token. Repeatable; default: a generated one. Other users of the machine can read it here, but not "
            "in the variable FORGE_EMULATOR_TOKEN.",
        ),
    ] = None,
    token_ttl: Annotated[float | None, typer.Option(min=0, help="After how many seconds the tokens expire.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="name=value, see the guide. Repeatable.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="A fault rule: name=value,…, see the guide. Repeatable.")] = None,
    contract: Annotated[bool, typer.Option("--contract", help="Print what the emulator returns, and exit.")] = False,
) -> None:
    """Serve the dynamic modules API from a file, until interrupted."""
    if contract:
        print_data(as_text())
        return
    try:
        tokens = _tokens(installation or [], token or [])
        options = EmulatorOptions.parse(option or [])
        faults = [FaultRule.parse(rule) for rule in fault or []]
        from pulumi_atlassian_forge.emulator.server import run  # noqa: PLC0415 - needs another extra
    except (ValueError, ImportError) as error:
        fail("emulator", str(error))
    try:
        store = Store(db)
        _add_tokens(store, tokens, token_ttl)
    except OSError as error:
        fail("emulator", f"the file {db} cannot be used: {error.strerror}")
    try:
        run(Emulator(store, options, faults), host, port, lambda base_url: _print_variables(base_url, tokens))
    except OSError as error:
        fail("emulator", f"cannot listen on {host} port {port}: {error.strerror or error}")
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a user stops it


def _tokens(installations: list[str], settings: list[str]) -> dict[str, list[str]]:
    for name in installations:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r}: {NAME_RULE}")
    tokens: dict[str, list[str]] = {name: [] for name in installations}
    for setting in settings:
        name, _, token = setting.partition("=")
        if not NAME.fullmatch(name) or not token:  # without the text: it may be a token alone, and that may end with "="
            raise ValueError(f"--token is of the form installation=token; {NAME_RULE}")
        if not _TOKEN.fullmatch(token):
            raise ValueError(
                f"the token of {name} has characters that are not valid in a header: give it without spaces, in ASCII"
            )
        tokens.setdefault(name, []).append(token)
    return {name: given or [secrets.token_urlsafe()] for name, given in (tokens or {"default": []}).items()}


def _add_tokens(store: Store, tokens: dict[str, list[str]], ttl: float | None) -> None:
    expires_at = None if ttl is None else time.time() + ttl
    with store.write() as rows:
        for name, given in tokens.items():
            for token in given:
                rows.add_token(token, name, expires_at=expires_at)


def _print_variables(base_url: str, tokens: dict[str, list[str]]) -> None:
    for name, given in tokens.items():
        print_data(f"export {variable(name, 'baseUrl')}={base_url}\n")
        print_data(f"export {variable(name, 'token')}={shlex.quote(given[0])}\n")
