"""Upgrade of a stack from v1 to v2 by one setting, and back; and the commands of the guide."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from testing.independent_server import Server
from testing.project import Project, base_environment
from tests.support.engines import BOTH_ENGINES, CLI
from tests.support.upgrade import in_state, on, upgrading

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "upgrade.md").read_text("utf-8")
N = 20


@BOTH_ENGINES
def test_twenty_modules_are_on_v2_by_the_setting_and_on_v1_again(
    project: Callable[..., Project], server: Server, engine: str
) -> None:
    stack = upgrading(project, server, N)
    before = {module["data"]["endpoint"]: module["data"]["events"] for module in server.modules("v1")}
    server.calls.clear()
    done = stack.preview()
    assert done.summary == {"to": N, "unchanged": 1}, done.text
    if engine == CLI:
        assert len(re.findall(r"^ \+- .* module-\d+ replace \[diff: -key~apiVersion\]$", done.stdout, re.MULTILINE)) == N
    assert not server.calls

    done = stack.up()
    assert done.summary == {"replaced": N, "unchanged": 1}, done.text
    assert server.counts() == {"GET": server.count("GET"), "POST": N, "PUT": 0, "DELETE": N}
    assert server.count("GET") <= 2, "the lists that are taken before the first register"
    methods = [call.method for call in server.calls if call.method != "GET"]
    assert methods == ["POST"] * N + ["DELETE"] * N, "each runs on v1 until all of them run on v2"
    assert server.modules("v1") == []
    assert {module["data"]["endpoint"]: module["data"]["events"] for module in server.modules("v2")} == before
    assert in_state(stack, "v2") == {module["key"] for module in server.modules("v2")}
    last = stack.run("stack", "output", "last").stdout.strip()
    assert server.stores["v2"][last]["data"]["endpoint"] == f"hook-{N - 1}"
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.refresh("--expect-no-changes").code == 0

    on(stack, "v1")
    done = stack.up()
    assert done.summary == {"replaced": N, "unchanged": 1}, done.text
    assert server.modules("v2") == []
    assert in_state(stack, "v1") == {f"module-{i}" for i in range(N)} == set(server.stores["v1"])
    assert stack.destroy().code == 0
    assert server.modules("v1") == []


def test_the_run_of_the_guide_is_a_real_one(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    (program,) = re.findall(r"```python\n(import .*?)```", GUIDE, re.DOTALL)
    (stack.root / "backend").mkdir()
    (stack.root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", "utf-8")
    (stack.root / "__main__.py").write_text(program, "utf-8")

    def output(command: str) -> Counter[str]:
        done = subprocess.run(
            command,
            shell=True,
            cwd=stack.root,
            env={**base_environment(stack.root), **server.environment()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return alike(done.stdout)

    output("pulumi stack init dev")
    output("pulumi up --yes --skip-preview")
    shown = "\n".join(re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL))
    commands = re.findall(r"^\$ (.+)\n((?:[^$\n].*\n)*)", shown, re.MULTILINE)
    assert len(commands) == 6
    for command, lines in commands:
        missing = alike(lines) - output(command)
        assert not missing, command
    assert (len(server.modules("v1")), len(server.modules("v2"))) == (0, 2)


def alike(text: str) -> Counter[str]:
    """The lines, without what is another in each run: the keys that the server makes, and how long it took."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<key>", text)
    return Counter(re.sub(r"\(\d+(\.\d+)?s\)", "(<seconds>)", line).rstrip() for line in text.splitlines() if line.strip())
