"""What goes through the post in a test: a letter, its sound, and a mail server that takes it."""

import asyncio
import contextlib
import random
import ssl
import subprocess
import wave
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from screener.core.letter import Letter
from screener.mail.outbox import AT_ONCE, Outbox
from screener.settings.surroundings import MailSecurity, MailSettings

CERTIFICATE = Path(__file__).parent.parent / "fixtures" / "mail-server.pem"
LETTER = Letter(
    call=17,
    box="office",
    to=("mom@example.org",),
    number="+18055550142",
    name="Mom",
    did="+18182223333",
    when=datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC),
    seconds=2.0,
    why="nobody answered",
)


@dataclass
class MailServer:
    """Keeps what it accepts. `rcpt` and `data` say what it replies; `data` None: it hangs up.

    A mail larger than `limit` is refused as `too_big` when it has come, without a word of that
    before (0: none is); `sizes` are those of all that came.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    rcpt: Callable[[str], str] = lambda _: "250 OK"
    data: Callable[[], str | None] = lambda: "250 kept"
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    stalled: asyncio.Event | None = None
    limit: int = 0
    too_big: str = "552 5.3.4 message too big for system"
    sizes: list[int] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    left: int = 0  # how often QUIT was said

    async def handle_QUIT(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        self.left += 1
        return "221 bye"

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        if sender.endswith("unwelcome.example"):
            return "550 not from there"
        envelope.mail_from = sender
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked[address] += 1
        reply = self.rcpt(address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        self.arrived.set()
        if self.stalled is not None:
            await self.stalled.wait()
        assert isinstance(envelope.content, bytes)
        self.sizes.append(len(envelope.content))
        if 0 < self.limit < len(envelope.content):
            return self.too_big
        reply = self.data()
        if reply is None:
            server.transport.abort()
            return "421 gone"
        if reply.startswith("250"):
            self.raw.append(envelope.content)
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.to.append(list(envelope.rcpt_tos))
        return reply

    @property
    def ids(self) -> list[str]:
        return [mail["Message-ID"] for mail in self.mails]

    @contextlib.asynccontextmanager
    async def up(self, implicit_tls: bool = False, **options: Any) -> AsyncIterator[None]:
        """It listens, on the same port every time."""
        loop = asyncio.get_running_loop()
        context = tls() if implicit_tls else None
        make = lambda: SMTP(self, hostname="mail.test", loop=loop, **options)  # noqa: E731  # a factory
        server = await loop.create_server(make, "127.0.0.1", self.port, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()


class Desk(Outbox):
    """An outbox that has no loop: it is told when to try what is due."""

    def retry(self, name: str) -> None:
        """`screener outbox retry`."""
        self._queue.retry(name)

    async def deliver_due(self, now: datetime) -> list[str]:
        """Try every queued message that is due at `now`, once; return the ids that were tried."""
        await self._look(now)
        self._begin_preparing()
        while self._preparation.names:
            await self._woken.wait()
            self._woken.clear()
        await self._look(now)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> None:
            async with places:
                await self._try(name, lambda: now)

        tried = {}
        while (name := self._agenda.take(now)) is not None:
            tried[name] = self._trying[name] = asyncio.create_task(one(name))
        await asyncio.gather(*tried.values())
        return sorted(tried)


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def let_in(server: Any, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
    right = (data.login, data.password) == (b"door", b"secret")
    return AuthResult(success=right, handled=False)


def settings(server: MailServer, **changes: Any) -> MailSettings:
    mail = MailSettings(
        host="127.0.0.1",
        port=server.port,
        security=MailSecurity.NONE,
        user="",
        password="",
        sender="door@example.org",
        retry_days=7.0,
    )
    return replace(mail, **changes)


def wav(path: Path, seconds: float) -> Path:
    """Noise that goes up and down, as telephone sound: 8 kHz, 16 bit, mono."""
    noise = random.Random(7).randbytes(16000)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        left = int(seconds * 16000)
        while left > 0:
            file.writeframesraw(noise[: min(left, 16000)])
            left -= 16000
    return path


def seconds_of(sound: bytes, folder: Path) -> float:
    """How long a sound plays, according to ffmpeg."""
    coded, plain = folder / "coded", folder / "plain.raw"
    coded.write_bytes(sound)
    raw = ["-f", "s16le", "-ar", "8000", "-ac", "1"]
    run = ["ffmpeg", "-v", "error", "-y", "-i", str(coded), *raw, str(plain)]
    subprocess.run(run, check=True, timeout=60)
    return plain.stat().st_size / 16000


def attached(mail: EmailMessage) -> bytes:
    """What the mail carries."""
    [attachment] = mail.iter_attachments()
    content = attachment.get_content()
    assert isinstance(content, bytes)
    return content


def content(path: Path) -> bytes:
    return path.read_bytes()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
