"""What users rely on: names, the pickled provider, the wheel, the time of an import."""

from __future__ import annotations

import base64
import inspect
import pickle
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pulumi.dynamic.dynamic import serialize_provider

import pulumi_atlassian_forge as forge
from pulumi_atlassian_forge.provider import PROVIDER
from testing import plugin

ROOT = Path(__file__).parent.parent


def test_every_public_name_is_listed_and_documented() -> None:
    public = {name for name, value in vars(forge).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public == set(forge.__all__)
    for name in set(forge.__all__) - {"EventName"}:
        assert inspect.getdoc(getattr(forge, name)), name


def test_the_provider_in_users_state_never_changes() -> None:
    assert serialize_provider(PROVIDER) == plugin.PROVIDER
    assert pickle.loads(base64.b64decode(plugin.PROVIDER)) is PROVIDER
    assert vars(PROVIDER) == {}


def test_type_tokens_never_change() -> None:
    assert forge.TriggerModule._resource_type_name == "dynamic/atlassian-forge:TriggerModule"
    assert forge.DynamicModule._resource_type_name == "dynamic/atlassian-forge:DynamicModule"


def test_the_program_s_process_loads_no_client_and_no_validation() -> None:
    code = (
        "import sys, pulumi; before = set(sys.modules); import pulumi_atlassian_forge;"
        "print([name for name in ('httpx', 'pydantic', 'pydantic_settings', 'httpcore', 'sqlite3') "
        "if name in set(sys.modules) - before])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_an_import_takes_little_time_beside_that_of_pulumi() -> None:
    # Processor time, within one process: what other tests take of this machine meanwhile, or Pulumi of an import, plays no part.
    code = (
        "import time, pulumi, pulumi.dynamic; began = time.process_time(); import pulumi_atlassian_forge;"
        "print(time.process_time() - began)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(7)]
    seconds = statistics.median(float(run.stdout) for run in runs)
    assert seconds <= 0.15, f"it adds {seconds:.3f} s"


def test_an_import_prints_nothing() -> None:
    # The first line on a plugin's stdout must be its port.
    done = subprocess.run([sys.executable, "-c", "import pulumi_atlassian_forge"], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(target), str(ROOT)]
    subprocess.run(command, check=True)
    return next(target.glob("*.whl"))


@pytest.mark.complete
def test_the_wheel_has_the_files_that_the_engine_and_type_checkers_need(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("pulumi_atlassian_forge/pulumi-plugin.json").strip() == b'{"resource": false}'
    assert "pulumi_atlassian_forge/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "examples", "scripts"))]


@pytest.mark.complete
def test_the_wheel_installs_and_imports_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", str(wheel)], check=True)
    code = (
        "import pulumi_atlassian_forge, pulumi_atlassian_forge.session.session as c;"
        "c.Connections({'atlassian-forge:baseUrl': 'emulator://x.db'}.get).open('default').module_list('v1').all();"
        "import importlib.metadata as m; print(m.version('pulumi-atlassian-forge'))"
    )
    done = subprocess.run([str(python), "-W", "error", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    command = subprocess.run(
        [str(tmp_path / "venv" / "bin" / "forge-modules"), "emulator"], capture_output=True, text=True, check=False
    )
    assert command.returncode != 0
    assert "pulumi-atlassian-forge[cli]" in command.stderr
    assert "Traceback" not in command.stderr
