"""examples/web-trigger-relay: its own tests on the real Node, its manifest, and its signatures computed independently."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from testing.independent_server import Server
from tests.support.relay import APP, BUNDLED_NODE, INSTALLATION, KEY, node, relay

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


def test_a_module_is_registered_and_read_through_the_test_server(server: Server) -> None:
    module = {"key": "a/ü", "type": "trigger", "data": {"events": ["avi:jira:created:issue"], "function": "hook"}}
    with relay(server.base_url, server.token) as url:
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
