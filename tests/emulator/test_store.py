from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from pathlib import Path

import httpx
import pytest

from pulumi_atlassian_forge.emulator.store import Store
from pulumi_atlassian_forge.emulator.transport import EmulatorTransport
from testing.environment import environment

PATH = "/forge/installation/v1/dynamic/module"
DATA = {"events": ["e"], "function": "f"}


def register(path: Path, numbers: range) -> list[int]:
    with httpx.Client(transport=EmulatorTransport(path), base_url="https://emulator.invalid") as client:
        return [client.post(PATH, json={"key": f"k{n}", "type": "trigger", "data": DATA}).status_code for n in numbers]


def keys(path: Path, installation: str = "default") -> list[str]:
    with Store(path).read() as rows:
        return [module.key for module in rows.modules(installation, "v1")]


def test_the_file_and_its_directories_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "ä 100%?#" / "forge.db"
    assert register(path, range(1)) == [201]
    assert keys(path) == ["k0"]


def test_an_empty_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "forge.db"
    path.touch()
    assert register(path, range(1)) == [201]


def test_a_relative_path_is_resolved_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(Path("forge.db"))
    monkeypatch.chdir("/")
    with store.write() as rows:
        rows.add_installation("here")
    assert (tmp_path / "forge.db").exists()


def test_a_file_that_is_not_an_emulator_database_is_not_changed(tmp_path: Path) -> None:
    text, other, newer = tmp_path / "text.db", tmp_path / "other.db", tmp_path / "newer.db"
    text.write_text("not a database, and long enough to be looked at as one" * 20)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE precious (a)")
    Store(newer)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = [path.read_bytes() for path in (text, other)]
    for path, words in [
        (text, "not a SQLite database"),
        (other, "another program"),
        (newer, "format 99"),
        (tmp_path, "directory"),
    ]:
        with pytest.raises(OSError, match=words) as caught:
            Store(path)
        assert caught.value.strerror is not None
        assert words in caught.value.strerror
        assert str(path) in str(caught.value)
    assert [path.read_bytes() for path in (text, other)] == before


def test_a_directory_that_is_a_file_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        EmulatorTransport(tmp_path / "file" / "forge.db")


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "forge.db")

    def interrupted() -> None:
        with store.write() as rows:
            rows.add_installation("half")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    with store.read() as rows:
        assert not rows.has_installation("half")


def test_tokens_are_not_stored_in_clear_text(tmp_path: Path) -> None:
    store = Store(tmp_path / "forge.db")
    with store.write() as rows:
        rows.add_token("planted-secret", "one")
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"planted-secret" not in kept


def test_threads_fill_the_limit_exactly(tmp_path: Path) -> None:
    path = tmp_path / "forge.db"
    with ThreadPoolExecutor(8) as pool:
        statuses = list(chain(*pool.map(lambda n: register(path, range(n * 15, n * 15 + 15)), range(8))))
    assert sorted(statuses) == [201] * 100 + [422] * 20
    assert len(keys(path)) == 100


def test_processes_make_and_fill_one_file(tmp_path: Path) -> None:
    path = tmp_path / "forge.db"
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        statuses = list(chain(*pool.starmap(register, [(path, range(n * 30, n * 30 + 30)) for n in range(4)])))
        pool.close()
        pool.join()
    assert sorted(statuses) == [201] * 100 + [422] * 20


def test_a_killed_writer_leaves_a_file_that_works(tmp_path: Path) -> None:
    path = tmp_path / "forge.db"
    register(path, range(1))
    code = (
        "import os, sys; from pathlib import Path; from pulumi_atlassian_forge.emulator.store import Store\n"
        "with Store(Path(sys.argv[1])).write() as rows:\n"
        "    rows.add_installation('half'); os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], env=environment(), check=False).returncode == 9
    with Store(path).read() as rows:
        assert not rows.has_installation("half")
    assert register(path, range(1, 2)) == [201]


def test_installations_are_apart(tmp_path: Path) -> None:
    register(tmp_path / "forge.db", range(2))
    assert keys(tmp_path / "forge.db", "other") == []
