"""The policy file: who may deliver a token, and who may get one. Unknown fields are refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from .tokens import Verifier

FIT_ISSUER: Final = "forge/invocation-token"
"""`iss` of a Forge invocation token (Forge documentation, Forge Remote essentials)."""

_UUID: Final = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

GITHUB_EVENTS: Final = frozenset({"push", "workflow_dispatch", "schedule", "release", "repository_dispatch"})
"""Events that only users with write access can start. `pull_request_target` and similar events run for anybody, on `main`."""


class PolicyError(Exception):
    """The policy is invalid or cannot be read. The message names the location and the fix."""


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")):
        return url
    raise ValueError("must be https://, or http:// on a loopback address")


Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Url = Annotated[Text, AfterValidator(_https)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
AppId = Annotated[str, StringConstraints(pattern=rf"^ari:cloud:ecosystem::app/{_UUID}$")]
InstallationId = Annotated[str, StringConstraints(pattern=rf"^ari:cloud:ecosystem::installation/{_UUID}$")]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Forge(_Model):
    """The Forge app, as in its manifest.yml.

    Attributes:
        app_id: `app.id`, with its prefix.
        modules: Keys of the triggers, and of their endpoint, that may deliver a token.
        jwks_url: The keys of Forge invocation tokens.
    """

    app_id: AppId
    modules: Texts
    jwks_url: Url = "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"


class Issuer(_Model):
    """A CI system that signs identity tokens.

    Attributes:
        kind: Determines which claims a rule has to pin.
        issuer: `iss`.
        jwks_url: Its keys.
        audience: `aud`, as the pipeline requests it. Use the broker's URL, so that no token for another service is valid.
    """

    kind: Literal["github", "bitbucket"]
    issuer: Text = "https://token.actions.githubusercontent.com"
    jwks_url: Url = "https://token.actions.githubusercontent.com/.well-known/jwks"
    audience: Text

    @model_validator(mode="after")
    def _require_bitbucket_urls(self) -> Self:
        if self.kind == "bitbucket" and not {"issuer", "jwks_url"} <= self.model_fields_set:
            raise ValueError("bitbucket: issuer and jwks_url are the workspace's own; its repository settings show them")
        return self


class Rule(_Model):
    """One rule that allows access to an installation: by claims of an identity token, or by client certificate.

    Attributes:
        issuer: Name of an issuer.
        claims: Allowed values by claim. All claims have to match exactly.
        certificate: URIs and DNS names, one of which has to be in the client certificate's subjectAltName.
    """

    issuer: Name | None = None
    claims: dict[Text, Texts] = Field(default_factory=dict)
    certificate: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _require_one_kind(self) -> Self:
        if bool(self.certificate) == bool(self.issuer) or bool(self.claims) != bool(self.issuer):
            raise ValueError("a rule has issuer and claims, or certificate")
        return self


class Installation(_Model):
    """One installation of the app, and the rules that allow access to its token."""

    id: InstallationId
    allow: Annotated[tuple[Rule, ...], Field(min_length=1)]


class Policy(_Model):
    """The policy file."""

    forge: Forge
    issuers: dict[Name, Issuer] = Field(default_factory=dict)
    installations: Annotated[dict[Name, Installation], Field(min_length=1)]

    @model_validator(mode="after")
    def _validate_references(self) -> Self:
        _require_distinct("issuers", [issuer.issuer for issuer in self.issuers.values()])
        _require_distinct("installations", [installation.id for installation in self.installations.values()])
        for name, installation in self.installations.items():
            for index, rule in enumerate(installation.allow):
                if rule.issuer is not None:
                    _require_pinned_claims(f"installations.{name}.allow[{index}]", rule, self.issuers.get(rule.issuer))
        return self

    def verifier(self, issuer: str) -> Verifier:
        """A verifier of the identity tokens of an issuer, by its name."""
        found = self.issuers[issuer]
        return Verifier(found.issuer, found.audience, found.jwks_url)


def load_policy(path: Path) -> Policy:
    """Read the policy file.

    Raises:
        PolicyError: The file cannot be read or is invalid.
    """
    try:
        return Policy.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise PolicyError(f"the policy {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(f"the policy {path} is not TOML: {error}") from None
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'policy'}: {each['msg']}" for each in error.errors())
        raise PolicyError(f"the policy {path} is refused: {found}") from None


def _require_distinct(field: str, values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"{field}: two have the same id")


def _require_pinned_claims(where: str, rule: Rule, issuer: Issuer | None) -> None:
    """Require the claims that an outsider could otherwise choose, so that an incomplete rule cannot allow too much."""
    if issuer is None:
        raise ValueError(f"{where}: names an issuer that is not in issuers")
    if issuer.kind == "bitbucket":
        repository, targets = "repositoryUuid", {"deploymentEnvironmentUuid", "branchName"}
    else:
        repository, targets = "repository_id", {"environment", "ref"}
        if not set(rule.claims.get("event_name", ("",))) <= GITHUB_EVENTS:
            raise ValueError(f"{where}: claims needs event_name, out of {', '.join(sorted(GITHUB_EVENTS))}")
    if repository not in rule.claims:
        raise ValueError(f"{where}: claims needs {repository}: a name can be registered again by another owner")
    if not targets & set(rule.claims):
        raise ValueError(f"{where}: claims needs {' or '.join(sorted(targets))}, or every branch is allowed")
