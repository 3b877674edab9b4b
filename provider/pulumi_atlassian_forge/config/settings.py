"""The settings of one installation, and their names in the configuration and the environment. Never imports Pulumi."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, field_validator
from pydantic.alias_generators import to_camel, to_snake
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from pulumi_atlassian_forge.api.network_environment import is_loopback
from pulumi_atlassian_forge.model.module_id import Version
from pulumi_atlassian_forge.model.suggestions import nearest

NAMESPACE: Final = "atlassian-forge"
DEFAULT: Final = "default"
API_BASE: Final = "https://api.atlassian.com"  # inferred: Atlassian's pages state it for sibling APIs of a Forge remote only
EMULATOR_SCHEME: Final = "emulator"

AuthMethodName = Literal["token", "tokenFile", "tokenCommand", "containerProxy", "relayUrl"]
"""The authentication methods, each by the setting that selects it: an installation has one."""

AUTH_METHODS: Final[tuple[AuthMethodName, ...]] = get_args(AuthMethodName)

SECRETS: Final = ("token", "relayKey")  # the settings whose values are secret
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")  # of an installation; it becomes a part of the names of variables
NAME_RULE: Final = "a name has 1 to 40 of a-z, 0-9 and -, and does not start with -"  # NAME in words, for a message
FILE: Final = "forge-installations.yaml"  # beside Pulumi.yaml; it describes more installations (.installations_file)
PREFIX: Final = "ATLASSIAN_FORGE_"  # of every variable of this package
PROXY_VARIABLE: Final = "FORGE_EGRESS_PROXY_URL"  # in a Forge container: the URL of its egress proxy

RENAMED: Final[Mapping[str, str]] = {
    "bridgeUrl": "relayUrl",
    "bridgeKey": "relayKey",
    "bridgeKeyFile": "relayKeyFile",
    "takeOverIdentical": "adoptIdentical",
    "acceptAllGone": "acceptMissingModules",
}
"""Settings that had another name before the first release: an old name is an error that names the new one."""

_RELAY_KEY_MIN_LENGTH: Final = 32  # as the relay itself demands
_CONTAINER_IDS: Final = ("installationId", "invocationId")
_UUID: Final = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_THREE_UUIDS: Final = f"{_UUID}/{_UUID}/{_UUID}"
_EXPECTED_PROBLEM: Final = (
    "must be <appId>/<environmentId>/<installationId>, three UUIDs such as 01234567-89ab-cdef-0123-456789abcdef; the appId is "
    "the last part of app.id in manifest.yml (AF604)"
)


class InstallationSettings(BaseSettings):
    """The settings of one installation.

    Attributes:
        base_url: The address of the API: ``https://…``, ``http://`` on a loopback address, or ``emulator://<path>.db``. Default
            ``https://api.atlassian.com``.
        token: The token of the installed app: an app system token, valid for at most 4 hours. Not needed on the emulator.
        token_file: A file that holds the token, in place of ``token``; read again after a 401. A relative path starts at the
            directory of Pulumi.yaml.
        token_command: A program and its arguments, started by no shell. It prints the token, or JSON with ``token`` and, if they
            are known, ``expiresAt`` and ``installationId``. It has ``request_timeout`` seconds.
        container_proxy: Inside a Forge container: ``installationId=<id>`` or ``invocationId=<id>``, for the sidecar that
            ``FORGE_EGRESS_PROXY_URL`` names.
        relay_url: The web trigger of the app's relay (``examples/web-trigger-relay``), which every request is then sent to.
        relay_key: The key that the relay shares with its callers, at least 32 characters.
        relay_key_file: A file that holds the key, in place of ``relay_key``; read again when the relay responds with 401.
        api_version: ``v1`` (the specification, the default) or ``v2`` (the public Preview).
        connect_timeout: Seconds to wait for a connection.
        request_timeout: Seconds to wait for the whole response to one request.
        operation_timeout: Seconds that one operation may take with all its retries and pauses.
        adopt_identical: Whether a register under v1 adopts a module that exists under its key with the same content, as a
            killed run leaves one.
        accept_missing_modules: Whether to treat all modules of the stack as deleted if none of them is found. Meant for one run,
            by the environment.
        expected_installation: ``<appId>/<environmentId>/<installationId>``, three UUIDs: the installation that the credentials
            must belong to. It is verified before the first write of a run. Default: none, and it is not verified.
        max_data_size: Bytes that the ``data`` of a module may have as JSON (our own limit).
        strict: Whether warnings about a declaration are errors: values, events, types and properties that are not documented.
        manifest: The ``manifest.yml`` of the app, which modules are then checked against in preview. A relative path starts at
            the directory of Pulumi.yaml. Default: none, and nothing is checked against it.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    base_url: str | None = None
    token: SecretStr | None = None
    token_file: str | None = None
    token_command: Annotated[tuple[str, ...] | None, NoDecode] = None
    container_proxy: str | None = None
    relay_url: str | None = None
    relay_key: SecretStr | None = None
    relay_key_file: str | None = None
    api_version: Version = "v1"
    connect_timeout: float = Field(default=10.0, gt=0, le=600)
    request_timeout: float = Field(default=30.0, gt=0, le=600)
    operation_timeout: float = Field(default=120.0, gt=0, le=3600)
    adopt_identical: bool = True
    accept_missing_modules: bool = False
    expected_installation: str | None = Field(default=None, json_schema_extra={"pattern": f"^{_THREE_UUIDS}$"})
    max_data_size: int = Field(default=262_144, gt=0)
    strict: bool = False
    manifest: str | None = None

    @field_validator(
        "token",
        "token_file",
        "container_proxy",
        "relay_key",
        "relay_key_file",
        "expected_installation",
        "manifest",
        mode="before",
    )
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        return value.strip() or None if isinstance(value, str) else value

    @field_validator("expected_installation")
    @classmethod
    def _validate_expected_installation(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if re.fullmatch(_THREE_UUIDS, value) is None:
            raise ValueError(_EXPECTED_PROBLEM)
        return value.lower()

    @field_validator("base_url", "relay_url")
    @classmethod
    def _validate_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        return _require_base_url(value) if info.field_name == "base_url" else _require_url(value)

    @field_validator("relay_key")
    @classmethod
    def _validate_key_length(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _RELAY_KEY_MIN_LENGTH:
            raise ValueError(f"must have at least {_RELAY_KEY_MIN_LENGTH} characters")
        return value

    @field_validator("token")
    @classmethod
    def _reject_scheme_prefix(cls, value: SecretStr | None) -> SecretStr | None:
        problem = None if value is None else scheme_prefix_problem(value.get_secret_value())
        if problem is not None:
            raise ValueError(problem)
        return value

    @field_validator("connect_timeout", "request_timeout", "operation_timeout", "max_data_size", mode="wrap")
    @classmethod
    def _validate_number(cls, value: object, parse: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
        try:
            return parse(value)
        except ValidationError as error:
            if not error.errors()[0]["type"].endswith("_parsing"):
                raise
        unit, example = ("bytes", "262144") if info.field_name == "max_data_size" else ("seconds", "30")
        raise ValueError(f"must be a number of {unit}, without a unit, such as {example}")

    @field_validator("token_command", mode="before")
    @classmethod
    def _parse_token_command(cls, value: object) -> object:
        arguments = _argument_list(value)
        if isinstance(arguments, list | tuple) and not (arguments and isinstance(arguments[0], str) and arguments[0].strip()):
            raise ValueError("names no program")
        return arguments

    @field_validator("container_proxy")
    @classmethod
    def _validate_container_proxy(cls, value: str | None) -> str | None:
        kind, _, id_ = (value or "").partition("=")
        if value is not None and (kind not in _CONTAINER_IDS or not id_.isascii() or not id_.replace("-", "").isalnum()):
            raise ValueError("must be installationId=<id> or invocationId=<id>")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no file is read without being named
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the configuration, except for ``apiVersion``."""
        configured = init_settings()
        pinned = {"api_version": configured["api_version"]} if "api_version" in configured else {}
        return InitSettingsSource(settings_cls, pinned), env_settings, init_settings

    @property
    def on_emulator(self) -> bool:
        """Whether the API is served in this process by the emulator."""
        return bool(self.base_url and self.base_url.startswith(f"{EMULATOR_SCHEME}:"))

    @property
    def auth_method(self) -> AuthMethodName | None:
        """The authentication method; None on the emulator without a token, which needs none."""
        return next((auth_method for auth_method in AUTH_METHODS if getattr(self, to_snake(auth_method)) is not None), None)


SETTINGS: Final = tuple(map(to_camel, InstallationSettings.model_fields))  # the configuration keys of an installation


def variable(installation: str, field: str) -> str:
    """The environment variable of a setting: ``ATLASSIAN_FORGE_ACME_BASE_URL`` for ``baseUrl`` of ``acme``."""
    return env_prefix(installation) + to_snake(field).upper()


def env_prefix(installation: str) -> str:
    """The prefix of the variables of an installation."""
    return PREFIX if installation == DEFAULT else f"{PREFIX}{installation.upper().replace('-', '_')}_"


def config_key(installation: str, field: str) -> str:
    """The configuration key of a setting, as ``pulumi config set --path`` takes it."""
    return f"{NAMESPACE}:{field}" if installation == DEFAULT else f"{NAMESPACE}:installations.{installation}.{field}"


def setting_of(installation: str, field: str) -> str:
    """A setting by both of its names, for a message."""
    return f"{variable(installation, field)} (or {config_key(installation, field)})"


def address_variable(installation: str, auth_method: AuthMethodName | None) -> str:
    """The variable of the address that requests are sent to, for a message."""
    if auth_method == "containerProxy":
        return PROXY_VARIABLE
    return variable(installation, "relayUrl" if auth_method == "relayUrl" else "baseUrl")


def unknown_setting(key: str) -> str:
    """That a key is not a setting, with the setting that may have been meant."""
    if key in RENAMED:
        return f"{key!r} is not a setting; it is called {RENAMED[key]} now"
    near = nearest(key, SETTINGS)
    return f"{key!r} is not a setting; " + (f"did you mean {near}?" if near else f"known: {', '.join(SETTINGS)}")


def validation_errors(error: ValidationError) -> Iterator[tuple[str, str]]:
    """The settings that pydantic refused, each with the reason. It never holds the value."""
    for problem in error.errors():
        text = problem["msg"].removeprefix("Value error, ")
        yield to_camel(str(problem["loc"][0])) if problem["loc"] else "settings", f"{text[0].lower()}{text[1:]}"


def _argument_list(value: object) -> object:
    """A program and its arguments: a list, the JSON of one, or the program alone."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError('is not a JSON list, such as ["fetch-token", "--site", "acme"]') from None
    if len(text.split()) > 1:
        raise ValueError('is a command line, and no shell reads it: write a list, such as ["fetch-token", "--site", "acme"]')
    return (text,) if text else None


def _require_base_url(url: str) -> str:
    if not url.startswith(f"{EMULATOR_SCHEME}:"):
        return _require_url(url, "must be https://<host>, or emulator://<path>.db")
    if not url.partition("?")[0].removeprefix(f"{EMULATOR_SCHEME}:").strip("/"):
        raise ValueError("names no file: write emulator://<path>.db")
    for name, _ in parse_qsl(url.partition("?")[2], keep_blank_values=True):
        if name not in ("fault", "option"):
            raise ValueError(
                f"has the parameter {name!r}: there are only fault and option, as in ?fault=<rule>&option=<name=value>"
            )
    return url


def _require_url(url: str, form: str = "must be https://<host>/…") -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must have no user, password, query or fragment")
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError(form)
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must be https: http would show the token to the network; it is for loopback addresses only")
    return url.rstrip("/")


def scheme_prefix_problem(token: str) -> str | None:
    """The error if a token was copied with a part of the header ``Authorization: Bearer``; else None."""
    if re.match(r"\s*(?:authorization\s*:\s*)?bearer[\s:]", token, re.IGNORECASE) is None:
        return None
    return "begins with the word Bearer, which the provider adds: give the token alone"
