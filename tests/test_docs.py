"""What the documents show is what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic.alias_generators import to_camel

from pulumi_atlassian_forge.cli import trust
from pulumi_atlassian_forge.config.settings import InstallationSettings, variable

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]


def test_the_reference_matches_the_docstrings() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "reference"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_architecture_diagram_matches_the_import_contracts() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "architecture"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_setting_is_in_the_readme_with_its_variable_and_default() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for field, info in InstallationSettings.model_fields.items():
        (row,) = [line for line in readme.splitlines() if line.startswith(f"| `atlassian-forge:{to_camel(field)}`")]
        assert f"`{variable('default', field)}`" in row
        if isinstance(info.default, float):
            assert f"| {info.default:g} |" in row


def test_every_link_between_pages_leads_somewhere() -> None:
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not target.startswith("https://")
    ]
    broken = [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]
    assert len(links) > 10
    assert not broken


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/contributing/architecture.md"])
def test_every_path_in_the_contributors_pages_exists(page: str) -> None:
    """A path starts at the root of the repository or at the package; a file without a folder may be of any package."""
    package = ROOT / "provider" / "pulumi_atlassian_forge"
    paths = set(re.findall(r"`([\w./-]+(?:/|\.(?:py|md|toml)))`", (ROOT / page).read_text("utf-8")))
    assert len(paths) > 15
    assert not [path for path in paths if not (ROOT / path).exists() and not list(package.rglob(path))]


def test_every_anchor_in_a_link_is_a_heading() -> None:
    broken = [
        f"{page.name}: {target}#{anchor}"
        for page in PAGES
        for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", page.read_text("utf-8"))
        if not target.startswith("https://") and anchor not in _anchors(page.parent / target if target else page)
    ]
    assert not broken


def _anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(r"^ *(`{3,}).*?^ *\1$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text("utf-8")
        named = set(re.findall(r"`make ([a-z][a-z-]*)`", text)) | set(re.findall(r"^make ([a-z][a-z-]*)", text, re.MULTILINE))
        assert named <= targets, page


def test_continuous_integration_runs_the_complete_test_target_which_contains_the_readme_s() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert script[-2:] == ["make lint", "make test-all"]
    assert re.search(r"^make test ", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)


def test_every_variable_that_a_page_names_is_read_by_a_setting() -> None:
    known = {variable("default", to_camel(field)) for field in InstallationSettings.model_fields} | {trust.VARIABLE}
    named = {
        (page.name, found)
        for page in PAGES
        for found in re.findall(r"ATLASSIAN_FORGE_[A-Z][A-Z_]*[A-Z]", page.read_text("utf-8"))
    }
    of_default = {(page, re.sub("_(ACME_EU|ACME|GAMMA)_", "_", found)) for page, found in named}
    assert {found for _, found in of_default} >= {"ATLASSIAN_FORGE_TOKEN", "ATLASSIAN_FORGE_RELAY_KEY_FILE"}
    assert not [(page, found) for page, found in of_default if found not in known]
