"""Golden states of single resources: preview without changes, refresh, update and delete (docs/adr/0001-state.md).

The file is frozen: a new form of state gets a file of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from testing.independent_server import Server
from testing.plugin import plugin

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "state-schema-1.json").read_text("utf-8"))


@pytest.mark.parametrize("name", list(GOLDEN))
def test_state_of_schema_1_still_works(server: Server, tmp_path: Path, name: str) -> None:
    id_, inputs, outputs = (GOLDEN[name][part] for part in ("id", "inputs", "outputs"))
    version, key = id_.split("/")[1:]
    data = dict(outputs.get("data") or {n: v for n, v in outputs.items() if n in {"events", "function", "endpoint", "filter"}})
    live = json.loads(json.dumps({**data, "key": key}))
    if "filter" in live:
        live["filter"]["appIsLicensed"] = False
    if version == "v2":
        live["viewportSize"] = "medium"
    server.stores[version][key] = {"key": key, "type": outputs.get("type", "trigger"), "data": live}

    # What the program sends today: no resolved properties, the name hidden.
    redact_token_like = inputs.get("__name") or inputs["internal"]["name"]
    program = {n: v for n, v in inputs.items() if n not in {"apiVersion", "internal"}} | {"__name": redact_token_like}
    with plugin(tmp_path, server.environment(), {"atlassian-forge:apiVersion": version}) as forge:
        checked, failures = forge.check(program, olds=inputs)
        assert not failures
        assert forge.diff(id_, outputs, checked).changes == provider_pb2.DiffResponse.DIFF_NONE
        seen_id, seen, _ = forge.read(id_, outputs)
        assert seen_id == id_
        assert forge.diff(id_, seen, checked).changes == provider_pb2.DiffResponse.DIFF_NONE
        forge.update(id_, outputs, checked)
        forge.delete(id_, outputs)
    assert server.modules(version) == []
