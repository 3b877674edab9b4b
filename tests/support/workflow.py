"""Runs steps of the GitHub workflow of the CI examples in a shell, as GitHub's runner does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from testing.project import Outcome

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
SHELLS = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
"""How GitHub's runner starts the shell of a step, by its ``shell:`` (GitHub's reference of the workflow syntax)."""


def load(name: str) -> Any:
    """Parse a file of the examples. In YAML 1.1 the key `on` is the boolean `true`."""
    return yaml.safe_load((CI / name).read_text("utf-8"))


class FakeRunner:
    """A fake of GitHub's runner: checkout, environment variables and files for the steps of a job.

    Attributes:
        folder: The checkout, with the examples' files in ``ci/``.
        environment: The environment variables of all steps.
        summary: The job summary that the steps wrote.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.workflow = load("github-actions.yml")
        self.folder = folder
        self._temp = folder / "runner-temp"
        self._temp.mkdir()
        shutil.copytree(CI, folder / "ci")
        self._files = {name: self._temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in self._files.values():
            file.touch()
        self.environment = {
            **environment,
            **{name: str(value) for name, value in self.workflow["env"].items()},
            **{name: str(file) for name, file in self._files.items()},
            "RUNNER_TEMP": str(self._temp),
            "GITHUB_REPOSITORY": "team/modules",
        }

    @property
    def summary(self) -> str:
        return self._files["GITHUB_STEP_SUMMARY"].read_text("utf-8")

    def outputs(self) -> dict[str, str]:
        text = self._files["GITHUB_OUTPUT"].read_text("utf-8")
        return {name: value for name, _, value in re.findall(r"^(\w+)<<(\S+)\n(.*?)\n\2$", text, re.MULTILINE | re.DOTALL)}

    def step(self, job: str, identifier: str, expressions: Mapping[str, str], path: Path | None = None) -> Outcome:
        """Run the script of a step; ``expressions`` are the values of ``${{ … }}``."""
        (step,) = [step for step in self.workflow["jobs"][job]["steps"] if identifier in (step.get("id"), step.get("name"))]
        values = {name: self._expand(str(value), expressions) for name, value in step.get("env", {}).items()}
        environment = {**self.environment, **values}
        if path is not None:
            environment["PATH"] = os.pathsep.join([str(path), environment["PATH"]])
        assert "${{" not in step["run"], "an expression in a script allows script injection"
        shell = step.get("shell", self.workflow.get("defaults", {}).get("run", {}).get("shell"))
        completed = subprocess.run(
            [*SHELLS[shell], "-c", step["run"]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Outcome(completed.returncode, completed.stdout, completed.stderr)

    def _expand(self, text: str, expressions: Mapping[str, str]) -> str:
        known = {"runner.temp": str(self._temp), **expressions}
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: known[found[1]], text)
