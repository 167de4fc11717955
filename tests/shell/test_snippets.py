"""Short pieces of what callers said, as they go with the weekly report."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from screener.calls.heardaudio import HeardAudio
from screener.config import load
from screener.core.audio import RATE
from screener.core.reckoning import gather
from screener.core.reportparts import NAMED
from screener.core.reporttext import by_command
from screener.report.reporting import clips_of, mail_of
from screener.report.snippets import LONGEST, snippet
from tests.fixtures import quarter
from tests.shell.household import PLAIN, Write

SILENCE, SOUND = b"\xff", b"\x90\x10" * 4  # mu-law


def seconds(mp3: bytes) -> float:
    """How long a sound is, decoded."""
    command = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-f", "s16le", "-ar", "8000", "pipe:1"]
    return len(subprocess.run(command, input=mp3, capture_output=True, check=True).stdout) / 16000


@pytest.mark.parametrize(("said", "long"), [(3, 3.3), (60, LONGEST)])
def test_it_begins_with_the_first_sound_and_is_short(
    tmp_path: Path, said: int, long: float
) -> None:
    heard = HeardAudio(tmp_path, 3600.0)
    heard.keep(7, SILENCE * RATE * 9 + SOUND * (RATE // 8 * said))
    clip = snippet(heard.path(7))
    assert clip is not None
    assert seconds(clip) == pytest.approx(long, abs=0.3)
    assert len(clip) < 70_000


def test_silence_and_what_is_no_sound_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = HeardAudio(tmp_path, 3600.0)
    heard.keep(7, SILENCE * RATE * 9)
    assert snippet(heard.path(7)) is None
    assert snippet(heard.path(8)) is None
    assert "8.wav is not in the report" in caplog.text


def test_what_those_said_who_gave_up_goes_with_the_mail(write: Write) -> None:
    settings = replace(load(write(PLAIN)), zone=quarter.ZONE)
    rows = list(quarter.week(quarter.rows()))
    gave_up = [row.id for row in rows if row.outcome == "gave up"]
    robots = [row.id for row in rows if row.verdict == "unwanted robot"]
    heard = HeardAudio(settings.data, 3600.0)
    for call in (gave_up[0], robots[0]):
        heard.keep(call, SOUND * (RATE // 8 * 3))
    report = gather(quarter.LAST, rows, quarter.ZONE, heard=heard.numbers())
    mail = mail_of(report, quarter.ZONE, by_command, clips_of(settings, report), lambda _: {})
    attached = [part.get_filename() for part in mail.iter_attachments()]
    assert attached == [f"call {gave_up[0]}.mp3"]
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert f"What he said is attached: call {gave_up[0]}.mp3" in body.get_content()


def test_of_callers_whom_the_report_does_not_name_nothing_is_attached(write: Write) -> None:
    settings = replace(load(write(PLAIN)), zone=quarter.ZONE)
    [one, *_] = [row for row in quarter.week(quarter.rows()) if row.outcome == "gave up"]
    twice = [
        replace(one, id=2 * n + again, number=f"+1415555{n:04}")
        for n in range(100, 100 + NAMED)
        for again in (0, 1)
    ]  # who called twice is named first
    last = replace(one, id=9999, number="+18055550142")
    heard = HeardAudio(settings.data, 3600.0)
    heard.keep(twice[1].id, SOUND * (RATE // 8 * 3))
    heard.keep(last.id, SOUND * (RATE // 8 * 3))
    report = gather(quarter.LAST, [*twice, last], quarter.ZONE, heard=heard.numbers())
    assert len(report.gave_up) == NAMED + 1
    clips = clips_of(settings, report)
    assert [*clips] == [twice[1].id]
    body = mail_of(report, quarter.ZONE, by_command, clips, lambda _: {}).get_body(("plain",))
    assert body is not None
    assert "805 555 0142" not in body.get_content()
    assert f"call {twice[1].id}.mp3" in body.get_content()
