"""`forge-modules` on an installation with modules that cannot be read: each command goes on with the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_atlassian_forge.lifecycle.create import create
from testing.command import printed, register_outside, run
from testing.doctor import Doctor
from testing.independent_server import Server
from tests.cli.test_orphans_delete import delete, left, state
from tests.lifecycle.test_recovery import connect, declared
from tests.lifecycle.test_unreadable_modules import plant
from tests.lifecycle.test_verification_reads import Opener

__all__ = ["connect"]

HALF = "holds half of a surrogate pair, which is no text"


@pytest.fixture
def spoiled(server: Server) -> Server:
    register_outside(server, "v1", "whole")
    plant(server, "v1", "half")
    plant(server, "v1", "no-data", data=None)
    plant(server, "v1", "no-key", key=None)
    return server


def test_list_names_them_and_says_why(spoiled: Server) -> None:
    assert run("list", server=spoiled).stdout.splitlines() == [
        "(no key)\ttrigger\tunreadable: has no string 'key'",
        f"half\ttrigger\tunreadable: {HALF}",
        "no-data\ttrigger\tunreadable: has no object 'data'",
        "whole\ttrigger\tavi:jira:updated:issue → endpoint hook",
    ]
    modules = printed(run("list", "--json", server=spoiled))["installations"][0]["modules"]
    assert modules[0] == {"key": None, "type": "trigger", "data": None, "unreadable": "has no string 'key'"}
    assert modules[1] == {"key": "half", "type": "trigger", "data": None, "unreadable": HALF}
    assert "unreadable" not in modules[3]


def test_show_shows_the_others_and_says_why(spoiled: Server) -> None:
    assert run("show", "whole", server=spoiled).code == 0
    done = run("show", "half", server=spoiled)
    assert (done.code, done.stdout) == (1, "")
    assert f"HTTP 200: the response {HALF}" in done.stderr


def test_orphans_lists_them_and_deletes_those_that_have_a_key(spoiled: Server, tmp_path: Path) -> None:
    state(tmp_path / "a.json", ["default/v1/whole"])
    done = run("orphans", "--state", str(tmp_path / "a.json"), server=spoiled)
    assert (done.code, f"v1/half  trigger  unreadable: {HALF}" in done.stdout) == (2, True)
    assert "v1/(no key)  trigger  unreadable: has no string 'key'\n  it has no key: ask" in done.stdout.replace(
        "to delete it: ", ""
    )
    done = delete(spoiled, tmp_path, "half", "no-data", "--yes", states=("a.json",))
    assert done.code == 2
    assert f"deleted v1/half  trigger  unreadable: {HALF}\n" in done.stdout
    assert [*spoiled.stores["v1"]] == ["whole", "no-key"]


def test_a_key_that_no_path_can_hold_does_not_stop_the_others(server: Server, tmp_path: Path) -> None:
    for key in ("whole", "..", "other"):
        register_outside(server, "v1", key)
    state(tmp_path / "a.json", ["default/v1/whole"])
    done = delete(server, tmp_path, "..", "other", "--yes", states=("a.json",))
    assert (done.code, ".. could not be deleted: this key cannot be part of a path" in done.stderr) == (1, True)
    assert left(server) == ["..", "whole"]


def test_import_leaves_them_out(spoiled: Server, tmp_path: Path) -> None:
    done = run("import", server=spoiled, cwd=tmp_path)
    assert done.code == 2, done.text
    assert f"left out: half (trigger): unreadable: {HALF}" in done.stdout
    imported = json.loads((tmp_path / "forge-import.json").read_text())["resources"]
    assert [one["name"] for one in imported] == ["whole"]


def test_drift_compares_the_others_and_names_it(connect: Opener, server: Server, tmp_path: Path) -> None:
    resources = []
    for number in range(3):
        id_, outputs = create(connect(), declared(number, "v1"))
        type_ = "pulumi-python:dynamic/atlassian-forge:TriggerModule"
        shown = {**outputs, "__siblings": json.dumps(outputs.get("__siblings", []))}
        resources.append({"type": type_, "urn": f"urn:pulumi:d::p::{type_}::m{number}", "id": str(id_), "outputs": shown})
    (tmp_path / "a.json").write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
    plant(server, "v1", "m0")
    del server.stores["v1"]["m1"]
    done = run("drift", "--state", str(tmp_path / "a.json"), server=server)
    assert done.code == 1
    assert "default/v1/m1  TriggerModule 'm1'  deleted" in done.stdout
    assert f"could not read module 'm0' (trigger) on installation 'default' (v1)\nHTTP 200: the response {HALF}" in done.stderr


def test_doctor_names_them_and_goes_on(doctor: Doctor, api: Server) -> None:
    register_outside(api, "v1", "whole")
    plant(api, "v1", "half")
    done = doctor(server=api)
    assert done.code == 0, done.stdout
    assert f"unreadable: half {HALF}" in done.stdout
    assert "a module reads as it is listed" in done.stdout
