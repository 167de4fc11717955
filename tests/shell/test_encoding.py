"""What a message sounds like when it is mailed: real speech, real ffmpeg, tags read by mutagen."""

import base64
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from mutagen.flac import Picture
from mutagen.mp3 import MP3
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE

from screener.core.delivery import Record, as_json
from screener.core.frontdoor import SoundFormat
from screener.core.letter import Letter
from screener.sound import tagging
from screener.sound.recording import Encoded, encoded, parts
from tests.calls.speech import (
    change_level,
    decode,
    level_dbfs,
    likeness,
    line_noise,
    mix,
    recordings,
    say,
    seconds_of,
    silence,
    tone,
    wav,
)
from tests.shell.post import LETTER, content

MP3_32, OPUS_24, WAV_0 = (SoundFormat.MP3, 32000), (SoundFormat.OPUS, 24000), (SoundFormat.WAV, 0)
FORMATS = [MP3_32, OPUS_24, WAV_0, (SoundFormat.MP3, 16000), (SoundFormat.OPUS, 8000)]
TEXT = (
    "Hello, this is your neighbour from across the street. Your parcel was left with us this"
    " morning. Come over whenever you like, we are at home until nine."
)


def message(tmp_path: Path, pcm: bytes, letter: Letter | None = None) -> Path:
    """A message's folder as the spool keeps it."""
    folder = tmp_path / "20261120T220311-0a1b2c3d"
    folder.mkdir()
    (folder / "audio.wav").write_bytes(wav(pcm))
    if letter is not None:
        now = datetime(2026, 11, 20, 22, 4, tzinfo=UTC)
        record = Record.begun(folder.name, letter, "door@example.org", now)
        (folder / "letter.json").write_text(as_json(record), encoding="ascii")
    return folder


def on_a_line(pcm: bytes, noise: float = -60.0) -> bytes:
    """With the noise of a line that is good."""
    return mix(pcm, line_noise(seconds_of(pcm), noise))


def key(seconds: float, low: float = 852.0, high: float = 1336.0) -> bytes:
    """The tone of a telephone's key."""
    return mix(tone(low, seconds, -12), tone(high, seconds, -12))


