"""What a command advises is no text of a server, whose `next:` is shown in quotes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.cli import drift, import_
from pulumi_atlassian_forge.cli.stack_state import RecordedModule
from pulumi_atlassian_forge.model.content import Content
from pulumi_atlassian_forge.model.module_id import ModuleId

MODULE = RecordedModule(ModuleId("default", "v1", "a"), "urn:pulumi:dev::p::t:T::a", {}, frozenset(), True, False)


def test_drift_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    drift._print([drift._Drift(MODULE, "deleted", Content("acme:x", {}), None)], 1)
    assert "\nnext: pulumi refresh, then" in capsys.readouterr().out


def test_import_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    target: Any = "installation"
    import_._print_found(target, [], Path("import.json"), Path("modules.py"), None, ran=True)
    assert "\nnext: import modules in the program" in capsys.readouterr().out
