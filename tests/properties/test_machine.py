"""Stateful property test: after any order of events the state holds what the server has, once.

The test plays the engine, which keeps the state; clients outside Pulumi; a network that loses responses; and the user, who
follows the advice of a message. Its model is compared with the server after each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.diff import diff
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.model.content import content_of
from pulumi_atlassian_forge.model.module_id import ModuleId
from pulumi_atlassian_forge.session.connection import Connection
from pulumi_atlassian_forge.session.session import Connections
from testing.independent_server import Call, Server, serve
from testing.soak import SOAK, runs
from tests.support.faults import FAULTS, Fault

Version = Literal["v1", "v2"]
Props = dict[str, Any]
NAMES = [f"m{i}" for i in range(6)]
HOOKS = ["hook-0", "hook-1"]
EVENTS = ["avi:jira:updated:issue"]
pytestmark = pytest.mark.timeout(runs(300, 3600))
versions = st.sampled_from(["v1", "v2"])
hooks = st.sampled_from(HOOKS)
a_number = st.integers(0, 1000)
faults = st.none() | st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(0, 2), st.integers(1, 6))
"""Which, how many requests are spared before it, and how many it strikes in a row."""


@dataclass
class Entry:
    """A module in the state: what was declared, what a hook returned, and the endpoint that it has on the server."""

    id: ModuleId
    inputs: Props
    outputs: Props
    live: str | None
    is_changed: bool = False  # in another property, outside Pulumi

    @property
    def is_deleted(self) -> bool:
        return self.live is None


class Weather:
    """A fault at the next requests, whatever they are."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.spared = 0
        self.left = 0
        self.struck = 0
        self._strikes = False

    def turn(self, fault: tuple[str, int, int] | None) -> None:
        """From now on this one; without one the weather stays as it is."""
        if fault is not None:
            self.fault, self.spared, self.left = FAULTS[fault[0]], fault[1], fault[2]

    def before(self, call: Call) -> Any:
        self._strikes = self.fault is not None and self.spared == 0 and self.left > 0
        self.spared = max(0, self.spared - 1)
        if not self._strikes:
            return None
        self.left -= 1
        self.struck += 1
        return self._response("before")

    def after(self, call: Call, status: int, body: bytes) -> Any:
        return self._response("after") if self._strikes else None

    def _response(self, when: str) -> Any:
        return self.fault.response if self.fault is not None and self.fault.when == when else None

    @contextmanager
    def calm(self) -> Iterator[None]:
        """No fault for a while."""
        fault, self.fault = self.fault, None
        yield
        self.fault = fault


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.server: Server = self.closing.enter_context(serve())
        self.weather = Weather()
        self.server.interfere, self.server.distort = self.weather.before, self.weather.after
        self.state: dict[str, Entry] = {}
        self.foreign: set[str] = set()
        self.counted = 0
        self.process = self.started()

    def teardown(self) -> None:
        self.process.close()
        self.closing.close()

    # -- the engine -----------------------------------------------------------------------------------------------------------

    @initialize(shape=st.sampled_from(["array", "envelope"]), empty=st.booleans(), adds=st.booleans())
    def the_server_changes_its_options(self, shape: str, empty: bool, adds: bool) -> None:
        self.server.list_shape, self.server.page_size, self.server.empty_201 = shape, 2, empty
        if adds:
            self.server.rewrite = lambda module: {**module, "data": {**module["data"], "links": {"self": "x"}}}

    @precondition(lambda self: self.is_used)
    @rule()
    def new_process(self) -> None:
        self.process.close()
        self.process = self.started()

    @precondition(lambda self: len(self.state) < len(NAMES))
    @rule(version=versions, hook=hooks, number=a_number, fault=faults)
    def registers(self, version: Version, hook: str, number: int, fault: Any) -> None:
        self.weather.turn(fault)
        free = [name for name in NAMES if name not in self.state]
        name = free[number % len(free)]
        inputs = self.declared(name, version, hook)
        known = self.keys()
        self.all_are_known_where_one_was_in_doubt()
        try:
            id_, outputs = self.operation(lambda: create(self.connection, inputs))
        except ForgeError as error:
            left = self.keys() - known
            self.explains(error, could_fail=not self.alive(version), untrue="nothing was registered" if left else "")
            assert len(left) <= 1
            for key in left:
                self.is_cleared_up(name, version, inputs, key.removeprefix(f"{version}/"))
        else:
            assert f"{version}/{id_.key}" not in known
            self.state[name] = Entry(id_, inputs, outputs, hook)
            self.made.add(id_)

    @precondition(lambda self: self.state)
    @rule(number=a_number, hook=hooks, fault=faults)
    def updates(self, number: int, hook: str, fault: Any) -> None:
        self.weather.turn(fault)
        name, entry = self.some(number)
        news = self.declared(name, entry.id.version, hook)
        was = entry.live
        try:
            entry.outputs = self.operation(lambda: update(self.connection, entry.id, news, entry.outputs), entry)
        except ForgeError as error:
            entry.live = self.live(entry.id)
            assert entry.live in (was, hook)
            self.explains(error, could_fail=was is None, untrue="it was left as it was" if entry.live != was else "")
        else:
            entry.inputs, entry.live, entry.is_changed = news, hook, False

    @precondition(lambda self: self.state)
    @rule(number=a_number, fault=faults)
    def deletes(self, number: int, fault: Any) -> None:
        self.weather.turn(fault)
        name, entry = self.some(number)
        try:
            self.operation(lambda: delete(self.connection, entry.id, entry.outputs), entry)
        except ForgeError as error:
            was, entry.live = entry.live, self.live(entry.id)
            self.explains(error, could_fail=was is None, untrue="it is still registered" if entry.live != was else "")
        else:
            del self.state[name]

    @precondition(lambda self: self.state)
    @rule(fault=faults)
    def refreshes(self, fault: Any) -> None:
        """A process of its own, and existing modules first: a deleted module needs a confirmed one."""
        self.weather.turn(fault)
        self.new_process()
        seen: set[Version] = set()
        for name, entry in sorted(self.state.items(), key=lambda item: item[1].is_deleted):
            version = entry.id.version
            before = self.weather.struck
            try:
                found = read(self.connection, entry.id, entry.outputs)
            except ForgeError as error:
                could_fail = entry.is_deleted and version not in seen
                self.explains(error, could_fail=could_fail, struck=self.weather.struck - before)
                continue
            if found is None:
                assert entry.is_deleted
                del self.state[name]
                continue
            assert not entry.is_deleted
            seen.add(version)
            entry.outputs = found[0]
            self.shows(entry, found[1])

    def declared(self, name: str, version: Version, hook: str) -> Props:
        return declared(name, version, hook)

    def shows(self, entry: Entry, inputs: Props) -> None:
        """What a refresh writes down is what is there, and it is a change exactly where it is not what was declared."""
        assert content_of(entry.outputs).data == {"events": EVENTS, "endpoint": entry.live}
        assert inputs == {**entry.inputs, "endpoint": entry.live}
        assert diff(entry.outputs, entry.inputs).changes == (entry.inputs["endpoint"] != entry.live)

    # -- the people -----------------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.foreign) < 3)  # else there is hardly anything else
    @rule(version=versions)
    def another_client_registers(self, version: Version) -> None:
        self.counted += 1
        key = f"other-{self.counted}"
        data = {"events": EVENTS, "endpoint": key, "key": key}
        self.server.stores[version][key] = {"key": key, "type": "trigger", "data": data}
        self.foreign.add(f"{version}/{key}")

    @precondition(lambda self: self.spare())
    @rule(number=a_number)
    def one_is_deleted_outside_pulumi(self, number: int) -> None:
        spare = self.spare()
        entry = spare[number % len(spare)]
        del self.server.stores[entry.id.version][entry.id.key]
        entry.live = None

    @precondition(lambda self: any(not entry.is_deleted for entry in self.state.values()))
    @rule(number=a_number)
    def one_is_changed_outside_pulumi(self, number: int) -> None:
        alive = self.alive("v1") + self.alive("v2")
        entry = alive[number % len(alive)]
        self.counted += 1
        entry.live = f"changed-{self.counted}"
        self.server.stores[entry.id.version][entry.id.key]["data"]["endpoint"] = entry.live

    def is_cleared_up(self, name: str, version: Version, inputs: Props, key: str) -> None:
        """A register that failed has left a module: the message says that it may, and the user checks.

        Under v1 to run the command again is enough; under v2 its owner is unknown, so it is deleted and registered again.
        """
        if version == "v2":
            del self.server.stores[version][key]
            return
        with self.weather.calm():
            self.new_process()
            id_, outputs = create(self.connection, inputs)
        self.state[name] = Entry(id_, inputs, outputs, inputs["endpoint"])
        self.made.add(id_)

    # -- what always holds ----------------------------------------------------------------------------------------------------

    @invariant()
    def what_the_state_holds_is_there_once(self) -> None:
        there = {f"{entry.id.version}/{entry.id.key}" for entry in self.state.values() if not entry.is_deleted}
        assert len(there) == sum(not entry.is_deleted for entry in self.state.values())
        assert self.keys() == there | self.foreign
        for entry in self.state.values():
            assert self.live(entry.id) == entry.live
        for version in ("v1", "v2"):
            assert self.endpoints(version) == sorted(str(entry.live) for entry in self.alive(version))

    # -- helpers --------------------------------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        self.is_used = True
        return self.process.open("default")

    def started(self) -> Connections:
        self.is_used = self.is_in_doubt = False
        self.made: set[ModuleId] = set()
        config = {"atlassian-forge:baseUrl": self.server.base_url, "atlassian-forge:token": self.server.token}
        return Connections(config.get, Path("/"))

    def operation(self, run: Any, entry: Entry | None = None) -> Any:
        """One operation. Before one on a deleted module this process reads an existing one, which confirms the installation.

        No command of the engine makes a module and then changes it: that is another process.
        """
        if entry is not None and entry.id in self.made:
            self.new_process()
        if entry is not None and entry.is_deleted and (others := self.alive(entry.id.version)):
            with self.weather.calm():
                read(self.connection, others[0].id, others[0].outputs)
        self.weather.struck = 0
        return run()

    def all_are_known_where_one_was_in_doubt(self) -> None:
        """An `up` compares each module of the program: if one raises doubt about the token, the others can confirm it."""
        if self.is_in_doubt:
            for entry in self.state.values():
                self.process.guard("default").on_recorded(entry.id.version, entry.id.key, entry.outputs)

    def explains(self, error: ForgeError, *, could_fail: bool, struck: int | None = None, untrue: str = "") -> None:
        """An operation fails only for a reason, and says in a few lines what became of the module, and nothing untrue."""
        struck = self.weather.struck if struck is None else struck
        assert struck or could_fail, str(error)
        self.is_in_doubt |= not struck
        lines = str(error).split("\n")
        assert 3 <= len(lines) <= 6 or "see the message about" in lines[-1]
        assert self.server.token not in str(error)
        assert not untrue or untrue not in str(error)

    def keys(self) -> set[str]:
        return {f"{version}/{key}" for version, store in self.server.stores.items() for key in store}

    def live(self, id_: ModuleId) -> str | None:
        module = self.server.stores[id_.version].get(id_.key)
        return None if module is None else module["data"]["endpoint"]

    def endpoints(self, version: Version) -> list[str]:
        """What is on the server and was registered by Pulumi."""
        modules = self.server.stores[version].items()
        return sorted(module["data"]["endpoint"] for key, module in modules if f"{version}/{key}" not in self.foreign)

    def some(self, number: int) -> tuple[str, Entry]:
        return list(self.state.items())[number % len(self.state)]

    def alive(self, version: Version) -> list[Entry]:
        return [entry for entry in self.state.values() if entry.id.version == version and not entry.is_deleted]

    def spare(self) -> list[Entry]:
        """Those that have company: another module of the state stays."""
        return [entry for version in ("v1", "v2") if len(alive := self.alive(version)) > 1 for entry in alive]


def declared(name: str, version: Version, hook: str) -> Props:
    key = {"key": name} if version == "v1" else {}
    return {"__name": [name], "installation": "default", "apiVersion": version, **key, "events": EVENTS, "endpoint": hook}


def test_the_state_and_the_server_agree_whatever_happens() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=runs(80, 600),
            stateful_step_count=runs(25, 40),
            deadline=None,
            derandomize=not SOAK,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
