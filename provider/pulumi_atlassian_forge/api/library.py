"""httpx without its command line.

Where rich, click and pygments are installed, as they are with ``forge-modules``, httpx loads all of them for a command that
nobody gives here, and that takes longer than to load the rest of it. It does without where they cannot be imported, so while it
is imported its command line cannot be. Should that have another name one day, it is loaded as before, and a test says so.
"""

from __future__ import annotations

import sys
from typing import Final

__all__ = ["httpx"]

_COMMAND_LINE: Final = "httpx._main"

if _COMMAND_LINE in sys.modules:
    import httpx
else:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment] # the way to say that there is none
    try:
        import httpx
    finally:
        del sys.modules[_COMMAND_LINE]
