"""A message being spoken: frames and keys -> what is recorded, what the caller hears meanwhile, and
when it is over.

Like listening.py this has no clock: time is the caller's audio, counted in frames. What lies
between a pause and the beep that ends it is in no recording, and no silence ends it; but he who
pauses for too long has left what he said until then.
"""

from __future__ import annotations

from collections import deque

from screener.core.audio import FRAME_SECONDS
from screener.core.script import Record, RecordedBy
from screener.core.vad import VoiceMeter

LONGEST_PAUSE = 120.0
"""Seconds after which who has paused and does not go on is taken to be done."""
PAUSES = 600.0
"""Seconds that all pauses of a recording may last together."""

# So long before the limit (seconds) a caller is warned, or at two thirds of a shorter recording.
_WARNED = 30.0
_WARNED_AT = 2 / 3

# Who speaks as the beep ends has heard so before it is known here: so many frames before that are
# his. The beep itself is not in what comes from him.
_BEFORE = 5

START, PAUSED = ("beep",), ("paused",)
HALF_A_MINUTE, NEARLY_OVER = ("half-a-minute-left",), ("nearly-over",)


class Dictation:
    """One `Record` in progress. Feed it frames and keys until `over` is set.

    `prompts` are what the caller is to hear now, until they are taken (`take_prompts`); whoever
    plays them says when they have been played (`played`).
    """

    def __init__(self, record: Record) -> None:
        self.over: RecordedBy | None = None
        self.paused = False
        self.prompts: tuple[str, ...] = START
        self._record = record
        self._meter = VoiceMeter()
        self._frames = 0
        self._taking = False
        self._before: deque[bytes] = deque(maxlen=_BEFORE)
        self._quiet_since = 0.0
        self._pause = 0.0  # how long this one has lasted
        self._pauses = 0.0
        limit = record.box.limit
        spoken = limit * (1 - _WARNED_AT) >= _WARNED
        self._warning = HALF_A_MINUTE if spoken else NEARLY_OVER
        self._warn_at = limit - _WARNED if spoken else limit * _WARNED_AT

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return self._frames * FRAME_SECONDS

    @property
    def speech(self) -> float:
        """How many seconds of it hold a voice."""
        return self._meter.seconds

    def take_prompts(self) -> tuple[str, ...]:
        """What the caller is to hear now; whatever else he hears is over then."""
        prompts, self.prompts = self.prompts, ()
        return prompts

    def played(self) -> bytes:
        """The caller has heard what he was to hear: after the beep he is recorded.

        What he said in the very moment in which it ended belongs to the recording: here it is.
        """
        if self.paused or self._taking:
            return b""
        self._taking = True
        before = b"".join(pcm for pcm in tuple(self._before) if self.frame(pcm))
        self._before.clear()
        self._quiet_since = self.seconds
        return before

    def key(self, digit: str) -> None:
        """A key was pressed. Others than those that end or pause it mean nothing."""
        if digit in self._record.end_keys:
            self._end(RecordedBy.KEY)
        elif digit == self._record.pause_key:
            self.paused = not self.paused
            self._taking = False
            self._before.clear()
            self._pause = 0.0
            self.prompts = PAUSED if self.paused else START

    def full(self) -> None:
        """The disk takes no more."""
        self._end(RecordedBy.DISK)

    def frame(self, pcm: bytes) -> bool:
        """The next 20 ms of the caller's audio (8 kHz 16-bit mono): whether they are recorded."""
        if self.over is not None:
            return False
        if not self._taking:
            self._wait(pcm)
            return False
        self._frames += 1
        self._meter.frame(pcm)
        now = self.seconds
        if now >= self._record.box.limit - FRAME_SECONDS / 2:
            self._end(RecordedBy.LIMIT)
        elif now >= self._warn_at:
            self._warn_at = self._record.box.limit
            self.prompts = self._warning
        silence = self._record.box.silence
        quiet = now - max(self._quiet_since, self._meter.utterances.last_voice)
        if silence and quiet >= silence:
            self._end(RecordedBy.SILENCE)
        return True

    def _wait(self, pcm: bytes) -> None:
        """20 ms pass that are in no recording, unless the beep ends with them."""
        if not self.paused:
            self._before.append(pcm)
        else:
            self._pause += FRAME_SECONDS
            self._pauses += FRAME_SECONDS
            if self._pause >= LONGEST_PAUSE or self._pauses >= PAUSES:
                self._end(RecordedBy.PAUSE)

    def _end(self, by: RecordedBy) -> None:
        self.over = self.over or by
        self.prompts = ()
