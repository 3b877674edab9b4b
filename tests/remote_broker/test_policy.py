"""Validation of the policy and the settings of examples/remote-broker at start."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from broker.policy import PolicyError, load_policy
from packaging.requirements import Requirement

from tests.support.broker import FOLDER, BrokerFiles, failed_start, policy, run_broker
from tests.support.issuers import JwksServer

EXAMPLE = FOLDER / "policy.example.toml"
RULE = """[installations.acme.allow.claims]
repository_id = ["123456789"]
ref = ["refs/heads/main"]
event_name = ["push", "workflow_dispatch"]"""


def policy_error(tmp_path: Path, text: str) -> str:
    """The error for an invalid policy."""
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_example_policy_is_valid_and_names_the_modules_of_the_manifest() -> None:
    example = load_policy(EXAMPLE)
    manifest = yaml.safe_load((FOLDER / "manifest.yml").read_text("utf-8"))
    modules = manifest["modules"]
    assert set(example.forge.modules) == {module["key"] for kind in modules.values() for module in kind}
    assert example.forge.app_id == manifest["app"]["id"]


def test_the_manifest_makes_forge_deliver_a_token_every_hour_and_after_an_installation() -> None:
    manifest = yaml.safe_load((FOLDER / "manifest.yml").read_text("utf-8"))
    (endpoint,) = manifest["modules"]["endpoint"]
    assert endpoint["auth"] == {"appSystemToken": {"enabled": True}}
    assert endpoint["route"] == {"path": "/v1/forge/token"}
    assert endpoint["remote"] == manifest["remotes"][0]["key"]
    (hourly,) = manifest["modules"]["scheduledTrigger"]
    (lifecycle,) = manifest["modules"]["trigger"]
    assert hourly["interval"] == "hour"
    assert lifecycle["events"] == ["avi:forge:installed:app", "avi:forge:upgraded:app"]
    assert hourly["endpoint"] == lifecycle["endpoint"] == endpoint["key"]
    # Without another scope Forge issues no valid token.
    assert "read:app-system-token" in manifest["permissions"]["scopes"]
    assert len(manifest["permissions"]["scopes"]) > 1


def test_the_installed_packages_match_the_broker_s_requirements() -> None:
    lines = (FOLDER / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if not line.startswith("#")]
    assert len(wanted) == 6
    assert [each.name for each in wanted if version(each.name) not in each.specifier] == []


@pytest.mark.parametrize(
    ("original", "replacement", "reason"),
    [
        ('repository_id = ["123456789"]', "", "needs repository_id: a name can be registered again by another owner"),
        ('repository_id = ["123456789"]', 'repository = ["acme/infrastructure"]', "needs repository_id"),
        ('ref = ["refs/heads/main"]', "", "needs environment or ref, or every branch is allowed"),
        ('event_name = ["push", "workflow_dispatch"]', "", "needs event_name, out of push, release,"),
        ('"workflow_dispatch"', '"pull_request"', "needs event_name, out of push, release,"),
        ('"workflow_dispatch"', '"pull_request_target"', "needs event_name, out of push, release,"),
        ('ref = ["refs/heads/main"]', "ref = []", "should have at least 1 item"),
        ('ref = ["refs/heads/main"]', 'ref = [""]', "should have at least 1 character"),
        ('ref = ["refs/heads/main"]', 'ref = "refs/heads/main"', "should be a valid tuple"),
        (RULE, "", "a rule has issuer and claims, or certificate"),
        (RULE, f'certificate = ["x"]\n{RULE}', "a rule has issuer and claims, or certificate"),
        ('repositoryUuid = ["{repository}"]', "", "needs repositoryUuid"),
        ('deploymentEnvironmentUuid = ["{production}"]', "", "needs branchName or deploymentEnvironmentUuid"),
        ('issuer = "bitbucket"', 'issuer = "gitlab"', "names an issuer that is not in issuers"),
        ("[installations.globex]", "[installations.Globex]", "should match pattern"),
        ("0a3a7799-53ae-4a5b-9e7e-03338980abb5", "75969db9-dc7b-4798-9715-bd098ac0d9d1", "installations: two have the same id"),
        ("ari:cloud:ecosystem::installation/0a3a", "0a3a", "should match pattern"),
        ('[forge]\napp_id = "ari:cloud:ecosystem::app/', '[forge]\napp_id = "', "should match pattern"),
        ('"broker-endpoint", "broker-hourly", "broker-lifecycle"', "", "should have at least 1 item"),
        ('audience = "https://broker.test"', "", "issuers.github.audience: Field required"),
        (
            'audience = "https://broker.test"',
            'audience = "https://broker.test"\nalgorithms = ["HS256"]',
            "Extra inputs are not permitted",
        ),
        ("[forge]", "[forge", "is not TOML"),
    ],
)
def test_an_incomplete_or_invalid_policy_is_refused(
    keys: JwksServer, tmp_path: Path, original: str, replacement: str, reason: str
) -> None:
    text = policy(keys)
    assert original in text
    assert reason in policy_error(tmp_path, text.replace(original, replacement, 1))


@pytest.mark.parametrize(
    "url", ["http://keys.test/jwks", "file:///etc/passwd", "ftp://127.0.0.1/jwks", "http://127.0.0.1.test/", ""]
)
def test_jwks_urls_must_be_https(keys: JwksServer, tmp_path: Path, url: str) -> None:
    found = policy_error(tmp_path, re.sub(r'jwks_url = ".*"', f'jwks_url = "{url}"', policy(keys), count=1))
    assert "forge.jwks_url: " in found


def test_bitbucket_needs_its_own_issuer_and_keys(keys: JwksServer, tmp_path: Path) -> None:
    text = policy(keys).replace(f'jwks_url = "{keys.url("bitbucket")}"', "")
    assert "the workspace's own" in policy_error(tmp_path, text)


def test_missing_settings_are_named(files: BrokerFiles) -> None:
    assert failed_start(files, POLICY="", KEYS="").splitlines() == [
        "the broker cannot start: FORGE_BROKER_POLICY: Field required; FORGE_BROKER_KEYS: Field required"
    ]
    assert "policy.toml cannot be read: No such file" in failed_start(files, POLICY="policy.toml" * 2)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"HOST": "0.0.0.0"}, "unencrypted tokens are refused"),
        ({"HOST": "::"}, "unencrypted tokens are refused"),
        ({"HOST": "broker.test"}, "unencrypted tokens are refused"),
        ({"TLS_CERTIFICATE": "x.pem"}, "belong together"),
        ({"CLIENT_CA": "ca.pem"}, "client_ca needs tls_certificate"),
        ({"TLS_CERTIFICATE": "x.pem", "TLS_KEY": "x.pem"}, "a file cannot be used: [Errno 2]"),
        ({"PORT": "65536"}, "FORGE_BROKER_PORT: "),
    ],
)
def test_insecure_or_inconsistent_settings_are_refused(files: BrokerFiles, settings: dict[str, str], reason: str) -> None:
    error = failed_start(files, **settings)
    assert error.startswith("the broker cannot start: ")
    assert reason in error


def test_plain_http_is_allowed_behind_a_tls_terminating_proxy(files: BrokerFiles) -> None:
    with run_broker(files, HOST="0.0.0.0", TLS_TERMINATED_BY_PROXY="true") as broker:
        assert broker.client.get("/health").status_code == 200


def test_an_address_in_use_is_named(files: BrokerFiles) -> None:
    with run_broker(files) as broker:
        port = broker.base_url.rpartition(":")[2]
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in failed_start(files, PORT=port)
