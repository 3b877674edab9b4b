"""`examples/ci`: static checks of the workflows, and runs of their scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
import yaml

from testing.independent_server import TOKEN, Server
from testing.project import Outcome, Project, base_environment
from tests.support.actionlint import install_actionlint
from tests.support.bitbucket import shared_caches, steps_of
from tests.support.command import register_outside
from tests.support.workflow import CI, ROOT, FakeRunner, load

WORKFLOW = load("github-actions.yml")
JOBS: dict[str, Any] = WORKFLOW["jobs"]
PAGE = ROOT / "docs" / "guide" / "ci.md"
QUICKSTART = (ROOT / "examples" / "quickstart" / "__main__.py").read_text("utf-8")
HEAD = "github.event.pull_request.head.sha"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BACKEND = {HEAD: COMMIT, "vars.PULUMI_BACKEND_URL": "", "secrets.PULUMI_CONFIG_PASSPHRASE": "test"}


# -- static checks -----------------------------------------------------------------------------------------------------------


def test_actionlint_passes_and_detects_an_error(tmp_path: Path) -> None:
    program = install_actionlint(tmp_path)
    text = (CI / "github-actions.yml").read_text("utf-8")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(text.replace("needs.preview.outputs.comment", "needs.preview.outputs.coment"), "utf-8")
    for file, code in ((CI / "github-actions.yml", 0), (wrong, 1)):
        done = subprocess.run(
            [str(program), "-shellcheck=", "-pyflakes=", str(file)], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "schema", "error"),
    [
        ("github-actions.yml", "vendor.github-workflows", ("runs-on:", "runs-upon:")),
        ("bitbucket-pipelines.yml", "vendor.bitbucket-pipelines", ("oidc: true", "oidc: [1]")),
    ],
)
def test_the_files_match_their_schemas(tmp_path: Path, file: str, schema: str, error: tuple[str, str]) -> None:
    wrong = tmp_path / file
    wrong.write_text((CI / file).read_text("utf-8").replace(*error), "utf-8")
    for path, code in ((CI / file, 0), (wrong, 1)):
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr


def test_every_action_is_pinned_by_commit_with_its_version_in_a_comment() -> None:
    lines = [line for line in (CI / "github-actions.yml").read_text("utf-8").splitlines() if "uses:" in line]
    assert len(lines) == sum("uses" in step for job in JOBS.values() for step in job["steps"])
    assert all(re.search(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)


def test_every_job_has_only_the_permissions_that_it_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "fork": {"contents": "read"},
        "preview": {"contents": "read"},
        "comment": {"pull-requests": "write"},
        "up": {"contents": "read", "id-token": "write"},
        "drift": {"contents": "read", "id-token": "write"},
    }


def test_the_fork_job_gets_no_secret_and_no_other_job_runs_for_a_fork() -> None:
    assert "pull_request_target" not in WORKFLOW[True]
    text = json.dumps(JOBS["fork"])
    assert "secrets." not in text
    assert "vars." not in text
    assert "environment" not in JOBS["fork"]
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert {name for name, job in JOBS.items() if "secrets." in json.dumps(job)} == {"preview", "up", "drift"}
    assert own in JOBS["preview"]["if"]
    assert JOBS["comment"]["needs"] == "preview"
    assert JOBS["up"]["if"] == "github.event_name == 'push'"
    assert JOBS["drift"]["if"] == "github.event_name == 'schedule'"


def test_jobs_that_run_a_pull_request_s_code_have_no_write_permission_and_no_app_token() -> None:
    for name in ("fork", "preview"):
        assert "write" not in JOBS[name]["permissions"].values()
        assert "ATLASSIAN_FORGE_TOKEN" not in json.dumps(JOBS[name])
    assert not any("uses" in step for step in JOBS["comment"]["steps"]), "the job with write permission has a checkout"
    for job in JOBS.values():
        for step in job["steps"]:
            if "actions/checkout" in step.get("uses", ""):
                assert step["with"] == {"persist-credentials": False}


def test_runs_that_change_a_stack_are_serialized_and_not_cancelled() -> None:
    assert JOBS["up"]["concurrency"] == {"group": "forge-production", "cancel-in-progress": False}
    # GitHub keeps one run of a group waiting, and a newer one replaces it: a drift check must not replace an `up`.
    assert JOBS["drift"]["concurrency"] == {"group": "forge-drift", "cancel-in-progress": False}
    pipelines = load("bitbucket-pipelines.yml")["pipelines"]
    steps = [pipelines["branches"]["main"][0]["step"], pipelines["custom"]["drift"][0]["step"]]
    assert [step["concurrency-group"] for step in steps] == ["forge-production"] * 2


def test_bitbucket_s_pull_requests_get_neither_production_variables_nor_an_identity() -> None:
    (entry,) = load("bitbucket-pipelines.yml")["pipelines"]["pull-requests"]["**"]
    assert entry["step"]["environment"] == "preview"
    assert "deployment" not in entry["step"], "it would run one pull request at a time and pause the others"
    assert "oidc" not in entry["step"]


def test_on_bitbucket_no_cache_that_a_pull_request_can_fill_is_restored_with_access_to_production() -> None:
    document = load("bitbucket-pipelines.yml")
    assert not shared_caches(document)
    # The check itself: with a cache of production's own, and in a step of a parallel group.
    up = document["pipelines"]["branches"]["main"]
    up[0]["step"]["caches"] = ["forge-production"]
    document["pipelines"]["branches"]["main"] = [{"parallel": {"steps": up}}]
    assert shared_caches(document) == {"forge-production"}
    assert [step["name"] for step in steps_of(document["pipelines"])] == ["Preview", "Up", "Drift"]


# -- runs -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def quickstart(project: Callable[..., Project]) -> Project:
    stack = project()
    (stack.root / "__main__.py").write_text(QUICKSTART, "utf-8")
    return stack


def edit_program(stack: Project) -> None:
    """Make the change of the guide: another endpoint, and no panel."""
    program = stack.root / "__main__.py"
    text = program.read_text("utf-8").replace('endpoint="bug-hook"', 'endpoint="bug-hook-2"')
    text = re.sub(r"panel = .*?\n\)\n", "", text, flags=re.DOTALL).replace("pages, panel)", "pages)")
    program.write_text(text, "utf-8")


def runner_of(stack: Project, **environment: str) -> FakeRunner:
    runner = FakeRunner(stack.root, {**base_environment(stack.root), **environment})
    runner.environment["STACK"] = "test"
    return runner


SALT_OF_ANOTHER_PASSPHRASE = "v1:Nokhcrqi6Kg=:v1:7XTXH+HlOVwNSxi7:MhtYL5mcco/L+G5I/D0OW5H7OxCOEg=="
"""The salt in a stack's file, by which Pulumi verifies a passphrase. The passphrase of this one is not `none`."""


