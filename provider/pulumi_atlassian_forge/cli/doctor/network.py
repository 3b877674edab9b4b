"""Checks the network between this machine and an installation, by the outcome of the provider's own first request."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from pulumi_atlassian_forge.api.errors import ApiError, Unreachable
from pulumi_atlassian_forge.api.network_environment import Proxy, certificates_step, proxy_address, proxy_for
from pulumi_atlassian_forge.api.request_response import Response
from pulumi_atlassian_forge.cli.target import Target

from .result import Check, fail, ok, skipped

NAMES: Final = ("dns", "connection", "tls")


def check_network(target: Target, outcome: Response | ApiError, setting: str) -> list[Check]:
    """The checks of :data:`NAMES` up to the first that failed, for a message with the setting of the installation's address."""
    url = urlsplit(target.connection.base_url)
    if url.scheme not in ("http", "https"):
        return [skipped(name, "the emulator is a file on this machine") for name in NAMES]
    host = url.hostname or ""
    proxy = proxy_for(target.connection.base_url)
    error = outcome if isinstance(outcome, Unreachable) else None
    if error is not None and error.reason == "dns":
        text, step = (error.message, f"correct {proxy.variable}") if proxy else (f"{host}: {error.message}", f"correct {setting}")
        name = proxy_address(proxy.url) if proxy else host
        return [fail("dns", text, f"{step}, or resolve the name: getent hosts {name}")]
    if error is not None and "SSL_CERT" in error.message:  # the certificates could not be read, so nothing was sent
        return [fail("tls", error.message, "correct the variable, or unset it")]
    dns = _dns(host, proxy)
    if error is not None and error.reason != "tls":
        return [dns, fail("connection", error.message, _connection_step(error, setting, proxy))]
    via = f" through {proxy}" if proxy else ""
    return [dns, ok("connection", f"{url.netloc}{via}"), _tls(url.scheme, error)]


def _dns(host: str, proxy: Proxy | None) -> Check:
    if proxy:
        return skipped("dns", "the proxy resolves the name")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return ok("dns", f"{host} resolves")
    return skipped("dns", f"{host} is an address")


def _connection_step(error: Unreachable, setting: str, proxy: Proxy | None) -> str:
    if proxy:
        return f"check the proxy and {proxy.variable}; or unset that, or add the host to NO_PROXY"
    if error.reason == "timeout":
        return f"check {setting}; a firewall may drop the packets, or require a proxy (HTTPS_PROXY)"
    return f"check {setting}, and whether a server listens there"


def _tls(scheme: str, error: Unreachable | None) -> Check:
    if scheme == "http":
        return skipped("tls", "http, on a loopback address")
    if error is None:
        return ok("tls", "the certificate is trusted")
    return fail("tls", error.message, certificates_step())
