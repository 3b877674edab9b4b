"""Which installations there are and how to reach each of them.

Fed by a plain ``get(key)``, so that the plugin, the command and the tests can all use it; it never imports Pulumi.

- The set of installations comes from configuration only: the top-level keys of ``atlassian-forge:`` describe ``default``,
  ``atlassian-forge:installations`` is a map of name to the same keys (it reaches the plugin as a JSON string), and so is
  ``forge-installations.yaml`` beside Pulumi.yaml (:mod:`.installations_file`).
- For every field but one the environment wins over the configuration, because a plain ``refresh`` or ``destroy`` sees only the
  configuration that is recorded in the state, which may hold an old token. For ``apiVersion`` the configuration wins, then the
  environment, then ``v1``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_camel, to_snake

from pulumi_atlassian_forge.errors import ForgeError, limit_lines
from pulumi_atlassian_forge.model.suggestions import nearest

from .settings import (
    API_BASE,
    AUTH_METHODS,
    DEFAULT,
    EMULATOR_SCHEME,
    FILE,
    NAME,
    NAMESPACE,
    PREFIX,
    PROXY_VARIABLE,
    RENAMED,
    SECRETS,
    InstallationSettings,
    config_key,
    env_prefix,
    near_setting,
    variable,
)

_NEAR: Final = 0.9  # how alike a variable has to be to one that is read, of 1
_KEYS: Final = ("relayKey", "relayKeyFile")
_MAKE_AN_INSTALLATION: Final = ("baseUrl", *AUTH_METHODS, *_KEYS)
_ADDRESSES: Final = ("baseUrl", "relayUrl")

Get = Callable[[str], str | None]


class Installations:
    """The installations that the configuration names.

    Args:
        get: Returns the value of a configuration key such as ``atlassian-forge:baseUrl``, or None.
        filed: More installations, from a file.
        called: Names of installations of which variables alone may tell, where the configuration has none.

    Raises:
        ForgeError: ``atlassian-forge:installations`` cannot be used: every mistake in it is named at once.
    """

    def __init__(
        self, get: Get, filed: Mapping[str, Mapping[str, Any]] = MappingProxyType({}), called: Iterable[str] = ()
    ) -> None:
        fields = map(to_camel, InstallationSettings.model_fields)
        default = {field: value for field in fields if (value := get(f"{NAMESPACE}:{field}")) is not None}
        text = get(f"{NAMESPACE}:installations")
        named = _named(text)
        called = [*called]
        _refuse_renamed(get, {DEFAULT, *named, *filed, *called})
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
        self._refuse_shared_variables()

    def __repr__(self) -> str:
        return f"Installations({', '.join(self._config)})"

    @property
    def names(self) -> list[str]:
        """The installations that can be used: ``default`` only if anything is said of it."""
        return [name for name in self._config if name != DEFAULT or self._default_is_set()]

    def resolve(self, name: str) -> InstallationSettings:
        """How to reach one installation. What was found once stays: three questions of each `check` come here.

        Raises:
            ForgeError: The installation is not configured, or its settings cannot be used.
        """
        if name not in self._resolved:
            self._resolved[name] = self._read(name)
        return self._resolved[name]

    def _read(self, name: str) -> InstallationSettings:
        if name not in self._config:
            raise ForgeError(unknown_installation(name, self.names))
        if name == DEFAULT and not self._default_is_set():
            raise ForgeError(_no_settings(self.names, self.misspelt()))
        try:
            settings = InstallationSettings(
                _env_prefix=env_prefix(name),
                **{to_snake(field): value for field, value in self._config[name].items()},
            )
        except ValidationError as error:
            raise ForgeError(_unusable(name, error)) from None
        settings = self._with_one(name, settings, _ADDRESSES, "address")
        if settings.on_emulator:  # in this process: what leads out of it is not asked
            settings = settings.model_copy(update=dict.fromkeys(_leading_out(name)))
        settings = self._with_one(name, settings, AUTH_METHODS, "way to the API")
        settings = self._with_one(name, settings, _KEYS, "key of the relay")
        problem = _not_usable(name, settings)
        if problem is not None:
            raise ForgeError(problem)
        return settings

    def _with_one(self, name: str, settings: InstallationSettings, fields: Iterable[str], what: str) -> InstallationSettings:
        """Of several settings that exclude each other the environment's wins, as for every other field."""
        given = [field for field in fields if getattr(settings, to_snake(field)) is not None]
        mine = [field for field in given if os.environ.get(variable(name, field))] or given
        if len(mine) > 1:
            where = " and ".join(self.source(name, field) or field for field in mine)
            raise ForgeError(f"installation {name!r} has more than one {what}: {where}\nnext: keep one of them")
        return settings.model_copy(update={to_snake(field): None for field in given if field not in mine})

    def source(self, name: str, field: str) -> str | None:
        """Where a setting comes from: its variable or its configuration key; None where it has its default.

        Args:
            name: The installation.
            field: The configuration key in camel case, for example ``baseUrl``.
        """
        is_configured = field in self._config.get(name, {})
        is_pinned = is_configured and field == "apiVersion"
        if os.environ.get(variable(name, field)) and not is_pinned:
            return variable(name, field)
        if name in self._filed:
            return f"{field} of {name!r} in {FILE}" if is_configured else None
        return config_key(name, field) if is_configured else None

    def misspelt(self) -> dict[str, str]:
        """Variables of the environment that nothing reads, each with the one that it is nearly called like.

        One that is like none is left alone: it may belong to an installation of another stack.
        """
        read = {variable(name, to_camel(field)) for name in self._config for field in InstallationSettings.model_fields}
        unread = (name for name in sorted(os.environ) if name.startswith(PREFIX) and name not in read)
        return {name: near for name in unread if (near := nearest(name, read, likeness=_NEAR)) is not None}

    def secrets(self) -> set[str]:
        """Every token and key that is in sight, for redaction."""
        found = {str(config[field]) for config in self._config.values() for field in SECRETS if config.get(field)}
        variables = (variable(name, field) for name in self._config for field in SECRETS)
        return found | {value for name in variables if (value := os.environ.get(name))}

    def _default_is_set(self) -> bool:
        return _is_in_environment(DEFAULT) or any(field in self._config[DEFAULT] for field in _MAKE_AN_INSTALLATION)

    def _refuse_shared_variables(self) -> None:
        """Two names must not read one variable: one would get the other's token."""
        seen: dict[str, str] = {}
        for name in self._config:
            for field in InstallationSettings.model_fields:
                other = seen.setdefault(variable(name, field), name)
                if other != name:
                    raise ForgeError(
                        f"installations {other!r} and {name!r} would both read the variable {variable(name, field)}\n"
                        f"next: give one of them another name in {NAMESPACE}:installations"
                    )


