"""Messages on a real line: left by SIP, taken out of a real mail server, decoded and compared.

What is compared is the sound itself, by correlation with what was spoken: the mailed one, which is
trimmed and made evenly loud, and the recording that it was made from, which is exact.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher

import numpy as np
import pytest
import pytest_asyncio
from click.testing import CliRunner

from screener.asterisk.installation import Installation
from screener.cli import main
from screener.core.audio import decode_ulaw, encode_ulaw
from screener.core.call import Outcome
from screener.core.delivery import State
from screener.core.event import Event, EventKind
from screener.core.frontdoor import MessageBox
from screener.core.signals import NEARLY_OVER, WORKING
from screener.records.calllog import DATABASE, CallLog
from tests.calls import speech
from tests.calls.callers import Caller
from tests.calls.mailserver import Letter
from tests.calls.patience import hears, until
from tests.calls.rtp import AUDIBLE_DBFS, FRAME_BYTES, is_tone
from tests.calls.sip import CallError
from tests.calls.stage import Stage

# A mail is encoded and written down before it is sent, after everything that calls need.
MAILED = 120.0
VOICE = "flite:slt"

# Who calls is sent to a box at once, by his number.
FAMILY, BRIEF, PATIENT = "+13105550101", "+13105550102", "+13105550103"
TOLD = "+18182220019"  # whoever calls this number hears that calls may be recorded
LIMIT = 9.0
RULES = f"""send from {FAMILY}  "family"  message family
send from {BRIEF}   "brief"   message brief
send from {PATIENT} "patient" message patient
"""
MORE = f"""
[boxes.brief]
mail = ["brief@example.net"]
limit = "{LIMIT:g}s"
silence = "2s"
[boxes.patient]
mail = ["patient@example.net"]
limit = "1h"
silence = 0
[dids."{TOLD}"]
ring = "family"
box = "family"
notice = true
"""
BOILER = speech.say("the boiler is fixed, and the key is under the mat", VOICE)
GARDEN = speech.say("please water the garden on wednesday and on friday", "flite:rms")
SECRET = speech.say("wait a moment, that is none of their business", "flite:awb")

# Of what was spoken, so many frames (20 ms) may be lost by a machine on which twenty programs want
# to run at once: on a quiet one it is none.
LOST = 10
# A disk that takes no more than so many bytes of a file.
SMALL = 320_000
# screener as it is, but for a disk that is full but for what screener leaves alone.
FULL = """
from screener.mail import spool
from screener.messages import room
from screener.cli import main
room.RESERVE = spool.RESERVE = 1 << 60
main()
"""
# ... and whose outbox is on a slow disk.
SLOW = """
import time
from screener.cli import main
from screener.mail.spool import Spool
keep = Spool.keep
def slowly(self, audio, *args, **named):
    if audio is not None:
        time.sleep(9)
    return keep(self, audio, *args, **named)
Spool.keep = slowly
main()
"""
# ... and where nothing of what Asterisk sends of its callers' sound comes.
DEAF = """
from screener.asterisk.media import Media, Stream
from screener.cli import main
Media.expect = lambda media, source, on_frame: Stream(on_frame)
main()
"""


class House(Stage):
    """A house whose invitation to speak is a short one."""

    async def _furnish(self) -> None:
        await super()._furnish()
        own = self.home / "sounds" / "en"
        own.mkdir()
        (own / "leave-message.wav").write_bytes(speech.wav(speech.say("your message")))

    async def fresh(self) -> None:
        """A new record; what an earlier test left on its way to the mail server has come there."""
        queue = self.settings.data / "outbox" / State.QUEUED
        await until(lambda: not any(queue.iterdir()), "earlier mail is sent", within=MAILED)
        await super().fresh()

    def recorded(self, call: int) -> bytes:
        """A call's recording as it was made, wherever its message is by now."""
        outbox = self.settings.data / "outbox"
        for state in (State.QUEUED, State.SENT, State.QUEUED, State.SENT):
            for letter in (outbox / state).glob("*/letter.json"):
                with suppress(FileNotFoundError):  # it has just moved on
                    if f'"call": {call},' in letter.read_text(encoding="ascii"):
                        return speech.read(letter.with_name("audio.wav"))
        raise CallError(f"there is no message of call {call}")

    def events(self, kind: EventKind) -> list[Event]:
        """What was written down for the weekly report, newest last."""
        with CallLog(self.settings.data / DATABASE) as log:
            day, now = timedelta(days=1), datetime.now(UTC)
            return [e for e in log.events(now - day, now + day) if e.kind is kind]


