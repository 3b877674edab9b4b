from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from pulumi_atlassian_forge.api.rate_limiter import RequestGate
from pulumi_atlassian_forge.session.shutdown import ancestors


def test_a_closed_gate_waits_for_requests_under_way_and_admits_none() -> None:
    gate = RequestGate()
    entered, leave = threading.Event(), threading.Event()

    def request() -> None:
        with gate.enter() as may_enter:
            assert may_enter
            entered.set()
            leave.wait(5)

    worker = threading.Thread(target=request)
    worker.start()
    entered.wait(5)
    closer = threading.Thread(target=gate.close, args=(60.0,))
    closer.start()
    while True:  # until the closer has closed it
        with gate.enter() as may_enter:
            if not may_enter:
                break
    assert closer.is_alive()
    leave.set()
    closer.join(5)
    worker.join(5)
    assert not closer.is_alive()


def test_a_request_in_flight_is_waited_for_within_the_grace_period_only() -> None:
    gate = RequestGate()
    with gate.enter():
        gate.close(grace_s=0.01)


def test_ancestors_are_the_parent_processes() -> None:
    assert ancestors(1) == [os.getppid()]
    assert ancestors(2)[0] == os.getppid()


def test_a_process_exits_when_the_parent_of_its_shell_is_killed() -> None:
    # engine (this middle process) → shell → plugin, as the engine starts a dynamic plugin
    plugin = (
        "import os, time; from pulumi_atlassian_forge.session.shutdown import watch; "
        "watch(interval_s=0.05); print(os.getpid(), flush=True); time.sleep(60)"
    )
    engine = f"import subprocess, sys; subprocess.run(['sh', '-c', '{sys.executable} -c \"$CODE\"; true'])"
    middle = subprocess.Popen(
        [sys.executable, "-c", engine], stdout=subprocess.PIPE, text=True, env={**os.environ, "CODE": plugin}
    )
    assert middle.stdout is not None
    pid = int(middle.stdout.readline())
    middle.kill()
    middle.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
    middle.stdout.close()
    assert not Path(f"/proc/{pid}").exists()
