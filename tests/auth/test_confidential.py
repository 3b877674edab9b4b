"""A secret in a setting that ought to hold a path, and a password in the address of a proxy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pulumi_atlassian_forge.config.confidential import secrets_of_environment, shown_path, shown_program
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.session.session import Connections
from testing.command import MODULE, environment_of, run
from testing.processes import is_alive
from tests.support.hostile import TOKEN, faults_of

DECLARED = {"apiVersion": "v1", "installation": "default", "key": "one", "__name": ["one"], "events": ["e"], "function": "f"}
SECRETS = {
    "JWT": "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3OTAwMDAwMDB9.c2lnbmF0dXJlLW9m",
    "opaque": "abc-SECRET-token-123",
    "letters": "abcdefghijklmnopqrstuvwxyzabcdefghijkl",
    "Base64": "ab+cd/efGH12ijKL34mnOP56==",
    "hexadecimal": "0f" * 20,
    "of Atlassian": "ATCTT3xFfGN0abcdEFGHIJ=A1B2C3D4",
}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=() if kind == "opaque" else pytest.mark.complete) for kind in SECRETS])
@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("TOKEN_FILE", {}),
        ("RELAY_KEY_FILE", {"RELAY_URL": "https://relay.example/x1/abc"}),
        ("TOKEN_COMMAND", {}),
        ("MANIFEST", {"TOKEN": "t"}),
    ],
)
def test_a_secret_in_place_of_a_path_is_shown_nowhere(tmp_path: Path, field: str, more: dict[str, str], kind: str) -> None:
    secret = SECRETS[kind]
    environment = {f"ATLASSIAN_FORGE_{name}": value for name, value in {field: secret, "REQUEST_TIMEOUT": "1", **more}.items()}
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    for command in ("list", "doctor") if kind == "opaque" else ("list",):  # doctor is slow
        done = run(command, server=None, cwd=tmp_path, **environment, HTTPS_PROXY="http://127.0.0.1:9")
        assert secret not in done.text
        assert "Traceback" not in done.text
        if field != "MANIFEST":
            assert done.code == 1
            assert f"ATLASSIAN_FORGE_{field}" in done.text


@pytest.mark.parametrize("kind", SECRETS)
def test_the_message_of_a_hook_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("ATLASSIAN_FORGE_MANIFEST", SECRETS[kind])
    monkeypatch.setenv("ATLASSIAN_FORGE_TOKEN_FILE", SECRETS[kind])
    connections = Connections(dict[str, str]().get, tmp_path)
    with pytest.raises(ForgeError) as of_manifest:
        connections.manifest("default")
    with pytest.raises(ForgeError) as of_token:
        create(connections.open("default"), DECLARED)
    for caught, setting in ((of_manifest, "ATLASSIAN_FORGE_MANIFEST"), (of_token, "ATLASSIAN_FORGE_TOKEN_FILE")):
        assert SECRETS[kind] not in str(caught.value)
        assert setting in str(caught.value)
        assert "AF701" in str(caught.value)
        assert len(str(caught.value).splitlines()) <= 6


@pytest.mark.parametrize(
    "path",
    [
        "/var/run/secrets/forge/token",
        "./token",
        "../token",
        "~/token",
        "token.txt",
        "secrets/token",
        "manifest.yml",
        "here",
        "not-there",
    ],
)
def test_a_path_is_shown(tmp_path: Path, path: str) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "here").touch()
    assert shown_path(path, tmp_path) == f" {path}"


@pytest.mark.parametrize("program", ["fetch-token", "vault", "./fetch", "/opt/fetch.sh", "env"])
def test_a_program_is_shown(tmp_path: Path, program: str) -> None:
    assert shown_program(program, tmp_path) == f" '{program}'"


@pytest.mark.parametrize(
    ("address", "secrets"),
    [
        ("http://module:Sw0rdfish@proxy:80", {"Sw0rdfish"}),
        ("http://build-agent:p%40ss:word@proxy", {"p%40ss:word", "p@ss:word"}),
        ("module:pa://ssw0rd@proxy:80", {"pa://ssw0rd"}),
        ("http://u:pa://ss@w0rd@proxy:80", {"pa://ss@w0rd"}),
        ("http://module@proxy", {"module"}),
        ("http://Tok3nAlone:x@proxy", {"Tok3nAlone", "x"}),
        ("http://proxy:80", set()),
    ],
)
def test_the_secrets_in_the_address_of_a_proxy(monkeypatch: pytest.MonkeyPatch, address: str, secrets: set[str]) -> None:
    monkeypatch.setattr(os, "environ", {"HTTPS_PROXY": address})
    assert set(filter(None, secrets_of_environment())) == secrets


@pytest.mark.parametrize(
    "address", ["http://user:S3CRET-PASS@127.0.0.1:9", "http://S3CRET-PASS@127.0.0.1:9", "http://u:S3CRET-PASS/@127.0.0.1:9"]
)
@pytest.mark.parametrize("variable", ["FORGE_EGRESS_PROXY_URL", "HTTPS_PROXY", "ALL_PROXY"])
def test_the_password_of_a_proxy_is_shown_nowhere(tmp_path: Path, variable: str, address: str) -> None:
    own = (
        {"ATLASSIAN_FORGE_CONTAINER_PROXY": "installationId=ab-1"}
        if variable.startswith("FORGE")
        else {"ATLASSIAN_FORGE_TOKEN": "t"}
    )
    for arguments in (["list"], ["doctor"]):
        variables = {**own, variable: address, "ATLASSIAN_FORGE_OPERATION_TIMEOUT": "0.3"}
        done = run(*arguments, server=None, cwd=tmp_path, **variables)
        assert done.code == 1
        assert "S3CRET" not in done.text, done.text


@pytest.mark.parametrize(
    "stderr",
    [
        "> Authorization: Bearer hvs.CAESabc",
        "authorization: bearer abcdefgh",
        "login with CAESIJabcdefghij1234567890 failed",
        "https://user:hunter22@vault.example/v1",
        "{'client_secret': 'abcdefgh1'}",
    ],
)
def test_what_only_the_standard_error_of_a_token_command_holds(tmp_path: Path, stderr: str) -> None:
    command = json.dumps([sys.executable, "-c", f"import sys; sys.exit({stderr!r})"])
    done = run("list", cwd=tmp_path, ATLASSIAN_FORGE_TOKEN_COMMAND=command)
    assert "failed with exit code 1: " in done.text
    assert "[redacted]" in done.text
    assert not any(secret in done.text for secret in ("CAES", "abcdefgh", "hunter22"))


def test_a_color_inside_a_printed_token(tmp_path: Path) -> None:
    text = "'got ' + t[:9] + '\\x1b[31m' + t[9:20] + '\\x1b[0m' + t[20:] + '\\nnext: x'"
    program = f"import sys; t = {TOKEN!r}; print(t); sys.exit({text})"
    done = run("list", cwd=tmp_path, ATLASSIAN_FORGE_TOKEN_COMMAND=json.dumps([sys.executable, "-c", program]))
    assert "got [redacted] next: x" in done.text
    assert faults_of(done.text) == []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGINT])
def test_a_token_command_ends_with_the_process_that_started_it(tmp_path: Path, sign: signal.Signals) -> None:
    """Its children, too: it is a process group."""
    child = f"import os, pathlib, time; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(60)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    environment = environment_of(None, ATLASSIAN_FORGE_TOKEN_COMMAND=json.dumps([sys.executable, "-c", program]))
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may ignore it (nohup)
    process = subprocess.Popen(
        [sys.executable, *MODULE, "list"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    signal.signal(signal.SIGHUP, before)
    try:
        until = time.monotonic() + 30
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
            assert time.monotonic() < until
            time.sleep(0.02)
        pid = int((tmp_path / "pid").read_text())
        os.kill(process.pid, sign)
        process.wait(15)
        until = time.monotonic() + 5
        while is_alive(pid) and time.monotonic() < until:
            time.sleep(0.02)
        assert not is_alive(pid)
    finally:
        process.kill()
        process.wait()
