"""Each authentication method, on a server that accepts no other credentials."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from testing.independent_server import Call, Server, serve
from testing.installations import reaching
from testing.project import Project
from tests.support.auth_methods import AUTH_METHODS, RENEWABLE, Opened, opened
from tests.support.command import in_project
from tests.support.engines import BOTH_ENGINES
from tests.support.relay import KEY, relay

pytestmark = BOTH_ENGINES

PROGRAM = """
for i in range({n}):
    for installation in {installations}:
        forge.TriggerModule(
            f"{{installation}}-{{i}}", installation=installation, events=["avi:jira:updated:issue"], endpoint=f"{endpoint}-{{i}}"
        )
"""


def program(n: int, endpoint: str, installations: tuple[str, ...] = ("default",)) -> str:
    return PROGRAM.format(n=n, endpoint=endpoint, installations=installations)


def travelling(project: Callable[..., Project], auth_methods: Mapping[str, Opened]) -> Project:
    """A stack that reaches each installation by its authentication method."""
    return reaching(project, {name: auth_method.environment for name, auth_method in auth_methods.items()})


@dataclass(frozen=True)
class OpenMethod:
    """An authentication method that is set up, and the server that it leads to, which accepts its token only."""

    name: str
    server: Server
    auth_method: Opened

    @property
    def installations(self) -> dict[str, str]:
        """By the version of the API. One authentication method is that of the installation ``default``."""
        first = "default" if self.name == "containerProxy" else f"{self.name.lower()}-v1"
        return {"v1": first, "v2": f"{self.name.lower()}-v2"}


@contextmanager
def all_open(folder: Path, names: Iterable[str]) -> Iterator[list[OpenMethod]]:
    with ExitStack() as stack:
        folder.mkdir()
        servers = {name: stack.enter_context(serve(token=f"planted-token-of-{name}")) for name in names}
        yield [
            OpenMethod(name, server, stack.enter_context(opened(name, server, folder / name))) for name, server in servers.items()
        ]


def watch_processes(root: Path, servers: Iterable[Server], secrets: list[str]) -> list[str]:
    """The command lines that showed a secret while a request was in flight, of the processes that work in a project's folder.

    Processes elsewhere belong to tests that run at the same time, with the same secrets.
    """
    shown: list[str] = []

    def look(_: Call) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if not (process / "cwd").readlink().is_relative_to(root):
                    continue
                line = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            shown.extend(line for secret in secrets if secret in line)

    for server in servers:
        server.interfere = look
    return shown


def message_from_body(stack: Project) -> str:
    """All that it has written down, of which nothing is encrypted: an export would show no more."""
    assert '"ciphertext"' not in stack.file.read_text("utf-8")
    return stack.everything()


def test_every_operation_on_twenty_modules_of_both_versions(project: Callable[..., Project], tmp_path: Path) -> None:
    """One program on all authentication methods at once, except `token`, which all other tests use."""
    with all_open(tmp_path / "auth_methods", AUTH_METHODS[1:]) as methods:
        names = {name: method.auth_method for method in methods for name in method.installations.values()}
        secrets = [secret for method in methods for secret in method.auth_method.secrets]
        stack = travelling(project, names)
        shown = watch_processes(stack.root.resolve(), [method.server for method in methods], secrets)
        stack.program(program(20, "hook", tuple(names)))
        done = stack.up()
        assert done.summary == {"created": 161}, done.text
        for method in methods:
            assert (len(method.server.modules("v1")), len(method.server.modules("v2"))) == (20, 20), method.name
        stack.program(program(20, "changed", tuple(names)))
        done = stack.up()
        assert done.summary == {"updated": 160, "unchanged": 1}, done.text
        for method in methods:
            endpoints = {module["data"]["endpoint"] for module in method.server.modules("v2")}
            assert endpoints == {f"changed-{i}" for i in range(20)}, method.name
            method.server.stores["v1"][f"{method.installations['v1']}-7"]["data"]["endpoint"] = "outside-pulumi"
        done = stack.refresh()
        assert done.summary == {"updated": 4, "unchanged": 157}, done.text
        everything = message_from_body(stack)
        done = stack.destroy()
        assert done.code == 0, done.text
        assert [method.name for method in methods if method.server.modules("v1") + method.server.modules("v2")] == []
        assert not [secret for secret in secrets if secret in everything + stack.everything()]
        assert shown == []


def second_token(method: OpenMethod) -> str:
    return f"planted-token-2-of-{method.name}"


def renew_at_twenty(method: OpenMethod, _: Call) -> None:
    if method.server.count("POST") == 20 and method.server.token != second_token(method):
        method.auth_method.renew(second_token(method))
        method.server.token = second_token(method)


def test_a_token_that_expires_in_a_run_is_refreshed_once(project: Callable[..., Project], tmp_path: Path) -> None:
    with all_open(tmp_path / "auth_methods", RENEWABLE) as methods:
        names = dict(zip(("default", "acme-v1"), methods, strict=True))
        for method in methods:
            method.server.interfere = functools.partial(renew_at_twenty, method)
        stack = travelling(project, {name: method.auth_method for name, method in names.items()})
        stack.program(program(50, "hook", tuple(names)))
        done = stack.up()
        assert done.summary == {"created": 101}, done.text
        for method in methods:
            assert len(method.server.modules()) == 50, method.name
            first, second = f"Bearer {method.auth_method.secrets[0]}", f"Bearer {second_token(method)}"
            used = [call.headers["authorization"] for call in method.server.calls]
            assert set(used) == {first, second}, method.name
            after = used[used.index(second) :]
            assert after.count(first) <= 3, f"{method.name}: those that were in flight in the four workers"
        everything = message_from_body(stack)
        assert not [method.name for method in methods if second_token(method) in everything]


def test_the_relay_s_key_is_read_again_when_it_was_rotated(
    project: Callable[..., Project], server: Server, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("planted-old-key-0123456789abcdefghij")
    with relay(server.base_url, server.token) as url:
        environment = {"ATLASSIAN_FORGE_RELAY_URL": url, "ATLASSIAN_FORGE_RELAY_KEY_FILE": str(key)}
        stack = travelling(project, {"default": Opened(environment, lambda _: None, [])})
        stack.program(program(1, "hook"))
        done = stack.up()
        assert done.code != 0
        assert "ATLASSIAN_FORGE_RELAY_KEY (or atlassian-forge:relayKey) the relay's own RELAY_KEY" in done.text
        assert server.calls == []
        key.write_text(KEY)
        assert stack.up().code == 0
    assert len(server.modules()) == 1


def test_another_installation_is_noticed_though_its_modules_have_the_same_keys(
    project: Callable[..., Project], server: Server, tmp_path: Path
) -> None:
    """Staging and production of one app: keys and contents are the same, and only the authentication method differs."""
    with opened("tokenCommand", server, tmp_path / "auth_method") as method:
        stack = travelling(project, {"default": method})
        stack.program(program(3, "hook"))
        assert stack.up().code == 0
        printed = tmp_path / "auth_method" / "printed"
        right = printed.read_text()
        printed.write_text(right.replace("an-installation", "production"))
        before = [dict(module) for module in server.modules()]
        for text, run in ((program(3, "changed"), stack.up), (program(4, "hook"), stack.up), (program(3, "hook"), stack.destroy)):
            stack.program(text)
            server.calls.clear()
            done = run()
            assert done.code != 0
            assert done.diagnostics.count("this is not the installation that the stack was deployed to") == 1, done.text
            assert (
                "is ATLASSIAN_FORGE_TOKEN_COMMAND (or atlassian-forge:tokenCommand) the token of this installation" in done.text
            )
            assert "ATLASSIAN_FORGE_ACCEPT_MISSING_MODULES=true pulumi refresh" in done.text
            assert {call.method for call in server.calls} <= {"GET"}
        assert stack.refresh().code != 0
        for args in (("orphans", "--stack", "test"), ("import", "--stack", "test")):
            deduplicator = in_project(stack, *args)
            assert deduplicator.code == 1, deduplicator.text
            assert "is not the installation of the states" in deduplicator.stderr
        assert [dict(module) for module in server.modules()] == before
        assert sorted(resource["id"] for resource in stack.state()) == [f"default/v1/default-{i}" for i in range(3)]
        printed.write_text(right)
        assert stack.up().code == 0
        assert stack.destroy().code == 0
        assert server.modules() == []
