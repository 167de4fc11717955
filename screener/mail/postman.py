"""Handing a mail to the mail server, or to this machine's sendmail.

Where both are set up the mail server comes first: it has a word for each recipient, and says what
is too large. Sendmail takes the mail when there is no session with the server. What a reply means
for a recipient, core/reply.py says.
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
from screener.core.reply import is_too_large, may_be_too_large, of_server
from screener.errors import MailError
from screener.mail import mailsession, sendmail
from screener.mail.mailsession import Session, open_session, why
from screener.mail.parcel import Parcel
from screener.settings.surroundings import MailSecurity, MailSettings

_LAST_WORD = 5.0  # seconds for what a server that has hung up had said before
_STARTS_ANEW = re.compile(rb"^\.", re.MULTILINE)


class Postman:
    """A visit to the mail server: `open`, then `deliver` once or more in a with-block, whose end
    says QUIT.

    So what came of the mail can be written down before leave is taken, which may take its time.
    """

    def __init__(self, mail: MailSettings) -> None:
        self._mail = mail
        self._session: Session | None = None
        self._begun = False
        self._instead = ""  # why sendmail is asked and not the mail server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            _take_leave(self._session)

    def open(self) -> None:
        """Begin the session, or another one. Raises OSError (which smtplib's errors are) or
        ValueError."""
        if self._session is not None:
            _take_leave(self._session)
            self._session = None
        self._begun, self._instead = True, ""
        if not self._mail.host:
            return
        try:
            self._session = open_session(self._mail)
        except (OSError, ValueError) as error:
            if not self._mail.sendmail:
                raise
            self._instead = f" (the mail server {self._mail.host}: {why(error)})"

    @property
    def largest(self) -> int:
        """The largest mail that is taken, in bytes; 0 where that is not known."""
        return mailsession.largest(self._session) if self._session else 0

    def deliver(self, to: Sequence[str], mail: Parcel | bytes) -> Answers:
        """Hand over the mail: each recipient's answer.

        Raises OSError or ValueError when there is no session or it breaks; then nothing was
        accepted.
        """
        if not self._begun or (self._session is not None and self._session.sock is None):
            self.open()  # a session that is over by now can be followed by another
        parcel = Parcel(mail) if isinstance(mail, bytes) else mail
        if self._session is not None:
            with mailsession.in_time(self._session):
                return _hand_over(self._session, self._mail.sender, to, parcel)
        answers = sendmail.hand_over(self._mail.sendmail, self._mail.sender, to, parcel)
        return {a: (delivery, text + self._instead) for a, (delivery, text) in answers.items()}


def reach(mail: MailSettings) -> str:
    """See whether the mail server is there and lets us in, sending nothing; what there is to say.

    Raises MailError.
    """
    where = f"{mail.host}:{mail.port}"
    try:
        session = open_session(mail)
        session.noop()
    except ssl.SSLCertVerificationError as error:
        raise MailError(f"the mail server {where}: {_unverified(mail, error)}") from error
    except (OSError, ValueError) as error:
        raise MailError(f"the mail server {where}: {why(error)}") from error
    largest = mailsession.largest(session)
    _take_leave(session)
    secured = "" if mail.security is MailSecurity.NONE else f" over {mail.security}"
    at_most = f", at most {largest / 1e6:.1f} MB each" if largest else ""
    return f"{where} takes our mail{secured}{at_most}"


def _unverified(mail: MailSettings, error: ssl.SSLCertVerificationError) -> str:
    """What to do about a certificate that does not verify, or is not the one that is pinned."""
    told = getattr(error, "verify_message", "") or str(error.args[-1])
    try:
        seen = mailsession.seen_fingerprint(mail)
    except (OSError, ValueError):
        return why(error)
    return (
        f"its certificate does not verify ({shown(told, 200)}). If the server's owner tells you"
        f' that it is {seen}, pin it: mail.fingerprint = "{seen}"'
    )


def _hand_over(session: Session, sender: str, to: Sequence[str], parcel: Parcel) -> Answers:
    """One mail transaction (RFC 5321 3.3): each recipient's answer."""
    session.grant(mailsession.TALK_SECONDS)
    size = [f"size={parcel.size}"] if session.has_extn("size") else []
    code, reply = session.mail(sender, size)
    if code != 250:
        delivery, text = _answer(code, reply)
        _start_anew(session)
        of_size = is_too_large(text) or may_be_too_large(text)
        of = "" if of_size else f" (said of the sender, {sender})"
        return dict.fromkeys(to, (delivery, text + of))
    answers = {address: _answer(*session.rcpt(address)) for address in to}
    willing = [a for a, (delivery, _) in answers.items() if delivery is Delivery.ACCEPTED]
    if not willing:
        _start_anew(session)
        return answers
    try:
        with mailsession.in_time(session):
            code, reply = _data(session, parcel)
    except OSError as error:
        # The session is gone, but what was said of the recipients before that stays true.
        session.close()
        return {**answers, **dict.fromkeys(willing, (Delivery.WAITING, why(error)))}
    return {**answers, **dict.fromkeys(willing, _answer(code, reply))}


def _data(session: Session, parcel: Parcel) -> tuple[int, bytes]:
    """DATA, the mail, and the reply to it; or the reply to DATA, where it was not welcome.

    Where it fails in the middle the session must be closed: what comes next would be mail.
    """
    session.putcmd("data")
    code, reply = session.getreply()
    if 200 <= code < 300:
        # Of something else than DATA: of which, nobody knows, and what comes next is out of step.
        raise smtplib.SMTPResponseException(code, b"(to DATA, where 354 was due) " + reply)
    if code != 354:
        _start_anew(session)
        return code, reply
    assert session.sock is not None
    session.grant(mailsession.ACCEPT_SECONDS + parcel.size / mailsession.SLOWEST)
    session.sock.settimeout(mailsession.ACCEPT_SECONDS)
    try:
        for piece in parcel.pieces():
            session.sock.sendall(_STARTS_ANEW.sub(b"..", piece))
        session.sock.sendall(b".\r\n")
    except ConnectionError as hung_up:  # it may have said why: that the mail is too large
        code, reply = _last_word(session, hung_up)
        session.close()
        return code, reply
    code, reply = session.getreply()
    session.sock.settimeout(mailsession.SMTP_SECONDS)
    if code >= 400:
        _start_anew(session)  # it may have hung up with that, before a smaller mail comes
    return code, reply


def _last_word(session: Session, hung_up: ConnectionError) -> tuple[int, bytes]:
    """What a server said before it hung up in the middle of the mail. Raises `hung_up` where it
    said nothing, or nothing that refuses the mail: not all of it was sent."""
    assert session.sock is not None
    session.sock.settimeout(_LAST_WORD)
    try:
        code, reply = session.getreply()
    except OSError:
        raise hung_up from None
    if not 400 <= code < 600:
        raise hung_up
    return code, reply


def _start_anew(session: Session) -> None:
    """RSET: what was begun is to leave nothing behind for the next mail. A session that is over
    (421) says so then."""
    with contextlib.suppress(OSError):
        session.rset()


def _answer(code: int, reply: bytes) -> tuple[Delivery, str]:
    return of_server(code, reply.decode("utf-8", "replace"))


def _take_leave(session: Session) -> None:
    """QUIT. What was accepted stays accepted whatever comes of it."""
    with contextlib.suppress(OSError):
        if session.sock is not None:
            session.sock.settimeout(5.0)
        session.quit()
    session.close()
