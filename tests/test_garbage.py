"""What is not looked through for garbage, and in which processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

MAIN = "pass_over_imports()"
OTHER = "thread = threading.Thread(target=pass_over_imports); thread.start(); thread.join()"


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(("first", "then", "is_passed_over"), [(MAIN, MAIN, True), (OTHER, MAIN, False)])
def test_a_process_passes_over_what_it_has_at_most_once(first: str, then: str, is_passed_over: bool) -> None:
    code = f"""
import gc, threading
from pulumi_atlassian_forge.garbage import pass_over_imports

before = gc.get_freeze_count()
{first}
found = gc.get_freeze_count()
later = [[] for _ in range(1000)]
{then}
print(found > before, gc.get_freeze_count() == found, gc.isenabled())
"""
    assert printed(code) == f"{is_passed_over} True True\n"


def test_no_collection_ends_with_what_it_is_for() -> None:
    code = """
import gc
from pulumi_atlassian_forge.garbage import no_collection

try:
    with no_collection():
        during = gc.isenabled()
        raise ImportError
except ImportError:
    print(during, gc.isenabled())
"""
    assert printed(code) == "False True\n"
