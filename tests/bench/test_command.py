"""What the benchmark's command refuses before it measures, where it writes, and what it leaves when it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.files import put
from bench.options import DOCUMENT, LOOK, Options, place, planned
from tests.support.bench_command import ROOT, bench

SMALL = ("--parts", "matrix", "--rows", "httpx-4", "--sizes", "1", "--operations", "up,destroy", "--runs", "1")


@pytest.mark.parametrize(
    ("options", "quick", "is_added", "expected"),
    [
        (Options(), False, False, DOCUMENT),
        (Options(parts="fleets"), False, False, DOCUMENT),
        (Options(sizes="100,10,1", each=100), False, False, DOCUMENT),
        (Options(parts="matrix", fleets="1"), False, False, DOCUMENT),
        (Options(rows="floor", parts="fleets"), False, False, DOCUMENT),
        (Options(parts="matrix", runs=1), False, True, DOCUMENT),
        (Options(), True, False, LOOK),
        (Options(runs=1), False, False, None),
        (Options(rows="floor"), False, False, None),
        (Options(operations="up"), False, False, None),
        (Options(sizes="1"), True, False, None),
        (Options(each=10), False, False, None),
    ],
)
def test_only_the_usual_measures_write_the_published_figures(
    options: Options, quick: bool, is_added: bool, expected: Path | None
) -> None:
    assert place(planned(options, quick=quick), quick=quick, is_added=is_added) == expected


@pytest.mark.parametrize("name", ["figures", "figures.md", "scale.json", "file/p.json", "folder.json", "charts.json"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    (tmp_path / "charts").write_text("", "utf-8")
    (tmp_path / "folder.json").mkdir()
    done = bench(*SMALL, "--latencies", "0", "--json", str(tmp_path / name))
    assert done.returncode == 1
    assert done.stderr.startswith("bench: --json: ")
    assert "\nnext: " in done.stderr


def test_a_write_that_fails_leaves_the_file_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.json"
    put(path, "before")

    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BenchError, match=r"p.json cannot be written: No space left on device\nnext: "):
        put(path, "after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_terminal_says_where_the_figures_go(tmp_path: Path) -> None:
    done = bench(*SMALL, "--latencies", "0")
    assert done.returncode == 0, done.stderr
    assert "the figures go to no file: name one with --json to keep them" in done.stderr
    done = bench(*SMALL, "--latencies", "0", "--json", str(tmp_path / "p.json"))
    assert f"the figures go to {tmp_path / 'p.json'}" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "p.json", "p.md"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
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
    _, said = started.communicate(timeout=30)
    assert (started.returncode, said) == (130, "bench: interrupted; the part that it measured was not written\n")
    assert list(tmp_path.iterdir()) == []
