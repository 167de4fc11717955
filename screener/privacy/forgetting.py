"""All that is known of a number, found and deleted: `screener forget`.

What is known lies in the store (calls and their stories, what our phones dialled, texts of other
calls that name it), in the outbox (messages; reports and letters that name it), in data/heard (what
the ear heard of its calls), in data/takes and Asterisk's own store (recordings that are on no way
yet) and in campaigns (a mark that tells it from others). It may be deleted while screener runs.
Rule files and address books are their owner's: they are named where they hold the number. Used
links are remembered by seals, which say nothing of a number.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from screener import replacement
from screener.asterisk import belongings
from screener.calls.heardaudio import HeardAudio
from screener.campaigns import campaignfile
from screener.config import Settings
from screener.core import campaign, mention
from screener.core.conditions import From
from screener.core.delivery import Status
from screener.core.letter import Letter
from screener.core.number import Number
from screener.core.rules import Rule
from screener.disk import told, usable
from screener.errors import AriError, OutboxError, RulesError, ScreenerError
from screener.mail import letterfile
from screener.mail.mailqueue import Item, MailQueue
from screener.mail.spool import MAIL
from screener.privacy.stored import Stored, is_message
from screener.records import erasure
from screener.records.calllog import DATABASE
from screener.records.database import explained, open_to_write
from screener.records.erasure import FORGOTTEN, Rows, Who
from screener.rules import contacts
from screener.rules.rulesfolder import RulesFolder

TAKES = "takes"
"""The folder in the data folder where recordings lie until they are kept."""

_PATIENCE = 30.0  # seconds for the service to end a write
_PIECE, _OVERLAP = 8 << 20, 100  # bytes of a file that is searched at once; a number is shorter
# What is not ours to search, or holds no numbers as text: models, prompts, lists.
_PASSED_OVER = {"models", "sounds", "lists", "recogniser", "covers"}


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of a number. `messages` are its own, `mails` others (reports) that name it,
    each by whether the mail server has it; `letters` are other callers' that name it; `places`
    those in rule files and address books that are left as they are. `stored` are recordings that
    Asterisk holds; `unreached` says why it could not be asked for them. `uses` are rules that are
    no more, by their keys, `used` those that are there and are for this number alone."""

    rows: Rows = field(default_factory=Rows)
    sent: tuple[Item, ...] = ()
    unsent: tuple[Item, ...] = ()
    mails: tuple[Item, ...] = ()
    unsent_mails: tuple[Item, ...] = ()
    letters: tuple[Item, ...] = ()
    heard: tuple[int, ...] = ()
    takes: tuple[Path, ...] = ()
    stored: tuple[str, ...] = ()
    unreached: str = ""
    campaigns: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    @property
    def recordings(self) -> int:
        """How many messages were recorded, and are on no way yet."""
        left = {each for each in self.stored if is_message(each)}
        return len(left | {path.stem for path in self.takes})

    @property
    def waiting(self) -> int:
        """How much there is that the mail server has not taken yet."""
        return len(self.unsent) + len(self.unsent_mails) + self.recordings

    @property
    def nothing(self) -> bool:
        """Whether nothing is known that could be deleted."""
        rows = self.rows.calls or self.rows.dialled or self.rows.named
        lies = self.sent or self.mails or self.letters or self.heard or self.waiting
        return not (rows or lies or self.campaigns or self.uses or self.used)


