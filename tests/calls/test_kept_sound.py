"""What a call sounded like is kept, and listening to it again comes to the call's own verdict."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from pathlib import Path
from typing import Any

from screener.calls.heardaudio import HeardAudio
from screener.rehearsal.clips import open_clip
from tests.calls import speech
from tests.calls.patience import talk, until
from tests.calls.stage import FRIEND, Stage


async def kept(stage: Stage, call: int) -> Path:
    """The file of a call that is over; it is written just after its row."""
    path = HeardAudio(stage.settings.data, 1.0).path(call)
    await until(path.exists, "its sound is kept")
    return path


async def heard_again(stage: Stage, call: int) -> dict[str, Any]:
    """What `screener listen --call` says of it."""
    command = ("-m", "screener", "listen", "--json", "--dir", str(stage.home), "--call", str(call))
    pipe = asyncio.subprocess.PIPE
    listen = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=pipe)
    out, _ = await listen.communicate()
    assert listen.returncode == 0
    told: dict[str, Any] = json.loads(out)
    return told


async def test_a_person_is_a_person_again(stage: Stage) -> None:
    office = speech.say("office")
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.hear_quiet(1.2, within=30)
        await call.speak(office)
        await stage.phones["office"].answered(within=10)
        await call.speak(office + speech.silence(1.0))  # to the phone: that is nobody's business
    row = await stage.row(within=20)
    path = await kept(stage, row.id)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = await heard_again(stage, row.id)
    assert (told["verdict"], told["rang"]) == (row.verdict, True) == ("person", True)
    (answer,) = [text for text in told["evidence"] if "answered" in text]
    assert '"office"' in answer
    length = open_clip(path).seconds
    assert length is not None
    assert length < told["seconds"] + 1.5  # it ends where the phone rang


async def test_of_who_rings_straight_through_nothing_is_kept(stage: Stage) -> None:
    async with stage.caller(FRIEND) as call:
        await stage.phones["kitchen"].rang(within=5)
        await call.answered()
        await talk(stage, call)
    friend = await stage.row(within=20)
    async with stage.caller() as call:
        await call.answered()
        await call.hear_sound(within=5)
        await call.key("2")
        await stage.phones["office"].answered(within=10)
        await talk(stage, call)
    await kept(stage, (await stage.row(within=20, number=2)).id)
    assert not HeardAudio(stage.settings.data, 1.0).path(friend.id).exists()
