"""How the settings of an installation reach its stack in `examples/fleet`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from fleet.installations import FleetError, chosen, configure, environment, read


def test_a_stack_sees_its_own_variables_as_those_of_default_and_no_others() -> None:
    outer = {
        "PATH": "/bin",
        "ATLASSIAN_FORGE_TOKEN": "default",
        "ATLASSIAN_FORGE_BASE_URL": "https://default.example",
        "ATLASSIAN_FORGE_ACME_TOKEN": "acme",
        "ATLASSIAN_FORGE_ACME_EU_TOKEN": "acme-eu",
        "ATLASSIAN_FORGE_GLOBEX_TOKEN_FILE": "globex",
    }
    blank = dict.fromkeys([name for name in outer if name != "PATH"], "")
    assert environment("acme-eu", outer) == {**blank, "ATLASSIAN_FORGE_TOKEN": "acme-eu"}
    assert environment("globex", outer) == {**blank, "ATLASSIAN_FORGE_TOKEN_FILE": "globex"}
    acme = environment("acme", outer)
    assert acme["ATLASSIAN_FORGE_TOKEN"] == "acme"
    assert "acme-eu" not in (acme[name] for name in outer if name != "PATH")
    assert environment("initech", outer) == blank


def test_the_file_of_installations_decides_about_the_provider_s_keys_alone(tmp_path: Path) -> None:
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
    configure(tmp_path, "acme", {"baseUrl": "https://a.example", "adoptIdentical": False, "tokenCommand": ["get", "it"]})
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


def test_an_installation_is_not_called_as_each_stack_calls_its_own(tmp_path: Path) -> None:
    file = tmp_path / "forge-installations.yaml"
    file.write_text("installations:\n  default:\n    baseUrl: https://a.example\n", "utf-8")
    with pytest.raises(FleetError, match="'default': is what each stack calls its own installation"):
        read(file)


def test_a_stack_s_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.acme.yaml").write_text("- a list", "utf-8")
    with pytest.raises(FleetError, match=r"Pulumi\.acme\.yaml cannot be used"):
        configure(tmp_path, "acme", {})


def test_names_are_chosen_by_patterns() -> None:
    names = ["acme", "acme-eu", "globex"]
    assert chosen(names, []) == names
    assert chosen(names, ["*-eu", "globex"]) == ["acme-eu", "globex"]
    with pytest.raises(FleetError, match="--only globx matches no installation"):
        chosen(names, ["globx"])
