"""What a rule makes of a call on a real line: by what its headers show, and to what end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from screener.asterisk.client import Client
from screener.asterisk.installation import Installation
from screener.asterisk.translate import Arrived, event
from screener.core.call import Outcome
from screener.core.story import CallRow
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.patience import talk
from tests.calls.stage import DID, FRIEND, STRANGER, Stage

REFUSED = {
    486: "+19005550105",
    603: "+19005550103",
    607: "+19005550107",
    608: "+19005550108",
    404: "+19005550104",
}
ENDLESS, MUTE = "+19005550120", "+19005550121"
MOVED, PORTED = "+12135550130", "+12135550131"
NIGHTLY, DAILY, OFFICE = "+12135550140", "+12135550141", "+12135550142"
KNOWN = "+12135550150"

PAI = "P-Asserted-Identity"


def hours(start: int, end: int) -> str:
    """A span of the day, in hours from now."""
    now = datetime.now()
    return "-".join(f"{now + timedelta(hours=at):%H:%M}" for at in (start, end))


def rules() -> str:
    refusals = "\n".join(
        f'block from {number} "unwanted {code}" refuse {code}' for code, number in REFUSED.items()
    )
    return f"""
allow   emergency                           "those who help"
{refusals}
block   from {ENDLESS}                      "let them wait"      play ringing
block   from {MUTE}                         "say nothing"        play silence
send    from {MOVED}                        "moved"              redirect sip:desk@example.net
send    from {PORTED}                       "ported"             redirect +18055550100
send    from {NIGHTLY} on {hours(-1, 1)}    "night"              message family
send    from {DAILY} on {hours(2, 4)}       "day"                message family
send    from {OFFICE}                       "business"           extension 2
block   verstat failed                      "forged"             play busy
screen  attestation C                       "gateway traffic"
allow   from +1213555*                      "the neighbourhood"  ring office
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ruled(installation: Installation) -> AsyncIterator[Stage]:
    """A house with these rules, screener running."""
    async with Stage(installation, rules=rules()) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def front(ruled: Stage) -> AsyncIterator[Stage]:
    """The same with a fresh record; afterwards nothing may be left in Asterisk."""
    await ruled.fresh()
    yield ruled
    await ruled.assert_nothing_left()


def signed(number: str, verstat: str) -> Mapping[str, str]:
    return {PAI: f'"Mom" <sip:{number}@192.0.2.1;verstat={verstat}>'}


async def through(stage: Stage, call: Caller) -> None:
    """Be answered, and talk for a moment."""
    await call.answered()
    await talk(stage, call)


async def story(stage: Stage, row: CallRow) -> list[str]:
    return [line.text for line in stage.story(row)]


# By what it shows ---------------------------------------------------------------------------------


async def test_a_call_without_a_signature_is_held_against_nobody(front: Stage) -> None:
    async with front.caller(KNOWN) as call:
        await through(front, call)
    row = await front.row(within=20)
    assert front.rung == ("office",)
    assert row.ruled == "allow ring office"


@pytest.mark.parametrize(
    "headers",
    [
        signed(KNOWN, "TN-Validation-Passed-C"),
        {"X-Attestation-Info": "C"},
        {PAI: f"<sip:{KNOWN}@h>;verstat=TN-Validation-Passed", "P-Attestation-Indicator": "C"},
        {"X-Twilio-VerStat": "TN-Validation-Passed-C"},
    ],
    ids=["PAI", "X-Attestation-Info", "P-Attestation-Indicator", "Twilio"],
)
async def test_gateway_traffic_meets_the_attendant(
    front: Stage, headers: Mapping[str, str]
) -> None:
    async with front.caller(KNOWN, headers=headers) as call:
        await call.answered()
        await call.hear_sound(within=5)
    row = await front.row(within=20)
    assert front.rung == ()
    assert row.rule.startswith('"gateway traffic"')
    assert any("the attestation is C" in line for line in await story(front, row))


async def test_a_full_attestation_is_no_gateway_traffic(front: Stage) -> None:
    async with front.caller(KNOWN, headers=signed(KNOWN, "TN-Validation-Passed-A")) as call:
        await through(front, call)
    assert front.rung == ("office",)
    assert (await front.row(within=20)).ruled == "allow ring office"


async def test_a_forged_number_is_turned_away(front: Stage) -> None:
    async with front.caller(KNOWN, headers=signed(KNOWN, "TN-Validation-Failed")) as call:
        assert await call.refused() == 486
    row = await front.row(within=20)
    assert (row.outcome, row.ruled) == (Outcome.TREATED, "block play busy")


