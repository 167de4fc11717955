"""What a reply means for a recipient: a mail server's, or a sendmail program's exit status.

Accepted, refused for good, or to be tried again. In doubt it is to be tried again: a mistake that
its owner can put right turns no message into a bounce. A reply is kept as one line, and what asks
for a smaller mail is read from that line, so that it can be read again later.
"""

from __future__ import annotations

import re

from screener.core.callerid import shown
from screener.core.delivery import Delivery

_MOST = 400  # characters of a reply that are kept
_NOT_ALLOWED_YET = frozenset({530, 534, 535, 538})  # log in, or secure the line, first
# Exit statuses of sendmail (sysexits.h). Any other is for now, too.
_FOR_GOOD = {65: "EX_DATAERR", 67: "EX_NOUSER", 68: "EX_NOHOST"}
_FOR_NOW = {69: "EX_UNAVAILABLE", 75: "EX_TEMPFAIL", 77: "EX_NOPERM", 78: "EX_CONFIG"}

# What a server says of a mail that is too large (RFC 1870, RFC 3463), and of a mailbox that is
# full. The code alone says too little: 552 is that of both (RFC 5321 4.2.3). Where neither the
# status after it (x.0.0, x.2.0 and x.3.0 do not) nor the words tell which, it may be either.
# "/... ended with status" is how `of_program` begins.
_TOO_LARGE = re.compile(
    r"5\d\d[ -](?:5\.3\.4|5\.2\.3)\b"
    r"|(?:552|523)[ -].*(?:size|large|big|limit)"
    r"|/.* ended with status \d+.*: .*(?:too (?:large|big)|size limit)",
    re.IGNORECASE,
)
_MAILBOX_FULL = re.compile(
    r"(?!.*\b5\.(?:3\.4|2\.3)\b)(?!.*message(?: \w+){0,2} (?:size|large|big))"
    r"(?:5\d\d[ -]|/.* ended with status \d+.*: )"
    r".*(?:\b[245]\.(?:2\.2|3\.1)\b|quota|mailbox.*full|full.*mailbox|storage"
    r"|mailbox (?:size )?limit)",
    re.IGNORECASE,
)
_EITHER = re.compile(
    r"552[ -](?![245]\.(?!(?:0|2|3)\.0\b)\d{1,3}\.\d{1,3}\b)"
    r"(?!.*(?:quota|mailbox.*full|full.*mailbox|mailbox (?:size )?limit))",
    re.IGNORECASE,
)


def of_server(code: int, reply: str) -> tuple[Delivery, str]:
    """What a mail server's reply means (RFC 5321 4.2.1, RFC 3463), and the line that is kept.

    What asks us to log in or to secure the line (RFC 4954, RFC 3207) is temporary even where the
    server says 5xx: its owner can put it right.
    """
    text = shown(f"{code} {reply}", _MOST)
    if 200 <= code < 300:
        return Delivery.ACCEPTED, text
    if 500 <= code < 600 and code not in _NOT_ALLOWED_YET:
        return _refused(text), text
    return Delivery.WAITING, text


def of_program(program: str, status: int, complaint: str) -> tuple[Delivery, str]:
    """What the exit status of a sendmail program means, and the line that is kept.

    `program` is its path; a `status` below 0 is the signal that killed it; `complaint` is one line
    of what it said, or "".
    """
    said = f": {complaint}" if complaint else ""
    if status == 0:
        return Delivery.ACCEPTED, f"taken by {program}{said}"
    if status < 0:
        return Delivery.WAITING, f"{program} was killed by signal {-status}{said}"
    names = _FOR_GOOD | _FOR_NOW
    name = f" ({names[status]})" if status in names else ""
    text = f"{program} ended with status {status}{name}{said}"
    return _refused(text) if status in _FOR_GOOD else Delivery.WAITING, text


def is_too_large(reply: str) -> bool:
    """Whether a line that was kept means that a smaller mail would be taken."""
    return _TOO_LARGE.match(reply) is not None and _MAILBOX_FULL.match(reply) is None


def may_be_too_large(reply: str) -> bool:
    """Whether it means that, or that the mailbox is full, and does not tell which."""
    return _EITHER.match(reply) is not None and not is_too_large(reply)


def _refused(reply: str) -> Delivery:
    """What a refusal for good is in truth: a full mailbox (x.2.2) is temporary even where the
    server says 5xx, in whatever words. Its owner can put it right. So is what may be one."""
    full = _MAILBOX_FULL.match(reply) is not None or may_be_too_large(reply)
    return Delivery.WAITING if full else Delivery.REFUSED
