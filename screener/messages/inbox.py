"""The messages in boxes: what lies in the outbox's folders, as those whom a box serves see it.

A message stays in its folder after it was mailed (spool.py), and moves from one state's folder to
another's while one looks. Marks are empty files beside its letter, so they go where it goes:

    heard       somebody has heard it
    removed     nobody wants to see it any more: it is hidden here, and mailed all the same

Nothing is ever deleted here; what was sent is, when its time is over (mailqueue.py), and what
`screener forget` finds (privacy/forgetting.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from screener.core.callerid import shown
from screener.core.delivery import State, from_json
from screener.core.letter import Letter
from screener.core.transcript import Transcript
from screener.disk import told
from screener.errors import MessageError, OutboxError
from screener.mail.letterfile import UNREADABLE
from screener.sound import transcripts

HEARD, REMOVED = "heard", "removed"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,80}", re.ASCII)
_LOOKS = 10  # how often a message is looked for that moves on all the time


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in a box. `folder` is where it lay when it was looked at, and may have moved."""

    id: str
    letter: Letter
    state: State
    folder: Path
    heard: bool
    removed: bool

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.letter.seconds

    @property
    def new(self) -> bool:
        """Whether it is there, and nobody has heard it."""
        return not self.heard and not self.removed

    @property
    def transcript(self) -> Transcript | None:
        """What a machine wrote down of it; read when it is asked for."""
        states = self.folder.parent.parent
        for folder in (self.folder, *(states / state / self.id for state in State)):
            if (found := transcripts.of(folder)) is not None:
                return found
        return None


class Messages:
    """The messages under `root`, the outbox's folder; it need not be there yet.

    Whatever reads and marks them may do so in any process, while others deliver.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, tuple[int, Letter | None]] = {}  # and when that was written

    def all(self) -> list[Kept]:
        """Every message of every box, newest first, those that were removed among them.

        One whose letter cannot be read is not among them: `screener outbox` shows it.
        """
        found: dict[str, Kept] = {}
        # Again at the end: what had failed may have been queued anew while we looked.
        for state in (*State, State.QUEUED):
            for name in _names(self._root / state):
                if name not in found and (kept := self._kept(name, state)) is not None:
                    found[name] = kept
        # A copy: several threads may be looking.
        self._read = {name: read for name, read in [*self._read.items()] if name in found}
        return sorted(found.values(), key=lambda kept: (kept.letter.when, kept.id), reverse=True)

    def in_box(self, box: str) -> list[Kept]:
        """The messages in a box, newest first, without those that were removed."""
        return [kept for kept in self.all() if kept.letter.box == box and not kept.removed]

    def get(self, name: str) -> Kept | None:
        """One message by its id, removed or not; None where there is none, or it is no message."""
        return self._kept(name) if _ID.fullmatch(name) else None

    def mark_heard(self, name: str) -> None:
        """Somebody has heard it. Raises OutboxError: the disk; MessageError: no such message."""
        self._mark(name, lambda folder: (folder / HEARD).touch())

    def remove(self, name: str) -> None:
        """Hide it. It is mailed all the same. Raises OutboxError as `mark_heard` does."""
        self._mark(name, lambda folder: (folder / REMOVED).touch())

    def bring_back(self, name: str) -> None:
        """Show it again. Raises OutboxError as `mark_heard` does."""
        self._mark(name, lambda folder: (folder / REMOVED).unlink(missing_ok=True))

    def _kept(self, name: str, expected: State = State.QUEUED) -> Kept | None:
        """What is known of a message that lies in a state's folder, or has just left it."""
        for folder, state in self._places(name, expected):
            try:
                there = {path.name for path in folder.iterdir()}
                letter = self._letter(folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, *UNREADABLE):
                return None
            if letter is None:
                return None
            return Kept(name, letter, state, folder, HEARD in there, REMOVED in there)
        return None

    def _letter(self, folder: Path) -> Letter | None:
        """The letter in a folder, read again only where it has changed; None for a notice."""
        file = folder / "letter.json"
        written = file.stat().st_mtime_ns
        known = self._read.get(folder.name)
        if known is not None and known[0] == written:
            return known[1]
        record = from_json(folder.name, file.read_text(encoding="ascii"))
        letter = record.letter if isinstance(record.letter, Letter) else None
        self._read[folder.name] = written, letter
        return letter

    def _mark(self, name: str, mark: Callable[[Path], None]) -> None:
        try:
            for folder, _ in self._places(name) if _ID.fullmatch(name) else ():
                try:
                    mark(folder)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                if folder.exists():
                    return
        except OSError as error:
            raise OutboxError(f"message {name} could not be marked: {told(error)}.") from error
        raise MessageError(f"there is no message {shown(name)}: see `screener outbox`.")

    def _places(self, name: str, first: State = State.QUEUED) -> Iterator[tuple[Path, State]]:
        """Where a message may lie, most likely first; again, as it may move on in between."""
        order = (first, *(state for state in State if state is not first))
        for _ in range(_LOOKS):
            for state in order:
                yield self._root / state / name, state


def _names(folder: Path) -> list[str]:
    """The ids in a state's folder; none where there is none, or it cannot be read."""
    try:
        return [path.name for path in folder.iterdir() if _ID.fullmatch(path.name)]
    except OSError:
        return []