async def test_a_verstat_in_from_counts_where_there_is_no_other(front: Stage) -> None:
    forged = f"<sip:{KNOWN}@192.0.2.1;verstat=TN-Validation-Failed>"
    async with front.caller(KNOWN, from_header=forged) as call:
        assert await call.refused() == 486


@pytest.mark.parametrize(
    "name", [r"a)b:c(", r"${EXTEN}\"),:", r";verstat=TN-Validation-Passed-A", "(%:)" * 450]
)
async def test_no_name_hides_what_the_provider_says(front: Stage, name: str) -> None:
    headers = {PAI: f'"{name}" <sip:{KNOWN}@192.0.2.1;verstat=TN-Validation-Failed>'}
    async with front.caller(KNOWN, headers=headers) as call:
        assert await call.refused() == 486


async def test_who_helps_calls_back_and_rings(front: Stage) -> None:
    async with front.caller(withheld=True, headers={"Priority": "psap-callback"}) as call:
        await through(front, call)
    row = await front.row(within=20)
    assert set(front.rung) == {"kitchen", "study"}
    assert (row.outcome, row.ruled) == (Outcome.CONNECTED, "allow")
    assert "RFC 7090" in row.reason


async def test_another_priority_is_none(front: Stage) -> None:
    async with front.caller(headers={"Priority": "emergency"}) as call:
        await call.answered()
        await call.hear_sound(within=5)
    assert front.rung == ()


# To what end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "number"), REFUSED.items())
async def test_a_call_is_refused_by_the_status_that_its_rule_names(
    front: Stage, code: int, number: str
) -> None:
    async with front.caller(number) as call:
        assert await call.refused(within=5) == code
    row = await front.row(within=20)
    assert front.rung == ()
    assert (row.outcome, row.ruled) == (Outcome.TREATED, f"block refuse {code}")
    assert "the caller hung up" not in await story(front, row)


async def test_it_rings_and_rings_and_no_phone_rings(front: Stage) -> None:
    async with front.caller(ENDLESS) as call:
        await call.ringing(within=5)
    row = await front.row(within=20)
    assert call.result.code == 487  # the caller's own CANCEL
    assert front.rung == ()
    assert (row.outcome, row.ruled) == (Outcome.TREATED, "block play ringing")


async def test_silence_is_answered_and_says_nothing(front: Stage) -> None:
    async with front.caller(MUTE) as call:
        await call.answered(within=5)
        await call.speak(speech.silence(1.0))
        assert not any(call.heard())
    row = await front.row(within=20)
    assert call.result.hung_up_by == "caller"
    assert (row.outcome, row.ruled) == (Outcome.TREATED, "block play silence")


async def test_a_stop_in_mid_treatment_rings_no_phone(front: Stage) -> None:
    async with front.caller(ENDLESS) as call:
        await call.ringing(within=5)
        await front.stop()
        assert await call.refused(within=5) == 603
    await front.open()
    assert front.rung == ()
    assert (await front.row(within=20)).outcome == Outcome.TREATED


@pytest.mark.parametrize(
    ("number", "contact"),
    [(MOVED, "<sip:desk@example.net>"), (PORTED, "<sip:+18055550100@127.0.0.1:{port};user=phone>")],
)
async def test_a_call_is_redirected(front: Stage, number: str, contact: str) -> None:
    async with front.caller(number) as call:
        assert await call.refused(within=5) == 302
        answer = next(message for message in call.sip.messages if message.code == 302)
        invite = call.sip.messages[0].header("Contact")
    port = invite.rpartition(":")[2].strip(">")
    assert answer.header("Contact") == contact.format(port=port)
    row = await front.row(within=20)
    assert front.rung == ()
    assert row.outcome == Outcome.REDIRECTED
    assert "redirected by SIP 302" in await story(front, row)


async def test_at_an_hour_a_call_goes_to_the_message_box(front: Stage) -> None:
    words = speech.say("it is late, call me back tomorrow")
    async with front.caller(NIGHTLY) as call:
        await call.answered()
        await call.hear_beep(within=20)
        await call.speak(words)
        await call.hang_up()
    letter = await front.mail.letter(within=120)
    assert speech.likeness(letter.sound, words) > 0.5
    row = await front.row(within=20)
    assert front.rung == ()
    assert (row.outcome, row.ruled) == (Outcome.MESSAGE, "send message family")


