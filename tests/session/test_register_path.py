"""How far a register is from the hook to the socket: files entered and frames on the stack, in a warm process under v1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

import pulumi_atlassian_forge
from pulumi_atlassian_forge import provider
from pulumi_atlassian_forge.emulator.transport import EmulatorTransport

PACKAGE = Path(pulumi_atlassian_forge.__file__).parent
MAX_FILES, MAX_FRAMES = 14, 12


def _file(frame: FrameType) -> str | None:
    """The file of the package in which a frame runs; None outside it and in the emulator, which stands for the server."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(PACKAGE):
        return None
    name = str(path.relative_to(PACKAGE))
    return None if name.startswith("emulator/") else name


@pytest.fixture
def _own_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(provider, "_process", provider._Process())
    monkeypatch.setattr("pulumi_atlassian_forge.session.shutdown.watch", lambda: None)
    monkeypatch.setattr("pulumi_atlassian_forge.session.shutdown.exit_when_asked", lambda is_busy: None)
    limit = getattr(sys, "tracebacklimit", None)
    config = {"atlassian-forge:baseUrl": f"emulator://{tmp_path / 'forge.db'}", "atlassian-forge:apiVersion": "v1"}
    provider.PROVIDER.configure(SimpleNamespace(config=config))  # type: ignore[arg-type] # what a hook reads of a request
    yield
    provider._process.session.connections.close()
    if limit is None:
        del sys.tracebacklimit


def _register(name: str) -> None:
    declared = {"__name": [name], "installation": "default", "events": ["avi:jira:created:issue"], "function": "notify"}
    checked = provider.PROVIDER.check({}, declared)
    assert not checked.failures
    provider.PROVIDER.create(checked.inputs)


@pytest.mark.usefixtures("_own_process")
def test_a_register_is_short_to_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _register("warm")
    files: list[str] = []
    at_the_socket: list[tuple[list[str], list[str]]] = []
    handle = EmulatorTransport.handle_request

    def counted(self: EmulatorTransport, request: Any) -> Any:
        frame: FrameType | None = sys._getframe()
        stack = []
        while frame is not None:
            if (name := _file(frame)) is not None:
                stack.append(f"{name}:{frame.f_code.co_name}")
            frame = frame.f_back
        at_the_socket.append(([*dict.fromkeys(files)], stack[::-1]))
        return handle(self, request)

    def entered(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and (name := _file(frame)) is not None:
            files.append(name)

    monkeypatch.setattr(EmulatorTransport, "handle_request", counted)
    declared = {"__name": ["traced"], "installation": "default", "events": ["avi:jira:created:issue"], "function": "notify"}
    checked = provider.PROVIDER.check({}, declared)
    sys.setprofile(entered)
    try:
        provider.PROVIDER.create(checked.inputs)
    finally:
        sys.setprofile(None)
    ((before, stack),) = at_the_socket
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(before)} files entered before the request leaves, {len({*files})} in all: {', '.join(before)}\n"
        )
        sys.stdout.write(f"{len(stack)} frames at the socket: {' > '.join(stack)}\n")
    assert len(before) <= MAX_FILES, before
    assert len(stack) <= MAX_FRAMES, stack
