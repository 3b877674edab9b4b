from __future__ import annotations

import pytest

from pulumi_atlassian_forge.session.notifications import to_standard_error


def test_server_text_in_a_notification_is_one_printable_line(capsys: pytest.CaptureFixture[str]) -> None:
    to_standard_error("default/\x9b2Kkey", "is still registered as \x1b[31mred, \n\n\u2028two, \x00three")
    assert capsys.readouterr().err == "default/key: is still registered as red, two, three\n"


def test_a_hundred_keys_have_room(capsys: pytest.CaptureFixture[str]) -> None:
    keys = ", ".join(f"{number:036}" for number in range(100))
    to_standard_error("default", keys)
    assert capsys.readouterr().err == f"default: {keys}\n"
