"""Every example runs. The one that needs another provider's plugin runs with Pulumi's mocks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from testing.project import Project
from tests.support.database import registered_in

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def test_every_example_has_a_test() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == {
        "web-trigger-relay",  # tests/test_web_trigger_relay.py
        "ci",  # tests/test_ci_examples.py
        "fleet",  # tests/e2e/test_new_user.py, and tests/e2e/test_fleet.py with servers instead of the emulator
        "next-to-cloud-resources",
        "policy-pack",  # tests/test_policy_pack.py
        "quickstart",
        "remote-broker",  # tests/remote_broker
    }


def test_the_quickstart_registers_four_modules_on_the_emulator_and_deletes_them(project: Callable[..., Project]) -> None:
    stack = project()
    (stack.root / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), encoding="utf-8")
    (stack.root / "examples" / "quickstart").mkdir(parents=True)
    program = (EXAMPLES / "quickstart" / "__main__.py").read_text("utf-8")
    (stack.root / "examples" / "quickstart" / "__main__.py").write_text(program, encoding="utf-8")
    stack.config.clear()

    outcome = stack.up()
    assert outcome.code == 0, outcome.text
    assert "warning" not in outcome.text
    # A relative path counts from the directory of Pulumi.yaml, not from that of `main:`, where the plugin runs.
    database = stack.root / ".local" / "forge.db"
    assert registered_in(database) == ["issue-changed", "notify-on-bug", "page-published", "risk-panel"]
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.refresh().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.destroy().code == 0
    assert registered_in(database) == []


MOCKED = """
import json, runpy, sys
import pulumi

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        if args.typ.startswith("pulumi-python:"):
            print(json.dumps({"type": args.typ, "inputs": {k: v for k, v in args.inputs.items() if k != "__provider"}}))
        foreign = {"name": "it's \\"secure\\""} if args.typ.endswith(":IssueLabel") else {}
        return [f"{args.name}-id", {**args.inputs, **foreign}]

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Mocks(), preview=False)

@pulumi.runtime.test
def run():
    runpy.run_path(sys.argv[1], run_name="__main__")

run()
"""


@pytest.mark.timeout(600)
def test_a_trigger_gets_its_filter_from_another_provider_s_output(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = str(venv / "bin" / "python")
    requirements = (EXAMPLES / "next-to-cloud-resources" / "requirements.txt").read_text("utf-8").split()
    others = [line for line in requirements if line != "pulumi-atlassian-forge"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(ROOT), *others], check=True)
    (tmp_path / "mocked.py").write_text(MOCKED, encoding="utf-8")
    program = str(EXAMPLES / "next-to-cloud-resources" / "__main__.py")
    completed = subprocess.run([python, str(tmp_path / "mocked.py"), program], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    (registered,) = [json.loads(line) for line in completed.stdout.splitlines()]
    assert registered["type"] == "pulumi-python:dynamic/atlassian-forge:TriggerModule"
    assert registered["inputs"]["filter"] == {
        "expression": r"""event.issue.fields.labels.includes("it's \"secure\"")""",
        "ignoreSelf": True,
    }
