"""What screener tells its owner by mail, in plain text: that his rules are broken, say.

A notice lies in the same outbox as recorded messages and is as durable. Pure composing: data in,
`EmailMessage` out. Rule files, lists and address books are written by others too: every line passes
through core/callerid.py, so that none of it drives a terminal or ends a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from email.message import EmailMessage
from typing import Any

from screener.core.callerid import shown
from screener.core.envelope import envelope

_SUBJECT = 120  # characters of a subject that a mail shows
_LINE = 600  # characters of a line


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice on its way to the mail addresses `to`: its subject, and its text line by line."""

    to: tuple[str, ...]
    subject: str
    lines: tuple[str, ...]


def as_data(notice: Notice) -> dict[str, Any]:
    """The notice as JSON knows it."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(notice).items()}


def from_data(data: Mapping[str, Any]) -> Notice:
    """What `as_data` gave. Raises KeyError or TypeError for anything else."""
    return Notice(
        to=tuple(str(address) for address in data["to"]),
        subject=str(data["subject"]),
        lines=tuple(str(line) for line in data["lines"]),
    )


def compose(
    notice: Notice, *, sender: str, message_id: str, written: datetime, zone: tzinfo | None
) -> EmailMessage:
    """The mail that carries a notice from `sender` (an address), as core/envelope.py says."""
    mail = envelope(
        "screener",
        notice.to,
        shown(notice.subject, _SUBJECT),
        sender=sender,
        message_id=message_id,
        written=written,
        zone=zone,
    )
    text = "".join(f"{shown(line, _LINE)}\n" for line in notice.lines)
    mail.set_content(text, cte="quoted-printable")
    return mail
