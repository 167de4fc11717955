"""A SIPp process and what it sent and received, read from its own message log.

SIPp does all the signalling (RFC 3261); we write its scenario, follow its log while it runs, and
tell it what to do next ("hang up now") by a datagram of our own with the call's Call-ID: a SIP
request whose method SIPp's scenario waits for (XHANGUP, XANSWER, X486 ...) and nobody else uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Self

SCENARIOS = Path(__file__).parent / "scenarios"
LOOPBACK = "127.0.0.1"
POLL = 0.005
"""Seconds between two looks at the log. Times are SIPp's own, to the microsecond, not ours."""

# One of the processes among which pytest-xdist divides the tests.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
RTP_PORTS = range(61_000, 65_500, 4)[WORKER::WORKERS]
_RTP_TURNS = cycle(random.sample(RTP_PORTS, len(RTP_PORTS)))
PORTS = (*range(10_000, 12_000), *range(13_000, 16_000))[WORKER::WORKERS]
_TURNS = cycle(random.sample(PORTS, len(PORTS)))

_HEAD = re.compile(
    rb"-{40,} (\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d{6})\n"
    rb"\S+ message (sent|received) [\[(](\d+)(?: bytes\)|\] bytes) ?:\n\n"
)


class CallError(AssertionError):
    """A caller or a phone did not see what the test waited for; tells what it saw instead."""


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One SIP message; `at` is `time.monotonic()` seconds, `sent` is True when SIPp sent it."""

    at: float
    sent: bool
    text: str

    @property
    def first(self) -> str:
        """The request or status line."""
        return self.text.split("\r\n", 1)[0]

    @property
    def code(self) -> int:
        """The status code, 0 for a request."""
        found = re.match(r"SIP/2\.0 (\d{3})", self.first)
        return int(found[1]) if found else 0

    @property
    def method(self) -> str:
        """The method that this is, or answers to."""
        return self.header("CSeq").rpartition(" ")[2]

    def header(self, name: str) -> str:
        """The first header of this name, unfolded; "" when there is none."""
        head = re.sub(r"\r\n[ \t]+", " ", self.text.partition("\r\n\r\n")[0])
        found = re.search(rf"^{re.escape(name)}\s*:[ \t]*(.*?)\r?$", head, re.I | re.M)
        return found[1] if found else ""

    @property
    def call_id(self) -> str:
        return self.header("Call-ID")

    def is_request(self, method: str) -> bool:
        return self.code == 0 and self.method == method

    def media_address(self) -> tuple[str, int] | None:
        """Where the SDP body wants audio (RFC 8866 c= and m=), None without an SDP body."""
        body = self.text.partition("\r\n\r\n")[2]
        host = re.search(r"^c=IN IP4 (\S+)", body, re.M)
        port = re.search(r"^m=audio (\d+)", body, re.M)
        return (host[1], int(port[1])) if host and port else None


def read_messages(log: bytes) -> tuple[list[SipMessage], int]:
    """The whole messages at the start of `log`, and how many bytes they took."""
    messages: list[SipMessage] = []
    taken = 0
    to_monotonic = time.monotonic() - time.time()
    for head in _HEAD.finditer(log):
        end = head.end() + int(head[3])
        if len(log) < end:
            break
        stamp = datetime.fromisoformat(head[1].decode()).replace(tzinfo=UTC).timestamp()
        text = log[head.end() : end].decode("utf-8", "replace")
        messages.append(SipMessage(stamp + to_monotonic, head[2] == b"sent", text))
        taken = end
    return messages, taken


def free_port(*, even: bool = False) -> int:
    """A UDP and TCP port on loopback that nobody listens on now.

    It is none of those that the kernel gives to whoever asks for any (on Linux 32768 to 60999). It
    is opened only a while after this: so each has its turn, and tests that run side by side have
    their own. An even one is for RTP: SIPp opens the second after it as well (its video).
    """
    while True:
        port = next(_RTP_TURNS) if even else next(_TURNS)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as video,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            try:
                udp.bind((LOOPBACK, port))
                tcp.bind((LOOPBACK, port))
                if even:
                    video.bind((LOOPBACK, port + 2))
            except OSError:
                continue
            return port


def is_open(port: int) -> bool:
    """Whether somebody has this UDP port open on 127.0.0.1, as /proc/net/udp (Linux) has it."""
    return f" 0100007F:{port:04X} " in Path("/proc/net/udp").read_text(encoding="ascii")


def scenario(name: str, fields: Mapping[str, str]) -> str:
    """scenarios/NAME.xml with every {{field}} filled in."""
    text = (SCENARIOS / f"{name}.xml").read_text(encoding="utf-8")
    for field, value in fields.items():
        text = text.replace("{{" + field + "}}", value)
    left = re.search(r"\{\{\w+\}\}", text)
    if left:
        raise KeyError(f"{name}.xml wants {left[0]}")
    return text


def in_cdata(text: str) -> str:
    """`text` so that SIPp sends it as it stands: its [keywords], \\xHH and CDATA are defused."""
    return re.sub(r"[\\\[\]]", lambda found: f"\\x{ord(found[0]):02x}", text)


def login(user: str, password: str) -> str:
    """The header, in a scenario, with which SIPp answers a 401 (RFC 3261, 22.4).

    In quotes: SIPp takes a bare word that begins with 0x for hexadecimal, and one in 4096 of the
    passwords that screener makes up (URL-safe Base64) begins so.
    """
    return f'[authentication username="{user}" password="{password}"]'


class Sipp:
    """One running SIPp. `async with` starts it; leaving ends it.

    `seen(message)` is called for every message as it is read from the log.
    """

    def __init__(
        self,
        folder: Path,
        xml: str,
        *,
        port: int,
        options: tuple[str, ...] = (),
        seen: Callable[[SipMessage], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self.port = port
        self.messages: list[SipMessage] = []
        self._xml = xml
        self._options = options
        self._seen = seen
        self._process: asyncio.subprocess.Process | None = None
        self._following: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._unread = b""

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "scenario.xml").write_text(self._xml, encoding="utf-8")
        (self.folder / "messages.log").write_bytes(b"")
        command = ["sipp", "-sf", "scenario.xml", "-i", LOOPBACK, "-bind_local"]
        command += ["-p", str(self.port), "-mi", LOOPBACK, "-mp", str(free_port(even=True))]
        command += ["-ci", LOOPBACK, "-cp", str(free_port()), "-nostdin", "-skip_rlimit"]
        command += ["-trace_msg", "-message_file", "messages.log"]
        command += ["-trace_err", "-error_file", "errors.log"]
        command += ["-default_behaviors", "all,-abortunexp", "-timer_resol", "1", *self._options]
        with (self.folder / "screen.log").open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self.folder,
                stdout=screen,
                stderr=screen,
                env={**os.environ, "TZ": "UTC", "TERM": "dumb"},
            )
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process, following = self._process, self._following
        if process is None or following is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        self.catch_up()

    async def listening(self) -> None:
        """Return when SIPp's own socket is open, so that nothing sent to it is lost."""
        for _ in range(1000):
            if is_open(self.port):
                return
            if self._process is None or self._process.returncode is not None:
                break
            await asyncio.sleep(POLL)
        raise CallError(f"SIPp does not listen on port {self.port}.\n{self.trouble()}")

    @property
    def exit_status(self) -> int | None:
        return self._process.returncode if self._process else None

    async def wait_for(
        self, test: Callable[[SipMessage], bool], what: str, *, within: float, after: int = 0
    ) -> SipMessage:
        """The first message from number `after` on that passes `test`; CallError if none comes."""
        looked = after
        deadline = time.monotonic() + within
        while True:
            for message in self.messages[looked:]:
                if test(message):
                    return message
            looked = max(looked, len(self.messages))
            self._news.clear()
            left = deadline - time.monotonic()
            try:
                await asyncio.wait_for(self._news.wait(), max(left, 0.0))
            except TimeoutError:
                if looked < len(self.messages):
                    continue
                raise CallError(f"No {what} within {within:g} s.\n{self.trouble()}") from None

    async def order(
        self, call_id: str, order: str, done: Callable[[], bool], *, within: float, **headers: str
    ) -> None:
        """Tell SIPp to do something in a call, again and again until it is `done`.

        SIPp drops what comes while its scenario stands at a message to send.
        """
        deadline = time.monotonic() + within
        while not done():
            if time.monotonic() > deadline:
                raise CallError(f"{order} was not obeyed within {within:g} s.\n{self.trouble()}")
            self._tell(call_id, order, headers)
            with contextlib.suppress(CallError):
                await self.wait_for(lambda _: done(), order, within=0.1)

    def _tell(self, call_id: str, order: str, headers: Mapping[str, str]) -> None:
        lines = [
            f"{order} sip:order@{LOOPBACK}:{self.port} SIP/2.0",
            f"Via: SIP/2.0/UDP {LOOPBACK}:9;branch=z9hG4bK{time.monotonic_ns():x}",
            f"From: <sip:test@{LOOPBACK}>;tag=order",
            f"To: <sip:order@{LOOPBACK}>",
            f"Call-ID: {call_id}",
            f"CSeq: 1 {order}",
            *(f"X-{name.title()}: {value}" for name, value in headers.items()),
            "Content-Length: 0",
        ]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto("\r\n".join([*lines, "", ""]).encode("utf-8"), (LOOPBACK, self.port))

    def trouble(self) -> str:
        """What SIPp did, for a failing test: its messages' first lines and its complaints."""
        recent = self.messages[-30:]
        start = recent[0].at if recent else 0.0
        lines = [f"  {m.at - start:8.3f} {'->' if m.sent else '<-'} {m.first}" for m in recent]
        complaints = self.folder / "errors.log"
        if complaints.exists():
            said = complaints.read_text(encoding="utf-8", errors="replace")
            lines += [c for c in said.splitlines() if "receive timeout" not in c][-10:]
        if not self.messages:
            screen = self.folder / "screen.log"
            lines.append(screen.read_text(encoding="utf-8", errors="replace")[-1500:])
        return f"SIPp (exit status {self.exit_status}) saw:\n" + "\n".join(lines)

    async def _follow(self) -> None:
        while True:
            self.catch_up()
            await asyncio.sleep(POLL)

    def catch_up(self) -> None:
        """Read what SIPp has logged up to now."""
        with (self.folder / "messages.log").open("rb") as log:
            log.seek(self._read_to)
            new = log.read()
        self._read_to += len(new)
        self._unread += new
        messages, taken = read_messages(self._unread) if new else ([], 0)
        self._unread = self._unread[taken:]
        for message in messages:
            if message.method.startswith("X"):  # our own orders are no part of the call
                continue
            self.messages.append(message)
            self._seen(message)
        if messages:
            self._news.set()

    _read_to = 0
