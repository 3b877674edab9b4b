"""What the environment says about the network: proxies, exceptions from them, and certificates.

One rule for the HTTP client and for ``forge-modules doctor``. No value of a variable is shown whole: the address of a proxy may
hold a password.
"""

from __future__ import annotations

import ipaddress
import os
import re
import urllib.request
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_HOST_AND_PORT: Final = re.compile(r"(\[[^\[\]]+\]|[^\[\]:/]*)(?::([0-9]{1,5}))?")
_BRACKETS: Final = re.compile(r"\A\[([^\[\]]+)\](/[0-9]+)?\Z")
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_CERTIFICATES_OF_OTHERS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its URL, which may hold a password, and the variable that names it."""

    url: str
    variable: str

    def __repr__(self) -> str:
        return f"Proxy({self})"

    def __str__(self) -> str:
        return f"the proxy {proxy_address(self.url)} ({self.variable})"

    @property
    def problem(self) -> str | None:
        """Why its URL cannot be used; None if it can."""
        if proxy_address(self.url) == _NO_ADDRESS:
            return "its value is not the URL of a proxy"
        if urlsplit(self.url).scheme not in _PROXY_SCHEMES:
            return f"its scheme is not {', '.join(_PROXY_SCHEMES[:-1])} or {_PROXY_SCHEMES[-1]}"
        return None


_NO_ADDRESS: Final = "no address"


def proxy_address(url: str) -> str:
    """Host and port of a proxy, without the user and the password."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return _NO_ADDRESS
    if not host or ("@" in url and "@" not in parts.netloc):  # a password with a slash in it: what is left may be part of it
        return _NO_ADDRESS
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: ``localhost`` or an address. A resolver may send any other name anywhere."""
    address = _address(host)
    return host.lower().rstrip(".") == "localhost" if address is None else address.is_loopback


def proxy_for(url: str) -> Proxy | None:
    """The proxy that the environment names for a URL: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``.

    None for a loopback address, whatever the environment says: http is allowed there because nothing reaches the network.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if is_loopback(host):
        return None
    proxies = urllib.request.getproxies()
    kind = next((kind for kind in (parts.scheme, "all") if proxies.get(kind)), None)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    if kind is None or any(one is not None and one.covers(parts.scheme, host, port) for one in map(_parsed, _exceptions())):
        return None
    found = proxies[kind]
    return Proxy(found if "://" in found else f"http://{found}", _variable(kind, found))


def unknown_exceptions() -> list[str]:
    """The entries of ``NO_PROXY`` that are neither a host, nor an address, nor a network. They are ignored."""
    return [entry for entry in _exceptions() if _parsed(entry) is None]


def _exceptions() -> list[str]:
    return [entry for entry in re.split(r"[,\s]+", urllib.request.getproxies().get("no", "")) if entry]


def _variable(kind: str, value: str) -> str:
    name = f"{kind}_proxy"
    found = [variable for variable, text in os.environ.items() if variable.lower() == name and text == value]
    return found[0] if found else "the system's settings"


@dataclass(frozen=True, slots=True)
class _Exception:
    """An entry of ``NO_PROXY``. A pattern with ``*`` in front covers subdomains: ``*.a`` only those, ``*a`` also the domain a."""

    scheme: str
    pattern: str
    port: int | None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None

    def covers(self, scheme: str, host: str, port: int | None) -> bool:
        if self.scheme not in ("", "all", scheme) or self.port not in (None, port):
            return False
        if self.network is not None:
            address = _address(host)
            return address is not None and address in self.network
        domain = self.pattern.removeprefix("*")
        if domain == self.pattern:
            return self.pattern in ("", host)
        return host.endswith(domain) if domain[:1] in ("", ".") else f".{host}".endswith(f".{domain}")


def _parsed(entry: str) -> _Exception | None:
    """An entry: ``*``, ``domain``, ``.domain``, ``*.domain``, an address or a network; also with a scheme or a port."""
    scheme, _, rest = entry.lower().rpartition("://")
    network = _network(rest)
    if network is not None:
        return _Exception(scheme, "", None, network)
    match = _HOST_AND_PORT.fullmatch(rest)
    if match is None or (match[1] == "" and not scheme):
        return None
    host, port = match[1].rstrip("."), int(match[2]) if match[2] else None
    network = _network(host)
    if host.startswith("[") and network is None:
        return None
    # As in httpx: a domain covers its subdomains too, unless the entry has a scheme.
    is_exact = bool(scheme) or host == "localhost"
    return _Exception(scheme, host if is_exact else f"*{host.removeprefix('*')}", port, network)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(_BRACKETS.sub(r"\1\2", text), strict=False)
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def certificates_variable() -> str | None:
    """The variable that names the trusted certificates, which are then the only ones: the first that is set, as in httpx."""
    return next((name for name in _CERTIFICATES if os.environ.get(name)), None)


def unused_certificates() -> list[str]:
    """Variables that name a company's certificates to other programs, and that Python's TLS does not read."""
    return [name for name in _CERTIFICATES_OF_OTHERS if os.environ.get(name)]


def certificates_step() -> str:
    """What to do if the certificate of a server is not trusted."""
    variable, others = certificates_variable(), unused_certificates()
    if variable is not None:
        return f"add the certificate of the company's proxy or gateway to what {variable} names: that alone is trusted"
    if others:
        names = " or ".join(f"${name}" for name in others)
        return f"set SSL_CERT_FILE to the file with the company's certificate: {names}, which is not read here"
    return (
        "if a proxy or a gateway of yours signs it: put its certificate into a file and set SSL_CERT_FILE to that; "
        "that file alone is trusted then"
    )
