"""`examples/fleet`: many installations from one program. Each server accepts its own token only.

In `make soak` there are 20 installations with 50 modules each.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from testing.fleet import FleetProject, Hold, ended, fleet, kill_all
from testing.soak import runs
from tests.support.command import register_outside
from tests.support.postgres import PASSWORD, postgres

NAMES = ["acme", "globex", "hooli", *(f"customer{i}" for i in range(runs(0, 17)))]
N = runs(5, 50)
pytestmark = [pytest.mark.cli, pytest.mark.timeout(runs(300, 3600))]


def statuses(found: dict[str, dict[str, object]]) -> dict[str, object]:
    return {name: one["status"] for name, one in found.items()}


def test_a_broken_installation_leaves_the_others_done_and_is_named(tmp_path: Path) -> None:
    with fleet(tmp_path / "fleet", NAMES, N) as project:
        broken = project.servers["globex"]
        broken.interfere = lambda _call: (403, {"message": "not on this installation"})

        preview = project.run_json("up", "--preview", "--only", "acme", "--only", "*b*")
        assert {name: one["changes"] for name, one in preview.items()} == {name: {"create": N} for name in NAMES[:2]}
        assert not any(server.calls for server in project.servers.values()), "a preview has sent a request"

        done = project.run("up")
        assert done.code == 1
        assert project.counts() == {**dict.fromkeys(NAMES, N), "globex": 0}
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        assert [row[:3] for row in rows if len(row) == 4 and row[0] != "globex"] == [
            [name, "done", f"{N} create"] for name in sorted(NAMES) if name != "globex"
        ]
        assert ["globex", "failed"] in [row[:2] for row in rows]
        assert "could not register module 'm" in done.stdout
        assert "not on this installation" in done.stdout
        assert rows[-1][0].startswith(f"{len(NAMES) - 1} done, 1 failed in ")
        assert "globex: failed in " in done.stderr

        broken.interfere = lambda _call: None
        again = project.run_json("up", "--only", "g?obex")
        assert statuses(again) == {"globex": "done"}
        assert project.counts() == dict.fromkeys(NAMES, N)

        register_outside(broken, "v1", "m0", events=["avi:jira:updated:issue"], endpoint="outside-pulumi")
        refreshed = project.run_json("refresh", "--only", "globex")
        assert refreshed["globex"]["changes"] == {"same": N - 1, "update": 1}

        without_asking = project.run("destroy")
        assert without_asking.code == 1
        assert "--yes" in without_asking.stderr
        assert project.counts() == dict.fromkeys(NAMES, N)
        deleted = project.run_json("destroy", "--yes")
        assert {name: one["changes"] for name, one in deleted.items()} == {name: {"delete": N} for name in NAMES}
        assert project.counts() == dict.fromkeys(NAMES, 0)


def test_a_fleet_can_stop_after_the_first_failure(tmp_path: Path) -> None:
    with fleet(tmp_path / "fleet", NAMES[:2], N) as project:
        project.servers["acme"].interfere = lambda _call: (403, {"message": "not on this installation"})
        found = project.run_json("up", "--parallel", "1", "--no-continue-on-error", code=1)
        assert statuses(found) == {"acme": "failed", "globex": "not started"}
        assert not project.servers["globex"].calls


def killed_in_the_middle(project: FleetProject, environment: dict[str, str]) -> None:
    """Kill the whole tree while two of the installations wait for responses, run again, and compare with the servers."""
    held = [Hold(project.servers[name], passing=2) for name in NAMES[:2]]
    process = project.start("up", "--parallel", "2", environment=environment)
    try:
        assert all(hold.is_reached.wait(120) for hold in held)
    finally:
        kill_all(process)
        for hold in held:
            hold.release()
    left = project.counts()
    assert all(left[name] > 2 for name in NAMES[:2])
    assert not any(left[name] for name in list(left)[2:])

    again = project.run_json("up", environment=environment)
    assert statuses(again) == dict.fromkeys(project.servers, "done")
    assert {name for name, one in again.items() if one["recovered"]} == set(NAMES[:2])
    assert project.counts() == dict.fromkeys(project.servers, N)
    for name in NAMES[:2]:
        assert project.pending(name, environment=environment) == []
    third = project.run_json("preview", "--only", "acme", environment=environment)
    assert third["acme"]["changes"] == {"same": N}
    assert not third["acme"]["recovered"]


@pytest.mark.soak  # the next one is the same with a database
def test_killed_in_the_middle_and_started_again_it_is_exact(tmp_path: Path) -> None:
    with fleet(tmp_path / "fleet", NAMES, N) as project:
        killed_in_the_middle(project, {})


def test_killed_in_the_middle_with_its_state_in_postgresql_it_is_exact(tmp_path: Path) -> None:
    with fleet(tmp_path / "fleet", NAMES[: runs(2, 20)], N) as project, postgres() as backend:
        killed_in_the_middle(project, backend)
        assert not list((project.root / "backend").iterdir()), "the state is elsewhere"
        assert PASSWORD not in project.everything()


def test_interrupted_it_starts_no_other_and_lets_those_that_run_end(tmp_path: Path) -> None:
    with fleet(tmp_path / "fleet", NAMES[:3], N) as project:
        held = [Hold(project.servers[name], passing=2) for name in NAMES[:2]]
        process = project.start("up", "--parallel", "2", "--json")
        assert all(hold.is_reached.wait(120) for hold in held)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "interrupted: no other installation is started" not in process.stderr.readline():
            assert process.poll() is None
        for hold in held:
            hold.release()
        done = ended(process)
        assert done.code == 130, done.text
        found = {one["installation"]: one["status"] for one in json.loads(done.stdout)["installations"]}
        assert found["hooli"] == "not started"
        assert not project.servers["hooli"].calls
        again = project.run_json("up")
        assert not any(one["recovered"] for one in again.values()), "a lock was left"
        assert project.counts() == dict.fromkeys(NAMES[:3], N)


def test_a_lock_of_another_user_is_respected(tmp_path: Path) -> None:
    with fleet(tmp_path / "fleet", NAMES[:1], N) as project:
        locks = project.root / "backend" / ".pulumi" / "locks" / "organization" / "fleet" / "acme"
        assert project.run_json("preview")["acme"]["changes"] == {"create": N}  # makes the stack
        locks.mkdir(parents=True, exist_ok=True)
        lock = {"pid": 1, "username": "somebody", "hostname": "elsewhere", "timestamp": "2026-01-01T00:00:00Z"}
        (locks / "0b2c.json").write_text(json.dumps(lock), "utf-8")
        refused = project.run_json("up", code=1)
        assert "created by somebody@elsewhere (pid 1)" in refused["acme"]["error"]
        assert "--unlock" in refused["acme"]["error"]
        assert project.counts() == {"acme": 0}
        assert project.run_json("up", "--unlock")["acme"]["recovered"]
        assert project.counts() == {"acme": N}


def test_an_error_in_the_file_is_reported_once_for_all_stacks(tmp_path: Path) -> None:
    project = FleetProject(tmp_path / "fleet", {}, N)
    project.describe({name: {"baseURL": "emulator://x.db"} for name in NAMES[:2]})
    done = project.run("preview")
    assert done.code == 1
    assert done.stdout.count("'baseURL' is not a setting; did you mean baseUrl?") == 2, "one for each line of the file"
    assert f"\n{NAMES[0]}, {NAMES[1]}: " in done.stdout


@pytest.mark.parametrize(
    ("file", "args", "expected"),
    [
        ("installations: {acme: {token: x}}", [], "'acme': tokens are not allowed in this file"),
        ("installations: {Acme: {}}", [], "'Acme': a name has 1 to 40 of"),
        ("installations: {acme: [}", [], "is not YAML: line 1"),
        ("installations: []", [], "has no map `installations`"),
        ("installations: {acme: {}}", ["--only", "x*"], "--only x* matches no installation; the file has: acme"),
        ("installations: {acme: {}}", ["--backend", "postgres://u:hidden@127.0.0.1:1/x"], "the state's backend cannot be used"),
    ],
)
def test_a_run_that_cannot_start_reports_the_reason_in_a_few_lines(
    tmp_path: Path, file: str, args: list[str], expected: str
) -> None:
    project = FleetProject(tmp_path / "fleet", {}, N)
    (project.root / "forge-installations.yaml").write_text(file, "utf-8")
    done = project.run("up", *args)
    assert done.code == 1
    assert expected in done.stderr
    assert "hidden" not in done.stderr
    assert len(done.stderr.splitlines()) <= 6
