"""The voicemail on a real line: what callers left is heard from a phone of the house, deleted and
brought back, passed on whole, and called back; and nobody else hears it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
import pytest_asyncio

from screener.asterisk.installation import Installation
from screener.calls.voicemail import SHELF
from screener.core.letter import Letter
from screener.mail.spool import Spool
from screener.messages.inbox import Kept, Messages
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.patience import hears, openings, until
from tests.calls.phones import Phone
from tests.calls.sip import CallError
from tests.calls.stage import DID, STRANGER, Stage
from tests.calls.trunk import TRUNK

CODE, PIN = "*97", "2468"
MORE = f"""
[voicemail]
code = "{CODE}"
[boxes.work]
mail = ["work@example.net"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation, trunk: Phone) -> AsyncIterator[Stage]:
    """A house whose box has a PIN, with another box that has none, and a trunk."""
    async with Stage(
        installation,
        box='pin_file = "family-pin"',
        more=MORE,
        secrets={"family-pin": PIN},
        asterisk='trunk = "PJSIP/{number}@trunk"',
        extra_pjsip=TRUNK,
    ) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def box(stage: Stage) -> AsyncIterator[Messages]:
    """The messages of the house, none of them left from another test."""
    messages = Messages(stage.settings.data / "outbox")
    for kept in messages.all():
        messages.remove(kept.id)
    yield messages
    await nothing_on_the_shelf(stage)


async def nothing_on_the_shelf(stage: Stage) -> None:
    shelf = stage.settings.data / SHELF
    await until(lambda: not list(shelf.glob("*")), "no sound is left where it was heard")


def lay(stage: Stage, words: bytes, *, minutes: float = 1.0, number: str = STRANGER) -> str:
    """A message in the box family, as the outbox keeps it, that came so many minutes ago."""
    sound = stage.home / "left.wav"
    sound.write_bytes(speech.wav(words))
    letter = Letter(
        call=0,
        box="family",
        to=("you@example.net",),
        number=number,
        name='Mom"\r\n<b>\u202e' + "x" * 4096,
        did=DID,
        when=datetime.now(UTC) - timedelta(minutes=minutes),
        seconds=speech.seconds_of(words),
        why="nobody answered",
    )
    spool = Spool(stage.settings.data / "outbox")
    return spool.keep(sound, letter, "screener@example.net")


def of(box: Messages, name: str) -> Kept:
    kept = box.get(name)
    assert kept is not None
    return kept


@cache
def words(text: str) -> bytes:
    return speech.say(text, "flite:slt")


FIRST = "the boiler is fixed and the key is under the mat"
SECOND = "please buy seven yellow onions on your way home tonight"


async def opened(stage: Stage, phone: Caller, pin: str = PIN) -> None:
    """Dial in, and key the PIN; whatever is keyed after it is for what the box holds."""
    before = openings(stage, phone.number)
    await phone.answered()
    await phone.hear_sound(within=10)
    await phone.key(f"{pin}#")
    await until(lambda: openings(stage, phone.number) > before, "the box is open")


async def test_what_a_caller_left_is_heard_from_a_phone_of_the_house(
    stage: Stage, box: Messages
) -> None:
    await stage.phones["office"].will("486")
    async with stage.caller(name="Plumber") as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.key("2")
        await call.hear_tone(1000, within=30)
        await call.speak(words(FIRST) + speech.silence(0.5))
    await stage.mail.letter(within=120)
    (kept,) = box.in_box("family")
    assert kept.new
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await hears(phone, words(FIRST))
        heard = phone.frames()
        await hears(phone, stage.prompt("voicemail-keys"))
        assert of(box, kept.id).heard
        await phone.key("9")
        await hears(phone, stage.prompt("voicemail-no-more"))
    for name in ("voicemail-new", "number-1", "digit-8", "voicemail-today", "voicemail-hours"):
        assert speech.likeness(heard, stage.prompt(name)) > 0.6, name


