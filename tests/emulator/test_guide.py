"""docs/guide/emulator.md shows the tables as the program prints them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pulumi_atlassian_forge import testing
from pulumi_atlassian_forge.cli.app import load
from pulumi_atlassian_forge.emulator import api_assumptions, fault_actions
from pulumi_atlassian_forge.emulator.faults import FaultRule
from pulumi_atlassian_forge.emulator.options import EmulatorOptions

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "emulator.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("The contract", api_assumptions.as_markdown()),
        ("Options", EmulatorOptions.table("option")),
        ("Faults", FaultRule.table("key") + fault_actions.as_markdown()),
    ],
    ids=["contract", "options", "faults"],
)
def test_the_table_is_the_programs(heading: str, table: str) -> None:
    section = re.split(r"^## ", GUIDE.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    shown = "".join(re.findall(r"^\|.*\n", section, re.MULTILINE))
    assert shown == table, f"put this into the section {heading!r}:\n{table}"


def test_every_option_and_every_part_of_the_fixture_is_named() -> None:
    options = {name for parameter in load("emulator").params for name in parameter.opts if name != "--help"}
    assert {name for name in options if f"`{name}" not in GUIDE} == set()
    parts = {name for name in [*vars(testing.ForgeEmulator), *testing.ForgeEmulator.__annotations__] if not name.startswith("_")}
    assert {name for name in parts if f"`.{name}" not in GUIDE} == set()


def test_every_fault_of_the_guide_can_be_used() -> None:
    shown = re.findall(r"(?:--fault '|[?&]fault=|fault\(\")([^'\"&`]+)", GUIDE)
    assert len(shown) >= 6
    for rule in shown:
        testing.FaultRule.parse(rule)
