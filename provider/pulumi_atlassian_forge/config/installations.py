"""The installations of a process, and the settings of each: environment over configuration. Never imports Pulumi.

- The top-level keys of ``atlassian-forge:`` describe the installation ``default``. The map ``atlassian-forge:installations``
  (JSON in the plugin) and ``forge-installations.yaml`` (:mod:`.installations_file`) describe the others by name.
- The environment wins over the configuration, because a plain ``refresh`` or ``destroy`` sees only the configuration recorded in
  the state, which may hold an expired token. Only for ``apiVersion`` the configuration wins.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from pulumi_atlassian_forge.errors import ForgeError, limit_lines
from pulumi_atlassian_forge.model.suggestions import nearest

from .settings import (
    API_BASE,
    AUTH_METHODS,
    DEFAULT,
    EMULATOR_SCHEME,
    FILE,
    NAME,
    NAME_RULE,
    NAMESPACE,
    PREFIX,
    PROXY_VARIABLE,
    RENAMED,
    SECRETS,
    SETTINGS,
    InstallationSettings,
    config_key,
    env_prefix,
    unknown_setting,
    validation_errors,
    variable,
)

_MIN_LIKENESS: Final = 0.9  # of a misspelt variable to one that is read
_ADDRESSES: Final = ("baseUrl", "relayUrl")
_RELAY_KEYS: Final = ("relayKey", "relayKeyFile")
_SUFFICIENT: Final = ("baseUrl", *AUTH_METHODS, *_RELAY_KEYS)  # one of these makes an installation a configured one

Get = Callable[[str], str | None]


class Installations:
    """The configured installations.

    ``get`` returns the value of a configuration key such as ``atlassian-forge:baseUrl``. ``filed`` are those of the file,
    ``called`` those that the user names: if the configuration has no map, their variables alone configure them. An invalid map
    (all errors are named at once) and a setting with an old name are a :class:`ForgeError`.
    """

    def __init__(
        self, get: Get, filed: Mapping[str, Mapping[str, Any]] = MappingProxyType({}), called: Iterable[str] = ()
    ) -> None:
        default = {field: value for field in SETTINGS if (value := get(f"{NAMESPACE}:{field}")) is not None}
        text = get(f"{NAMESPACE}:installations")
        named = {} if text is None else _parse_map(text)
        called = [*called]
        _reject_renamed(get, {DEFAULT, *named, *filed, *called})
        if twice := sorted(named.keys() & filed.keys()):
            raise ForgeError(
                f"installation {twice[0]!r} is described in {NAMESPACE}:installations and in {FILE}\nnext: keep one of them"
            )
        self._config: dict[str, Mapping[str, Any]] = {DEFAULT: default, **named, **filed}
        for name in called if text is None else ():
            if _is_in_environment(name):
                self._config.setdefault(name, {})
        self._filed = frozenset(filed)
        self._resolved: dict[str, InstallationSettings] = {}

    def __repr__(self) -> str:
        return f"Installations({', '.join(self._config)})"

    @property
    def names(self) -> list[str]:
        """The installations that are configured."""
        return [name for name in self._config if name != DEFAULT or self._is_default_configured()]

    def resolve(self, name: str) -> InstallationSettings:
        """The settings of one installation. They are cached: each ``check`` needs them three times."""
        if name not in self._resolved:
            self._resolved[name] = self._resolve(name)
        return self._resolved[name]

    def _resolve(self, name: str) -> InstallationSettings:
        if name not in self._config:
            raise ForgeError(unknown_installation(name, self.names))
        if name == DEFAULT and not self._is_default_configured():
            raise ForgeError(_default_not_configured(self.names, self.misspelt()))
        values = {to_snake(field): value for field, value in self._config[name].items()}
        try:
            settings = InstallationSettings(_env_prefix=env_prefix(name), **values)
        except ValidationError as error:
            lines = [
                f"{config_key(name, field)} (or {variable(name, field)}): {text}" for field, text in validation_errors(error)
            ]
            raise ForgeError("\n".join(limit_lines([f"the settings of installation {name!r} cannot be used", *lines]))) from None
        settings = self._keep_one(name, settings, _ADDRESSES, "address")
        if settings.on_emulator:
            settings = settings.model_copy(update=dict.fromkeys(_unused_on_emulator(name)))
        settings = self._keep_one(name, settings, AUTH_METHODS, "authentication method")
        settings = self._keep_one(name, settings, _RELAY_KEYS, "key of the relay")
        problem = _missing(name, settings)
        if problem is not None:
            raise ForgeError(problem)
        return settings

    def _keep_one(self, name: str, settings: InstallationSettings, fields: Iterable[str], what: str) -> InstallationSettings:
        """Of settings that exclude each other, keep the one of the environment."""
        given = [field for field in fields if getattr(settings, to_snake(field)) is not None]
        kept = [field for field in given if os.environ.get(variable(name, field))] or given
        if len(kept) > 1:
            sources = " and ".join(self.source(name, field) or field for field in kept)
            raise ForgeError(f"installation {name!r} has more than one {what}: {sources}\nnext: keep one of them")
        return settings.model_copy(update={to_snake(field): None for field in given if field not in kept})

    def source(self, name: str, field: str) -> str | None:
        """The variable or the configuration key that a setting such as ``baseUrl`` comes from; None if it has its default."""
        is_configured = field in self._config.get(name, {})
        is_pinned = is_configured and field == "apiVersion"
        if os.environ.get(variable(name, field)) and not is_pinned:
            return variable(name, field)
        if not is_configured:
            return None
        return f"{field} of {name!r} in {FILE}" if name in self._filed else config_key(name, field)

    def misspelt(self) -> dict[str, str]:
        """Variables that no setting reads, each with the variable that it resembles.

        Others are ignored: they may belong to an installation of another stack.
        """
        read = {variable(name, field) for name in self._config for field in SETTINGS}
        unread = (name for name in sorted(os.environ) if name.startswith(PREFIX) and name not in read)
        return {name: near for name in unread if (near := nearest(name, read, likeness=_MIN_LIKENESS)) is not None}

    def secrets(self) -> set[str]:
        """Every token and key in the settings, for redaction."""
        configured = {str(config[field]) for config in self._config.values() for field in SECRETS if config.get(field)}
        variables = (variable(name, field) for name in self._config for field in SECRETS)
        return configured | {value for name in variables if (value := os.environ.get(name))}

    def _is_default_configured(self) -> bool:
        return _is_in_environment(DEFAULT) or any(field in self._config[DEFAULT] for field in _SUFFICIENT)


def _is_in_environment(name: str) -> bool:
    return any(os.environ.get(variable(name, field)) for field in _SUFFICIENT)


def _reject_renamed(get: Get, names: Iterable[str]) -> None:
    lines = [
        f"{config_key(DEFAULT, old)} is now called {config_key(DEFAULT, new)}"
        for old, new in RENAMED.items()
        if get(config_key(DEFAULT, old)) is not None
    ]
    lines += [
        f"{variable(name, old)} is now called {variable(name, new)}"
        for name in names
        for old, new in RENAMED.items()
        if os.environ.get(variable(name, old))
    ]
    if lines:
        advice = "next: rename it, and run the command again"
        raise ForgeError("\n".join(limit_lines(["a setting was renamed", *sorted(lines), advice])), code="AF101")


def _parse_map(text: str) -> dict[str, Mapping[str, Any]]:
    try:
        entries = json.loads(text)
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        raise ForgeError(
            f"{NAMESPACE}:installations is not a map of installation to settings\n"
            f"next: pulumi config set --path '{config_key('<name>', 'baseUrl')}' <url>"
        )
    errors = [error for name, entry in entries.items() for error in _entry_errors(name, entry)]
    if errors:
        raise ForgeError("\n".join(limit_lines([f"{NAMESPACE}:installations cannot be used", *errors])))
    return entries


def _entry_errors(name: str, entry: object) -> list[str]:
    found = []
    if name == DEFAULT:
        found.append(f"{name!r}: describe this one by the top-level keys, such as {NAMESPACE}:baseUrl")
    elif not NAME.fullmatch(name):
        found.append(f"{name!r}: {NAME_RULE}")
    if not isinstance(entry, dict):
        return [*found, f"{name!r}: is not a map of {', '.join(SETTINGS)}"]
    return [*found, *(f"{name!r}: {unknown_setting(key)}" for key in entry if key not in SETTINGS)]


def _unused_on_emulator(name: str) -> list[str]:
    """The authentication methods that an emulator in this process ignores.

    The container proxy, always. If the emulator's address comes from the environment, as in the preview of a pull request, also
    the tokens of the configuration: they are for another address, and a token command may send requests anywhere.
    """
    found = ["container_proxy"]
    if os.environ.get(variable(name, "baseUrl")):
        found += [to_snake(one) for one in AUTH_METHODS if one.startswith("token") and not os.environ.get(variable(name, one))]
    return found


def not_configured(name: str, names: Iterable[str]) -> str:
    """That an installation is not configured, and which ones are."""
    return f"installation {name!r} is not configured; configured: {', '.join(map(repr, names)) or 'none'}"


def unknown_installation(name: str, names: Iterable[str]) -> str:
    """The message for a program that names an installation that is not configured."""
    advice = f"Correct installation=, or: pulumi config set --path '{config_key('<name>', 'baseUrl')}' <url>"
    return f"{not_configured(name, names)}. {advice}"


def _missing(name: str, settings: InstallationSettings) -> str | None:
    """The message about the setting that is missing; None if none is."""
    auth_method, has_key = settings.auth_method, not (settings.relay_key is None and settings.relay_key_file is None)
    if auth_method is None and not settings.on_emulator:
        return _no_relay_url(name) if has_key else _no_token(name)
    if auth_method == "relayUrl" and not has_key:
        return (
            f"installation {name!r} has no relay key\n"
            f"next: set {variable(name, 'relayKey')} or {variable(name, 'relayKeyFile')}, or: "
            f"{_config_set(name, 'relayKey', '--secret ')} <key>"
        )
    proxy = os.environ.get(PROXY_VARIABLE, "")
    if auth_method == "containerProxy" and settings.base_url is None and not proxy.startswith(("http://", "https://")):
        return (
            f"{config_key(name, 'containerProxy')} of installation {name!r} works inside a Forge container, and "
            f"{PROXY_VARIABLE} is {'no URL' if proxy else 'not set'}\n"
            "next: run this in a container of the app, or use another authentication method (docs/guide/authentication.md)"
        )
    return None


def _no_token(name: str) -> str:
    *variables, last = [variable(name, field) for field in AUTH_METHODS]
    return (
        f"there is no token for installation {name!r}, and no other authentication method\n"
        f"next: set one of {', '.join(variables)} and {last}, or: {_config_set(name, 'token', '--secret ')} <token>\n"
        "the API accepts only the installed app itself: docs/guide/authentication.md helps you choose a method\n"
        f"for a preview alone, which sends nothing: {variable(name, 'baseUrl')}={EMULATOR_SCHEME}://preview.db pulumi preview"
    )


def _no_relay_url(name: str) -> str:
    return (
        f"installation {name!r} has a relay key, but no relay address\n"
        f"next: set {variable(name, 'relayUrl')}, or: {_config_set(name, 'relayUrl')} <url>; it is the URL of the app's web "
        "trigger: docs/guide/authentication.md#relay"
    )


def _config_set(name: str, field: str, options: str = "") -> str:
    return f"pulumi config set {options}{'' if name == DEFAULT else '--path '}'{config_key(name, field)}'"


def _default_not_configured(names: list[str], misspelt: Mapping[str, str]) -> str:
    for wrong, right in misspelt.items():
        return f"the installation 'default' is not configured\nthe variable {wrong} is not used\nnext: did you mean {right}?"
    others = f"; configured: {', '.join(map(repr, names))}, to be chosen with installation=" if names else ""
    return (
        f"the installation 'default' is not configured{others}\n"
        f"environment: {variable(DEFAULT, 'token')} (and {variable(DEFAULT, 'baseUrl')}, if it is not {API_BASE})\n"
        f"Pulumi: pulumi config set --secret {config_key(DEFAULT, 'token')} <token>; others: docs/guide/authentication.md\n"
        f"to try it without a site: pulumi config set {config_key(DEFAULT, 'baseUrl')} {EMULATOR_SCHEME}://forge.db\n"
        f"several installations: pulumi config set --path '{config_key('<name>', 'baseUrl')}' <url>\n"
        "next: choose one of these and run the command again"
    )
