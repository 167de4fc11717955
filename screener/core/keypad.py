"""Keys as Asterisk tells of them, and which of them were pressed.

Asterisk hands a key on when it has ended, and keys no closer together than 45 ms. One whose
beginning it did not take in, as it came too soon after another, it plays anew for as long as it was
down; one that was too short, for what is left of 80 ms. A key that ends meanwhile waits for its
turn, and no other is read before it has had it. It is told of whenever it is looked at
(main/channel.c, __ast_read; seen with 22.10.1): one that came as sound's packets do (RFC 4733) when
it comes, and again when its turn has come; one that came by SIP INFO waits before it is looked at,
and is told of once. Quick fingers make keys wait, a telephone that sends a stored PIN, and packets
that come in bunches, as they do over a wireless network: 2468 would be read as 24468.
"""

from __future__ import annotations

from dataclasses import dataclass

_GAP = 0.045
"""Seconds that Asterisk leaves between two keys (AST_MIN_DTMF_GAP)."""
_SHORTEST = 0.08
"""Seconds that it makes of a key that was shorter (AST_MIN_DTMF_DURATION)."""
_FRAME = 0.02
"""By so much (seconds) later than its time the playing of a key may end: with the next frame."""
_LATE = 0.04
"""The same for the turn of a key that waits."""
_BUNCHED = 0.6
"""... and while what comes on the line comes in bunches."""
_ROUNDED = 0.002


@dataclass(frozen=True, slots=True)
class Told:
    """A key that Asterisk tells of: when (seconds of any clock), and for how many seconds it was
    down."""

    digit: str
    at: float
    seconds: float

    @property
    def lasts(self) -> float:
        """For how long it is played, where it is played anew."""
        return max(self.seconds, _SHORTEST)


class Keypad:
    """The keys of one channel."""

    def __init__(self) -> None:
        self._last: Told | None = None
        # When the last one, if it waits, is told of again: from and to.
        self._again: tuple[float, float] | None = None
        # Until when it may be that the next key has to wait.
        self._turn = float("-inf")
        # Whether they come as packets: one told of so soon after another did not come by SIP INFO.
        self._packets = False

    def pressed(self, key: Told) -> bool:
        """Whether a key was pressed, rather than told of once more."""
        last, self._last = self._last, key
        if last is None or key.at < last.at:  # the clock was set back
            self._again, self._turn = None, key.at + _SHORTEST + _GAP
            return True
        if self._is_told_again(key, last):
            self._again, self._turn = None, key.at + key.lasts + _GAP
            return False
        self._again = self._when_again(key, last)
        unbegun = key.at - key.seconds < self._turn + _FRAME
        self._turn = key.at + (key.lasts if unbegun else _SHORTEST) + _GAP
        return True

    def _is_told_again(self, key: Told, last: Told) -> bool:
        if self._again is None or (key.digit, key.seconds) != (last.digit, last.seconds):
            return False
        since, until = self._again
        return since <= key.at <= until

    def _when_again(self, key: Told, last: Told) -> tuple[float, float]:
        after = key.at - last.at
        self._packets = self._packets or after < _GAP - _ROUNDED
        # What was played before may have ended with a frame of the very bunch that brought the key.
        until = key.at + _GAP + _ROUNDED
        if key.at < self._turn + _FRAME:
            until = max(until, self._turn + _LATE)
        if not self._packets:  # by SIP INFO the next one comes when this one was played, or later
            until = min(until, key.at + key.lasts + _GAP - _ROUNDED)
        elif after < key.seconds:  # it was down for longer than it is since the last one ended
            until += _BUNCHED
        return max(key.at, last.at + _GAP - _ROUNDED), until
