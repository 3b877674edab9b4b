"""scripts/install-pulumi: each decision, with a fake `pulumi` and a fake `go`. Nothing is downloaded or built."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "install-pulumi"
PINS = SCRIPT.with_name("engine")
VERSION = subprocess.run([sys.executable, SCRIPT, "--version"], capture_output=True, text=True, check=True).stdout.strip()
REQUIRED_PROGRAMS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")

# Loads the script as a module, changes some constants, and runs it.
DRIVER = """
import json, pathlib, sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
sys.dont_write_bytecode = True
loader = SourceFileLoader("install_pulumi", sys.argv[1])
module = module_from_spec(spec_from_loader(loader.name, loader))
loader.exec_module(module)
for name, value in json.loads(sys.argv[2]).items():
    setattr(module, name, type(getattr(module, name))(value))
sys.exit(module.main(sys.argv[3:]))
"""

GO = """#!/bin/sh
PATH=/usr/bin:/bin
echo "$*" >>{calls}
case "$1" in
env) echo {version}; exit 0 ;;
list) echo {module}; exit 0 ;;
esac
env >{calls}.env
echo $$ >{calls}.pid
{before_build}
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho {built}\\n' >"$2"
chmod 755 "$2"
"""


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def pulumi(directory: Path, prints: str = f"v{VERSION}", programs: tuple[str, ...] = REQUIRED_PROGRAMS) -> Path:
    for name in programs:
        executable(directory / name, "#!/bin/sh\n")
    return executable(directory / "pulumi", f"#!/bin/sh\n{prints}\n" if " " in prints else f"#!/bin/sh\necho '{prints}'\n")


@dataclass
class Outcome:
    code: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[str]:
        return self.stderr.splitlines()

    @property
    def directory(self) -> Path:
        """Stdout must have exactly one line."""
        (line,) = self.stdout.splitlines()
        return Path(line)


@dataclass
class Machine:
    """A fake machine: programs on PATH, the home, the environment, and the response of the installer's host."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    constants: dict[str, object] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def cache(self) -> Path:
        return self.root / "home" / ".cache" / "pulumi-atlassian-forge" / "engine"

    @property
    def leftovers(self) -> list[Path]:
        return list(self.cache.glob("making-*"))

    def go(self, version: str = "go1.26.8", before_build: str = "", built: str = f"v{VERSION}") -> None:
        module = self.root / "module"
        for name in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
            executable(module / name, "#!/bin/sh\n").chmod(0o444)  # as in Go's module cache
        text = GO.format(calls=self.root / "go", version=version, module=module, before_build=before_build, built=built)
        executable(self.bin / "go", text)

    @property
    def builds(self) -> int:
        calls = self.root / "go"
        return calls.read_text(encoding="utf-8").count("build ") if calls.exists() else 0

    @property
    def build_environment(self) -> dict[str, str]:
        lines = (self.root / "go.env").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def installer(self, body: str) -> None:
        """A fake SDK whose installer runs ``body``, and a host that responds."""
        package = self.root / "sdk" / "pulumi"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("", encoding="utf-8")
        imports = "import os, subprocess, time\n"
        text = f"{imports}class PulumiCommand:\n    @staticmethod\n    def install(root, version):\n        {body}\n"
        (package / "automation.py").write_text(text, encoding="utf-8")
        (package.parent / "semver.py").write_text("class VersionInfo:\n    parse = staticmethod(str)\n", encoding="utf-8")
        response = self.root / "install.sh"
        response.write_text("", encoding="utf-8")
        self.constants["INSTALLER"] = response.as_uri()
        self.environment["PYTHONPATH"] = str(package.parent)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        self.bin.mkdir(exist_ok=True)
        (self.root / "home").mkdir(exist_ok=True)
        command = [sys.executable, *self.flags, "-c", DRIVER, str(SCRIPT), json.dumps(self.constants), *arguments]
        environment = {
            "PATH": str(self.bin),
            "HOME": str(self.root / "home"),
            "https_proxy": "http://127.0.0.1:9",
            **self.environment,
        }
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=environment, cwd=self.root, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )

    def run(self, *arguments: str) -> Outcome:
        return finish(self.start(*arguments))

    def building(self) -> int:
        """Wait until a build runs; returns its process id."""
        return int(wait_for_text(self.root / "go.pid"))


def finish(process: subprocess.Popen[str]) -> Outcome:
    stdout, stderr = process.communicate(timeout=60)
    return Outcome(process.returncode, stdout, stderr)


def wait_for_text(path: Path) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if text := path.read_text(encoding="utf-8"):
                return text
        time.sleep(0.02)
    raise AssertionError(f"{path.name} was not written")


