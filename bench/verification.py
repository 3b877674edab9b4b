"""Verification that a measured command did its work."""

from __future__ import annotations

from .errors import BenchError
from .server import RequestCounts
from .workload import Operation


def verify_work(what: str, operation: Operation, size: int, counted: RequestCounts) -> None:
    """Compare the requests and modules of an installation with those expected after an operation.

    Args:
        what: The command, for the message.
        operation: The operation.
        size: Number of modules that are declared on the installation.
        counted: The counts of the installation.

    Raises:
        BenchError: The counts differ from those expected.
    """
    modules = 0 if operation in {"preview new", "destroy"} else size
    written = {"up": "POST", "update all": "PUT", "destroy": "DELETE"}
    expected = {method: size if written.get(operation) == method else 0 for method in written.values()}
    seen = {method: counted.methods[method] for method in expected}
    if counted.modules != modules or seen != expected:
        raise BenchError(f"{what}: expected {modules} modules and the requests {expected}, found {counted.modules} and {seen}")
