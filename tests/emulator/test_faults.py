"""Fault rules at work: what they count, and what several of them do together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pulumi_atlassian_forge.emulator.faults import FaultRule, Faults, IncomingRequest
from tests.support.contract_api import Api, both, of

v1 = pytest.mark.parametrize("version", ["v1"])


def fault(api: Api, *rules: str) -> None:
    for rule in rules:
        api.emulator.faults.add(FaultRule.parse(rule))


def statuses(api: Api, number: int, method: str = "GET") -> list[int]:
    return [api.ask(method).status for _ in range(number)]


@both
def test_a_rule_counts_the_requests_that_it_matches_and_no_others(api: Api) -> None:
    fault(api, f"method=GET,on=module,version={api.version},nth=2,times=2,action=500")
    assert statuses(api, 3) == [200] * 3
    assert [api.ask("GET", "k").status for _ in range(4)] == [404, 500, 500, 404]


@v1
def test_it_counts_from_when_it_was_set(api: Api) -> None:
    statuses(api, 3)
    fault(api, "nth=2,action=500")
    assert statuses(api, 3) == [200, 500, 200]


@v1
def test_an_option_does_not_reset_the_counts(api: Api) -> None:
    fault(api, "nth=3,action=500")
    statuses(api, 2)
    api.option(list_shape="envelope")
    assert statuses(api, 2) == [500, 200]


@v1
def test_cleared_rules_no_longer_apply_and_new_ones_count_from_zero(api: Api) -> None:
    fault(api, "times=0,action=500")
    assert statuses(api, 2) == [500, 500]
    api.emulator.faults.clear()
    assert statuses(api, 2) == [200, 200]
    fault(api, "nth=2,action=500")
    assert statuses(api, 3) == [200, 500, 200]


@v1
def test_the_first_action_wins_and_every_rule_counts(api: Api) -> None:
    fault(api, "nth=2,action=503", "nth=2,times=2,action=500", "nth=4,action=502")
    assert statuses(api, 5) == [200, 503, 500, 502, 200]


@v1
def test_latencies_add_up_and_do_not_change_the_response(api: Api) -> None:
    fault(api, "latency=250", "nth=2,latency=500,times=1", "nth=3,action=hang,seconds=7")
    responses = [api.ask("GET") for _ in range(4)]
    assert [response.delay_s for response in responses] == [0.25, 0.75, 7.25, 0.25]
    assert {(response.status, response.body) for response in responses} == {(200, b"[]")}


@v1
def test_a_latency_does_not_prevent_an_action(api: Api) -> None:
    fault(api, "latency=250", "latency=500,action=500")
    response = api.ask("GET")
    assert (response.status, response.delay_s) == (500, 0.75)


@v1
def test_hang_takes_a_minute_by_default(api: Api) -> None:
    fault(api, "action=hang")
    assert api.ask("GET").delay_s == 60


@v1
def test_chance_is_the_same_on_every_run_and_another_with_another_seed(api: Api) -> None:
    def run(seed: int) -> list[int]:
        api.emulator.faults.clear()
        fault(api, f"chance=0.5,times=0,seed={seed},action=500")
        return statuses(api, 60)

    first = run(1)
    assert 15 < first.count(500) < 45
    assert run(1) == first
    assert run(2) != first


@v1
@pytest.mark.parametrize(("chance", "status"), [("0", 200), ("1", 500)])
def test_no_chance_and_certainty(api: Api, chance: str, status: int) -> None:
    fault(api, f"chance={chance},times=0,action=500")
    assert statuses(api, 50) == [status] * 50


@v1
def test_every_thread_s_request_is_counted_once(api: Api) -> None:
    fault(api, "nth=101,times=50,action=500", "nth=201,times=50,action=503")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: api.ask("GET").status, range(300)))
    assert {status: found.count(status) for status in set(found)} == {200: 200, 500: 50, 503: 50}


def test_rules_see_one_request_at_a_time() -> None:
    class Watching:
        seed, inside, most = 0, 0, 0

        def matches(self, method: str, route: Any) -> bool:
            self.inside += 1
            self.most = max(self.most, self.inside)
            time.sleep(0.002)  # any other thread that could come in does
            self.inside -= 1
            return False

    rule: Any = Watching()
    faults = Faults([rule])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: faults.decide(IncomingRequest("GET", None, None, 0.0), retry_after=True), range(12)))
    assert rule.most == 1


@v1
def test_a_rate_is_for_each_installation_and_for_the_requests_of_its_rule(api: Api) -> None:
    fault(api, "method=GET,rate=2")
    assert statuses(api, 3) == [200, 200, 429]
    assert statuses(api, 3, "POST") == [422] * 3
    api.headers = {"authorization": "Bearer second"}
    assert statuses(api, 3) == [200, 200, 429]


@v1
def test_a_rate_s_second_slides(api: Api) -> None:
    fault(api, "rate=2")
    seen = []
    for seconds in (0, 0.6, 0.3, 0.1, 0.1, 0.5):
        api.now[0] += seconds
        seen.append(api.ask("GET").status)
    assert seen == [200, 200, 429, 200, 429, 200]


@v1
def test_a_rate_holds_within_its_requests_only(api: Api) -> None:
    fault(api, "rate=1,nth=2,times=3")
    assert statuses(api, 6) == [200, 200, 429, 429, 200, 200]


@v1
def test_a_request_without_credentials_is_rejected_and_not_throttled(api: Api) -> None:
    fault(api, "rate=1")
    api.headers = {}
    assert statuses(api, 3) == [401] * 3


@v1
def test_a_request_without_credentials_matches_every_other_fault(api: Api) -> None:
    fault(api, "action=503")
    api.headers = {}
    assert statuses(api, 2) == [503, 401]


@v1
@pytest.mark.parametrize(
    ("action", "message", "type_"),
    [
        ("500", "An internal error occurred", "InternalError"),
        ("401", "Authorization failed", "AuthorizationError"),
        ("429", "Too Many Requests", "RateLimitError"),
        ("503", "Service Unavailable", "ServiceUnavailableError"),
        ("late-504", "Gateway Timeout", "GatewayTimeoutError"),
        ("599", "Unknown Status", "UnknownStatusError"),
    ],
)
def test_an_error_has_the_form_of_the_option(api: Api, action: str, message: str, type_: str) -> None:
    fault(api, f"action={action},times=2")
    assert of(api.ask("GET")) == {"message": message}
    api.option(error_body="typed")
    assert of(api.ask("GET")) == {"type": type_, "code": int(action[-3:]), "message": message}
