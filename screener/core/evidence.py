"""What the caller has shown so far, in seconds since the call was answered."""

from __future__ import annotations

from dataclasses import dataclass

from screener.core.script import Heard, HeardBy, Span, SpokenPhrase, overlap


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything heard in a call, in order: one `Heard` for each time that we listened."""

    heard: tuple[Heard, ...] = ()

    def with_(self, heard: Heard) -> Evidence:
        """This evidence and one more hearing."""
        return Evidence((*self.heard, heard))

    @property
    def talk(self) -> tuple[Span, ...]:
        return tuple(span for heard in self.heard for span in heard.talk)

    @property
    def talk_seconds(self) -> float:
        return sum(span.seconds for span in self.talk)

    @property
    def keys(self) -> str:
        return "".join(heard.keys for heard in self.heard)

    @property
    def phrases(self) -> tuple[SpokenPhrase, ...]:
        return tuple(phrase for heard in self.heard for phrase in heard.phrases)

    @property
    def kinds(self) -> frozenset[str]:
        """The different classes of phrases that were heard."""
        return frozenset(phrase.kind for phrase in self.phrases)

    @property
    def answers(self) -> tuple[Heard, ...]:
        """The hearings that ended in one short isolated utterance."""
        return tuple(heard for heard in self.heard if heard.by is HeardBy.ANSWER)

    def talked_over(self) -> tuple[float, ...]:
        """For each hearing, the seconds of talk while our prompt was playing."""
        return tuple(
            sum(overlap(span, heard.prompt) for span in heard.talk) for heard in self.heard
        )

    def sentences(self) -> tuple[str, ...]:
        """The evidence in words, with times, in the order in which it came."""
        return tuple(text for _, text in self.told())

    def told(self) -> list[tuple[float, str]]:
        """The sentences, each with when that was: in seconds since the call was answered."""
        said: list[tuple[float, str]] = []
        for heard in self.heard:
            said += [(span.start, _talk(span, heard)) for span in heard.talk]
            said += [(p.at, f'said "{p.text}" ({p.kind}) at {p.at:.1f} s') for p in heard.phrases]
            if heard.keys:
                when = "over the prompt" if heard.keyed_over_prompt else "after the prompt"
                said.append((heard.prompt.end, f"keyed {heard.keys} {when}"))
            if heard.by is HeardBy.QUIET and not heard.talk:
                said.append((heard.prompt.end, f"silent, asked at {heard.prompt.start:.1f} s"))
        return sorted(said)


def _talk(span: Span, heard: Heard) -> str:
    over = " over the prompt" if overlap(span, heard.prompt) > span.seconds / 2 else ""
    if heard.by is HeardBy.ANSWER and span == heard.talk[-1]:
        words = f'"{heard.words}"' if heard.words else "something that is no extension"
        return f"answered {words} at {span.start:.1f} s"
    return f"talked{over} {span.start:.1f}-{span.end:.1f} s"