def has_ended(process: int) -> bool:
    """Whether a process ends within five seconds; a zombie counts as ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# --- a pulumi on PATH ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prints", [f"v{VERSION}", "3.216.0", "v4.0.0", "v3.260.0-alpha.1+dirty", ""])
def test_a_pulumi_on_path_that_is_new_enough_is_used(machine: Machine, prints: str) -> None:
    pulumi(machine.bin, prints)
    machine.go()
    done = machine.run()
    assert (done.code, done.directory) == (0, machine.bin)
    assert len(done.messages) == 1
    assert "from PATH" in done.messages[0]
    assert not machine.builds
    assert not machine.cache.exists()


@pytest.mark.parametrize(
    ("prints", "programs", "reason"),
    [
        ("v3.215.9", REQUIRED_PROGRAMS, "is older than 3.216.0"),
        ("v2.99.0", REQUIRED_PROGRAMS, "is older than 3.216.0"),
        ("hello", REQUIRED_PROGRAMS, "prints no version"),
        ("exit 3", REQUIRED_PROGRAMS, "does not run: exit code 3"),
        (f"v{VERSION}", (), "comes without " + ", ".join(REQUIRED_PROGRAMS)),
        (f"v{VERSION}", REQUIRED_PROGRAMS[:2], "comes without pulumi-resource-pulumi-python"),
    ],
)
def test_an_unsuitable_pulumi_on_path_is_refused_with_a_reason(
    machine: Machine, prints: str, programs: tuple[str, ...], reason: str
) -> None:
    pulumi(machine.bin, prints, programs)
    machine.go()
    done = machine.run()
    assert done.code == 0
    assert reason in done.messages[0]
    assert done.directory.parent == machine.cache


def test_required_programs_may_be_next_to_the_real_binary(machine: Machine) -> None:
    real = pulumi(machine.root / "opt")
    machine.bin.mkdir()
    (machine.bin / "pulumi").symlink_to(real)
    assert machine.run().directory == machine.bin


def test_required_programs_may_be_elsewhere_on_path(machine: Machine) -> None:
    pulumi(machine.bin, programs=())
    hosts = pulumi(machine.root / "hosts", "v1.0.0").parent
    machine.environment["PATH"] = f"{machine.bin}:{hosts}"
    assert machine.run().directory == machine.bin


def test_a_pulumi_on_path_has_priority_over_the_cache(machine: Machine) -> None:
    machine.go()
    assert machine.run().directory.parent == machine.cache
    pulumi(machine.bin)
    assert machine.run().directory == machine.bin


def test_the_directory_is_absolute_though_path_is_not(machine: Machine) -> None:
    pulumi(machine.bin)
    machine.environment["PATH"] = "bin"
    assert machine.run().directory == machine.bin


# --- the cache ----------------------------------------------------------------------------------------------------------------


def test_the_second_run_uses_the_cache(machine: Machine) -> None:
    machine.go()
    first = machine.run()
    builds = machine.builds
    again = machine.run()
    assert again.directory == first.directory
    assert machine.builds == builds == 2
    assert [line.partition(" /")[0] for line in again.messages] == [
        "install-pulumi: there is no pulumi on PATH",
        f"install-pulumi: using pulumi {VERSION} from the cache",
    ]


@pytest.mark.parametrize("name", ["complete", "pulumi", *REQUIRED_PROGRAMS])
def test_an_incomplete_engine_in_the_cache_is_made_again(machine: Machine, name: str) -> None:
    machine.go()
    directory = machine.run().directory
    (directory / name).unlink()
    done = machine.run()
    assert (done.code, done.directory) == (0, directory)
    assert "no complete engine of this version in the cache" in done.stderr
    assert (directory / name).exists()
    assert not machine.leftovers


def test_an_engine_in_the_cache_that_does_not_run_is_made_again(machine: Machine) -> None:
    machine.go()
    directory = machine.run().directory
    executable(directory / "pulumi", "#!/bin/sh\nexit 1\n")
    assert machine.run().code == 0
    assert machine.builds == 4


def test_an_engine_from_other_pinned_modules_is_made_again(machine: Machine) -> None:
    machine.go()
    machine.run()
    pins = machine.root / "pins"
    shutil.copytree(PINS, pins)
    (pins / "host" / "go.sum").write_text("", encoding="utf-8")
    machine.constants["GO_MODULES"] = str(pins)
    assert machine.run().code == 0
    assert machine.builds == 4


def test_the_cache_follows_xdg_and_the_option(machine: Machine) -> None:
    machine.go()
    machine.environment["XDG_CACHE_HOME"] = str(machine.root / "xdg")
    assert machine.run().directory.parent == machine.root / "xdg" / "pulumi-atlassian-forge" / "engine"
    assert machine.run("--cache", "mine").directory.parent == machine.root / "mine"
    assert machine.run("--cache", "mine").directory.name.startswith(f"{VERSION}-")


def test_an_unusable_cache_is_named(machine: Machine) -> None:
    (machine.root / "file").write_text("", encoding="utf-8")
    done = machine.run("--cache", "file")
    assert (done.code, done.stdout) == (1, "")
    assert f"the cache {machine.root / 'file'} cannot be used" in done.messages[-1]


# --- the official installer ---------------------------------------------------------------------------------------------------

INSTALLED = f"""
        os.makedirs(root + "/bin")
        for name in {("pulumi", *REQUIRED_PROGRAMS)!r}:
            with open(root + "/bin/" + name, "w") as file:
                file.write("#!/bin/sh\\necho v" + version + "\\n")
            os.chmod(root + "/bin/" + name, 0o755)
