"""Driver of the new-user tests: a fresh checkout, an environment, a Pulumi project, and a shell for the commands of pages."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import pages
from tests.support.pages import ROOT, Command
from tests.support.relay import node

_MADE_BY_TESTS = (".coverage*", ".hypothesis", "__pycache__", ".*_cache")  # these come and go while a folder is copied
_NOT_IN_A_CLONE = (*_MADE_BY_TESTS, ".git", ".venv*", ".local", ".fleet", "node_modules", "build", "dist", "*.db*")
_OF_AUTH_METHODS = ("ATLASSIAN_FORGE", "PULUMI", "FORGE_", "TEST_SERVER_", "RELAY_", "ACTIONS_")
_OF_THIS_RUN = ("COVERAGE", "MAKE", "PYTEST", "PYTHON", "VIRTUAL_ENV")
_STATE = 'code=$?; { pwd; env -0; } > "$0"; exit $code'

TYPED = {
    "<checkout>": "{checkout}",
    "http://127.0.0.1:…": "{api}",
    "BASE_URL=https://…": "BASE_URL={api}",
    "baseUrl' https://…": "baseUrl' {api}",
    "baseUrl' https://api.atlassian.com": "baseUrl' {api}",
    "TOKEN=…": "TOKEN={token}",
    "https://….hello.atlassian-dev.net/x1/…": "{relay}",
    "RELAY_KEY=…": "RELAY_KEY={key}",
    "installationId=…": "installationId={installation}",
    "PASSPHRASE=…": "PASSPHRASE=test",
}
"""What a new user types for what a page leaves open; the names in braces come from the output of the fakes."""

SAYS = {
    "forge-modules emulator": r"BASE_URL=(?P<api>\S+)\nexport \S+_TOKEN=(?P<token>\S+)\n",
    "serve.js": r"(?P<relay>http://\S+)\n",
    "make -C examples/remote-broker test-server": r"the broker has a token",
}
"""Commands that run in a terminal of their own, and what they say when they are ready."""


@dataclass
class PreparedMachine:
    """What all walks begin with, created once: an environment, and what was installed into it.

    Attributes:
        installed: What each command with ``pip`` took, in seconds.
    """

    root: Path
    seconds: float = 0.0
    installed: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "venv", str(self.root / "venv")], check=True)
        self.seconds = time.monotonic() - began

    def environment(self, home: Path) -> dict[str, str]:
        """A shell in which the environment is active. Nothing of the one that the tests run in is on its PATH.

        It differs from a new user's in two things: `pulumi up` does not ask for a confirmation, and the broker takes a free port.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_AUTH_METHODS + _OF_THIS_RUN)}
        own = Path(sys.executable).parent
        others = [part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != own]
        caches = {
            f"XDG_{name.upper()}_HOME": os.environ.get(f"XDG_{name.upper()}_HOME", str(Path.home() / f".{name}"))
            for name in ("cache", "config")  # pip's: what it has downloaded, and how it does that
        }
        return {
            **kept,
            **caches,
            "HOME": str(home),
            "PATH": os.pathsep.join([str(self.root / "venv" / "bin"), str(home / "bin"), *others]),
            "PULUMI_BACKEND_URL": f"file://{home / 'state'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_HOME": str(home / "pulumi-home"),
            "PULUMI_SKIP_CONFIRMATIONS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "FORGE_BROKER_PORT": "0",
        }


class NewUser:
    """One walk.

    Attributes:
        stops: Where it leads on, by page and heading.
        known: What the fakes printed, by the names in :data:`TYPED`.
        output: What each command printed, by its text in the page.
    """

    def __init__(self, machine: PreparedMachine, root: Path, stops: list[tuple[str, str]], **known: str) -> None:
        self._began, self._machine = time.monotonic(), machine
        self._waited = machine.seconds  # for what was done before, once for all walks
        self.checkout, self.project, self.programs = root / "checkout", root / "project", root / "bin"
        shutil.copytree(ROOT, self.checkout, ignore=shutil.ignore_patterns(*_NOT_IN_A_CLONE))
        for made in ("bin", "project", "state"):
            (root / made).mkdir()
        (root / "bin" / "node").symlink_to(node())
        (self.project / "Pulumi.yaml").write_text(pages.one("docs/guide/real-installation.md", "Your project", "yaml"), "utf-8")
        (self.project / "__main__.py").write_text(pages.one("README.md", "pulumi-atlassian-forge", "python"), "utf-8")
        self.environment = machine.environment(root)
        self.known = {"checkout": str(self.checkout), **known}
        self.stops, self.output = list(stops), dict[str, str]()
        self._beside: list[subprocess.Popen[bytes]] = []

    @property
    def seconds(self) -> float:
        """How long it took until now, from the clone on."""
        return time.monotonic() - self._began + self._waited

    def follow(self, commands: list[Command]) -> None:
        """Type commands of a page one after the other. Those of an example are for the root of the checkout."""
        folder = self.checkout if commands[0].page.startswith("examples/") else self.project
        for command in commands:
            if "terminal of its own" in command.comment:
                self._serve(command.text, folder)
            elif command.text.startswith("pip "):
                self._install(command.text, folder)
            else:
                folder = self.type(command.text, folder)

    def type(self, text: str, folder: Path) -> Path:
        """Run one command in a shell, and keep what it exports.

        Returns:
            Where the shell is afterwards.
        """
        state = self.checkout.parent / "shell"
        done = subprocess.run(
            ["sh", "-c", f"{self._filled(text)}\n{_STATE}", str(state)],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output[text] = done.stdout
        assert done.returncode == 0, f"{text}\n{done.stdout}"
        where, _, variables = state.read_text("utf-8").partition("\n")
        self.environment = dict(variable.split("=", 1) for variable in variables.split("\0") if variable)
        return Path(where)

    def leave(self) -> None:
        """End what runs in other terminals."""
        for process in self._beside:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)

    def _install(self, text: str, folder: Path) -> None:
        """Install once for all walks. The others wait as long as it took, on paper."""
        if text in self.output:
            return
        if text in self._machine.installed:
            self._waited += self._machine.installed[text]
            self.output[text] = ""
        else:
            began = time.monotonic()
            self.type(text, folder)
            self._machine.installed[text] = time.monotonic() - began

    def _serve(self, text: str, folder: Path) -> None:
        (ready,) = [pattern for fragment, pattern in SAYS.items() if fragment in text]
        log = self.checkout.parent / f"terminal-{len(self._beside)}"
        with log.open("wb") as output:
            command = ["sh", "-c", self._filled(text)]
            process = subprocess.Popen(
                command, cwd=folder, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )
        self._beside.append(process)
        while not (found := re.search(ready, log.read_text("utf-8"))):
            assert process.poll() is None, f"{text}\n{log.read_text('utf-8')}"
            time.sleep(0.05)
        self.known |= found.groupdict()

    def _filled(self, text: str) -> str:
        for left_open, typed in TYPED.items():
            if left_open in text:
                text = text.replace(left_open, typed.format_map(self.known))
        assert "…" not in text, f"TYPED does not say what to type: {text}"
        return text
