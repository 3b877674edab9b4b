from __future__ import annotations

import json
import os
from typing import Any

import pytest

from pulumi_atlassian_forge.config.installations import Installations
from pulumi_atlassian_forge.config.settings import RENAMED, InstallationSettings, variable
from pulumi_atlassian_forge.errors import ForgeError

HTTPS = "https://api.example.com"


def installations(config: dict[str, Any] | None = None, **named: Any) -> Installations:
    settings = {f"atlassian-forge:{key}": value for key, value in (config or {}).items()}
    if named:
        settings["atlassian-forge:installations"] = json.dumps(named)
    return Installations(settings.get)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ATLASSIAN_FORGE"):
            monkeypatch.delenv(name)


def test_the_environment_wins_over_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLASSIAN_FORGE_TOKEN", "new")
    monkeypatch.setenv("ATLASSIAN_FORGE_BASE_URL", "https://other.example.com")
    found = installations({"token": "old", "baseUrl": HTTPS}).resolve("default")
    assert found.token is not None
    assert (found.token.get_secret_value(), found.base_url) == ("new", "https://other.example.com")


def test_for_the_api_version_configuration_wins_then_the_environment_then_v1(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installations({"token": "t"}).resolve("default").api_version == "v1"
    monkeypatch.setenv("ATLASSIAN_FORGE_API_VERSION", "v2")
    assert installations({"token": "t"}).resolve("default").api_version == "v2"
    assert installations({"token": "t", "apiVersion": "v1"}).resolve("default").api_version == "v1"


def test_a_named_installation_reads_its_own_variables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLASSIAN_FORGE_TOKEN", "default-token")
    monkeypatch.setenv("ATLASSIAN_FORGE_ACME_EU_TOKEN", "acme-token")
    found = installations(None, **{"acme-eu": {"baseUrl": HTTPS}}).resolve("acme-eu")
    assert found.token is not None
    assert found.token.get_secret_value() == "acme-token"
    assert variable("acme-eu", "baseUrl") == "ATLASSIAN_FORGE_ACME_EU_BASE_URL"


def test_the_environment_alone_makes_no_named_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLASSIAN_FORGE_ACME_TOKEN", "t")
    with pytest.raises(ForgeError, match="'acme' is not configured; configured: 'default'"):
        installations({"token": "t"}).resolve("acme")


def test_a_token_alone_is_enough_and_a_base_url_alone_is_not() -> None:
    assert installations({"token": "t"}).resolve("default").base_url is None
    with pytest.raises(ForgeError, match="there is no token for installation 'default'"):
        installations({"baseUrl": HTTPS}).resolve("default")
    assert installations({"baseUrl": "emulator://x.db"}).resolve("default").on_emulator


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com", "must be https"),
        ("http://10.0.0.1", "must be https"),
        ("http://localhost.example.com", "must be https"),
        ("https://user:pass@example.com", "no user, password"),
        ("https://example.com/?a=b", "no user, password, query"),
        ("ftp://example.com", "must be https://<host>"),
        ("example.com", "must be https://<host>"),
        ("https://", "must be https://<host>"),
        ("https://[::1", "is not a URL"),
        ("https://example.com:port", "is not a URL"),
        ("emulator://", "names no file"),
    ],
)
def test_an_invalid_base_url_is_explained_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ForgeError) as caught:
        installations({"token": "t", "baseUrl": url}).resolve("default")
    assert words in str(caught.value)
    assert "atlassian-forge:baseUrl (or ATLASSIAN_FORGE_BASE_URL)" in str(caught.value)
    assert "pass" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.2", "http://[::1]:1", "https://example.com/prefix/"])
def test_a_base_url_that_can_be_used_loses_only_its_last_slash(url: str) -> None:
    assert installations({"token": "t", "baseUrl": url}).resolve("default").base_url == url.rstrip("/")


def test_all_validation_errors_of_the_map_are_named_at_once() -> None:
    with pytest.raises(ForgeError) as caught:
        installations(None, Acme={"baseUrl": HTTPS}, default={}, good={"baseURL": HTTPS}, bad=[1])
    text = str(caught.value)
    assert "'Acme': a name has" in text
    assert "'default': describe this one by the top-level keys" in text
    assert "'good': 'baseURL' is not a setting; did you mean baseUrl?" in text
    assert "'bad': is not a map" in text


@pytest.mark.parametrize("text", ["not json", "[1]", '"x"'])
def test_an_invalid_map_is_an_error_that_shows_how_to_set_it(text: str) -> None:
    with pytest.raises(ForgeError, match="config set --path"):
        Installations({"atlassian-forge:installations": text}.get)


