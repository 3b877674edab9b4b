"""examples/remote-broker for a CI that has client certificates: a second process, on the same database."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from tests.support.broker import CERTIFICATE, Broker, Place, running
from tests.support.certificates import Authority
from tests.support.issuers import ACME, github_claims, signed, system_token

ADMITTED = x509.UniformResourceIdentifier(CERTIFICATE)


@dataclass(frozen=True)
class Closed:
    """The broker that wants certificates, and what it trusts."""

    broker: Broker
    authority: Authority

    def fetch(self, certificate: str | None = None, path: str = "/v1/installations/acme/token", **headers: str) -> httpx.Response:
        tls = ssl.create_default_context(cafile=self.authority.pem)
        if certificate:
            tls.load_cert_chain(certificate)
        with httpx.Client(verify=tls, timeout=15, trust_env=False) as client:
            return client.post(f"{self.broker.base_url}{path}", headers=headers)


@pytest.fixture(scope="module")
def closed(places: Callable[[], Place], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    place, authority = places(), Authority(tmp_path_factory.mktemp("pem"))
    with running(place) as open_one:
        assert open_one.deliver(TOKEN).status_code == 204
    with running(place, CLIENT_CA=str(authority.pem), **authority.server()) as broker:
        yield Closed(broker, authority)


TOKEN = system_token()


@pytest.mark.parametrize("others", [[], [x509.DNSName("runner-7.ci.test")]])
def test_a_certificate_with_a_name_that_a_rule_has_gets_the_token(closed: Closed, others: list[x509.GeneralName]) -> None:
    fetched = closed.fetch(closed.authority.client(*others, ADMITTED))
    assert (fetched.status_code, fetched.json()["token"], fetched.json()["installationId"]) == (200, TOKEN, ACME)
    assert CERTIFICATE in closed.broker.log("handed-out")[-1]["certificate"].split()


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ([x509.UniformResourceIdentifier("spiffe://ci.test/globex")], 403),
        ([x509.UniformResourceIdentifier(f"{CERTIFICATE}/more")], 403),
        ([x509.DNSName("ci.test")], 403),
        ([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))], 401),
        ([], 401),  # its common name is what the rule has: that proves nothing (RFC 9525, 2)
    ],
)
def test_a_certificate_with_another_name_gets_nothing(closed: Closed, names: list[x509.GeneralName], status: int) -> None:
    refused = closed.fetch(closed.authority.client(*names))
    assert refused.status_code == status
    assert TOKEN not in refused.text


def strangers(closed: Closed, tmp_path: Path) -> dict[str, str | None]:
    return {
        "none": None,
        "another authority's": Authority(tmp_path).client(ADMITTED),
        "expired": closed.authority.client(ADMITTED, valid_for=timedelta(days=-1)),
    }


@pytest.mark.parametrize("case", ["none", "another authority's", "expired"])
def test_a_stranger_does_not_get_past_the_handshake(closed: Closed, tmp_path: Path, case: str) -> None:
    said = closed.broker.place.said
    with pytest.raises(httpx.TransportError):
        closed.fetch(strangers(closed, tmp_path)[case], authorization=f"Bearer {signed(github_claims())}")
    assert closed.broker.place.said == said


def test_forge_has_no_certificate_and_so_no_way_in(closed: Closed) -> None:
    assert closed.fetch(closed.authority.client(ADMITTED), "/v1/forge/token").status_code == 404


def test_an_identity_of_a_ci_does_not_stand_in_for_the_name_in_the_certificate(closed: Closed) -> None:
    other = closed.authority.client(x509.DNSName("ci.test"))
    assert closed.fetch(other, authorization=f"Bearer {signed(github_claims())}").status_code == 403


def test_tls_without_client_certificates_serves_both(fresh: Place, tmp_path: Path) -> None:
    authority, token = Authority(tmp_path), system_token()
    with running(fresh, **authority.server()) as broker:
        broker.client = httpx.Client(
            base_url=broker.base_url, verify=ssl.create_default_context(cafile=authority.pem), timeout=15
        )
        with broker.client:
            assert broker.deliver(token).status_code == 204
            assert broker.fetch(signed(github_claims())).json()["token"] == token
