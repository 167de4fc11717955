"""Evidence -> verdict: person, wanted robot, unwanted robot, silent or unsure, with its reasons.

The verdict never lets a caller through: only a key or a short isolated answer does that
(listening.py). It decides what happens to who did neither: a message, a treatment, an end.

It is a sum of points, `POINTS`, and a few thresholds below it. No state, no chance: the same
evidence is always judged the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from screener.core.evidence import Evidence, alike, keyed_while_talking
from screener.core.script import Likeness, Sound, SpokenPhrase
from screener.core.tones import FAX


class Kind(StrEnum):
    """What we make of a caller."""

    PERSON = "person"
    WANTED_ROBOT = "wanted robot"
    UNWANTED_ROBOT = "unwanted robot"
    SILENT = "silent"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What we make of a caller, and why, in one sentence.

    `settled`: sure enough to act on now, before all that could be asked has been asked.
    """

    kind: Kind
    reason: str
    settled: bool = False


# The classes of phrases (grammars/*.jsgf) that wanted robots say, and those that any recording may
# say, wanted or not. All others are what unwanted ones say.
WANTED = frozenset({"appointment", "prescription", "school", "delivery", "code"})
EITHER = frozenset(
    {"press a digit", "speak to someone", "opt out", "recorded", "important message", "call back"}
)

# The weighing. "60" are the robocalls of the test recordings. "40" are people who talk at length,
# over whatever we ask: 1 real voice, 16 strung together of real voices' sentences, 23 synthetic.
POINTS = {
    # Each different class of phrases. One alone is found in 20-30 % of all who talk at length.
    "class": 0.8,
    # The same for one whose words are certain; less where the recogniser is less sure (times its
    # confidence): phrases in people's talk are misheard, half of them with 0.45 or less, and three
    # in four of those in robocalls are surer than 0.57.
    "sure class": 2.0,
    # Another phrase of the same class, on another occasion, is worth this part of the first; once
    # for each class.
    "class again": 0.5,
    # He talked over the first prompt for long, or after it without a pause. Waiting people never do
    # (1 of 407), recordings always do (204 of 204), who talks at once does as well (101 of 102).
    "talked through": 1.0,
    # He went on when he was asked again: people stop when somebody speaks to them a second time.
    "talked on": 2.0,
    # The sound is that of a recording which was judged unwanted before.
    "same recording": 8.0,
    # The words are: weaker, as people use the same words.
    "same words": 4.0,
    # A short answer after the prompt: 186 of 193 people gave one, and none of 264 recordings.
    "answered": -4.0,
    # For every second of talk beyond `LONG_TALK` until a phrase came: who talks for long says
    # something of everything. With it 56 of the 60 within 14 s, all sooner or later, and none of
    # the 40. With 12 s and 0.4 of 72 further synthetic recordings 51 are known, else 49, and one
    # of the 40 is mistaken for one.
    "each second more": -0.25,
}
LONG_TALK = 9.0
# So many points are a robot: two classes from who talked through the first prompt, and on.
ROBOT = 7.0
# One class alone never weighs, however often it is heard.
CLASSES = 2
# So many classes from who talks through the first prompt need no second question.
SURE_CLASSES = 3
# Less voice than this in a whole call (seconds) is no speech: a click, a cough, a line noise.
SILENCE = 0.3
# Talk over the first prompt (seconds) until it counts.
THROUGH = 2.0
# Talk without a pause (seconds) until it counts the same: two sentences and no breath.
ON_AND_ON = 5.0
# Talk over a later prompt (seconds) until it counts: people who are spoken to stop sooner.
ON = 2.0
# So many occasions on which one wanted class was heard settle a wanted robot: reminders say what
# they are about again and again. None of the 60 and none of the 40 has as many.
WANTED_OCCASIONS = 2
# A fax machine calls with two tones at least (ITU-T T.30: 0.5 s each 3.5 s) or one long one.
FAX_SECONDS = 0.9


def judge(evidence: Evidence) -> Verdict:
    """The verdict on what has been heard so far."""
    robot = _robot(evidence)
    if evidence.keys:
        return Verdict(Kind.PERSON, f"the caller keyed {evidence.keys}")
    if robot is not None:
        return robot
    if any(heard.words for heard in evidence.answers):
        return Verdict(Kind.PERSON, "answered when asked")
    if evidence.talk_seconds < SILENCE:
        if evidence.answers:  # a click, or somebody who said "two": he must not be hung up on
            return Verdict(Kind.UNSURE, "something short came when asked, which may be no word")
        if evidence.unheard:  # whoever he is, he may be talking to us
            return Verdict(Kind.UNSURE, f"the caller could not be heard: {evidence.unheard}")
        return Verdict(Kind.SILENT, _silence(evidence))
    if evidence.answers:
        return Verdict(Kind.PERSON, "answered when asked, but named no extension")
    if any(map(keyed_while_talking, evidence.heard)):
        return Verdict(Kind.UNSURE, "a key came while the caller was talking on and on")
    talked = _and(_talked(evidence))
    if talked:
        return Verdict(Kind.UNSURE, f"{talked}, which a recording does and some people do")
    return Verdict(Kind.UNSURE, "talked, but named no extension")


def unwanted_classes(evidence: Evidence) -> frozenset[str]:
    """The different classes of phrases that speak for an unwanted robot."""
    return evidence.kinds - WANTED


def may_be_wanted(evidence: Evidence) -> bool:
    """Whether he who hangs up may have been a wanted robot: what he said is better kept.

    A recording of ten seconds ("your code is") is over before it can be asked again.
    """
    kind = judge(evidence).kind
    said = evidence.kinds & WANTED and not evidence.kinds - WANTED - EITHER
    probably = kind is Kind.UNSURE and _talked_through(evidence) and bool(said)
    return kind is Kind.WANTED_ROBOT or probably