def test_one_broken_installation_leaves_the_others_usable() -> None:
    both = installations({"token": "t"}, acme={"baseUrl": "http://example.com", "token": "t"})
    assert both.resolve("default").token is not None
    with pytest.raises(ForgeError, match="installation 'acme' cannot be used"):
        both.resolve("acme")


def test_no_settings_lists_every_method_in_six_lines() -> None:
    with pytest.raises(ForgeError) as caught:
        installations().resolve("default")
    assert len(str(caught.value).splitlines()) == 6
    assert installations().names == []


def test_numbers_may_be_text_and_must_be_in_range() -> None:
    assert installations({"token": "t", "operationTimeout": "300"}).resolve("default").operation_timeout == 300
    with pytest.raises(ForgeError, match="operationTimeout"):
        installations({"token": "t", "operationTimeout": "0"}).resolve("default")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("requestTimeout", "30s", "must be a number of seconds, without a unit, such as 30"),
        ("connectTimeout", "soon", "must be a number of seconds, without a unit, such as 30"),
        ("operationTimeout", "2 min", "must be a number of seconds, without a unit, such as 30"),
        ("maxDataSize", "256KiB", "must be a number of bytes, without a unit, such as 262144"),
        ("operationTimeout", "0", "input should be greater than 0"),
    ],
)
def test_a_number_with_a_unit_and_one_out_of_range(field: str, value: str, words: str) -> None:
    with pytest.raises(ForgeError) as caught:
        installations({"token": "t", field: value}).resolve("default")
    assert f"atlassian-forge:{field} (or ATLASSIAN_FORGE_" in str(caught.value)
    assert str(caught.value).endswith(f"): {words}")


@pytest.mark.parametrize("text", ["Bearer planted", "bearer  planted", "Authorization: Bearer planted", "Bearer: planted"])
def test_a_token_that_was_copied_with_its_header_is_named_and_not_shown(text: str) -> None:
    with pytest.raises(ForgeError) as caught:
        installations({"token": text}).resolve("default")
    assert "begins with the word Bearer, which the provider adds: give the token alone" in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("config", [{"relayKey": "k" * 32}, {"relayKeyFile": "key"}, {"baseUrl": HTTPS, "relayKeyFile": "k"}])
def test_a_relay_key_alone_is_an_error_about_the_missing_address(config: dict[str, str]) -> None:
    with pytest.raises(ForgeError) as caught:
        installations(config).resolve("default")
    assert "installation 'default' has a relay key, but no relay address" in str(caught.value)
    assert "set ATLASSIAN_FORGE_RELAY_URL, or: pulumi config set 'atlassian-forge:relayUrl' <url>" in str(caught.value)


def test_a_key_of_a_relay_is_ignored_beside_another_authentication_method() -> None:
    assert installations({"token": "t", "relayKey": "k" * 32}).resolve("default").auth_method == "token"
    assert installations({"baseUrl": "emulator://x.db", "relayKey": "k" * 32}).resolve("default").on_emulator


def test_no_representation_shows_the_token() -> None:
    found = installations({"token": "planted"}, acme={"token": "planted"})
    shown = f"{found!r} {found.resolve('default')!r} {found.resolve('default')} {found.resolve('default').model_dump()}"
    assert "planted" not in shown
    assert found.secrets() == {"planted"}


def test_two_installations_never_share_a_variable() -> None:
    # One would get the other's token. Two names share a variable only if one setting's name ends with another's.
    fields = InstallationSettings.model_fields
    assert not [(long, short) for long in fields for short in fields if long.endswith(f"_{short}")]
    variables = [variable(name, field) for name in ("default", "token", "base", "api", "a-b") for field in fields]
    assert len(set(variables)) == len(variables)


def test_a_token_file_is_enough_and_of_two_tokens_that_of_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installations({"tokenFile": "t.txt"}).resolve("default").token_file == "t.txt"
    with pytest.raises(
        ForgeError,
        match="'default' has more than one authentication method: "
        "atlassian-forge:token and atlassian-forge:tokenFile\nnext: keep one",
    ):
        installations({"tokenFile": "t.txt", "token": "t"}).resolve("default")
    monkeypatch.setenv("ATLASSIAN_FORGE_TOKEN", "new")
    found = installations({"tokenFile": "t.txt"}).resolve("default")
    assert (found.token is not None, found.token_file) == (True, None)
    monkeypatch.delenv("ATLASSIAN_FORGE_TOKEN")
    monkeypatch.setenv("ATLASSIAN_FORGE_TOKEN_FILE", "other.txt")
    found = installations({"token": "t"}).resolve("default")
    assert (found.token, found.token_file) == (None, "other.txt")


