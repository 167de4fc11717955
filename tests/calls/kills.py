"""SIGKILL of screener and of Asterisk while callers leave messages, at moments drawn at random.

    python -m tests.calls.kills --rounds 200 [--seed 7] [--minutes 25]

In each round three callers, one after the other, are on their way to the box when screener (or
Asterisk) is killed and started again. Who was told that his message is kept must have his mail,
whole, and once: mails are counted by their Message-ID. And who was killed in mid-message loses at
most his last moment: what he had said before arrives as well.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from screener.asterisk.installation import Installation, install
from screener.core.delivery import State
from tests.calls import speech
from tests.calls.callers import BEEP, Caller
from tests.calls.mailserver import Letter
from tests.calls.rtp import RtpEndpoint
from tests.calls.sip import CallError
from tests.calls.stage import Stage

KEPT = 600.0
RULES = 'send to * "everybody" message kept\n'
# Nobody reads these: a machine that writes hundreds of them down has no time for calls.
MORE = '[boxes.kept]\nmail = ["kept@example.net"]\ntranscript = false\n'
VOICE = "flite:slt"
MESSAGES = tuple(
    speech.say(text, VOICE)
    for text in (
        "the boiler is fixed, and the key is under the mat",
        "please water the garden on wednesday morning",
        "your books are due on friday, all seven of them",
    )
)
# The callers of a round come so far apart (seconds), and the last one is done after so long.
APART, COURSE = 0.8, 11.0
# How long the mail of all rounds may take to be delivered, after the last (seconds).
DELIVERED = 600.0
# What of a message may be lost that was not told to be kept: what came in the last moment, a word
# of which the next is a part (seconds).
LAST_MOMENT = 0.8
# So much of a message (seconds) surely holds enough of a voice to be one.
ENOUGH = LAST_MOMENT + 1.0
# Of a mail's sound, how alike it is at least to what was said (MP3; see speech.likeness).
ALIKE = 0.55


class Victim(StrEnum):
    """Who is killed."""

    SCREENER = "screener"
    ASTERISK = "asterisk"


@dataclass(slots=True)
class Left:
    """One caller's message: what he said, when he began to, and whether he was told it is kept."""

    name: str
    words: bytes
    victim: Victim
    began: float = 0.0
    killed: float = 0.0
    told: bool = False
    line: RtpEndpoint | None = None

    @property
    def said(self) -> bytes:
        """What he had surely said when the victim was killed."""
        if not self.began or self.line is None:
            return b""
        seconds = self.line.spoken(since=self.began, by=self.killed - LAST_MOMENT)
        return self.words[: 2 * int(8000 * seconds)]


@dataclass(slots=True)
class Tally:
    """What has come of all rounds."""

    left: list[Left] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    mails: int = 0
    repeated: int = 0

    def __str__(self) -> str:
        kills = Counter(each.victim.value for each in self.left)
        told = sum(each.told for each in self.left)
        midway = sum(not each.told and len(each.said) > 0 for each in self.left)
        return (
            f"{len(self.left)} calls ({', '.join(f'{n} when {v} died' for v, n in kills.items())}):"
            f" {told} were told that it is kept, {midway} died in mid-message;"
            f" {self.mails} mails, {self.repeated} of them repeats; {len(self.wrong)} wrong"
        )


class House(Stage):
    """A house in which few words are made, and "kept" is a tone."""

    async def _furnish(self) -> None:
        await super()._furnish()
        own = self.home / "sounds" / "en"
        own.mkdir()
        (own / "leave-message.wav").write_bytes(speech.wav(speech.say("message")))
        (own / "review.wav").write_bytes(speech.wav(speech.say("one two three")))
        (own / "kept.wav").write_bytes(speech.wav(speech.tone(KEPT, 0.6)))


