"""The headers of a mail of ours (RFC 5322), whatever is in it.

What a stranger wrote passes through core/callerid.py first, and then through Python's structured
headers, which refuse line ends and quote what has a meaning; so a mail has one From, To and Subject
whatever a caller calls himself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from screener.core.letter import is_address


def envelope(
    name: str,
    to: Iterable[str],
    subject: str,
    *,
    sender: str,
    message_id: str,
    written: datetime,
    zone: tzinfo | None,
) -> EmailMessage:
    """A mail that has its headers and no body yet, from `name` at the address `sender`.

    `name` and `subject` are lines that may be shown (core/callerid.py); they hold no line end.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=_literal(name), addr_spec=sender)
    mail["To"] = tuple(Address(addr_spec=address) for address in to if is_address(address))
    mail["Subject"] = _literal(subject)
    mail["Date"] = format_datetime(written.astimezone(zone))
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply to a machine
    return mail


def _literal(text: str) -> str:
    """Header text in which no encoded word (RFC 2047) begins: whoever called himself
    "=?utf-8?B?...?=" would otherwise be decoded, and have written what `shown` lets nobody write.
    """
    return text.replace("=?", "= ?")
