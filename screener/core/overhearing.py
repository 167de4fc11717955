"""Hearing a recording out: frames -> when it is over.

A wanted robot tells all that it has to say; nothing is played meanwhile. Like listening.py this has
no clock: time is the caller's audio, counted in frames, since the call was answered.
"""

from __future__ import annotations

from screener.core.script import Overhear, RecordedBy
from screener.core.vad import Utterances, VoiceActivity


class Overhearing:
    """One `Overhear` in progress. Feed it until `over` is set.

    `now` is where the call's audio stands, in seconds since answer: the box's limit counts from the
    answer on, as what is kept does. `activity` is the call's own.
    """

    def __init__(self, overhear: Overhear, activity: VoiceActivity, now: float) -> None:
        self.over: RecordedBy | None = None
        self._silence = overhear.silence
        self._limit = overhear.box.limit
        self._activity = activity
        self._utterances = Utterances(now=now)
        self._begun = now

    @property
    def speaking(self) -> bool:
        """Whether the recording is speaking at this moment."""
        return self._utterances.begun is not None

    def frame(self, pcm: bytes) -> None:
        """The next 20 ms of the caller's audio (8 kHz 16-bit mono)."""
        self._utterances.hear(self._activity, pcm)
        now = self._utterances.now
        quiet = now - max(self._begun, self._utterances.last_voice)
        if now >= self._limit:
            self.over = RecordedBy.LIMIT
        elif quiet >= self._silence:
            self.over = RecordedBy.SILENCE