def measured(path: Path) -> tuple[float, float]:
    """The integrated loudness (LUFS) and the true peak (dBTP) of a file, by ffmpeg's own meter."""
    command = ["ffmpeg", "-nostdin", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
    summary = told[told.rindex("Summary:") :]
    loudness, peak = (re.search(rf"{name}:\s+(\S+) ", summary) for name in ("I", "Peak"))
    assert loudness is not None
    assert peak is not None
    return float(loudness[1]), float(peak[1])


def tags_of(sound: Encoded) -> Mapping[str, str]:
    """A file's tags under the same names, whatever its format calls them."""
    if sound.form is SoundFormat.OPUS:
        comments = OggOpus(sound.path)
        return {name: values[0] for name, values in comments.items() if "picture" not in name}
    frames = (MP3 if sound.form is SoundFormat.MP3 else WAVE)(sound.path).tags
    named = {
        **{"TIT2": "title", "TPE1": "artist", "TALB": "album", "TDRC": "date"},
        **{"COMM": "comment", "TCON": "genre", "TRCK": "track"},
    }
    return {named[f.FrameID]: str(f) for f in frames.values() if f.FrameID in named}


def picture_in(sound: Encoded) -> bytes:
    if sound.form is SoundFormat.OPUS:
        block = OggOpus(sound.path)["metadata_block_picture"][0]
        picture = Picture(base64.b64decode(block))
        assert (picture.mime, picture.type, picture.width) == ("image/png", 3, 1400)
        return bytes(picture.data)
    [frame] = (MP3 if sound.form is SoundFormat.MP3 else WAVE)(sound.path).tags.getall("APIC")
    assert (frame.mime, frame.type) == ("image/png", 3)
    return bytes(frame.data)


# In every format ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "bits"), FORMATS)
def test_the_whole_message_is_there_and_as_loud_as_podcasts_are(
    tmp_path: Path, form: SoundFormat, bits: int
) -> None:
    said = say(TEXT)
    taken = on_a_line(silence(3) + said + silence(6) + key(0.4) + silence(0.3))
    sound = encoded(message(tmp_path, taken), form, bits)
    assert (sound.form, sound.bits, sound.remark) == (form, bits, "")
    assert sound.size == sound.path.stat().st_size
    heard = decode(content(sound.path))
    assert sound.seconds == pytest.approx(seconds_of(heard), abs=0.1)
    assert sound.seconds == pytest.approx(seconds_of(said) + 0.8, abs=0.3)
    assert likeness(heard, said) > (0.95 if bits == 0 or bits > 16000 else 0.85)
    loudness, peak = measured(sound.path)
    assert loudness == pytest.approx(-19.0, abs=1.0)
    assert peak <= -1.0


@pytest.mark.parametrize(("form", "bits"), [MP3_32, OPUS_24, WAV_0])
def test_a_player_shows_it_well(tmp_path: Path, form: SoundFormat, bits: int) -> None:
    letter = replace(LETTER, zone="Europe/Berlin")
    sound = encoded(message(tmp_path, on_a_line(say(TEXT)), letter), form, bits)
    assert tags_of(sound) == {
        "title": "Message from Mom, 20 November 2026, 23:03",
        "artist": "Mom (+1 805 555 0142)",
        "album": "office",
        "date": "2026-11-20 23:03:11" if form is not SoundFormat.OPUS else "2026-11-20T23:03:11",
        "comment": "nobody answered",
        "genre": "Podcast",
    }
    cover = picture_in(sound)
    assert cover == tagging.cover()
    assert cover.startswith(b"\x89PNG")
    assert len(cover) < 10000


@pytest.mark.parametrize(("form", "bits"), [MP3_32, OPUS_24, WAV_0])
def test_a_hostile_name_is_harmless_in_tags(tmp_path: Path, form: SoundFormat, bits: int) -> None:
    name = "A\r\nB\x00\x1b[2J\u202e<b>\"'" + "x" * 4096
    letter = replace(LETTER, name=name, why=name)
    sound = encoded(message(tmp_path, say("Hello."), letter), form, bits)
    assert sound.remark == ""
    for text in tags_of(sound).values():
        assert text.isprintable()
        assert len(text) <= 300
    assert tags_of(sound)["artist"].startswith("A\\r\\nB\\x00\\x1b[2J\\u202e<b>")


def test_a_message_of_which_nothing_is_known_has_a_title(tmp_path: Path) -> None:
    folder = message(tmp_path, say("Hello."))
    (folder / "letter.json").write_text('{"not": "a letter"}')
    sound = encoded(folder, *MP3_32)
    assert tags_of(sound) == {"title": "Message", "genre": "Podcast"}


# Where it begins and ends ------------------------------------------------------------------------


def test_keys_and_silence_are_gone_from_both_ends(tmp_path: Path) -> None:
    said = say("Please call me back.")
    taken = silence(2) + key(0.3, 697, 1209) + silence(1) + said + silence(0.2) + key(0.6)
    heard = decode(content(encoded(message(tmp_path, on_a_line(taken)), *WAV_0).path))
    assert seconds_of(heard) < seconds_of(said) + 0.8
    for low, high in ((697, 1209), (852, 1336)):
        assert likeness(heard, key(0.1, low, high)) < 0.3
    assert likeness(heard, said) > 0.97


def test_a_key_in_the_middle_stays(tmp_path: Path) -> None:
    said = say("Please call me back."), say("Until later.")
    taken = said[0] + silence(0.3) + key(0.3) + silence(0.3) + said[1]
    heard = decode(content(encoded(message(tmp_path, on_a_line(taken)), *WAV_0).path))
    assert seconds_of(heard) == pytest.approx(seconds_of(taken), abs=0.1)
    assert likeness(heard, key(0.2)) > 0.9


def test_who_begins_and_ends_softly_is_heard_from_his_first_sound(tmp_path: Path) -> None:
    """A second that is 20 dB softer than the rest, at both ends."""
    said = say(TEXT)
    head, rest, tail = said[:16000], said[16000:-16000], said[-16000:]
    soft = change_level(head, -20) + rest + change_level(tail, -20)
    taken = on_a_line(silence(3) + soft + silence(3), -66)
    heard = decode(content(encoded(message(tmp_path, taken), *WAV_0).path))
    assert seconds_of(soft) + 0.5 <= seconds_of(heard) <= seconds_of(soft) + 1.2
    for piece in (soft[:6400], soft[6400:12800], soft[-12800:-6400]):
        assert likeness(heard, piece) > 0.9


def test_people_are_not_cut(tmp_path: Path) -> None:
    """Real people on noisy lines, where recordings lie beside the repository."""
    people = [r for r in recordings() if r.kind == "human-utterance"][:3]
    for number, person in enumerate(people):
        said = person.pcm()
        place = tmp_path / str(number)
        place.mkdir()
        sound = encoded(message(place, line_noise(2, -60) + said + line_noise(2, -60)), *WAV_0)
        assert likeness(decode(content(sound.path)), said) > 0.97


# How loud it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [-38.0, -30.0, -12.0])
def test_soft_and_loud_callers_become_alike(tmp_path: Path, level: float) -> None:
    said = on_a_line(change_level(say(TEXT), level + 20), level - 45)
    loudness, peak = measured(encoded(message(tmp_path, said), *MP3_32).path)
    assert loudness == pytest.approx(-19.0, abs=1.0)
    assert peak <= -1.0


def test_a_whisper_is_not_blown_up_into_noise(tmp_path: Path) -> None:
    said = silence(2) + change_level(say(TEXT), -30) + silence(2)
    taken = on_a_line(said, -58)
    heard = decode(content(encoded(message(tmp_path, taken), *WAV_0).path))
    pause = heard[-4800:]
    assert -43 < level_dbfs(pause) < -37


def test_what_is_over_full_scale_is_limited_not_torn(tmp_path: Path) -> None:
    """Speech with one shout in it: the shout is turned down, and the rest is as loud as ever."""
    said = say(TEXT)
    shout = change_level(say("Hey!"), 17)
    sound = encoded(message(tmp_path, on_a_line(said + silence(0.5) + shout + said)), *MP3_32)
    assert measured(sound.path)[1] <= -1.0
    heard = decode(content(sound.path))
    assert likeness(heard, said) > 0.95


@pytest.mark.parametrize("seconds", [0.000125, 0.01, 0.1])
@pytest.mark.parametrize(("form", "bits"), [MP3_32, OPUS_24, WAV_0])
def test_a_moment_of_sound_can_be_mailed(
    tmp_path: Path, form: SoundFormat, bits: int, seconds: float
) -> None:
    sound = encoded(message(tmp_path, tone(440, seconds)), form, bits)
    assert sound.size > 44
    assert seconds_of(decode(content(sound.path))) >= 0.000125


def test_nothing_but_silence_stays_as_long_as_it_is(tmp_path: Path) -> None:
    sound = encoded(message(tmp_path, silence(90)), *MP3_32)
    assert sound.seconds == pytest.approx(90, abs=0.1)
    assert level_dbfs(decode(content(sound.path))) < -80


# In parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "bits"), [MP3_32, OPUS_24, WAV_0])
def test_parts_are_small_enough_and_hold_everything(
    tmp_path: Path, form: SoundFormat, bits: int
) -> None:
    said = say(TEXT)
    taken = on_a_line((said + silence(1)) * 3)
    folder = message(tmp_path, taken, LETTER)
    whole = encoded(folder, form, bits)
    largest = whole.size * 2 // 5
    made = parts(folder, form, bits, largest)
    assert len(made) >= 3
    assert all(0 < part.size <= largest for part in made)
    assert sum(part.seconds for part in made) == pytest.approx(whole.seconds, abs=0.15 * len(made))
    heard = b"".join(decode(content(part.path)) for part in made)
    assert likeness(heard, said) > 0.95
    for number, part in enumerate(made, 1):
        tags = tags_of(part)
        assert tags["title"].endswith(f" ({number} of {len(made)})")
        assert tags.get("track", f"{tags.get('tracknumber')}/{tags.get('tracktotal')}") == (
            f"{number}/{len(made)}"
        )
        assert picture_in(part)


def test_it_is_split_in_a_pause(tmp_path: Path) -> None:
    said = say("Please call me back when you are at home.")
    folder = message(tmp_path, on_a_line((said + silence(1)) * 5), LETTER)
    heard = [decode(content(part.path)) for part in parts(folder, *WAV_0, 200_000)]
    assert len(heard) > 1
    for before, after in pairwise(heard):
        assert level_dbfs(before[-1600:]) < -40
        assert level_dbfs(after[:1600]) < -40
