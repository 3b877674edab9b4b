"""Client certificates of examples/remote-broker: a second process on the same database."""

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

from tests.support.broker import CERTIFICATE, Broker, BrokerFiles, run_broker
from tests.support.certificates import Authority
from tests.support.issuers import ACME, github_claims, signed, system_token

ALLOWED_NAME = x509.UniformResourceIdentifier(CERTIFICATE)


@dataclass(frozen=True)
class MutualTlsBroker:
    """A broker that requires client certificates, and the authority that it trusts."""

    broker: Broker
    authority: Authority

    def fetch(self, certificate: str | None = None, path: str = "/v1/installations/acme/token", **headers: str) -> httpx.Response:
        tls = ssl.create_default_context(cafile=self.authority.pem)
        if certificate:
            tls.load_cert_chain(certificate)
        with httpx.Client(verify=tls, timeout=15, trust_env=False) as client:
            return client.post(f"{self.broker.base_url}{path}", headers=headers)


@pytest.fixture(scope="module")
def mtls_broker(make_files: Callable[[], BrokerFiles], tmp_path_factory: pytest.TempPathFactory) -> Iterator[MutualTlsBroker]:
    files, authority = make_files(), Authority(tmp_path_factory.mktemp("pem"))
    with run_broker(files) as public_broker:
        assert public_broker.deliver(TOKEN).status_code == 204
    with run_broker(files, CLIENT_CA=str(authority.pem), **authority.server()) as broker:
        yield MutualTlsBroker(broker, authority)


TOKEN = system_token()


@pytest.mark.parametrize("others", [[], [x509.DNSName("runner-7.ci.test")]])
def test_a_certificate_with_the_name_of_a_rule_gets_the_token(
    mtls_broker: MutualTlsBroker, others: list[x509.GeneralName]
) -> None:
    fetched = mtls_broker.fetch(mtls_broker.authority.client(*others, ALLOWED_NAME))
    assert (fetched.status_code, fetched.json()["token"], fetched.json()["installationId"]) == (200, TOKEN, ACME)
    assert CERTIFICATE in mtls_broker.broker.log("token-issued")[-1]["certificate"].split()


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ([x509.UniformResourceIdentifier("spiffe://ci.test/globex")], 403),
        ([x509.UniformResourceIdentifier(f"{CERTIFICATE}/more")], 403),
        ([x509.DNSName("ci.test")], 403),
        ([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))], 401),
        ([], 401),  # only its common name matches the rule, which does not count (RFC 9525, section 2)
    ],
)
def test_a_certificate_with_another_name_gets_nothing(
    mtls_broker: MutualTlsBroker, names: list[x509.GeneralName], status: int
) -> None:
    refused = mtls_broker.fetch(mtls_broker.authority.client(*names))
    assert refused.status_code == status
    assert TOKEN not in refused.text


def invalid_certificates(mtls_broker: MutualTlsBroker, tmp_path: Path) -> dict[str, str | None]:
    return {
        "none": None,
        "another authority's": Authority(tmp_path).client(ALLOWED_NAME),
        "expired": mtls_broker.authority.client(ALLOWED_NAME, valid_for=timedelta(days=-1)),
    }


@pytest.mark.parametrize("case", ["none", "another authority's", "expired"])
def test_an_invalid_certificate_fails_the_handshake(mtls_broker: MutualTlsBroker, tmp_path: Path, case: str) -> None:
    log_before = mtls_broker.broker.files.log_text
    with pytest.raises(httpx.TransportError):
        mtls_broker.fetch(invalid_certificates(mtls_broker, tmp_path)[case], authorization=f"Bearer {signed(github_claims())}")
    assert mtls_broker.broker.files.log_text == log_before


def test_there_is_no_delivery_endpoint(mtls_broker: MutualTlsBroker) -> None:
    assert mtls_broker.fetch(mtls_broker.authority.client(ALLOWED_NAME), "/v1/forge/token").status_code == 404


def test_an_identity_token_does_not_replace_the_name_in_the_certificate(mtls_broker: MutualTlsBroker) -> None:
    other = mtls_broker.authority.client(x509.DNSName("ci.test"))
    assert mtls_broker.fetch(other, authorization=f"Bearer {signed(github_claims())}").status_code == 403


def test_tls_without_client_certificates_serves_forge_and_ci(files: BrokerFiles, tmp_path: Path) -> None:
    authority, token = Authority(tmp_path), system_token()
    with run_broker(files, **authority.server()) as broker:
        broker.client = httpx.Client(
            base_url=broker.base_url, verify=ssl.create_default_context(cafile=authority.pem), timeout=15
        )
        with broker.client:
            assert broker.deliver(token).status_code == 204
            assert broker.fetch(signed(github_claims())).json()["token"] == token
