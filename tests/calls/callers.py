"""Callers: SIPp places the call, our own RTP end speaks, keys and hears.

    async with Caller(pbx, number="+18055550142", did="+18182223333") as call:
        await call.answered()
        await call.hear_sound(within=3)         # the prompt begins
        await call.key("2")                      # over the prompt
        await call.speak(say("office"))
        await call.hang_up()                     # a CANCEL before the answer, a BYE after it
    assert call.result.hung_up_by == "caller"

A caller may also be given what he does, `acts=[Wait(1.2), Key("2"), Speak(pcm), HangUp()]`, and
`await call.perform()` does it. Leaving the block hangs up, if nobody has.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.calls.rtp import PCMA, RtpEndpoint
from tests.calls.sip import (
    LOOPBACK,
    CallError,
    SipMessage,
    Sipp,
    free_port,
    in_cdata,
    login,
    scenario,
)

BEEP = 1000.0
"""Hertz of the tone after which callers are recorded."""

REFUSALS = (
    *(300, 301, 302, 305, 380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415),
    *(416, 420, 421, 422, 423, 428, 429, 433, 436, 437, 438, 480, 481, 482, 483, 484, 485, 486),
    *(487, 488, 491, 493, 494, 500, 501, 502, 503, 504, 505, 513, 580, 600, 603, 604, 606, 607),
    608,
)


@dataclass(frozen=True, slots=True)
class Wait:
    """Say nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Key:
    """Press keys."""

    digits: str


