from __future__ import annotations

import pytest

from pulumi_atlassian_forge.cli.emulator import _tokens


@pytest.mark.parametrize("token", ["a b", "a\tb", "ü", "a\n", "\x00"])
def test_a_token_that_is_not_valid_in_a_header_is_rejected_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match="not valid in a header") as caught:
        _tokens([], [f"default={token}"])
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    "token", ["Ab3dEf9gHiJkLmNoPqRsTuVw==", "Ab3dEf9gHiJkLm/oPq=x", "Ab3dEf9gHiJkLmNoPq", "=Ab3dEf9gHiJkLmNoPq="]
)
def test_a_token_without_its_installation_is_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match="installation=token") as caught:
        _tokens([], [token])
    assert "Ab3d" not in str(caught.value)


def test_a_token_may_hold_the_equals_sign() -> None:
    assert _tokens([], ["default=a=b=="]) == {"default": ["a=b=="]}


@pytest.mark.parametrize("name", ["", "A", "-a", "a_b", "a" * 41])
def test_an_installation_that_the_settings_refuse_is_refused_here(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 40 of a-z, 0-9 and -"):
        _tokens([name], [])


def test_the_longest_name_is_taken() -> None:
    assert list(_tokens(["a" * 40], [])) == ["a" * 40]
