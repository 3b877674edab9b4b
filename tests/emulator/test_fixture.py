"""The fixture, as a project's own tests would use it: in a pytest run of its own."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pulumi_atlassian_forge import testing
from testing.environment import environment

CONFTEST = 'pytest_plugins = ["pulumi_atlassian_forge.testing"]\n'
START = """
import httpx, pytest

PATH = "/forge/installation/{version}/dynamic/module"
DATA = {"events": ["e"], "function": "f"}

@pytest.fixture
def client(forge_emulator):
    headers = {"Authorization": f"Bearer {forge_emulator.token}"}
    with httpx.Client(base_url=forge_emulator.base_url, headers=headers) as client:
        yield client

def register(client, key="k", version="v1"):
    body = {"type": "trigger", "data": DATA} | ({"key": key} if version == "v1" else {})
    return client.post(PATH.format(version=version), json=body)
"""


def run(tmp_path: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(START + textwrap.dedent(tests))
    # A folder of its own: beside the common one another run cleans up.
    own = ["-p", "no:cacheprovider", f"--basetemp={tmp_path / 'temporary'}"]
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *own, *options, "test_it.py"]
    return subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)


def test_the_fixture_lists_changes_and_deletes_modules(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        @pytest.mark.parametrize("version", ["v1", "v2"])
        def test_it(forge_emulator, client, version):
            key = register(client, version=version).json()["key"]
            assert forge_emulator.modules(version) == [{"key": key, "type": "trigger", "data": DATA}]
            forge_emulator.change(key, {**DATA, "events": ["other"]}, version)
            path = f"{PATH.format(version=version)}/{key}"
            assert client.get(path).json()["data"]["events"] == ["other"]
            forge_emulator.delete(key, version)
            assert client.get(path).status_code == 404
            for call in (lambda: forge_emulator.delete(key, version), lambda: forge_emulator.change(key, {}, version)):
                with pytest.raises(KeyError):
                    call()
        """,
    )
    assert done.returncode == 0, done.stdout


def test_requests_are_recorded_without_credentials(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def test_it(forge_emulator, client):
            register(client)
            client.get(PATH.format(version="v1"), params={"limit": "x"})
            post, get = forge_emulator.requests
            assert (post.method, post.status, get.status, get.query) == ("POST", 201, 422, {"limit": "x"})
            assert b'"key":"k"' in post.body.replace(b" ", b"")
            assert "user-agent" in post.headers
            assert forge_emulator.token not in repr(forge_emulator.requests)
        """,
    )
    assert done.returncode == 0, done.stdout


def test_options_are_stored_and_invalid_ones_rejected(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def test_it(forge_emulator, client):
            forge_emulator.option(list_shape="envelope")
            forge_emulator.option(page_size=7)
            register(client)
            assert [m["key"] for m in client.get(PATH.format(version="v1")).json()["result"]] == ["k"]
            with pytest.raises(ValueError, match="is not an option"):
                forge_emulator.option(shape="array")

        def test_the_next_one_starts_fresh(forge_emulator, client):
            assert client.get(PATH.format(version="v1")).json() == []
            assert forge_emulator.modules() == []
        """,
    )
    assert done.returncode == 0, done.stdout


def test_faults_are_added_counted_and_cleared(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def test_it(forge_emulator, client):
            register(client, "a")
            forge_emulator.fault("method=POST,nth=2,action=lose")
            forge_emulator.fault("method=DELETE,action=drop,times=0")
            register(client, "b")
            forge_emulator.option(list_shape="envelope")
            with pytest.raises(httpx.RemoteProtocolError):
                register(client, "c")
            with pytest.raises(httpx.RemoteProtocolError):
                client.delete(PATH.format(version="v1") + "/a")
            assert [module["key"] for module in forge_emulator.modules()] == ["a", "b", "c"]
            assert [request.status for request in forge_emulator.requests] == [201, 201, 201, 0]
            forge_emulator.clear_faults()
            assert client.delete(PATH.format(version="v1") + "/a").status_code == 204
            with pytest.raises(ValueError, match="did you mean lose"):
                forge_emulator.fault("action=loose")

        def test_the_next_one_has_none(forge_emulator, client):
            assert client.delete(PATH.format(version="v1") + "/a").status_code == 404
        """,
    )
    assert done.returncode == 0, done.stdout


def test_the_environment_leads_the_provider_to_it(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def test_it(forge_emulator, client, monkeypatch):
            for name, value in forge_emulator.environment().items():
                monkeypatch.setenv(name, value)
            register(client)
            from pulumi_atlassian_forge.session.session import Connections
            connections = Connections({}.get)
            live = connections.open(forge_emulator.installation).operations("v1").list()
            connections.close()
            assert [module.key for module in live] == ["k"]
        """,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.complete
def test_it_names_the_installation_that_a_program_expects(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def test_it(forge_emulator, client):
            app, environment, installation = forge_emulator.expected_installation.split("/")
            path = f"/forge/installation/v1/{app}/{environment}/installation/{installation}"
            assert client.get(path).json()["version"] == "1.0.0"
            assert client.get(path).headers["retry-after"]
            forge_emulator.option(details_interval_s=0)
            assert client.get(path).status_code == 200
            assert client.get(path.replace(installation, app)).status_code == 401
        """,
    )
    assert done.returncode == 0, done.stdout


def test_it_runs_in_parallel(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        @pytest.mark.parametrize("number", range(4))
        def test_it(forge_emulator, client, number):
            assert register(client).status_code == 201
            assert len(forge_emulator.modules()) == 1
        """,
        "-n",
        "2",
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("old", "new"), [("fixture", "testing"), ("fault_rules", "FaultRule"), ("switches", "EmulatorOptions")])
def test_an_old_path_names_the_new_one(old: str, new: str) -> None:
    with pytest.raises(ImportError, match=f"{new}.*") as caught:
        importlib.import_module(f"pulumi_atlassian_forge.emulator.{old}")
    assert "pulumi_atlassian_forge.testing" in str(caught.value)


def test_the_public_names_are_those_that_the_page_shows() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "emulator.md").read_text(encoding="utf-8")
    assert [name for name in testing.__all__ if name not in guide] == ["ForgeEmulator", "RecordedRequest"]
