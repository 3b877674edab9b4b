from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pulumi_atlassian_forge.emulator.api_assumptions import ASSUMPTIONS
from pulumi_atlassian_forge.version import __version__
from testing.command import MODULE, run
from testing.environment import environment

PATH = "/forge/installation/v1/dynamic/module"


@contextmanager
def running(tmp_path: Path, *arguments: str, lines: int = 2, **variables: str) -> Iterator[dict[str, str]]:
    """The command while it serves: the variables that it prints."""
    with subprocess.Popen(
        [sys.executable, *MODULE, "emulator", *arguments],
        cwd=tmp_path,
        env=environment(PYTHONUNBUFFERED="1", **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            printed = [process.stdout.readline() for _ in range(lines)]
            found = [re.fullmatch(r"export (\w+)=(\S+)\n", line) for line in printed]
            yield {match[1]: match[2] for match in found if match}
        finally:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def status(variables: dict[str, str], token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {token or variables['ATLASSIAN_FORGE_TOKEN']}"}
    return httpx.get(variables["ATLASSIAN_FORGE_BASE_URL"] + PATH, headers=headers).status_code


def test_it_prints_what_a_shell_needs_and_serves(tmp_path: Path) -> None:
    with running(tmp_path) as variables:
        assert set(variables) == {"ATLASSIAN_FORGE_BASE_URL", "ATLASSIAN_FORGE_TOKEN"}
        assert variables["ATLASSIAN_FORGE_BASE_URL"].startswith("http://127.0.0.1:")
        assert status(variables) == 200
        assert status(variables, "another") == 401
    assert (tmp_path / "forge.db").exists()


def test_installations_tokens_and_options(tmp_path: Path) -> None:
    arguments = ["--db", "sub/x.db", "--installation", "acme-eu", "--token", "default=first", "--token", "default=second"]
    with running(tmp_path, *arguments, "--option", "list_shape=envelope", lines=4) as variables:
        assert variables["ATLASSIAN_FORGE_TOKEN"] == "first"
        assert {"ATLASSIAN_FORGE_ACME_EU_BASE_URL", "ATLASSIAN_FORGE_ACME_EU_TOKEN"} <= set(variables)
        for token in ("first", "second", variables["ATLASSIAN_FORGE_ACME_EU_TOKEN"]):
            assert status(variables, token) == 200
        response = httpx.get(variables["ATLASSIAN_FORGE_BASE_URL"] + PATH, headers={"Authorization": "Bearer first"})
        assert response.json() == {"result": []}
    assert (tmp_path / "sub" / "x.db").exists()


def test_tokens_can_come_from_a_variable_that_no_other_user_sees(tmp_path: Path) -> None:
    variable = {"FORGE_EMULATOR_TOKEN": "default=first acme=second"}
    with running(tmp_path, lines=4, **variable) as variables:
        assert (variables["ATLASSIAN_FORGE_TOKEN"], variables["ATLASSIAN_FORGE_ACME_TOKEN"]) == ("first", "second")
        assert (status(variables, "first"), status(variables, "second")) == (200, 200)


def test_faults_are_counted_by_the_running_command(tmp_path: Path) -> None:
    with running(tmp_path, "--fault", "nth=2,action=503", "--fault", "nth=3,action=lose") as variables:
        assert [status(variables), status(variables)] == [200, 503]
        with pytest.raises(httpx.RemoteProtocolError):
            status(variables)
        assert status(variables) == 200


def test_tokens_expire(tmp_path: Path) -> None:
    with running(tmp_path, "--token-ttl", "0") as variables:
        assert status(variables) == 401


def test_the_modules_outlive_the_process(tmp_path: Path) -> None:
    body = {"key": "k", "type": "trigger", "data": {"events": ["e"], "function": "f"}}
    for _ in range(2):
        with running(tmp_path, "--token", "default=t") as variables:
            url, headers = variables["ATLASSIAN_FORGE_BASE_URL"] + PATH, {"Authorization": "Bearer t"}
            last = httpx.post(url, json=body, headers=headers).status_code
    assert last == 422


def test_the_contract_is_printed_with_its_assumptions_marked(tmp_path: Path) -> None:
    done = run("emulator", "--contract", cwd=tmp_path)
    assert done.code == 0
    assert len(re.findall(r"^A\d\d  ", done.stdout, re.MULTILINE)) == len(ASSUMPTIONS)
    assert len(re.findall(r"  ASSUMED$", done.stdout, re.MULTILINE)) == sum(one.basis == "assumed" for one in ASSUMPTIONS)
    assert not list(tmp_path.iterdir())


def test_the_version(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.code, done.stdout) == (0, f"{__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--option", "shape=array"], "shape is not an option"),
        (["--option", "list_shape=heap"], "array, envelope"),
        (
            ["--fault", "action=lose", "--fault", "action=loose"],
            "'action=loose' cannot be used: loose is not an action; did you mean lose?",
        ),
        (["--fault", "nth=3"], "give it an action, a latency or a rate"),
        (["--token", "secret"], "installation=token"),
        (["--token", "=secret"], "installation=token"),
        (["--installation", "a b"], "'a b': a name has 1 to 40"),
    ],
)
def test_an_invalid_option_is_a_one_line_error(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = run("emulator", *arguments, cwd=tmp_path)
    assert (done.code, done.stdout) == (1, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_unusable_file_or_port_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("something else" * 100)
    done = run("emulator", "--db", "text.db", cwd=tmp_path)
    assert (done.code, done.stderr.count("\n")) == (1, 1)
    assert "text.db cannot be used: it is not a SQLite database" in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("emulator", "--port", port, cwd=tmp_path)
    assert (done.code, done.stderr.count("\n")) == (1, 1)
    assert f"port {port}" in done.stderr


@pytest.mark.parametrize(("missing", "extra", "arguments"), [("typer", "cli", []), ("uvicorn", "emulator", ["emulator"])])
def test_without_an_extra_the_message_names_it(tmp_path: Path, missing: str, extra: str, arguments: list[str]) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from pulumi_atlassian_forge.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"pulumi-atlassian-forge[{extra}]" in done.stderr
    assert done.stderr.count("\n") == 1
