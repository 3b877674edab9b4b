"""The command line of the benchmark: validation, target files, interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.files import write_atomically
from bench.options import DOCUMENT, QUICK_DOCUMENT, Options, default_target, plan_of
from tests.support.bench_command import ROOT, bench

SMALL = ("--parts", "matrix", "--systems", "httpx-4", "--sizes", "1", "--operations", "up,destroy", "--runs", "1")


@pytest.mark.parametrize(
    ("options", "quick", "is_added", "expected"),
    [
        (Options(), False, False, DOCUMENT),
        (Options(parts="fleets"), False, False, DOCUMENT),
        (Options(sizes="100,10,1", each=100), False, False, DOCUMENT),
        (Options(parts="matrix", fleets="1"), False, False, DOCUMENT),
        (Options(systems="no-op", parts="fleets"), False, False, DOCUMENT),
        (Options(parts="matrix", runs=1), False, True, DOCUMENT),
        (Options(), True, False, QUICK_DOCUMENT),
        (Options(runs=1), False, False, None),
        (Options(systems="no-op"), False, False, None),
        (Options(operations="up"), False, False, None),
        (Options(sizes="1"), True, False, None),
        (Options(each=10), False, False, None),
    ],
)
def test_only_default_options_write_the_published_figures(
    options: Options, quick: bool, is_added: bool, expected: Path | None
) -> None:
    assert default_target(plan_of(options, quick=quick), quick=quick, is_added=is_added) == expected


@pytest.mark.parametrize("name", ["figures", "figures.md", "scale.json", "file/p.json", "folder.json", "charts.json"])
def test_an_unwritable_target_is_refused_before_measuring(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    (tmp_path / "charts").write_text("", "utf-8")
    (tmp_path / "folder.json").mkdir()
    done = bench(*SMALL, "--latencies", "0", "--json", str(tmp_path / name))
    assert done.returncode == 1
    assert done.stderr.startswith("bench: --json: ")
    assert "\nnext: " in done.stderr


def test_a_failed_write_keeps_the_previous_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.json"
    write_atomically(path, "before")

    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BenchError, match=r"p.json cannot be written: No space left on device\nnext: "):
        write_atomically(path, "after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_terminal_shows_where_the_figures_go(tmp_path: Path) -> None:
    done = bench(*SMALL, "--latencies", "0")
    assert done.returncode == 0, done.stderr
    assert "the figures go to no file: name one with --json to keep them" in done.stderr
    done = bench(*SMALL, "--latencies", "0", "--json", str(tmp_path / "p.json"))
    assert f"the figures go to {tmp_path / 'p.json'}" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "p.json", "p.md"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_leaves_no_files(tmp_path: Path, number: signal.Signals) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "bench", *SMALL, "--latencies", "9000"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    while "httpx, 4 connections" not in started.stderr.readline():
        assert started.poll() is None
    started.send_signal(number)
    _, stderr = started.communicate(timeout=30)
    assert (started.returncode, stderr) == (130, "bench: interrupted; the current part was not written\n")
    assert list(tmp_path.iterdir()) == []