async def test_new_ones_come_first_and_a_message_is_skipped_through(
    stage: Stage, box: Messages
) -> None:
    old = lay(stage, words(FIRST), minutes=30)
    box.mark_heard(old)
    new = lay(stage, speech.silence(14.0) + words(SECOND))
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await hears(phone, stage.prompt("voicemail-hours"))
        begun = time.monotonic()
        await phone.hear_quiet(1.0, within=10)  # the silence has begun
        await phone.key("##")
        await hears(phone, words(SECOND), since=begun)
        assert speech.seconds_of(phone.heard(begun)) < 14.0  # without ten seconds of it
        await hears(phone, stage.prompt("voicemail-keys"))
        again = time.monotonic()
        await phone.key("5")
        await hears(phone, stage.prompt("voicemail-hours"), since=again)
        await phone.hear_quiet(1.0, within=10)
        await phone.key("#*##")
        await hears(phone, words(SECOND), since=again)
        assert speech.likeness(phone.heard(), words(FIRST)) < 0.6
        await phone.key("6")
        await hears(phone, words(FIRST))
    assert of(box, new).heard
    assert of(box, old).heard


async def test_a_message_is_deleted_and_brought_back(stage: Stage, box: Messages) -> None:
    first, second = lay(stage, words(FIRST), minutes=5), lay(stage, words(SECOND))
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await phone.key("7")
        await hears(phone, stage.prompt("voicemail-removed"))
        assert of(box, first).removed
        await hears(phone, words(SECOND))  # the next one comes by itself
        await phone.key("44")
        await hears(phone, stage.prompt("voicemail-is-removed"))
        await phone.key("7")
        await hears(phone, stage.prompt("voicemail-brought-back"))
        assert not of(box, first).removed
        await phone.key("67")
        await hears(phone, stage.prompt("voicemail-removed"))
        await until(lambda: of(box, second).removed, "the second is deleted")
    assert [kept.id for kept in box.in_box("family")] == [first]
    assert (of(box, second).folder / "audio.wav").exists()  # it is still to be mailed
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await phone.key("6")
        await hears(phone, stage.prompt("voicemail-no-more"))


async def test_it_is_passed_on_whole_to_another_box(stage: Stage, box: Messages) -> None:
    lay(stage, words(FIRST))
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await phone.key("8")
        await hears(phone, stage.prompt("box-work"))
        await phone.key("1")
        await hears(phone, stage.prompt("voicemail-passed-on"))
        (passed,) = box.in_box("work")  # on disk before he is told so
        assert passed.new
        assert passed.letter.why == "passed on by study from the box family; nobody answered"
    await until(
        lambda: any("work@example.net" in each.recipients for each in stage.mail.letters),
        "the message reaches the other box's address",
    )
    (letter,) = (each for each in stage.mail.letters if "work@example.net" in each.recipients)
    assert speech.likeness(letter.sound, words(FIRST)) > 0.5
    assert abs(letter.sound_seconds - speech.seconds_of(words(FIRST))) < 0.6
    assert "passed on by study" in " ".join(letter.text.split())


async def test_who_left_it_is_called_back_over_the_trunk(
    stage: Stage, box: Messages, trunk: Phone
) -> None:
    lay(stage, words(FIRST))
    await trunk.will("answer", rings=0.5)
    trunk.forget()
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await phone.key("2")
        call = await trunk.answered(within=15)
        assert DID in call.from_header  # the number that he had called
        begun = time.monotonic()
        await asyncio.sleep(0.5)
        await phone.speak(words(SECOND))
        await hears(trunk.rtp, words(SECOND), since=begun, alike=0.6)
        await trunk.hang_up()
        await phone.ended(within=15)


async def test_who_does_not_answer_is_told_of_and_it_goes_on(
    stage: Stage, box: Messages, trunk: Phone
) -> None:
    lay(stage, words(FIRST))
    await trunk.will("486", rings=0.3)
    trunk.forget()
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await phone.key("2")
        await hears(phone, stage.prompt("voicemail-not-reached"))
        await hears(phone, stage.prompt("voicemail-keys"))
        assert trunk.rung == 1


@pytest.mark.parametrize("number", ["", "+19005550142"])
async def test_nobody_who_hides_or_costs_is_called_back(
    stage: Stage, box: Messages, trunk: Phone, number: str
) -> None:
    lay(stage, words(FIRST), number=number)
    trunk.forget()
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await phone.key("2")
        await hears(phone, stage.prompt("voicemail-no-call-back"))
    assert not trunk.rung


async def test_two_phones_hear_a_box_at_once(stage: Stage, box: Messages) -> None:
    name = lay(stage, words(FIRST))
    async with stage.dialling("study", CODE) as one, stage.dialling("kitchen", CODE) as other:
        await opened(stage, one)
        await opened(stage, other)
        await asyncio.gather(hears(one, words(FIRST)), hears(other, words(FIRST)))
        await one.key("7")
        await hears(one, stage.prompt("voicemail-removed"))
        await other.key("5")
        await hears(other, words(FIRST), since=time.monotonic())
    assert of(box, name).removed


