"""No object of ours shows a token: a debugger, a crash dump of another tool and a careless log print what ``repr`` says."""

from __future__ import annotations

import gc
import json
from contextlib import closing
from pathlib import Path

import pytest

from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.model.module_id import ModuleId
from pulumi_atlassian_forge.redaction import redact_known
from pulumi_atlassian_forge.session.session import Connections
from testing.independent_server import TOKEN, Server

INPUTS = {"__name": ["m"], "installation": "acme", "apiVersion": "v1", "key": "m", "events": ["e"], "endpoint": "h"}


def ours() -> list[object]:
    return [thing for thing in gc.get_objects() if str(type(thing).__module__).startswith("pulumi_atlassian_forge")]


@pytest.mark.parametrize("source", ["token", "tokenFile"])
def test_no_object_of_ours_shows_a_token(server: Server, tmp_path: Path, source: str) -> None:
    (tmp_path / "token").write_text(TOKEN, "utf-8")
    how = {"token": TOKEN} if source == "token" else {"tokenFile": str(tmp_path / "token")}
    config = {"atlassian-forge:installations": json.dumps({"acme": {"baseUrl": server.base_url, **how}})}
    with closing(Connections(config.get, tmp_path)) as connections:
        connection = connections.open("acme")
        id_, outputs = create(connection, INPUTS)
        server.interfere = lambda call: (401, {"message": f"no: {TOKEN}"})
        with pytest.raises(ForgeError) as failed:
            update(connection, id_, INPUTS, outputs)
        with pytest.raises(ForgeError):
            read(connection, ModuleId("acme", "v1", "m"), outputs)
        assert redact_known(f"one {TOKEN}") == "one [redacted]"  # it is there, and is looked for
        found = ours()
        assert {"Connection", "Client", "BearerToken", "Installations"} <= {type(thing).__name__ for thing in found}
        shown = [repr(thing) for thing in [*found, failed.value]]
    assert not [text for text in shown if TOKEN in text]
