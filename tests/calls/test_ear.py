"""What the ear makes of callers on a real line: recordings, people, music, tones, silence.

Each call goes over SIP and RTP into Asterisk and on to screener; verdicts are read from the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping

import pytest

from screener.core.call import Outcome
from screener.core.story import CallRow
from tests.calls import speech, tones
from tests.calls.callers import BEEP, Caller
from tests.calls.patience import talk
from tests.calls.sip import CallError
from tests.calls.stage import Stage

UNWANTED, WANTED, PERSON, SILENT = "unwanted robot", "wanted robot", "person", "silent"
TIME = re.compile(r"\b[0-9]+\.[0-9](-[0-9]+\.[0-9])? s\b")
CHATTER = (
    "hello there it is me, I am standing in front of your house and I wanted to ask whether you "
    "are at home, because I have your ladder in the car, the long one that I borrowed last summer "
    "when we painted the kitchen, and if nobody is here I will just leave it behind the garage "
    "where the bicycles are, and then I will drive on to my sister who is waiting for me"
)


async def plays(stage: Stage, number: str, sound: bytes, stays: float = 6.0) -> None:
    """One caller whose line carries this from the answer on, and who then stays for a while."""
    async with stage.caller(number) as call:
        await call.answered()
        await call.speak(sound)
        with contextlib.suppress(CallError):
            await call.ended(within=stays)


async def play_at_once(stage: Stage, sounds: Mapping[str, bytes]) -> dict[str, CallRow]:
    """Callers whose lines carry these, all at the same time -> the row of each."""
    numbers = {f"+1212555{n:04}": name for n, name in enumerate(sounds, 100)}
    await asyncio.gather(*(plays(stage, number, sounds[numbers[number]]) for number in numbers))
    rows = [await stage.row(within=20, number=n + 1) for n in range(len(sounds))]
    return {numbers[row.number]: row for row in rows}


def told(rows: Mapping[str, CallRow]) -> str:
    """For a failing test: who was taken for what, and why."""
    return "\n".join(
        f"{name}: {row.verdict}, {row.outcome}, {row.reason}; {'; '.join(row.evidence)}"
        for name, row in rows.items()
    )


def recorded() -> dict[str, bytes]:
    """Robocalls that ask for a key, real ones first; each from its beginning, half a minute."""
    asking = [
        clip
        for kind in ("robocall-real", "robocall-tts")
        for clip in speech.robocalls(kind)
        if "press" in clip.transcript
    ]
    chosen = {clip.name: clip for clip in (*asking[:2], *asking[2::17])}
    return {name: speech.at_level(clip.pcm())[: 2 * 8000 * 30] for name, clip in chosen.items()}


async def test_robocalls_at_once_are_unwanted_and_no_phone_rings(stage: Stage) -> None:
    rows = await play_at_once(stage, recorded())
    assert stage.rung == ()
    assert {row.verdict for row in rows.values()} == {UNWANTED}, told(rows)
    assert {row.outcome for row in rows.values()} == {Outcome.TREATED}, told(rows)
    assert not stage.mail.tried


async def test_the_row_of_a_robocall_says_what_was_heard_and_when(stage: Stage) -> None:
    sales = speech.say(speech.SALES_TALK, "flite:slt")
    rows = await play_at_once(stage, {"sales": sales + speech.silence(0.4) + sales})
    evidence = rows["sales"].evidence
    assert any(re.search(r"talked.* [0-9]+\.[0-9]-[0-9]+\.[0-9] s", line) for line in evidence)
    assert any(re.match(r'said ".+" \(.+\) at [0-9]+\.[0-9] s', line) for line in evidence)
    assert all(TIME.search(line) for line in evidence), told(rows)


@pytest.mark.parametrize("digit", [2, 1])
async def test_a_digit_that_a_person_says_rings(stage: Stage, digit: int) -> None:
    """He says it each time that he is asked, as people do."""
    said = speech.at_level(speech.trimmed(speech.spoken_digits(digit)[-1].pcm()))
    phone = stage.phones["office" if digit == 2 else "kitchen"]
    async with stage.caller() as call:
        await call.answered()
        await says_when_asked(call, said, until=lambda: bool(stage.rung))
        await phone.answered(within=10)
        await talk(stage, call)
    row = await stage.row(within=20)
    assert row.outcome == Outcome.CONNECTED
    assert row.verdict == PERSON
    assert any("answered" in line for line in row.evidence)


async def says_when_asked(call: Caller, said: bytes, until: Callable[[], bool]) -> None:
    """Wait for each prompt's end and answer, at most three times."""
    for _ in range(3):
        await call.hear_sound(within=10)
        await call.hear_quiet(1.2, within=30)
        await call.speak(said)
        for _ in range(15):
            if until():
                return
            await asyncio.sleep(0.1)


async def test_a_person_who_talks_at_once_and_long_gets_the_message_box(stage: Stage) -> None:
    """He looks like a recording for half a minute: he is asked again, and never turned away."""
    chatter = speech.say(CHATTER, "flite:rms") + speech.silence(0.4)
    async with stage.caller() as call:
        await call.answered()
        call.rtp.start_speaking(chatter * 4)
        await call.hear_tone(BEEP, within=80)
        call.rtp.stop_speaking()
        await call.speak(speech.say("so please call me back when you are home", "flite:rms"))
    letter = await stage.mail.letter(within=120)
    assert letter.sound_seconds > 1.0
    row = await stage.row(within=20)
    assert stage.rung == ()
    assert row.outcome == Outcome.MESSAGE
    assert row.verdict not in {UNWANTED, WANTED, SILENT}, told({"chatter": row})


async def test_a_person_who_talks_at_once_then_stops_and_keys_rings(stage: Stage) -> None:
    async with stage.caller() as call:
        await call.answered()
        await call.speak(speech.say(CHATTER, "flite:rms")[: 2 * 8000 * 4] + speech.silence(1.2))
        await call.key("2")
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)
    row = await stage.row(within=20)
    assert (row.outcome, row.verdict) == (Outcome.CONNECTED, PERSON)


async def test_music_and_tones_are_no_people_and_ring_nothing(stage: Stage) -> None:
    sounds = {
        "music": tones.music(22.0),
        "chords": tones.played_chords(22.0),
        "busy": tones.busy(22.0),
        "ringback": tones.ringback(22.0),
        "fax": tones.fax_calling(22.0),
    }
    rows = await play_at_once(stage, sounds)
    assert stage.rung == (), told(rows)
    assert PERSON not in {row.verdict for row in rows.values()}, told(rows)
    assert {row.outcome for row in rows.values()}.isdisjoint({Outcome.CONNECTED, Outcome.FAILED})
    for name in ("busy", "ringback", "fax"):
        assert any(name in line for line in rows[name].evidence), told(rows)
    assert any("music" in line for line in rows["music"].evidence), told(rows)


async def test_a_silent_call_is_counted_ended_and_not_mailed(stage: Stage) -> None:
    async with stage.caller(noise_dbfs=-60.0) as hiss, stage.caller("+12125550199") as mute:
        results = await asyncio.gather(hiss.ended(within=40), mute.ended(within=40))
    assert {result.hung_up_by for result in results} == {"callee"}
    for number in (1, 2):
        row = await stage.row(within=20, number=number)
        assert (row.verdict, row.outcome) == (SILENT, Outcome.SILENT)
    assert stage.rung == ()
    assert not stage.mail.tried
