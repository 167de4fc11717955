"""Carrying a message to the mail server: as the mail that the box wants, or as what it takes.

A server says how large a mail may be (SIZE, RFC 1870), or refuses one that is too large; mailing.py
makes what is small enough. Where it does not tell that from a full mailbox (552), smaller mails are
offered, too; when even the smallest is refused, the mailbox is full, and the next attempt begins
anew. One recipient's mailbox is not another's: of whom a size is certain, core/ladder.py knows.

What was begun, and who has it or parts of it, is remembered in the message's folder (progress.py):
so a repeat is the same mail, with the same Message-ID.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path

from screener.core.delivery import Answers, Delivery, Record
from screener.core.ladder import Limit
from screener.core.letter import Letter
from screener.core.reply import is_too_large, may_be_too_large
from screener.mail.mailing import Load, Mailing, at_most
from screener.mail.mailsession import why
from screener.mail.postman import Postman
from screener.mail.progress import Progress
from screener.sound import transcripts

# Seconds of silence in which no mail server ends a session (RFC 5321 4.5.3.2.7 has five minutes,
# and not all keep to it). Encoding an hour may take longer: then there is another session.
PATIENCE = 15.0

_MOST_REFUSALS = 16  # as many steps of three fifths leave some kilobytes of an hour


class Carrier:
    """Composes messages for the address they are from, and hands them to a postman.

    `to_sound` gives the link to a message's sound, for as long from that time on as links live, or
    "". Times of day are in `zone`, the owner's (None: this machine's), unless the letter has one.
    """

    def __init__(
        self, sender: str, zone: tzinfo | None, to_sound: Callable[[str, datetime], str]
    ) -> None:
        self._sender = sender
        self._zone = zone
        self._to_sound = to_sound

    def carry(
        self, record: Record, letter: Letter, folder: Path, to: Sequence[str], postman: Postman
    ) -> Answers:
        """Hand over the message that lies in a folder: each recipient's answer.

        Raises OSError or ValueError when there is no session; then nothing was accepted.
        """
        postman.open()
        letter = _with_transcript(letter, folder)
        mailing = Mailing(record, letter, folder, self._sender, self._zone, self._to_sound)
        progress = Progress.read(folder)
        progress = progress.within(progress.limit.within(postman.largest))
        answers = {a: (Delivery.ACCEPTED, progress.done[a]) for a in to if a in progress.done}
        left = [address for address in to if address not in answers]
        for _ in range(_MOST_REFUSALS):
            if not left:
                break
            try:
                load = _loaded(mailing, progress, postman)
            except (OSError, ValueError) as error:  # whoever has it already does not get it again
                return answers | dict.fromkeys(left, (Delivery.WAITING, why(error)))
            if load is None:
                answers |= _too_large(left, answers, progress.limit)
                _begin_anew(answers, progress, folder)
                return answers
            progress = progress.with_load(load.name)
            progress.write(folder)
            said, progress = _hand_over(load, left, progress, folder, postman)
            answers |= said
            left = [a for a in left if _is_to_be_smaller(said[a], progress.had.get(a, 0))]
            if left:
                progress = _smaller(progress, load.size, said, left)
                progress.write(folder)  # before a smaller one is begun, which takes its time
        return answers


def _smaller(progress: Progress, size: int, said: Answers, left: Sequence[str]) -> Progress:
    """The progress after a load of that size was refused for those who are left."""
    taken = {a: reply for a, (is_, reply) in said.items() if is_ is Delivery.ACCEPTED}
    certain = [a for a in left if is_too_large(said[a][1])]
    return progress.taken(taken).within(progress.limit.lowered(size, certain))


def _begin_anew(answers: Answers, progress: Progress, folder: Path) -> None:
    """Have the next attempt begin with as large a mail as may be, for those who wait for it."""
    waiting = [a for a, (delivery, _) in answers.items() if delivery is Delivery.WAITING]
    progress.within(progress.limit.lifted(waiting)).write(folder)


def _too_large(
    left: Sequence[str], answers: Answers, limit: Limit
) -> dict[str, tuple[Delivery, str]]:
    """The answer of those for whom even the smallest mail is too large, or it is not the size."""
    of_size = f"too large, in parts as well: {at_most(limit.largest)} are taken"
    of_room = "so was the smallest mail: the mailbox seems to be full"
    said = {a: answers[a][1] if a in answers else "refused" for a in left}
    return {
        address: (
            (Delivery.REFUSED, of_size)
            if limit.is_certain(address)
            else (Delivery.WAITING, f"{reply} ({of_room})")
        )
        for address, reply in said.items()
    }


def _loaded(mailing: Mailing, progress: Progress, postman: Postman) -> Load | None:
    """What is to be sent, and a session that has not waited long for it."""
    begun = time.monotonic()
    load = mailing.within(progress.limit.largest, progress.load)
    if time.monotonic() - begun > PATIENCE:
        postman.open()
    return load


def _with_transcript(letter: Letter, folder: Path) -> Letter:
    """The letter with what a machine made of its recording, where that lies beside it."""
    found = None if letter.transcript else transcripts.of(folder)
    if found is None:
        return letter
    return replace(letter, transcript=found.shown(), confidence=found.confidence)


# Handing over -------------------------------------------------------------------------------------


def _hand_over(
    load: Load, to: Sequence[str], progress: Progress, folder: Path, postman: Postman
) -> tuple[dict[str, tuple[Delivery, str]], Progress]:
    """Hand over what each recipient lacks, mail by mail. He has the message when he has all."""
    had = dict(progress.had)
    taken = dict.fromkeys(to, "all parts were taken before")
    answers: dict[str, tuple[Delivery, str]] = {}
    for number, parcel in enumerate(load.parcels, 1):
        lacking = [a for a in to if a not in answers and had.get(a, 0) < number]
        try:
            said = postman.deliver(lacking, parcel) if lacking else {}
        except (OSError, ValueError) as error:
            said = dict.fromkeys(lacking, (Delivery.WAITING, why(error)))
        for address, (delivery, reply) in said.items():
            if delivery is Delivery.ACCEPTED:
                had[address], taken[address] = number, reply
            else:
                answers[address] = delivery, reply
        if len(load.parcels) > 1:
            progress = replace(progress, had=dict(had))
            progress.write(folder)
    for address in to:
        if address not in answers:
            answers[address] = _whole(load, taken[address])
    return {address: answers[address] for address in to}, progress


def _whole(load: Load, reply: str) -> tuple[Delivery, str]:
    """The answer of a recipient who has all of a load."""
    if load.is_lost:  # he knows of it: the message itself is still here, and stays
        return Delivery.REFUSED, f"told only that its recording is lost ({reply})"
    of = f" (in {len(load.parcels)} parts)" if len(load.parcels) > 1 else ""
    return Delivery.ACCEPTED, f"{reply}{of}"


def _is_to_be_smaller(answer: tuple[Delivery, str], had: int) -> bool:
    """Whether a smaller mail is to be offered to a recipient who `had` so many parts of this one:
    of a part as large as they were, a server can only mean that the mailbox is full."""
    delivery, reply = answer
    if delivery is Delivery.ACCEPTED:
        return False
    return is_too_large(reply) or (not had and may_be_too_large(reply))
