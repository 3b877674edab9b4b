"""Driver of the fleet example in a folder of its own, with a server and a token for each installation."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import yaml

from testing import installed_packages
from testing.independent_server import Call, Server, serve
from testing.project import HEADER, Outcome, base_environment, programs_python, require_engine
from testing.soak import runs

EXAMPLE = Path(__file__).parents[1] / "examples" / "fleet"


class Reachable(Protocol):
    """What a fleet has to know of an installation."""

    @property
    def base_url(self) -> str: ...

    @property
    def token(self) -> str: ...


class FleetFolder:
    """A copy of the example with a program and installations of its own.

    Attributes:
        environment: What its command runs in: a token for each installation, and a backend in the folder unless another is given.
    """

    def __init__(
        self,
        root: Path,
        program: str,
        installations: Mapping[str, Reachable],
        settings: Mapping[str, str],
        backend: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.root = root
        shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("__pycache__", "Pulumi.*.yaml", ".fleet", "*.db"))
        (root / "backend").mkdir()
        (root / "program" / "__main__.py").write_text(program, "utf-8")
        self.describe({name: {"baseUrl": reached.base_url, **settings} for name, reached in installations.items()})
        tokens = {f"ATLASSIAN_FORGE_{name.upper()}_TOKEN": reached.token for name, reached in installations.items()}
        # An inherited token of `default` must reach none of them.
        self.environment = {**base_environment(root), **tokens, "ATLASSIAN_FORGE_TOKEN": "nobody-s", **backend}

    def describe(self, installations: Mapping[str, Any]) -> None:
        (self.root / "forge-installations.yaml").write_text(yaml.safe_dump({"installations": dict(installations)}), "utf-8")

    def command(self, *args: str) -> list[str]:
        return [programs_python(), str(self.root), *args]


class FleetProject(FleetFolder):
    """A fleet that a test drives.

    Attributes:
        servers: What each installation is served by. Each takes only its own token.
    """

    def __init__(self, root: Path, servers: Mapping[str, Server], modules: int) -> None:
        require_engine()
        super().__init__(root, HEADER + program(modules), servers, {})
        self.environment["PULUMI_PYTHON_CMD"] = installed_packages.python(programs_python())
        self.servers = servers

    def start(self, *args: str, environment: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen[str]:
        """Start the command in a session of its own, by which all of its processes can be found."""
        return subprocess.Popen(
            self.command(*args),
            cwd=self.root.parent,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *args: str, environment: Mapping[str, str] = MappingProxyType({})) -> Outcome:
        return ended(self.start(*args, environment=environment))

    def run_json(
        self, *args: str, code: int = 0, environment: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, dict[str, Any]]:
        """What ``--json`` says of each installation, by name."""
        done = self.run(*args, "--json", environment=environment)
        assert done.code == code, done.text
        printed = json.loads(done.stdout)
        assert printed["version"] == 1
        return {found["installation"]: found for found in printed["installations"]}

    def pending(self, name: str, environment: Mapping[str, str] = MappingProxyType({})) -> list[Any]:
        """The operations of which the stack's state does not know whether they were done."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", "stack", "export", "--stack", name],
            cwd=self.root,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout)["deployment"].get("pending_operations") or []

    def counts(self) -> dict[str, int]:
        return {name: len(server.modules()) for name, server in self.servers.items()}

    def everything(self) -> str:
        """All that was written down."""
        return "\n".join(path.read_text("utf-8", errors="replace") for path in self.root.rglob("*") if path.is_file())


def program(modules: int) -> str:
    return f"""
for i in range({modules}):
    forge.TriggerModule(f"m{{i}}", events=["avi:jira:updated:issue"], endpoint=f"h{{i}}")
"""


def ended(process: subprocess.Popen[str], within: float = runs(240, 1800)) -> Outcome:
    try:
        stdout, stderr = process.communicate(timeout=within)
    finally:
        kill_all(process)
    assert "Traceback" not in stderr, stderr
    return Outcome(process.returncode, stdout, stderr)


@contextmanager
def fleet(root: Path, names: list[str], modules: int) -> Iterator[FleetProject]:
    """A project with a server for each name; afterwards no token may be found in its folder."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serve(token=f"planted-token-of-{name}")) for name in names}
        made = FleetProject(root, servers, modules)
        yield made
        assert "planted-token-of" not in made.everything()


class Hold:
    """Lets the first registers of a server pass; the responses of the others are kept back, though they are carried out."""

    def __init__(self, server: Server, passing: int) -> None:
        self.is_reached, self._release = threading.Event(), threading.Event()
        self._passing, self._seen, self._server = passing, 0, server
        server.distort = self._distort

    def _distort(self, call: Call, status: int, body: bytes) -> None:
        if call.method != "POST":
            return
        with self._server.lock:
            self._seen += 1
            held = self._seen > self._passing
        if held:
            self.is_reached.set()
            self._release.wait(120)

    def release(self) -> None:
        self._release.set()


def session_of(process: subprocess.Popen[str]) -> list[int]:
    """All processes of a command: a session survives the process groups that the engine makes."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            after_name = (entry / "stat").read_text("utf-8").rpartition(")")[2].split()
            if int(after_name[3]) == process.pid and after_name[0] != "Z":
                found.append(int(entry.name))
    return found


def kill_all(process: subprocess.Popen[str], within: float = 10) -> None:
    """SIGKILL to the whole tree, until nothing of it is left."""
    end = time.monotonic() + within
    while left := session_of(process):
        assert time.monotonic() < end, f"processes live on: {left}"
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    if process.returncode is None:
        process.communicate()
