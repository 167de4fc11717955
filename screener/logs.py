"""What the running process says of itself: a line for each event on stderr, with the time.

Whoever runs screener (systemd, a terminal) keeps the lines. What strangers wrote reaches them too,
so a line never holds a line break or a terminal's control codes.
"""

import logging

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _OneLine(logging.Formatter):
    """A message as one line, whatever is in it; a traceback follows on lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        line = super().formatMessage(record)
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def start(level: int = logging.INFO) -> None:
    """Begin to log. Libraries are heard from warnings on."""
    lines = logging.StreamHandler()
    lines.setFormatter(_OneLine(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    logging.getLogger("screener").setLevel(level)
