"""Each authentication method to the API, through the real CLI, to a server that lets in nobody else."""

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
class Way:
    """An authentication method that is open, and the server at its end, which takes no token but its own."""

    name: str
    server: Server
    auth_method: Opened

    @property
    def installations(self) -> dict[str, str]:
        """By the version of the API. One authentication method is that of ``default``: the others come further down."""
        first = "default" if self.name == "containerProxy" else f"{self.name.lower()}-v1"
        return {"v1": first, "v2": f"{self.name.lower()}-v2"}


@contextmanager
def all_open(folder: Path, names: Iterable[str]) -> Iterator[list[Way]]:
    with ExitStack() as stack:
        folder.mkdir()
        servers = {name: stack.enter_context(serve(token=f"planted-token-of-{name}")) for name in names}
        yield [Way(name, server, stack.enter_context(opened(name, server, folder / name))) for name, server in servers.items()]


def watch_processes(root: Path, servers: Iterable[Server], secrets: list[str]) -> list[str]:
    """The command lines that showed a secret while a request was under way: those of processes that work in a project's folder.

    Others are tests' beside this one, whose secrets are called the same.
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


def test_twenty_modules_live_their_life_on_both_versions(project: Callable[..., Project], tmp_path: Path) -> None:
    """One program on all authentication methods at once, but for `token`: of that all other tests are."""
    with all_open(tmp_path / "roads", AUTH_METHODS[1:]) as ways:
        names = {name: way.auth_method for way in ways for name in way.installations.values()}
        secrets = [secret for way in ways for secret in way.auth_method.secrets]
        stack = travelling(project, names)
        shown = watch_processes(stack.root.resolve(), [way.server for way in ways], secrets)
        stack.program(program(20, "hook", tuple(names)))
        done = stack.up()
        assert done.summary == {"created": 161}, done.text
        for way in ways:
            assert (len(way.server.modules("v1")), len(way.server.modules("v2"))) == (20, 20), way.name
        stack.program(program(20, "changed", tuple(names)))
        done = stack.up()
        assert done.summary == {"updated": 160, "unchanged": 1}, done.text
        for way in ways:
            endpoints = {module["data"]["endpoint"] for module in way.server.modules("v2")}
            assert endpoints == {f"changed-{i}" for i in range(20)}, way.name
            way.server.stores["v1"][f"{way.installations['v1']}-7"]["data"]["endpoint"] = "by-hand"
        done = stack.refresh()
        assert done.summary == {"updated": 4, "unchanged": 157}, done.text
        everything = message_from_body(stack)
        done = stack.destroy()
        assert done.code == 0, done.text
        assert [way.name for way in ways if way.server.modules("v1") + way.server.modules("v2")] == []
        assert not [secret for secret in secrets if secret in everything + stack.everything()]
        assert shown == []


def second_token(way: Way) -> str:
    return f"planted-token-2-of-{way.name}"


def renew_at_twenty(way: Way, _: Call) -> None:
    if way.server.count("POST") == 20 and way.server.token != second_token(way):
        way.auth_method.renew(second_token(way))
        way.server.token = second_token(way)


def test_a_token_that_ends_in_the_middle_is_renewed_once(project: Callable[..., Project], tmp_path: Path) -> None:
    with all_open(tmp_path / "roads", RENEWABLE) as ways:
        names = dict(zip(("default", "acme-v1"), ways, strict=True))
        for way in ways:
            way.server.interfere = functools.partial(renew_at_twenty, way)
        stack = travelling(project, {name: way.auth_method for name, way in names.items()})
        stack.program(program(50, "hook", tuple(names)))
        done = stack.up()
        assert done.summary == {"created": 101}, done.text
        for way in ways:
            assert len(way.server.modules()) == 50, way.name
            first, second = f"Bearer {way.auth_method.secrets[0]}", f"Bearer {second_token(way)}"
            used = [call.headers["authorization"] for call in way.server.calls]
            assert set(used) == {first, second}, way.name
            after = used[used.index(second) :]
            assert after.count(first) <= 3, f"{way.name}: those that were under way in the four workers"
        everything = message_from_body(stack)
        assert not [way.name for way in ways if second_token(way) in everything]


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


def test_another_installation_behind_the_road_is_noticed_though_its_modules_have_the_same_keys(
    project: Callable[..., Project], server: Server, tmp_path: Path
) -> None:
    """Staging and production of one app: keys and contents are the same, and only the authentication method differs."""
    with opened("tokenCommand", server, tmp_path / "auth_method") as way:
        stack = travelling(project, {"default": way})
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
            assert done.diagnostics.count("this is another installation than the one that the stack was made on") == 1, done.text
            assert (
                "is ATLASSIAN_FORGE_TOKEN_COMMAND (or atlassian-forge:tokenCommand) the token of this installation" in done.text
            )
            assert "ATLASSIAN_FORGE_ACCEPT_MISSING_MODULES=true pulumi refresh" in done.text
            assert {call.method for call in server.calls} <= {"GET"}
        assert stack.refresh().code != 0
        for args in (("orphans", "--stack", "test"), ("import", "--stack", "test")):
            deduplicator = in_project(stack, *args)
            assert deduplicator.code == 1, deduplicator.text
            assert "is another one than that which the states were made on" in deduplicator.stderr
        assert [dict(module) for module in server.modules()] == before
        assert sorted(resource["id"] for resource in stack.state()) == [f"default/v1/default-{i}" for i in range(3)]
        printed.write_text(right)
        assert stack.up().code == 0
        assert stack.destroy().code == 0
        assert server.modules() == []