def test_a_fork_s_preview_needs_no_secret_and_shows_all_modules_as_new(quickstart: Project) -> None:
    (quickstart.root / "Pulumi.yaml").write_text("name: project\nruntime: python\n", "utf-8")
    file = quickstart.root / "Pulumi.test.yaml"
    secret = {"secure": "v1:of-another-passphrase"}
    config = {"project:plain": "kept", "project:hidden": secret, "project:map": {"plain": "kept", "hidden": secret}}
    file.write_text(yaml.safe_dump({"encryptionsalt": SALT_OF_ANOTHER_PASSPHRASE, "config": config}), "utf-8")
    runner = runner_of(quickstart)
    done = runner.step("fork", "preview", {HEAD: COMMIT})
    assert done.code == 0, done.text
    assert yaml.safe_load(file.read_text("utf-8"))["config"] == {"project:plain": "kept", "project:map": {"plain": "kept"}}
    assert runner.summary.startswith("### Forge preview of `test`\n\n5 to create. Commit 0123456789ab.\n\n~~~~diff\n")
    assert "+     pulumi-python:dynamic/atlassian-forge:TriggerModule: (create)\n        [notify-on-bug]" in runner.summary


def test_other_values_of_a_stack_s_file_stay_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    kept = "  p:country: no\n  p:at: 12:30:45\n  p:map: {on: 1_000, list: [010, ~]}\n"
    secrets = "  p:a:\n    secure: v1:x\n  p:b:\n  - secure: v1:x\n  - é\n"
    command = [sys.executable, str(CI / "strip-secrets"), str(file)]
    subprocess.run(command, check=True)
    assert not file.exists()
    file.write_text(f"encryptionsalt: v1:x\nsecretsprovider: x\nencryptedkey: x\nconfig:\n{kept}{secrets}", "utf-8")
    subprocess.run(command, check=True)
    assert file.read_text("utf-8") == f"config:\n{kept}  p:b:\n  - é\n"
    file.write_text("", "utf-8")
    subprocess.run(command, check=True)


