"""The pictures of `forge-modules` show the current output of the commands, on every machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "pictures"), "--check", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_pictures_show_the_current_output() -> None:
    done = check()
    assert done.returncode == 0, done.stderr


def test_outdated_and_missing_pictures_are_named(tmp_path: Path) -> None:
    shutil.copytree(PICTURES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "doctor.svg").write_text((PICTURES / "doctor.svg").read_text("utf-8").replace(">ok", ">good"), "utf-8")
    (tmp_path / "list.svg").unlink()
    done = check(str(tmp_path))
    assert done.returncode == 1
    assert re.findall(r"(\w+)\.svg does not show the current output: run `make pictures`", done.stderr) == ["doctor", "list"]


def test_pictures_load_no_external_files() -> None:
    drawn = sorted(PICTURES.glob("*.svg"))
    assert [path.stem for path in drawn] == ["doctor", "drift", "list"]
    for path in drawn:
        svg = path.read_text("utf-8")
        assert set(re.findall(r"url\((.)", svg)) == {"#"}
        assert not re.search(r"@import|@font-face|href", svg)
