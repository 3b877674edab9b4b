"""The files that `forge-modules import` writes: whole or not at all, and never in the place of anything."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.cli import new_files
from pulumi_atlassian_forge.cli.new_files import write_new
from pulumi_atlassian_forge.errors import ForgeError
from testing.command import printed, register_outside, run
from testing.independent_server import Server

UNCHANGED = "no file was written, and no module was changed"


@pytest.fixture
def api(server: Server) -> Server:
    register_outside(server, "v1", "one")
    return server


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_both_files_are_written_with_the_permissions_of_new_files(api: Server, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        done = run("import", server=api, cwd=tmp_path)
    finally:
        os.umask(before)
    assert done.code == 0, done.text
    assert names(tmp_path) == ["forge-import.json", "forge_modules.py"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}
    assert len(json.loads((tmp_path / "forge-import.json").read_text("utf-8"))["resources"]) == 1


@pytest.mark.parametrize("second", ["one", "./one", "folder/../one"])
def test_one_file_for_both_is_refused(api: Server, tmp_path: Path, second: str) -> None:
    (tmp_path / "folder").mkdir()
    done = run("import", "--file", "one", "--program", second, server=api, cwd=tmp_path)
    assert (done.code, names(tmp_path)) == (1, ["folder"])
    assert "--file and --program are the same file: " in done.stderr
    assert "(AF151)" in done.stderr
    assert api.calls == []


@pytest.mark.parametrize("option", ["--file", "--program"])
def test_a_link_is_not_followed(api: Server, tmp_path: Path, option: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    done = run("import", option, "link", server=api, cwd=tmp_path)
    assert (done.code, names(tmp_path)) == (1, ["link"])
    assert "link exists already and is not overwritten" in done.stderr
    assert api.calls == []


@pytest.mark.parametrize("option", ["--file", "--program"])
def test_a_folder_that_is_missing_is_named_before_a_request(api: Server, tmp_path: Path, option: str) -> None:
    done = run("import", option, "missing/one.py", server=api, cwd=tmp_path)
    assert (done.code, names(tmp_path)) == (1, [])
    assert "the folder of missing/one.py does not exist" in done.stderr
    assert api.calls == []


def test_keys_that_no_path_can_hold_are_skipped(server: Server, tmp_path: Path) -> None:
    for key in (".", "..", "a\x1b[31m", "0000-good"):
        register_outside(server, "v2", key)
    done = run("import", "--json", server=server, cwd=tmp_path, ATLASSIAN_FORGE_API_VERSION="v2")
    assert done.code == 2, done.text
    found = printed(done)
    assert [one["id"] for one in found["imported"]] == ["default/v2/0000-good"]
    assert sorted(one["key"] for one in found["leftOut"]) == [".", "..", "a\x1b[31m"]
    assert "not valid in a path" in found["leftOut"][0]["reason"]


FILES = {"a.py": "first\n", "b.json": "second\n"}


def failing(monkeypatch: pytest.MonkeyPatch, name: str, number: int, code: int) -> None:
    """Let the call with this number of a function of `os` fail."""
    original, calls = getattr(os, name), [0]

    def fail(*args: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == number:
            raise OSError(code, os.strerror(code))
        return original(*args, **options)

    monkeypatch.setattr(os, name, fail)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(("name", "code"), [("fsync", errno.ENOSPC), ("open", errno.EACCES)])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int, number: int) -> None:
    failing(monkeypatch, name, number, code)
    with pytest.raises(ForgeError) as caught:
        write_new({tmp_path / file: text for file, text in FILES.items()})
    assert names(tmp_path) == []
    path = tmp_path / [*FILES][number - 1]
    assert str(caught.value).splitlines() == [
        f"{path} cannot be written: {os.strerror(code)}",
        UNCHANGED,
        "next: use --file and --program (AF152)",
    ]


def test_a_file_that_appears_meanwhile_stays_and_the_other_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_files, "require_new", lambda paths: None)
    (tmp_path / "b.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ForgeError, match=r"b\.json exists already"):
        write_new({tmp_path / file: text for file, text in FILES.items()})
    assert names(tmp_path) == ["b.json"]
    assert (tmp_path / "b.json").is_symlink()


def test_without_hard_links_the_files_are_whole_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    write_new({tmp_path / file: text for file, text in FILES.items()})
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == FILES
    with pytest.raises(ForgeError, match="exists already"):
        write_new({tmp_path / "c": "new", tmp_path / "a.py": "other"})
    assert (names(tmp_path), (tmp_path / "a.py").read_text("utf-8")) == ([*FILES], "first\n")


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(new_files, "_place", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_new({tmp_path / file: text for file, text in FILES.items()})
    assert names(tmp_path) == []
