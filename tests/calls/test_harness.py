"""Proves the callers, phones and mail server themselves, on an Asterisk without screener.

What a test of screener concludes from them is worth as much as this.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any, cast

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation
from tests.calls import speech
from tests.calls.callers import Act, Caller, HangUp, Key, Speak, Wait
from tests.calls.mailserver import MailServer
from tests.calls.phones import Phone
from tests.calls.plain import PlainAsterisk
from tests.calls.sip import LOOPBACK, CallError, in_cdata, read_messages

DIALPLAN = """[incoming]
exten => 100,1,Answer()
 same => n,Echo()
exten => 101,1,Answer()
 same => n,Read(KEYS,,4,,1,10)
 same => n,Verbose(0,keys <${KEYS}> name <${CALLERID(name)}> number <${CALLERID(num)}>)
 same => n,Hangup()
exten => 102,1,Ringing()
 same => n,Wait(30)
exten => 103,1,Dial(PJSIP/kitchen,10)
 same => n,Verbose(0,${CALLERID(name)}: ${DIALSTATUS})
 same => n,Hangup(19)
exten => 104,1,Hangup(21)
exten => 105,1,Answer()
 same => n,Wait(0.5)
 same => n,Playtones(!1004/300,0)
 same => n,Wait(1)
 same => n,StopPlaytones()
 same => n,Wait(30)
exten => 106,1,Verbose(0,privacy <${PJSIP_HEADER(read,Privacy)}> from <${CALLERID(num)}>)
 same => n,Verbose(0,extra <${PJSIP_HEADER(read,P-Asserted-Identity)}>)
 same => n,Hangup(17)
exten => 107,1,Dial(PJSIP/attic,10)
[redirected]
exten => _.!,1,Verbose(0,redirected to ${EXTEN})
 same => n,Hangup()