def _refuse_renamed(get: Get, names: Iterable[str]) -> None:
    renamed = {config_key(DEFAULT, old): config_key(DEFAULT, new) for old, new in RENAMED.items()}
    found = {old: new for old, new in renamed.items() if get(old) is not None}
    variables = {variable(name, old): variable(name, new) for name in names for old, new in RENAMED.items()}
    found |= {old: new for old, new in variables.items() if os.environ.get(old)}
    if found:
        lines = [f"{old} is now called {new}" for old, new in sorted(found.items())]
        advice = "next: rename it, and run the command again"
        raise ForgeError("\n".join(limit_lines(["a setting has another name now", *lines, advice])), code="AF101")


def not_configured(name: str, names: Iterable[str]) -> str:
    """That nobody configured an installation, and which ones somebody did."""
    return f"installation {name!r} is not configured; configured: {', '.join(map(repr, names)) or 'none'}"


def unknown_installation(name: str, names: Iterable[str]) -> str:
    """What to say to a program of an installation that nobody configured."""
    advice = f"Correct installation=, or: pulumi config set --path '{config_key('<name>', 'baseUrl')}' <url>"
    return f"{not_configured(name, names)}. {advice}"


def _leading_out(name: str) -> list[str]:
    """The fields that an emulator in this process does without.

    The sidecar, always. And where the emulator's address comes from the environment, as in a preview of a pull request, every
    authentication method of the configuration: that token is for another address, and to get it a command may go anywhere.
    """
    is_put_before = bool(os.environ.get(variable(name, "baseUrl")))
    tokens = [
        auth_method
        for auth_method in AUTH_METHODS
        if auth_method.startswith("token") and not os.environ.get(variable(name, auth_method))
    ]
    return [to_snake(auth_method) for auth_method in ("containerProxy", *(tokens if is_put_before else ()))]


def _is_in_environment(name: str) -> bool:
    """Whether a variable says how to reach an installation."""
    return any(os.environ.get(variable(name, field)) for field in _MAKE_AN_INSTALLATION)


def _named(text: str | None) -> dict[str, Mapping[str, Any]]:
    if text is None:
        return {}
    try:
        entries = json.loads(text)
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        raise ForgeError(
            f"{NAMESPACE}:installations is not a map of installation to settings\n"
            f"next: pulumi config set --path '{config_key('<name>', 'baseUrl')}' <url>"
        )
    mistakes = [mistake for name, entry in entries.items() for mistake in _mistakes(name, entry)]
    if mistakes:
        raise ForgeError("\n".join(limit_lines([f"{NAMESPACE}:installations cannot be used", *mistakes])))
    return entries