"""


def test_the_installer_has_priority_over_a_build(machine: Machine) -> None:
    machine.installer(INSTALLED)
    machine.go()
    done = machine.run()
    assert (done.code, done.directory.parent, machine.builds) == (0, machine.cache, 0)
    assert "downloading" in done.stderr
    assert "from the cache" in machine.run().stderr


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise OSError('no room')", "failed: OSError: no room"),
        ("subprocess.check_output(['/bin/sh', '-c', 'echo error: no such version; exit 4'])", "failed: error: no such version"),
        ("os.makedirs(root + '/bin')", "by_installer produced no usable pulumi"),
        ("time.sleep(60)", "took longer than 1 s"),
    ],
)
def test_a_failed_installer_falls_back_to_a_build(machine: Machine, body: str, reason: str) -> None:
    machine.installer(body)
    machine.constants["DOWNLOAD_TIMEOUT_S"] = 1
    machine.go()
    done = machine.run()
    assert done.code == 0
    assert reason in done.stderr
    assert machine.builds == 2


def test_a_blocked_network_fails_at_once(machine: Machine) -> None:
    machine.go()
    done = machine.run()
    (line,) = [line for line in done.messages if "requesting the official installer" in line and "failed" in line]
    assert "refused" in line


@pytest.fixture
def silent_host() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/install.sh"


def test_a_silent_host_costs_only_seconds(machine: Machine, silent_host: str) -> None:
    machine.constants |= {"INSTALLER": silent_host, "CONNECT_TIMEOUT_S": 0.3}
    machine.go()
    began = time.monotonic()
    assert "timed out" in machine.run().stderr
    assert time.monotonic() - began < 10


def test_without_the_sdk_the_installer_is_not_tried(machine: Machine) -> None:
    machine.flags = ("-I", "-S")
    machine.go()
    done = machine.run()
    assert done.code == 0
    assert "needs the pulumi SDK" in done.stderr


# --- the build ----------------------------------------------------------------------------------------------------------------


def test_a_build_produces_the_engine_and_its_scripts(machine: Machine) -> None:
    machine.go()
    directory = machine.run().directory
    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o755} == {
        "pulumi",
        *REQUIRED_PROGRAMS,
        "pulumi-language-python-exec.3.68.0",
    }
    assert set(modes) - {name for name, mode in modes.items() if mode == 0o755} == {"complete"}
    assert directory.stat().st_mode & 0o777 == 0o755
    calls = (machine.root / "go").read_text(encoding="utf-8")
    assert calls.count("build -mod=readonly -trimpath") == 2


@pytest.mark.parametrize(
    ("version", "toolchain", "reason"),
    [
        ("go1.20.14", None, "go1.20.14 on PATH is older than 1.25.11 and cannot fetch a newer one"),
        ("go1.25.10", "local", "go1.25.10 on PATH is older than 1.25.11 and cannot fetch a newer one"),
        ("devel", None, "prints no version"),
    ],
)
def test_a_go_that_is_too_old_is_refused_with_a_reason(
    machine: Machine, version: str, toolchain: str | None, reason: str
) -> None:
    machine.go(version)
    if toolchain:
        machine.environment["GOTOOLCHAIN"] = toolchain
    done = machine.run()
    assert done.code == 1
    assert reason in done.stderr
    assert not machine.builds


@pytest.mark.parametrize(
    ("version", "toolchain", "reaches_go"),
    [
        ("go1.26.8", None, "auto"),
        ("go1.22.1", None, "auto"),
        ("go1.22.1", "go1.26.0+auto", "go1.26.0+auto"),
        ("go1.25.11", "local", "local"),
    ],
)
def test_the_user_s_choice_of_toolchain_is_kept(machine: Machine, version: str, toolchain: str | None, reaches_go: str) -> None:
    machine.go(version)
    if toolchain:
        machine.environment["GOTOOLCHAIN"] = toolchain
    assert machine.run().code == 0
    assert machine.build_environment["GOTOOLCHAIN"] == reaches_go


def test_go_gets_the_user_s_settings_and_builds_for_this_machine(machine: Machine) -> None:
    machine.go()
    machine.environment |= {
        "GOPROXY": "https://mods.example",
        "GOFLAGS": "-p=1",
        "GOOS": "plan9",
        "GOARCH": "mips",
        "CGO_ENABLED": "1",
    }
    assert machine.run().code == 0
    environment = machine.build_environment
    assert (environment["GOPROXY"], environment["GOFLAGS"], environment["CGO_ENABLED"]) == (
        "https://mods.example",
        "-p=1",
        "0",
    )
    assert not {"GOOS", "GOARCH"} & set(environment)


def test_a_failed_build_shows_the_reason(machine: Machine) -> None:
    machine.go(before_build="echo first >&2; echo 'dial tcp: no route to host' >&2; exit 1")
    done = machine.run()
    assert (done.code, done.stdout) == (1, "")
    assert "failed: dial tcp: no route to host" in done.stderr
    assert not machine.leftovers


def test_a_build_of_another_version_is_refused(machine: Machine) -> None:
    machine.go(built="v3.1.0")
    done = machine.run()
    assert done.code == 1
    assert f"by_go produced no usable pulumi {VERSION}" in done.stderr


def test_a_long_step_shows_progress(machine: Machine) -> None:
    machine.go(before_build="sleep 0.7")
    machine.constants["PROGRESS_INTERVAL_S"] = 0.2
    done = machine.run()
    assert done.code == 0
    assert sum("building pulumi-language-python from source … " in line and line.endswith(" s") for line in done.messages) >= 2


def test_a_build_that_never_ends_is_killed(machine: Machine) -> None:
    machine.go(before_build="sleep 60")
    machine.constants["BUILD_TIMEOUT_S"] = 0.3
    done = machine.run()
    assert done.code == 1
    assert "took longer than 0 s" in done.stderr
    assert has_ended(machine.building())


def test_if_all_methods_fail_it_lists_them_and_the_next_step(machine: Machine) -> None:
    done = machine.run()
    assert (done.code, done.stdout) == (1, "")
    for reason in ("no pulumi on PATH", "no complete engine of this version in the cache", "official installer", "no go on PATH"):
        assert reason in done.stderr
    assert "tried a pulumi on PATH, the cache, the official installer and a build with go" in done.messages[-2]
    assert "next: install pulumi (https" in done.messages[-1]


# --- concurrent and killed runs -----------------------------------------------------------------------------------------------


def test_two_concurrent_runs_build_once(machine: Machine) -> None:
    machine.go(before_build="sleep 0.5")
    first = machine.start()
    machine.building()
    second = finish(machine.start())
    done = finish(first)
    assert (done.code, second.code) == (0, 0)
    assert done.directory == second.directory
    assert any("waiting for another installation" in line for line in second.messages)
    assert machine.builds == 2


def test_a_run_after_a_killed_one_succeeds(machine: Machine) -> None:
    machine.go(before_build="exec sleep 60")
    killed = machine.start()
    build = machine.building()
    killed.kill()
    finish(killed)
    assert machine.leftovers
    assert has_ended(build)
    machine.go()
    done = machine.run()
    assert done.code == 0
    assert not any("waiting" in line for line in done.messages)
    assert not machine.leftovers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_prints_one_line_and_leaves_no_files(machine: Machine, number: signal.Signals) -> None:
    machine.go(before_build="sleep 60")
    process = machine.start()
    build = machine.building()
    os.kill(process.pid, number)
    done = finish(process)
    assert (done.code, done.stdout) == (128 + number, "")
    assert done.messages[-1] == "install-pulumi: interrupted; run it again"
    assert "Traceback" not in done.stderr
    assert has_ended(build)
    assert not machine.leftovers


def test_ctrl_c_ends_the_wait_for_another_run(machine: Machine) -> None:
    machine.go(before_build="sleep 60")
    first = machine.start()
    machine.building()
    second = machine.start()
    assert second.stderr is not None
    for line in second.stderr:
        if "waiting" in line:
            break
    second.send_signal(signal.SIGINT)
    assert finish(second).code == 130
    first.terminate()
    finish(first)


# --- committed files ----------------------------------------------------------------------------------------------------------


def test_the_pinned_modules_match_the_script() -> None:
    assert f"github.com/pulumi/pulumi/pkg/v3 v{VERSION}\n" in (PINS / "cli" / "go.mod").read_text(encoding="utf-8")
    assert "github.com/pulumi/pulumi/sdk/v3 v3.68.0\n" in (PINS / "host" / "go.mod").read_text(encoding="utf-8")


def test_help_and_version() -> None:
    helped = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True)
    assert "--cache DIR" in helped.stdout
    assert os.access(SCRIPT, os.X_OK)
    assert SCRIPT.read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")
