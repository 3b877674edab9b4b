"""Settings of `examples/fleet`: how the settings of an installation are passed to its stack."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from fleet.installations import FleetError, read_installations, select_names, stack_environment, write_stack_config


def test_a_stack_gets_its_own_variables_as_those_of_default_and_no_others() -> None:
    inherited = {
        "PATH": "/bin",
        "ATLASSIAN_FORGE_TOKEN": "default",
        "ATLASSIAN_FORGE_BASE_URL": "https://default.example",
        "ATLASSIAN_FORGE_ACME_TOKEN": "acme",
        "ATLASSIAN_FORGE_ACME_EU_TOKEN": "acme-eu",
        "ATLASSIAN_FORGE_GLOBEX_TOKEN_FILE": "globex",
    }
    blank = dict.fromkeys([name for name in inherited if name != "PATH"], "")
    assert stack_environment("acme-eu", inherited) == {**blank, "ATLASSIAN_FORGE_TOKEN": "acme-eu"}
    assert stack_environment("globex", inherited) == {**blank, "ATLASSIAN_FORGE_TOKEN_FILE": "globex"}
    acme = stack_environment("acme", inherited)
    assert acme["ATLASSIAN_FORGE_TOKEN"] == "acme"
    assert "acme-eu" not in (acme[name] for name in inherited if name != "PATH")
    assert stack_environment("initech", inherited) == blank


def test_the_file_of_installations_manages_only_the_provider_s_keys(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.acme.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "encryptionsalt": "v1:salt",
                "config": {
                    "atlassian-forge:apiVersion": "v2",
                    "atlassian-forge:token": {"secure": "v1:x"},
                    "fleet:colour": "red",
                },
            }
        ),
        "utf-8",
    )
    write_stack_config(tmp_path, "acme", {"baseUrl": "https://a.example", "adoptIdentical": False, "tokenCommand": ["get", "it"]})
    assert yaml.safe_load(path.read_text("utf-8")) == {
        "encryptionsalt": "v1:salt",
        "config": {
            "atlassian-forge:token": {"secure": "v1:x"},
            "fleet:colour": "red",
            "atlassian-forge:baseUrl": "https://a.example",
            "atlassian-forge:adoptIdentical": "false",
            "atlassian-forge:tokenCommand": ["get", "it"],
        },
    }
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_name_default_is_reserved(tmp_path: Path) -> None:
    file = tmp_path / "forge-installations.yaml"
    file.write_text("installations:\n  default:\n    baseUrl: https://a.example\n", "utf-8")
    with pytest.raises(FleetError, match="'default': this name is reserved"):
        read_installations(file)


def test_an_invalid_stack_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.acme.yaml").write_text("- a list", "utf-8")
    with pytest.raises(FleetError, match=r"Pulumi\.acme\.yaml cannot be used"):
        write_stack_config(tmp_path, "acme", {})


def test_names_are_selected_by_patterns() -> None:
    names = ["acme", "acme-eu", "globex"]
    assert select_names(names, []) == names
    assert select_names(names, ["*-eu", "globex"]) == ["acme-eu", "globex"]
    with pytest.raises(FleetError, match="--only globx matches no installation"):
        select_names(names, ["globx"])
