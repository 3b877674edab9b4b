"""`forge-modules orphans --delete`: never a module that a state owns."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from testing.command import printed, register_outside, run
from testing.independent_server import INSTALLATION, Server, is_about_details

# A shell that runs the tests in the background has every process below it ignore SIGINT.
RUN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from pulumi_atlassian_forge.cli import main
main()
"""


@pytest.fixture
def folder(server: Server, tmp_path: Path) -> Path:
    """Four modules, of which one state owns two: one of them under another name of the installation, one only read."""
    for key in ("owned", "elsewhere", "orphan-1", "orphan-2", "read"):
        register_outside(server, "v1", key)
    state(tmp_path / "a.json", ["default/v1/owned"], external=["default/v1/read"])
    state(tmp_path / "b.json", ["another-name/v1/elsewhere"])
    return tmp_path


def state(path: Path, ids: list[str], external: list[str] | None = None) -> None:
    type_ = "pulumi-python:dynamic/atlassian-forge:TriggerModule"
    resources: list[dict[str, Any]] = [{"type": type_, "id": id_} for id_ in ids]
    resources += [{"type": type_, "id": id_, "external": True} for id_ in external or []]
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}), "utf-8")


def delete(server: Server, folder: Path, *args: str, states: tuple[str, ...] = ("a.json", "b.json")) -> Any:
    given = [part for name in states for part in ("--state", str(folder / name))]
    return run("orphans", "--delete", *given, *args, server=server)


def left(server: Server) -> list[str]:
    return sorted(module["key"] for module in server.modules())


def test_named_keys_are_deleted_and_no_other(server: Server, folder: Path) -> None:
    done = delete(server, folder, "orphan-1", "--yes")
    assert done.code == 2, done.stderr  # one is left
    assert done.stdout == "deleted v1/orphan-1  trigger  avi:jira:updated:issue → endpoint hook\n"
    assert left(server) == ["elsewhere", "orphan-2", "owned", "read"]
    done = delete(server, folder, "orphan-2", "read", "--yes", "--json")
    assert done.code == 0, done.stderr
    assert (printed(done)["deleted"], printed(done)["orphans"]) == (["orphan-2", "read"], [])
    assert left(server) == ["elsewhere", "owned"]


@pytest.mark.parametrize("key", ["owned", "elsewhere", "nothing"])
def test_a_module_in_a_state_is_refused_by_name(server: Server, folder: Path, key: str) -> None:
    done = delete(server, folder, "orphan-1", key, "--yes")
    assert (done.code, done.stdout) == (1, "")
    assert f"{key!r} is not an orphan" in done.stderr
    assert "nothing was deleted" in done.stderr
    assert server.count("DELETE") == 0


@pytest.mark.parametrize("text", [None, "not json", '{"deployment": {"resources": [1]}}', "[" * 100_000])
def test_a_state_that_cannot_be_read_is_an_error(server: Server, folder: Path, text: str | None) -> None:
    if text is not None:
        (folder / "c.json").write_text(text, "utf-8")
    done = delete(server, folder, "orphan-1", "--yes", states=("a.json", "c.json"))
    assert (done.code, done.stdout) == (1, "")
    assert server.count("DELETE") == 0


def test_a_token_of_another_installation_deletes_nothing(server: Server, folder: Path) -> None:
    server.stores["v1"] = {}
    register_outside(server, "v1", "foreign")
    done = delete(server, folder, "foreign", "--yes")
    assert (done.code, done.stdout) == (1, "")
    assert "none of the 2 modules that the states hold of installation 'default' (v1) exists; 1 others do" in done.stderr
    assert left(server) == ["foreign"]


def test_without_a_terminal_or_a_state_it_needs_keys_and_options(server: Server, folder: Path) -> None:
    done = delete(server, folder)
    assert (done.code, "name the keys to delete" in done.stderr) == (1, True)
    done = delete(server, folder, "orphan-1")
    assert (done.code, "add --yes" in done.stderr) == (1, True)
    done = run("orphans", "--delete", "orphan-1", "--yes", server=server)
    assert (done.code, "without a state it is not known which modules are orphans" in done.stderr) == (1, True)
    done = run("orphans", "orphan-1", server=server)
    assert (done.code, "keys and --yes are for --delete" in done.stderr) == (1, True)
    assert not server.calls


