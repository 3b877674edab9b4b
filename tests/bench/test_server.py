"""The benchmark's server: its latency holds for many requests at once, and each row has an installation of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from bench.server import Site, running

MODULES = "/forge/installation/v2/dynamic/module"


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running() as url:
        yield url


def client(site: Site) -> httpx.Client:
    return httpx.Client(base_url=site.base_url, headers={"Authorization": f"Bearer {site.token}"}, trust_env=False)


def test_sixteen_requests_at_once_wait_side_by_side(base_url: str) -> None:
    site = Site(base_url, "sixteen")
    site.begin(0.3, envelope=True)
    with client(site) as requests, ThreadPoolExecutor(16) as pool:

        def register(_: int) -> float:
            began = time.perf_counter()
            response = requests.post(MODULES, json={"type": "trigger", "data": {}})
            assert response.status_code == 201
            return time.perf_counter() - began

        took = list(pool.map(register, range(16)))
    assert min(took) >= 0.3
    counted = site.counted()
    assert (counted.requests, counted.methods["POST"], counted.most_in_flight, counted.modules) == (16, 16, 16, 16)


def test_a_connection_serves_many_requests(base_url: str) -> None:
    site = Site(base_url, "kept")
    site.begin(0.0, envelope=False)
    with client(site) as requests:
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


def test_the_counters_start_again_when_they_were_read_and_the_modules_stay(base_url: str) -> None:
    site, other = Site(base_url, "one"), Site(base_url, "other")
    for each in (site, other):
        each.begin(0.0, envelope=True)
    with client(site) as requests:
        requests.post(MODULES, json={"type": "trigger", "data": {}})
    assert (site.counted().requests, other.counted().requests) == (1, 0)
    assert (site.counted().requests, site.counted().modules) == (0, 1)
    site.begin(0.0, envelope=True)
    assert site.counted().modules == 0


def test_an_unknown_token_is_refused(base_url: str) -> None:
    with client(Site(base_url, "nobody")) as requests:
        assert requests.get(f"{MODULES}/").status_code == 401
