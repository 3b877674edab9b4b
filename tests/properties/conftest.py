from __future__ import annotations

import functools
import os

import httpx
import pytest

from pulumi_atlassian_forge.api.rate_limiter import RateLimiter
from pulumi_atlassian_forge.lifecycle import installation_guard, recovery
from pulumi_atlassian_forge.session import connection, session
from testing import independent_server
from tests.support.clients import ENVIRONMENT
from tests.support.timing import Clock


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENVIRONMENT, *(name.lower() for name in ENVIRONMENT)):
        monkeypatch.delenv(name, raising=False)
    for name in list(os.environ):
        if name.startswith("ATLASSIAN_FORGE_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of runs, each a process of its own, would wait for hours: for retries, looks, company and certificates."""
    clock = Clock()
    monkeypatch.setattr(connection, "RateLimiter", lambda notify, advice="": RateLimiter(notify, clock, clock.sleep, advice))
    monkeypatch.setattr(session, "InstallationGuard", functools.partial(installation_guard.InstallationGuard, wait_s=0.0))
    monkeypatch.setattr(installation_guard, "FIRST_REGISTER_WAIT_S", 0.0)
    monkeypatch.setattr(recovery, "VERIFICATION_DELAYS_S", (0.0, 0.001, 0.002))
    # Its responses go out in two writes, and the second would wait for the client to confirm the first.
    monkeypatch.setattr(independent_server._Handler, "disable_nagle_algorithm", True)
    monkeypatch.setattr(httpx, "create_ssl_context", functools.cache(httpx.create_ssl_context))
