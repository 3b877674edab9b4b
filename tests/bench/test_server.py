"""The benchmark's test server: its latency holds for concurrent requests, and each token has its own installation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from bench.server import Installation, run_server

MODULES = "/forge/installation/v2/dynamic/module"


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with run_server() as url:
        yield url


def client(installation: Installation) -> httpx.Client:
    return httpx.Client(
        base_url=installation.base_url, headers={"Authorization": f"Bearer {installation.token}"}, trust_env=False
    )


def test_sixteen_concurrent_requests_wait_in_parallel(base_url: str) -> None:
    installation = Installation(base_url, "sixteen")
    installation.reset(0.3, envelope=True)
    with client(installation) as requests, ThreadPoolExecutor(16) as pool:

        def register(_: int) -> float:
            began = time.perf_counter()
            response = requests.post(MODULES, json={"type": "trigger", "data": {}})
            assert response.status_code == 201
            return time.perf_counter() - began

        took = list(pool.map(register, range(16)))
    assert min(took) >= 0.3
    counted = installation.read_counts()
    assert (counted.requests, counted.methods["POST"], counted.most_in_flight, counted.modules) == (16, 16, 16, 16)


def test_a_connection_serves_many_requests(base_url: str) -> None:
    installation = Installation(base_url, "kept")
    installation.reset(0.0, envelope=False)
    with client(installation) as requests:
        made = requests.post(MODULES, json={"type": "trigger", "data": {}})
        responses = [
            made,
            requests.get(f"{MODULES}/"),
            requests.delete(f"{MODULES}/{made.json()['key']}"),
            requests.get(f"{MODULES}/"),
        ]
        connections = {response.extensions["network_stream"].get_extra_info("client_addr") for response in responses}
    assert [response.status_code for response in responses] == [201, 200, 204, 200]
    assert responses[-1].json() == []
    assert len(connections) == 1


def test_reading_the_counts_resets_them_and_keeps_the_modules(base_url: str) -> None:
    installation, other = Installation(base_url, "one"), Installation(base_url, "other")
    for each in (installation, other):
        each.reset(0.0, envelope=True)
    with client(installation) as requests:
        requests.post(MODULES, json={"type": "trigger", "data": {}})
    assert (installation.read_counts().requests, other.read_counts().requests) == (1, 0)
    assert (installation.read_counts().requests, installation.read_counts().modules) == (0, 1)
    installation.reset(0.0, envelope=True)
    assert installation.read_counts().modules == 0


def test_an_unknown_token_is_refused(base_url: str) -> None:
    with client(Installation(base_url, "unknown")) as requests:
        assert requests.get(f"{MODULES}/").status_code == 401
