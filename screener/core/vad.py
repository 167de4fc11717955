"""Voice activity: 20 ms frames -> utterances, in seconds of audio.

`VoiceActivity` says of one frame whether it holds a voice: WebRTC's detector, a level that stands
out of the line's own noise, which it learns as it goes, and in front of both what knows tones
(tones.py) and music (music.py), which WebRTC's takes for speech. `Utterances` is the endpointing:
arithmetic on seconds, with nothing else in it. Frames are counted, not timed, so that the same
audio gives the same utterances, live or from a file.
"""

from __future__ import annotations

import audioop
import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import webrtcvad
from numpy.lib.stride_tricks import sliding_window_view

from screener.core.audio import FRAME_BYTES, FRAME_SAMPLES, FRAME_SECONDS, RATE
from screener.core.music import MUSIC_WINDOW, STEP, VOICE_ABOVE, Music
from screener.core.script import Sound, Span, overlap
from screener.core.spectrum import QUIET, WINDOW, Samples, spectra
from screener.core.tones import BEEP, Tones

# WebRTC's second strictest mode. Of 186 clips, modes 1 to 3 pass the same people and robocalls
# through listening.py's gate; 3 also lets one of 4 recorded prompts pass, and misses short words.
_MODE = 2
# A voice stands at least this far above the quietest the line has been, in dB.
_ABOVE_NOISE = 8.0
# The noise floor follows a rising line noise at this pace (dB a second) and a falling one at once.
_FLOOR_RISE = 3.0
# Sound that has not once been softer for so long (seconds) is noise: noise that begins on a line
# that was digitally silent is known by then. Speech has its pauses between syllables.
_STEADY = 1.2
# WebRTC's detector is made for loud voices: of 60 people's words, brought to -40 dBFS, 43 passed
# listening.py's gate. A quiet line is made louder for it until its noise is at this level (dBFS),
# by 12 dB at most: then 59 pass, and all 60 as they are. More harms on lines that are overdriven.
_GAINED_TO, _HIGHEST_GAIN = -58.0, 12.0
# Below this (dBFS) nothing on a telephone line is a voice that a person could understand: at -55,
# one of these 60 was too quiet in its softer parts.
_QUIETEST = -60.0
# The floor never claims more than this: a caller who talks from the first frame is no noise. Nor
# less: on a line that is digitally silent at first, noise would be long in being learnt.
_LOUDEST_FLOOR, _LOWEST_FLOOR = -35.0, -70.0
# Digital silence that is no longer than this (frames) is a packet that was lost, or a gap that
# Asterisk has filled: nothing is learnt from it. Each one that was taken for the line's own made
# 0.6 s of voice out of the noise behind it: with 1 % lost, of 186 clips on a noisy line 16 % more.
_LOST = 5
# A tone is looked for where the line is this far above its noise (dB); a tone's windows overlap
# its begin by up to so much (seconds).
_TONE_ABOVE = 4.0
_EDGE = 2 * FRAME_SECONDS
# A peak is a bin of 25 Hz with this share of the power. Of 97 people's short clips the most hoarse
# has 3 windows (of 40 ms) with one, all others 6 and more. Bursts of white noise have none, of pink
# noise 1 in 8 windows or fewer, so that a tenth of an utterance's windows must have one.
_PEAK, _FEWEST_PEAKS, _PEAKS = 0.1, 2, 0.1
# A pure tone of less than this (seconds) may be a note of music.
_LONGEST_NOTE = 0.7
NOISE = "noise"
_FULL_SCALE_POWER = 32768.0**2
_SILENCE_POWER = 1e-3
# Low voices have this much of a constant part in 20 ms, too (of 32,768).
_LEAST_CONSTANT = 200

# Quiet of this length (seconds) ends an utterance. Measured with the gate of listening.py: 0.6 s on
# both sides passed 186 of 193 spoken digits and none of 264 recordings.
ENDPOINT = 0.6


