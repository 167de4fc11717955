"""What the caller has shown so far, in seconds since the call was answered, and in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from screener.core.script import Heard, HeardBy, Likeness, Sound, Span, SpokenPhrase, overlap

# People draw breath, recordings pause between sentences: talk that goes on after a gap of this
# length (seconds) is told as one stretch.
_BREATH = 1.0
# One stretch of talk that goes on from one hearing into the next has this much between them.
_SEAM = 0.1
# A fax calls every 3.5 s (ITU-T T.30: 0.5 s of tone, 3 s of silence); the slowest ringback is 1 s
# in 6 s (ITU-T E.180 Supplement 2). Sounds of one kind with no more between them are told as one.
_CADENCE = 5.1
# Phrases of one class that are found within so many seconds are the same words.
_APART = 0.5
# Of one class of phrases, so many different ones are told.
_TOLD = 4
# Who was talking without a pause for so long (seconds) when a key came may be a recording: with
# digits dialled into it, or a voice that the line takes for keys ("talk-off"). A person who speaks
# to somebody beside him pauses for the menu; where he does not, he is asked once more.
_TALKING = 4.0
# How far the last voice may lie back (seconds) while somebody is talking.
_JUST_NOW = 0.4


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything heard in a call, in order: one `Heard` for each time that we listened.

    `notice` is what was heard while the caller was told something that asks nothing of him: as if
    it had been the beginning of the prompt that comes next.
    """

    heard: tuple[Heard, ...] = ()
    notice: Heard | None = None

    def with_(self, heard: Heard) -> Evidence:
        """This evidence and one more hearing."""
        if self.notice is not None:
            heard = _one(self.notice, heard)
        return Evidence((*self.heard, heard))

    @property
    def talk(self) -> tuple[Span, ...]:
        return tuple(span for heard in self.heard for span in heard.talk)

    @property
    def talk_seconds(self) -> float:
        return sum(span.seconds for span in self.talk)

    @property
    def longest_talk(self) -> float:
        """The longest stretch of talk without a pause, in seconds."""
        return max((span.seconds for span in joined(self.talk, _SEAM)), default=0.0)

    @property
    def keys(self) -> str:
        """The keys that somebody pressed who was not talking on and on meanwhile."""
        return "".join(heard.keys for heard in self.heard if not keyed_while_talking(heard))

    @property
    def phrases(self) -> tuple[SpokenPhrase, ...]:
        return tuple(phrase for heard in self.heard for phrase in heard.phrases)

    @property
    def kinds(self) -> frozenset[str]:
        """The different classes of phrases that were heard."""
        return frozenset(phrase.kind for phrase in self.phrases)

    @property
    def occasions(self) -> tuple[SpokenPhrase, ...]:
        """The phrases in order, of each class only those apart from the one before, the surest.

        "your package" and "package will be" out of the same breath are one occasion.
        """
        last: dict[str, int] = {}
        apart: list[SpokenPhrase] = []
        for phrase in sorted(self.phrases, key=lambda phrase: phrase.at):
            before = apart[last[phrase.kind]] if phrase.kind in last else None
            if before is None or phrase.at - before.at >= _APART:
                last[phrase.kind] = len(apart)
                apart.append(phrase)
            elif phrase.confidence > before.confidence:
                apart[last[phrase.kind]] = replace(before, confidence=phrase.confidence)
        return tuple(apart)

    def talk_until(self, at: float) -> float:
        """The seconds of talk until this time."""
        return sum(max(0.0, min(span.end, at) - span.start) for span in self.talk)

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """What was heard that is no voice, stretches of one kind joined."""
        return _steady(sound for heard in self.heard for sound in heard.sounds)

    @property
    def likeness(self) -> Likeness | None:
        """The campaign whose recording this is, the likeness by sound before that by words."""
        found = [heard.likeness for heard in self.heard if heard.likeness is not None]
        return next((like for like in found if like.by == "sound"), found[0] if found else None)

    @property
    def answers(self) -> tuple[Heard, ...]:
        """The hearings that ended in one short isolated utterance."""
        return tuple(heard for heard in self.heard if heard.by is HeardBy.ANSWER)

    @property
    def deaf(self) -> str:
        """Why words were not listened for, "" where they were."""
        return next((heard.deaf for heard in self.heard if heard.deaf), "")

    @property
    def unheard(self) -> str:
        """Why nothing could be heard of the caller for a while, "" where it could."""
        return next((heard.unheard for heard in self.heard if heard.unheard), "")

    def talked_over(self) -> tuple[float, ...]:
        """For each hearing, the seconds of talk while our prompt was playing."""
        return tuple(talked_over(heard) for heard in self.heard)

    def sentences(self) -> tuple[str, ...]:
        """The evidence in words, with times, in the order in which it came."""
        return tuple(text for _, text in self.told())

    def told(self) -> list[tuple[float, str]]:
        """The sentences, each with when that was: in seconds since the call was answered."""
        said = [
            *self._talk_told(),
            *self._phrases_told(),
            *((s.start, f"{s.kind} {s.start:.1f}-{s.end:.1f} s") for s in self.sounds),
        ]
        for heard in self.heard:
            said += _told_of(heard)
        if self.likeness is not None:
            said.append((self.likeness.at, f"{alike(self.likeness)} (at {self.likeness.at:.1f} s)"))
        if self.deaf:
            first = next(heard for heard in self.heard if heard.deaf)
            said.append((first.prompt.start, f"words were not listened for: {self.deaf}"))
        if self.unheard:
            first = next(heard for heard in self.heard if heard.unheard)
            said.append((first.end, f"the caller was not heard: {self.unheard}"))
        return sorted(said)

    def _talk_told(self) -> Iterator[tuple[float, str]]:
        """Talk, but for the answers, in stretches; and which prompts it went over."""
        answers = {heard.talk[-1] for heard in self.answers if heard.talk}
        for span in joined((span for span in self.talk if span not in answers), _BREATH):
            over = [overlap(span, heard.prompt) / heard.prompt.seconds for heard in self._prompted]
            how = "talked"
            if any(share > 0.5 for share in over):
                how = "talked through the prompt"
            elif sum(overlap(span, h.prompt) for h in self.heard) > span.seconds / 2:
                how = "talked over the prompt"
            yield span.start, f"{how} {span.start:.1f}-{span.end:.1f} s"

    @property
    def _prompted(self) -> tuple[Heard, ...]:
        return tuple(heard for heard in self.heard if heard.prompt.seconds > 0)

    def _phrases_told(self) -> Iterator[tuple[float, str]]:
        """Each different phrase at its first time, and how many more there were of a class."""
        by_kind: dict[str, dict[str, float]] = {}
        for phrase in self.phrases:
            by_kind.setdefault(phrase.kind, {}).setdefault(phrase.text, phrase.at)
        for kind, texts in by_kind.items():
            for number, (text, at) in enumerate(texts.items()):
                if number < _TOLD:
                    yield at, f'said "{text}" ({kind}) at {at:.1f} s'
            if len(texts) > _TOLD:
                last = max(texts.values())
                more = f"said {len(texts) - _TOLD} more of the same kind ({kind})"
                yield last, f"{more} up to {last:.1f} s"