class Kills:
    """Rounds of kills in one house, with what came of them."""

    def __init__(self, house: Stage, seed: int) -> None:
        self.tally = Tally()
        self._house = house
        self._chance = random.Random(seed)

    async def round(self, victim: Victim) -> None:
        """Three callers leave messages; the victim is killed at some moment, and started again."""
        house = self._house
        await house.open()
        number = len(self.tally.left)
        left = [
            Left(f"Caller {number + n}", self._chance.choice(MESSAGES), victim) for n in range(3)
        ]
        self.tally.left += left
        over = asyncio.Event()
        calls = [
            asyncio.ensure_future(self._call(each, n * APART, over)) for n, each in enumerate(left)
        ]
        await asyncio.sleep(self._chance.uniform(0.3, COURSE))
        killed = time.monotonic()
        for each in left:
            each.killed = killed
        if victim is Victim.SCREENER:
            await house.kill()
            over.set()
        else:
            over.set()
            await house.asterisk.restart()
        await asyncio.gather(*calls)
        await house.open()

    async def _call(self, left: Left, after: float, over: asyncio.Event) -> None:
        """One caller, until he is done or the line is dead; then he hangs up, if he can."""
        await asyncio.sleep(after)
        if over.is_set():
            return
        with contextlib.suppress(CallError):
            async with self._house.caller(name=left.name) as call:
                course = asyncio.ensure_future(self._leave(left, call))
                ended = asyncio.ensure_future(over.wait())
                await asyncio.wait({course, ended}, return_when=asyncio.FIRST_COMPLETED)
                course.cancel()
                ended.cancel()
                await asyncio.gather(course, ended, return_exceptions=True)
                # Raised here, it is let go without waiting for an Asterisk that is no more.
                raise CallError("the line is dead")

    async def _leave(self, left: Left, call: Caller) -> None:
        await call.answered()
        await call.hear_tone(BEEP, within=20)
        await call.hear_quiet(0.06, within=20)
        left.began, left.line = time.monotonic(), call.rtp
        await call.speak(left.words)
        await call.key("#")
        await call.hear_sound(within=5)
        await call.key("1")
        await call.hear_tone(KEPT, within=10)
        left.told = True
        await call.ended(within=10)

    async def settle(self) -> Tally:
        """Wait until all mail is delivered, and look what has come of every call."""
        house, tally = self._house, self.tally
        takes = house.settings.data / "takes"
        deadline = time.monotonic() + DELIVERED
        while self._waiting() or any(takes.iterdir()):
            if time.monotonic() > deadline:
                tally.wrong.append("there is still mail to be delivered")
                break
            await asyncio.sleep(0.2)
        letters: dict[str, list[Letter]] = {}
        for letter in house.mail.letters:
            name = str(letter.message["From"]) + letter.subject
            mine = next((each.name for each in reversed(tally.left) if _names(name, each)), "")
            letters.setdefault(mine, []).append(letter)
        tally.mails = len(house.mail.letters)
        ids = {str(letter.message["Message-ID"]) for letter in house.mail.letters}
        tally.repeated = tally.mails - len(ids)
        for each in tally.left:
            tally.wrong += _wrong(each, letters.get(each.name, []))
        tally.wrong += [f"a mail of nobody: {mail.subject}" for mail in letters.get("", [])]
        return tally

    def _waiting(self) -> bool:
        outbox = self._house.settings.data / "outbox"
        return any(any((outbox / name).iterdir()) for name in ("new", State.QUEUED))


def _names(text: str, left: Left) -> bool:
    """Whether the caller of this text is he: "Caller 1" is not "Caller 12"."""
    after = text.partition(left.name)[2]
    return left.name in text and not after[:1].isdigit()


def _wrong(left: Left, letters: Iterable[Letter]) -> list[str]:
    """What is not as it should be with one caller's message."""
    by_id = {str(letter.message["Message-ID"]): letter for letter in letters}
    who = f"{left.name} ({left.victim} killed {left.killed - left.began:.2f} s after the beep)"
    if len(by_id) > 1:
        return [f"{who}: {len(by_id)} messages for one"]
    said = left.words if left.told else left.said
    if not by_id:
        enough = left.told or speech.seconds_of(said) + LAST_MOMENT >= ENOUGH
        return [f"{who}: {'told that it is kept, and ' * left.told}no mail"] if enough else []
    [letter] = by_id.values()
    alike = speech.likeness(letter.sound, said) if said else 1.0
    if alike < ALIKE:
        return [f"{who}: {speech.seconds_of(letter.sound):.1f} s, alike by {alike:.2f} only"]
    return []


async def kill(
    installation: Installation, rounds: int, seed: int, *, seconds: float = 1e9
) -> Tally:
    """So many rounds, as long as there is time; every third kills Asterisk."""
    until = time.monotonic() + seconds
    async with House(installation, rules=RULES, more=MORE) as house:
        kills = Kills(house, seed)
        for number in range(rounds):
            if time.monotonic() > until:
                break
            await kills.round(Victim.ASTERISK if number % 3 == 2 else Victim.SCREENER)
            print(f"round {number + 1}: {kills.tally}", file=sys.stderr, flush=True)
        return await kills.settle()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--minutes", type=float, default=25.0)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    installation = install(lambda line: print(line, file=sys.stderr))
    tally = asyncio.run(kill(installation, asked.rounds, asked.seed, seconds=60.0 * asked.minutes))
    print(f"seed {asked.seed}: {tally}")
    for wrong in tally.wrong:
        print(f"  {wrong}")
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main())
