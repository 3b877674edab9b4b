"""A token command, run for real."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pulumi_atlassian_forge.api.errors import Unauthorized
from pulumi_atlassian_forge.auth.bearer_token import Token
from pulumi_atlassian_forge.auth.child_processes import kill_all
from pulumi_atlassian_forge.auth.token_command import TokenCommand
from testing.processes import is_alive

TOKEN = "planted-token-1c9e"


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def run(arguments: list[str], directory: Path, seconds: float = 20.0) -> Token:
    return TokenCommand(arguments, directory, seconds)()


def failure(arguments: list[str], directory: Path, seconds: float = 20.0) -> str:
    with pytest.raises(Unauthorized) as caught:
        run(arguments, directory, seconds)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def test_the_program_prints_a_token(tmp_path: Path) -> None:
    assert run(python(f"print({TOKEN!r})"), tmp_path) == Token(TOKEN)


def test_it_prints_json(tmp_path: Path) -> None:
    printed = {"token": TOKEN, "expiresAt": "2030-01-01T00:00:00Z", "installationId": "ab-1", "more": 1}
    assert run(python(f"print({json.dumps(printed)!r})"), tmp_path) == Token(TOKEN, 1893456000.0, "ab-1")


def test_the_program_runs_in_the_project_directory_without_a_shell(tmp_path: Path) -> None:
    (tmp_path / "script").write_text('#!/bin/sh\nprintf %s "$1"\n')
    (tmp_path / "script").chmod(0o755)
    assert run(["./script", "$HOME;echo"], tmp_path) == Token("$HOME;echo")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.stderr.write('no such role'); sys.exit(3)", "failed with exit code 3: no such role"),
        ("import sys; sys.exit(1)", "failed with exit code 1: its standard error is empty"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "was ended by signal 15"),
        ("pass", "printed nothing"),
        ("print('a'); print('b')", "printed 2 lines"),
        ("print('<!doctype html><html>')", "printed HTML"),
        ("print('{\"token\": 1}')", "printed JSON without a text 'token'"),
        ("print('{\"token\": ')", "printed something that begins like JSON"),
        ('print(\'{"token": "t", "expiresAt": "soon"}\')', "printed an 'expiresAt' that is neither"),
        ("print('x' * 100_000)", "printed more than 65536 bytes"),
        (f"import sys; print({TOKEN!r}); sys.stderr.write('tried ' + {TOKEN!r}); sys.exit(1)", "tried [redacted]"),
        (
            "import sys; print('{\"token\": \"abcdefg\\\\u003d\"}'); sys.stderr.write('got abcdefg='); sys.exit(1)",
            "got [redacted]",
        ),
        (f"import sys; print('{{\"token\": \"{TOKEN}\"}}'); sys.stderr.write('got {TOKEN}'); sys.exit(1)", "got [redacted]"),
    ],
)
def test_an_invalid_output_or_exit_is_a_one_line_error(tmp_path: Path, program: str, words: str) -> None:
    message = failure(python(program), tmp_path)
    assert words in message
    assert message.startswith("the token command '")
    assert "\n" not in message


def test_a_missing_program_is_an_error(tmp_path: Path) -> None:
    assert "'no-such-program' cannot be started: No such file or directory" in failure(["no-such-program"], tmp_path)


def test_a_hanging_program_is_killed_with_its_children(tmp_path: Path) -> None:
    child = (
        "import pathlib, subprocess; p = subprocess.Popen(['sleep', '60']); "
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(p.pid)); p.wait()"
    )
    began = time.monotonic()
    assert "did not end within 1.5 s, and was stopped" in failure(python(child), tmp_path, 1.5)
    assert time.monotonic() - began < 10
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(pid)


def test_a_child_that_it_leaves_behind_does_not_hold_it_up(tmp_path: Path) -> None:
    program = f"import subprocess; subprocess.Popen(['sleep', '20']); print({TOKEN!r})"
    began = time.monotonic()
    assert run(python(program), tmp_path) == Token(TOKEN)
    assert time.monotonic() - began < 10


def test_one_runs_at_a_time(tmp_path: Path) -> None:
    """Each run notes when it began and ended; another process's is kept out by the same lock as another thread's."""
    program = (
        "import time, os\n"
        f"log = open({str(tmp_path / 'log')!r}, 'a')\n"
        "log.write('begin\\n'); log.flush(); time.sleep(0.2); log.write('end\\n'); log.flush()\n"
        f"print({TOKEN!r})"
    )
    command = TokenCommand(python(program), tmp_path, 20.0)
    others = [TokenCommand(python(program), tmp_path, 20.0) for _ in range(2)]
    with ThreadPoolExecutor(3) as pool:
        assert [*pool.map(lambda one: one(), [command, *others])] == [Token(TOKEN)] * 3
    assert (tmp_path / "log").read_text().split() == ["begin", "end"] * 3


def test_waiting_too_long_for_a_concurrent_run_is_an_error(tmp_path: Path) -> None:
    command = TokenCommand(python("import time; time.sleep(3); print('t')"), tmp_path, 20.0)
    thread = threading.Thread(target=command)
    thread.start()
    time.sleep(0.5)
    with pytest.raises(Unauthorized, match=r"is run by another process for more than 0\.3 s"):
        TokenCommand(python("import time; time.sleep(3); print('t')"), tmp_path, 0.3)()
    thread.join()


def test_a_failure_is_cached_for_a_while(tmp_path: Path) -> None:
    """A program that hangs must not hang once for each module."""
    program = f"import pathlib, sys; p = pathlib.Path({str(tmp_path / 'runs')!r}); p.open('a').write('x'); sys.exit('no role')"
    command = TokenCommand(python(program), tmp_path, 20.0)
    for _ in range(3):
        with pytest.raises(Unauthorized, match="no role"):
            command()
    assert (tmp_path / "runs").read_text() == "x"


def test_a_token_that_is_printed_again_is_cached_for_a_while(tmp_path: Path) -> None:
    """The API rejected the token: other threads with the same rejected token do not run the program again."""
    program = f"import pathlib; p = pathlib.Path({str(tmp_path / 'runs')!r}); p.open('a').write('x'); print({TOKEN!r})"
    command = TokenCommand(python(program), tmp_path, 20.0)
    assert [command() for _ in range(5)] == [Token(TOKEN)] * 5
    assert (tmp_path / "runs").read_text() == "xx"


def test_without_a_folder_for_its_lock_it_runs_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    assert run(python(f"print({TOKEN!r})"), tmp_path) == Token(TOKEN)


def test_the_program_does_not_outlive_this_process(tmp_path: Path) -> None:
    """The plugin leaves without a clean-up when the engine has ended."""
    program = f"import os, pathlib, time; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(60)"
    thread = threading.Thread(target=lambda: failure(python(program), tmp_path))
    thread.start()
    until = time.monotonic() + 10
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    pid = int((tmp_path / "pid").read_text())
    kill_all()
    thread.join(10)
    assert not is_alive(pid)
