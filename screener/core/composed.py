"""A mail that somebody else has composed (the weekly report), on its way like a message.

It lies in the same outbox and is as durable. Only its envelope is ours: whom it is from and for,
when it was written, and the Message-ID by which a repeat is recognised. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from screener.core.envelope import envelope

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
    ours = envelope(
        _NAME,
        composed.to,
        "",
        sender=sender,
        message_id=message_id,
        written=written,
        zone=zone,
    )
    del ours["Subject"]  # is its composer's
    for name in (*ours.keys(), "Cc", "Bcc"):
        del mail[name]
    for name, value in ours.items():
        mail[name] = value
    return mail.as_bytes(policy=_POLICY)
