"""Phones that ring: SIPp user agents, each on a port of its own, that keep what happened to them.

    async with Phone("kitchen", rings=1.0, then="answer") as kitchen:
        ...                                            # somebody calls
        call = await kitchen.rang(within=5)           # when the INVITE came, and from whom
        await kitchen.answered(within=5)
        await kitchen.hang_up()

After ringing for `rings` seconds a phone does `then`: "answer"; "never" (rings on); "vanish" (not
even a 180: unplugged); "redirect" (302 to `contact`, or to several, as the header has them:
"<sip:a@h>;q=0.5, <sip:b@h>"); or a refusal, "486", "603 Decline". While it rings, a test may do it
sooner: `await answer()`, `refuse("486")`, `redirect(uri)`.
`await phone.will("603")` changes its mind for later calls. A phone serves any number of calls;
what it says and hears is its `rtp`, shared by all of them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.calls.rtp import RtpEndpoint
from tests.calls.sip import LOOPBACK, CallError, SipMessage, Sipp, free_port, in_cdata, scenario

REASONS = {
    "302": "Moved Temporarily",
    "404": "Not Found",
    "480": "Temporarily Unavailable",
    "486": "Busy Here",
    "500": "Server Internal Error",
    "503": "Service Unavailable",
    "600": "Busy Everywhere",
    "603": "Decline",
    "607": "Unwanted",
}
VOICEMAIL = f"sip:*97@{LOOPBACK}"


@dataclass(slots=True)
class PhoneCall:
    """One call to a phone; times are `time.monotonic()` seconds, None for what did not happen."""

    call_id: str
    from_header: str
    invited: float
    invites: int = 1
    cancelled: float | None = None
    answered: float | None = None
    refused: str = ""
    ended: float | None = None
    hung_up_by: str = ""

    @property
    def talk_seconds(self) -> float:
        if self.answered is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.answered

    @property
    def over(self) -> bool:
        return self.ended is not None


class Phone:
    """A SIP phone on loopback, `address` (host, port). `async with` plugs it in."""

    def __init__(
        self,
        name: str,
        *,
        rings: float = 1.0,
        then: str = "answer",
        contact: str = VOICEMAIL,
        port: int | None = None,
        sends_silence: bool = True,
    ) -> None:
        self.name = name
        self.port = port or free_port()
        self._calls: list[PhoneCall] = []
        self._texts: list[str] = []
        self._summaries: list[str] = []
        self.rtp = RtpEndpoint(sends_silence=sends_silence)
        self._rings = rings
        self._then = then
        self._contact = contact
        self._stack = AsyncExitStack()
        self._plug = AsyncExitStack()
        self._sipps = 0

    @property
    def address(self) -> tuple[str, int]:
        return (LOOPBACK, self.port)

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.rtp)
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="phone-"))
        self._folder = Path(folder)
        await self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._plug.aclose()
        await self._stack.aclose()

    # What it does --------------------------------------------------------------------------------

    async def will(
        self, then: str, *, rings: float | None = None, contact: str | None = None
    ) -> None:
        """From now on do this; a call in progress is dropped without a word."""
        before = (self._then, self._rings, self._contact)
        self._then = then
        self._rings = self._rings if rings is None else rings
        self._contact = contact or self._contact
        if before == (self._then, self._rings, self._contact) and all(c.over for c in self.calls):
            return
        await self._plug.aclose()
        await self._start()

    async def answer(self) -> None:
        """Answer the ringing call now."""
        await self._order("XANSWER")

    async def refuse(self, code: str = "486") -> None:
        """Refuse the ringing call now, by a code of REASONS."""
        await self._order(f"X{code}", contact="<sip:none@phone.invalid>")

    async def redirect(self, contact: str) -> None:
        """Answer 302 to the ringing call now."""
        await self._order("X302", contact=f"<{contact}>")

    async def _order(self, order: str, **headers: str) -> None:
        call = next((c for c in self.calls if not c.over and c.answered is None), None)
        if call is None:
            raise CallError(f"Phone {self.name} does not ring")
        await self.sip.order(
            call.call_id, order, lambda: bool(call.answered or call.over), within=5.0, **headers
        )

    async def hang_up(self, *, within: float = 10.0) -> None:
        """End the call that is up; returns when that is confirmed."""
        call = next((c for c in reversed(self.calls) if c.answered and not c.over), None)
        if call is None:
            raise CallError(f"Phone {self.name} has no call to hang up")
        await self.sip.order(
            call.call_id, "XHANGUP", lambda: bool(call.hung_up_by or call.over), within=within
        )
        await self._wait(lambda: call.over, "confirmed hang-up", within)

    # What happened to it -------------------------------------------------------------------------

    @property
    def calls(self) -> list[PhoneCall]:
        """The calls to this phone, oldest first, as they stand now."""
        self.sip.catch_up()
        return self._calls

    @property
    def texts(self) -> list[str]:
        """The text messages (SIP MESSAGE) to this phone, oldest first."""
        self.sip.catch_up()
        return self._texts

    @property
    def lamp(self) -> str:
        """What the last message-summary (RFC 3842) told this phone; "" while there was none."""
        self.sip.catch_up()
        return self._summaries[-1] if self._summaries else ""

    async def lit(self, new: int, heard: int, *, within: float) -> None:
        """Wait until its lamp shows so many messages."""
        count, lit = f"Voice-Message: {new}/{heard} ", f"Messages-Waiting: {'yes' if new else 'no'}"
        await self._wait(lambda: count in self.lamp and lit in self.lamp, f"{count}({lit})", within)

    async def got_text(self, *, within: float) -> str:
        """Wait for the first text message on record."""
        await self._wait(lambda: bool(self.texts), "text message", within)
        return self.texts[0]

    @property
    def rung(self) -> int:
        """How many calls have reached this phone."""
        return len(self.calls)

    def forget(self) -> None:
        """Start a new record (the calls so far are over)."""
        self.sip.catch_up()
        self._calls.clear()
        self._texts.clear()
        self._summaries.clear()

    async def rang(self, *, within: float, number: int = 1) -> PhoneCall:
        """Wait for the first (or a later) call on record."""
        await self._wait(lambda: len(self.calls) >= number, "INVITE", within)
        return self.calls[number - 1]

    async def answered(self, *, within: float) -> PhoneCall:
        """Wait until the last call on record is answered."""
        await self.rang(within=within)
        await self._wait(lambda: self.calls[-1].answered is not None, "answered call", within)
        return self.calls[-1]

    async def quiet(self, *, within: float) -> None:
        """Wait until no call rings or is up here."""
        await self._wait(lambda: all(c.over for c in self.calls), "end of its calls", within)

    async def _wait(self, test: Callable[[], bool], what: str, within: float) -> None:
        if not test():
            await self.sip.wait_for(lambda _: test(), f"{what} at phone {self.name}", within=within)

    async def _start(self) -> None:
        """Run a SIPp with the present intentions."""
        self._sipps += 1
        self._plug = AsyncExitStack()
        self.sip = await self._plug.enter_async_context(
            Sipp(
                self._folder / str(self._sipps),
                self._scenario(),
                port=self.port,
                options=("-rtcheck", "loose"),
                seen=self._seen,
            )
        )
        await self.sip.listening()

    def _scenario(self) -> str:
        if self._then == "vanish":
            return scenario("dead_phone", {})
        after = f'timeout="{max(1, round(self._rings * 1000))}" ontimeout='
        timeouts = {"answer": after + '"answer"', "never": ""}
        code = "302" if self._then == "redirect" else self._then
        return scenario(
            "phone",
            {
                "name": in_cdata(self.name),
                "then": self._then,
                "rings_ms": f"{self._rings * 1000:.0f}",
                "timeout": timeouts.get(self._then, after + '"decline"'),
                "code": "486 Busy Here" if self._then in timeouts else _status(code),
                "contact": in_cdata(
                    self._contact if self._contact.startswith("<") else f"<{self._contact}>"
                ),
                "sdp": self.rtp.sdp(),
                "orders": "".join(scenario("order", {"number": number}) for number in REASONS),
                "refusals": "".join(
                    scenario("refusal", {"number": number, "code": _status(number)})
                    for number in REASONS
                ),
            },
        )

    def _seen(self, message: SipMessage) -> None:
        told = {"MESSAGE": self._texts, "NOTIFY": self._summaries}.get(message.method)
        if told is not None:
            told += () if message.sent else (message.text.partition("\r\n\r\n")[2],)
            return
        call = next((c for c in self._calls if c.call_id == message.call_id), None)
        if call is None:
            if message.is_request("INVITE"):
                self._calls.append(PhoneCall(message.call_id, message.header("From"), message.at))
                self.rtp.connect(message.media_address())
            return
        if message.is_request("INVITE") and call.answered is None:
            call.invites += 1
        elif message.is_request("INVITE"):
            self.rtp.connect(message.media_address())
        elif message.is_request("CANCEL"):
            call.cancelled = call.cancelled or message.at
        elif message.is_request("BYE"):
            call.hung_up_by = call.hung_up_by or ("phone" if message.sent else "asterisk")
        elif message.method == "INVITE" and message.sent:
            self._replied(call, message)
        elif message.method == "BYE" and message.code:
            call.ended = call.ended or message.at

    def _replied(self, call: PhoneCall, message: SipMessage) -> None:
        if message.code == 200:
            call.answered = call.answered or message.at
        elif message.code >= 300:
            call.refused = message.first.split(" ", 1)[1]
            call.ended = call.ended or message.at


def _status(code: str) -> str:
    """ "486" -> "486 Busy Here"; a code with a reason stays as it is."""
    return code if " " in code else f"{code} {REASONS.get(code, 'Refused')}"
