"""Private attributes of other libraries: only those that an ADR allows, each in one file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROVIDER = Path(__file__).parents[1] / "provider" / "pulumi_atlassian_forge"
ALLOWED = {
    # docs/adr/0005-threads.md: Pulumi's SDK has no setting for its thread pool.
    "dynamic/thread_pool.py": {"sys._getframe", "pool._idle_semaphore", "pool._max_workers", "pool._work_queue"},
    # docs/adr/0006-exit-callback.md: threading has no public place for what runs before its threads are joined.
    "session/shutdown.py": {"threading._register_atexit"},
}
DOCUMENTED = {"os._exit"}  # public in spite of its name: https://docs.python.org/3/library/os.html#os._exit
OWN = {"self", "cls", "shared"}  # shared: a copy of an object of the same class
PROCESS_WIDE = ("gc.freeze", "gc.disable", "sys.modules[", "sys.setswitchinterval")


def private(tree: ast.AST) -> Iterator[str]:
    """Accesses like ``library._name`` and ``getattr(library, "_name")`` to what is not an object of the same class."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if name.startswith("_") and not name.startswith("__"):
                owner = ast.unparse(node.value)
                if owner not in OWN:
                    yield f"{owner}.{name}"
            case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[owner, ast.Constant(value=str(name)), *_]):
                if name.startswith("_") and not name.startswith("__"):
                    yield f"{ast.unparse(owner)}.{name}"
            case ast.ImportFrom(module=str(module), names=names, level=0) if not module.startswith("pulumi_atlassian_forge"):
                yield from (f"{module}.{alias.name}" for alias in names if alias.name.startswith("_"))


def found_in(text: str) -> set[str]:
    return {*private(ast.parse(text)), *(name for name in PROCESS_WIDE if name in text)} - DOCUMENTED


def test_no_private_attribute_of_a_library_but_the_allowed_ones() -> None:
    found = {
        str(file.relative_to(PROVIDER)): names
        for file in sorted(PROVIDER.rglob("*.py"))
        if (names := found_in(file.read_text("utf-8")))
    }
    assert found == ALLOWED


@pytest.mark.parametrize(
    "text",
    ["http._transport._pool", "getattr(library, '_backend')", "from httpx import _main", "gc.freeze()", "sys.modules['x']"],
)
def test_what_would_be_found(text: str) -> None:
    assert found_in(text)
