"""`forge-modules doctor`: this machine, and the forms of the output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pulumi_atlassian_forge.version import __version__
from testing.command import printed
from testing.doctor import HOST, PROBED, Doctor, expect, program
from testing.independent_server import Server


class TestMachine:
    def test_no_engine(self, doctor: Doctor, api: Server) -> None:
        expect(
            doctor(server=api, PATH=doctor.tools(pulumi=None)),
            1,
            "fail     engine: there is no pulumi on PATH\nnext: install Pulumi (https://www.pulumi.com/docs/install/); "
            "in a checkout of this package: scripts/install-pulumi",
            "skipped  language host: engine failed",
            "ok       auth: the credentials are accepted",
        )

    @pytest.mark.parametrize(
        ("version", "code", "words"),
        [
            ("v3.215.9", 1, "fail     engine: pulumi v3.215.9 ({}) is older than 3.216, and cannot read what a dynamic provider"),
            ("3.253.0", 0, "warn     engine: pulumi 3.253.0 ({}) is older than 3.254: `forge-modules import` needs that"),
            ("", 0, "warn     engine: pulumi without a version ({}): a build without a version number"),
        ],
    )
    def test_an_engine_of_another_age(self, doctor: Doctor, api: Server, version: str, code: int, words: str) -> None:
        done = doctor(server=api, PATH=doctor.tools(pulumi=version))
        assert (done.code, words.format(doctor.python.with_name("pulumi")) in done.stdout) == (code, True), done.stdout

    def test_an_engine_without_its_host(self, doctor: Doctor, api: Server) -> None:
        expect(
            doctor(server=api, PATH=doctor.tools(host=HOST[:1])),
            1,
            f"fail     language host: neither beside pulumi nor on PATH: {HOST[1]}, {HOST[2]}",
        )

    def test_a_python_without_the_package(self, doctor: Doctor, api: Server) -> None:
        path = doctor.tools()
        program(doctor.python, f'exec {sys.executable} -I -S "$@"')
        done = doctor(server=api, PATH=path)
        words = (
            f"  fail     python: {doctor.python} (the first on PATH, {sys.version_info[0]}.{sys.version_info[1]}) cannot import"
        )
        assert (done.code, f"{words} this package: ModuleNotFoundError: No module named 'pulumi'" in done.stdout) == (1, True)
        assert "  skipped  package, sdk: python failed\n" in done.stdout

    def test_a_python_with_the_package(self, doctor: Doctor, api: Server) -> None:
        path = doctor.tools()
        program(doctor.python, f'exec {sys.executable} "$@"')
        done = doctor(server=api, PATH=path)
        assert "  ok       sdk: pulumi 3." in done.stdout, done.stdout

    @pytest.mark.parametrize(
        ("found", "code", "line"),
        [
            ({"python": [3, 10]}, 1, "fail     python: {} (the first on PATH, 3.10) is older than 3.11"),
            ({"sdk": "3.215.0"}, 1, "fail     sdk: the SDK pulumi 3.215.0 is older than 3.216"),
            ({"package": "9.9"}, 0, f"warn     package: the plugin's is 9.9, this command's {__version__}"),
        ],
        ids=["old", "old SDK", "another version"],
    )
    def test_a_python_that_lacks_something(self, doctor: Doctor, found: dict[str, Any], code: int, line: str) -> None:
        path = doctor.tools(**found)
        done = doctor(PATH=path, ATLASSIAN_FORGE_BASE_URL="emulator://x.db")
        expect(done, code, line.format(doctor.python))

    def test_the_virtualenv_of_the_project(self, doctor: Doctor, api: Server, tmp_path: Path) -> None:
        options = "name: p\nruntime:\n  name: python\n  options: {virtualenv: venv}\n"
        (tmp_path / "Pulumi.yaml").write_text(options, "utf-8")
        python = tmp_path / "venv" / "bin" / "python"
        done = doctor(server=api)
        expect(done, 1, f"fail     python: there is no {python} (the virtualenv of Pulumi.yaml)")
        python.parent.mkdir(parents=True)
        program(python, f"echo '{json.dumps(PROBED)}'")
        expect(doctor(server=api), 0, f"ok       python: {python} (the virtualenv of Pulumi.yaml, 3.12)")


class TestForm:
    def test_json(self, doctor: Doctor, api: Server) -> None:
        found = printed(doctor("--json", server=api))
        assert set(found) == {"version", "installations", "checks"}
        machine = {check["name"]: check for check in found["checks"]}
        assert list(machine) == ["engine", "language host", "program", "python", "package", "sdk", "certificates", "proxy"]
        assert machine["proxy"] == {"name": "proxy", "status": "ok", "text": "none: no proxy variable is set", "next": None}
        (one,) = found["installations"]
        assert one["installation"] == "default"
        checks = {check["name"]: check for check in one["checks"]}
        assert checks["read"] == {"name": "read", "status": "skipped", "text": "there are no modules", "next": None}

    def test_a_named_installation_and_options_that_exclude_each_other(self, doctor: Doctor, api: Server) -> None:
        acme: dict[str, Any] = {"ATLASSIAN_FORGE_ACME_BASE_URL": api.base_url, "ATLASSIAN_FORGE_ACME_TOKEN": api.token}
        done = doctor("--installation", "acme", **acme)
        expect(done, 0, "installation 'acme'", "ok       token: from ATLASSIAN_FORGE_ACME_TOKEN; its expiry is unknown")
        done = doctor("--installation", "acme", "--all", **acme)
        assert (done.code, done.stdout) == (1, "")
        assert "--installation and --all exclude each other" in done.stderr

    def test_the_emulator(self, doctor: Doctor) -> None:
        expect(
            doctor(ATLASSIAN_FORGE_BASE_URL="emulator://x.db?option=list_shape=envelope"),
            0,
            "skipped  dns, connection, tls: the emulator is a file on this machine",
            "ok       token: the emulator needs none",
            "ok       list: an envelope: `result`; 1 page",
        )
