"""`expectedInstallation`: which responses verify the credentials, which refuse them, and what happens if none does."""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pulumi_atlassian_forge.config.settings import InstallationSettings
from pulumi_atlassian_forge.errors import ForgeError
from pulumi_atlassian_forge.lifecycle.create import create
from pulumi_atlassian_forge.lifecycle.delete import delete
from pulumi_atlassian_forge.lifecycle.read import read
from pulumi_atlassian_forge.lifecycle.update import update
from pulumi_atlassian_forge.session.connection import Connection
from testing.doctor import jwt
from testing.independent_server import DROP, INSTALLATION, Call, Server, is_about_details
from tests.lifecycle.test_recovery import _no_waiting, connect, declared
from tests.support.command import register_outside

__all__ = ["_no_waiting", "connect"]

Opener = Callable[..., Connection]
OTHER = INSTALLATION.replace("1", "9")
VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pulumi-atlassian-forge" / "verified-installations"


def the_only_one(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def responding(server: Server, response: Any) -> None:
    """The response to requests for details; the others are carried out."""
    server.interfere = lambda call: response if is_about_details(call) else None


def expecting(connect: Opener, installation: str = INSTALLATION, **settings: str) -> Connection:
    connection = connect(expectedInstallation=installation, requestTimeout="1", operationTimeout="3", **settings)
    connection.guard._wait_s = 0.05  # for other hooks, of which there are none
    return connection


@VERSIONS
def test_a_first_register_with_the_right_token_is_verified_once(connect: Opener, server: Server, version: str) -> None:
    connection = expecting(connect, apiVersion=version)
    with ThreadPoolExecutor(4) as pool:
        [*pool.map(lambda i: create(connection, declared(i, version)), range(8))]
    assert len(server.modules(version)) == 8
    assert len(server.detail_calls()) == 1
    assert server.calls[0] in server.detail_calls()


@VERSIONS
def test_a_first_register_with_the_token_of_another_installation_sends_nothing(
    connect: Opener, server: Server, version: str
) -> None:
    connection = expecting(connect, OTHER, apiVersion=version)
    for i in range(3):
        with pytest.raises(ForgeError) as caught:
            create(connection, declared(i, version))
    text = str(caught.value)
    assert f"the credentials do not belong to expectedInstallation {OTHER}" in text
    assert "HTTP 401: Authorization failed" in text
    assert "\nnothing was registered\n" in text
    assert "next: correct ATLASSIAN_FORGE_TOKEN (or atlassian-forge:token), or ATLASSIAN_FORGE_EXPECTED_INSTALLATION" in text
    assert text.endswith("(AF601)")
    assert len(text.splitlines()) <= 6
    assert server.writes() == []
    assert len(server.detail_calls()) == 1


UNDECIDED = {
    "404": ((404, {"message": "not found"}), "HTTP 404"),
    "429": ((429, {"message": "too many"}, {"retry-after": "243"}), "HTTP 429"),
    "500": ((500, {"type": "InternalError", "code": 500, "message": "An internal error occurred"}), "HTTP 500"),
    "503": ((503, b"<html>unavailable</html>"), "HTTP 503"),
    "lost": (DROP, "response"),
    "redirect": ((302, b"", {"location": "https://login.example/"}), "redirected"),
    "a login page": ((200, b"<html>log in</html>"), "HTTP 200"),
    "no details": ((200, {"ok": True}), "no details of an installation"),
    "a number": ((200, 1), "no details of an installation"),
}
CASES = pytest.mark.parametrize(("response", "text"), UNDECIDED.values(), ids=UNDECIDED)


@CASES
@VERSIONS
def test_without_a_verification_and_a_known_module_nothing_is_sent(
    connect: Opener, server: Server, version: str, response: Any, text: str
) -> None:
    responding(server, response)
    connection = expecting(connect, apiVersion=version)
    for i in range(2):
        with pytest.raises(ForgeError) as caught:
            create(connection, declared(i, version))
    message = str(caught.value)
    assert re.search(rf"expectedInstallation could not be verified \(.*{text}", message), message
    assert "\nnothing was registered\n" in message
    assert message.endswith("(AF602)")
    assert len(message.splitlines()) <= 6
    assert server.writes() == []
    assert len(server.detail_calls()) == 1
    responding(server, None)
    create(expecting(connect, apiVersion=version), declared(0, version))


def test_the_message_says_when_to_run_again(connect: Opener, server: Server) -> None:
    responding(server, UNDECIDED["429"][0])
    with pytest.raises(ForgeError, match="next: run the command again in 243 s"):
        create(expecting(connect), declared(0, "v1"))
    responding(server, UNDECIDED["500"][0])
    with pytest.raises(ForgeError, match="next: run the command again in 300 s"):
        create(expecting(connect), declared(0, "v1"))
    for status in (400, 404, 410, 422):
        responding(server, (status, {"message": "no"}))
        with pytest.raises(ForgeError, match="next: check the three ids of ATLASSIAN_FORGE_EXPECTED_INSTALLATION"):
            create(expecting(connect), declared(0, "v1"))


def test_a_response_that_hangs_does_not_verify(connect: Opener, server: Server) -> None:
    server.interfere = lambda call: time.sleep(3) if is_about_details(call) else None
    with pytest.raises(ForgeError, match=r"could not be verified \(no whole response within"):
        create(expecting(connect), declared(0, "v1"))
    assert server.writes() == []
    assert len(server.detail_calls()) == 1


@CASES
@VERSIONS
def test_without_a_verification_another_module_of_the_stack_confirms(
    connect: Opener, server: Server, capsys: pytest.CaptureFixture[str], version: str, response: Any, text: str
) -> None:
    first = connect(apiVersion=version)
    made = [create(first, declared(i, version)) for i in range(3)]
    responding(server, response)
    connection = expecting(connect, apiVersion=version)
    for id_, outputs in made:
        connection.guard.on_recorded(id_.version, id_.key, outputs)
    create(connection, declared(7, version))
    update(connection, made[1][0], declared(1, version, "new"), made[1][1])
    delete(connection, *made[2])
    assert {module["data"]["endpoint"] for module in server.modules(version)} == {"hook-0", "new-1", "hook-7"}
    assert len(server.detail_calls()) == 1
    warnings = [line for line in capsys.readouterr().err.splitlines() if "(AF603)" in line]
    assert len(warnings) == 1
    assert text.removeprefix("HTTP ") in warnings[0]


@VERSIONS
def test_the_same_keys_on_another_installation_are_neither_updated_nor_adopted_nor_deleted(
    connect: Opener, server: Server, version: str
) -> None:
    """Staging and production of one app: without the setting, the modules themselves would confirm the wrong one."""
    made = [create(connect(apiVersion=version), declared(i, version)) for i in range(3)]
    before = json.dumps(server.modules(version))
    connection = expecting(connect, OTHER, apiVersion=version)
    for id_, outputs in made:
        connection.guard.on_recorded(id_.version, id_.key, outputs)
    calls = len(server.writes())
    with pytest.raises(ForgeError, match=r"\nit was left as it was\n.*\(AF601\)") as caught:
        update(connection, made[1][0], declared(1, version, "new"), made[1][1])
    assert len(str(caught.value).splitlines()) <= 6
    with pytest.raises(ForgeError, match=r"\nit is still registered\n"):
        delete(connection, *made[2])
    with pytest.raises(ForgeError, match=r"\nnothing was registered\n"):
        create(connection, {**declared(0, version), "adopt": made[0][0].key if version == "v2" else True})
    assert len(server.writes()) == calls
    assert json.dumps(server.modules(version)) == before


@VERSIONS
def test_a_missing_module_is_not_deleted_with_the_token_of_another_installation(
    connect: Opener, server: Server, version: str
) -> None:
    made = [create(connect(apiVersion=version), declared(i, version)) for i in range(2)]
    del server.stores[version][made[0][0].key]  # on the other installation this one does not exist; the other does
    connection = expecting(connect, OTHER, apiVersion=version)
    assert read(connection, *made[1]) is not None
    assert server.detail_calls() == []
    with pytest.raises(ForgeError, match=r"the state is as it was\n.*\(AF601\)"):
        read(connection, *made[0])
    right = expecting(connect, apiVersion=version)
    assert read(right, *made[1]) is not None
    assert read(right, *made[0]) is None


def test_a_refresh_of_modules_that_exist_sends_no_request_about_the_installation(connect: Opener, server: Server) -> None:
    made = create(connect(), declared(0, "v1"))
    assert read(expecting(connect), *made) is not None
    assert server.detail_calls() == []


def test_a_token_that_has_expired_is_not_one_of_another_installation(connect: Opener, server: Server) -> None:
    server.interfere = lambda call: (401, {"message": "Authorization failed"})
    connection = expecting(connect)
    for i in range(2):
        with pytest.raises(ForgeError) as caught:
            create(connection, declared(i, "v1"))
    assert "AF601" not in str(caught.value)
    assert "next: refresh ATLASSIAN_FORGE_TOKEN" in str(caught.value)
    assert len(server.detail_calls()) == 1


def test_a_401_beside_a_list_that_fails_is_no_verdict(connect: Opener, server: Server) -> None:
    def broken(call: Call) -> Any:
        return (401, {"message": "no"}) if is_about_details(call) else (500, {"message": "broken"})

    server.interfere = broken
    connection = expecting(connect)
    with pytest.raises(ForgeError, match="HTTP 500: broken") as caught:
        create(connection, declared(0, "v1"))
    assert "AF601" not in str(caught.value)
    responding(server, (401, {"message": "no"}))  # now the list can be read
    with pytest.raises(ForgeError, match=r"\(AF601\)"):
        create(connection, declared(0, "v1"))
    assert server.writes() == []
    assert len(server.detail_calls()) == 1


class TestRefreshedCredentials:
    @staticmethod
    def swap(server: Server, file: Path, token: str, installation: str) -> None:
        file.write_text(token, "utf-8")
        server.token, server.installation = token, installation

    @VERSIONS
    def test_an_expired_token_is_refreshed_and_verified(
        self, connect: Opener, server: Server, tmp_path: Path, version: str
    ) -> None:
        file = tmp_path / "token"
        file.write_text(server.token, "utf-8")
        connection = expecting(connect, tokenFile=str(file), apiVersion=version)
        connection.credentials()  # the old token is in use
        self.swap(server, file, "planted-second", INSTALLATION)
        create(connection, declared(0, version))
        assert len(server.modules(version)) == 1

    @VERSIONS
    @pytest.mark.parametrize("operation", ["register", "update", "delete"])
    def test_a_token_of_another_installation_in_mid_run_changes_nothing(
        self, connect: Opener, server: Server, tmp_path: Path, version: str, operation: str
    ) -> None:
        file = tmp_path / "token"
        file.write_text(server.token, "utf-8")
        connection = expecting(connect, tokenFile=str(file), apiVersion=version)
        id_, outputs = create(connection, declared(0, version))
        self.swap(server, file, "planted-second", OTHER)
        before = json.dumps(server.modules(version))
        write: dict[str, Callable[[], object]] = {
            "register": lambda: create(connection, declared(1, version)),
            "update": lambda: update(connection, id_, declared(0, version, "new"), outputs),
            "delete": lambda: delete(connection, id_, outputs),
        }
        with pytest.raises(ForgeError, match=r"\(AF601\)"):
            write[operation]()
        assert json.dumps(server.modules(version)) == before
        assert len(server.detail_calls()) == 2

    def test_a_read_that_refreshes_the_token_does_not_free_the_next_register(
        self, connect: Opener, server: Server, tmp_path: Path
    ) -> None:
        file = tmp_path / "token"
        file.write_text(server.token, "utf-8")
        connection = expecting(connect, tokenFile=str(file))
        create(connection, declared(0, "v1"))
        lost: list[Call] = []

        def after(call: Call, status: int, body: bytes) -> Any:
            if call.method == "POST" and not lost:
                lost.append(call)
                server.stores["v1"].clear()
                self.swap(server, file, "planted-second", OTHER)
                return DROP
            return None

        server.distort = after
        with pytest.raises(ForgeError):
            create(connection, declared(1, "v1"))
        assert server.modules() == []


class TestCache:
    def test_a_second_run_with_the_same_token_sends_no_request(self, connect: Opener, server: Server, cache: Path) -> None:
        server.details_interval = 300
        create(expecting(connect), declared(0, "v1"))
        create(expecting(connect), declared(1, "v1"))
        assert len(server.detail_calls()) == 1
        file = the_only_one(cache)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(cache.stat().st_mode) == 0o700
        assert server.token not in file.read_text("utf-8") + file.name

    def test_a_second_run_with_another_token_is_throttled(self, connect: Opener, server: Server) -> None:
        server.details_interval = 300
        create(expecting(connect), declared(0, "v1"))
        server.token = "planted-second"
        with pytest.raises(ForgeError, match=r"HTTP 429.*\n.*\nnext: run the command again in (299|300) s"):
            create(expecting(connect), declared(1, "v1"))
        assert len(server.modules()) == 1

    def test_a_second_run_with_a_token_that_was_verified_for_another_installation_is_refused(
        self, connect: Opener, server: Server
    ) -> None:
        server.details_interval = 300
        made = create(expecting(connect), declared(0, "v1"))
        responding(server, UNDECIDED["429"][0])
        connection = expecting(connect, OTHER)
        connection.guard.on_recorded("v1", made[0].key, made[1])
        with pytest.raises(ForgeError, match=r"an earlier run verified that they belong to 11111111.*") as caught:
            create(connection, declared(1, "v1"))
        assert str(caught.value).endswith("(AF601)")

    def test_it_ends_with_the_token(self, connect: Opener, server: Server, cache: Path) -> None:
        server.token = jwt(exp=time.time() + 90)
        create(expecting(connect), declared(0, "v1"))
        entry = json.loads(the_only_one(cache).read_text("utf-8"))
        assert entry["installation"] == INSTALLATION
        assert 80 < entry["until"] - time.time() < 91
        the_only_one(cache).write_text(json.dumps({**entry, "until": time.time() - 1}), "utf-8")
        create(expecting(connect), declared(1, "v1"))
        assert len(server.detail_calls()) == 2

    def test_a_token_that_never_expires_is_verified_each_day(self, connect: Opener, server: Server, cache: Path) -> None:
        server.token = jwt(exp=9_000_000_000)
        create(expecting(connect), declared(0, "v1"))
        assert json.loads(the_only_one(cache).read_text("utf-8"))["until"] < time.time() + 86_401

    def test_without_an_expiry_it_ends_after_an_hour(self, connect: Opener, server: Server, cache: Path) -> None:
        create(expecting(connect), declared(0, "v1"))
        entry = json.loads(the_only_one(cache).read_text("utf-8"))
        assert 3590 < entry["until"] - time.time() < 3601

    @pytest.mark.parametrize(
        "content",
        ["", "{", "[]", "1", '{"a": 1}', '{"installation": 1, "until": 9e9}', '{"installation": "x", "until": "y"}', "[" * 4000],
    )
    def test_a_damaged_file_counts_as_empty_and_is_replaced(
        self, connect: Opener, server: Server, cache: Path, content: str
    ) -> None:
        create(expecting(connect), declared(0, "v1"))
        file = the_only_one(cache)
        file.write_text(content, "utf-8")
        create(expecting(connect), declared(1, "v1"))
        assert len(server.detail_calls()) == 2
        assert json.loads(file.read_text("utf-8"))["installation"] == INSTALLATION

    def test_what_has_expired_is_removed_with_the_next_entry(self, connect: Opener, server: Server, cache: Path) -> None:
        server.token = jwt(exp=time.time() - 90)
        create(expecting(connect), declared(0, "v1"))
        old = the_only_one(cache)
        server.token = "planted-second"
        create(expecting(connect), declared(1, "v1"))
        assert the_only_one(cache) != old

    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    @pytest.mark.parametrize("which", ["file", "folder"])
    def test_one_that_others_can_write_to_is_not_used(
        self, connect: Opener, server: Server, cache: Path, mode: int, which: str
    ) -> None:
        create(expecting(connect), declared(0, "v1"))
        (the_only_one(cache) if which == "file" else cache).chmod(mode | (0 if which == "file" else 0o711))
        create(expecting(connect), declared(1, "v1"))
        assert len(server.detail_calls()) == 2

    def test_one_of_another_user_is_not_used(self, connect: Opener, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        create(expecting(connect), declared(0, "v1"))
        monkeypatch.setattr("os.geteuid", lambda: 12345)
        create(expecting(connect), declared(1, "v1"))
        assert len(server.detail_calls()) == 2

    @pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
    def test_what_is_no_file_is_not_used(self, connect: Opener, server: Server, cache: Path, tmp_path: Path, kind: str) -> None:
        create(expecting(connect), declared(0, "v1"))
        file = the_only_one(cache)
        elsewhere = file.rename(tmp_path / "elsewhere")
        match kind:
            case "link":
                file.symlink_to(elsewhere)
            case "pipe":
                os.mkfifo(file)
            case _:
                file.mkdir()
        content = elsewhere.read_bytes()
        create(expecting(connect), declared(1, "v1"))
        assert len(server.detail_calls()) == 2
        assert elsewhere.read_bytes() == content

    def test_without_a_home_there_is_no_cache(
        self, connect: Opener, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        monkeypatch.delenv("HOME", raising=False)
        monkeypatch.chdir(tmp_path)
        create(expecting(connect), declared(0, "v1"))
        create(expecting(connect), declared(1, "v1"))
        assert len(server.detail_calls()) == 2
        assert [*tmp_path.iterdir()] == []
        monkeypatch.setenv("HOME", str(tmp_path))
        create(expecting(connect), declared(2, "v1"))
        assert the_only_one(tmp_path / ".cache" / "pulumi-atlassian-forge" / "verified-installations").is_file()


def test_a_connection_without_the_setting_forgets_the_one_before(connect: Opener, server: Server) -> None:
    """A process may open an installation again, with other settings: the guard is the same."""
    first = expecting(connect, OTHER)
    settings = InstallationSettings(base_url=server.base_url, token=SecretStr(server.token))
    second = Connection("default", settings, Path(), first.guard, lambda about, text: None)
    create(second, declared(0, "v1"))
    second.close()
    assert server.detail_calls() == []


def test_a_module_of_another_stack_confirms_nothing(connect: Opener, server: Server) -> None:
    register_outside(server, "v1", "foreign")
    responding(server, UNDECIDED["500"][0])
    with pytest.raises(ForgeError, match=r"\(AF602\)"):
        create(expecting(connect), declared(0, "v1"))


def test_acceptMissingModules_does_not_replace_the_verification(connect: Opener, server: Server) -> None:  # noqa: N802
    id_, outputs = create(connect(), declared(0, "v1"))
    server.stores["v1"].clear()
    with pytest.raises(ForgeError, match=r"\(AF601\)"):
        read(expecting(connect, OTHER, acceptMissingModules="true"), id_, outputs)
    assert read(expecting(connect, acceptMissingModules="true"), id_, outputs) is None


class TestTheAuthenticationMethodNamesTheInstallation:
    """A relay names it with each response, and a token command may print it."""

    @staticmethod
    def command(tmp_path: Path, server: Server, id_: str) -> str:
        file = tmp_path / "printed"
        file.write_text(json.dumps({"token": server.token, "installationId": id_}), "utf-8")
        return json.dumps(["cat", str(file)])

    @pytest.fixture
    def by_command(self, connect: Opener, server: Server, tmp_path: Path) -> Opener:
        def opener(id_: str, installation: str = INSTALLATION) -> Connection:
            return expecting(connect, installation, tokenFile="", tokenCommand=self.command(tmp_path, server, id_))

        return opener

    def test_the_expected_one_confirms_it_if_the_api_does_not_tell(
        self, by_command: Opener, server: Server, capsys: pytest.CaptureFixture[str]
    ) -> None:
        responding(server, UNDECIDED["429"][0])
        create(by_command(INSTALLATION.rpartition("/")[2].upper()), declared(0, "v1"))
        assert len(server.modules()) == 1
        assert capsys.readouterr().err.count("(AF603)") == 1

    def test_another_one_refuses_it_if_the_api_does_not_tell(self, by_command: Opener, server: Server) -> None:
        made = create(by_command("12345678-1234-4234-8234-123456789abc", INSTALLATION), declared(0, "v1"))  # verified by the API
        responding(server, UNDECIDED["429"][0])
        server.token = "planted-second"
        connection = by_command("12345678-1234-4234-8234-123456789abc")
        connection.guard.on_recorded("v1", made[0].key, made[1])
        with pytest.raises(ForgeError, match=r"the authentication method names another one") as caught:
            update(connection, made[0], declared(0, "v1", "new"), made[1])
        assert str(caught.value).endswith("(AF601)")

    def test_the_recorded_identity_confirms_it(self, by_command: Opener, server: Server) -> None:
        made = create(by_command("a-name"), declared(0, "v1"))
        assert made[1]["__identity"]
        server.token = "planted-second"
        responding(server, UNDECIDED["500"][0])
        connection = by_command("a-name")
        update(connection, made[0], declared(0, "v1", "new"), made[1])
        assert server.modules()[0]["data"]["endpoint"] == "new-0"
        with pytest.raises(ForgeError, match="not the installation that the stack was deployed to"):
            update(by_command("another-name"), made[0], declared(0, "v1", "newer"), made[1])

    @pytest.mark.parametrize("named", [INSTALLATION.rpartition("/")[2], "12345678-1234-4234-8234-123456789abc"])
    @pytest.mark.parametrize("is_new", [True, False])
    def test_over_a_relay_of_this_and_of_an_earlier_version(
        self, connect: Opener, server: Server, monkeypatch: pytest.MonkeyPatch, named: str, is_new: bool
    ) -> None:
        inner: list[Call] = []

        def relay(call: Call) -> Any:
            envelope = json.loads(call.body)
            path, _, query = envelope["path"].partition("?")
            headers = {"authorization": f"Bearer {server.token}"}
            inner.append(Call(envelope["method"], path, query, (envelope["body"] or "").encode(), headers))
            if is_about_details(inner[-1]) and not is_new:
                return 403, {"code": "RELAY_OPERATION", "message": "none of the five operations"}, {"x-relay": "refused"}
            status, body, headers = server._served(inner[-1])
            return status, body, {**headers, "x-relay": "relayed", "x-relay-installation": named}

        server.interfere = relay
        monkeypatch.setenv("ATLASSIAN_FORGE_RELAY_URL", f"{server.base_url}/relay")
        monkeypatch.setenv("ATLASSIAN_FORGE_RELAY_KEY", "planted-key-of-more-than-32-characters")
        if is_new or named == INSTALLATION.rpartition("/")[2]:
            create(expecting(connect), declared(0, "v1"))
            assert len(server.modules()) == 1
            return
        with pytest.raises(ForgeError, match="next: deploy the newest version of the relay") as caught:
            create(expecting(connect), declared(0, "v1"))
        assert str(caught.value).endswith("(AF602)")
        assert {call.method for call in inner} == {"GET"}
