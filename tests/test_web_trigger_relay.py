"""examples/web-trigger-relay: its own tests on the real Node, its manifest, and its signatures computed independently."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft201909Validator

from testing.independent_server import Server
from tests.support.raw_server import closing, responding, serving
from tests.support.relay import APP, BUNDLED_NODE, INSTALLATION, KEY, TEST_SERVER, node, relay, with_forge_packages
from tests.support.vendor_schema import manifest_schema

README = (APP / "README.md").read_text("utf-8")
VECTORS: list[dict[str, Any]] = json.loads((APP / "test" / "vectors.json").read_text("utf-8"))
COLLECTION = "/forge/installation/v1/dynamic/module"


def signature(key: str, timestamp: str, nonce: str, method: str, path: str, body: str | None) -> str:
    content = hashlib.sha256((body or "").encode()).hexdigest()
    message = f"forge-relay-1\n{timestamp}\n{nonce}\n{method}\n{path}\n{content}"
    return "v1=" + hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_standard_library_computes_the_same_signature(vector: dict[str, Any]) -> None:
    parts = ("key", "timestamp", "nonce", "method", "path", "body")
    assert signature(*(vector[part] for part in parts)) == vector["signature"]


def test_node_tests_pass_without_installed_packages(tmp_path: Path) -> None:
    app = shutil.copytree(APP, tmp_path / "app", ignore=shutil.ignore_patterns("node_modules"))
    completed = subprocess.run([node(), "--test", "--test-reporter=tap"], cwd=app, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    counts = dict(re.findall(r"^# (tests|pass|fail|skipped|todo|cancelled) (\d+)$", completed.stdout, re.MULTILINE))
    assert int(counts["tests"]) > 200
    assert counts.pop("pass") == counts.pop("tests")
    assert set(counts.values()) == {"0"}, counts


def test_the_bundled_node_replaces_an_old_one_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "node").write_text("#!/bin/sh\necho v20.5.1\n", encoding="utf-8")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert node() == str(BUNDLED_NODE)
    (tmp_path / "node").write_text("#!/bin/sh\necho v20.6.0\n", encoding="utf-8")
    assert node() == str(tmp_path / "node")


def test_a_missing_node_fails_and_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"Node 20\.6 or newer"):
        node(tmp_path / "node")


def test_the_manifest_names_one_web_trigger_and_no_other_host() -> None:
    manifest = yaml.safe_load((APP / "manifest.yml").read_text("utf-8"))
    assert re.fullmatch(r"nodejs2[24]\.x", manifest["app"]["runtime"]["name"])
    assert manifest["modules"] == {
        "webtrigger": [{"key": "relay", "function": "relay", "response": {"type": "dynamic"}}],
        "function": [{"key": "relay", "handler": "index.relay"}],
    }
    assert manifest["permissions"] == {"scopes": ["storage:app"]}
    assert "export const relay = " in (APP / "src" / "index.js").read_text("utf-8")


@pytest.mark.complete
@pytest.mark.parametrize("app", ["web-trigger-relay", "remote-broker"])
def test_the_manifest_matches_the_vendor_s_schema(app: str) -> None:
    validator = Draft201909Validator(manifest_schema())
    manifest = yaml.safe_load((APP.parent / app / "manifest.yml").read_text("utf-8"))
    assert [error.message for error in validator.iter_errors(manifest)] == []
    del manifest["app"]["runtime"]
    assert [error.message for error in validator.iter_errors(manifest)] == ["'runtime' is a required property"]


def test_only_index_js_imports_forge_packages() -> None:
    package = json.loads((APP / "package.json").read_text("utf-8"))
    assert set(package["dependencies"]) == {"@forge/api", "@forge/kvs"}
    assert not {name for name in package if name.endswith("ependencies")} - {"dependencies"}
    assert package["scripts"] == {"test": "node --test"}
    for path in [*(APP / "src").iterdir(), *(APP / "test_server").iterdir()]:
        imported = set(re.findall(r"^import .* from '([^']+)'", path.read_text("utf-8"), re.MULTILINE))
        foreign = {name for name in imported if not name.startswith((".", "node:"))}
        assert foreign == (set(package["dependencies"]) if path.name == "index.js" else set()), path.name


def test_the_readme_lists_every_refusal_code_variable_and_limit() -> None:
    sources = "".join(path.read_text("utf-8") for path in [APP / "src" / "relay.js", APP / "test_server" / "serve.js"])
    reasons = set(re.findall(r"\d{3},\s+'([A-Z_]+)'", sources))
    assert {f"RELAY_{reason}" for reason in reasons} == set(re.findall(r"\| `(RELAY_[A-Z_]+)` \|", README))
    assert len(reasons) == 9
    for variable in re.findall(r"TEST_SERVER_[A-Z_]+", sources):
        assert f"| `{variable}` |" in README
    for name, kib in re.findall(r"(\w+): (\d+) \* 1024", sources):
        assert f"{name} has more than {kib} KiB" in README or f"the {name} more than {kib} KiB" in README


def send(url: str, method: str, path: str, body: str | None = None, *, key: str = KEY, nonce: str = "0" * 32) -> httpx.Response:
    timestamp = str(int(time.time()))
    headers = {
        "x-relay-timestamp": timestamp,
        "x-relay-nonce": nonce,
        "x-relay-signature": signature(key, timestamp, nonce, method, path, body),
    }
    return httpx.post(url, json={"method": method, "path": path, "body": body}, headers=headers, trust_env=False)


@pytest.fixture(params=["fakes", pytest.param("packages", marks=pytest.mark.complete)])
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What runs the relay: with fakes of Forge's packages, or on the packages, with a fake of the runtime below them."""
    return TEST_SERVER if request.param == "fakes" else with_forge_packages(tmp_path)


