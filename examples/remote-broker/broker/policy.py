"""Who may bring a token, and who may fetch one: the models of the policy file. What they do not know they refuse."""

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
"""Events that only somebody with write access starts. `pull_request_target` and its like run for strangers, on `main`."""


class PolicyError(Exception):
    """The policy cannot be read. The text says what, where and what to do."""


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")):
        return url
    raise ValueError("has to be https://, or http:// on a loopback address")


Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Url = Annotated[Text, AfterValidator(_https)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
AppId = Annotated[str, StringConstraints(pattern=rf"^ari:cloud:ecosystem::app/{_UUID}$")]
InstallationId = Annotated[str, StringConstraints(pattern=rf"^ari:cloud:ecosystem::installation/{_UUID}$")]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Forge(_Model):
    """The app, as in its manifest.yml.

    Attributes:
        app_id: `app.id`, with its prefix.
        modules: Keys of the triggers, and of their endpoint, that may bring a token.
        jwks_url: The keys of Forge invocation tokens.
    """

    app_id: AppId
    modules: Texts
    jwks_url: Url = "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"


class Issuer(_Model):
    """A CI that signs identities.

    Attributes:
        kind: Which claims a rule has to pin.
        issuer: `iss`.
        jwks_url: Its keys.
        audience: `aud`: what the pipeline asks for. The broker's own URL, so that no other service's token fits.
    """

    kind: Literal["github", "bitbucket"]
    issuer: Text = "https://token.actions.githubusercontent.com"
    jwks_url: Url = "https://token.actions.githubusercontent.com/.well-known/jwks"
    audience: Text

    @model_validator(mode="after")
    def _bitbucket_has_no_defaults(self) -> Self:
        if self.kind == "bitbucket" and not {"issuer", "jwks_url"} <= self.model_fields_set:
            raise ValueError("bitbucket: issuer and jwks_url are the workspace's own; its repository settings show them")
        return self


class Rule(_Model):
    """One way to be admitted to an installation: an identity of a CI, or a client certificate.

    Attributes:
        issuer: Name of an issuer.
        claims: Claim → the values that it may have. All claims have to match, letter by letter.
        certificate: URIs and DNS names, of which one is in the client certificate's subjectAltName.
    """

    issuer: Name | None = None
    claims: dict[Text, Texts] = Field(default_factory=dict)
    certificate: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.certificate) == bool(self.issuer) or bool(self.claims) != bool(self.issuer):
            raise ValueError("a rule has issuer and claims, or certificate")
        return self


class Installation(_Model):
    """One installation of the app, and who may fetch its token."""

    id: InstallationId
    allow: Annotated[tuple[Rule, ...], Field(min_length=1)]


class Policy(_Model):
    """The whole file."""

    forge: Forge
    issuers: dict[Name, Issuer] = Field(default_factory=dict)
    installations: Annotated[dict[Name, Installation], Field(min_length=1)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _distinct("issuers", [issuer.issuer for issuer in self.issuers.values()])
        _distinct("installations", [installation.id for installation in self.installations.values()])
        for name, installation in self.installations.items():
            for index, rule in enumerate(installation.allow):
                if rule.issuer is not None:
                    _pinned(f"installations.{name}.allow[{index}]", rule, self.issuers.get(rule.issuer))
        return self

    def verifier(self, issuer: str) -> Verifier:
        """Make what checks the identities of an issuer, by its name."""
        found = self.issuers[issuer]
        return Verifier(found.issuer, found.audience, found.jwks_url)


def load_policy(path: Path) -> Policy:
    """Read the file.

    Raises:
        PolicyError: It cannot be read, or says something that is not allowed.
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


def _distinct(what: str, values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"{what}: two have the same id")


def _pinned(where: str, rule: Rule, issuer: Issuer | None) -> None:
    """A rule has to pin what an outsider can choose, so that no rule admits by what it forgot to say."""
    if issuer is None:
        raise ValueError(f"{where}: names an issuer that is not in issuers")
    if issuer.kind == "bitbucket":
        repository, places = "repositoryUuid", {"deploymentEnvironmentUuid", "branchName"}
    else:
        repository, places = "repository_id", {"environment", "ref"}
        if not set(rule.claims.get("event_name", ("",))) <= GITHUB_EVENTS:
            raise ValueError(f"{where}: claims needs event_name, out of {', '.join(sorted(GITHUB_EVENTS))}")
    if repository not in rule.claims:
        raise ValueError(f"{where}: claims needs {repository}: a name can be registered again by somebody else")
    if not places & set(rule.claims):
        raise ValueError(f"{where}: claims needs {' or '.join(sorted(places))}, or every branch is admitted")
