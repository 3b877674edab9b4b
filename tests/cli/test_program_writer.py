from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.cli.program_writer import declaration_of, program
from pulumi_atlassian_forge.model.content import Content
from tests.support.samples import SAMPLES, TRIGGERS

SAMPLED = [(type_, data) for type_, samples in SAMPLES.items() for data in samples]
MODULES = [*(("trigger", data) for data in TRIGGERS), *SAMPLED]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_program_has_the_form_of_ruff_s_formatter(version: str) -> None:
    target: Any = SimpleNamespace(version=version, name="acme")
    modules = [LiveModule(f"module-{number}", Content(type_, data)) for number, (type_, data) in enumerate(MODULES)]
    text = program([declaration_of(target, live) for live in modules])
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff is not None
    done = subprocess.run([ruff, "format", "--isolated", "-"], input=text, capture_output=True, text=True, check=True)
    assert text == done.stdout
