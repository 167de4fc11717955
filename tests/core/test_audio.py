"""Frames, G.711 and loudness, against the standard's own numbers and against ffmpeg."""

from __future__ import annotations

import math
import struct
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core import audio
from tests.core.sounds import encode_alaw

SAMPLES = st.integers(-32768, 32767)
LAWS = [
    pytest.param(audio.encode_ulaw, audio.decode_ulaw, "mulaw", id="mu-law"),
    pytest.param(encode_alaw, audio.decode_alaw, "alaw", id="A-law"),
]
Codec = Callable[[bytes], bytes]


def pcm(*samples: int) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def samples(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 2}h", data)


def test_a_frame_is_twenty_milliseconds() -> None:
    assert (audio.FRAME_SAMPLES, audio.FRAME_BYTES, audio.FRAME_SECONDS) == (160, 320, 0.02)
    assert pcm(*[0] * audio.FRAME_SAMPLES) == audio.SILENCE


def test_values_are_the_standards() -> None:
    """Ends of the scale and of segments: G.711 table 2a in 14 bits, table 1a in 13."""
    mu_law = {0xFF: 0, 0xFE: 2, 0xEF: 33, 0xDF: 99, 0xCF: 231, 0x80: 8031, 0x00: -8031}
    a_law = {0xD5: 1, 0xD4: 3, 0xC5: 33, 0xF5: 66, 0xAA: 4032, 0x2A: -4032}
    assert samples(audio.decode_ulaw(bytes(mu_law))) == tuple(4 * v for v in mu_law.values())
    assert samples(audio.decode_alaw(bytes(a_law))) == tuple(8 * v for v in a_law.values())


@pytest.mark.parametrize(("encode", "decode", "law"), LAWS)
def test_every_code_means_what_ffmpeg_says(encode: Codec, decode: Codec, law: str) -> None:
    codes = bytes(range(256))
    coded = ["-f", law, "-ar", "8000", "-i", "pipe:0"]
    ffmpeg = subprocess.run(
        ["ffmpeg", "-v", "error", *coded, "-f", "s16le", "pipe:1"],
        input=codes,
        capture_output=True,
        check=True,
    )
    assert samples(decode(codes)) == samples(ffmpeg.stdout)


@pytest.mark.parametrize(("encode", "decode", "law"), LAWS)
def test_a_code_survives_decoding_and_encoding(encode: Codec, decode: Codec, law: str) -> None:
    negative_zero = {"mulaw": 0x7F}.get(law)
    for code in range(256):
        expected = 0xFF if code == negative_zero else code
        assert encode(decode(bytes([code]))) == bytes([expected])


@pytest.mark.parametrize(("encode", "decode", "law"), LAWS)
def test_no_other_code_is_nearer(encode: Codec, decode: Codec, law: str) -> None:
    """Half a quantising step at most is lost, and what the 14 or 13 bits of G.711 leave out before:
    a step grows with the sample (mu-law counts from -33 of 14 bits)."""
    every = range(-32768, 32768)
    for sample, back in zip(every, samples(decode(encode(pcm(*every)))), strict=True):
        half = (abs(sample) + 132) / 32 + 4 if law == "mulaw" else max(16, abs(sample) / 32) + 8
        assert abs(back - sample) <= (half if abs(sample) < 32000 else 700)


@pytest.mark.parametrize(("encode", "decode", "law"), LAWS)
@given(low=SAMPLES, high=SAMPLES)
def test_louder_stays_louder(encode: Codec, decode: Codec, law: str, low: int, high: int) -> None:
    low, high = sorted((low, high))
    first, second = samples(decode(encode(pcm(low, high))))
    assert first <= second


@pytest.mark.parametrize(("encode", "decode", "law"), LAWS)
@given(data=st.binary(max_size=400))
def test_decoding_takes_any_bytes(encode: Codec, decode: Codec, law: str, data: bytes) -> None:
    assert len(decode(data)) == 2 * len(data)
    assert decode(data) == b"".join(decode(bytes([code])) for code in data)


def test_level_is_relative_to_full_scale() -> None:
    assert audio.level(pcm(*[-32768] * 160)) == 0.0
    sine = pcm(*(round(32767 * math.sin(n * math.tau / 16)) for n in range(160)))
    assert audio.level(sine) == pytest.approx(-3.01, abs=0.01)
    assert audio.level(audio.SILENCE) == -math.inf
    assert audio.level(b"") == -math.inf


@given(frame=st.lists(st.integers(-3000, 3000), min_size=1, max_size=160))
def test_ten_times_as_loud_is_twenty_decibels(frame: list[int]) -> None:
    quiet, loud = audio.level(pcm(*frame)), audio.level(pcm(*(10 * s for s in frame)))
    assert loud == pytest.approx(quiet + 20) or quiet == -math.inf