async def test_at_another_hour_it_rings(front: Stage) -> None:
    async with front.caller(DAILY) as call:
        await through(front, call)
    assert (await front.row(within=20)).ruled == "allow ring office"


async def test_a_call_is_sent_to_an_extension(front: Stage) -> None:
    async with front.caller(OFFICE) as call:
        await through(front, call)
    row = await front.row(within=20)
    assert front.rung == ("office",)
    assert row.ruled == "send extension 2"


# Shadow mode --------------------------------------------------------------------------------------


class Shadow(Stage):
    """A house that only watches."""

    def _toml(self) -> str:
        return f'mode = "shadow"\n{super()._toml()}'


async def test_in_shadow_mode_every_call_rings(installation: Installation) -> None:
    async with Shadow(installation, rules=rules()) as stage:
        await stage.fresh()
        for number in (REFUSED[607], MOVED, STRANGER):
            async with stage.caller(number) as call:
                await through(stage, call)
        rows = [await stage.row(within=20, number=n) for n in (1, 2, 3)]
        await stage.assert_nothing_left()
    assert [row.outcome for row in rows] == [Outcome.CONNECTED] * 3
    assert [row.ruled for row in rows] == [
        *("block refuse 607", "send redirect sip:desk@example.net", "screen"),
    ]
    assert all(row.reason.startswith("shadow mode; would have been: ") for row in rows)


# What the dialplan hands on -----------------------------------------------------------------------


class Listener:
    """Who hears the calls in place of screener."""

    def __init__(self, stage: Stage, client: Client) -> None:
        self._stage = stage
        self.client = client

    async def shown(self, headers: Mapping[str, str]) -> dict[str, str]:
        """What arrives of a call with these headers."""
        async with self._stage.caller(FRIEND, headers=headers):
            arrived = await self.arrived("did")
            await self.client.hangup(arrived.channel)
        return dict(arrived.headers)

    async def arrived(self, what: str) -> Arrived:
        """The next channel with this as its first argument."""
        async with asyncio.timeout(5):
            while True:
                found = event((await self.socket.receive()).data)
                if isinstance(found, Arrived) and found.args[:1] == (what,):
                    return found

    def complaints(self) -> list[str]:
        """What Asterisk has had to say of the dialplan."""
        log = self._stage.home / "asterisk" / "log" / "messages.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = re.compile(r" (pbx|func|app|res_pjsip_header_funcs)\w*\.c: ")
        return [line for line in lines if told.search(line)]

    async def __aenter__(self) -> Listener:
        self.socket = await self.client.events()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def listener(installation: Installation) -> AsyncIterator[Listener]:
    async with Stage(installation, open=False) as stage:
        ours = stage.settings.asterisk
        client = Client(stage.asterisk.url, ours.user, ours.secret, ours.app)
        async with client, Listener(stage, client) as heard:
            yield heard


HOSTILE = (
    '"a)b:c(" <sip:+18055550142@h>',
    '"${EXTEN}$[1+1]${SHELL(id)}" <sip:a@h>',
    '"}{" <sip:a@h>;x="1,2",\'(\'',
    ")))((:,;${",
    "\\",
    'a\\,b\\"c|d&e=f?g:h^i%3A~j`k',
    "x" * 1400 + ":)",
)


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_header_arrives_as_it_is_whatever_is_in_it(listener: Listener, value: str) -> None:
    assert (await listener.shown({PAI: value}))[PAI] == value
    assert listener.complaints() == []


async def test_of_a_header_of_any_length_the_end_arrives(listener: Listener) -> None:
    long = '"' + "(:)" * 700 + '" <sip:a@h;verstat=TN-Validation-Failed>'
    shown = await listener.shown(
        {PAI: long, "X-Attestation-Info": "A" * 2000, "Priority": "p" * 2000}
    )
    assert shown[PAI] == long[-1500:]
    assert shown["Priority"] == "p" * 64
    assert shown["From"].startswith(f"<sip:{FRIEND}@")
    assert listener.complaints() == []


async def test_a_call_that_is_not_sip_has_no_headers(listener: Listener) -> None:
    await listener.client.create("local-1", f"Local/{DID}@screener-in", "leg", 5.0)
    await listener.arrived("leg")
    await listener.client.dial("local-1", 5.0, "local-1")
    arrived = await listener.arrived("did")
    assert arrived.args == ("did", DID)
    assert arrived.headers == ()
    assert listener.complaints() == []
    await listener.client.hangup("local-1")