def missing(recorded: bytes, said: bytes) -> int:
    """How many frames (20 ms) that were spoken are not in a recording, as they came and in their
    order. Silence that Asterisk puts between them, where they came late, is no loss."""
    heard = [recorded[n : n + FRAME_BYTES] for n in range(0, len(recorded), FRAME_BYTES)]
    spoken = [
        decode_ulaw(encode_ulaw(said[n : n + FRAME_BYTES]))
        for n in range(0, len(said) - FRAME_BYTES + 1, FRAME_BYTES)
    ]
    same = SequenceMatcher(None, spoken, heard, autojunk=False).get_matching_blocks()
    return len(spoken) - sum(block.size for block in same)


def place(heard: bytes, said: bytes) -> tuple[float, float]:
    """Where in `heard` it fits best, in seconds, and its squared correlation there, 0 to 1."""
    whole = np.frombuffer(heard + bytes(len(said)), "<i2").astype(np.float64)
    piece = np.frombuffer(said, "<i2").astype(np.float64)
    size = 1 << (len(whole) + len(piece)).bit_length()
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.fft.rfft(piece, size).conj(), size)
    product = product[: len(whole) - len(piece) + 1]
    at = int(np.argmax(product))
    there = whole[at : at + len(piece)]
    power = float(there @ there) * float(piece @ piece)
    return at / 8000, float(product[at]) ** 2 / power if power else 0.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(installation: Installation) -> AsyncIterator[Stage]:
    async with House(installation, rules=RULES, more=MORE) as stage:
        yield stage


@pytest.fixture
def box(stage: Stage) -> House:
    assert isinstance(stage, House)
    return stage


async def reach(call: Caller) -> None:
    """Hear the beep to its end."""
    await call.answered()
    await call.hear_beep(within=20)


async def end(call: Caller, *keys: str) -> None:
    """Press keys, each as soon as something is heard, until he is hung up on."""
    for key in keys:
        await call.hear_sound(within=10)
        await call.key(key)
    await call.ended(within=20)


async def told(box: House, part: str) -> None:
    """Its call's story says so."""
    row = await box.row(within=20)
    story = [line.text for line in box.story(row)]
    assert any(part in line for line in story), story


async def mailed(box: House, said: bytes, name: str) -> Letter:
    """The one mail: it holds what was said, whole, and little besides; so does the recording."""
    letter = await box.mail.letter(within=MAILED)
    assert letter.recipients == (("you" if name == "family" else name) + "@example.net",)
    assert speech.likeness(letter.sound, said) > 0.6
    assert missing(await recording(box), said) <= LOST
    return letter


async def recording(box: House) -> bytes:
    """The recording of the one call, as it was made."""
    await box.mail.letter(within=MAILED)
    return box.recorded((await box.row(within=20)).id)


# How a recording ends -----------------------------------------------------------------------------


async def test_ended_by_key_it_is_played_back_and_mailed_as_it_was_spoken(box: House) -> None:
    async with box.caller(FAMILY) as call:
        await reach(call)
        await call.speak(BOILER)
        await call.key("#")
        since = time.monotonic()
        await call.hear_sound(within=5)
        await asyncio.sleep(speech.seconds_of(BOILER))
        assert speech.likeness(call.frames(since), BOILER) > 0.6
        await call.key("1")
        await call.ended(within=20)
    letter = await mailed(box, BOILER, "family")
    assert letter.sound_seconds == pytest.approx(speech.seconds_of(BOILER), abs=1.0)
    assert len(box.mail.letters) == 1
    assert (await box.row(within=20)).outcome == Outcome.MESSAGE
    await told(box, "ended by key")


async def test_ended_by_silence_the_silence_is_what_the_box_says(box: House) -> None:
    async with box.caller(BRIEF) as call:
        await reach(call)
        await call.speak(BOILER)
        await end(call, "1")
    await mailed(box, BOILER, "brief")
    await told(box, "ended by silence")
    seconds = speech.seconds_of(await recording(box))
    assert seconds == pytest.approx(speech.seconds_of(BOILER) + 2.0, abs=0.6)


