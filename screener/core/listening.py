"""Listening to one answer: frames, keys and the end of our prompt -> `Heard`.

A state machine without a clock: time is the caller's audio, counted in frames. The gate that a
spoken answer must pass is here: one short utterance, after the prompt, with quiet on both sides.
A recording that talks on never gives one (0 of 264 robocalls did; 186 of 193 people's digits did).
"""

from __future__ import annotations

from screener.core.audio import FRAME_BYTES, FRAME_SECONDS, level
from screener.core.script import Heard, HeardBy, Listen, Sound, Span, overlap
from screener.core.vad import ENDPOINT, Utterances, VoiceActivity

# An answer's shortest and longest, in seconds. The longest is for one word; each further word of
# the longest phrase that is expected ("two zero one") adds to it.
SHORTEST_ANSWER = 0.12
LONGEST_ANSWER = 1.5
_FURTHER_WORD = 0.4
# Who has talked over the prompt for so long (seconds) may be a recording: one of 64 had a pause of
# 0.6 to 0.8 s and a short sentence just there, with prompts of 3 and 10 s (of 3 to 12 tried). After
# such talk the answer must come after more quiet. None of 98 people is asked for more.
_TALKED, _QUIET_AFTER_TALK = 1.5, 1.5
# People answer a breath before the prompt has quite ended.
_EARLY = 0.3
# After so much quiet (frames: half of what ends it) an answer is probably over.
_PROBABLY = round(ENDPOINT / 2 / FRAME_SECONDS)
# Two keys further apart than this are two attempts: it decides between extensions 2 and 20.
BETWEEN_KEYS = 2.5
# No number or name has so many keys; who presses on and on would be listened to for ever.
_MOST_KEYS = 32
# After the prompt, talk of this length is no answer to it.
LONGEST_TALK = 8.0
# After the prompt, so much longer than `wait` (seconds) is listened at most: who makes a little
# sound every few seconds, and never answers, would be listened to for ever. Neither may keys that
# come slowly, one by one, last longer: the watchdog would take it for a fault of ours, and ring.
LONGEST_AFTER = 30.0
# How much audio before an utterance's first voiced frame the recogniser is given.
_LEAD_IN = 0.3
# What is this much fainter (dB) than an answer at its loudest is no part of it (25 to 30 do as
# well), and so many frames around it go with it (10 to 15 do as well). The loudest two frames may
# be a click.
_FAINT = 25.0
_AROUND = 10