def test_the_comment_is_the_one_of_the_guide_and_no_request_is_sent(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    (stack.root / "__main__.py").write_text(QUICKSTART, "utf-8")
    assert stack.up().code == 0
    sent = len(server.calls)
    edit_program(stack)
    runner = runner_of(stack)
    backend = {**BACKEND, "vars.PULUMI_BACKEND_URL": base_environment(stack.root)["PULUMI_BACKEND_URL"]}
    done = runner.step("preview", "preview", backend)
    assert done.code == 0, done.text
    assert len(server.calls) == sent
    comment = runner.outputs()["comment"]
    assert comment.startswith("### Forge preview of `test`\n\n1 to update, 1 to delete. Commit 0123456789ab.\n\n~~~~diff\n")
    assert f"````markdown\n{comment}\n````" in PAGE.read_text("utf-8")


def test_a_failed_preview_fails_the_step_and_the_comment_gives_the_reason(quickstart: Project) -> None:
    assert quickstart.run("stack", "ls").code == 0
    program = quickstart.root / "__main__.py"
    program.write_text(program.read_text("utf-8").replace('endpoint="bug-hook"', 'endpoint="bug-hook", function="both"'), "utf-8")
    runner = runner_of(quickstart)
    backend = {**BACKEND, "vars.PULUMI_BACKEND_URL": base_environment(quickstart.root)["PULUMI_BACKEND_URL"]}
    done = runner.step("preview", "preview", backend)
    assert done.code not in (0, 2)
    assert "**The preview failed**, and `up` would fail, too." in runner.outputs()["comment"]
    assert "endpoint" in runner.outputs()["comment"]


FAKE_GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$GH_LOG"
case "$*" in
  *--paginate*) printf '%s' "$GH_FOUND"; exit "$GH_LIST";;
  *PATCH*) exit "$GH_PATCH";;
