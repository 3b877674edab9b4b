from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_atlassian_forge.manifest import manifest, yaml_nodes
from pulumi_atlassian_forge.manifest.checks import check_manifest
from pulumi_atlassian_forge.manifest.manifest import Manifests
from pulumi_atlassian_forge.manifest.yaml_nodes import MAX_ALIASES, MAX_BYTES, ManifestError
from tests.support.manifests import SMALL, parsed, write


def refused(folder: Path, content: str | bytes) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        parsed(folder, content)
    return caught.value


# --- aliases and merge keys -------------------------------------------------------------------------------------------------


def test_aliases_and_merge_keys_are_followed(tmp_path: Path) -> None:
    text = """\
x-base: &base
  remote: backend
  route: {path: /x}
  auth: {appUserToken: {enabled: true}}
x-more: &more {key: hidden, <<: *base}
modules:
  function: &functions
    - key: f
  endpoint:
    - {<<: *base, key: merged}
    - {<<: [*more, *base], auth: {appUserToken: {enabled: false}}}
"""
    found = parsed(tmp_path, text)
    assert {key: (one.user_token, one.has_route) for key, one in found.endpoint.items()} == {
        "merged": (4, True),
        "hidden": (None, True),
    }


@pytest.mark.parametrize(
    "text",
    [
        "modules: &a\n  trigger: *a\n  <<: *a\n",
        "&a modules: &b\n  function: &c\n    - &d {key: f, <<: [*d, *b]}\n",
        "modules: {function: &f [*f, *f]}\n",
    ],
)
def test_a_node_that_holds_itself_is_read(tmp_path: Path, text: str) -> None:
    parsed(tmp_path, text)


def test_a_bomb_of_aliases_takes_no_time(tmp_path: Path) -> None:
    levels = ["a0: &a0 {k0: v}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 11)]
    begin = time.monotonic()
    parsed(tmp_path, "\n".join([*levels, "modules: {function: [*a10, *a10]}", ""]))
    assert time.monotonic() - begin < 2


# --- what cannot be read ----------------------------------------------------------------------------------------------------

UNREADABLE = [
    ("empty", "", None, "is empty"),
    ("comments", "# nothing\n\n", None, "is empty"),
    ("null", "~\n", None, "is empty"),
    ("list", "\n- app\n", 2, "is not a mapping: a manifest has app:, modules: and permissions: at its top level"),
    ("text", "hello\n", 1, "is not a mapping: a manifest has app:, modules: and permissions: at its top level"),
    ("tab", "app:\n\tid: x\n", 2, "a tab indents this line, and YAML accepts spaces only"),
    (
        "tab in a list",
        "modules:\n  function:\n    - key: f\n\t  handler: h\n",
        4,
        "a tab indents this line, and YAML accepts spaces only",
    ),
    ("duplicate", "app:\n  id: x\n  name: y\n  id: z\n", 4, "a mapping has the name 'id' twice, first in line 2"),
    ("indentation", "app:\n  id: x\n name: y\n", 3, "is not YAML: "),
    ("colon", "app: a: b\n", 1, "is not YAML: mapping values are not allowed here"),
    ("open bracket", "app: [a,\n", 2, "is not YAML: "),
    ("undefined alias", "app: 1\nmodules: *nothing\n", 2, "is not YAML: found undefined alias 'nothing'"),
    (
        "two documents",
        "app: 1\n---\napp: 2\n",
        2,
        "is not YAML: expected a single document in the stream, but found another document",
    ),
    ("JSON cut short", '{"app": {"id": "x"', 1, "is not YAML: "),
    ("binary", b"app: 1\nid: \xff\xfe\n", 2, "is not UTF-8 text"),
    ("UTF-16", "app: 1\n".encode("utf-16"), 1, "is not UTF-8 text"),
    ("control character", "app: 1\n\nid: \x00\n", 3, "holds a character that YAML does not allow"),
    ("escape out of range", 'app: "\\UFFFFFFFF"\n', None, "is not YAML: an escape or a version is out of range"),
    ("deep", "app: " + "[" * 2000 + "\n", 1, "is nested more than 50 levels deep"),
    ("deep blocks", "".join(" " * n + "a:\n" for n in range(60)), 50, "is nested more than 50 levels deep"),
    ("aliases", "a: &a 1\nb:\n" + "- *a\n" * 101, 103, f"uses aliases more than {MAX_ALIASES} times"),
    ("large", "a: b\n" + "#" * MAX_BYTES, None, "is larger than 128 KiB (our own limit)"),
]


@pytest.mark.parametrize(("content", "line", "words"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_an_unreadable_manifest_is_reported_with_cause_and_line(
    tmp_path: Path, content: str | bytes, line: int | None, words: str
) -> None:
    error = refused(tmp_path, content)
    assert error.reason.startswith(words)
    assert error.line == line
    assert "\n" not in error.reason


def test_a_manifest_may_have_a_byte_order_mark_windows_lines_and_tags(tmp_path: Path) -> None:
    text = "\ufeffmodules:\r\n  function:\r\n    - !acme {key: f}\r\n    - key: !!str g\r\n"
    assert parsed(tmp_path, text).functions.lines == {"f": 3, "g": 4}


def test_no_file_a_folder_and_a_pipe_are_named_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reasons = {"none.yml": "does not exist", ".": "is not a file", "pipe": "is not a file", "a\0b": "does not exist"}
    reasons |= {"x" * 5000: "cannot be opened: File name too long"}
    for name, reason in reasons.items():
        with pytest.raises(ManifestError, match=reason):
            Manifests().get(tmp_path, name)
    with pytest.raises(ManifestError, match="home of a user who does not exist"):
        Manifests().get(tmp_path, "~no-such-user-here/manifest.yml")


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    write(tmp_path, SMALL)
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ManifestError, match="cannot be opened: Permission denied"):
        Manifests().get(tmp_path, "manifest.yml")


YAML_LIKE = st.text(alphabet=st.sampled_from(list("abk:-[]{}&*<!|>'\"#,%@`?~ \n\t\r0\\\u2028é\x07")), max_size=80)


@given(st.one_of(YAML_LIKE, st.text(max_size=40), YAML_LIKE.map(lambda text: f"modules:\n  function:\n  - {text}")))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_any_text_is_a_manifest_or_a_message(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        found = parsed(folder, text.encode("utf-8", "surrogatepass"))
    except ManifestError:
        return
    check_manifest({"events": ["avi:jira:updated:issue"], "function": "f"}, found)
    check_manifest({"type": "macro", "data": {"resource": "main/x"}}, found)


# --- once per process -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [SMALL, "not: [yaml"])
def test_a_file_is_read_once_whatever_the_number_of_threads_and_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    write(tmp_path, content)
    seen: list[Path] = []
    original = yaml_nodes.read

    def counted(path: Path) -> Any:
        seen.append(path)
        time.sleep(0.05)  # the other threads wait for this one
        return original(path)

    monkeypatch.setattr(manifest, "read", counted)
    manifests, gate = Manifests(), threading.Barrier(8)

    def ask(_: int) -> object:
        gate.wait()
        try:
            return manifests.get(tmp_path, "manifest.yml")
        except ManifestError as error:
            return error.reason

    with ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(ask, range(8))
    assert all(other == first for other in others)
    assert len(seen) == 1
