"""Handing a mail to an SMTP server, and what its replies mean (RFC 5321).

A reply is read for what it means to a recipient: accepted, refused for good, or to be tried again.
In doubt it is to be tried again: a mistake that its owner can put right turns no message into a
bounce.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from screener.core.callerid import shown
from screener.core.delivery import Answers, Delivery
from screener.errors import OutboxError
from screener.surroundings import MailSecurity, MailSettings

SMTP_SECONDS = 30.0  # for the connection and for each reply
# The reply to the whole message: a server that scans it may take its time (RFC 5321 4.5.3.2.6).
ACCEPT_SECONDS = 600.0
_NOT_ALLOWED_YET = frozenset({530, 534, 535, 538})  # log in, or secure the line, first


class Postman:
    """A visit to the mail server with one mail: `deliver` in a with-block, whose end says QUIT.

    So what came of the mail can be written down before leave is taken, which may take its time.
    """

    def __init__(self, mail: MailSettings) -> None:
        self._mail = mail
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            _take_leave(self._server)

    def deliver(self, to: Sequence[str], mail: bytes) -> Answers:
        """Connect and hand over the mail: each recipient's answer.

        Raises OSError (which smtplib's errors are) or ValueError when there is no session or it
        breaks; then nothing was accepted.
        """
        self._server = _connect(self._mail)
        return _hand_over(self._server, self._mail.sender, to, mail)


def reach(mail: MailSettings) -> None:
    """See whether the mail server is there and lets us in, sending nothing (EHLO, NOOP, QUIT).

    Raises OutboxError.
    """
    try:
        server = _connect(mail)
        server.noop()
    except (OSError, ValueError) as error:
        raise OutboxError(f"the mail server {mail.host}:{mail.port}: {why(error)}") from error
    _take_leave(server)


def _connect(mail: MailSettings) -> smtplib.SMTP:
    """A session with the mail server, secured and logged in as the settings say.

    Raises OSError (which smtplib's errors are) or ValueError. All of that is taken as temporary: a
    wrong password is the owner's mistake and must not turn messages into bounces.
    """
    if mail.security is MailSecurity.TLS:
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.host, mail.port, timeout=SMTP_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=SMTP_SECONDS)
    try:
        if mail.security is MailSecurity.STARTTLS:
            server.starttls(context=ssl.create_default_context())
        server.ehlo_or_helo_if_needed()
        if mail.user:
            server.login(mail.user, mail.password)
    except BaseException:
        server.close()
        raise
    return server


def _hand_over(server: smtplib.SMTP, sender: str, to: Sequence[str], mail: bytes) -> Answers:
    """One mail transaction (RFC 5321 3.3): each recipient's answer.

    Raises OSError when the session breaks; then nothing was accepted.
    """
    size = [f"size={len(mail)}"] if server.has_extn("size") else []
    code, reply = server.mail(sender, size)
    if code != 250:
        return dict.fromkeys(to, _answer(code, reply))
    answers = {address: _answer(*server.rcpt(address)) for address in to}
    willing = [a for a, (delivery, _) in answers.items() if delivery is Delivery.ACCEPTED]
    if not willing:
        return answers
    try:
        if server.sock is not None:
            server.sock.settimeout(ACCEPT_SECONDS)
        code, reply = server.data(mail)
    except smtplib.SMTPDataError as error:  # DATA itself was not welcome
        code, reply = error.smtp_code, _as_bytes(error.smtp_error)
    except OSError as error:
        # The session is gone, but what was said of the recipients before that stays true.
        return {**answers, **dict.fromkeys(willing, (Delivery.WAITING, why(error)))}
    return {**answers, **dict.fromkeys(willing, _answer(code, reply))}


def _answer(code: int, reply: bytes) -> tuple[Delivery, str]:
    """What a reply means for a recipient (RFC 5321 4.2.1, RFC 3463).

    A full mailbox (x.2.2) is temporary even where the server says 5xx, and so is what asks us to
    log in or to secure the line (RFC 4954, RFC 3207): its owner can put it right.
    """
    text = shown(f"{code} {_as_bytes(reply).decode('utf-8', 'replace')}", 400)
    if 200 <= code < 300:
        return Delivery.ACCEPTED, text
    mailbox_full = re.match(r"5\d\d[ -]5\.2\.2\b", text) is not None
    if 500 <= code < 600 and code not in _NOT_ALLOWED_YET and not mailbox_full:
        return Delivery.REFUSED, text
    return Delivery.WAITING, text


def _as_bytes(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode("utf-8", "replace")


def _take_leave(server: smtplib.SMTP) -> None:
    """QUIT. What was accepted stays accepted whatever comes of it."""
    with contextlib.suppress(OSError):
        if server.sock is not None:
            server.sock.settimeout(5.0)
        server.quit()
    server.close()


def why(error: OSError | ValueError) -> str:
    """What went wrong with the mail server, in its own words where it said something."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, _as_bytes(error.smtp_error))[1]
    return shown(str(error) or type(error).__name__, 400)
