"""The cache of verified installations, whose folder may be below one that others can write to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pulumi_atlassian_forge.session.verified_installations import VerifiedInstallations

FINGERPRINT, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "pulumi-atlassian-forge" / "verified-installations"


def test_both_folders_are_the_users_alone_whatever_the_mask_is(folder: Path) -> None:
    before = os.umask(0o002)
    try:
        VerifiedInstallations(folder).record(FINGERPRINT, "x", None)
    finally:
        os.umask(before)
    assert [found.stat().st_mode & 0o777 for found in (folder.parent, folder)] == [0o700, 0o700]
    assert VerifiedInstallations(folder).get(FINGERPRINT) == "x"


def test_nothing_but_an_entry_is_removed(folder: Path) -> None:
    VerifiedInstallations(folder).record(OTHER, "x", 1.0)
    (folder / "package.json").write_text("{}")
    VerifiedInstallations(folder).record(FINGERPRINT, "x", None)
    assert sorted(file.name for file in folder.iterdir()) == [f"{FINGERPRINT}.json", "package.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of another user")
@pytest.mark.parametrize("level", [0, 1])
def test_a_link_of_another_user_is_not_followed(folder: Path, tmp_path: Path, level: int) -> None:
    real = tmp_path / "real" / "pulumi-atlassian-forge" / "verified-installations"
    VerifiedInstallations(real).record(OTHER, "x", None)
    link, target = ((folder, real), (folder.parent, real.parent))[level]
    link.parent.mkdir(mode=0o700, parents=True)
    link.symlink_to(target)
    assert VerifiedInstallations(folder).get(OTHER) == "x"
    os.lchown(link, 12345, 12345)
    VerifiedInstallations(folder).record(FINGERPRINT, "x", None)
    assert VerifiedInstallations(folder).get(OTHER) is None
    assert [file.name for file in real.iterdir()] == [f"{OTHER}.json"]


@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_that_others_can_exchange_is_not_used(folder: Path, level: int) -> None:
    VerifiedInstallations(folder).record(FINGERPRINT, "x", None)
    (folder, folder.parent)[level].chmod(0o777)
    assert VerifiedInstallations(folder).get(FINGERPRINT) is None