def _one(first: Heard, then: Heard) -> Heard:
    """Two hearings, one right after the other, as one; how it ended says the second."""
    return replace(
        then,
        talk=(*first.talk, *then.talk),
        phrases=(*first.phrases, *then.phrases),
        sounds=(*first.sounds, *then.sounds),
        prompt=Span(first.prompt.start, then.prompt.end),
        likeness=then.likeness or first.likeness,
    )


def alike(likeness: Likeness) -> str:
    """The likeness in words: "same recording as 3 calls since Mon 16 Nov"."""
    calls = "1 call" if likeness.calls == 1 else f"{likeness.calls} calls"
    what = "recording" if likeness.by == "sound" else "words"
    return f"same {what} as {calls} since {likeness.since}"


def talked_over(heard: Heard) -> float:
    """The seconds of talk while our prompt was playing."""
    return sum(overlap(span, heard.prompt) for span in heard.talk)


def talking(heard: Heard, at: float) -> bool:
    """Whether the caller was talking at this time (seconds since answer) of a hearing."""
    return any(span.start <= at and span.end >= at - _JUST_NOW for span in heard.talk)


def keyed_while_talking(heard: Heard) -> bool:
    """Whether a key came in the midst of long talk without a pause: it may be a recording's."""
    if not heard.keys:
        return False
    at = heard.prompt.end if heard.keyed_over_prompt else heard.end
    return any(
        span.end >= at - _JUST_NOW and min(span.end, at) - span.start >= _TALKING
        for span in heard.talk
    )


def joined(spans: Iterable[Span], gap: float) -> tuple[Span, ...]:
    """Spans in order, those with no more than `gap` seconds between them as one."""
    whole: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if whole and span.start - whole[-1].end <= gap:
            whole[-1] = Span(whole[-1].start, max(whole[-1].end, span.end))
        else:
            whole.append(span)
    return tuple(whole)


def _steady(sounds: Iterable[Sound]) -> tuple[Sound, ...]:
    """Sounds in order, one with its cadence (busy tone, fax tone) as one stretch."""
    spans: dict[str, list[Span]] = {}
    for sound in sounds:
        spans.setdefault(sound.kind, []).append(Span(sound.start, sound.end))
    steady = [
        Sound(kind, span.start, span.end)
        for kind, stretches in spans.items()
        for span in joined(stretches, _CADENCE)
    ]
    return tuple(sorted(steady, key=lambda sound: sound.start))


def _told_of(heard: Heard) -> Iterator[tuple[float, str]]:
    """What came of one hearing itself: keys, an answer, or silence."""
    if heard.keys:
        over = " over the prompt" if heard.keyed_over_prompt else ""
        at = heard.prompt.end if heard.keyed_over_prompt else max(heard.prompt.end, heard.end)
        while_talking = ", while talking" if keyed_while_talking(heard) else ""
        yield at, f"keyed {heard.keys}{over} at {at:.1f} s{while_talking}"
    if heard.by is HeardBy.ANSWER and heard.talk:
        words = f'"{heard.words}"' if heard.words else "something short that was not understood"
        at = heard.talk[-1].start
        yield at, f"answered {words} at {at:.1f} s"
    if heard.in_silence and not heard.unheard:
        until = max(heard.prompt.end, heard.end)
        yield until, f"no answer until {until:.1f} s"