esac
"""
COMMENT = "### Forge preview of `production`\n\n$(touch hacked) `touch hacked`\n"


def comment_on_github(folder: Path, comment: str, *, found: str = "", listed: int = 0, patch: int = 0) -> tuple[Outcome, str]:
    """Run the step that comments: its outcome, and the calls of `gh`."""
    (folder / "bin").mkdir()
    (folder / "bin" / "gh").write_text(FAKE_GH, "utf-8")
    (folder / "bin" / "gh").chmod(0o755)
    log = folder / "log"
    codes = {"GH_LIST": str(listed), "GH_PATCH": str(patch)}
    environment = {"PATH": os.environ["PATH"], "GH_LOG": str(log), "GH_FOUND": found, **codes}
    values = {
        "github.token": "x",
        "needs.preview.outputs.comment": comment,
        "github.event.pull_request.number": "7",
        HEAD: COMMIT,
    }
    done = FakeRunner(folder, environment).step(
        "comment", "Create or update the comment", {**values, HEAD: COMMIT}, folder / "bin"
    )
    return done, log.read_text("utf-8")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("", "pr comment 7 --repo team/modules --body ### Forge preview of `production`"),
        ("11\n12\n", "api --silent --method PATCH repos/team/modules/issues/comments/12 --raw-field body=### Forge preview"),
    ],
)
def test_the_last_comment_of_a_pull_request_is_updated(tmp_path: Path, found: str, expected: str) -> None:
    done, calls = comment_on_github(tmp_path, COMMENT, found=found)
    assert done.code == 0, done.text
    assert expected in calls
    assert "DELETE" not in calls
    assert not (tmp_path / "hacked").exists()


def test_a_comment_that_cannot_be_updated_is_deleted_and_fails_the_step(tmp_path: Path) -> None:
    done, calls = comment_on_github(tmp_path, COMMENT, found="12", patch=1)
    assert done.code == 1
    assert "api --silent --method DELETE repos/team/modules/issues/comments/12" in calls


def test_no_comment_is_written_if_the_list_of_comments_is_not_whole(tmp_path: Path) -> None:
    done, calls = comment_on_github(tmp_path, COMMENT, found="11\n", listed=1)
    assert done.code == 1
    assert [call.split()[:2] for call in calls.splitlines()] == [["api", "--paginate"]]


@pytest.mark.parametrize("comment", ["", "\nfrom the code of the pull request"])
def test_without_a_preview_the_last_comment_does_not_stay(tmp_path: Path, comment: str) -> None:
    assert JOBS["comment"]["if"] == "always() && needs.preview.result != 'skipped'"
    done, calls = comment_on_github(tmp_path, comment, found="12")
    assert done.code == 0, done.text
    assert "comments/12 --raw-field body=### Forge preview of `production`\n\n**No preview** of commit 0123456789ab" in calls


def test_drift_fails_the_step_and_is_in_the_summary(project: Callable[..., Project], server: Server) -> None:
    stack = project(server)
    stack.program('forge.TriggerModule("m", events=["avi:jira:updated:issue"], endpoint="hook")')
    assert stack.up().code == 0
    runner = runner_of(stack, **server.environment())
    backend = {**BACKEND, "vars.PULUMI_BACKEND_URL": base_environment(stack.root)["PULUMI_BACKEND_URL"]}
    assert runner.step("drift", "drift", backend).code == 0
    assert not runner.summary
    register_outside(server, "v1", "m", events=["avi:jira:updated:issue"], endpoint="by-hand")
    done = runner.step("drift", "drift", backend)
    assert done.code == 2, done.text
    assert "::error title=Drift::the live modules of test differ" in done.stdout
    assert "### Drift on `test`" in runner.summary
    assert "by-hand" in runner.summary
    assert TOKEN not in runner.summary + done.text


FAKE_PYTHON = """#!/bin/sh
echo "$@" >> "$CALLS"
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
if [ "$1" = - ] && [ -n "$FAILS" ]; then exit 1; fi
"""


def test_tools_are_installed_once_and_again_after_a_failure(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(FAKE_PYTHON, "utf-8")
    (tmp_path / "bin" / "python").chmod(0o755)
    calls, folder = tmp_path / "calls", tmp_path / "forge"
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "CALLS": str(calls), "PULUMI_VERSION": "3.259.0"}

    def install(**more: str) -> subprocess.CompletedProcess[str]:
        command = [str(CI / "install-tools"), str(folder)]
        return subprocess.run(command, env={**environment, **more}, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert install(FAILS="1").returncode == 1
    done = install()
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(folder / "venv" / "bin"), str(folder / "pulumi" / "bin")]
    commands = calls.read_text("utf-8").splitlines()
    assert commands[3:] == [
        f"-m venv {folder}/venv",
        "-m pip install --quiet --requirement requirements.txt",
        f"- {folder}/pulumi 3.259.0",
    ]
    assert install().stdout == done.stdout
    assert calls.read_text("utf-8").splitlines() == commands


@pytest.mark.parametrize("code", [0, 1])
def test_bitbucket_s_steps_end_if_the_tools_cannot_be_installed(tmp_path: Path, code: int) -> None:
    (tmp_path / "ci").mkdir()
    fake_command(tmp_path / "ci", "install-tools", f"printf '/venv\\n/cli\\n'; exit {code}")
    commands = load("bitbucket-pipelines.yml")["definitions"]["scripts"]["tools"] + 'echo "$PATH"'
    done = subprocess.run(["bash", "-e", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "" if code else f"/venv:/cli:{os.environ['PATH']}\n")


TEXTS = [
    "Previewing\n~~~~\n# A heading\n~~~~~~\n",
    "~" * 29_000,
    "~~~~\n" * 9_000,
    "`" * 40_000,
    "é" * 40_000,
    "😀\u202e\x1b]0;x\x07" * 10_000,
    "\n" * 40_000 + "end",
    "\r~~~~\r# A heading",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("make", ["preview", "drift"])
def test_a_report_has_the_size_of_a_comment_and_its_text_cannot_end_the_code_block(text: str, make: str) -> None:
    report = script("report")
    found = report.comment("dev", text, 0, {}) if make == "preview" else report.block("### Drift on `dev`\n\n", "text", text)
    assert len(found.encode()) < 32_768
    opening = re.search(r"^(~+)(diff|text)$", found, re.MULTILINE)
    assert opening
    assert max(len(run) for run in re.findall("~+", found)) == len(opening[1]) <= 21
    assert len(re.findall(f"^{opening[1]}$", found, re.MULTILINE)) == 1
    assert found.endswith((f"\n{opening[1]}\n", f"\n{opening[1]}\n\nThe rest is in the log of the run.\n"))
    assert not set(found) & set("\x1b\x07\u202e\r")


LONG = {"urn": "[urn=a" * 40_000, "parts": "[urn=" + "a::" * 60_000, "spaces": " " * 200_000 + "x", "signs": "~ + - " * 40_000}


@pytest.mark.parametrize("line", LONG.values(), ids=LONG)
def test_a_long_line_takes_no_long_time(line: str) -> None:
    began = time.monotonic()
    script("report").comment("dev", line, 0, {})
    assert time.monotonic() - began < 10  # a quadratic search takes half a minute


def test_a_urn_is_shown_as_its_name() -> None:
    urn = "urn:pulumi:dev::project::pulumi:pulumi:Stack$pulumi-python:dynamic/atlassian-forge:TriggerModule::a::b [c]"
    found = script("report").comment(
        "dev", f"~ x: (update)\n    [id=default/v1/a]\n    [urn={urn}]\n    [provider={urn}]\nend", 0, {}
    )
    assert "\n    [id=default/v1/a]\n    [a::b [c]]\nend\n" in found


def fake_command(folder: Path, name: str, text: str) -> dict[str, str]:
    """Put a command on PATH; the environment with it."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_the_verdict_is_that_of_the_engine_s_event_and_not_of_the_output(tmp_path: Path) -> None:
    event = json.dumps({"summaryEvent": {"resourceChanges": {"delete": 5, "same": 7, "create-replacement": 1}}})
    fake = f"""while [ "$1" != --event-log ]; do shift; done; echo '{event}' > "$2"
printf 'Resources:\\n    - 5 to delete\\nResources:\\n    7 unchanged\\n'"""
    environment = fake_command(tmp_path / "bin", "pulumi", fake)
    file = tmp_path / "comment.md"
    subprocess.run([str(CI / "report"), "preview", "dev", str(file)], env=environment, check=True, capture_output=True)
    assert file.read_text("utf-8").splitlines()[2] == "5 to delete."


