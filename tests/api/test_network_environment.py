"""Proxies, exceptions from them and certificates of the environment."""

from __future__ import annotations

import httpx
import pytest

from pulumi_atlassian_forge.api.network_environment import (
    certificates_step,
    is_loopback,
    proxy_address,
    proxy_for,
    unknown_exceptions,
)

PASSWORD = "planted-password"
NO_PROXY = (
    *("*", "a.example", ".a.example", "www.a.example", "example", ".example", "ple", "A.Example", "https://"),
    *("a.example:8443", "https://a.example", "http://a.example", "https://*.example:8443", "localhost", "LOCALHOST"),
    *("192.0.2.1", "192.0.2.1:8443", "::1", " b.example , a.example", "b.example", ","),
)
ADDRESSES = (
    *("https://a.example", "http://a.example", "https://www.a.example", "https://notexample", "https://a.example:8443"),
    *("https://192.0.2.1", "https://192.0.2.1:8443", "http://[2001:db8::1]:80", "https://b.example"),
)


@pytest.mark.parametrize("no_proxy", NO_PROXY)
@pytest.mark.parametrize(
    "proxies",
    [
        {"HTTPS_PROXY": "http://secure.example:1"},
        {"HTTP_PROXY": "plain.example:2", "ALL_PROXY": "http://all.example:3"},
        {"HTTPS_PROXY": "http://secure.example:1", "HTTP_PROXY": "http://plain.example:2"},
    ],
)
def test_the_proxy_of_an_address_is_that_of_httpx(
    proxies: dict[str, str], no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**proxies, "NO_PROXY": no_proxy}.items():
        monkeypatch.setenv(name, value)
    with httpx.Client() as client:
        for address in ADDRESSES:
            transport = client._transport_for_url(httpx.URL(address))
            url = getattr(getattr(transport, "_pool"), "_proxy_url", None)  # noqa: B009
            found = proxy_for(address)
            assert (found and httpx.URL(found.url).host) == (url and url.host.decode()), address


@pytest.mark.parametrize(
    ("entry", "covered", "others"),
    [
        ("fd07:b51a::/32", ["https://[fd07:b51a::7]"], ["https://[fd08::7]", "https://10.0.0.1", "https://fd07.example"]),
        ("[fd07::7]", ["https://[fd07::7]", "https://[fd07:0:0::7]:8443"], ["https://[fd07::8]"]),
        ("[fd07::7]:8443", ["https://[fd07::7]:8443"], ["https://[fd07::7]"]),
        ("fd07::7", ["https://[fd07::7]"], ["https://[fd07::8]"]),
        ("[fd07::]/16", ["https://[fd07::7]"], []),
        ("fe80::/10", ["https://[fe80::1]", "https://[fe80::1%25eth0]"], ["https://[fec0::1]"]),
        ("10.0.0.0/8", ["https://10.255.0.1:8443", "https://[::ffff:10.0.0.1]"], ["https://11.0.0.1", "https://10.example"]),
        ("10.1.2.3/8", ["https://10.255.0.1"], []),  # with host bits
        ("*.internal", ["https://a.internal", "https://b.a.internal"], ["https://internal", "https://a.internal.example"]),
        ("a.internal:443", ["https://a.internal"], ["https://a.internal:8443", "http://a.internal"]),
        ("a.internal.", ["https://a.internal"], []),
        ("a.internal b.internal", ["https://a.internal", "https://b.internal"], ["https://c.internal"]),
        ("[bad,10.0.0.0/99,http://[,b:port,a.internal", ["https://a.internal"], ["https://10.0.0.1", "https://b"]),
        ("*", ["https://a.internal", "https://10.0.0.1"], []),
    ],
)
def test_an_exception_covers_hosts_addresses_and_networks(
    entry: str, covered: list[str], others: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", f"localhost,{entry}")
    assert [url for url in covered if proxy_for(url) is not None] == []
    assert [url for url in others if proxy_for(url) is None] == []


def test_entries_that_are_not_understood_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,[::1,10.0.0.0/99,::1,*,.a,fd07::/64,b:port,a:1,https://,http://[")
    assert unknown_exceptions() == ["[::1", "10.0.0.0/99", "b:port", "http://["]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]", "http://localhost", "http://LOCALHOST.:1", "https://localhost"],
)
def test_a_loopback_address_has_no_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    assert proxy_for(url) is None


@pytest.mark.parametrize("host", ["api.localhost", "127.0.0.1.example", "localhost.example", "10.0.0.1", "", "::2"])
def test_any_other_name_is_no_loopback_address(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f"http://user:{PASSWORD}@proxy.example:3128", "proxy.example:3128"),
        (f"user:{PASSWORD}@proxy.example:3128", "proxy.example:3128"),
        (f"http://user:12/{PASSWORD}@proxy.example:3128", "no address"),
        (f"http://{PASSWORD}:x@proxy.example:port", "no address"),
        ("http://[fd07::1]:3128", "[fd07::1]:3128"),
        ("http://", "no address"),
    ],
)
def test_the_address_of_a_proxy_shows_no_password(value: str, shown: str) -> None:
    assert proxy_address(value) == shown


def test_the_variable_of_a_proxy_is_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://user:{PASSWORD}@proxy.example:3128")
    found = proxy_for("https://a.example")
    assert str(found) == "the proxy proxy.example:3128 (https_proxy)"
    assert PASSWORD not in repr(found)


def test_certificates_of_other_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.delenv(name, raising=False)
    assert "set SSL_CERT_FILE to that" in certificates_step()
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", "ca.pem")
    assert "set SSL_CERT_FILE to the file with the company's certificate: $NODE_EXTRA_CA_CERTS" in certificates_step()
    monkeypatch.setenv("SSL_CERT_FILE", "ca.pem")
    assert "what SSL_CERT_FILE names: that alone is trusted" in certificates_step()