def test_a_module_is_registered_and_read_through_the_test_server(server: Server, script: Path) -> None:
    module = {"key": "a/ü", "type": "trigger", "data": {"events": ["avi:jira:created:issue"], "function": "hook"}}
    with relay(server.base_url, server.token, script) as url:
        registered = send(url, "POST", COLLECTION, json.dumps(module), nonce="1" * 32)
        read = send(url, "GET", f"{COLLECTION}/a%2F%C3%BC", nonce="2" * 32)
        replayed = send(url, "GET", f"{COLLECTION}/a%2F%C3%BC", nonce="2" * 32)
        wrong_key = send(url, "DELETE", f"{COLLECTION}/a%2F%C3%BC", key="x" * 32, nonce="3" * 32)
    assert [registered.status_code, read.status_code] == [201, 200]
    assert read.json() == server.stores["v1"]["a/ü"]
    assert read.headers["x-relay"] == "relayed"
    assert read.headers["x-relay-installation"] == INSTALLATION
    assert replayed.json()["code"] == "RELAY_NONCE"
    assert wrong_key.json()["code"] == "RELAY_SIGNATURE"
    assert server.counts() == {"GET": 1, "POST": 1, "PUT": 0, "DELETE": 0}


def test_every_operation_reaches_the_api_as_it_was_signed(server: Server, script: Path) -> None:
    module = {"key": "a", "type": "trigger", "data": {"events": ["avi:jira:created:issue"], "function": "hook"}}
    operations = [
        ("POST", COLLECTION, json.dumps(module), 201),
        ("GET", f"{COLLECTION}/?limit=1", None, 200),
        ("GET", f"{COLLECTION}/a", None, 200),
        ("PUT", f"{COLLECTION}/a", json.dumps(module), 200),
        ("DELETE", f"{COLLECTION}/a", None, 204),
        ("GET", f"{COLLECTION}/a", None, 404),
        ("GET", "/rest/api/3/myself", None, 403),
    ]
    with relay(server.base_url, server.token, script) as url:
        for number, (method, path, body, status) in enumerate(operations):
            response = send(url, method, path, body, nonce=f"{number:032x}")
            assert (response.status_code, response.headers["x-relay"]) == (status, "refused" if status == 403 else "relayed")
    assert server.counts() == {"GET": 3, "POST": 1, "PUT": 1, "DELETE": 1}


def test_two_requests_with_one_nonce_at_once_are_relayed_once(server: Server, script: Path) -> None:
    with relay(server.base_url, server.token, script) as url, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: send(url, "GET", f"{COLLECTION}/", nonce="a" * 32).headers["x-relay"], range(8)))
    assert sorted(found) == ["refused"] * 7 + ["relayed"]
    assert server.counts()["GET"] == 1


def test_a_redirect_of_the_api_is_passed_on_and_not_followed(script: Path) -> None:
    with serving(responding(200, {})) as other, serving(responding(307, b"", {"location": other.url})) as api:
        with relay(api.url, "planted", script) as url:
            response = send(url, "GET", f"{COLLECTION}/")
        assert (response.status_code, response.headers["x-relay"]) == (307, "relayed")
        assert other.seen == []


def is_reported_as_failed(response: httpx.Response) -> bool:
    found = (response.status_code, response.json()["code"], response.headers["x-relay"])
    return found == (502, "RELAY_FAILED", "failed")


def test_a_call_that_fails_says_that_the_api_may_have_acted(script: Path) -> None:
    with serving(closing()) as api, relay(api.url, "planted", script) as url:
        assert is_reported_as_failed(send(url, "POST", COLLECTION, "{}"))


@pytest.mark.complete
def test_an_error_of_forge_s_own_proxy_is_no_response_of_the_api(tmp_path: Path) -> None:
    refusing = responding(403, b"{}", {"forge-proxy-error": "BLOCKED_EGRESS"})  # the header tells the packages
    with serving(refusing) as api, relay(api.url, "planted", with_forge_packages(tmp_path)) as url:
        assert is_reported_as_failed(send(url, "POST", COLLECTION, "{}"))
