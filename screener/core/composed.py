"""A mail that somebody else has composed (the weekly report), on its way like a message.

It lies in the same outbox and is as durable. Only its envelope is ours: whom it is from and for,
when it was written, and the Message-ID by which a repeat is recognised. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from screener.core.letter import is_address

_NAME = "screener"
# A body with bytes above 127 is encoded: not every mail server passes them on (RFC 6152).
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Composed:
    """A composed mail for the addresses `to`; `what` is its line in `screener outbox`."""

    to: tuple[str, ...]
    what: str


def as_data(composed: Composed) -> dict[str, Any]:
    """What is known of the mail as JSON knows it."""
    return {"to": list(composed.to), "what": composed.what}


def from_data(data: Mapping[str, Any]) -> Composed:
    """What `as_data` gave. Raises KeyError or TypeError for anything else."""
    return Composed(tuple(str(address) for address in data["to"]), str(data["what"]))


def enveloped(
    mail: EmailMessage,
    composed: Composed,
    *,
    sender: str,
    message_id: str,
    written: datetime,
    zone: tzinfo | None,
) -> bytes:
    """The mail's bytes, with the headers that are ours; `mail` itself stays as it is."""
    mail = message_from_bytes(mail.as_bytes(policy=_POLICY), policy=SMTP)
    for name in ("From", "To", "Cc", "Bcc", "Date", "Message-ID", "Auto-Submitted"):
        del mail[name]
    mail["From"] = Address(display_name=_NAME, addr_spec=sender)
    mail["To"] = tuple(Address(addr_spec=address) for address in composed.to if is_address(address))
    mail["Date"] = format_datetime(written.astimezone(zone))
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply to a machine
    return mail.as_bytes(policy=_POLICY)