@dataclass(frozen=True, slots=True)
class Speak:
    """Say this PCM, to the end."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Act = Wait | Key | Speak | HangUp


@dataclass(frozen=True, slots=True)
class CallResult:
    """What became of a call, as SIPp saw it; times in seconds since the INVITE was sent.

    `code` is the INVITE's final response (200, 486, 603, 487 after a CANCEL; 0 for none).
    `hung_up_by` is "caller", "callee" or "" (nobody yet, or the call was refused).
    """

    code: int
    reason: str
    answered_after: float | None
    ringing_after: float | None
    hung_up_by: str
    seconds: float
    talk_seconds: float

    @property
    def answered(self) -> bool:
        return self.answered_after is not None


@dataclass
class Caller:
    """One call to `did` at `pbx` (host, port). `name` None sends none; see also `withheld`.

    `from_header` replaces the whole From (hostile callers); `headers` are added to the INVITE as
    they are. With a `password` he is one of the phones, and `number` its user: he logs in.
    `gain_db` and `noise_dbfs` are laid on what he says; `sends_silence` False is a line on which no
    packet comes unless he speaks; without `events` his keys are sounds only. Told to call elsewhere
    (REFER), his network tells after `refer_seconds` what came of it: `refer`, "200 OK" or "486 Busy
    Here"; "" refuses to.
    """

    pbx: tuple[str, int]
    number: str = "+18055550142"
    did: str = "+18182223333"
    name: str | None = None
    acts: Sequence[Act] = ()
    withheld: bool = False
    from_header: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    password: str = ""
    gain_db: float = 0.0
    noise_dbfs: float | None = None
    sends_silence: bool = True
    events: bool = True
    refer: str = "200 OK"
    refer_seconds: float = 0.1

    def __post_init__(self) -> None:
        self.call_id = f"{random.getrandbits(64):016x}@caller.invalid"
        self.rtp = RtpEndpoint(
            sends_silence=self.sends_silence,
            gain_db=self.gain_db,
            noise_dbfs=self.noise_dbfs,
            events=self.events,
        )
        self._stack = AsyncExitStack()
        self._ended: CallResult | None = None
        self._infos = 0
        self.placed = False

    # The call ------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.rtp)
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="caller-"))
        host, port = self.pbx
        options = (f"{host}:{port}", "-m", "1", "-r", "1000", "-cid_str", self.call_id)
        self.sip = await self._stack.enter_async_context(
            Sipp(Path(folder), self._scenario(), port=free_port(), options=options, seen=self._seen)
        )
        await self.sip.wait_for(lambda m: m.is_request("INVITE"), "INVITE", within=10.0)
        self.placed = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                await self.hang_up()
            elif not self.over:  # a failing test: let the line go, do not hide why it fails
                with contextlib.suppress(CallError):
                    await self.hang_up(within=1.0)
        finally:
            self._ended = self.result
            await self._stack.aclose()

    async def answered(self, *, within: float = 15.0) -> float:
        """Wait for the answer; the time (monotonic) it came. CallError if refused or silent."""
        final = await self.sip.wait_for(self._is_final, "answer", within=within)
        if final.code != 200:
            raise CallError(f"The call was refused: {final.first}")
        await self.sip.wait_for(lambda m: m.is_request("ACK"), "ACK of our own", within=5.0)
        return final.at

    async def ringing(self, *, within: float = 15.0) -> float:
        """Wait for 180 or 183; the time (monotonic) it came."""
        found = await self.sip.wait_for(
            lambda m: not m.sent and m.code in (180, 183), "ringing", within=within
        )
        return found.at

    async def refused(self, *, within: float = 30.0) -> int:
        """Wait for the call to be refused; its code. CallError if it is answered."""
        final = await self.sip.wait_for(self._is_final, "refusal", within=within)
        if final.code == 200:
            raise CallError("The call was answered, not refused")
        return final.code

    async def hang_up(self, *, within: float = 10.0) -> None:
        """End the call now, whatever its state; returns when that is confirmed."""
        await self.sip.order(self.call_id, "XHANGUP", self._hanging_up, within=within)
        await self.sip.wait_for(lambda _: self.over, "end of the call", within=within)

    async def change_to_a_law(self, *, within: float = 5.0) -> None:
        """Ask for another codec in mid-call (a re-INVITE), and speak it once that is agreed."""
        changed = "3 INVITE"  # the scenario's CSeq
        await self.sip.order(
            self.call_id,
            "XALAW",
            lambda: any(m.sent and m.header("CSeq") == changed for m in self.sip.messages),
            within=within,
        )
        await self.sip.wait_for(
            lambda m: not m.sent and m.code == 200 and m.header("CSeq") == changed,
            "answer to the re-INVITE",
            within=within,
        )
        self.rtp.change_codec(PCMA)

    async def ended(self, *, within: float = 60.0) -> CallResult:
        """Wait until the call is over, by whomever."""
        await self.sip.wait_for(lambda _: self.over, "end of the call", within=within)
        return self.result

    async def perform(self, acts: Sequence[Act] | None = None) -> None:
        """Do these acts, or the ones the caller was made with; stops when the call is over."""
        for act in self.acts if acts is None else acts:
            if self.over:
                return
            await self._do(act)

    # The line, said shortly ----------------------------------------------------------------------

    async def key(self, digits: str, *, seconds: float = 0.1, gap: float = 0.08) -> float:
        """Press keys; the time (monotonic) when the last one was let go."""
        return await self.rtp.key(digits, seconds=seconds, gap=gap)

    async def key_by_info(self, digits: str, *, seconds: float = 0.16, every: float = 0.0) -> None:
        """Press keys as some telephones tell of them: by SIP INFO, each in a message that says that
        it was down for `seconds`. One is sent when the last is answered, `every` so many seconds.
        """
        due = time.monotonic()
        for digit in digits:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += every
            self._infos += 1
            cseq = str(9 + self._infos)  # above the scenario's other requests, but for its BYE
            sent = partial(self._has, f"{cseq} INFO", 0)
            orders = {"digit": digit, "cseq": cseq, "duration": f"{seconds * 1000:.0f}"}
            await self.sip.order(self.call_id, "XINFO", sent, within=5.0, **orders)
            await self.sip.wait_for(
                lambda _, cseq=cseq: self._has(f"{cseq} INFO", 200),  # type: ignore[misc]
                "answer to the INFO",
                within=5.0,
            )

    def _has(self, cseq: str, code: int) -> bool:
        return any(m.header("CSeq") == cseq and m.code == code for m in self.sip.messages)

    async def speak(self, pcm: bytes) -> None:
        """Say this and return when it is said, or when the call is over."""
        await self.rtp.speak(pcm)

    async def hear_sound(self, *, within: float) -> float:
        return await self.rtp.hear_sound(within=within)

    async def hear_quiet(self, seconds: float, *, within: float) -> float:
        return await self.rtp.hear_quiet(seconds, within=within)

    async def hear_tone(self, hertz: float, *, within: float) -> float:
        return await self.rtp.hear_tone(hertz, within=within)

    async def hear_beep(self, *, within: float) -> float:
        """Wait for the beep, and until it is over; the time (monotonic) it ended."""
        await self.hear_tone(BEEP, within=within)
        return await self.hear_quiet(0.1, within=20)

    def heard(self, since: float = 0.0) -> bytes:
        return self.rtp.heard(since)

    def frames(self, since: float = 0.0) -> bytes:
        return self.rtp.frames(since)

    # What became of it ---------------------------------------------------------------------------

    @property
    def started(self) -> float:
        """When the INVITE went out (monotonic)."""
        return self.sip.messages[0].at

    @property
    def over(self) -> bool:
        """Whether nothing more will happen: refused and acknowledged, or a BYE confirmed."""
        final = self._final()
        if final is None:
            return self.sip.exit_status is not None
        if final.code != 200:
            return True
        return any(m.method == "BYE" and m.code for m in self.sip.messages)

    @property
    def result(self) -> CallResult:
        """What became of the call so far; final once it is over."""
        if self._ended is not None:
            return self._ended
        final = self._final()
        answered = final.at if final is not None and final.code == 200 else None
        rang = next((m.at for m in self.sip.messages if m.code in (180, 183)), None)
        last = next((m for m in self.sip.messages if m.is_request("BYE")), None)
        cancel = next((m for m in self.sip.messages if m.is_request("CANCEL")), None)
        by = "" if last is None else "caller" if last.sent else "callee"
        end = last.at if last else final.at if final and answered is None else time.monotonic()
        return CallResult(
            code=final.code if final else 0,
            reason=final.first.split(" ", 2)[2] if final else "",
            answered_after=None if answered is None else answered - self.started,
            ringing_after=None if rang is None else rang - self.started,
            hung_up_by="caller" if by == "" and cancel is not None else by,
            seconds=end - self.started,
            talk_seconds=0.0 if answered is None else end - answered,
        )

    def _final(self) -> SipMessage | None:
        return next(filter(self._is_final, self.sip.messages), None)

    def _is_final(self, message: SipMessage) -> bool:
        """The INVITE's final response; being asked for the password, once, is none."""
        first = message.header("CSeq") == "1 INVITE"
        asked = message.code == 401 and first and bool(self.password)
        return not message.sent and message.method == "INVITE" and message.code >= 200 and not asked

    def _hanging_up(self) -> bool:
        ends = ("BYE", "CANCEL")
        return self.over or any(m.code == 0 and m.method in ends for m in self.sip.messages)

    def _seen(self, message: SipMessage) -> None:
        if message.sent:
            return
        address = message.media_address()
        if address is not None and message.method in ("INVITE", "UPDATE"):
            self.rtp.connect(address)
        if self.over or message.is_request("BYE"):
            self.rtp.connect(None)

    async def _do(self, act: Act) -> None:
        match act:
            case Wait(seconds):
                with contextlib.suppress(CallError):
                    await self.ended(within=seconds)
            case Key(digits):
                await self.key(digits)
            case Speak(pcm):
                await self.speak(pcm)
            case HangUp():
                await self.hang_up()

    def _scenario(self) -> str:
        user = "anonymous" if self.withheld else re.sub(r"[^0-9A-Za-z+*#]", "", self.number)
        headers = {"Privacy": "id", **self.headers} if self.withheld else dict(self.headers)
        refusals = "\n".join(
            f'  <recv response="{code}" optional="true" next="refused"/>' for code in REFUSALS
        )
        added = "".join(f"\n{k}: {in_cdata(v)}" for k, v in headers.items())
        call = {
            "did": in_cdata(self.did),
            "user": in_cdata(user),
            "from": in_cdata(self._from()),
            "tag": f"{random.getrandbits(48):x}",
            "branch": f"z9hG4bK{random.getrandbits(64):x}",
            "sdp": self.rtp.sdp(),
            "alaw": self.rtp.sdp(PCMA),
        }
        if self.password:
            added += f"\n{login(self.number, self.password)}"
        fields = {
            "referred": "referred" if self.refer else "not_referred",
            "refer": self.refer,
            "refer_ms": f"{self.refer_seconds * 1000:.0f}",
            "challenged": scenario("challenged", call) if self.password else "",
            "cseq": "2" if self.password else "1",
            "headers": added,
            "refusals": refusals,
        }
        return scenario("caller", call | fields)

    def _from(self) -> str:
        if self.from_header is not None:
            return self.from_header
        if self.withheld:
            return '"Anonymous" <sip:anonymous@anonymous.invalid>'
        uri = f"<sip:{self.number}@{LOOPBACK}>"
        if self.name is None:
            return uri
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" {uri}'
