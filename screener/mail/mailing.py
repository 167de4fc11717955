"""The mails of one message: the one that its box wants, or what a mail server takes instead.

The sound goes, whichever is small enough first,

    1. whole, at the box's bit rate, then at lower ones (core/ladder.py),
    2. in up to a few parts at the lowest rate, each in a mail of its own,
    3. as a link, where there are web pages,
    4. in more parts, as many as it takes,

and the mail says so. Parts come before the link: they arrive, and stay, where mail arrives. Where
a transcript leaves no room for any of this, it goes without. The Message-ID tells them apart, and
the same size always gives the same mails, where what was begun is gone on with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from screener.core import lettermail
from screener.core.delivery import Record
from screener.core.enclosure import Enclosure
from screener.core.frontdoor import SoundFormat
from screener.core.ladder import steps
from screener.core.letter import Letter
from screener.errors import EncodingError, OutboxError
from screener.mail.links import LIFE
from screener.mail.parcel import Parcel, room
from screener.mail.progress import LINK
from screener.sound import recording
from screener.sound.recording import Encoded

log = logging.getLogger(__name__)

FEW_PARTS = 6
_MOST_PARTS = 60
_LEAST_ROOM = 16384  # bytes of sound: some seconds; with less, parts would have no end
_SURELY = 1.3  # so much more than expected no encoding comes to

LOST = "lost"
"""The load that only says that there is nothing to be sent."""


@dataclass(frozen=True, slots=True)
class Load:
    """The mails that are handed over for one message. Its name stays, and tells it from every other
    load of that message."""

    name: str
    parcels: Sequence[Parcel]

    @property
    def size(self) -> int:
        """The bytes of its largest mail."""
        return max(parcel.size for parcel in self.parcels)

    @property
    def is_lost(self) -> bool:
        """Whether it says no more than that its recording is."""
        return self.name == LOST


@dataclass(frozen=True, slots=True)
class Mailing:
    """What may be sent of a message that lies in a folder, from the address `sender`.

    `to_sound` gives the link to a message's sound, for as long from that time on as links live, or
    "". Times of day are in `zone`, the owner's (None: this machine's), unless the letter has one.
    """

    record: Record
    letter: Letter
    folder: Path
    sender: str
    zone: tzinfo | None
    to_sound: Callable[[str, datetime], str]

    def within(self, largest: int, begun: str = "") -> Load | None:
        """Mails of which none is larger than that (0: they may be); None where nothing is so small.

        The load of the name `begun`, where it can still be made: parts of it may have been taken.
        May take as long as encoding does. Raises OSError.
        """
        first = None
        for load in self._candidates(largest):
            if largest and load.size > largest:
                continue
            if not begun or load.name == begun:
                return load
            first = first or load
        return first

    def _candidates(self, largest: int) -> Iterator[Load]:
        """What could be sent, in the order in which it is tried. Encodes what is asked for."""
        yield from self._loads(_Mails(self.record, self.letter, self.sender, self.zone, largest))
        if self.letter.transcript:
            mute = replace(self.letter, transcript="")
            remarks = ("What a machine wrote down of it is too long for these mails.",)
            mails = _Mails(self.record, mute, self.sender, self.zone, largest, remarks)
            yield from self._loads(mails)

    def _loads(self, mails: _Mails) -> Iterator[Load]:
        """The same with a letter, or with less of it."""
        letter, folder, largest = self.letter, self.folder, mails.largest
        rungs = steps(letter.form, letter.bits)
        try:
            for rung in rungs:
                form, bits = rung
                if not largest or letter.seconds * bits / 8 < _SURELY * largest:
                    sound = recording.encoded(folder, form, bits)
                    yield Load(_rate(*rung), [mails.whole(sound, rung, rungs[0])])
            there = room(largest, mails.around)
            there -= there % _LEAST_ROOM  # a repeat has the same parts though its headers differ
            parts = _in_parts(folder, *rungs[-1], there)
        except (OutboxError, ValueError) as lost:
            log.error("message %s has no sound that could be mailed: %s", self.record.id, lost)
            yield Load(LOST, [mails.without(Enclosure(letter.form, lost=True), LOST)])
            return
        if 0 < len(parts) <= FEW_PARTS:
            yield mails.in_parts(parts, there)
        if url := self.to_sound(self.record.id, self.record.since):
            yield Load(LINK, [mails.linked(url)])
        if FEW_PARTS < len(parts) <= _MOST_PARTS:
            yield mails.in_parts(parts, there)


def _in_parts(folder: Path, form: SoundFormat, bits: int, there: int) -> list[Encoded]:
    """The sound in parts for which there is room; [] where there is too little."""
    try:
        return recording.parts(folder, form, bits, there) if there else []
    except EncodingError as error:
        log.warning("%s: no parts of %d bytes: %s", folder.name, there, error)
        return []


@dataclass(frozen=True, slots=True)
class _Mails:
    """The mails of one message: what differs is how its sound goes, and so the Message-ID."""

    record: Record
    letter: Letter
    sender: str
    zone: tzinfo | None
    largest: int
    remarks: tuple[str, ...] = ()  # of all of them

    @property
    def around(self) -> int:
        """How many bytes a mail has at most beside its sound: the first part has a transcript, the
        others name the first."""
        suffix, last = "mp3-16k-99of99", self.letter.seconds
        of = partial(Enclosure, SoundFormat.MP3, last, parts=99, start=last, remarks=("x" * 200,))
        first = self._composed(of(part=1), suffix)
        other = self._composed(of(part=99), suffix, str(first["Message-ID"]))
        return max(len(mail.as_bytes()) for mail in (first, other))

    def whole(
        self, sound: Encoded, rung: tuple[SoundFormat, int], wanted: tuple[SoundFormat, int]
    ) -> Parcel:
        """One mail. A repeat may find that what could not be encoded can be, or the other way
        round, so its Message-ID says only what it was to be."""
        as_wanted = rung == wanted
        remarks = [sound.remark] if sound.remark else []
        if not as_wanted:
            remarks.append(f"{_for_mails(self.largest)} {_encoded(sound)}.")
        enclosure = Enclosure(sound.form, sound.seconds, remarks=tuple(remarks))
        suffix = "" if as_wanted else _rate(*rung)
        return Parcel.of(self._composed(enclosure, suffix), sound.path)

    def in_parts(self, sounds: Sequence[Encoded], there: int) -> Load:
        """A mail for each, with room for so many bytes; all but the first belong to the first."""
        told, rate = _encoded(sounds[0]), _rate(sounds[0].form, sounds[0].bits)
        remarks = (
            *filter(None, [sounds[0].remark]),
            f"{_for_mails(self.largest)} {told}, in parts.",
        )
        of, start, first_id = len(sounds), 0.0, ""
        parcels = []
        for part, sound in enumerate(sounds, 1):
            enclosure = Enclosure(sound.form, sound.seconds, part, of, start, remarks=remarks)
            mail = self._composed(enclosure, f"{rate}-{part}of{of}", first_id)
            parcels.append(Parcel.of(mail, sound.path))
            first_id = first_id or str(mail["Message-ID"])
            start += sound.seconds
        return Load(f"{rate}-{there}/{of}", parcels)

    def linked(self, url: str) -> Parcel:
        until = self.record.since + LIFE
        remarks = (f"It is too large for a mail: {at_most(self.largest)} are taken.",)
        return self.without(
            Enclosure(self.letter.form, url=url, until=until, remarks=remarks), LINK
        )

    def without(self, enclosure: Enclosure, suffix: str) -> Parcel:
        """A mail that carries no sound."""
        return Parcel.of(self._composed(enclosure, suffix))

    def _composed(self, enclosure: Enclosure, suffix: str, first_id: str = "") -> EmailMessage:
        name, at, domain = self.record.message_id.rpartition("@")
        return lettermail.compose(
            self.letter,
            replace(enclosure, remarks=(*enclosure.remarks, *self.remarks)),
            b"",
            sender=self.sender,
            message_id=f"{name}.{suffix}{at}{domain}" if suffix else self.record.message_id,
            written=self.record.written,
            zone=self.zone,
            first_id=first_id,
        )


def _rate(form: SoundFormat, bits: int) -> str:
    """ "mp3-16k": what in a Message-ID tells one encoding from another."""
    return f"{form}-{bits / 1000:g}k"


def _encoded(sound: Encoded) -> str:
    if sound.form is SoundFormat.WAV:
        return "it is sent as it was recorded"
    return f"it is encoded at {sound.bits / 1000:g} kbit/s"


def _for_mails(largest: int) -> str:
    return f"For {at_most(largest)}, which the mail server takes,"


def at_most(largest: int) -> str:
    """ "mails of at most 5.0 MB"."""
    size = f"{largest / 1e6:.1f} MB" if largest >= 100_000 else f"{largest / 1e3:.0f} kB"
    return f"mails of at most {size}"
