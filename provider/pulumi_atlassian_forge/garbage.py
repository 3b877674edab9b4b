"""What Python's search for garbage need not go through, in processes that live as long as one command.

Such a process has imported some fifty thousand objects, none of them garbage. To go through them again while modules are
declared, and once more at its end, takes a tenth of a second and more of a command: the engine waits for both.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Look for none while something is imported, and never again among what it made. For the plugin's process."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@functools.cache
def pass_over_imports() -> None:
    """Look for none among what a program has by now; among all that follows as ever. Once in a process.

    Pulumi's CLI runs a program in the main thread of a process that ends with it. The Automation API runs one in another thread
    of somebody's process, which may live for months: what it looks through is left alone.
    """
    if threading.current_thread() is threading.main_thread():
        gc.freeze()
