"""Walk of a new user through the pages of each authentication method: all commands, from a fresh clone to registered modules.

What a page leaves open is in :data:`tests.support.new_user.TYPED`; what cannot be typed here stands below, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from testing.doctor import keeping_the_contract
from testing.independent_server import TOKEN, Server, serve
from testing.project import HEADER, require_engine
from tests.support.database import registered_in
from tests.support.new_user import SAYS, TYPED, NewUser, PreparedMachine
from tests.support.pages import ROOT, Command, commands, one
from tests.support.relay import APP, KEY
from tests.support.sidecar import INSTALLATION, sidecar

# In one process, or each would make the environment anew. The limit of pytest is behind that of the walk.
pytestmark = [pytest.mark.cli, pytest.mark.xdist_group("new_user"), pytest.mark.timeout(1200)]

LIMIT = 15 * 60
"""Seconds that an authentication method may take from a fresh clone on."""

README, AUTH_METHODS, REAL = "README.md", "docs/guide/authentication.md", "docs/guide/real-installation.md"
RELAY, BROKER, FLEET = (f"examples/{name}/README.md" for name in ("web-trigger-relay", "remote-broker", "fleet"))
CHECK = (REAL, "Check before the first `up`")

SECOND = [(README, "Settings"), (REAL, "More than one installation")]

WALKS = {
    "test_a_token_and_then_a_second_installation": [
        (README, "Use it on a real installation"),
        (AUTH_METHODS, "token"),
        CHECK,
        *SECOND,
    ],
    "test_a_command_that_prints_a_token_and_a_file_of_installations": [
        (AUTH_METHODS, "tokenCommand"),
        (AUTH_METHODS, "Many installations"),
    ],
    "test_a_broker_that_is_given_a_token": [(BROKER, "Try it on one machine"), CHECK],
    "test_a_container": [(AUTH_METHODS, "containerProxy"), CHECK],
    "test_a_relay": [(RELAY, "Test it"), (AUTH_METHODS, "relay"), CHECK],
    "test_a_fleet": [(FLEET, "Fleet")],
}
"""What each test walks, by page and heading."""

PAGES: list[tuple[str, str | None]] = [
    *[(README, heading) for heading in ("Use it on a real installation", "Settings")],
    *[(page, None) for page in (AUTH_METHODS, REAL, "docs/guide/ci.md", RELAY, BROKER, FLEET)],
]
"""The pages of the authentication methods; of the one that is about more, what is about them."""

FORGE = "needs an Atlassian account and a site"
NOT_WALKED = {
    "npm install": "brings Forge's own packages, which src/index.js alone imports: tests/test_web_trigger_relay.py",
    "forge register": FORGE,
    "forge variables set --environment production --encrypt RELAY_KEY": FORGE,
    "forge deploy --environment production": FORGE,
    "forge install --environment production": FORGE,
    "forge webtrigger create": FORGE,
    "make -C examples/remote-broker": "runs in tests/remote_broker/test_makefile.py",
}

FORGE_KNOWS = ("deploy", "install", "register", "variables set", "variables unset", "webtrigger create", "webtrigger delete")
"""Commands of Forge's CLI that the pages use; @forge/cli 13.3.0 has them."""


def shown() -> list[Command]:
    return [command for stop in PAGES for command in commands(*stop)]


# -- what is shown is walked ------------------------------------------------------------------------------------------------


def test_every_command_of_the_guides_is_tested_or_excluded_with_a_reason() -> None:
    assert set(WALKS) <= set(globals())
    walked = {(command.page, command.text) for stops in WALKS.values() for stop in stops for command in commands(*stop)}
    left = [command for command in shown() if (command.page, command.text) not in walked and command.text not in NOT_WALKED]
    assert not left
    assert len(shown()) > 30


def test_every_command_with_a_note_is_on_a_page() -> None:
    texts = {command.text for command in shown()}
    assert set(NOT_WALKED) <= texts
    walked = " ".join(command.text for stops in WALKS.values() for stop in stops for command in commands(*stop))
    assert not [known for known in [*TYPED, *SAYS] if known not in walked]


def test_the_commands_of_forge_name_the_variables_of_the_app_and_one_environment() -> None:
    text = (ROOT / RELAY).read_text("utf-8")
    deduplicator = re.findall(r"^(forge [^#\n]+)", text, re.MULTILINE) + re.findall(r"`(forge [^`]+)`", text)
    assert len(deduplicator) > 10
    assert not [command for command in deduplicator if not command.removeprefix("forge ").startswith(FORGE_KNOWS)]
    read = set(re.findall(r"process\.env\.(\w+)", (APP / "src" / "index.js").read_text("utf-8")))
    variables = [command for command in deduplicator if command.startswith("forge variables")]
    assert {name for command in variables for name in re.findall(r"[A-Z][A-Z_]+", command)} == read
    # Without a name Forge's CLI uses a development environment: the key would be set where no relay reads it.
    assert all("--environment production" in command for command in variables)
    assert "webtrigger" in yaml.safe_load((APP / "manifest.yml").read_text("utf-8"))["modules"]


