"""`examples/ci/bitbucket-comment`, against a fake of Bitbucket's API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.bitbucket import FakeBitbucket, fake_bitbucket
from tests.support.workflow import CI

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def comment_on(api: FakeBitbucket, folder: Path, text: str | None, stack: str = "a") -> subprocess.CompletedProcess[str]:
    """Run the script with the text in its file; None: without the file."""
    environment = {
        "PATH": os.environ["PATH"],
        "BITBUCKET_API": api.url,
        "BITBUCKET_REPO_FULL_NAME": "team/modules",
        "BITBUCKET_PR_ID": "7",
        "BITBUCKET_COMMIT": COMMIT,
        "FORGE_COMMENT_TOKEN": api.token,
    }
    file = folder / "comment.md"
    if text is not None:
        file.write_text(f"### Forge preview of `{stack}`\n\n{text}", "utf-8")
    command = [sys.executable, str(CI / "bitbucket-comment"), stack, str(file)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_on_bitbucket_the_last_comment_is_updated(tmp_path: Path) -> None:
    with fake_bitbucket() as api:
        for stack, text in (("a", "one"), ("b", "other"), ("a", "two")):
            done = comment_on(api, tmp_path, text, stack)
            assert done.returncode == 0, done.stderr
        assert api.texts() == ["### Forge preview of `a`\n\ntwo", "### Forge preview of `b`\n\nother"]


def test_on_bitbucket_a_comment_of_another_user_is_not_changed(tmp_path: Path) -> None:
    with fake_bitbucket() as api:
        assert comment_on(api, tmp_path, "one").returncode == 0
        api.add("### Forge preview of `a`\n\nmine", editable=False)
        done = comment_on(api, tmp_path, "two")
        assert done.returncode == 0, done.stderr
        assert api.texts() == ["### Forge preview of `a`\n\ntwo", "### Forge preview of `a`\n\nmine"]


def test_on_bitbucket_a_refused_token_is_reported_without_its_value(tmp_path: Path) -> None:
    with fake_bitbucket() as api:
        api.accepts_token = False
        done = comment_on(api, tmp_path, "one")
        assert done.returncode == 1
        assert "HTTP Error 401" in done.stderr
        assert "FORGE_COMMENT_TOKEN" in done.stderr
        assert api.token not in done.stderr
        assert "Traceback" not in done.stderr


def test_on_bitbucket_a_comment_of_an_earlier_commit_does_not_stay(tmp_path: Path) -> None:
    with fake_bitbucket() as api:
        assert comment_on(api, tmp_path, "one").returncode == 0
        assert comment_on(api, tmp_path, "x" * 40_000).returncode == 1  # refused by the API
        assert api.texts() == []
        assert comment_on(api, tmp_path, "two").returncode == 0
        (tmp_path / "comment.md").unlink()
        assert comment_on(api, tmp_path, None).returncode == 0
        assert [text.splitlines()[2] for text in api.texts()] == [
            "**No preview** of commit 0123456789ab: see the log of the run."
        ]


@pytest.mark.parametrize("comment", ["text", {"id": 1, "content": {"raw": None}}, {"id": 1}])
def test_on_bitbucket_an_unknown_form_of_a_comment_is_an_error_without_a_traceback(tmp_path: Path, comment: Any) -> None:
    with fake_bitbucket() as api:
        api.comments.append(comment)
        done = comment_on(api, tmp_path, "one")
        assert done.returncode == 1
        assert done.stderr.startswith("the comment could not be written: ")


@pytest.mark.parametrize("is_page", [False, True])
def test_on_bitbucket_the_token_is_sent_to_no_other_host(tmp_path: Path, is_page: bool) -> None:
    with fake_bitbucket() as api, fake_bitbucket() as other:
        if is_page:
            api.next_page = f"{other.url}/stolen"
        else:
            api.redirect = f"{other.url}/stolen"
        done = comment_on(api, tmp_path, "one")
        assert done.returncode == (0 if is_page else 1)
        assert "Traceback" not in done.stderr
        assert api.authorizations[0] == f"Bearer {api.token}"
        assert other.authorizations == []