class Listening:
    """One `Listen` in progress. Feed it until `heard` is set.

    `now` is where the call's audio stands, in seconds since answer; `activity` is the call's own.
    """

    def __init__(self, listen: Listen, activity: VoiceActivity, now: float) -> None:
        self._listen = listen
        self._activity = activity
        self._utterances = Utterances(now=now)
        self._start = now
        self._prompt_end: float | None = None if listen.prompts else now
        self._keys = ""
        self._last_key = now
        self._keyed_over_prompt = False
        self._talk: list[Span] = []
        self._others: list[Sound] = []  # what was taken for an utterance, and was none
        self._audio = bytearray()
        words = max((len(phrase.split()) for phrase in listen.expected), default=1)
        self._longest = LONGEST_ANSWER + _FURTHER_WORD * (words - 1)
        self.heard: Heard | None = None
        self.answer_audio = b""

    @property
    def now(self) -> float:
        """Where the call's audio stands, in seconds since answer."""
        return self._utterances.now

    @property
    def speaking(self) -> bool:
        """Whether the caller is speaking at this moment."""
        return self._utterances.begun is not None

    @property
    def pausing(self) -> bool:
        """Whether the caller has just been quiet for so long that an answer may be over."""
        voice = self._utterances
        if voice.begun is None:
            return False
        return round((voice.now - voice.last_voice) / FRAME_SECONDS) == _PROBABLY

    def likely_answer(self) -> bytes:
        """What `answer_audio` will be if nothing more is heard; b"" where that is no answer."""
        running = self._utterances.running()
        if running is None or self._prompt_end is None or self._keys:
            return b""
        if not SHORTEST_ANSWER <= running.seconds <= self._longest:
            return b""
        if not self._is_answer(running, self._talk, self._prompt_end):
            return b""
        return self._word_of(running)

    def prompt_over(self) -> None:
        """Our prompt has been played to its end, or was stopped."""
        if self._prompt_end is None:
            self._prompt_end = self.now

    def key(self, digit: str) -> None:
        """A key was pressed."""
        self._keyed_over_prompt |= self._prompt_end is None
        self._keys += digit
        self._last_key = self.now
        known = self._listen.extensions
        longer = any(e.startswith(self._keys) and e != self._keys for e in known)
        until = self._listen.until
        gathering = until and digit not in (until, "*") and self._keys not in known
        if (not longer and not gathering) or len(self._keys) >= _MOST_KEYS:
            self._finish(HeardBy.KEYS)

    def frame(self, pcm: bytes) -> None:
        """The next 20 ms of the caller's audio (8 kHz 16-bit mono)."""
        ended = self._ended(pcm)
        if ended is not None:
            self._talk.append(ended)
        over = self._is_longest()
        if self._keys:
            if over or self.now - self._last_key >= BETWEEN_KEYS:
                self._finish(HeardBy.KEYS)
            return
        if self._prompt_end is None:
            return
        if ended is not None:
            self._utterance(ended, self._prompt_end)
        elif over:
            self._finish(HeardBy.TALK)
        elif (running := self._utterances.running()) is not None:
            if running.end - max(running.start, self._prompt_end) > LONGEST_TALK:
                self._finish(HeardBy.TALK)
        elif self.now - self._quiet_since(self._prompt_end) >= self._listen.wait:
            self._finish(HeardBy.QUIET)

    def _is_longest(self) -> bool:
        """Whether this has lasted as long after the prompt as any listening may."""
        end = self._prompt_end
        return end is not None and self.now - end >= self._listen.wait + LONGEST_AFTER

    def _ended(self, pcm: bytes) -> Span | None:
        """Hear one frame; the utterance that it ends."""
        self._audio += pcm
        ended = self._utterances.hear(self._activity, pcm)
        other = self._activity.other_sound(ended) if ended is not None else ""
        if ended is not None and other:
            self._others.append(Sound(other, ended.start, ended.end))
            return None
        return ended

    def _quiet_since(self, prompt_end: float) -> float:
        return max(prompt_end, self._talk[-1].end if self._talk else 0.0)

    def _utterance(self, ended: Span, prompt_end: float) -> None:
        """An utterance has ended after the prompt: is it the answer?"""
        if ended.seconds < SHORTEST_ANSWER:
            return
        if ended.seconds > self._longest:
            self._finish(HeardBy.TALK)
        elif self._is_answer(ended, self._talk[:-1], prompt_end):
            self.answer_audio = self._word_of(ended)
            self._finish(HeardBy.ANSWER)

    def _is_answer(self, ended: Span, earlier: list[Span], prompt_end: float) -> bool:
        """After the prompt, and quiet before it; the quiet after it is what ends it."""
        if ended.start < prompt_end - _EARLY:
            return False
        if not earlier:
            return True
        talked = sum(overlap(span, Span(self._start, ended.start)) for span in earlier)
        quiet = ENDPOINT if talked < _TALKED else _QUIET_AFTER_TALK
        return ended.start - earlier[-1].end >= quiet - FRAME_SECONDS

    def _word_of(self, ended: Span) -> bytes:
        return _word_in(self._between(ended.start - _LEAD_IN, self.now))

    def _between(self, start: float, end: float) -> bytes:
        first = max(0, round((start - self._start) / FRAME_SECONDS)) * FRAME_BYTES
        last = round((end - self._start) / FRAME_SECONDS) * FRAME_BYTES
        return bytes(self._audio[first:last])

    def so_far(self, by: HeardBy = HeardBy.HANGUP) -> Heard:
        """What has been heard until now; final when a caller hangs up in the middle of it."""
        running = self._utterances.running()
        ended = [span for span in self._talk if not self._activity.other_sound(span)]
        now = [running] if running and not self._activity.other_sound(running) else []
        sounds = self._activity.sounds(Span(self._start, self.now))
        others = [o for o in self._others if not any(overlap(o, sound) for sound in sounds)]
        return Heard(
            by=by,
            keys=self._keys,
            talk=(*ended, *now),
            prompt=Span(self._start, self.now if self._prompt_end is None else self._prompt_end),
            keyed_over_prompt=self._keyed_over_prompt,
            sounds=tuple(sorted((*sounds, *others), key=lambda sound: sound.start)),
            end=self.now,
        )

    def enough(self) -> None:
        """What was heard decides the call: there is no more to listen for."""
        if self.heard is None:
            self._finish(HeardBy.ENOUGH)

    def _finish(self, by: HeardBy) -> None:
        self.heard = self.so_far(by)


def _word_in(audio: bytes) -> bytes:
    """What is loud of an answer, with a little before and after it.

    The detector has a line's first noise for the beginning of the answer, and quiet ends it: both
    are heard as words. Of 40 people's digits PocketSphinx knows 33 so, else 28; and of 167 spoken
    by six synthetic voices 143, else 137.
    """
    loud = [level(audio[at : at + FRAME_BYTES]) for at in range(0, len(audio), FRAME_BYTES)]
    loudest = sorted(loud)[-3:][0]
    word = [n for n, each in enumerate(loud) if each > loudest - _FAINT]
    if not word:
        return audio
    return audio[max(0, word[0] - _AROUND) * FRAME_BYTES : (word[-1] + 1 + _AROUND) * FRAME_BYTES]