@pytest.mark.parametrize(
    ("after", "keys"),
    [("", ""), ("voicemail-pin", ""), ("voicemail-new", ""), ("voicemail-from", "")]
    + [("voicemail-from", key) for key in "5678924"],
)
async def test_hanging_up_at_any_point_loses_nothing(
    stage: Stage, box: Messages, trunk: Phone, after: str, keys: str
) -> None:
    name = lay(stage, words(FIRST))
    await trunk.will("never")
    async with stage.dialling("study", CODE) as phone:
        await phone.answered()
        if after and after != "voicemail-pin":
            await phone.key(f"{PIN}#")
        if after:
            await hears(phone, stage.prompt(after))
        await phone.key(keys)
    await nothing_on_the_shelf(stage)
    await stage.assert_nothing_left()
    assert speech.likeness(speech.read(of(box, name).folder / "audio.wav"), words(FIRST)) > 0.95


async def test_a_screener_that_dies_while_a_message_is_heard_leaves_it_as_it_was(
    stage: Stage, box: Messages
) -> None:
    name = lay(stage, words(FIRST) + speech.silence(20.0))
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await hears(phone, words(FIRST))
        await stage.kill()
        assert list((stage.settings.data / SHELF).glob("*.wav"))
        await phone.ended(within=60)  # the dialplan hangs up: nobody holds off its deadline
    await stage.open()
    await nothing_on_the_shelf(stage)
    assert of(box, name).new
    assert speech.likeness(speech.read(of(box, name).folder / "audio.wav"), words(FIRST)) > 0.95


async def test_a_message_whose_sound_is_lost_is_passed_over(stage: Stage, box: Messages) -> None:
    lost = lay(stage, words(SECOND), minutes=5)
    (of(box, lost).folder / "audio.wav").write_bytes(b"")
    whole = lay(stage, words(FIRST))
    async with stage.dialling("study", CODE) as phone:
        await opened(stage, phone)
        await hears(phone, stage.prompt("voicemail-gone"))
        await hears(phone, words(FIRST))
    assert of(box, lost).new
    assert not of(box, whole).removed


async def test_wrong_pins_end_the_call_open_nothing_and_are_logged(
    stage: Stage, box: Messages
) -> None:
    name = lay(stage, words(FIRST))
    before = stage.log.read_text()
    async with stage.dialling("study", CODE) as phone:
        await phone.answered()
        for _ in range(3):
            begun = time.monotonic()
            await phone.key("1111#")
            await hears(phone, stage.prompt("voicemail-wrong-pin"), since=begun)
        await phone.ended(within=30)
        assert phone.result.hung_up_by == "callee"
        assert speech.likeness(phone.heard(), words(FIRST)) < 0.6
    logged = stage.log.read_text().removeprefix(before)
    assert logged.count("study keyed a wrong PIN of the box family") == 3
    assert PIN not in logged
    assert "1111" not in logged
    assert of(box, name).new


async def test_a_pin_whose_keys_come_in_bunches_is_the_pin(stage: Stage, box: Messages) -> None:
    """Asterisk tells of such a key twice: 2, 4, 4, 6, 8, 8, # (core/keypad.py)."""
    name = lay(stage, words(FIRST))
    before = openings(stage, "study")
    async with stage.dialling("study", CODE) as phone:
        await phone.answered()
        await phone.hear_sound(within=10)
        phone.rtp.key_in_a_bunch(PIN[:2])
        await asyncio.sleep(0.4)
        phone.rtp.key_in_a_bunch(f"{PIN[2:]}#")
        await until(lambda: openings(stage, "study") > before, "the box is open")
        await hears(phone, words(FIRST))  # no key was taken for one that goes on to the next
    assert not of(box, name).removed


@pytest.mark.parametrize("did", [CODE, "voicemail", f"{DID}{CODE}"])
async def test_no_caller_from_outside_comes_to_a_box(stage: Stage, box: Messages, did: str) -> None:
    async with stage.caller(did=did) as call:
        with suppress(CallError):
            await call.answered(within=3)
        await asyncio.sleep(1.0)
        assert speech.likeness(call.heard(), stage.prompt("voicemail-pin")) < 0.4
