"""`forge-modules` in a folder below one that another user can change: nothing in it is read or started."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_atlassian_forge.cli.trust import require_trusted_project
from pulumi_atlassian_forge.errors import ForgeError
from testing.command import run
from testing.doctor import Doctor, program
from testing.independent_server import Server

INSTALLATIONS = """
installations:
  prod:
    baseUrl: {url}
  mallory:
    baseUrl: {url}
    tokenCommand: [{root}/started]
"""


def writable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.chmod(path.stat().st_mode | 0o002)


def of_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(path, 54_321, -1)
    else:
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)


CHANGES = pytest.mark.parametrize("change", [writable, of_another_user])
Change = Callable[[Path, pytest.MonkeyPatch], None]


def plant(root: Path, server: Server) -> Path:
    (root / "Pulumi.yaml").write_text("name: p\nruntime: {name: python, options: {virtualenv: env}}\n", "utf-8")
    (root / "forge-installations.yaml").write_text(INSTALLATIONS.format(url=server.base_url, root=root), "utf-8")
    (root / "Pulumi.dev.yaml").write_text("config: {}\n", "utf-8")
    program(root / "started", f"touch {root}/mark; echo token-0123456789")
    program(root / "env" / "bin" / "python", f"touch {root}/mark; exit 1")
    program(root / "bin" / "pulumi", f'[ "$1" = version ] || touch {root}/mark; exec echo v3.259.0')
    (root / "deep").mkdir()
    return root / "deep"


@CHANGES
@pytest.mark.parametrize("what", [".", "Pulumi.yaml", "Pulumi.dev.yaml", "forge-installations.yaml"])
@pytest.mark.parametrize(
    "command",
    [
        "list --all",
        "doctor --all",
        "show a",
        "list --stack dev",
        "drift --stack dev",
        "orphans --stack dev",
        "import --stack dev",
    ],
)
def test_nothing_of_the_project_is_read_or_started(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change, what: str, command: str
) -> None:
    deep = plant(tmp_path, server)
    change(tmp_path / what, monkeypatch)
    tokens = {"ATLASSIAN_FORGE_PROD_TOKEN": server.token, "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    done = run(*command.split(), server=None, cwd=deep, **tokens)
    assert done.code == 1
    assert f"the project {tmp_path}/Pulumi.yaml is not read, because another user can change it" in done.text
    assert "ATLASSIAN_FORGE_TRUST_PROJECT=1" in done.text
    assert (server.calls, (tmp_path / "mark").exists()) == ([], False)


def test_it_can_be_trusted(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = plant(tmp_path, server)
    writable(tmp_path, monkeypatch)
    done = run(
        "list", "--installation", "prod", cwd=deep, ATLASSIAN_FORGE_PROD_TOKEN=server.token, ATLASSIAN_FORGE_TRUST_PROJECT="1"
    )
    assert done.code == 0, done.text
    assert len(server.calls) == 1


@CHANGES
def test_installations_without_a_project(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    deep = plant(tmp_path, server)
    (tmp_path / "Pulumi.yaml").unlink()
    change(tmp_path, monkeypatch)
    done = run("list", "--all", cwd=tmp_path, ATLASSIAN_FORGE_PROD_TOKEN=server.token)
    assert (done.code, "forge-installations.yaml is not read" in done.text, server.calls) == (1, True, [])
    assert run("list", server=server, cwd=deep).code == 0, "what is not used is not checked"


@CHANGES
@pytest.mark.parametrize("what", ["env", "env/bin", "env/bin/python"])
def test_an_interpreter_that_another_user_can_change_is_not_started(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, change: Change, what: str
) -> None:
    if change is of_another_user and os.geteuid() != 0:
        pytest.skip("only root can give a file away, and elsewhere the project would not be trusted either")
    plant(tmp_path, server)
    change(tmp_path / what, monkeypatch)
    done = Doctor(tmp_path)(PATH=f"{tmp_path}/bin:/usr/bin:/bin", ATLASSIAN_FORGE_BASE_URL="emulator://x.db")
    assert done.code == 1
    assert done.stdout.count("so it was not started (AF502)") == 2, done.stdout
    assert not (tmp_path / "mark").exists()


def test_an_environment_by_a_lock_file_above_the_project(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "mine"
    project.mkdir()
    plant(tmp_path, server)
    (project / "Pulumi.yaml").write_text("name: p\nruntime: python\n", "utf-8")
    (tmp_path / "uv.lock").touch()
    writable(tmp_path, monkeypatch)
    done = Doctor(project)(PATH=f"{tmp_path}/bin:/usr/bin:/bin", ATLASSIAN_FORGE_BASE_URL="emulator://x.db")
    assert (
        f"fail     program: the engine finds no Python (chosen by {tmp_path}/uv.lock): everybody can write to {tmp_path}"
        in done.stdout
    )
    assert not (tmp_path / "mark").exists()


@CHANGES
@pytest.mark.parametrize("what", ["Pulumi.json", "Pulumi.dev.json"])
def test_the_names_of_json_files_that_the_engine_reads_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change, what: str
) -> None:
    for name in ("Pulumi.json", "Pulumi.dev.json"):
        (tmp_path / name).write_text("{}", "utf-8")
    (tmp_path / "deep").mkdir()
    require_trusted_project(tmp_path / "deep")
    change(tmp_path / what, monkeypatch)
    with pytest.raises(ForgeError, match="another user can change it") as caught:
        require_trusted_project(tmp_path / "deep")
    assert str(tmp_path / what) in str(caught.value)