# -- the walks --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> PreparedMachine:
    require_engine()
    return PreparedMachine(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def new_user(
    machine: PreparedMachine, tmp_path: Path, record_property: Callable[[str, object], None], request: pytest.FixtureRequest
) -> Iterator[NewUser]:
    """A new user who has installed the package and made a stack. At the end all pages are walked, and the time is recorded."""
    user = NewUser(machine, tmp_path, WALKS[request.node.name], key=KEY)
    try:
        user.follow(commands(README, "Use it on a real installation")[:1])
        user.type("pulumi stack init dev", user.project)
        yield user
        assert not user.stops
        seconds = round(user.seconds, 1)
        record_property("seconds", seconds)
        print(f"{request.node.name}: {seconds} s")  # noqa: T201 - a figure of the run
        assert seconds <= LIMIT
    finally:
        user.leave()


def walk(user: NewUser, until: list[tuple[str, str]] | None = None) -> None:
    """Walk on, to the end or until only these stops are left."""
    while user.stops != (until or []):
        user.follow([command for command in commands(*user.stops.pop(0)) if command.text not in NOT_WALKED])


def is_green(user: NewUser) -> None:
    """The last run of the doctor found no problem. It may recommend ``expectedInstallation``, which the walk does not set."""
    report = user.output["forge-modules doctor"]
    assert "auth: the credentials are accepted" in report
    found = re.findall(r"^ *(?:warn|fail) .*", report, re.MULTILINE)
    assert not [line for line in found if "warn     installation: nothing tells which installation" not in line], report


@pytest.fixture
def api(server: Server) -> Server:
    return keeping_the_contract(server)


def keys(server: Server) -> list[str]:
    return sorted(module["key"] for module in server.modules())


def test_a_token_and_then_a_second_installation(new_user: NewUser, api: Server) -> None:
    new_user.known |= {"api": api.base_url, "token": api.token}
    walk(new_user, until=SECOND)
    is_green(new_user)
    assert keys(api) == ["notify-on-bug", "panel"]
    with serve(token="planted-token-of-acme") as acme:
        new_user.known |= {"api": acme.base_url, "token": acme.token}
        with (new_user.project / "__main__.py").open("a", encoding="utf-8") as program:
            program.write(one(README, "Settings", "python"))
        walk(new_user)
        new_user.type("pulumi up", new_user.project)
        assert keys(acme) == ["notify-acme"]


def test_a_command_that_prints_a_token_and_a_file_of_installations(new_user: NewUser, server: Server) -> None:
    fetch = new_user.programs / "fetch-token"
    printed = f'{{"token": "{TOKEN}", "installationId": "an-installation"}}'
    fetch.write_text(f"#!/bin/sh\n[ \"$*\" = '--installation acme' ] && echo '{printed}'\n", "utf-8")
    fetch.chmod(0o755)
    names = ("default", "acme", "beta")
    modules = "".join(
        f"forge.TriggerModule('on-{name}', installation='{name}', events=['avi:jira:created:issue'], function='notify')\n"
        for name in names
    )
    with serve(token="planted-token-of-beta") as beta:
        (new_user.programs / "beta").write_text(beta.token, "utf-8")
        file = one(AUTH_METHODS, "Many installations", "yaml").replace("/run/secrets/beta", str(new_user.programs / "beta"))
        (new_user.project / "forge-installations.yaml").write_text(file, "utf-8")
        (new_user.project / "__main__.py").write_text(HEADER + modules, "utf-8")
        for variable, api in (("", server), ("ACME_", server), ("BETA_", beta)):
            new_user.environment[f"ATLASSIAN_FORGE_{variable}BASE_URL"] = api.base_url
        walk(new_user)
        new_user.type("forge-modules doctor --all --stack dev", new_user.project)
        assert (keys(server), len(server.modules("v2")), keys(beta)) == (["on-default"], 1, ["on-beta"])


@pytest.mark.soak
def test_a_broker_that_is_given_a_token(new_user: NewUser) -> None:
    walk(new_user)
    is_green(new_user)
    assert registered_in(new_user.checkout / "forge.db") == ["notify-on-bug", "panel"]


@pytest.mark.soak
def test_a_container(new_user: NewUser, api: Server) -> None:
    new_user.known |= {"installation": INSTALLATION}
    with sidecar(api.base_url, api.token) as url:
        new_user.environment["FORGE_EGRESS_PROXY_URL"] = url  # a container has it
        walk(new_user)
    is_green(new_user)
    assert keys(api) == ["notify-on-bug", "panel"]


def test_a_relay(new_user: NewUser) -> None:
    walk(new_user)
    is_green(new_user)
    assert registered_in(new_user.checkout / "forge.db") == ["notify-on-bug", "panel"]


def test_a_fleet(new_user: NewUser) -> None:
    walk(new_user)
    folder = new_user.checkout / "examples" / "fleet"
    assert registered_in(folder / "acme.db") == registered_in(folder / "globex.db") == ["issue-changed"]
    assert len(registered_in(folder / "initech-eu.db")) == 2
