"""A real SMTP server on loopback that keeps what it receives, and can be told to misbehave.

    with MailServer() as mail:
        mail.behave(refuse="451 4.3.0 try again later")   # at RCPT, DATA's end or the greeting
        ...
        mail.behave()                                     # well again
        letter = await mail.letter(within=10)
        assert abs(letter.sound_seconds - 4.2) < 0.1

`stop()` and `start()` take it away and bring it back on the same port.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.calls.sip import LOOPBACK, POLL, CallError, free_port
from tests.calls.speech import decode, seconds_of

BEHAVIOURS = ("rcpt", "data")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that was accepted, at `at` (`time.monotonic()` seconds); `raw` as it came."""

    at: float
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        message = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain text that its reader sees."""
        body = self.message.get_body(("plain",))
        return "" if body is None else str(body.get_content())

    @property
    def attachments(self) -> dict[str, bytes]:
        """File name -> content."""
        return {
            part.get_filename() or "": _content(part) for part in self.message.iter_attachments()
        }

    @property
    def sound(self) -> bytes:
        """The attached recording as PCM (8000 Hz, 16 bit, mono), decoded by ffmpeg."""
        sounds = [
            _content(part)
            for part in self.message.iter_attachments()
            if part.get_content_maintype() == "audio"
        ]
        if len(sounds) != 1:
            raise CallError(f"the mail has {len(sounds)} sounds attached, not one")
        return decode(sounds[0])

    @property
    def sound_seconds(self) -> float:
        return seconds_of(self.sound)


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the server behaves: see `MailServer.behave`."""

    refuse: str = ""
    at: str = "data"
    slow: float = 0.0
    die: bool = False


class MailServer:
    """An SMTP server on `host`:`port`, in a thread of its own. `with` runs it."""

    host = LOOPBACK

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.letters: list[Letter] = []
        self.tried = 0
        self._behaviour = Behaviour()
        self._controller: Controller | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before."""
        if self._controller is None:
            self._controller = Controller(self, hostname=self.host, port=self.port)
            self._controller.start()

    def stop(self) -> None:
        """Be down: connections are refused."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def behave(
        self, *, refuse: str = "", at: str = "data", slow: float = 0.0, die: bool = False
    ) -> None:
        """From now on: refuse with this reply at "rcpt" or "data"; take `slow` seconds over the
        content; or break the connection once the content has come, without a reply (`die`).
        Without arguments: accept everything at once.
        """
        if at not in BEHAVIOURS:
            raise ValueError(f"at={at!r}: expected one of {BEHAVIOURS}")
        self._behaviour = Behaviour(refuse, at, slow, die)

    async def letter(self, *, within: float, number: int = 1) -> Letter:
        """Wait for the first (or a later) mail; CallError if it does not come."""
        await self._until(lambda: len(self.letters) >= number, f"mail number {number}", within)
        return self.letters[number - 1]

    async def attempt(self, *, within: float, number: int = 1) -> None:
        """Wait until somebody has tried to hand over mail for the nth time, with whatever luck."""
        await self._until(lambda: self.tried >= number, f"attempt number {number}", within)

    def forget(self) -> None:
        """Start a new record."""
        with self._lock:
            self.letters.clear()
            self.tried = 0

    async def _until(self, test: Callable[[], bool], what: str, within: float) -> None:
        deadline = time.monotonic() + within
        while not test():
            if time.monotonic() > deadline:
                raise CallError(
                    f"No {what} within {within:g} s; {len(self.letters)} mails came, "
                    f"{self.tried} were tried"
                )
            await asyncio.sleep(POLL)

    # What aiosmtpd calls, in the server's own thread ---------------------------------------------

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if self._behaviour.refuse and self._behaviour.at == "rcpt":
            self.tried += 1
            return self._behaviour.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        behaviour = self._behaviour
        self.tried += 1
        if behaviour.slow:
            await asyncio.sleep(behaviour.slow)
        if behaviour.die:
            transport: Any = server.transport
            transport.abort()
            return "421 gone"
        if behaviour.refuse:
            return behaviour.refuse
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        letter = Letter(
            time.monotonic(), envelope.mail_from or "", tuple(map(str, envelope.rcpt_tos)), raw
        )
        with self._lock:
            self.letters.append(letter)
        return "250 kept"
