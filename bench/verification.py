"""Whether the work was done: a time is worth nothing if it was not."""

from __future__ import annotations

from .errors import BenchError
from .server import Counted
from .workload import Operation


def require_work(what: str, operation: Operation, size: int, counted: Counted) -> None:
    """Compare what an installation has seen of one operation with what was to be done.

    Args:
        what: The command, for the message.
        operation: What it was.
        size: Modules that are declared on the installation.
        counted: What the installation has seen.

    Raises:
        BenchError: It was not done, or more than that.
    """
    after = 0 if operation in {"preview new", "destroy"} else size
    written = {"up": "POST", "update all": "PUT", "destroy": "DELETE"}
    wanted = {method: size if written.get(operation) == method else 0 for method in written.values()}
    seen = {method: counted.methods[method] for method in wanted}
    if counted.modules != after or seen != wanted:
        raise BenchError(f"{what}: {after} modules and the requests {wanted} were to be seen, not {counted.modules} and {seen}")
