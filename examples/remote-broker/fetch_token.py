#!/usr/bin/env python3
"""Fetch the system token of one installation from the broker, and print it as JSON for atlassian-forge:tokenCommand.

It authenticates with an OIDC token of the CI (from GitHub, a file or a variable), or with a client certificate. It needs only
Python 3.11. Exit codes: 0, 1 with one line on stderr, or 2 for invalid arguments. It never prints a token to stderr.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

MAX_RESPONSE_BYTES = 64 * 1024


class FetchError(Exception):
    """The token cannot be fetched. The message goes to stderr."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, so that a token never reaches another host."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def _handlers(url: str) -> list[urllib.request.BaseHandler]:
    """No redirect; and for http, which is allowed on a loopback address only, no proxy: it would see the token."""
    no_proxy = [urllib.request.ProxyHandler({})] if url.lower().startswith("http:") else []
    return [_NoRedirects(), *no_proxy]


def main() -> None:
    args = arguments()
    signal.signal(signal.SIGALRM, raise_timeout)  # urllib's own time limit restarts with each read
    signal.setitimer(signal.ITIMER_REAL, args.timeout)
    try:
        tls = ssl.create_default_context(cafile=args.ca)
        if args.client_certificate:
            tls.load_cert_chain(args.client_certificate, args.client_key)
        opener = urllib.request.build_opener(*_handlers(args.broker), urllib.request.HTTPSHandler(context=tls))
        headers = {} if args.client_certificate else {"Authorization": f"Bearer {identity(args)}"}
        url = f"{args.broker.rstrip('/')}/v1/installations/{urllib.parse.quote(args.installation, safe='')}/token"
        found = validated(request_json(opener, "the broker", url, headers, args.timeout, method="POST"))
    except FetchError as error:
        fail(str(error))
    except TimeoutError:
        fail(f"no response within {args.timeout:g} seconds")
    except OSError as error:  # a missing file, or a certificate that cannot be read
        fail(f"{error.filename or 'a file of --ca, --client-certificate or --client-key'}: {error.strerror or 'cannot be used'}")
    except UnicodeDecodeError:
        fail("the file of --oidc-token-file contains no token")
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps(found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fetch the token of one installation from the broker.")
    parser.add_argument("--broker", required=True, type=https, help="the broker's URL, https://…")
    parser.add_argument("--installation", required=True, help="the installation's name in the broker's policy")
    parser.add_argument("--audience", help="audience of GitHub's identity token (default: the broker's URL)")
    method = parser.add_mutually_exclusive_group()
    method.add_argument("--oidc-token-file", help="a file with the identity token")
    method.add_argument("--oidc-token-variable", help="an environment variable with it, for example BITBUCKET_STEP_OIDC_TOKEN")
    method.add_argument("--client-certificate", help="PEM of a client certificate")
    parser.add_argument("--client-key", help="PEM of its key, if that is a separate file")
    parser.add_argument("--ca", help="PEM of the authority that signed the broker's certificate, if it is not a public one")
    parser.add_argument("--timeout", type=float, default=20, help="seconds for the whole command (default: 20)")
    args = parser.parse_args()
    if not args.timeout > 0:
        parser.error("--timeout must be greater than 0")
    return args


def https(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")):
        return url
    raise argparse.ArgumentTypeError("must be https://, or http:// on a loopback address")


def identity(args: argparse.Namespace) -> str:
    if args.oidc_token_file:
        return one_line(Path(args.oidc_token_file).read_text("utf-8"), "the file of --oidc-token-file")
    if args.oidc_token_variable:
        return one_line(os.environ.get(args.oidc_token_variable, ""), f"the variable {args.oidc_token_variable}")
    return from_github(args)


def one_line(text: str, where: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise FetchError(f"{where} contains no token")
    return token


def from_github(args: argparse.Namespace) -> str:
    url, secret = (os.environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "").strip() for name in ("URL", "TOKEN"))
    if not url or not secret:
        raise FetchError(
            "no identity: a GitHub job needs `permissions: id-token: write` (a pull request of a fork never has it); "
            "elsewhere pass --oidc-token-file, --oidc-token-variable or --client-certificate"
        )
    try:
        https(url)
    except argparse.ArgumentTypeError as error:
        raise FetchError(f"ACTIONS_ID_TOKEN_REQUEST_URL {error}") from None
    secret = one_line(secret, "the variable ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    audience = urllib.parse.quote(args.audience or args.broker, safe="")
    opener = urllib.request.build_opener(*_handlers(url))
    found = request_json(
        opener,
        "GitHub",
        f"{url}{'&' if '?' in url else '?'}audience={audience}",
        {"Authorization": f"bearer {secret}"},
        args.timeout,
    )
    return one_line(str(found.get("value", "")), "GitHub's response")


def request_json(
    opener: urllib.request.OpenerDirector, server: str, url: str, headers: dict[str, str], timeout: float, method: str = "GET"
) -> dict[str, Any]:
    request = urllib.request.Request(url, headers=headers, method=method, data=b"" if method == "POST" else None)  # noqa: S310
    try:
        with opener.open(request, timeout=timeout) as response:
            found = json.loads(response.read(MAX_RESPONSE_BYTES))
    except urllib.error.HTTPError as error:
        raise FetchError(f"{server} responded with {error.code}{message_of(error, headers)}") from None
    except (ValueError, RecursionError):
        raise FetchError(f"{server} sent a response that is not JSON") from None
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        if isinstance(reason, TimeoutError):
            raise reason from None
        raise FetchError(f"{server} cannot be reached, or closed the connection: {reason}") from None
    if not isinstance(found, dict):
        raise FetchError(f"{server} sent JSON that is not an object")
    return found


def message_of(error: urllib.error.HTTPError, headers: dict[str, str]) -> str:
    """The server's message, if it is printable and does not repeat a value that was sent."""
    try:
        text = str(json.loads(error.read(MAX_RESPONSE_BYTES))["message"])[:300]
    except (ValueError, RecursionError, KeyError, TypeError, OSError, http.client.HTTPException):
        return ""
    repeats = any(value.rpartition(" ")[2] in text for value in headers.values())
    return f": {text}" if text.isprintable() and not repeats else ""


def validated(found: dict[str, Any]) -> dict[str, str]:
    wanted = {name: found.get(name) for name in ("token", "expiresAt", "installationId")}
    if not all(isinstance(value, str) and value for value in wanted.values()):
        raise FetchError("the broker's response has no token, expiresAt and installationId; is this another service?")
    return wanted  # type: ignore[return-value]


def raise_timeout(*_args: object) -> NoReturn:
    raise TimeoutError


def fail(text: str) -> NoReturn:
    print(f"fetch_token.py: {text}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
