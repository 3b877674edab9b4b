"""Stateful property test with a server that normalizes what it is sent.

The events are those of :mod:`tests.properties.test_machine`. Beside them: no endless update, and no change outside Pulumi hidden
(except at paths that the server adds, docs/adr/0001-state.md).
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.diff import diff
from pulumi_atlassian_forge.model.content import content_of
from testing.normalizing import NORMALIZATIONS, normalized
from testing.soak import SOAK, runs
from tests.properties import test_machine
from tests.properties.test_machine import Entry, Machine, Props, Version, a_number

pytestmark = pytest.mark.timeout(runs(600, 7200))

FILTERS = [
    None,
    {"ignoreSelf": False},
    {"expression": "\r\n event.Issue.key == 'Ve\u0301lo'\r\n", "ignoreSelf": False},
    {"expression": "A", "onError": "IGNORE", "appIsLicensed": True},
]
PAYLOADS = [None, {"include": {"fields": ["Summary ", "assignee", "b"], "propertyPaths": []}}]
EVENTS = ["avi:jira:updated:issue", "avi:jira:created:issue"]
shapes = st.integers(0, len(FILTERS) * len(PAYLOADS) - 1)


class NormalizingMachine(Machine):
    shape = 0

    @initialize(names=st.lists(st.sampled_from(sorted(NORMALIZATIONS)), max_size=4, unique=True))
    def the_server_normalizes(self, names: list[str]) -> None:
        self.names = names
        self.server.empty_201 = False  # else only the comparison rules hold until the first update
        self.server.rewrite = lambda module: {**module, "data": normalized(module["data"], self.names)}

    @initialize(shape=st.sampled_from(["array", "envelope"]))
    def the_server_changes_its_options(self, shape: str) -> None:
        self.server.list_shape, self.server.page_size = shape, 2

    @rule(shape=shapes)
    def the_program_has_another_form(self, shape: int) -> None:
        """For what is registered or updated from now on."""
        self.shape = shape

    @precondition(lambda self: any(entry.live is not None for entry in self.state.values()))
    @rule(number=a_number)
    def a_filter_is_changed_outside_pulumi(self, number: int) -> None:
        """Through the API, so that the server normalizes that, too."""
        alive = self.alive("v1") + self.alive("v2")
        entry = alive[number % len(alive)]
        self.counted += 1
        store = self.server.stores[entry.id.version]
        module = store[entry.id.key]
        changed = {**module["data"], "filter": {"expression": f"{self.counted} changed", "onError": "RECEIVE"}}
        store[entry.id.key] = self.server.rewrite({**module, "data": changed})
        entry.is_changed = True

    def declared(self, name: str, version: Version, hook: str) -> Props:
        inputs = {**test_machine.declared(name, version, hook), "events": EVENTS}
        filter_, payload = FILTERS[self.shape % len(FILTERS)], PAYLOADS[self.shape // len(FILTERS)]
        return inputs | ({"filter": filter_} if filter_ else {}) | ({"payload": payload} if payload else {})

    def shows(self, entry: Entry, inputs: Props) -> None:
        declared = content_of(entry.inputs).data
        found = content_of(entry.outputs).data
        assert content_of(inputs).data == found
        if entry.is_changed:
            stored = self.server.stores[entry.id.version][entry.id.key]["data"]["filter"]
            assert found["filter"]["expression"] == stored["expression"]
            assert diff(entry.outputs, entry.inputs).changes
            return
        assert found == {**declared, "endpoint": entry.live}
        assert diff(entry.outputs, entry.inputs).changes == (entry.inputs["endpoint"] != entry.live)

    def is_cleared_up(self, name: str, version: Version, inputs: Props, key: str) -> None:
        """Under v1 the message of the next run may name ``adopt=True``: nothing proves that the module is ours."""
        try:
            super().is_cleared_up(name, version, inputs, key)
        except ForgeError as error:
            text = str(error)
        else:
            return
        assert "An interrupted run of this program may have registered it; it differs at /" in text
        assert "adopt=True" in text
        super().is_cleared_up(name, version, {**inputs, "adopt": True}, key)
        self.state[name].inputs = inputs


def test_what_a_server_normalizes_is_neither_a_change_nor_another_module() -> None:
    run_state_machine_as_test(
        NormalizingMachine,
        settings=settings(
            max_examples=runs(50, 2000),
            stateful_step_count=runs(20, 40),
            deadline=None,
            derandomize=not SOAK,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