@pytest.mark.parametrize(
    "auth_method",
    [
        {"relayUrl": "https://relay.example/x", "relayKey": "k" * 32},
        {"containerProxy": "installationId=1"},
        {"token": "t"},
        {"tokenFile": "token.txt"},
        {"tokenCommand": "fetch-token"},
    ],
)
def test_an_emulator_in_the_environment_replaces_any_authentication_method(
    monkeypatch: pytest.MonkeyPatch, auth_method: dict[str, str]
) -> None:
    """As a preview of a pull request has it, so that nothing leaves."""
    monkeypatch.setenv("ATLASSIAN_FORGE_BASE_URL", "emulator://preview.db")
    settings = installations(auth_method).resolve("default")
    assert (settings.auth_method, settings.on_emulator) == (None, True)


def test_a_token_from_the_same_source_as_the_emulator_address_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installations({"baseUrl": "emulator://x.db", "token": "t"}).resolve("default").auth_method == "token"
    monkeypatch.setenv("ATLASSIAN_FORGE_BASE_URL", "emulator://preview.db")
    monkeypatch.setenv("ATLASSIAN_FORGE_TOKEN_FILE", "token.txt")
    settings = installations({"token": "t"}).resolve("default")
    assert (settings.auth_method, settings.token) == ("tokenFile", None)


def test_a_misspelt_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLASSIAN_FORGE_TOKN", "planted-token")
    monkeypatch.setenv("ATLASSIAN_FORGE_OTHER_SITE_TOKEN", "planted-token")
    assert installations({}).misspelt() == {"ATLASSIAN_FORGE_TOKN": "ATLASSIAN_FORGE_TOKEN"}
    with pytest.raises(ForgeError, match="ATLASSIAN_FORGE_TOKN is not used\nnext: did you mean ATLASSIAN_FORGE_TOKEN"):
        installations({}).resolve("default")


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_setting_of_an_old_name_is_an_error_that_names_the_new_one(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    with pytest.raises(ForgeError, match=f"atlassian-forge:{old} is now called atlassian-forge:{new}\n"):
        installations({old: "x"})
    with pytest.raises(ForgeError, match=f"'{old}' is not a setting; it is called {new} now"):
        installations(acme={old: "x"})
    monkeypatch.setenv(variable("acme", old), "x")
    with pytest.raises(ForgeError, match=f"{variable('acme', old)} is now called {variable('acme', new)}\n"):
        installations(acme={"baseUrl": HTTPS})


def test_the_error_for_an_old_name_contains_its_code() -> None:
    with pytest.raises(ForgeError, match=r"next: rename it, and run the command again \(AF101\)$"):
        installations({next(iter(RENAMED)): "x"})


ID = "0123abcd-4567-89ab-cdef-0123456789ab"


@pytest.mark.parametrize("value", [f"{ID}/{ID}/{ID}", f" {ID.upper()}/{ID}/{ID}\n"])
def test_the_expected_installation(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ATLASSIAN_FORGE_ACME_EXPECTED_INSTALLATION", value)
    monkeypatch.setenv("ATLASSIAN_FORGE_EXPECTED_INSTALLATION", f"{ID}/{ID}/{ID.replace('0', '1')}")
    config = {"atlassian-forge:installations": json.dumps({"acme": {"baseUrl": "emulator://a.db", "expectedInstallation": "x"}})}
    assert Installations(config.get).resolve("acme").expected_installation == f"{ID}/{ID}/{ID}"


@pytest.mark.parametrize(
    "value",
    [
        "acme",
        ID,
        f"{ID}/{ID}",
        f"{ID}/{ID}/{ID}/",
        f"/{ID}/{ID}/{ID}",
        f"{ID}/{ID}/{ID}/{ID}",
        f"ari:cloud:ecosystem::app/{ID}/{ID}/{ID}",
        f"{ID}/{ID}/{ID}?a=b",
        f"{ID}/{ID}/..",
        f"{ID}/{ID}/{ID[:-1]}é",
        f"{ID}/{ID}/{ID[:-1]}\u0661",
    ],
)
def test_an_expected_installation_that_is_none(value: str) -> None:
    config = {"atlassian-forge:baseUrl": "emulator://a.db", "atlassian-forge:expectedInstallation": value}
    with pytest.raises(ForgeError) as caught:
        Installations(config.get).resolve("default")
    assert "atlassian-forge:expectedInstallation (or ATLASSIAN_FORGE_EXPECTED_INSTALLATION): must be <appId>/" in str(
        caught.value
    )
    assert "(AF604)" in str(caught.value)


def test_an_empty_expected_installation_is_absent() -> None:
    config = {"atlassian-forge:baseUrl": "emulator://a.db", "atlassian-forge:expectedInstallation": " "}
    assert Installations(config.get).resolve("default").expected_installation is None
