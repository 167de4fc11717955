"""Voice activity: 20 ms frames -> utterances, in seconds of audio.

`VoiceActivity` says of one frame whether it holds a voice: WebRTC's detector, and a level that
stands out of the line's own noise, which it learns as it goes. `Utterances` is the endpointing:
arithmetic on seconds, with nothing else in it. Frames are counted, not timed, so that the same
audio gives the same utterances, live or from a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import webrtcvad

from screener.core.audio import FRAME_SECONDS, RATE, level
from screener.core.script import Sound, Span

# WebRTC's second strictest mode. Of 186 clips, modes 1 to 3 pass the same people and robocalls
# through listening.py's gate; 3 also lets one of 4 recorded prompts pass, and misses short words.
_MODE = 2
# A voice stands at least this far above the quietest the line has been, in dB.
_ABOVE_NOISE = 8.0
# The noise floor follows a rising line noise at this pace (dB a second) and a falling one at once.
_FLOOR_RISE = 3.0
# Below this (dBFS) nothing on a telephone line is a voice that a person could understand.
_QUIETEST = -55.0
# The floor never claims more than this: a caller who talks from the first frame is no noise.
_LOUDEST_FLOOR = -35.0

# Quiet of this length (seconds) ends an utterance. Measured with the gate of listening.py: 0.6 s on
# both sides passed 186 of 193 spoken digits and none of 264 recordings.
ENDPOINT = 0.6


class VoiceActivity:
    """Whether a frame holds a voice. One for each call: it learns that line's noise.

    It is given every frame since the call was answered, so that its times are the call's.
    """

    def __init__(self) -> None:
        self._webrtc = webrtcvad.Vad(_MODE)
        self._floor = _LOUDEST_FLOOR

    def is_voice(self, frame: bytes) -> bool:
        """`frame` is 20 ms of 8 kHz 16-bit mono."""
        loud = level(frame)
        self._floor = min(self._floor + _FLOOR_RISE * FRAME_SECONDS, loud, _LOUDEST_FLOOR)
        if loud < max(_QUIETEST, self._floor + _ABOVE_NOISE):
            return False
        return bool(self._webrtc.is_speech(frame, RATE))

    def sounds(self, during: Span) -> tuple[Sound, ...]:
        """What was heard during a stretch that is no voice, such as music, whole."""
        return ()


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

    def running(self) -> Span | None:
        """The utterance that is not over yet."""
        return None if self.begun is None else Span(self.begun, self.last_voice)


def speech_seconds(frames: Iterable[bytes]) -> float:
    """How many seconds of a recording's frames (20 ms of 8 kHz 16-bit mono) hold a voice."""
    activity = VoiceActivity()
    return sum(activity.is_voice(frame) for frame in frames) * FRAME_SECONDS