"""


class SlowLine(asyncio.DatagramProtocol):
    """A far end that hears an INVITE only when it is repeated: the caller has given up by then."""

    def __init__(self) -> None:
        self.requests: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address: tuple[str, int] = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        request = data.decode()
        method = request.partition(" ")[0]
        self.requests.append(method)
        if method == "INVITE" and self.requests.count("INVITE") > 1:
            self._invite = request
            self._answer(request, "180 Ringing", addr)
        elif method == "CANCEL":
            self._answer(request, "200 OK", addr)
            self._answer(self._invite, "487 Request Terminated", addr)

    def _answer(self, request: str, status: str, to: tuple[str | Any, int]) -> None:
        wanted = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")
        kept = [line for line in request.split("\r\n") if line.startswith(wanted)]
        answer = [f"SIP/2.0 {status}", *kept, "Content-Length: 0", "", ""]
        self._transport.sendto("\r\n".join(answer).encode(), to)


@contextlib.asynccontextmanager
async def slow_line() -> AsyncIterator[SlowLine]:
    loop = asyncio.get_running_loop()
    transport, line = await loop.create_datagram_endpoint(SlowLine, local_addr=(LOOPBACK, 0))
    try:
        yield line
    finally:
        transport.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kitchen() -> AsyncIterator[Phone]:
    async with Phone("kitchen", rings=0.2) as phone:
        yield phone


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def attic() -> AsyncIterator[Phone]:
    async with Phone("attic") as phone:
        yield phone


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pbx(
    installation: Installation, kitchen: Phone, attic: Phone
) -> AsyncIterator[PlainAsterisk]:
    phones = {"kitchen": kitchen.address, "attic": attic.address}
    async with PlainAsterisk(installation, DIALPLAN, phones=phones) as asterisk:
        yield asterisk


@pytest.fixture(autouse=True)
def new_record(kitchen: Phone) -> None:
    kitchen.forget()


# Callers -----------------------------------------------------------------------------------------


async def test_a_caller_hears_his_own_words_from_an_echo(pbx: PlainAsterisk) -> None:
    words = speech.say("is anybody home")
    async with Caller(pbx.address, did="100") as call:
        await call.answered()
        await call.speak(words)
        await call.hear_quiet(0.3, within=5)
        heard = call.frames()
    assert speech.likeness(heard, words) > 0.95


async def test_what_he_says_can_be_softer_and_noisy(pbx: PlainAsterisk) -> None:
    words = speech.say("is anybody home")
    async with Caller(pbx.address, did="100", gain_db=-10.0, noise_dbfs=-50.0) as call:
        await call.answered()
        await call.speak(words)
        await call.hear_quiet(0.3, within=5)
        heard = call.frames()
    loudest = max(packet.dbfs for packet in call.rtp.packets)
    assert speech.likeness(heard, words) > 0.9
    assert loudest == pytest.approx(loudest_frame(words) - 10, abs=1.0)
    assert speech.level_dbfs(heard[-1600:]) == pytest.approx(-50.0, abs=1.5)


async def test_keys_reach_asterisk_one_by_one_also_while_he_speaks(pbx: PlainAsterisk) -> None:
    async with Caller(pbx.address, did="101") as call:
        await call.answered()
        call.rtp.start_speaking(speech.say("I am talking all the time while I press the keys"))
        await call.key("20")
        await call.key("*9")
        result = await call.ended(within=5)
    assert "keys <20*9>" in pbx.log()
    assert result.hung_up_by == "callee"


async def test_acts_are_done_in_order(pbx: PlainAsterisk) -> None:
    acts: list[Act] = [
        Wait(0.2),
        Key("1"),
        Speak(speech.tone(440, 0.2)),
        Key("2"),
        HangUp(),
        Key("3"),
    ]
    async with Caller(pbx.address, did="100", acts=acts) as call:
        await call.answered()
        await call.perform()
    assert call.rtp.keys_heard == "12"  # Echo() gives keys back as well
    assert call.result.hung_up_by == "caller"


async def test_a_caller_hangs_up_while_it_rings(pbx: PlainAsterisk) -> None:
    async with Caller(pbx.address, did="102") as call:
        await call.ringing()
        await call.hang_up()
    assert (call.result.code, call.result.hung_up_by) == (487, "caller")
    assert not call.result.answered


async def test_a_caller_hangs_up_before_anything_has_happened(pbx: PlainAsterisk) -> None:
    async with Caller(pbx.address, did="102"):
        pass


async def test_a_caller_hangs_up_before_the_first_word_has_come_back() -> None:
    async with slow_line() as line, Caller(line.address) as call:
        await call.hang_up()
    assert (call.result.code, call.result.hung_up_by) == (487, "caller")
    assert line.requests[:3] == ["INVITE", "INVITE", "CANCEL"]


async def test_a_caller_hangs_up_after_the_answer(pbx: PlainAsterisk) -> None:
    async with Caller(pbx.address, did="100") as call:
        await call.answered()
        await call.hang_up()
    assert call.result.answered
    assert (call.result.code, call.result.hung_up_by) == (200, "caller")


async def test_a_caller_is_refused(pbx: PlainAsterisk) -> None:
    async with Caller(pbx.address, did="104") as call:
        code = await call.refused()
    assert (code, call.result.hung_up_by) == (403, "")
    with pytest.raises(CallError, match=r"refused: .* 403"):
        async with Caller(pbx.address, did="104") as call:
            await call.answered()


async def test_a_caller_hears_a_beep_and_when_it_is_over(pbx: PlainAsterisk) -> None:
    async with Caller(pbx.address, did="105") as call:
        await call.answered()
        began = await call.hear_tone(1004, within=5)
        over = await call.hear_quiet(0.3, within=5)
        with pytest.raises(CallError, match="No 1400 Hz was heard"):
            await call.hear_tone(1400, within=0.1)
    assert 0.2 < over - began < 0.5


@pytest.mark.parametrize(
    "name",
    ['Eve "x" \\ [call_id] <b>', "Zoë ☎ 'DROP TABLE", "]]>&amp;\\x41\\r\\nBcc: a@b.example"],
)
async def test_a_hostile_name_arrives_as_it_was_sent(pbx: PlainAsterisk, name: str) -> None:
    async with Caller(pbx.address, did="101", name=name) as call:
        await call.answered()
        await call.key("1234")
        await call.ended(within=5)
    invite = call.sip.messages[0].header("From")
    assert name.replace("\\", "\\\\").replace('"', '\\"') in invite


async def test_a_withheld_number_and_extra_headers_arrive(pbx: PlainAsterisk) -> None:
    identity = {"P-Asserted-Identity": "<sip:+18055550199@carrier.invalid;verstat=x>"}
    async with Caller(pbx.address, did="106", withheld=True, headers=identity) as call:
        await call.refused()
    assert "privacy <id> from <anonymous>" in pbx.log()
    assert f"extra <{identity['P-Asserted-Identity']}>" in pbx.log()


# Phones ------------------------------------------------------------------------------------------


async def test_a_phone_rings_answers_and_both_hear_each_other(
    pbx: PlainAsterisk, kitchen: Phone
) -> None:
    await kitchen.will("answer", rings=0.3)
    hello, who = speech.say("hello"), speech.say("who is there", "flite:slt")
    async with Caller(pbx.address, did="103", number="+18055550142") as call:
        await call.ringing()
        rung = await kitchen.rang(within=5)
        await call.answered()
        await asyncio.gather(call.speak(hello), kitchen.rtp.speak(who))
        await call.hear_quiet(0.3, within=5)
        await kitchen.hang_up()
        result = await call.ended(within=5)
    assert speech.likeness(kitchen.rtp.frames(), hello) > 0.95
    assert speech.likeness(call.frames(), who) > 0.95
    assert result.hung_up_by == "callee"
    assert "+18055550142" in rung.from_header
    assert rung.invited > call.started
    assert rung.hung_up_by == "phone"
    assert rung.talk_seconds == pytest.approx(result.talk_seconds, abs=0.1)


async def test_the_caller_hangs_up_on_a_phone_that_has_answered(
    pbx: PlainAsterisk, kitchen: Phone
) -> None:
    await kitchen.will("answer", rings=0.0)
    async with Caller(pbx.address, did="103") as call:
        await call.answered()
    await kitchen.quiet(within=5)
    assert [rung.hung_up_by for rung in kitchen.calls] == ["asterisk"]


async def test_a_phone_goes_on_ringing_until_the_caller_gives_up(
    pbx: PlainAsterisk, kitchen: Phone
) -> None:
    await kitchen.will("never")
    async with Caller(pbx.address, did="103") as call:
        await kitchen.rang(within=5)
        await call.ringing()
        await call.hang_up()
        await kitchen.quiet(within=5)
    (rung,) = kitchen.calls
    assert rung.cancelled is not None
    assert rung.answered is None


@pytest.mark.parametrize(("then", "status"), [("486", "BUSY"), ("480", "NOANSWER")])
async def test_a_phone_refuses(pbx: PlainAsterisk, kitchen: Phone, then: str, status: str) -> None:
    await kitchen.will(then, rings=0.1)
    async with Caller(pbx.address, did="103", name=f"phone says {then}") as call:
        await call.refused()
    assert f"phone says {then}: {status}" in pbx.log()
    assert kitchen.calls[0].refused.startswith(then)


async def test_a_phone_redirects(pbx: PlainAsterisk, kitchen: Phone) -> None:
    await kitchen.will("redirect", rings=0.1, contact="sip:*97@127.0.0.1")
    async with Caller(pbx.address, did="103") as call:
        await call.ended(within=5)
    assert kitchen.calls[0].refused == "302 Moved Temporarily"
    assert "redirected to *97" in pbx.log()


async def test_a_vanished_phone_says_nothing(pbx: PlainAsterisk, attic: Phone) -> None:
    await attic.will("vanish")
    async with Caller(pbx.address, did="107") as call:
        rung = await attic.rang(within=5)
        with pytest.raises(CallError):
            await call.ringing(within=0.3)
    assert rung.answered is None
    assert all(not message.sent for message in attic.sip.messages)


async def test_a_phone_does_as_it_is_told_while_it_rings(
    pbx: PlainAsterisk, kitchen: Phone
) -> None:
    await kitchen.will("never")
    async with Caller(pbx.address, did="103") as call:
        await kitchen.rang(within=5)
        await kitchen.answer()
        await call.answered()
    async with Caller(pbx.address, did="103") as call:
        await kitchen.rang(within=5, number=2)
        await kitchen.refuse("486")
        await call.ended(within=5)
    async with Caller(pbx.address, did="103") as call:
        await kitchen.rang(within=5, number=3)
        await kitchen.redirect("sip:*98@127.0.0.1")
        await call.ended(within=5)
    assert [rung.refused[:3] for rung in kitchen.calls] == ["", "486", "302"]
    assert "redirected to *98" in pbx.log()


async def test_a_phone_answers_in_the_instant_the_caller_hangs_up(
    pbx: PlainAsterisk, kitchen: Phone
) -> None:
    await kitchen.will("never")
    for turn in range(1, 6):
        async with Caller(pbx.address, did="103") as call:
            await kitchen.rang(within=5, number=turn)
            await call.ringing()
            await asyncio.gather(kitchen.answer(), call.hang_up())
        await kitchen.quiet(within=5)
    assert kitchen.rung == 5


# The mail server ---------------------------------------------------------------------------------


async def test_the_mail_server_keeps_a_mail_and_decodes_its_sound() -> None:
    with MailServer() as mail:
        await asyncio.to_thread(post, mail, speech.tone(440, 1.5))
        letter = await mail.letter(within=120)
    assert letter.recipients == ("you@example.net",)
    assert (letter.subject, letter.text.strip()) == ("A message", "Listen.")
    assert letter.sound_seconds == pytest.approx(1.5, abs=0.01)
    assert list(letter.attachments) == ["message.wav"]


async def test_the_mail_server_refuses_breaks_off_and_goes_away() -> None:
    with MailServer() as mail:
        mail.behave(refuse="451 4.3.0 later")
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            await asyncio.to_thread(post, mail, b"")
        mail.behave(refuse="550 5.1.1 unknown", at="rcpt")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await asyncio.to_thread(post, mail, b"")
        mail.behave(die=True)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            await asyncio.to_thread(post, mail, b"")
        await mail.attempt(within=5, number=3)
        assert mail.letters == []
        mail.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(post, mail, b"")
        mail.start()
        mail.behave(slow=0.1)
        await asyncio.to_thread(post, mail, b"")
        await mail.letter(within=120)


# What all of it stands on ------------------------------------------------------------------------


def test_a_log_that_is_still_being_written_is_read_as_far_as_it_is_whole() -> None:
    text = "OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\nCall-ID: x\r\n y\r\n\r\n"
    head = f"{'-' * 47} 2026-11-20 23:36:34.484349\nUDP message sent ({len(text)} bytes):\n\n"
    log = (head + text + "\n" + head + text[:-4]).encode()
    messages, taken = read_messages(log)
    assert [(m.method, m.call_id, m.sent) for m in messages] == [("OPTIONS", "x y", True)]
    assert log[taken:].lstrip(b"\n").startswith(b"---")


def test_what_would_be_a_program_to_sipp_is_written_in_hexadecimal() -> None:
    assert in_cdata("[call_id]\\x41]]>") == "\\x5bcall_id\\x5d\\x5cx41\\x5d\\x5d>"


def test_levels_are_what_they_are_said_to_be() -> None:
    assert speech.level_dbfs(speech.tone(440, 1.0, -16.0)) == pytest.approx(-16.0, abs=0.1)
    assert speech.level_dbfs(speech.line_noise(1.0, -50.0)) == pytest.approx(-50.0, abs=0.3)
    louder = speech.change_level(speech.tone(440, 1.0, -30.0), 10.0)
    assert speech.level_dbfs(louder) == pytest.approx(-20.0, abs=0.1)


def test_likeness_tells_these_words_from_others_and_forgives_a_lost_frame() -> None:
    words, others = speech.say("is anybody home"), speech.say("who is there", "flite:slt")
    noise = speech.line_noise(0.3, -60.0)
    whole = noise + words + noise
    assert speech.likeness(whole, words) > 0.95
    assert speech.likeness(whole[:9000] + whole[9320:], words) > 0.6
    assert speech.likeness(whole[9000:], words) > 0.4
    assert speech.likeness(noise + others + noise, words) < 0.4
    assert speech.likeness(b"", words) < 0.1


def loudest_frame(pcm: bytes) -> float:
    return max(speech.level_dbfs(pcm[i : i + 320]) for i in range(0, len(pcm), 320))


def post(mail: MailServer, sound: bytes) -> None:
    """Hand a mail to the server as any program would."""
    letter = EmailMessage()
    letter["From"], letter["To"] = "screener@example.net", "you@example.net"
    letter["Subject"] = "A message"
    letter.set_content("Listen.")
    if sound:
        letter.add_attachment(
            speech.wav(sound), maintype="audio", subtype="wav", filename="message.wav"
        )
    with smtplib.SMTP(mail.host, mail.port, timeout=5) as smtp:
        smtp.send_message(letter)
