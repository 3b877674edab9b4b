"""Which installations there are and how to reach each of them.

Fed by a plain ``get(key)``, so that the plugin, the command and the tests can all use it; it never imports Pulumi.

- The set of installations comes from configuration only: the top-level keys of ``atlassian-forge:`` describe ``default``,
  ``atlassian-forge:installations`` is a map of name to the same keys (it reaches the plugin as a JSON string).
- For every field but one the environment wins over the configuration, because a plain ``refresh`` or ``destroy`` sees only the
  configuration that is recorded in the state, which may hold an old token. For ``apiVersion`` the configuration wins, then the
  environment, then ``v1``.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.alias_generators import to_camel, to_snake
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from .api.protocol import Version
from .errors import ForgeError

NAMESPACE: Final = "atlassian-forge"
DEFAULT: Final = "default"
API_BASE: Final = "https://api.atlassian.com"
"""Where a Forge remote reaches the API. An inference: only its siblings state this base (docs:apis-reference/license-api)."""

EMULATOR_SCHEME: Final = "emulator"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PREFIX = "ATLASSIAN_FORGE_"
_MAKE_AN_INSTALLATION: Final = ("baseUrl", "token", "tokenFile")

_LINES: Final = 6  # of one message (design decision 8)

Get = Callable[[str], str | None]


class InstallationSettings(BaseSettings):
    """How one installation is reached.

    Attributes:
        base_url: Where the API is: ``https://…``, ``http://`` on a loopback address, or ``emulator://<path>.db``. Default
            ``https://api.atlassian.com``.
        token: The token of the installed app: an app system token, which lives at most 4 hours. Not needed on the emulator.
        token_file: A file that holds the token, in place of ``token``; read again when the server answers 401. A relative path
            starts at the directory of Pulumi.yaml.
        api_version: ``v1`` (the specification, the default) or ``v2`` (the public Preview).
        connect_timeout: Seconds to wait for a connection.
        request_timeout: Seconds to wait for the whole answer to one request.
        operation_timeout: Seconds that one operation may take with all its repetitions and pauses.
        take_over_identical: Whether a register under v1 takes over a module that is already there under its key with the same
            content, as a killed run leaves one.
        accept_all_gone: Whether to believe that all modules of the stack were deleted, where none of them is found. Meant for one
            run, by the environment.
        max_data_size: Bytes that the ``data`` of a module may have as JSON (our own limit).
        manifest: The ``manifest.yml`` of the app, which modules are then checked against in preview. A relative path starts at
            the directory of Pulumi.yaml. Default: none, and nothing is checked against it.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    base_url: str | None = None
    token: SecretStr | None = None
    token_file: str | None = None
    api_version: Version = "v1"
    connect_timeout: float = Field(default=10.0, gt=0, le=600)
    request_timeout: float = Field(default=30.0, gt=0, le=600)
    operation_timeout: float = Field(default=120.0, gt=0, le=3600)
    take_over_identical: bool = True
    accept_all_gone: bool = False
    max_data_size: int = Field(default=262_144, gt=0)
    manifest: str | None = None

    @field_validator("token", "token_file", "manifest", mode="before")
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        return value.strip() or None if isinstance(value, str) else value

    @field_validator("base_url")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        return None if value is None else _checked_base_url(value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no file is read behind the user's back
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before configuration, but for ``apiVersion`` the other way round."""
        configured = init_settings()
        pinned = {"api_version": configured["api_version"]} if "api_version" in configured else {}
        return InitSettingsSource(settings_cls, pinned), env_settings, init_settings

    @property
    def on_emulator(self) -> bool:
        """Whether the API is served in this process by the emulator."""
        return bool(self.base_url and self.base_url.startswith(f"{EMULATOR_SCHEME}:"))


def variable(installation: str, field: str) -> str:
    """The environment variable of a setting, for example ``ATLASSIAN_FORGE_ACME_BASE_URL``.

    Args:
        installation: The installation's name; ``default`` has no part of its own in the variable.
        field: The configuration key in camel case, for example ``baseUrl``.
    """
    return _env_prefix(installation) + to_snake(field).upper()


def _env_prefix(installation: str) -> str:
    return _PREFIX if installation == DEFAULT else f"{_PREFIX}{installation.upper().replace('-', '_')}_"


def config_key(installation: str, field: str) -> str:
    """The configuration key of a setting, as ``pulumi config set --path`` takes it."""
    if installation == DEFAULT:
        return f"{NAMESPACE}:{field}"
    return f"{NAMESPACE}:installations.{installation}.{field}"


class Installations:
    """The installations that the configuration names.

    Args:
        get: Returns the value of a configuration key such as ``atlassian-forge:baseUrl``, or None.

    Raises:
        ForgeError: ``atlassian-forge:installations`` cannot be used: every mistake in it is named at once.
    """

    def __init__(self, get: Get) -> None:
        fields = map(to_camel, InstallationSettings.model_fields)
        default = {field: value for field in fields if (value := get(f"{NAMESPACE}:{field}")) is not None}
        self._config: dict[str, Mapping[str, Any]] = {DEFAULT: default, **_named(get(f"{NAMESPACE}:installations"))}
        self._refuse_shared_variables()

    def __repr__(self) -> str:
        return f"Installations({', '.join(self._config)})"

    @property
    def names(self) -> list[str]:
        """The installations that can be used: ``default`` only if anything is said of it."""
        return [name for name in self._config if name != DEFAULT or self._default_is_set()]

    def resolve(self, name: str) -> InstallationSettings:
        """How to reach one installation.

        Raises:
            ForgeError: The installation is not configured, or its settings cannot be used.
        """
        if name not in self._config:
            raise ForgeError(unknown_installation(name, self.names))
        if name == DEFAULT and not self._default_is_set():
            raise ForgeError(_no_settings(self.names))
        try:
            settings = InstallationSettings(
                _env_prefix=_env_prefix(name),
                **{to_snake(field): value for field, value in self._config[name].items()},
            )
        except ValidationError as error:
            raise ForgeError(_unusable(name, error)) from None
        if settings.token is not None and settings.token_file is not None:
            return self._with_one_token(name, settings)
        if settings.token is None and settings.token_file is None and not settings.on_emulator:
            raise ForgeError(_no_token(name))
        return settings

    def _with_one_token(self, name: str, settings: InstallationSettings) -> InstallationSettings:
        """Where there are a token and a file, that of the environment wins, as for every other field."""
        given = {field: bool(os.environ.get(variable(name, field))) for field in ("token", "tokenFile")}
        if given["token"] == given["tokenFile"]:
            where = [variable(name, f) if given[f] else config_key(name, f) for f in given]
            raise ForgeError(f"installation {name!r} has two tokens: {where[0]} and {where[1]}\nnext: remove one of them")
        return settings.model_copy(update={"token_file" if given["token"] else "token": None})

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
        return config_key(name, field) if is_configured else None

    def secrets(self) -> set[str]:
        """Every token that is in sight, for redaction."""
        found = {str(config["token"]) for config in self._config.values() if config.get("token")}
        return found | {value for name in self._config if (value := os.environ.get(variable(name, "token")))}

    def _default_is_set(self) -> bool:
        variables = (variable(DEFAULT, field) for field in _MAKE_AN_INSTALLATION)
        config = self._config[DEFAULT]
        return any(field in config for field in _MAKE_AN_INSTALLATION) or any(os.environ.get(name) for name in variables)

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


def unknown_installation(name: str, names: list[str]) -> str:
    """What to say of an installation that nobody configured."""
    known = ", ".join(repr(name) for name in names) or "none"
    return (
        f"installation {name!r} is not configured; configured: {known}. "
        f"Correct installation=, or: pulumi config set --path '{config_key('<name>', 'baseUrl')}' <url>"
    )


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
        raise ForgeError("\n".join(_at_most_six([f"{NAMESPACE}:installations cannot be used", *mistakes])))
    return entries


def _mistakes(name: str, entry: object) -> list[str]:
    found = []
    if name == DEFAULT:
        found.append(f"{name!r}: describe this one by the top-level keys, such as {NAMESPACE}:baseUrl")
    elif not _NAME.fullmatch(name):
        found.append(f"{name!r}: a name has 1 to 40 of a-z, 0-9 and -, and does not start with -")
    known = [to_camel(field) for field in InstallationSettings.model_fields]
    if not isinstance(entry, dict):
        return [*found, f"{name!r}: is not a map of {', '.join(known)}"]
    for key in entry:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            found.append(f"{name!r}: {key!r} is not a setting; {hint}")
    return found


def _checked_base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme == EMULATOR_SCHEME:
        if not (parts.netloc + parts.path).strip("/"):
            raise ValueError("names no file: write emulator://<path>.db")
        for name, _ in parse_qsl(url.partition("?")[2], keep_blank_values=True):
            if name not in ("fault", "switch"):
                raise ValueError(
                    f"has the parameter {name!r}: there are only fault and switch, as in ?fault=<rule>&switch=<name=value>"
                )
        return url
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must have no user, password, query or fragment")
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("must be https://<host>, or emulator://<path>.db")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("must be https: http would show the token to the network; it is for loopback addresses only")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _unusable(name: str, error: ValidationError) -> str:
    lines = [f"the settings of installation {name!r} cannot be used"]
    for problem in error.errors():
        field = to_camel(str(problem["loc"][0])) if problem["loc"] else "settings"
        text = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{config_key(name, field)} (or {variable(name, field)}): {text[0].lower()}{text[1:]}")
    return "\n".join(_at_most_six(lines))


def _at_most_six(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], f"and {len(lines) - _LINES + 1} more"]


def _no_token(name: str) -> str:
    return (
        f"there is no token for installation {name!r}\n"
        f"next: set {variable(name, 'token')} or {variable(name, 'tokenFile')}, or: pulumi config set --secret"
        f"{'' if name == DEFAULT else ' --path'} '{config_key(name, 'token')}' <token>\n"
        "the API takes only a token of the installed app itself: docs/guide/real-installation.md says how to get one"
    )


def _no_settings(names: list[str]) -> str:
    others = f"; configured: {', '.join(map(repr, names))}, to be chosen with installation=" if names else ""
    return (
        f"the installation 'default' is not configured{others}\n"
        f"environment: {variable(DEFAULT, 'token')} (and {variable(DEFAULT, 'baseUrl')}, where it is not {API_BASE})\n"
        f"Pulumi: pulumi config set --secret {config_key(DEFAULT, 'token')} <token>\n"
        f"to try it without a site: pulumi config set {config_key(DEFAULT, 'baseUrl')} {EMULATOR_SCHEME}://forge.db\n"
        f"several installations: pulumi config set --path '{config_key('<name>', 'baseUrl')}' <url>\n"
        "next: choose one of these and run the command again"
    )