class VoiceActivity:
    """Whether a frame holds a voice. One for each call: it learns that line's noise.

    It is given every frame since the call was answered, so that its times are the call's.
    """

    def __init__(self) -> None:
        self.mistaken_since: float | None = None
        """What was taken for voice from here on (seconds since answer) is known, by the last frame
        given, to be a sound that is none."""
        self._webrtc = webrtcvad.Vad(_MODE)
        self._floor = _LOUDEST_FLOOR
        self._frames = 0
        self._silent = 0  # frames of digital silence in a row
        # The last 128 ms and, in its last part, two frames each from one frame to the next.
        self._sound: Samples = np.zeros(MUSIC_WINDOW)
        last = self._sound[-(STEP + 1) * FRAME_SAMPLES :]
        self._windows = sliding_window_view(last, WINDOW)[::FRAME_SAMPLES]
        self._portion: list[bytes] = []  # up to four frames, with their levels
        self._levels: list[float] = []
        self._talks = False  # the last portion was looked at: loud throughout, and no tone
        self._lowest: deque[float] = deque(maxlen=round(_STEADY / (STEP * FRAME_SECONDS)))
        self._tones = Tones()
        self._music = Music()
        self._played: list[Sound] = []
        self._peaks: list[float] = []  # when the spectrum had a peak, as it has in every vowel

    def is_voice(self, frame: bytes) -> bool:
        """`frame` is 20 ms of 8 kHz 16-bit mono; one that is not whole is filled with silence."""
        if len(frame) != FRAME_BYTES:
            frame = frame[:FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
        frame = _without_constant(frame)
        loud = self._take(frame)
        self._learn_noise(loud)
        self.mistaken_since = None
        if len(self._levels) == STEP:
            self._look()
        if loud < max(_QUIETEST, self._floor + _ABOVE_NOISE) or self._is_other_sound(loud):
            return False
        return bool(self._webrtc.is_speech(self._louder(frame), RATE))

    def sounds(self, during: Span) -> tuple[Sound, ...]:
        """What was heard during a stretch that is no voice, such as music, whole."""
        found = list(self._tones.during(during.start, during.end))
        played = [*self._played, *self._playing()]
        found += [s for s in played if s.end > during.start and s.start < during.end]
        return tuple(sorted(found, key=lambda sound: sound.start))

    def other_sound(self, during: Span) -> str:
        """What a stretch that was taken for voice is on the whole: "music", "noise"; "" for voice.

        Noise is a breath, a rustle: every word has a vowel, and a vowel's spectrum has a peak.
        """
        sounds = self.sounds(during)
        known = max(sounds, key=lambda sound: overlap(during, sound), default=None)
        if known is not None and sum(overlap(during, s) for s in sounds) > during.seconds / 2:
            return known.kind
        if self._tones.is_beep(during.start, during.end):
            return BEEP
        peaks = bisect_right(self._peaks, during.end) - bisect_left(self._peaks, during.start)
        windows = during.seconds / (2 * FRAME_SECONDS)
        return NOISE if peaks < max(_FEWEST_PEAKS, windows * _PEAKS) else ""

    def _take(self, frame: bytes) -> float:
        """Put the frame to the others; its loudness (RMS) in dBFS."""
        if len(self._levels) == STEP:
            self._levels.clear()
            self._portion.clear()
        self._portion.append(frame)
        self._frames += 1
        power = audioop.rms(frame, 2) ** 2
        level = 10 * math.log10(max(power, _SILENCE_POWER) / _FULL_SCALE_POWER)
        self._levels.append(level)
        return level

    def _learn_noise(self, loud: float) -> None:
        """Let the floor follow a frame's level; a tone is not the line's noise."""
        self._silent = self._silent + 1 if loud < _LOWEST_FLOOR else 0
        if 0 < self._silent <= _LOST:
            return
        rise = _FLOOR_RISE * FRAME_SECONDS if self._tones.since is None else 0.0
        floor = max(min(self._floor + rise, loud), _LOWEST_FLOOR)
        if len(self._levels) == STEP:
            self._lowest.append(min(self._levels))
            if rise and len(self._lowest) == self._lowest.maxlen:
                floor = max(floor, min(self._lowest))
        self._floor = min(floor, _LOUDEST_FLOOR)

    def _louder(self, frame: bytes) -> bytes:
        """The frame as WebRTC's detector is given it."""
        gain = min(_GAINED_TO - self._floor, _HIGHEST_GAIN)
        louder: bytes = audioop.mul(frame, 2, 10 ** (gain / 20)) if gain > 0 else frame
        return louder

    @property
    def _now(self) -> float:
        return self._frames * FRAME_SECONDS

    def _look(self) -> None:
        """Look at the last four frames for tones and music."""
        sound = self._sound
        sound[: -STEP * FRAME_SAMPLES] = sound[STEP * FRAME_SAMPLES :]
        sound[-STEP * FRAME_SAMPLES :] = np.frombuffer(b"".join(self._portion), "<i2")
        tone, music = self._tones.since, self._music.since
        self._look_for_tones()
        if tone is None and self._tones.since is not None:
            self.mistaken_since = self._tones.since - _EDGE
        since = self._tones.since
        if music is None and since is not None and self._now - since > _LONGEST_NOTE:
            self._music.forget()
            return
        self._music.hear(self._sound, self._levels, self._now)
        if music is None and self._music.since is not None:
            self.mistaken_since = self._music.since
        elif music is not None and self._music.since is None:
            if self._played and self._played[-1].end >= music:  # it had only paused
                music = self._played.pop().start
            self._played.append(Sound(self._music.kind, music, self._now))

    def _look_for_tones(self) -> None:
        least = max(_QUIETEST, self._floor + _TONE_ABOVE)
        if self._talks and min(self._levels) >= least:
            # Who talks is looked at in every second portion: it halves what all this costs.
            self._talks = False
            if self._peaks and self._peaks[-1] > self._now - 2 * STEP * FRAME_SECONDS:
                self._peaks.append(self._now)
            return
        found = [QUIET] * STEP
        if max(self._levels) >= least:
            noise = _FULL_SCALE_POWER * 10 ** (self._floor / 10)
            # Every second window holds all of the sound; the others are for what may be a tone.
            found[1::2] = spectra(self._windows[1::2], noise)
            if self._tones.since is not None or any(spectrum.lines for spectrum in found):
                found[::2] = spectra(self._windows[::2], noise)
        for number, (level, spectrum) in enumerate(zip(self._levels, found, strict=True)):
            end = self._now - (STEP - 1 - number) * FRAME_SECONDS
            if number % 2 and spectrum.peak > _PEAK:
                self._peaks.append(end)
            self._tones.window(spectrum if level >= least else QUIET, end)
        self._talks = min(self._levels) >= least and not self._tones.may_begin

    def _is_other_sound(self, level: float) -> bool:
        """Whether what sounds now is a tone, or no louder than the music that is playing."""
        if self._tones.since is not None:
            return True
        return self._music.since is not None and level < self._music.level + VOICE_ABOVE

    def _playing(self) -> tuple[Sound, ...]:
        """The music that is playing now."""
        since = self._music.since
        return () if since is None else (Sound(self._music.kind, since, self._now),)


def _without_constant(frame: bytes) -> bytes:
    """The frame without its constant (DC) part, where that is more than a codec's rounding."""
    mean = audioop.avg(frame, 2)
    if abs(mean) <= _LEAST_CONSTANT:
        return frame
    samples = np.frombuffer(frame, "<i2").astype(np.int32) - mean
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


@dataclass(slots=True)
class Utterances:
    """Runs of voice, each ended by `ENDPOINT` seconds of quiet.

    Feed it (is_voice) frame by frame. A single frame of voice, a click, begins nothing.
    """

    now: float = 0.0
    begun: float | None = None
    last_voice: float = 0.0
    _recent: list[bool] = field(default_factory=list)

    def frame(self, is_voice: bool) -> Span | None:
        """Take one frame; an utterance that this frame's quiet has ended, or None."""
        frame_start = self.now
        self.now += FRAME_SECONDS
        self._recent = [*self._recent[-2:], is_voice]
        if is_voice:
            if self.begun is None and sum(self._recent) >= 2:
                self.begun = frame_start - FRAME_SECONDS
            if self.begun is not None:
                self.last_voice = self.now
        if self.begun is not None and self.now - self.last_voice >= ENDPOINT - FRAME_SECONDS / 2:
            ended = Span(self.begun, self.last_voice)
            self.begun = None
            return ended
        return None

    def hear(self, activity: VoiceActivity, pcm: bytes) -> Span | None:
        """Take one frame of audio (20 ms); an utterance that its quiet has ended, or None."""
        is_voice = activity.is_voice(pcm)
        if activity.mistaken_since is not None:
            self.withdraw(activity.mistaken_since)
        return self.frame(is_voice)

    def withdraw(self, since: float) -> None:
        """What was taken for voice from this time on was none."""
        self._recent = []
        if self.begun is None or self.last_voice <= since:
            return
        if since <= self.begun + FRAME_SECONDS:
            self.begun = None
        else:
            self.last_voice = since

    def running(self) -> Span | None:
        """The utterance that is not over yet."""
        return None if self.begun is None else Span(self.begun, self.last_voice)


class VoiceMeter:
    """How much of a recording holds a voice, while it is made: frame by frame (20 ms)."""

    def __init__(self) -> None:
        self.utterances = Utterances()
        self._activity = VoiceActivity()
        self._voiced = bytearray()  # a byte for each frame: an hour has 180,000

    @property
    def seconds(self) -> float:
        """How many seconds hold a voice."""
        return sum(self._voiced) * FRAME_SECONDS

    def frame(self, pcm: bytes) -> None:
        """The next frame (8 kHz 16-bit mono)."""
        is_voice = self._activity.is_voice(pcm)
        self._voiced.append(is_voice)
        since = self._activity.mistaken_since
        if since is not None:
            self.utterances.withdraw(since)
            mistaken = max(0, round(since / FRAME_SECONDS))
            self._voiced[mistaken:] = bytes(len(self._voiced) - mistaken)
        self.utterances.frame(is_voice)


def speech_seconds(frames: Iterable[bytes]) -> float:
    """How many seconds of a recording's frames (20 ms of 8 kHz 16-bit mono) hold a voice."""
    meter = VoiceMeter()
    for frame in frames:
        meter.frame(frame)
    return meter.seconds
