"""A session with the mail server: connected, secured, logged in as screener.toml says (RFC 5321).

A certificate must verify, or be the one that the owner pinned; where STARTTLS is asked for and not
offered, nothing is said in the open. Each reply has its time, and so has the whole: a server that
drips one letter a minute holds nobody for ever.
"""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator

from screener.core.callerid import shown
from screener.settings.surroundings import MailSecurity, MailSettings

SMTP_SECONDS = 30.0  # for the connection and for each reply
# For all that is said before the mail itself, and for taking it: a server that scans it may take
# its time (RFC 5321 4.5.3.2.6), a line may be slow.
TALK_SECONDS = 300.0
ACCEPT_SECONDS = 600.0
SLOWEST = 2000.0  # bytes a second
_TOO_SLOW = "the mail server is too slow: its time was over"


class _Patient(smtplib.SMTP):
    """A session that ends when its time is over, whatever the server does."""

    def __init__(self, host: str, port: int, **options: object) -> None:
        self.too_slow = False
        self._alarm: threading.Timer | None = None
        self.grant(TALK_SECONDS)
        try:
            with in_time(self):
                super().__init__(host, port, timeout=SMTP_SECONDS, **options)  # type: ignore[arg-type]
        except BaseException:
            self.close()
            raise

    def grant(self, seconds: float) -> None:
        """From now on it has so many seconds."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = threading.Timer(seconds, self._cut_off)
        self._alarm.daemon = True
        self._alarm.start()

    def _cut_off(self) -> None:
        self.too_slow = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                # The socket's own: the one of ssl would take the session from under its reader.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        super().close()


class _PatientTLS(_Patient, smtplib.SMTP_SSL):
    """The same, with TLS from the start."""


Session = _Patient


def open_session(mail: MailSettings) -> Session:
    """A session with the mail server, secured and logged in.

    Raises OSError (which smtplib's errors are) or ValueError. All of that is taken as temporary: a
    wrong password is the owner's mistake and must not turn messages into bounces.
    """
    if mail.security is MailSecurity.TLS:
        session: Session = _PatientTLS(mail.host, mail.port, context=_context(mail))
    else:
        session = _Patient(mail.host, mail.port)
    try:
        with in_time(session):
            if mail.security is MailSecurity.STARTTLS:
                session.starttls(context=_context(mail))
            _check_pin(session, mail)
            session.ehlo_or_helo_if_needed()
            if mail.user:
                session.login(mail.user, mail.password)
    except BaseException:
        session.close()
        raise
    return session


@contextlib.contextmanager
def in_time(session: Session) -> Iterator[None]:
    """Where the session's time ended meanwhile, that is the error: not what came of it."""
    try:
        yield
    except OSError as error:
        if session.too_slow:
            raise TimeoutError(_TOO_SLOW) from error
        raise


def _context(mail: MailSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if mail.fingerprint:  # it is told by this, and by nothing else
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint(certificate: bytes) -> str:
    """ "sha256:1f..." of a certificate (DER)."""
    return f"sha256:{hashlib.sha256(certificate).hexdigest()}"


def _check_pin(session: Session, mail: MailSettings) -> None:
    """Before anything is said that the pinned server alone may hear."""
    if not mail.fingerprint:
        return
    seen = fingerprint(_certificate(session))
    if seen != mail.fingerprint:
        raise ssl.SSLCertVerificationError(
            f"the certificate is {seen}, and mail.fingerprint pins another"
        )


def _certificate(session: Session) -> bytes:
    found = session.sock.getpeercert(True) if isinstance(session.sock, ssl.SSLSocket) else None
    return found or b""


def seen_fingerprint(mail: MailSettings) -> str:
    """The fingerprint of the certificate that the mail server shows, whoever signed it; nothing is
    said to it. Raises OSError or ValueError."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if mail.security is MailSecurity.TLS:
        session: Session = _PatientTLS(mail.host, mail.port, context=context)
    else:
        session = _Patient(mail.host, mail.port)
    try:
        if mail.security is MailSecurity.STARTTLS:
            session.starttls(context=context)
        return fingerprint(_certificate(session))
    finally:
        session.close()


def largest(session: Session) -> int:
    """The largest mail that the server takes, in bytes (RFC 1870); 0 where it does not say."""
    told = session.esmtp_features.get("size", "").split()
    return int(told[0]) if told and told[0].isascii() and told[0].isdigit() else 0


def why(error: OSError | ValueError) -> str:
    """What went wrong with the mail server, in its own words where it said something."""
    match error:
        case smtplib.SMTPException():
            return _broken_off(error)
        case ssl.SSLCertVerificationError():
            told = getattr(error, "verify_message", "") or str(error.args[-1])
            return f"certificate verify failed: {shown(told, 300)}; see `screener check`"
        case ssl.SSLError():
            reason = error.reason or str(error)
            return f"no TLS could be agreed on ({shown(reason, 100)}): see mail.security, mail.port"
        case socket.gaierror():
            return "there is no such host, or the network is away"
        case ConnectionRefusedError():
            return "connection refused: no mail server listens there"
        case TimeoutError():
            return _TOO_SLOW if _TOO_SLOW in error.args else "no answer in time"
    return shown(str(error) or type(error).__name__, 400)


def _broken_off(error: smtplib.SMTPException) -> str:
    """The same of a session that had begun."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"{_reply(error)} (it does not let mail.user in with this password)"
        case smtplib.SMTPResponseException():
            return _reply(error)
        case smtplib.SMTPServerDisconnected() if "timed out" in str(error):
            return "no answer in time"
        case smtplib.SMTPServerDisconnected():
            return f"it hung up: {shown(str(error), 300)}"
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in str(error):
            return "it offers no STARTTLS: nothing is sent in the open"
        case smtplib.SMTPNotSupportedError():
            return f"it offers no login that we know ({shown(str(error), 100)}): see mail.user"
    return shown(str(error) or type(error).__name__, 400)


def _reply(error: smtplib.SMTPResponseException) -> str:
    told = error.smtp_error
    text = told if isinstance(told, str) else told.decode("utf-8", "replace")
    return shown(f"{error.smtp_code} {text}", 400)
