"""Writes a client's log as JSON lines, with the same keys as the server's."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from fingertip_client import tracing


class JsonLines(logging.Formatter):
    """Writes a record as one line, with the journey and the trace that it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        line = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
            "journey_id": tracing.journey_id(),
            "traceparent": tracing.traceparent(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start(file: Path | None = None) -> None:
    """Logs into a file, or else to the standard error, and nowhere else."""
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler()
    handler.setFormatter(JsonLines())
    # A library may have set logging up when it was imported.
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