def _mistakes(name: str, entry: object) -> list[str]:
    found = []
    if name == DEFAULT:
        found.append(f"{name!r}: describe this one by the top-level keys, such as {NAMESPACE}:baseUrl")
    elif not NAME.fullmatch(name):
        found.append(f"{name!r}: a name has 1 to 40 of a-z, 0-9 and -, and does not start with -")
    known = [to_camel(field) for field in InstallationSettings.model_fields]
    if not isinstance(entry, dict):
        return [*found, f"{name!r}: is not a map of {', '.join(known)}"]
    return [*found, *(f"{name!r}: {key!r} is not a setting; {near_setting(key)}" for key in entry if key not in known)]


def _unusable(name: str, error: ValidationError) -> str:
    lines = [f"the settings of installation {name!r} cannot be used"]
    for problem in error.errors():
        field = to_camel(str(problem["loc"][0])) if problem["loc"] else "settings"
        text = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{config_key(name, field)} (or {variable(name, field)}): {text[0].lower()}{text[1:]}")
    return "\n".join(limit_lines(lines))


def _not_usable(name: str, settings: InstallationSettings) -> str | None:
    """What the settings lack; None where they lead to an API."""
    auth_method, has_key = settings.auth_method, not (settings.relay_key is None and settings.relay_key_file is None)
    if auth_method is None and not settings.on_emulator:
        return _no_relay(name) if has_key else _no_token(name)
    if auth_method == "relayUrl" and not has_key:
        return (
            f"there is no key for the relay of installation {name!r}\n"
            f"next: set {variable(name, 'relayKey')} or {variable(name, 'relayKeyFile')}, or: "
            f"{_config_set(name, 'relayKey', '--secret ')} <key>"
        )
    proxy = os.environ.get(PROXY_VARIABLE, "")
    if auth_method == "containerProxy" and settings.base_url is None and not proxy.startswith(("http://", "https://")):
        return (
            f"{config_key(name, 'containerProxy')} of installation {name!r} works inside a Forge container, and "
            f"{PROXY_VARIABLE} is {'no URL' if proxy else 'not set'}\n"
            "next: run this in a container of the app, or take another way (docs/guide/authentication.md)"
        )
    return None


def _no_token(name: str) -> str:
    ways = ", ".join(variable(name, field) for field in AUTH_METHODS[:-1])
    return (
        f"there is no token for installation {name!r}, and no other way to it\n"
        f"next: set one of {ways} and {variable(name, AUTH_METHODS[-1])}, or: {_config_set(name, 'token', '--secret ')} <token>\n"
        "the API takes only the installed app itself: docs/guide/authentication.md says which way is yours\n"
        f"for a preview alone, which sends nothing: {variable(name, 'baseUrl')}={EMULATOR_SCHEME}://preview.db pulumi preview"
    )


def _no_relay(name: str) -> str:
    return (
        f"there is a key for the relay of installation {name!r}, and not the relay's address\n"
        f"next: set {variable(name, 'relayUrl')}, or: {_config_set(name, 'relayUrl')} <url>; it is the URL of the app's web "
        "trigger: docs/guide/authentication.md#relay"
    )


def _config_set(name: str, field: str, options: str = "") -> str:
    return f"pulumi config set {options}{'' if name == DEFAULT else '--path '}'{config_key(name, field)}'"


def _no_settings(names: list[str], misspelt: Mapping[str, str]) -> str:
    if misspelt:
        wrong, right = next(iter(misspelt.items()))
        return (
            f"the installation 'default' is not configured\nthe variable {wrong} is read by nothing\nnext: did you mean {right}?"
        )
    others = f"; configured: {', '.join(map(repr, names))}, to be chosen with installation=" if names else ""
    return (
        f"the installation 'default' is not configured{others}\n"
        f"environment: {variable(DEFAULT, 'token')} (and {variable(DEFAULT, 'baseUrl')}, where it is not {API_BASE})\n"
        f"Pulumi: pulumi config set --secret {config_key(DEFAULT, 'token')} <token>; other ways: docs/guide/authentication.md\n"
        f"to try it without a site: pulumi config set {config_key(DEFAULT, 'baseUrl')} {EMULATOR_SCHEME}://forge.db\n"
        f"several installations: pulumi config set --path '{config_key('<name>', 'baseUrl')}' <url>\n"
        "next: choose one of these and run the command again"
    )
