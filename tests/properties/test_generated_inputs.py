"""Property tests of declarations: refused before any request, or carried out and found again exactly as declared.

Each example runs all operations: check, create, read, update to another content, read, delete, with a new process for every
command and the engine's protocol between them, on the emulator, with each variant of the API contract in turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pulumi_atlassian_forge.emulator import operations, transport
from pulumi_atlassian_forge.emulator.store import Store
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.check import CheckedInputs, KeyClaims, check
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.diff import diff
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.model.catalog.module_types import DEFAULTS, TYPES
from pulumi_atlassian_forge.model.catalog.schema import ObjectOf
from pulumi_atlassian_forge.model.content import TRIGGER_PROPERTIES, normalize
from pulumi_atlassian_forge.model.module_id import ModuleId
from pulumi_atlassian_forge.model.values import contains_unknown
from pulumi_atlassian_forge.session.session import Connections
from testing.soak import SOAK, runs
from tests.support.generated_inputs import INSTALLATIONS, NEW_TYPE, UNHEARD_OF, another_content, broken, declarations

# A failure prints a line that repeats it (`reproduce_failure`); the slice is the same in every run.
soak = settings(
    max_examples=runs(80, 5000),
    deadline=None,
    derandomize=not SOAK,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
READINGS = {
    "plain": (),
    "defaults": ("list_shape=envelope", "fill_defaults=on"),
    "sorted": ("sort_events=on", "register_body_v1=empty"),
    "silent": ("register_body_v1=empty", "fill_defaults=on", "list_shape=envelope"),
}
Props = dict[str, Any]
pytestmark = pytest.mark.timeout(runs(300, 3600))


@dataclass(repr=False)
class EmulatorFile:
    """The emulator's file, and how it reads the contract; a :class:`Connections` on it is one process."""

    directory: Path
    reading: str = "plain"
    requests: int = 0

    def connections(self) -> Connections:
        url = "emulator://forge.db?" + "&".join(f"option={option}" for option in READINGS[self.reading])
        config = {"baseUrl": url, "installations": json.dumps({"modern": {"baseUrl": url, "apiVersion": "v2"}})}
        return Connections({f"atlassian-forge:{name}": value for name, value in config.items()}.get, self.directory)

    def modules(self) -> list[str]:
        """What is registered, straight out of the file."""
        with Store(self.directory / "forge.db").read() as rows:
            found = [module for name, version in INSTALLATIONS.items() for module in rows.modules(name, version)]
        return [written(module.content) for module in found]

    def clear(self) -> None:
        """Nothing is left of an example that failed: hypothesis goes on with smaller ones."""
        with Store(self.directory / "forge.db").write() as rows:
            for name, version in INSTALLATIONS.items():
                for module in rows.modules(name, version):
                    rows.delete_module(module)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorFile]:
    made = EmulatorFile(tmp_path_factory.mktemp("emulator"))

    class Counted(transport.EmulatorTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            made.requests += 1
            return super().handle_request(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "EmulatorTransport", Counted)
        patch.setattr(operations, "TYPES", {**TYPES, NEW_TYPE: ObjectOf()})  # a type that only the server knows
        yield made


def over_the_wire(props: Props) -> Props:
    """As the engine hands a value back: every number a float, then the form that a hook makes of it."""
    carried: Props = normalize(json.loads(json.dumps(props), parse_int=float))
    return carried


def checked_as_ever(emulator: EmulatorFile, props: Props) -> CheckedInputs:
    """Check, and check what came of it: the form is a fixed point, the problems stay, and no request is sent."""
    before = emulator.requests
    with closing(emulator.connections()) as settings_:
        once = check(props, settings_, KeyClaims())
        twice = check(once.inputs, settings_, KeyClaims())
    assert repr(twice.inputs) == repr(once.inputs)
    assert twice.problems == once.problems
    assert emulator.requests == before
    return once


def plain(value: Any) -> Any:
    """A declared value by JSON's own rules, written once more for this test: null is absent."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value


def written(value: Any) -> str:
    """A text that tells true from 1, and 1 from nothing else: not from 1.0, and 0 not from -0.0."""
    read = json.loads(json.dumps(value), parse_int=float, parse_float=lambda digits: float(digits) + 0.0)
    return json.dumps(read, sort_keys=True)


def meant(props: Props) -> str:
    """What a declaration should put on the server."""
    props = plain(props)
    if "data" in props:
        return written([props["type"], {name: value for name, value in props["data"].items() if name != "key"}])
    return written(["trigger", {name: props[name] for name in TRIGGER_PROPERTIES if name in props}])


def outputs_without(outputs: Props, *names: str) -> str:
    return json.dumps({name: value for name, value in outputs.items() if name not in names}, sort_keys=True)


def found_again(emulator: EmulatorFile, id_: ModuleId, outputs: Props, inputs: Props) -> Props:
    """A refresh in a process of its own: nothing differs, in either direction."""
    with closing(emulator.connections()) as process:
        found = read(process.open(id_.installation), id_, outputs)
        assert found is not None
        again = read(process.open(id_.installation), id_, over_the_wire(found[0]))
    assert again is not None
    assert outputs_without(again[0]) == outputs_without(found[0])
    # An empty response to a register leaves open what the server adds by itself: the first read decides.
    undecided = ("__server",) if "__server" not in outputs else ()
    assert outputs_without(found[0], *undecided) == outputs_without(outputs)
    assert found[1] == inputs
    assert not diff(over_the_wire(found[0]), inputs).changes
    assert not diff(outputs, over_the_wire(found[1])).changes
    return over_the_wire(found[0])


def passes_life_cycle(emulator: EmulatorFile, declared: Props, inputs: Props, other: Props) -> None:
    """Create, read, update and delete one module."""
    with closing(emulator.connections()) as process:
        id_, made = create(process.open(inputs["installation"]), inputs)
    assert ModuleId.parse(str(id_)) == id_
    outputs = over_the_wire(made)
    assert emulator.modules() == [meant(declared)]
    assert not diff(outputs, inputs).changes
    outputs = found_again(emulator, id_, outputs, inputs)

    news = over_the_wire(checked_as_ever(emulator, {**other, "__name": inputs["__name"]}).inputs)
    change = diff(outputs, news)
    assert change.replaces == []
    if json.loads(meant(news))[0] not in DEFAULTS:  # else a value may equal an absent one, and events may stand in another order
        assert change.changes == (meant(news) != meant(inputs))
    with closing(emulator.connections()) as process:
        outputs = over_the_wire(update(process.open(id_.installation), id_, news))
        assert emulator.modules() == [meant(other)]
        assert not diff(outputs, news).changes
        outputs = found_again(emulator, id_, outputs, news)
        delete(process.open(id_.installation), id_, outputs)
    assert emulator.modules() == []


def refused(emulator: EmulatorFile, inputs: Props) -> None:
    """The documented gap between the two tables of types (tests/emulator/test_rules_agree.py)."""
    with closing(emulator.connections()) as process, pytest.raises(ForgeError) as caught:
        create(process.open(inputs["installation"]), inputs)
    assert "HTTP 422" in str(caught.value)
    assert "nothing was registered" in str(caught.value)
    assert emulator.modules() == []


@soak
@given(st.data(), declarations(), st.sampled_from(sorted(READINGS)))
def test_a_declared_module_is_registered_and_read_back_unchanged(
    emulator: EmulatorFile, data: Any, declared: Props, reading: str
) -> None:
    emulator.clear()
    emulator.reading = reading
    checked = checked_as_ever(emulator, declared)
    assert checked.problems == []
    inputs = over_the_wire(checked.inputs)
    assert json.dumps(inputs) == json.dumps(checked.inputs)
    if declared.get("type") == UNHEARD_OF:
        refused(emulator, inputs)
    else:
        passes_life_cycle(emulator, declared, inputs, data.draw(another_content(declared)))


@soak
@given(st.data(), broken(), st.sampled_from(sorted(READINGS)))
def test_invalid_inputs_are_refused_offline_or_do_no_harm(
    emulator: EmulatorFile, data: Any, declared: Props, reading: str
) -> None:
    emulator.clear()
    emulator.reading = reading
    checked = checked_as_ever(emulator, declared)
    if checked.problems:
        return
    diff({"__schema": 1, "events": ["e"], "function": "f"}, checked.inputs)
    if contains_unknown(checked.inputs):
        return
    inputs = over_the_wire(checked.inputs)
    assert json.dumps(inputs) == json.dumps(checked.inputs)
    if inputs.get("type", "trigger") not in {*TYPES, NEW_TYPE}:
        refused(emulator, inputs)
    else:
        passes_life_cycle(emulator, declared, inputs, data.draw(another_content(inputs)))
