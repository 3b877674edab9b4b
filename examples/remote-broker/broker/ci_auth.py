"""Authentication and authorization of CI: an identity token that the CI signed, or a client certificate, against the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .policy import Installation, Policy, Rule
from .tokens import TokenRejectedError, unverified_claims

_AUDITED: Final = (
    *("repository", "repository_id", "ref", "event_name", "environment", "run_id", "run_attempt", "actor"),
    *("workspaceUuid", "repositoryUuid", "pipelineUuid", "stepUuid", "branchName", "deploymentEnvironmentUuid"),
)


@dataclass(frozen=True)
class Identity:
    """A verified identity.

    Attributes:
        issuer: Name of the issuer in the policy; empty for a certificate.
        claims: The verified claims of the identity token.
        names: URIs and DNS names of the certificate.
    """

    issuer: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def audit_fields(self) -> dict[str, str]:
        """The identity as fields of the audit log."""
        if self.names:
            return {"certificate": " ".join(sorted(self.names))}
        known = {name: str(self.claims[name]) for name in _AUDITED if name in self.claims}
        return {"issuer": self.issuer, "subject": str(self.claims["sub"]), **known}

    def is_allowed(self, installation: Installation) -> bool:
        """Whether a rule of the installation matches."""
        return any(self._matches(rule) for rule in installation.allow)

    def _matches(self, rule: Rule) -> bool:
        if rule.certificate:
            return not self.names.isdisjoint(rule.certificate)
        return rule.issuer == self.issuer and all(self.claims.get(name) in values for name, values in rule.claims.items())


class IdentityVerifier:
    """Verifies the identity tokens of all issuers of a policy."""

    def __init__(self, policy: Policy) -> None:
        self._by_issuer = {issuer.issuer: (name, policy.verifier(name)) for name, issuer in policy.issuers.items()}

    def verify(self, token: str) -> Identity:
        """Verify an identity token.

        Raises:
            TokenRejectedError: The token is not valid.
            KeysUnavailableError: The issuer's keys cannot be read.
        """
        issuer = unverified_claims(token).get("iss")  # only selects the verifier, which compares it again
        if not isinstance(issuer, str) or issuer not in self._by_issuer:
            raise TokenRejectedError("of another issuer")
        name, verifier = self._by_issuer[issuer]
        return Identity(name, verifier.verify(token, require=("sub",)))


def identity_from_certificate(certificate: Mapping[str, Any] | None) -> Identity:
    """The identity in a client certificate that the TLS handshake has verified, in the form of `SSLSocket.getpeercert`.

    Raises:
        TokenRejectedError: There is no certificate, or it has no name that a rule can match.
    """
    found = (certificate or {}).get("subjectAltName", ())
    names = frozenset(str(value) for kind, value in found if kind in ("URI", "DNS"))
    if not names:
        raise TokenRejectedError("no client certificate with a URI or DNS name in subjectAltName")
    return Identity(names=names)
