"""Keys that Asterisk tells of twice count once, and those that were pressed twice count twice."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.keypad import Keypad, Told

FRAME = 20
"""Times of the model are milliseconds."""


@dataclass(frozen=True, slots=True)
class Press:
    """A key, when it went down, and for how long."""

    digit: str
    at: int
    ms: int


Coming: TypeAlias = tuple[int, str, Press | None]
"""When it comes, what it is, and of which key."""


@dataclass(slots=True)
class Asterisk:
    """How a channel reads keys, by main/channel.c: only their ends for as long as a sound is
    played, which goes on for so many keys."""

    ends_only: int = 0
    told: list[Told] = field(default_factory=list)
    down: bool = False
    anew: int | None = None  # for how long a key is played anew; 0: it was, until the next frame
    last: int = -1000
    queue: list[Press] = field(default_factory=list)

    def waits(self, now: int) -> bool:
        return self.anew is not None or now - self.last < 45

    def read(self, now: int, line: list[Coming]) -> None:
        """All that there is; but nothing from the line while a key waits for its turn."""
        while self.queue or line:
            if self.queue and self.waits(now):
                self.other(now)
                return
            if self.queue:
                self.end(now, self.queue.pop(0))
                continue
            _, kind, press = line.pop(0)
            if press is None:
                (self.voice if kind == "voice" else self.other)(now)
            elif kind == "begin":
                self.begin(now)
            else:
                self.end(now, press)

    def is_over(self, now: int) -> bool:
        return self.anew is not None and now - self.last >= self.anew

    def voice(self, now: int) -> None:
        if self.anew == 0:
            self.anew = None
        elif self.is_over(now):
            self.anew, self.last = 0, now

    def other(self, now: int) -> None:
        if self.anew == 0:
            self.anew = None
        elif self.is_over(now):
            self.anew, self.last = None, now

    def begin(self, now: int) -> None:
        if not self.ends_only and not self.waits(now):
            self.down, self.last = True, now

    def end(self, now: int, press: Press) -> None:
        self.told.append(Told(press.digit, round(1e9 + now / 1000, 3), press.ms / 1000))
        if self.anew is not None or (not self.down and not self.ends_only and self.waits(now)):
            self.queue.append(press)
            return
        short = min(press.ms, now - self.last) if self.down else press.ms
        if self.ends_only:
            self.last, self.ends_only = now, self.ends_only - 1
        elif not self.down:
            self.anew, self.last = max(press.ms, 80), now
        elif short < 80:
            self.anew = 80 - short
        else:
            self.last = now
        self.down = False


Stall: TypeAlias = tuple[int, int]
"""What comes from the one time on comes at the other, all at once."""


def on_the_line(presses: Sequence[Press], until: int, stalls: Sequence[Stall]) -> list[Coming]:
    """What comes where keys are packets (RFC 4733): while one is down there is no voice."""

    def comes(at: int) -> int:
        return next((end for start, end in stalls if start <= at < end), at)

    sent: list[Coming] = []
    for at in range(0, until, FRAME):
        key = any(press.at <= at <= press.at + press.ms for press in presses)
        sent.append((at, "key goes on" if key else "voice", None))
    for press in presses:
        sent += [(press.at, "begin", press), (press.at + press.ms, "end", press)]
    return [(comes(at), kind, press) for at, kind, press in sorted(sent, key=itemgetter(0))]


def told(
    presses: Sequence[Press],
    *,
    info: bool = False,
    stalls: Sequence[Stall] = (),
    playing: bool = False,
) -> list[Told]:
    """What Asterisk tells of these keys, which come as packets, or each, when it goes down, by SIP
    INFO; where a sound is played the first key ends it."""
    until = presses[-1].at + sum(press.ms + 400 for press in presses)
    coming = on_the_line(() if info else presses, until, stalls)
    asked = list(presses) if info else []
    asterisk, line = Asterisk(ends_only=int(playing)), list[Coming]()
    for now in range(until):
        while coming and coming[0][0] <= now:
            line.append(coming.pop(0))
        while asked and asked[0].at <= now:
            asterisk.queue.append(asked.pop(0))
        asterisk.read(now, line)
    return asterisk.told


def pressed(keys: Iterable[Told]) -> str:
    keypad = Keypad()
    return "".join(key.digit for key in keys if keypad.pressed(key))


def keyed(digits: str, ms: int, pauses: Iterable[int]) -> list[Press]:
    presses, at = [], 60
    for digit, pause in zip(digits, pauses, strict=False):
        presses.append(Press(digit, at, ms))
        at += ms + pause
    return presses


def seen(keys: Iterable[str], seconds: float) -> list[Told]:
    """Keys as 22.10.1 told of them: digit, and seconds of the clock."""
    return [Told(key[0], float(key[2:]), seconds) for key in keys]


def test_a_pin_as_asterisk_told_of_it() -> None:
    """On a machine that stood still for a tenth of a second now and then."""
    keys = ("2 53.582", "4 53.618", "4 53.627", "6 53.934", "8 53.985", "8 54.219", "# 54.219")
    assert pressed(seen((*keys, "# 54.364"), 0.1)) == "2468#"


@pytest.mark.parametrize(
    "keys",
    [
        ("1 20.684", "1 20.781", "1 20.989", "1 21.194", "# 21.399"),  # over the prompt
        ("1 26.526", "1 26.732", "1 26.937", "1 27.142", "# 27.347"),  # after it
    ],
)
def test_a_pin_by_sip_info_as_asterisk_told_of_it(keys: tuple[str, ...]) -> None:
    """A key each 100 ms, every one "down" for 160: Asterisk tells of each when it has its turn."""
    assert pressed(seen(keys, 0.16)) == "1111#"


def test_nothing_is_taken_away_of_what_is_keyed_in_peace() -> None:
    keys = [Told(digit, 5.0 + 0.3 * n, 0.12) for n, digit in enumerate("0044113355#*")]
    assert pressed(keys) == "0044113355#*"


def test_the_model_tells_of_a_key_twice_as_asterisk_does() -> None:
    bunch = told(keyed("12", 100, (80, 80)), stalls=[(40, 500)])
    assert [key.digit for key in bunch] == ["1", "2", "2"]
    assert pressed(bunch) == "12"


def test_the_model_tells_of_keys_by_sip_info_as_asterisk_does() -> None:
    presses = [Press("1", 60 + 100 * n, 160) for n in range(4)]
    for playing, turns in ((True, (60, 160, 365, 570)), (False, (60, 265, 470, 675))):
        keys = told(presses, info=True, playing=playing)
        assert [round((key.at - 1e9) * 1000) for key in keys] == list(turns)


digits = st.text("0123456789#*", min_size=1, max_size=8)
few_digits = st.text("14", min_size=1, max_size=8)
pauses = st.lists(st.integers(45, 500), min_size=8, max_size=8)


@given(digits | few_digits, st.integers(60, 300), pauses, st.booleans())
def test_every_key_of_one_length_counts_once(
    keys: str, ms: int, between: list[int], playing: bool
) -> None:
    assert pressed(told(keyed(keys, ms, between), playing=playing)) == keys


@given(digits | few_digits, st.integers(40, 300), st.integers(0, 500), st.booleans())
def test_every_key_by_sip_info_counts_once(keys: str, ms: int, every: int, playing: bool) -> None:
    """However quickly they come, and for however long they say that they were down."""
    presses = [Press(key, 60 + n * every, ms) for n, key in enumerate(keys)]
    assert pressed(told(presses, info=True, playing=playing)) == keys


def test_in_bunches_nearly_all_pins_are_right_where_few_were_told_so() -> None:
    """Two that come at once cannot always be told from one that waits; the seed is fixed."""
    chance = random.Random(45)
    right = raw = 0
    for _ in range(300):
        keys = "".join(chance.choices("0123456789", k=4)) + "#"
        presses = keyed(keys, 100, [chance.randint(50, 100) for _ in keys])
        stalls, at = list[Stall](), 0
        while at < presses[-1].at:
            start = at + chance.randint(50, 400)
            at = start + chance.randint(20, 150)
            stalls.append((start, at))
        heard = told(presses, stalls=stalls)
        right += pressed(heard) == keys
        raw += "".join(key.digit for key in heard) == keys
    assert right > 295
    assert raw < 180


def test_a_clock_that_is_set_back_makes_no_key_wait() -> None:
    keys = [Told("4", 7200.0, 0.1), Told("4", 3600.0, 0.1), Told("4", 3600.2, 0.1)]
    assert pressed(keys) == "444"