def test_a_failure_does_not_stop_the_others(server: Server, folder: Path) -> None:
    server.interfere = lambda call: (403, {"message": "not this one"}) if call.path.endswith("orphan-1") else None
    done = delete(server, folder, "orphan-1", "orphan-2", "--yes")
    assert done.code == 1
    assert "orphan-1 could not be deleted: HTTP 403: not this one" in done.stderr
    assert left(server) == ["elsewhere", "orphan-1", "owned", "read"]


def on_a_terminal(server: Server, folder: Path, responses: list[str], *, interrupt: bool = False) -> tuple[int, str]:
    """Run it at a terminal of its own, and type the responses."""
    main, terminal = pty.openpty()
    given = [part for name in ("a.json", "b.json") for part in ("--state", str(folder / name))]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "orphans", "--delete", *given],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, **server.environment(), "TERM": "dumb"},
        start_new_session=True,
    )
    os.close(terminal)
    shown, began = "", time.monotonic()
    for response in responses:
        shown += until(main, "[y/N]: ")
        os.write(main, f"{response}\n".encode())
    if interrupt:
        shown += until(main, "[y/N]: ")
        # More than once, as people do: one that comes between the question and the read is seen only after the read.
        while process.poll() is None and time.monotonic() - began < 20:
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
    shown += until(main, None)
    process.wait(20)
    os.close(main)
    return process.returncode, shown


def until(terminal: int, text: str | None) -> str:
    """What is shown until a text comes, or until the end."""
    shown, began = "", time.monotonic()
    while (text is None or text not in shown) and time.monotonic() - began < 20:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 1000).decode()
        except OSError:  # the other side is closed
            break
    return shown


def test_at_a_terminal_each_is_asked_for(server: Server, folder: Path) -> None:
    code, shown = on_a_terminal(server, folder, ["n", "y", ""])
    assert code == 2
    assert "delete v1/orphan-1  trigger  avi:jira:updated:issue" in shown
    assert left(server) == ["elsewhere", "orphan-1", "owned", "read"]


def test_ctrl_c_at_a_question_deletes_no_more(server: Server, folder: Path) -> None:
    code, shown = on_a_terminal(server, folder, ["y"], interrupt=True)
    assert code in {130, -signal.SIGINT}  # a shell says 130 to both; the second is a Ctrl-C that met the interpreter at its end
    assert "Traceback" not in shown
    assert {"owned", "elsewhere", "orphan-2"} <= set(left(server))


def test_nothing_is_deleted_with_the_token_of_another_installation(server: Server, folder: Path) -> None:
    def expecting(installation: str, *keys: str) -> Any:
        return run(
            *("orphans", "--delete", "--state", str(folder / "a.json"), "--state", str(folder / "b.json"), *keys, "--yes"),
            server=server,
            XDG_CACHE_HOME=str(folder / "cache"),
            ATLASSIAN_FORGE_EXPECTED_INSTALLATION=installation,
        )

    done = expecting(INSTALLATION.replace("1", "9"), "orphan-1", "orphan-2")
    assert done.code == 1
    assert done.stderr.count("the credentials do not belong to expectedInstallation 99999999") == 2
    assert "next: correct ATLASSIAN_FORGE_TOKEN" in done.stderr
    assert left(server) == ["elsewhere", "orphan-1", "orphan-2", "owned", "read"]
    server.interfere = lambda call: (429, {"message": "no"}) if is_about_details(call) else None
    done = expecting(INSTALLATION, "orphan-1")  # the module of the state confirms the installation
    assert done.code == 2, done.stderr
    assert "(AF603)" in done.stderr
    assert "orphan-1" not in left(server)