async def test_ended_by_the_limit_he_was_warned_and_the_warning_is_not_in_it(box: House) -> None:
    more = speech.say("and the neighbours at number nine have the other key", VOICE)
    long = BOILER + GARDEN + SECRET + more  # nothing twice: each frame has one place
    async with box.caller(BRIEF) as call:
        await reach(call)
        call.rtp.start_speaking(long)
        await call.hear_tone(NEARLY_OVER[0].hertz, within=LIMIT + 5)
        await call.hear_quiet(1.0, within=10)
        await call.hear_sound(within=10)
        call.rtp.stop_speaking()
        await call.key("1")
        await call.ended(within=20)
    await told(box, "ended at the limit")
    recorded = await recording(box)
    assert speech.seconds_of(recorded) == pytest.approx(LIMIT, abs=0.05)
    said = long[: int((LIMIT - 2.0) * 8000) * 2]
    assert missing(recorded, said) <= LOST
    frames = [recorded[n : n + FRAME_BYTES] for n in range(0, len(recorded), FRAME_BYTES)]
    tones = [frame for frame in frames if is_tone(frame, NEARLY_OVER[0].hertz)]
    assert len(tones) < 4


async def test_ended_in_mid_word_by_hanging_up_all_that_was_said_is_kept(box: House) -> None:
    async with box.caller(FAMILY) as call:
        await reach(call)
        call.rtp.start_speaking(BOILER)
        await until(lambda: call.rtp.spoken() >= 1.5, "he has said so much")
        await call.hang_up()
    said = BOILER[: int(1.4 * 8000) * 2]
    await mailed(box, said, "family")
    await told(box, "ended by hanging up")


async def test_who_hangs_up_while_it_is_played_back_has_left_it(box: House) -> None:
    async with box.caller(FAMILY) as call:
        await reach(call)
        await call.speak(BOILER)
        await call.key("#")
        await call.hear_sound(within=5)
        await call.hang_up()
    await mailed(box, BOILER, "family")
    assert len(box.mail.letters) == 1


async def test_no_silence_ends_it_where_the_box_knows_none(box: House) -> None:
    async with box.caller(PATIENT) as call:
        await reach(call)
        await call.speak(BOILER + speech.silence(8.0) + GARDEN)
        await call.key("#")
        await end(call, "1")
    letter = await mailed(box, BOILER + speech.silence(8.0) + GARDEN, "patient")
    assert speech.likeness(letter.sound, GARDEN) > 0.6
    recorded = await recording(box)
    apart = place(recorded, GARDEN)[0] - place(recorded, BOILER)[0]
    assert apart == pytest.approx(speech.seconds_of(BOILER) + 8.0, abs=0.2)


# Pauses -------------------------------------------------------------------------------------------


async def test_what_is_said_in_a_pause_is_not_in_it(box: House) -> None:
    async with box.caller(BRIEF) as call:
        await reach(call)
        await call.speak(BOILER)
        await call.key("*")
        await call.hear_sound(within=10)
        await call.speak(SECRET + speech.silence(3.0))
        await call.key("*")
        await call.hear_beep(within=20)
        await call.speak(GARDEN)
        await call.key("#")
        await end(call, "1")
    letter = await mailed(box, BOILER, "brief")
    for sound in (letter.sound, await recording(box)):
        assert speech.likeness(sound, GARDEN) > 0.6
        assert speech.likeness(sound, SECRET) < 0.4
        apart = place(sound, GARDEN)[0] - place(sound, BOILER)[0]
        assert apart == pytest.approx(speech.seconds_of(BOILER), abs=0.8)
    await told(box, "ended by key")


async def test_who_hangs_up_in_a_pause_has_left_what_he_said(box: House) -> None:
    async with box.caller(FAMILY) as call:
        await reach(call)
        await call.speak(BOILER)
        await call.key("*")
        await call.hear_sound(within=10)
        await call.hang_up()
    await mailed(box, BOILER, "family")


# Another take, none, nothing ----------------------------------------------------------------------


async def test_another_take_is_in_the_place_of_the_first(box: House) -> None:
    async with box.caller(FAMILY) as call:
        await reach(call)
        await call.speak(BOILER)
        await call.key("#")
        await call.hear_sound(within=5)
        await call.key("2")
        await call.hear_beep(within=20)
        await call.speak(GARDEN)
        await call.key("#")
        await end(call, "1")
    letter = await mailed(box, GARDEN, "family")
    assert speech.likeness(letter.sound, BOILER) < 0.4
    assert len(box.mail.letters) == 1


