"""The plugin's thread pool: no call waits for calls that wait, with the newest and the minimum SDK (docs/adr/0005-threads.md)."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from google.protobuf import empty_pb2

from testing.independent_server import Server, serve
from testing.plugin import INPUTS, plugin


def test_a_check_and_a_cancel_do_not_wait_for_registers_that_wait(python: str, server: Server, tmp_path: Path) -> None:
    """The engine asks for both one after the other: with four threads a Ctrl-C would take effect after the pause."""
    server.interfere = lambda call: (429, {"message": "slow down"}, {"retry-after": "3"}) if call.method == "POST" else None
    with plugin(tmp_path, server.environment(), {}, python=python) as forge, ThreadPoolExecutor(8) as pool:
        inputs = [forge.check({**INPUTS, "__name": [f"m{i}"], "key": f"m{i}"})[0] for i in range(8)]
        waiting = [pool.submit(forge.create, given) for given in inputs]
        while not server.calls:
            time.sleep(0.01)
        began = time.monotonic()
        forge.check(INPUTS)
        forge.stub.Cancel(empty_pb2.Empty(), timeout=30)
        assert time.monotonic() - began < 1
        assert server.most_in_flight <= 4
        server.interfere = lambda call: None
        assert all(future.result(60) for future in waiting)


def test_a_cancel_does_not_wait_for_deletes_that_came_before_the_settings(python: str, server: Server, tmp_path: Path) -> None:
    """In a refresh and a destroy no check comes first: the engine asks for as many as it may, all at once."""
    server.interfere = lambda call: (429, {"message": "slow down"}, {"retry-after": "30"})
    outputs = {"__schema": 1, "events": ["e"], "endpoint": "hook", "installation": "default", "apiVersion": "v1"}
    with ThreadPoolExecutor(16) as pool, plugin(tmp_path, server.environment(), {}, python=python) as forge:
        waiting = [pool.submit(forge.delete, f"default/v1/m{i}", {**outputs, "key": f"m{i}"}) for i in range(16)]
        while not server.calls:
            time.sleep(0.01)
        forge.stub.Cancel(empty_pb2.Empty(), timeout=15)
        assert not any(future.done() for future in waiting)


def test_a_register_does_not_wait_for_a_hundred_on_another_installation(python: str, server: Server, tmp_path: Path) -> None:
    server.interfere = lambda call: (429, {"message": "slow down"}, {"retry-after": "30"})
    with serve() as other, ThreadPoolExecutor(100) as pool:
        environment = server.environment(ATLASSIAN_FORGE_OTHER_BASE_URL=other.base_url, ATLASSIAN_FORGE_OTHER_TOKEN=other.token)
        config = {"atlassian-forge:installations": json.dumps({"other": {}})}
        with plugin(tmp_path, environment, config, python=python) as forge:
            inputs = [forge.check({**INPUTS, "__name": [f"m{i}"], "key": f"m{i}"})[0] for i in range(100)]
            mine = forge.check({**INPUTS, "installation": "other"})[0]
            waiting = [pool.submit(forge.create, given) for given in inputs]
            while not server.calls:
                time.sleep(0.01)
            forge.create(mine)
            assert not any(future.done() for future in waiting)
    assert len(other.modules()) == 1


def test_a_waiting_plugin_exits_when_the_engine_cancels(python: str, server: Server, tmp_path: Path) -> None:
    server.interfere = lambda call: (429, {"message": "slow down"}, {"retry-after": "30"})
    with ThreadPoolExecutor(1) as pool:
        with plugin(tmp_path, server.environment(), {}, python=python) as forge:
            waiting = pool.submit(forge.create, forge.check(INPUTS)[0])
            while not server.calls:
                time.sleep(0.01)
            began = time.monotonic()
        assert time.monotonic() - began < 4  # the engine kills after five
        assert waiting.exception(10) is not None
    assert len(server.calls) == 1
