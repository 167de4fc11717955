"""Sound files: every kind that people have, in every state in which they have it."""

from __future__ import annotations

import math
import struct
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screener.core.audio import FRAME_BYTES, RATE, encode_ulaw, level
from screener.errors import ClipError
from screener.rehearsal.clips import SUFFIXES, Raw, open_clip
from tests.core.sounds import encode_alaw

SECONDS = 1.5


def tone(seconds: float = SECONDS, hertz: float = 440.0, rate: int = RATE) -> bytes:
    count = round(seconds * rate)
    return struct.pack(
        f"<{count}h",
        *(round(8000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(count)),
    )


TONE = tone()


def wav(path: Path, pcm: bytes = TONE, rate: int = RATE, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as sound:
        sound.setparams((channels, width, rate, 0, "NONE", ""))
        sound.writeframes(pcm)
    return path


def converted(source: Path, name: str, *options: str) -> Path:
    target = source.with_name(name)
    command = ["ffmpeg", "-v", "error", "-y", "-i", f"file:{source}", *options, f"file:{target}"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


def heard(path: Path, raw: Raw | None = None) -> bytes:
    frames = list(open_clip(path, raw).frames())
    assert all(len(frame) == FRAME_BYTES for frame in frames)
    return b"".join(frames)


def refusal(path: Path, raw: Raw | None = None) -> str:
    """The sentence with which a file is refused, at once or when it is read."""
    with pytest.raises(ClipError) as caught:
        heard(path, raw)
    assert str(caught.value).isprintable()
    assert path.name.isprintable() is (path.name in str(caught.value))
    return str(caught.value)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return wav(tmp_path / "plain.wav")


def test_a_telephones_wav_is_itself_and_needs_no_ffmpeg(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    clip = open_clip(plain)
    assert (clip.form, clip.seconds, clip.remarks) == ("wav, 8000 Hz", SECONDS, [])
    assert b"".join(clip.frames()) == TONE
    assert b"".join(clip.frames()) == TONE  # as often as it is asked for


@pytest.mark.parametrize(
    ("name", "options", "form"),
    [
        ("a.mp3", ["-ar", "44100", "-ac", "2"], "mp3, 44100 Hz, 2 channels"),
        ("a.flac", ["-ar", "48000"], "flac, 48000 Hz"),
        ("a.ogg", ["-ar", "16000"], "vorbis, 16000 Hz"),
        ("a.opus", ["-ar", "48000"], "opus, 48000 Hz"),
        ("a.m4a", ["-ar", "22050"], "aac, 22050 Hz"),
        ("wide.wav", ["-ar", "44100"], "pcm_s16le, 44100 Hz"),
        ("24.wav", ["-c:a", "pcm_s24le"], "pcm_s24le, 8000 Hz"),
        ("float.wav", ["-c:a", "pcm_f32le"], "pcm_f32le, 8000 Hz"),
        ("mulaw.wav", ["-c:a", "pcm_mulaw"], "wav, 8000 Hz"),
        ("alaw.wav", ["-c:a", "pcm_alaw"], "wav, 8000 Hz"),
        ("8bit.wav", ["-c:a", "pcm_u8"], "wav, 8000 Hz"),
        ("stereo.wav", ["-ac", "2"], "wav, 8000 Hz, 2 channels"),
    ],
)
def test_every_kind_is_heard(plain: Path, name: str, options: list[str], form: str) -> None:
    path = converted(plain, name, *options)
    clip = open_clip(path)
    pcm = b"".join(clip.frames())
    assert clip.form == form
    assert clip.seconds == pytest.approx(SECONDS, abs=0.15)  # encoders pad
    assert len(pcm) / 2 / RATE == pytest.approx(SECONDS, abs=0.15)
    # ffmpeg makes two channels of one at 3 dB less each.
    expected = level(TONE) - (3 if clip.remarks else 0)
    assert level(pcm[RATE // 2 : RATE]) == pytest.approx(expected, abs=1.0)
    mixed = ["its 2 channels are mixed to one"] if "2 channels" in form else []
    assert clip.remarks == mixed


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_raw_files_are_known_by_their_names(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix.upper()}"
    codecs: dict[Raw, Callable[[bytes], bytes]]
    codecs = {Raw.ULAW: encode_ulaw, Raw.ALAW: encode_alaw, Raw.SLIN: bytes}
    encode = codecs[SUFFIXES[suffix]]
    path.write_bytes(encode(TONE))
    assert level(heard(path)) == pytest.approx(level(TONE), abs=0.1)
    assert open_clip(path).seconds == SECONDS


def test_raw_files_of_other_names_are_what_is_said_and_others_stay_what_they_are(
    plain: Path,
) -> None:
    path = plain.with_name("call.bin")
    path.write_bytes(encode_alaw(TONE))
    assert level(heard(path, Raw.ALAW)) == pytest.approx(level(TONE), abs=0.1)
    assert heard(plain, Raw.ALAW) == TONE
    mp3 = converted(plain, "a.mp3")
    assert open_clip(mp3, Raw.ULAW).form.startswith("mp3")


def test_two_channels_are_mixed(tmp_path: Path) -> None:
    left, right = struct.pack("<2h", 1000, -3000), struct.pack("<2h", 32767, 32767)
    pcm = heard(wav(tmp_path / "a.wav", (left + right) * 80, channels=2))
    assert struct.unpack_from("<2h", pcm) == (-1000, 32767)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 4 * len(TONE)])
@pytest.mark.parametrize("rate", [RATE, 16000])
def test_a_header_that_does_not_know_how_long_it_is(tmp_path: Path, length: int, rate: int) -> None:
    path = wav(tmp_path / "a.wav", tone(rate=rate), rate)
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", length)
    path.write_bytes(data)
    assert len(heard(path)) == len(TONE)
    assert open_clip(path).remarks == [
        "its header does not say how long it is; all that follows was heard"
    ]


def test_what_stands_behind_the_sound_is_no_sound(plain: Path) -> None:
    with plain.open("ab") as file:
        file.write(b"LIST" + struct.pack("<I", 2000) + b"\x55" * 2000)
    assert heard(plain) == TONE


def test_a_last_part_of_a_frame_is_filled_with_silence(tmp_path: Path) -> None:
    pcm = heard(wav(tmp_path / "a.wav", tone(0.03)))
    assert pcm == tone(0.03) + bytes(160)


def test_odd_bytes_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sln"
    path.write_bytes(TONE + b"\x7f")
    assert heard(path) == TONE


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.wav", b"", "holds no sound: it is empty"),
        ("empty.mp3", b"", "holds no sound: it is empty"),
        ("empty.ul", b"", "holds no sound: it is empty"),
        (
            "text.txt",
            b"not a sound at all\n" * 50,
            "is no sound file that can be read: expected wav",
        ),
        (
            "text.wav",
            b"not a sound at all\n" * 50,
            "is no sound file that can be read: expected wav",
        ),
        ("zeros.mp3", bytes(5000), "is no sound file that can be read"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:9,\nplain.wav\n", "is no sound file"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile plain.wav\n", "is no sound file"),
        ("esc\x1b[2J.mp3", b"x", "esc\\x1b[2J.mp3 is no sound file"),
    ],
)
def test_what_is_no_sound_is_said(plain: Path, name: str, content: bytes, said: str) -> None:
    path = plain.with_name(name)
    path.write_bytes(content)
    assert said in refusal(path)


def test_a_header_without_sound_is_empty(tmp_path: Path) -> None:
    assert refusal(wav(tmp_path / "a.wav", b"")).endswith("holds no sound: it is empty")


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    assert refusal(tmp_path).endswith("is a folder: name the sound files in it")
    assert refusal(tmp_path / "a.wav").endswith("there is no such file")
    assert "is no file that can be read" in refusal(Path("/dev/zero"))
    assert "no such file" in refusal(Path("/dev/null/a.wav"))
    with pytest.raises(ClipError, match="no such file"):
        open_clip(Path("a\0.wav"))
    with pytest.raises(ClipError, match=r"cannot be read|no such file"):
        open_clip(tmp_path / ("a" * 300))


def test_without_ffmpeg_it_is_said_what_to_install(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = converted(plain, "a.mp3")
    monkeypatch.setenv("PATH", "")
    assert refusal(path).endswith("which is not installed: apt-get install ffmpeg")


@pytest.mark.parametrize(
    "name", ["-i.mp3", "http:x.mp3", "%d.mp3", "a b;c'$(x).mp3", "concat:a|b.mp3"]
)
def test_names_of_files_are_only_names(
    plain: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted(plain, name)
    monkeypatch.chdir(plain.parent)
    assert level(heard(Path(name))[RATE // 2 : RATE]) == pytest.approx(level(TONE), abs=1.0)


def test_a_damaged_file_is_heard_as_far_as_it_can_be_read(plain: Path) -> None:
    path = converted(plain, "a.mp3")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(500) + data[len(data) // 2 :])
    clip = open_clip(path)
    assert 0.4 < len(list(clip.frames())) * 0.02 < SECONDS + 0.2
    assert clip.remarks == ["it is damaged: what could be read of it was heard"]


@pytest.mark.parametrize("name", ["hour.ul", "hour.flac"])
def test_who_has_heard_enough_of_an_hour_reads_no_further(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hour.ul"
    path.write_bytes(encode_ulaw(tone(60.0)) * 60)
    if name.endswith(".flac"):
        raw = ["-f", "mulaw", "-ar", "8000", "-i", f"file:{path}"]
        path = tmp_path / name
        subprocess.run(["ffmpeg", "-v", "error", *raw, f"file:{path}"], check=True)
    clip = open_clip(path)
    assert clip.seconds == pytest.approx(3600.0)
    running: list[subprocess.Popen[bytes]] = []
    started: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen

    def popen(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        running.append(started(*arguments, **options))
        return running[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    frames = clip.frames()
    for _ in range(100):
        next(frames)
    frames.close()  # type: ignore[attr-defined]  # a generator, as all iterators over frames are
    assert all(process.poll() is not None for process in running)
    assert len(running) == name.endswith(".flac")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"RIFF", b"ID3\x04", b"fLaC", b"OggS", b"\xff\xfb\x90\x00"]),
    st.sampled_from(["a.wav", "a.mp3", "a.flac", "a.ogg", "a"]),
)
def test_random_bytes_are_heard_or_refused(
    tmp_path: Path, content: bytes, magic: bytes, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(magic + content)
    try:
        assert len(heard(path)) % FRAME_BYTES == 0
    except ClipError as error:
        assert name in str(error)


CHUNKS = st.lists(
    st.tuples(
        st.sampled_from([b"fmt ", b"data", b"LIST", b"fact", b"junk"]),
        st.integers(0, 0xFFFFFFFF) | st.integers(0, 60),
        st.binary(max_size=60),
    ),
    max_size=6,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CHUNKS)
def test_no_header_is_too_strange(tmp_path: Path, chunks: list[tuple[bytes, int, bytes]]) -> None:
    path = tmp_path / "a.wav"
    body = b"".join(struct.pack("<4sI", kind, length) + rest for kind, length, rest in chunks)
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", len(body), b"WAVE") + body)
    try:
        assert len(heard(path)) % FRAME_BYTES == 0
    except ClipError as error:
        assert "a.wav" in str(error)
