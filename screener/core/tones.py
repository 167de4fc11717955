"""Tones on the line: SIT, busy, ringback and dial tones, fax, beeps, whistling, keys.

A tone is one line of the spectrum (spectrum.py) or two, and they stand still; a voice has many, and
they move. Looked for in windows of 40 ms, 20 ms apart; named by pitch and length. Sources:
ITU-T E.180/Q.35 and E.180 Supplement 2 (each country's tones), T.30 (fax), Q.23 (keys), and
Telcordia SR-2275 (North America's special information tones).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from screener.core.audio import FRAME_SECONDS
from screener.core.script import Sound
from screener.core.spectrum import BROAD, MELTED, Spectrum

DIAL, RINGBACK, BUSY, REORDER = "dial tone", "ringback tone", "busy tone", "reorder tone"
SIT, FAX, BEEP, WHISTLE, TONE = "SIT", "fax tone", "beep", "whistle", "tone"


@dataclass(frozen=True, slots=True)
class Signal:
    """A call progress tone: its lines in Hz, and how long (seconds) it sounds before it pauses."""

    kind: str
    countries: str
    hertz: tuple[float, ...]
    seconds: tuple[float, ...] = (math.inf,)


PROGRESS = (
    Signal(DIAL, "US CA GB KR", (350.0, 440.0)),
    Signal(RINGBACK, "US CA KR", (440.0, 480.0), (1.0, 2.0)),
    Signal(BUSY, "US CA KR", (480.0, 620.0), (0.5,)),
    Signal(REORDER, "US CA KR", (480.0, 620.0), (0.25, 0.3)),
    Signal(RINGBACK, "GB IE NZ", (400.0, 450.0), (0.4,)),
    Signal(BUSY, "GB", (400.0,), (0.375,)),
    Signal(REORDER, "GB", (400.0,), (0.225, 0.4)),
    Signal(DIAL, "DE ES IT NL SE CH BR", (425.0,)),
    Signal(RINGBACK, "DE ES IT NL SE CH BR", (425.0,), (1.0, 1.5)),
    Signal(BUSY, "DE ES IT NL SE CH BR", (425.0,), (0.2, 0.5, 0.6)),
    Signal(REORDER, "DE IT NL SE BR", (425.0,), (0.25,)),
    Signal(DIAL, "FR", (440.0,)),
    Signal(RINGBACK, "FR", (440.0,), (1.5,)),
    Signal(BUSY, "FR", (440.0,), (0.5,)),
    Signal(REORDER, "FR", (440.0,), (0.25,)),
    Signal(DIAL, "JP NZ", (400.0,)),
    Signal(RINGBACK, "JP", (384.0, 416.0), (1.0,)),
    Signal(BUSY, "JP NZ", (400.0,), (0.5,)),
    Signal(REORDER, "NZ", (400.0,), (0.25,)),
    Signal(DIAL, "AU", (413.0, 438.0)),
    Signal(RINGBACK, "AU", (413.0, 438.0), (0.4,)),
    Signal(BUSY, "AU", (425.0,), (0.375,)),
    Signal(DIAL, "IN", (375.0, 425.0)),
    Signal(RINGBACK, "IN", (375.0, 425.0), (0.4,)),
    Signal(BUSY, "IN", (400.0,), (0.75,)),
    Signal(REORDER, "IN", (400.0,), (0.25,)),
    Signal(DIAL, "CN", (450.0,)),
    Signal(RINGBACK, "CN", (450.0,), (1.0,)),
    Signal(BUSY, "CN", (450.0,), (0.35,)),
    Signal(REORDER, "CN", (450.0,), (0.1, 0.4)),
)
"""The call progress tones of countries (ITU-T E.180, Supplement 2)."""

# How far a line may stray in a run, as a share of its mean pitch.
_STILL = 0.01
# How far a whistle may glide in 20 ms.
_GLIDE = 0.06
# No voice has all its power in one line above this (Hz); a whistle and a beep have.
_ABOVE_VOICES = 600.0
# What lies below may be a voice's own line, unless it is one of the network's; none of these
# stands below this.
_BELOW_TONES = 340.0
# Windows in a row until a tone is known as one: any, and one of two lines that are a key.
_KNOWN, _KEY_KNOWN = 5, 2
# A line at no known pitch below `_ABOVE_VOICES` takes longer.
_ODD_KNOWN = 12
# Voices have seldom as many as this.
_BEGINS = 3
# A shorter one is a beep where there is nothing but it: this share of a short utterance.
_BARE = 0.6
# A window that is spoilt (a lost packet) does not end a tone.
_BRIDGED = 2.5 * FRAME_SECONDS

# A tone that has sounded for this long (seconds) is one that never pauses.
_ENDLESS = 2.6
_LONGEST_BEEP = 1.6
# A sound that goes on after a pause of less than this (seconds) is one, not many.
_PAUSES = {BUSY: 0.8, REORDER: 0.8, RINGBACK: 0.3, WHISTLE: 0.3}
# T.30: CNG is 1100 Hz within 38, for half a second; CED 2100 Hz within 15.
_FAX = ((1100.0, 38.0), (2100.0, 15.0))
_SHORTEST_FAX = 0.4
# E.180/Q.35: three tones one after the other, within 50 Hz; SR-2275's lie within that, too.
_SIT_STEPS = ((900.0, 1000.0), (1350.0, 1450.0), (1750.0, 1850.0))
_SIT_SECONDS = (0.2, 0.5)
_SIT_GAP = 0.15
# Q.23: a key is a row's line and a column's. Lines measured in 40 ms are within 2 per cent.
ROWS, COLUMNS = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)
_KEYS = ("123A", "456B", "789C", "*0#D")
_KEY_WITHIN = 0.02
# How near the network's tones must be to their pitch: a single line as a share of it, each of a
# pair in Hz. Two lines 90 Hz apart (dial tone) pull at each other in 40 ms.
_PITCH_WITHIN, _PAIR_WITHIN = 0.012, 8.0


@dataclass(slots=True)
class _Run:
    """Windows in a row with the same lines: `start` and `end` in seconds since answer."""

    lines: tuple[float, ...]
    start: float
    end: float
    width: float = 0.0
    count: int = 1
    low: float = 0.0
    high: float = 0.0
    known: bool = False

    def __post_init__(self) -> None:
        self.low = self.high = self.lines[0]

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def goes_on(self, spectrum: Spectrum) -> bool:
        """Whether a window belongs to this run."""
        if len(spectrum.lines) != len(self.lines):
            return False
        within = _GLIDE if self._alone else _STILL
        pairs = zip(self.lines, spectrum.lines, strict=True)
        return all(abs(here - line) < within * line for line, here in pairs)

    def add(self, spectrum: Spectrum, end: float) -> None:
        """One more window. A glide is followed; the lines of a still tone are its mean."""
        self.count += 1
        self.end = end
        share = 0.5 if self._alone else 1 / self.count
        pairs = zip(self.lines, spectrum.lines, strict=True)
        self.lines = tuple(line + share * (here - line) for line, here in pairs)
        self.low, self.high = min(self.low, self.lines[0]), max(self.high, self.lines[0])
        # Not the first window's, which holds the tone's edge.
        self.width += (spectrum.width - self.width) / (self.count - 1)

    @property
    def _alone(self) -> bool:
        return len(self.lines) == 1 and self.lines[0] > _ABOVE_VOICES

    @property
    def glides(self) -> bool:
        return self.high > self.low * (1 + 3 * _STILL)


class Tones:
    """The tones of one call. Give it each window; `sounds` are those that were found."""

    def __init__(self) -> None:
        self.sounds: list[Sound] = []
        self._run: _Run | None = None
        self._missed = 0
        self._perhaps: Sound | None = None
        self._steps = 0  # how many of the three special information tones were heard in a row

    def window(self, spectrum: Spectrum, now: float) -> None:
        """The spectrum of the 40 ms before `now` (seconds since answer); empty if it was quiet."""
        run = self._run
        if run is None and not spectrum.lines:
            return
        if run is not None and spectrum.lines and run.goes_on(spectrum):
            run.add(spectrum, now)
            self._missed = 0
        elif run is not None and run.known and self._missed == 0 and now - run.end < _BRIDGED:
            self._missed = 1
            return
        else:
            self._end()
            if spectrum.lines:
                self._run = _Run(spectrum.lines, now - FRAME_SECONDS, now, spectrum.width)
        if self._run is not None and not self._run.known:
            self._run.known = _known(self._run)

    @property
    def since(self) -> float | None:
        """When the tone began that sounds now; None while there is none."""
        run = self._run
        return run.start if run is not None and run.known else None

    @property
    def may_begin(self) -> bool:
        """Whether what sounded last was the same long enough to become a tone, or is one."""
        run = self._run
        return run is not None and (run.known or run.count >= _BEGINS)

    def during(self, start: float, end: float) -> tuple[Sound, ...]:
        """The tones of a stretch of time, as far as they are known."""
        run = self._run
        found = [sound for sound in self.sounds if sound.end > start and sound.start < end]
        if run is not None and run.known and run.start < end:
            found.append(Sound(_kind(run, sounding=True), run.start, run.end))
        return tuple(found)

    def is_beep(self, start: float, end: float) -> bool:
        """Whether a stretch holds little more than a line that stood still, though not for long."""
        beep = self._perhaps
        if beep is None:
            return False
        return min(end, beep.end) - max(start, beep.start) > _BARE * (end - start)

    def _end(self) -> None:
        """The run is over: now its length is known, and with it its name."""
        run, self._run = self._run, None
        self._missed = 0
        if run is not None and not run.known and run.count >= _KNOWN:
            self._perhaps = Sound(BEEP, run.start, run.end)
        if run is None or not run.known:
            return
        sound = Sound(_kind(run, sounding=False), run.start, run.end)
        before = self.sounds[-1] if self.sounds else None
        if _is_step(sound, run, 0):
            self._steps = 1
        elif self._steps and _is_step(sound, run, self._steps) and _follows(sound, before):
            self._steps += 1
            sound = Sound(SIT, self.sounds.pop().start, run.end)
        else:
            self._steps = 0
            if _repeats(sound, before):
                sound = replace(sound, start=self.sounds.pop().start)
        self.sounds.append(sound)


def _known(run: _Run) -> bool:
    """Whether these lines have stood long enough to be a tone."""
    pitch = run.lines[0]
    if len(run.lines) == 2:
        if _key(run.lines):
            return run.count >= _KEY_KNOWN
        return run.count >= _KNOWN and bool(_progress(run))
    if pitch > _ABOVE_VOICES or (pitch > _BELOW_TONES and _progress(run)):
        return run.count >= _KNOWN
    return pitch > _BELOW_TONES and run.count >= _ODD_KNOWN


def _kind(run: _Run, sounding: bool) -> str:
    """What a tone is called. While it is sounding, its length is not known yet."""
    key = _key(run.lines) if len(run.lines) == 2 else ""
    if key:
        return f"DTMF {key}"
    signals = _progress(run)
    if not signals:
        return _single(run, sounding)
    kinds = {signal.kind for signal in signals}
    if len(kinds) == 1:
        return signals[0].kind
    endless = run.seconds > _ENDLESS
    if sounding and not endless:
        return TONE
    length = math.inf if endless and DIAL in kinds else min(run.seconds, _ENDLESS)
    return min(signals, key=lambda signal: _miss(signal, length)).kind


def _miss(signal: Signal, length: float) -> float:
    """By how much (a ratio's logarithm) a tone's length misses those of a signal."""
    ratios = (math.log(length) - math.log(seconds) for seconds in signal.seconds)
    return 0.0 if length in signal.seconds else min(map(abs, ratios))


def _single(run: _Run, sounding: bool) -> str:
    pitch = run.lines[0]
    fax = any(abs(pitch - hertz) <= within for hertz, within in _FAX)
    if fax and not run.glides and run.seconds >= _SHORTEST_FAX:
        return FAX
    if run.glides:
        return WHISTLE
    return TONE if sounding or run.seconds > _LONGEST_BEEP else BEEP


def _progress(run: _Run) -> tuple[Signal, ...]:
    """The signals of the network that have these lines."""
    return tuple(signal for signal in PROGRESS if _has_lines(signal, run))


def _has_lines(signal: Signal, run: _Run) -> bool:
    hertz = signal.hertz
    melts = len(hertz) == 2 and hertz[1] - hertz[0] < MELTED
    if len(run.lines) == 2:
        pairs = zip(hertz, run.lines, strict=False)
        return len(hertz) == 2 and not melts and all(abs(a - b) < _PAIR_WITHIN for a, b in pairs)
    if len(hertz) == 2 and not melts:
        return False
    pitch = sum(hertz) / len(hertz)
    return abs(run.lines[0] - pitch) < _PITCH_WITHIN * pitch and (run.width > BROAD) is melts


def _key(lines: tuple[float, ...]) -> str:
    """The key whose two lines these are."""
    for row, low in enumerate(ROWS):
        if abs(lines[0] - low) < _KEY_WITHIN * low:
            for column, high in enumerate(COLUMNS):
                if abs(lines[1] - high) < _KEY_WITHIN * high:
                    return _KEYS[row][column]
    return ""


def _is_step(sound: Sound, run: _Run, number: int) -> bool:
    """Whether a tone is that one of the three special information tones."""
    if number >= len(_SIT_STEPS) or len(run.lines) != 1:
        return False
    low, high = _SIT_STEPS[number]
    shortest, longest = _SIT_SECONDS
    return low <= run.lines[0] <= high and shortest <= sound.seconds <= longest


def _follows(sound: Sound, before: Sound | None) -> bool:
    return before is not None and sound.start - before.end <= _SIT_GAP


def _repeats(sound: Sound, before: Sound | None) -> bool:
    """Whether a busy tone goes on after one of its pauses."""
    if before is None or before.kind != sound.kind:
        return False
    pause = _PAUSES.get(sound.kind, 0.0)
    return sound.start - before.end < pause
