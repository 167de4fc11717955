"""One call's hearing: frames, words and keys, live or from a file -> what was `Heard`.

It is the ear without a telephone. Whoever feeds it (ear.py from RTP, audition.py from a recording)
gives it every 20 ms frame since the call was answered, the words that a recogniser has made of the
speech so far, and the keys; it has no clock of its own, so the same audio gives the same verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from screener.core.audio import FRAME_SECONDS
from screener.core.grammar import PhraseClass
from screener.core.listening import Listening
from screener.core.overhearing import Overhearing
from screener.core.phrases import Phrases
from screener.core.script import Heard, Likeness, Listen, Overhear
from screener.core.transcript import Transcript
from screener.core.vad import VoiceActivity

# How often it is asked whether enough was heard, in frames: four times a second.
_OFTEN = round(0.24 / FRAME_SECONDS)
# When nothing has come for so long (frames), nothing does any more: Asterisk sends a frame each
# 20 ms for a caller who is silent, and for one who sends nothing at all (22.10).
_STOPPED = round(3.0 / FRAME_SECONDS)
_NOTHING_ARRIVED = (
    "none of his sound arrived at Asterisk: correct its NAT settings, or the firewall"
)
_NOTHING_CAME = "none of his sound came from Asterisk: correct asterisk.media_host, or the firewall"


class Tracker(Protocol):
    """What knows recordings that were played to us before (learning.py); one for each call."""

    def feed(self, frame: bytes) -> None:
        """Take 20 ms of the caller's speech; returns at once."""

    def found(self, words: str, now: float) -> Likeness | None:
        """The campaign that the speech so far, with these words, is like; returns at once."""


class Stranger:
    """A tracker that knows no campaign."""

    def feed(self, frame: bytes) -> None:
        """Nothing is kept."""

    def found(self, words: str, now: float) -> Likeness | None:
        return None


class Hearing:
    """What was heard of one call. `classes` are the phrases that tell robots.

    `now` is where the call's audio stands, in seconds since answer.
    """

    def __init__(
        self,
        classes: Sequence[PhraseClass],
        tracker: Tracker | None = None,
        activity: VoiceActivity | None = None,
    ) -> None:
        self.now = 0.0
        self.deaf = ""  # why the caller's words are not listened for; "" while they are
        self.arrives = True  # False once Asterisk has told that no sound of his arrives there
        self._tracker = tracker or Stranger()
        self._activity = activity or VoiceActivity()
        self._listening: Listening | None = None
        self._overhearing: Overhearing | None = None
        self._enough = Listen((), frozenset()).enough
        self._said = Transcript()
        self._phrases = Phrases(classes)
        self._earlier: frozenset[tuple[str, float]] = frozenset()  # those of earlier listenings
        self._likeness: Likeness | None = None
        self._frames = 0
        self._missing = 0  # the last so many of them

    def begin(self, listen: Listen) -> None:
        """Listen for an answer from now on."""
        self._listening = Listening(listen, self._activity, self.now)
        self._overhearing = None
        self.arrives = True
        self._enough = listen.enough
        self._earlier = frozenset((p.kind, p.at) for p in self._phrases.told)

    def overhear(self, overhear: Overhear) -> Overhearing:
        """Hear a recording out from now on; what is returned says when it is over."""
        self._listening = None
        self._overhearing = Overhearing(overhear, self._activity, self.now)
        return self._overhearing

    @property
    def heard(self) -> Heard | None:
        """What came of the listening, when it is over."""
        if self._listening is None or self._listening.heard is None:
            return None
        return self._with_words(self._listening.heard)

    @property
    def answer_audio(self) -> bytes:
        """The audio of an answer (HeardBy.ANSWER), 8 kHz PCM, with a little before and after it."""
        return self._listening.answer_audio if self._listening else b""

    @property
    def likely_answer(self) -> bytes:
        """What `answer_audio` will be if nothing more is heard; told once, when half of the quiet
        that ends an answer is over, and b"" at all other times."""
        listening = self._listening
        if listening is None or listening.heard is not None or not listening.pausing:
            return b""
        return listening.likely_answer()

    @property
    def told(self) -> tuple[str, ...]:
        """The phrases of robots in all of the call, in the order in which they were heard."""
        return tuple(phrase.text for phrase in self._phrases.told)

    def so_far(self) -> Heard:
        """What has been heard in this listening until now."""
        assert self._listening is not None  # begin() comes first
        return self._with_words(self._listening.heard or self._listening.so_far())

    def prompt_over(self) -> None:
        """Our prompt has been played to its end, or was stopped."""
        if self._listening is not None:
            self._listening.prompt_over()

    def key(self, digit: str) -> None:
        """A key was pressed."""
        if self._listening is not None and self._listening.heard is None:
            self._listening.key(digit)

    @property
    def unheard(self) -> str:
        """Why nothing is heard of the caller; "" while it is."""
        if self._missing < _STOPPED:
            return "" if self.arrives else _NOTHING_ARRIVED
        if self._missing == self._frames:
            return _NOTHING_CAME
        last = (self._frames - self._missing) * FRAME_SECONDS
        return f"his sound stopped coming from Asterisk at {last:.1f} s"

    def frame(self, pcm: bytes, *, came: bool = True) -> bool:
        """The next 20 ms of audio (8 kHz 16-bit mono); whether the recogniser is to hear it too.

        One that never `came` is silence, for time must go on.
        """
        self._frames += 1
        self._missing = 0 if came else self._missing + 1
        self.now = self._frames * FRAME_SECONDS
        listening = self._listening
        if self._overhearing is not None:
            self._overhearing.frame(pcm)
            return self._overhearing.speaking
        if listening is None or listening.heard is not None:
            self._activity.is_voice(pcm)  # it goes on learning the line's noise
            return False
        listening.frame(pcm)
        if listening.speaking:
            self._tracker.feed(pcm)
        if self._frames % _OFTEN == 0:
            self._consider()
        return listening.speaking

    def said(self, said: Transcript) -> None:
        """All words that the recogniser has made of this call's speech so far."""
        if said is self._said:
            return
        self._said = said
        before = self._phrases.told
        self._phrases.hear(said.words, self.now)
        if self._phrases.told != before:
            self._consider()

    def _consider(self) -> None:
        """Ask whether what was heard so far is enough."""
        listening = self._listening
        if listening is None or listening.heard is not None:
            return
        if self._likeness is None:
            self._likeness = self._tracker.found(self._said.text, self.now)
        if self._enough is not None and self._enough(self.so_far()):
            listening.enough()

    def _with_words(self, heard: Heard) -> Heard:
        told = self._phrases.told
        phrases = tuple(p for p in told if (p.kind, p.at) not in self._earlier)
        return replace(
            heard,
            phrases=phrases,
            likeness=self._likeness,
            deaf=self.deaf,
            unheard=self.unheard,
        )