FOREIGN = "::error title=Forged::x\n##[add-mask]x\n::stop-commands::x\n::x::\n no line end: ##[warning]x"


@pytest.mark.parametrize("code", [0, 2])
def test_github_s_runner_executes_no_command_of_the_output(tmp_path: Path, code: int) -> None:
    environment = fake_command(
        tmp_path, "foreign", f"printf '%s' '{FOREIGN}' >&2; echo out; printf '%s' '{FOREIGN}'; exit {code}"
    )
    outputs = []
    for _ in range(2):
        command = [str(CI / "without-commands"), "foreign"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, "")
        lines = done.stdout.splitlines()
        token = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[0])
        assert token
        assert [number for number, line in enumerate(lines) if token[1] in line] == [0, len(lines) - 1]
        assert lines[-1] == f"::{token[1]}::"
        assert "\n".join(lines[1:-1]) == f"{FOREIGN}out\n{FOREIGN}"
        outputs.append(token[1])
    assert outputs[0] != outputs[1]


def test_every_step_that_prints_text_of_a_server_stops_commands() -> None:
    printing = re.compile(r"(?:^|[ ;|&]|ci/report )(?:pulumi (?!--non-interactive stack select)|forge-modules |ci/report )")
    found = [
        line.strip()
        for job in JOBS.values()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
        if printing.search(line) and not line.strip().startswith("echo ")
    ]
    assert len(found) == 4
    assert all(line.startswith("ci/without-commands ") for line in found), found


def script(name: str) -> Any:
    loader = SourceFileLoader(name, str(CI / name))
    spec = spec_from_loader(name, loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module
