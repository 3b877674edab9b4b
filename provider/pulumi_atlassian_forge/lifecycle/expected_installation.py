"""The installation that the settings expect (``expectedInstallation``), verified with the Installation Details API.

The API rejects a request about another installation than that of the credentials, so a 200 proves which one they belong to. It
accepts one request in five minutes and installation. So each credentials are verified once in a process, the request is never
retried, and what was verified is cached for the life of the token (docs/adr/0004-installation-guard.md).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from pulumi_atlassian_forge.api.errors import ApiError, NotFound, Rejected, Unauthorized
from pulumi_atlassian_forge.api.installation_details import INTERVAL_S
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.model.module_id import Version

Credentials = Mapping[str, str]  # the headers of a request

_MAX_CHARACTERS: Final = 100  # of the server's text, within one line
_REFRESHES_MAX: Final = 5  # of the credentials, during one verification


class NotTheExpectedInstallation(ApiError):
    """The credentials belong to another installation than the settings expect. Nothing was sent to it."""

    code = "AF601"


class ExpectedInstallationUnknown(ApiError):
    """The Installation Details API does not tell whose credentials these are, now. Nothing was sent."""

    code = "AF602"
    is_relay_outdated = False  # the relay refused the request
    is_request_wrong = False  # 404, or another 4xx: the same request would not help
    why = ""  # the response, in words
    next_request_s = INTERVAL_S  # seconds after which another request may be accepted


class Source(Protocol):
    """What a verification needs of a connection; :class:`pulumi_atlassian_forge.session.connection.Connection` implements it."""

    @property
    def version(self) -> Version:
        """The version of the API in the settings."""

    def module_list(self, version: Version) -> ModuleList:
        """The shared list of modules under one version of the API."""

    def credentials(self) -> Credentials:
        """The credentials of a read; raises an ApiError if there are none."""

    def fingerprint(self, credentials: Credentials) -> str:
        """The hash of the credentials and of the address that they are sent to."""

    def ask_details(self) -> tuple[str, ApiError | None]:
        """Send one request about the expected installation.

        Returns the fingerprint of the credentials that were sent, and why the response does not verify them; None if it does.
        Raises an ApiError if there are no credentials.
        """

    def list_now(self) -> object:
        """List the modules of the installation; raises an ApiError if the credentials are not accepted."""

    def verified_earlier(self, fingerprint: str) -> str | None:
        """The installation that these credentials belong to, as an earlier request proved; None if none did."""

    def names_expected(self) -> bool | None:
        """Whether the authentication method names the expected installation, or another one; None if it names none."""


class Verdicts:
    """What is known of the credentials that this process used. Two names in the settings may stand for one installation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
        # By fingerprint and expected installation; None: verified.
        self.failures: dict[tuple[str, str], ApiError | None] = {}
        self.rejections: dict[tuple[str, str], ApiError] = {}  # the same, until a list tells what they mean

    def lock(self, fingerprint: str, installation: str) -> threading.Lock:
        """Held while these credentials are verified: the others need not wait."""
        with self._lock:
            return self._locks[fingerprint, installation]


class ExpectedInstallation:
    """The expected installation of one connection. Shared by all threads."""

    def __init__(self, installation: str, source: Source, verdicts: Verdicts) -> None:
        self.installation = installation  # <appId>/<environmentId>/<installationId>
        self.source = source
        self._verdicts = verdicts
        self._lock = threading.Lock()
        self._has_warned = False

    def verify(self, obtain: Callable[[], Credentials]) -> tuple[Credentials, ExpectedInstallationUnknown | None]:
        """Verify the credentials that are obtained, if this process has not done so: one thread for all.

        Returns them, and why the API did not tell; None if they are verified. Raises :class:`NotTheExpectedInstallation` if they
        belong to another installation, and another ApiError if there are none, or if they are not accepted at all.
        """
        for _ in range(_REFRESHES_MAX):
            credentials = obtain()
            fingerprint = self.source.fingerprint(credentials)
            failures, wanted = self._verdicts.failures, (fingerprint, self.installation)
            with self._verdicts.lock(*wanted):
                if wanted not in failures:
                    failures.update({(sent, self.installation): found for sent, found in self._verify(fingerprint).items()})
            if wanted not in failures:
                continue  # they were refreshed meanwhile
            failure = failures[wanted]
            if failure is None or isinstance(failure, ExpectedInstallationUnknown):
                return credentials, failure
            raise failure
        raise Unauthorized("the credentials change with each request, so that their installation cannot be verified")

    def warning(self, failure: ExpectedInstallationUnknown) -> str | None:
        """The warning that a run goes on without a verification; None after the first one."""
        with self._lock:
            has_warned, self._has_warned = self._has_warned, True
        if has_warned:
            return None
        return (
            f"warning: expectedInstallation could not be verified ({failure.why}); the run goes on, because the authentication "
            "method or a module of this stack confirms the installation (AF603)"
        )

    def _verify(self, fingerprint: str) -> dict[str, ApiError | None]:
        """The result for the credentials that were sent; empty if the list obtained others, so that a 401 proves nothing."""
        earlier = self.source.verified_earlier(fingerprint)
        if earlier == self.installation:
            return {fingerprint: None}
        sent, failure = fingerprint, self._verdicts.rejections.get((fingerprint, self.installation))
        if failure is None:
            sent, failure = self.source.ask_details()
        if failure is None:
            return {sent: None}
        if isinstance(failure, Unauthorized) and not failure.is_from_relay:
            self._verdicts.rejections[sent, self.installation] = failure  # if the list fails, it alone is read again
            self.source.list_now()
            if self.source.fingerprint(self.source.credentials()) != sent:
                return {}
            why = f"the API rejects them for it ({_short(failure)}), and accepts them for the list of modules"
        elif earlier is not None and sent == fingerprint:
            why = f"an earlier run verified that they belong to {earlier}"
        elif self.source.names_expected() is False:
            why = "the authentication method names another one"
        else:
            return {sent: _unknown(failure)}
        text = f"the credentials do not belong to expectedInstallation {self.installation}: {why}"
        return {sent: NotTheExpectedInstallation(text)}


def _unknown(failure: ApiError) -> ExpectedInstallationUnknown:
    error = ExpectedInstallationUnknown(
        f"expectedInstallation could not be verified ({_short(failure)}), and no module of this stack confirms the installation"
    )
    error.why = _short(failure)
    error.is_relay_outdated = isinstance(failure, Unauthorized) and failure.is_from_relay
    error.is_request_wrong = isinstance(failure, NotFound | Rejected)
    error.next_request_s = INTERVAL_S if failure.retry_after is None else failure.retry_after
    return error


def _short(failure: ApiError) -> str:
    return printable(str(failure), _MAX_CHARACTERS)