class Forgetting:
    """Finds and deletes what is known of one number."""

    def __init__(self, settings: Settings, number: Number) -> None:
        self._settings = settings
        self._number = number.e164 or number.raw
        naming = mention.naming(self._number)
        self._who = Who(mention.spellings(self._number), naming)
        self._outbox = settings.data / "outbox"
        self._queue = MailQueue(self._outbox)
        self._database = settings.data / DATABASE
        self._stored = Stored(settings)

    def find(self) -> Trace:
        """What is known now. Raises StoreError, OutboxError, CampaignError."""
        rows = Rows()
        used: tuple[str, ...] = ()
        if self._database.exists():
            with explained(self._database):
                db = open_to_write(self._database, _PATIENCE)
                try:
                    rows, used = erasure.rows_of(db, self._who), tuple(erasure.used_rules(db))
                finally:
                    db.close()
        heard = HeardAudio(self._settings.data, 1.0).numbers()
        gone, his = self._uses(used)
        trace = Trace(
            rows=rows,
            heard=tuple(sorted(heard & set(rows.calls))),
            takes=tuple(self._takes(rows)),
            campaigns=tuple(one.id for one in self._campaigns()),
            uses=gone,
            used=his,
            places=tuple(self._places()),
        )
        try:
            trace = replace(trace, stored=self._stored.made_in(set(rows.over)))
        except AriError as away:
            trace = replace(trace, unreached=f"{away}".rstrip("."))
        return self._with_messages(trace)

    def _with_messages(self, trace: Trace) -> Trace:
        own: list[Item] = []
        mails: list[Item] = []
        letters: list[Item] = []
        for item in (*self._queue.items(), *self._queue.dropped()):
            letter = item.record.letter if item.record else None
            if isinstance(letter, Letter) and letter.number in self._who.spellings:
                own.append(item)
            elif self._is_named(item):
                (letters if isinstance(letter, Letter) else mails).append(item)
        return replace(
            trace,
            sent=tuple(item for item in own if _is_over(item)),
            unsent=tuple(item for item in own if not _is_over(item)),
            mails=tuple(item for item in mails if _is_over(item)),
            unsent_mails=tuple(item for item in mails if not _is_over(item)),
            letters=tuple(letters),
        )

    def _takes(self, rows: Rows) -> Iterator[Path]:
        """What callers of the number have recorded in calls that are over, and nobody has put into
        the outbox yet (settlement.py)."""
        for path in sorted((self._settings.data / TAKES).glob("*.wav")):
            if belongings.owner(path.stem) in rows.over:
                yield path

    def _is_named(self, item: Item) -> bool:
        try:
            text = (item.folder / letterfile.LETTER).read_text(encoding="ascii", errors="replace")
            mail = item.folder / MAIL
            if mail.exists():
                text = "\n".join([text, *_texts(mail.read_bytes())])
        except FileNotFoundError:  # moved on: what names a number is found where it is now
            return False
        except OSError as error:
            raise OutboxError(f"{item.folder} cannot be read: {told(error)}.") from error
        return self._who.naming.search(text) is not None

    def _campaigns(self) -> Iterator[campaign.Campaign]:
        mark = campaign.mark(self._number)
        known, _ = campaignfile.read_all(campaignfile.folder(self._settings.data))
        yield from (one for one in known if mark in one.marks)

    def _uses(self, used: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The rules that name the number and were used, as `uses` and `used` of a Trace. Those that
        are there stay their owner's: only when the number called is forgotten of them."""
        naming = [key for key in used if self._who.naming.search(key)]
        if not naming:
            return (), ()
        try:
            there = {rule.key: rule for rule in self._folder().read().rules}
        except ScreenerError:  # not to be read: nobody knows that they are no more
            return (), ()
        return (
            tuple(key for key in naming if key not in there),
            tuple(key for key in naming if key in there and self._is_his(there[key])),
        )

    def _is_his(self, rule: Rule) -> bool:
        """Whether a rule is for this number alone. One that has expired would come to life again
        if it were not known when it was used last."""
        alone = any(
            isinstance(c, From) and [pattern.exact for pattern in c.patterns] == [self._number]
            for c in rule.conditions
        )
        return alone and rule.expires is None

    def _folder(self) -> RulesFolder:
        return RulesFolder(self._settings.rules, self._settings.country)

    def _places(self) -> Iterator[str]:
        """Where rules and address books name the number; a comment (the starter's examples, for
        one) lets nobody in."""
        with suppress(RulesError):
            for file, text in self._folder().read().texts.items():
                for at, line in enumerate(text.splitlines(), 1):
                    if not line.lstrip().startswith("#") and self._who.naming.search(line):
                        yield f"{file}:{at}"
        for name in sorted(contacts.names(self._settings.rules)):
            numbers, _ = contacts.read(self._settings.rules / name, self._settings.country)
            if self._number in numbers:
                yield name

    # Deleting

    def forget(self, trace: Trace, now: datetime, *, unsent: bool) -> list[str]:
        """Delete what was found; with `unsent`, what the mail server has not taken as well. What
        could not be deleted, as sentences.

        Raises StoreError, OutboxError, DiskError or CampaignError: what was deleted until then is
        gone.
        """
        undone = []
        waiting = (*trace.unsent, *trace.unsent_mails) if unsent else ()
        for item in (*trace.sent, *trace.mails, *waiting):
            try:
                self._delete(item, now)
            except OutboxError as failed:  # the others go all the same
                undone.append(str(failed))
        for path in trace.takes if unsent else ():
            with usable("the folder of recordings", path.parent):
                path.unlink(missing_ok=True)
        undone += self._forget_stored(trace, unsent=unsent)
        undone += [why for item in trace.letters if (why := self._rewrite(item))]
        heard = HeardAudio(self._settings.data, 1.0)
        for call in set(trace.rows.calls) - set(trace.rows.in_progress):
            with usable("the data folder", self._settings.data):
                heard.remove(call)
        self._unmark()
        if not self._erase(trace):
            undone.append(
                f"{DATABASE} still holds deleted rows: another program reads it, or the disk has no"
                " room for a copy of it; try again later."
            )
        return undone

    def _forget_stored(self, trace: Trace, *, unsent: bool) -> list[str]:
        """Delete what Asterisk holds; what of it is left, as sentences."""
        if trace.unreached:
            return [f"what Asterisk has recorded itself was not reached: {trace.unreached}."]
        gone = [each for each in trace.stored if unsent or not is_message(each)]
        try:
            self._stored.delete(gone)
        except AriError as failed:
            return [f"Asterisk has recorded {', '.join(gone)}, and keeps it: {failed}"]
        return []

    def _delete(self, item: Item, now: datetime) -> None:
        """Take a message away from whoever delivers, then delete it."""
        found = self._queue.find(item.id)
        if found.status is not Status.DROPPED:
            found = replace(found, folder=self._dropped(item.id, now))
        with letterfile.disk(self._outbox), suppress(FileNotFoundError):
            shutil.rmtree(found.folder)

    def _dropped(self, name: str, now: datetime) -> Path:
        self._queue.drop(name, now)
        return self._queue.find(name).folder

    def _rewrite(self, item: Item) -> str:
        """A letter of another caller does not name the number any more; why it still does."""
        if not _is_over(item):  # whoever delivers it writes it down himself
            return f"message {item.id} of another caller names it, and was not mailed yet."
        path = item.folder / letterfile.LETTER
        with letterfile.disk(self._outbox), suppress(FileNotFoundError):
            text = path.read_text(encoding="ascii")
            replacement.write(path, self._who.naming.sub(FORGOTTEN, text), shared=True)
        return ""

    def _unmark(self) -> None:
        """Campaigns forget which number played them."""
        folder = campaignfile.folder(self._settings.data)
        mark = campaign.mark(self._number)
        if not folder.is_dir():
            return
        with campaignfile.locked(folder):
            for one in list(self._campaigns()):
                marks = tuple(each for each in one.marks if each != mark)
                campaignfile.write(folder, [replace(one, marks=marks)])

    def _erase(self, trace: Trace) -> bool:
        """Delete the rows; whether their old text is gone from the disk, too."""
        if not self._database.exists():
            return True
        with explained(self._database):
            db = open_to_write(self._database, _PATIENCE)
            try:
                erasure.forget(db, self._who, (*trace.uses, *trace.used))
                emptied = erasure.truncate(db, _PATIENCE)
                if self._names(self._database):  # seldom: it takes a second for 100,000 calls
                    emptied = erasure.rewrite(db, _PATIENCE)
                return emptied
            finally:
                db.close()

    def left(self) -> list[str]:
        """The files in the data folder that name the number still; their paths in it."""
        return sorted(
            str(path.relative_to(self._settings.data))
            for path in _files(self._settings.data)
            if self._names(path)
        )

    def _names(self, path: Path) -> bool:
        """Whether a file names it. In the store's own file digits of what was beside it may follow:
        there it is enough that its digits stand there."""
        whole = self._who.spellings[0]
        own = path.name.startswith(DATABASE)
        return any(
            self._who.naming.search(piece) or (own and whole in piece) for piece in _pieces(path)
        )


def _is_over(item: Item) -> bool:
    """Whether nobody will deliver it any more."""
    return item.status in {Status.SENT, Status.DROPPED}


def _texts(mail: bytes) -> Iterator[str]:
    """What a mail says, decoded."""
    message = message_from_bytes(mail, policy=default)
    assert isinstance(message, EmailMessage)
    yield str(message["Subject"])
    for part in message.walk():
        if part.get_content_maintype() == "text":
            yield str(part.get_content())


def _files(data: Path) -> Iterator[Path]:
    for path in data.iterdir() if data.is_dir() else ():
        if path.name in _PASSED_OVER:
            continue
        yield from (p for p in (path.rglob("*") if path.is_dir() else [path]) if p.is_file())


def _pieces(path: Path) -> Iterator[str]:
    """What is in a file, piece by piece, each with the end of the one before."""
    end = b""
    with suppress(OSError), path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield (end + piece).decode("latin-1")
            end = piece[-_OVERLAP:]