def _robot(evidence: Evidence) -> Verdict | None:
    """Whether this is a recording, and which; None for neither."""
    fax = [sound for sound in evidence.sounds if sound.kind == FAX]
    if sum(sound.seconds for sound in fax) >= FAX_SECONDS:
        return Verdict(Kind.UNWANTED_ROBOT, f"a fax machine: {_list_sounds(fax)}", settled=True)
    likeness = evidence.likeness
    unwanted = unwanted_classes(evidence)
    wanted = sum(phrase.kind in WANTED for phrase in evidence.occasions)
    content = sum(phrase.kind in unwanted - EITHER for phrase in evidence.occasions)
    if likeness is not None and likeness.wanted:
        # A scam that begins with somebody's reminder says what scams say as well.
        scam = len(unwanted - EITHER) >= CLASSES
        if likeness.by == "sound" and not scam and not evidence.answers:
            return Verdict(Kind.WANTED_ROBOT, _reason(evidence, likeness), settled=True)
        likeness = None
    reason = _reason(evidence, likeness)
    asked_again = _talked_on(evidence)
    if wanted > content and likeness is None:
        points = _talk(evidence) + _weight(evidence, unwanted & EITHER)
        points += sum(_worth(phrase) for phrase in evidence.occasions if phrase.kind in WANTED)
        if wanted + len(unwanted & EITHER) >= CLASSES and points >= ROBOT:
            settled = asked_again and _most_of_a_class(evidence) >= WANTED_OCCASIONS
            return Verdict(Kind.WANTED_ROBOT, reason, settled)
        return None
    points = _talk(evidence) + _weight(evidence, unwanted)
    by_sound = likeness is not None and likeness.by == "sound"
    if likeness is not None:
        points += POINTS["same recording" if by_sound else "same words"]
    if (len(unwanted) >= CLASSES or likeness is not None) and points >= ROBOT:
        settled = asked_again or by_sound or len(unwanted) >= SURE_CLASSES
        return Verdict(Kind.UNWANTED_ROBOT, reason, settled)
    return None


def _reason(evidence: Evidence, likeness: Likeness | None) -> str:
    like = alike(likeness) if likeness else ""
    return _and((like, *_talked(evidence), _spoke(evidence.kinds)))


def _most_of_a_class(evidence: Evidence) -> int:
    """On how many occasions that wanted class was heard which was heard most often."""
    kinds = [phrase.kind for phrase in evidence.occasions if phrase.kind in WANTED]
    return max((kinds.count(kind) for kind in kinds), default=0)


def _weight(evidence: Evidence, kinds: frozenset[str]) -> float:
    """The points for classes of phrases, at the moment at which they weighed most.

    What was said in ten seconds says more than the same in a minute; yet what was enough then does
    not become less by talk that says nothing.
    """
    best: dict[str, float] = {}
    again: set[str] = set()
    most = 0.0
    for phrase in evidence.occasions:
        if phrase.kind not in kinds:
            continue
        if phrase.kind in best:
            again.add(phrase.kind)
        best[phrase.kind] = max(best.get(phrase.kind, 0.0), _worth(phrase))
        points = sum(best.values()) + POINTS["class again"] * sum(best[kind] for kind in again)
        long = max(0.0, evidence.talk_until(phrase.at) - LONG_TALK)
        most = max(most, points + POINTS["each second more"] * long)
    return most


def _worth(phrase: SpokenPhrase) -> float:
    return POINTS["class"] + POINTS["sure class"] * phrase.confidence


def _talk(evidence: Evidence) -> float:
    """The points for how he talked."""
    points = 0.0
    if _talked_through(evidence):
        points += POINTS["talked through"]
    if _talked_on(evidence):
        points += POINTS["talked on"]
    if evidence.answers:
        points += POINTS["answered"]
    return points


def _talked_through(evidence: Evidence) -> bool:
    """Whether he talked over the first prompt, or after it without a pause."""
    over = evidence.talked_over()
    return (bool(over) and over[0] >= THROUGH) or evidence.longest_talk >= ON_AND_ON


def _talked_on(evidence: Evidence) -> bool:
    """Whether he talked on when he was asked again."""
    return any(seconds >= ON for seconds in evidence.talked_over()[1:])


# In words -----------------------------------------------------------------------------------------


def _silence(evidence: Evidence) -> str:
    sounds = _list_sounds(evidence.sounds)
    asked = {1: "once", 2: "twice"}.get(len(evidence.heard), f"{len(evidence.heard)} times")
    return f"nothing was said, asked {asked}" + (f"; heard: {sounds}" if sounds else "")


def _talked(evidence: Evidence) -> tuple[str, ...]:
    told = []
    if _talked_through(evidence):
        over = evidence.talked_over()[0] >= THROUGH
        told.append("talked through the prompt" if over else "talked without a pause")
    if _talked_on(evidence):
        told.append("talked on when asked again")
    return tuple(told)


def _spoke(kinds: frozenset[str]) -> str:
    return f"spoke of {_and(tuple(sorted(kinds)))}" if kinds else ""


def _and(parts: tuple[str, ...]) -> str:
    """ "a, b and c"; empty parts are left out."""
    told = [part for part in parts if part]
    return " and ".join((", ".join(told[:-1]), told[-1])) if len(told) > 1 else "".join(told)


def _list_sounds(sounds: tuple[Sound, ...] | list[Sound]) -> str:
    return ", ".join(f"{s.kind} {s.start:.1f}-{s.end:.1f} s" for s in sounds)
