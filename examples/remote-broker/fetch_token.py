#!/usr/bin/env python3
"""Fetch the system token of one installation from the broker, and print it as JSON for atlassian-forge:tokenCommand.

Proves who it is with an OIDC token of the CI (GitHub's own, or one from a file or a variable), or with a client certificate.
Needs Python 3.11 and nothing else. Exits with 0, or with 1 and one line on stderr; a wrong use with 2. No token is on stderr.
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

LONGEST = 64 * 1024  # bytes of a response


class Failed(Exception):  # noqa: N818 - named for what it means
    """What to say on stderr."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token goes to the host that was named, and to no other."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def main() -> None:
    args = arguments()
    signal.signal(signal.SIGALRM, out_of_time)  # a limit of urllib's counts for each read anew
    signal.setitimer(signal.ITIMER_REAL, args.timeout)
    try:
        tls = ssl.create_default_context(cafile=args.ca)
        if args.client_certificate:
            tls.load_cert_chain(args.client_certificate, args.client_key)
        opener = urllib.request.build_opener(_NoRedirects(), urllib.request.HTTPSHandler(context=tls))
        headers = {} if args.client_certificate else {"Authorization": f"Bearer {identity(args)}"}
        url = f"{args.broker.rstrip('/')}/v1/installations/{urllib.parse.quote(args.installation, safe='')}/token"
        found = checked(response(opener, "the broker", url, headers, args.timeout, method="POST"))
    except Failed as error:
        failed(str(error))
    except TimeoutError:
        failed(f"no response within {args.timeout:g} seconds")
    except OSError as error:  # a file that is not there, a certificate that cannot be read
        failed(
            f"{error.filename or 'a file of --ca, --client-certificate or --client-key'}: {error.strerror or 'cannot be used'}"
        )
    except UnicodeDecodeError:
        failed("the file of --oidc-token-file holds no token")
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps(found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fetch the token of one installation from the broker.")
    parser.add_argument("--broker", required=True, type=https, help="its URL, https://…")
    parser.add_argument("--installation", required=True, help="the installation's name in the broker's policy")
    parser.add_argument("--audience", help="what GitHub's identity token is asked for; default: the broker's URL")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--oidc-token-file", help="a file that holds the identity token")
    way.add_argument("--oidc-token-variable", help="an environment variable that does, e.g. BITBUCKET_STEP_OIDC_TOKEN")
    way.add_argument("--client-certificate", help="PEM of a client certificate")
    parser.add_argument("--client-key", help="PEM of its key, where that is another file")
    parser.add_argument("--ca", help="PEM of the authority that the broker's certificate is from, where it is your own")
    parser.add_argument("--timeout", type=float, default=20, help="seconds for all of it (default: 20)")
    args = parser.parse_args()
    if not args.timeout > 0:
        parser.error("--timeout has to be more than 0")
    return args


def https(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")):
        return url
    raise argparse.ArgumentTypeError("has to be https://, or http:// on a loopback address")


def identity(args: argparse.Namespace) -> str:
    if args.oidc_token_file:
        return one_line(Path(args.oidc_token_file).read_text("utf-8"), "the file of --oidc-token-file")
    if args.oidc_token_variable:
        return one_line(os.environ.get(args.oidc_token_variable, ""), f"the variable {args.oidc_token_variable}")
    return from_github(args)


def one_line(text: str, where: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Failed(f"{where} holds no token")
    return token


def from_github(args: argparse.Namespace) -> str:
    url, secret = (os.environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "").strip() for name in ("URL", "TOKEN"))
    if not url or not secret:
        raise Failed(
            "no identity: a GitHub job needs `permissions: id-token: write` (a pull request of a fork never has it); "
            "elsewhere name --oidc-token-file, --oidc-token-variable or --client-certificate"
        )
    try:
        https(url)
    except argparse.ArgumentTypeError as error:
        raise Failed(f"ACTIONS_ID_TOKEN_REQUEST_URL {error}") from None
    secret = one_line(secret, "the variable ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    audience = urllib.parse.quote(args.audience or args.broker, safe="")
    opener = urllib.request.build_opener(_NoRedirects())
    found = response(
        opener,
        "GitHub",
        f"{url}{'&' if '?' in url else '?'}audience={audience}",
        {"Authorization": f"bearer {secret}"},
        args.timeout,
    )
    return one_line(str(found.get("value", "")), "GitHub's response")


def response(
    opener: urllib.request.OpenerDirector, who: str, url: str, headers: dict[str, str], timeout: float, method: str = "GET"
) -> dict[str, Any]:
    request = urllib.request.Request(url, headers=headers, method=method, data=b"" if method == "POST" else None)  # noqa: S310
    try:
        with opener.open(request, timeout=timeout) as response:
            found = json.loads(response.read(LONGEST))
    except urllib.error.HTTPError as error:
        raise Failed(f"{who} answered {error.code}{message_of(error, headers)}") from None
    except ValueError:
        raise Failed(f"{who} answered something that is not JSON") from None
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        if isinstance(reason, TimeoutError):
            raise reason from None
        raise Failed(f"{who} cannot be reached, or broke off: {reason}") from None
    if not isinstance(found, dict):
        raise Failed(f"{who} answered something else than an object")
    return found


def message_of(error: urllib.error.HTTPError, headers: dict[str, str]) -> str:
    """What the server says, if it is a sentence and does not repeat what we sent."""
    try:
        text = str(json.loads(error.read(LONGEST))["message"])[:300]
    except (ValueError, KeyError, TypeError, OSError):
        return ""
    repeats = any(value.rpartition(" ")[2] in text for value in headers.values())
    return f": {text}" if text.isprintable() and not repeats else ""


def checked(found: dict[str, Any]) -> dict[str, str]:
    wanted = {name: found.get(name) for name in ("token", "expiresAt", "installationId")}
    if not all(isinstance(value, str) and value for value in wanted.values()):
        raise Failed("the broker answered without token, expiresAt and installationId; is it another service?")
    return wanted  # type: ignore[return-value]


def out_of_time(*_args: object) -> NoReturn:
    raise TimeoutError


def failed(text: str) -> NoReturn:
    print(f"fetch_token.py: {text}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
