"""Driver of the real CLI on a throw-away Pulumi project with a file backend."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testing import installed_packages, stack, vault

_SECRET = '"ciphertext"'
HEADER = "import pulumi\nimport pulumi_atlassian_forge as forge\n\n"


@dataclass(frozen=True)
class Outcome:
    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout + self.stderr

    @property
    def diagnostics(self) -> str:
        """The last block of messages; the lines before it show everything once more."""
        return self.stdout.partition("Diagnostics:")[2]

    @property
    def summary(self) -> dict[str, int]:
        """The numbers of the last "Resources:" block, without the stack's own line."""
        block = self.stdout.rpartition("Resources:")[2]
        return {name: int(count) for count, name in re.findall(r"^\s+[-+~]*\s*(\d+) ([a-z]+)", block, re.MULTILINE)}


@dataclass
class Project:
    """One stack ``test``. The environment is the test's own, so that no setting of this machine leaks in.

    Attributes:
        output: What the commands printed, except a command that is asked to show secrets.
        keys: Who keeps the key of its stack.
        is_planted: Whether the test itself put the server's token where it can be found.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    made: bool = False
    output: list[str] = field(default_factory=list)
    keys: str = vault.PROVIDER
    is_planted: bool = False

    @property
    def file(self) -> Path:
        """Where the backend has the state."""
        return self.root / "backend" / ".pulumi" / "stacks" / "project" / f"{stack.STACK}.json"

    def program(self, text: str) -> None:
        (self.root / "__main__.py").write_text(HEADER + textwrap.dedent(text), encoding="utf-8")

    def run(self, *args: str, **environment: str) -> Outcome:
        self.make()
        return self._pulumi(*args, **environment)

    def up(self, *args: str, **environment: str) -> Outcome:
        return self.run("up", "--yes", "--skip-preview", *args, **environment)

    def preview(self, *args: str, **environment: str) -> Outcome:
        return self.run("preview", *args, **environment)

    def refresh(self, *args: str, **environment: str) -> Outcome:
        return self.run("refresh", "--yes", "--skip-preview", *args, **environment)

    def destroy(self, *args: str, **environment: str) -> Outcome:
        return self.run("destroy", "--yes", "--skip-preview", *args, **environment)

    def state(self) -> list[dict[str, Any]]:
        """The resources in state, secrets shown, without the stack and its providers."""
        text = self.file.read_text("utf-8") if self.file.exists() else _SECRET
        # Only an export decrypts secrets.
        latest = json.loads(self.export())["deployment"] if _SECRET in text else json.loads(text)["checkpoint"]["latest"]
        resources = (latest or {}).get("resources", [])
        return [resource for resource in resources if resource["type"].startswith("pulumi-python:")]

    def export(self) -> str:
        return self.run("stack", "export", "--show-secrets").stdout

    def make(self) -> None:
        """Make its stack, which its first command would make, too."""
        if self.made:
            return
        self.made = True
        stack.make(self.root, base_environment, self.keys)
        stack.configure(self.root, self.config)

    def _pulumi(self, *args: str, **environment: str) -> Outcome:
        command = [
            "pulumi",
            "--non-interactive",
            "--color=never",
            *args,
            "--stack",
            stack.STACK,
        ]
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.own_environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if "--show-secrets" not in args:
            self.output += [done.stdout, done.stderr]
        return Outcome(done.returncode, done.stdout, done.stderr)

    def own_environment(self, **environment: str) -> dict[str, str]:
        """The environment of its commands."""
        # The engine collects garbage less often: a twelfth of the time of a command, and no test is about the engine's memory.
        own = {**base_environment(self.root), "GOGC": "400", **self.environment, **environment}
        return own if "PATH" in self.environment | environment else installed_packages.known(own, programs_python())

    def everything(self) -> str:
        """All that is in its folder (state, history, logs, dumps, what runs in the background printed) and on its terminals."""
        files = [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]
        return "\n".join([*self.output, *(path.read_text("utf-8", errors="replace") for path in files)])


def base_environment(root: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        # No coverage of these processes: it takes a quarter of their time, and the tests without the CLI cover the same.
        **kept,
        **vault.environment(),
        "PATH": os.pathsep.join([str(Path(programs_python()).parent), os.environ["PATH"]]),
        # Without side files: they are not written atomically, and after a kill -9 an empty one hides the stack.
        "PULUMI_BACKEND_URL": f"file://{root / 'backend'}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_HOME": str(root / "pulumi-home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def programs_python() -> str:
    """The interpreter of programs and plugins: `make soak` has them run with an older SDK, too."""
    return os.environ.get("FORGE_PYTHON", sys.executable)


def restore_sigint() -> None:
    """Undo what a shell does to its background jobs: they ignore SIGINT, and so would every engine and plugin below.

    The engine ends its plugins by that signal, and would wait five seconds for them in each command.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def require_engine() -> None:
    """The engine is part of what is tested: if it is missing, a test fails and is never skipped."""
    assert shutil.which("pulumi"), "the Pulumi CLI is not on PATH: run the tests with `make test`, which installs it"
