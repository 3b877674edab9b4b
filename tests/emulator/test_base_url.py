"""``baseUrl: emulator://…`` with options and faults in it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from pulumi_atlassian_forge.auth.local_emulator import emulator
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.session.session import Connections

PATH = "/forge/installation/v1/dynamic/module"


def opened(directory: Path, base_url: str) -> None:
    connections = Connections({"atlassian-forge:baseUrl": base_url}.get, directory)
    connections.open("default")
    connections.close()


def client(directory: Path, base_url: str) -> httpx.Client:
    return httpx.Client(transport=emulator(base_url, "default", directory), base_url="https://emulator.invalid")


def test_faults_and_options_are_read_and_each_may_be_given_several_times(tmp_path: Path) -> None:
    query = "fault=method=GET,nth=2,action=503&option=list_shape=envelope&fault=nth=3,action=502&option=page_size=1"
    with client(tmp_path, f"emulator://sub/forge.db?{query}") as one:
        responses = [one.get(PATH) for _ in range(4)]
        one.post(PATH, json={"key": "a", "type": "trigger", "data": {"events": ["e"], "function": "f"}})
        one.post(PATH, json={"key": "b", "type": "trigger", "data": {"events": ["e"], "function": "f"}})
        assert len(one.get(PATH).json()["result"]) == 1
    assert [response.status_code for response in responses] == [200, 503, 502, 200]
    assert (tmp_path / "sub" / "forge.db").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["sub"]


def test_the_counts_are_not_in_the_file(tmp_path: Path) -> None:
    for _ in range(2):
        with client(tmp_path, "emulator://forge.db?fault=action=503") as one:
            assert [one.get(PATH).status_code for _ in range(2)] == [503, 200]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("fault=action=loose", "loose is not an action; did you mean lose?"),
        ("fault", "'' is not of the form name=value"),
        ("option=shape=array", "shape is not an option"),
        ("option=list_shape=array&option=list_shape", "'list_shape' is not of the form name=value"),
        ("fault=action=500#x", "500#x is not an action"),
    ],
)
def test_an_invalid_base_url_names_the_next_step_and_creates_no_file(tmp_path: Path, query: str, words: str) -> None:
    with pytest.raises(ForgeError) as caught:
        opened(tmp_path, f"emulator://forge.db?{query}")
    assert "baseUrl of installation 'default'" in str(caught.value)
    assert words in str(caught.value)
    assert str(caught.value).splitlines()[-1].startswith("next: correct baseUrl")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["forge.db", "a#b.db"])
@pytest.mark.parametrize("query", ["faults=action=500", "fault=action=500&x", "=1", "Fault=action=500"])
def test_an_unknown_parameter_is_a_settings_error(tmp_path: Path, path: str, query: str) -> None:
    with pytest.raises(ForgeError) as caught:
        opened(tmp_path, f"emulator://{path}?{query}")
    assert "there are only fault and option" in str(caught.value)
    assert "atlassian-forge:baseUrl (or ATLASSIAN_FORGE_BASE_URL)" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_query_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ForgeError, match="names no file"):
        opened(tmp_path, "emulator://?fault=action=500")
