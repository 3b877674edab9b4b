"""The log: one JSON object a line on stderr. It says who did what, and never holds a token."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

_LOG = logging.getLogger("broker")
_LONGEST = 200


def audit(event: str, **fields: str) -> None:
    """Say one thing. Values are what a caller proved or a policy names, never what they only sent; long ones are cut."""
    _LOG.info(event, extra={"fields": {name: value[:_LONGEST] for name, value in fields.items()}})


class _Lines(logging.Formatter):
    """JSON, so that no value can break a line or forge another."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = getattr(record, "fields", {})
        line = {"time": moment, "level": record.levelname.lower(), "event": record.getMessage(), **fields}
        if record.exc_info and record.exc_info[0]:
            # Where, and what kind; not the message, which may quote what was sent.
            frames = traceback.extract_tb(record.exc_info[2])[-3:]
            trail = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
            line |= {"error": f"{record.exc_info[0].__name__} at {trail}"}
        return json.dumps(line)


def to_stderr() -> None:
    """Set up the log of this process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    _LOG.setLevel(logging.INFO)