async def test_another_take_of_nothing_leaves_the_first(box: House) -> None:
    async with box.caller(BRIEF) as call:
        await reach(call)
        await call.speak(BOILER)
        await call.key("#")
        await call.hear_sound(within=5)
        await call.key("2")
        await call.hear_beep(within=20)
        await call.key("#")
        await end(call, "1")
    await mailed(box, BOILER, "brief")
    assert len(box.mail.letters) == 1


async def test_a_message_that_is_dropped_is_gone(box: House) -> None:
    async with box.caller(FAMILY) as call:
        await reach(call)
        await call.speak(BOILER)
        await call.key("#")
        await end(call, "3")
    assert (await box.row(within=20)).outcome == Outcome.NO_MESSAGE
    assert not box.mail.tried
    assert list((box.settings.data / "takes").iterdir()) == []


async def test_nothing_said_is_counted_and_never_mailed(box: House) -> None:
    before = len(box.events(EventKind.NOTHING_SAID))
    async with box.caller(BRIEF) as call:
        await reach(call)
        await call.ended(within=20)
    row = await box.row(within=20)
    assert (row.outcome, box.mail.tried) == (Outcome.NO_MESSAGE, 0)
    counted = box.events(EventKind.NOTHING_SAID)[before:]
    assert [event.text for event in counted] == [f"call {row.id}: after the beep of brief"]
    assert list((box.settings.data / "takes").iterdir()) == []


# A disk that is full, or slow ---------------------------------------------------------------------


async def anew(box: House, program: str) -> None:
    """screener, started anew with this program."""
    await box.stop()
    box.program = ("-c", program) if program else ("-m", "screener")
    await box.open()


@pytest_asyncio.fixture(loop_scope="session")
async def program(box: House) -> AsyncIterator[House]:
    """A house whose screener is another for a while."""
    yield box
    await anew(box, "")


async def test_a_full_disk_is_told_before_anybody_speaks_and_its_owner_once(
    program: House,
) -> None:
    box = program
    before = len(box.events(EventKind.DISK_FULL))
    await anew(box, FULL)
    for number in (1, 2):
        async with box.caller(FAMILY) as call:
            await call.answered()
            await call.ended(within=20)
        row = await box.row(within=20, number=number)
        assert row.outcome == Outcome.NO_MESSAGE
        assert row.reason.startswith("the disk has no room for a message to family")
    assert len(box.events(EventKind.DISK_FULL)) == before + 2
    letter = await box.mail.letter(within=MAILED)
    assert letter.subject == "The disk is nearly full: callers can leave no message"
    assert len(box.mail.letters) == 1


async def test_a_disk_that_fills_up_ends_the_recording_and_what_it_took_is_mailed(
    program: House,
) -> None:
    box = program
    await anew(box, "")
    assert box.pid is not None
    resource.prlimit(box.pid, resource.RLIMIT_FSIZE, (SMALL, SMALL))
    long = BOILER + GARDEN
    said = long + speech.silence(0.2) + long + speech.silence(0.2) + long
    async with box.caller(PATIENT) as call:
        await reach(call)
        call.rtp.start_speaking(said * 2)
        await call.hear_sound(within=30)
        call.rtp.stop_speaking()
        await call.key("1")
        await call.ended(within=30)
    letter = await box.mail.letter(within=MAILED)
    assert "ended by a disk that took no more" in box.log.read_text(encoding="utf-8")
    # Such a disk may not have taken a row either: then the call has no number.
    recorded = box.recorded(max((row.id for row in box.rows()), default=0))
    assert speech.seconds_of(recorded) == pytest.approx(SMALL / 16000, abs=0.3)
    assert missing(recorded, said[: 17 * 16000]) <= LOST
    assert speech.likeness(letter.sound, said[: 17 * 16000]) > 0.6


async def test_while_it_is_put_away_he_hears_that_work_goes_on_and_may_hang_up(
    program: House,
) -> None:
    box = program
    await anew(box, SLOW)
    async with box.caller(FAMILY) as call:
        await reach(call)
        await call.speak(BOILER)
        await call.key("#")
        await call.hear_sound(within=5)
        await call.key("1")
        await call.hear_tone(WORKING[0].hertz, within=15)
        await call.hang_up()
    await mailed(box, BOILER, "family")
    assert len(box.mail.letters) == 1


# No sound of the caller's comes to us -------------------------------------------------------------


async def deaf(call: Caller) -> None:
    """Hear both beeps to their end: the second when it is known that nothing comes."""
    await reach(call)
    await call.hear_beep(within=20)


