"""The audit log: one JSON object a line on stderr. It records who did what, and never contains a token."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

_LOG = logging.getLogger("broker")
_MAX_VALUE_CHARACTERS = 200


def audit(event: str, **fields: str) -> None:
    """Record one event. Values are verified claims or names of the policy, never unverified input; long ones are cut."""
    _LOG.info(event, extra={"fields": {name: value[:_MAX_VALUE_CHARACTERS] for name, value in fields.items()}})


class _JsonFormatter(logging.Formatter):
    """Formats records as JSON, so that no value can break a line or forge another."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = getattr(record, "fields", {})
        line = {"time": moment, "level": record.levelname.lower(), "event": record.getMessage(), **fields}
        if record.exc_info and record.exc_info[0]:
            # The location and the exception class; not the message, which may quote the request.
            frames = traceback.extract_tb(record.exc_info[2])[-3:]
            trail = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
            line |= {"error": f"{record.exc_info[0].__name__} at {trail}"}
        return json.dumps(line)


def log_to_stderr() -> None:
    """Configure the log of this process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    _LOG.setLevel(logging.INFO)
