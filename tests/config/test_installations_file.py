"""``forge-installations.yaml``: its settings, and all validation errors at once."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from pulumi_atlassian_forge.config.installations import Installations
from pulumi_atlassian_forge.config.installations_file import installations_in
from pulumi_atlassian_forge.config.settings import FILE
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.session.session import Connections

ROOT = Path(__file__).parents[2]
GOOD = """
# yaml-language-server: $schema=docs/reference/forge-installations.schema.json
installations:
  acme:
    tokenFile: /run/secrets/acme
    apiVersion: v2
    requestTimeout: 12.5
    adoptIdentical: false
  beta:
    tokenCommand: [fetch-token, --site, beta]
    baseUrl: https://api.example
  gamma:
"""


def written(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text)
    return folder


def test_the_settings_of_each_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLASSIAN_FORGE_GAMMA_TOKEN", "planted-gamma")
    installations = Installations(dict[str, str]().get, installations_in(written(tmp_path, GOOD)))
    assert installations.names == ["acme", "beta", "gamma"]
    acme, beta = installations.resolve("acme"), installations.resolve("beta")
    assert (acme.token_file, acme.api_version, acme.request_timeout, acme.adopt_identical) == (
        "/run/secrets/acme",
        "v2",
        12.5,
        False,
    )
    assert (beta.token_command, beta.base_url) == (("fetch-token", "--site", "beta"), "https://api.example")
    assert installations.resolve("gamma").auth_method == "token"


def test_without_the_file_there_is_none(tmp_path: Path) -> None:
    assert installations_in(tmp_path) == {}


def test_an_installation_that_the_configuration_has_too_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ForgeError, match="'acme' is described in atlassian-forge:installations and in forge-inst"):
        Installations({"atlassian-forge:installations": '{"acme": {}}'}.get, installations_in(written(tmp_path, GOOD)))


def test_all_validation_errors_are_named_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """installations:
  default: {baseUrl: https://api.example}
  Acme:
    token: planted-secret
    baseURL: https://api.example
    apiVersion: v3
    connectTimeout: 0
other: 1
"""
    with pytest.raises(ForgeError) as caught:
        installations_in(written(tmp_path, text))
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    assert lines[0].startswith(f"{FILE}:2: 'default' is described by the configuration")
    assert lines[1].startswith(f"{FILE}:3: 'Acme': a name has 1 to 40")
    assert lines[2] == f"{FILE}:4: token of 'Acme' is a secret: set it with tokenFile or in the environment"
    assert lines[3] == f"{FILE}:5: 'baseURL' is not a setting; did you mean baseUrl?"
    assert lines[4] == "and 3 more"
    assert lines[5] == f"next: correct {tmp_path / FILE}"
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("- acme", ":1 is not a mapping: its one name is installations:"),
        ("installations:\n  acme: [a", "is not YAML"),
        ("installations:\n  acme: {}\n  acme: {}", "has the name 'acme' twice"),
        ("installations: acme", ":1: installations is not a map of name to settings"),
        ("installations:\n  acme: https://api.example", ":2: 'acme' is not a map of settings"),
        ("installations:\n  acme:\n    tokenCommand: fetch --all", ":3: tokenCommand of 'acme': is a command line"),
        ("installations:\n  acme:\n    apiVersion: [v1]", ":3: apiVersion of 'acme': input should be 'v1' or 'v2'"),
        ("installations:\n  acme:\n    relayUrl: http://example.com/x", ":3: relayUrl of 'acme': must be https"),
        ("installations:\n  acme:\n    expectedInstallation: acme", ":3: expectedInstallation of 'acme': must be <appId>/<env"),
        ("installations:\n  acme:\n    containerProxy: everything", ":3: containerProxy of 'acme': must be installationId="),
    ],
)
def test_a_validation_error_has_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ForgeError) as caught:
        installations_in(written(tmp_path, text))
    assert words in str(caught.value)
    assert "next: correct" in str(caught.value)


BOMB = "".join(f"    - &a{n} [{', '.join([f'*a{n - 1}'] * 2 or ['x'])}]\n" for n in range(1, 48))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"installations:\n  acme:\n    tokenCommand:\n    - &a0 [x, x]\n{BOMB}", 5),
        ("installations:\n  acme:\n    tokenCommand: &a [x, *a]", 3),
        ("installations:\n  acme: &a\n    x: *a", 3),
        ("installations:\n  acme: &a {apiVersion: v2}\n  beta:\n    <<: *a", 4),
        ("installations: &a {acme: {}}\n? *a\n: 1", 2),
    ],
    ids=["exponential", "recursive list", "recursive map", "merge", "name"],
)
def test_an_alias_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    began = time.monotonic()
    with pytest.raises(ForgeError) as caught:
        installations_in(written(tmp_path, text))
    reason = "uses an alias, which this file must not: write the value again"
    assert str(caught.value) == f"{FILE}:{line} {reason}\nnext: correct it ({tmp_path / FILE}) (AF153)"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "text",
    ["[" * 2000, "{a: " * 2000, "- " * 2000, "x" * 200_000, "'" + "\n" * 100_000],
    ids=["lists", "maps", "list items", "large", "lines"],
)
def test_a_deep_or_large_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ForgeError, match=r"^forge-installations\.yaml.* (is|has)"):
        installations_in(written(tmp_path, f"installations:\n  acme:\n    tokenCommand: {text}"))


def test_the_schema_for_editors_agrees() -> None:
    schema = json.loads((ROOT / "docs/reference/forge-installations.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert not list(validator.iter_errors(yaml.safe_load(GOOD)))
    for text in ("token: x", "baseURL: x", "apiVersion: v3", "connectTimeout: 0", "expectedInstallation: a/b/c"):
        assert list(validator.iter_errors(yaml.safe_load(f"installations: {{acme: {{{text}}}}}"))), text
    for name in ("default", "Acme"):
        assert list(validator.iter_errors({"installations": {name: {}}})), name


@pytest.mark.parametrize("name", ["forge-installations.yml", "forge-installations.json"])
def test_a_file_with_a_similar_name_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(GOOD)
    with pytest.raises(ForgeError) as caught:
        Connections(dict[str, str]().get, tmp_path)
    assert str(caught.value) == (
        f"{name} is not read: the file is called forge-installations.yaml\nnext: rename or remove {tmp_path / name}"
    )


def test_a_command_may_name_one_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLASSIAN_FORGE_DELTA_TOKEN", "planted-delta")
    connections = Connections(dict[str, str]().get, written(tmp_path, GOOD), called=["acme", "delta"])
    assert connections.names == ["acme", "beta", "gamma", "delta"]
    assert connections.version("acme") == "v2"


def test_an_error_names_the_file(tmp_path: Path) -> None:
    text = "installations:\n  acme: {tokenFile: a, tokenCommand: b}"
    with pytest.raises(ForgeError, match=r"tokenFile of 'acme' in forge-installations\.yaml and tokenCommand of 'acme' in"):
        Connections(dict[str, str]().get, written(tmp_path, text)).version("acme")