async def test_where_his_sound_cannot_come_asterisk_records_and_it_is_mailed_once(
    program: House,
) -> None:
    box = program
    await anew(box, DEAF)
    async with box.caller(FAMILY) as call:
        await deaf(call)
        await call.speak(BOILER)
        await call.key("#")
        await end(call, "1")
    await mailed(box, BOILER, "family")
    await told(box, "Asterisk records it")
    await told(box, "ended by key")
    async with box.caller(FAMILY) as call:
        await deaf(call)
        await call.speak(BOILER)
        await call.key("#")
        await end(call, "3")
    assert (await box.row(within=20, number=2)).outcome == Outcome.NO_MESSAGE
    await anew(box, "")  # what is found then would be mailed
    assert list((box.settings.data / "takes").iterdir()) == []
    assert len(box.mail.letters) == 1


async def test_who_hangs_up_on_asterisk_s_recording_has_left_what_he_said(program: House) -> None:
    box = program
    await anew(box, DEAF)
    async with box.caller(FAMILY) as call:
        await deaf(call)
        await call.speak(BOILER)
        await call.hang_up()
    await mailed(box, BOILER, "family")
    assert len(box.mail.letters) == 1


# Forgetting ---------------------------------------------------------------------------------------


async def test_what_asterisk_holds_of_a_forgotten_caller_is_reached(box: House) -> None:
    """As where screener died before it had fetched what Asterisk had recorded in its place."""
    number = "+13105550177"
    async with box.caller(number) as call:
        await call.answered()
        await call.hang_up()
    row = await box.row(within=20)
    await box.stop()
    spool = box.home / "asterisk" / "spool" / "recording"
    take, other = (f"{uid}_screener_take-family-1" for uid in (row.uid, "1795218116.99999"))
    for name in (take, other):
        (spool / f"{name}.wav").write_bytes(speech.wav(BOILER))
    held = {item["name"] for item in await box.ask("recordings/stored")}
    assert {take, other} <= held
    words = ["forget", number, "--yes", "--unsent", "--dir", str(box.home)]
    told = await asyncio.to_thread(CliRunner().invoke, main, words)
    assert told.exit_code == 0, told.output
    assert "1 recording that is NOT a mail yet" in told.output
    assert {item["name"] for item in await box.ask("recordings/stored")} == held - {take}
    (spool / f"{other}.wav").unlink()
    await box.open()


# The notice ---------------------------------------------------------------------------------------


async def test_whoever_is_answered_hears_first_that_calls_may_be_recorded(box: House) -> None:
    notice = box.prompt("may-be-recorded")
    async with box.caller(did=TOLD) as call:
        await call.answered()
        await hears(call, notice, alike=0.9)
        at, likeness = place(call.frames(), notice)
        assert likeness > 0.8
        before = call.frames()[: 2 * int(8000 * at)]
        assert speech.level_dbfs(before) < AUDIBLE_DBFS, at
    async with box.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await asyncio.sleep(speech.seconds_of(notice) + 0.5)
        assert place(call.frames(), notice)[1] < 0.3


async def test_a_key_skips_nothing_of_the_notice_and_counts_after_it(box: House) -> None:
    notice = box.prompt("may-be-recorded")
    async with box.caller(did=TOLD) as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.key("2")
        await box.phones["office"].rang(within=15)
    row = await box.row(within=20)
    # In seconds of audio: what he had keyed by then counts as soon as the notice is over.
    keyed = next(each for each in row.evidence if each.startswith("keyed 2 over the prompt at "))
    assert float(keyed.split()[-2]) >= speech.seconds_of(notice) - 0.1


async def test_who_talks_over_the_notice_is_heard(box: House) -> None:
    notice = box.prompt("may-be-recorded")
    async with box.caller(did=TOLD) as call:
        await call.answered()
        await call.speak(BOILER + GARDEN)
        await call.hang_up()
    row = await box.row(within=20)
    talked = next(each for each in row.evidence if each.startswith("talked "))
    assert float(talked.split()[-2].partition("-")[0]) < speech.seconds_of(notice)


def test_the_boxes_are_as_the_owner_wrote_them(box: House) -> None:
    boxes = box.settings.boxes
    assert (boxes["brief"].limit, boxes["brief"].silence) == (LIMIT, 2.0)
    assert (boxes["patient"].limit, boxes["patient"].silence) == (3600.0, 0.0)
    assert boxes["family"].silence == MessageBox("", ()).silence
