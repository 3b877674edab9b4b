"""Plugins that the engine asks for, and all operations with the minimum and the newest SDK."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from testing import installed_packages
from testing.independent_server import Module, Server
from testing.installations import BOTH, on_both
from testing.project import Project, base_environment, require_engine
from tests.support.engines import minimum_sdk_python


@contextmanager
def language_host(root: Path) -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    require_engine()
    environment = base_environment(root)
    host = shutil.which("pulumi-language-python", path=environment["PATH"])
    if host is None:  # beside the real executable, when `pulumi` on PATH is a link
        pulumi = shutil.which("pulumi")
        assert pulumi
        host = str(Path(pulumi).resolve().parent / "pulumi-language-python")
    process = subprocess.Popen(
        [host, "127.0.0.1:1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=root
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield language_pb2_grpc.LanguageRuntimeStub(channel)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _asked(call: Callable[..., Any], request: object, field: str) -> list[list[object]]:
    try:
        return [list(getattr(call(request, timeout=60), field))]
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return []
        raise


@pytest.mark.cli
@pytest.mark.smoke
def test_the_engine_asks_for_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("import pulumi_atlassian_forge\n", encoding="utf-8")
    info = language_pb2.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path), entry_point=".")
    plugins = language_pb2.GetRequiredPluginsRequest(pwd=str(tmp_path), program=".", info=info)
    packages = language_pb2.GetRequiredPackagesRequest(info=info)
    with language_host(tmp_path) as host:
        # Each host knows one of the two.
        responses = [
            *_asked(host.GetRequiredPlugins, plugins, "plugins"),
            *_asked(host.GetRequiredPackages, packages, "packages"),
        ]
    assert responses
    assert not any(responses)


def minimum_sdk() -> dict[str, str]:
    """The variables of a command with the minimum SDK."""
    return {"PATH": os.pathsep.join([str(Path(minimum_sdk_python()).parent), os.environ["PATH"]])}


def minimum_sdk_known() -> dict[str, str]:
    """The same, and what is installed beside it is known."""
    return installed_packages.known(minimum_sdk(), minimum_sdk_python())


def everywhere(server: Server) -> list[Module]:
    return [module for version in BOTH.values() for module in server.modules(version)]


def test_every_operation_with_the_minimum_sdk(project: Callable[..., Project], server: Server) -> None:
    stack = on_both(project, server.environment())
    stack.environment |= minimum_sdk_known()
    program = """
class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("my:Team", name)
        forge.TriggerModule(f"hook-{{name}}", installation=name, events=["avi:jira:updated:issue"], endpoint="{endpoint}",
            filter=forge.TriggerFilter(expression="x", on_error="RECEIVE"), opts=pulumi.ResourceOptions(parent=self))

for name in ("default", "other-v2"):
    Team(name)
    panel = forge.DynamicModule(
        f"panel-{{name}}", installation=name, type="jira:issueAction", data={{"title": "Risk", "resource": "main"}}
    )
    pulumi.export(f"panel-{{name}}", [panel.key, panel.api_version, panel.data])
"""
    stack.program(program.format(endpoint="hook"))
    # These two have the engine ask the real `pip`; what it makes of the response is the same in each command.
    assert stack.preview(**minimum_sdk()).code == 0
    done = stack.up(**minimum_sdk())
    assert done.code == 0, done.text
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.refresh("--expect-no-changes").code == 0

    assert [len(server.modules(version)) for version in BOTH.values()] == [2, 2]
    for module in everywhere(server):
        module["data"]["endpoint" if module["type"] == "trigger" else "icon"] = "outside-pulumi"
    assert stack.refresh().summary["updated"] == 4
    stack.program(program.format(endpoint="other"))
    done = stack.up()
    assert done.code == 0, done.text
    assert server.count("PUT") == 4
    assert not any("outside-pulumi" in module["data"].values() for module in everywhere(server))

    stack.program(program.format(endpoint="not a key"))
    seen = stack.preview()
    assert seen.code == 0
    assert "endpoint= must be 1 to 255 of a-z A-Z 0-9 - . _ (AF404)" in seen.text
    stack.program(program.format(endpoint='", function="both'))
    seen = stack.preview()
    assert seen.code != 0
    assert "exactly one of function= and endpoint= is needed, and there are both: remove one" in seen.text
    assert stack.destroy().code == 0
    assert everywhere(server) == []


def test_a_stack_may_change_between_the_minimum_and_the_newest_sdk(project: Callable[..., Project], server: Server) -> None:
    old = minimum_sdk_known()
    stack = project(server)
    stack.program('forge.TriggerModule("one", events=["avi:jira:updated:issue"], endpoint="hook")\n')
    assert stack.up(**old).code == 0
    assert stack.up("--expect-no-changes").code == 0
    assert stack.refresh().code == 0
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.refresh(**old).code == 0
    assert stack.preview("--expect-no-changes", **old).code == 0
    assert stack.destroy(**old).code == 0
    assert server.modules() == []
    assert server.count("POST") == 1
    assert server.count("PUT") == 0
