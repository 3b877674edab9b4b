from __future__ import annotations

import pytest

from pulumi_atlassian_forge.emulator.options import DEFAULTS, EmulatorOptions


def test_settings_are_read_and_the_last_one_counts() -> None:
    options = EmulatorOptions.parse(["list_shape=array", "page_size=7", "list_shape=envelope", "static_keys=a,b=c"])
    assert options == EmulatorOptions(list_shape="envelope", page_size=7, static_keys="a,b=c")
    assert options.static == {"a", "b=c"}
    assert EmulatorOptions.parse(["unreadable=a=null, b=nan"]).unreadable_forms == {"a": "null", "b": "nan"}
    assert EmulatorOptions.parse([]) == DEFAULTS


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("list_shape", "name=value"),
        ("shape=array", "shape is not an option; "),
        ("list_shap=array", "list_shap is not an option; did you mean list_shape"),
        ("list_shape=heap", "array, envelope"),
        ("page_size=0", "page_size must be a whole number, 1 or more"),
        ("page_size=x", "page_size must be a whole number, 1 or more, and is 'x'"),
        ("read_lag_ms=-1", "read_lag_ms"),
        ("retry_after=maybe", "on, off"),
    ],
)
def test_an_error_names_what_there_is(setting: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EmulatorOptions.parse([setting])


@pytest.mark.parametrize("values", [{"page_size": "7"}, {"read_lag_ms": True}, {"static_keys": 1}, {"sort_events": True}])
def test_values_of_another_type_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        DEFAULTS.changed(**values)


@pytest.mark.parametrize("setting", ["unreadable=a", "unreadable=a=broken", "unreadable=a=null,b"])
def test_an_unreadable_module_needs_a_form(setting: str) -> None:
    with pytest.raises(ValueError, match=r"name=value|a form of an unreadable module; there are surrogate, number"):
        EmulatorOptions.parse([setting])
