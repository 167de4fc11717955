"""The rules in force while screener runs: a change is taken over within a second, as a whole.

Rules with a mistake do not come into force: the last good ones stay, and a copy of these lies in
data/rules.good/ for a start that finds the rules broken. The owner is told, once.

Editors save in two ways: some empty the file and write it anew (nano), some write another and
rename it (vim). So what has just changed is left alone until it has been still for a moment.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from screener import replacement
from screener.config import Settings
from screener.core.callerid import shown
from screener.core.notice import Notice
from screener.core.rules import RuleSet
from screener.errors import ConfigError
from screener.rules.rulebook import STILL, Books, Loaded, Stamps, first, look, lying_in, read, warm

log = logging.getLogger(__name__)

GOOD = "rules.good"
_TOLD = "rules.told"
_POLL = 0.25  # seconds between two looks at the files
_STILL_GONE = 0.4  # seconds of stillness where a file is gone or empty: an editor is saving it
_AGAIN = 60.0  # seconds until broken rules are tried again though no file has changed
_LONGEST = 600  # characters of a mistake
_NEVER = 1_000_000  # collections of younger garbage until the oldest is looked at


@dataclass(frozen=True, slots=True)
class State:
    """The rules in force, since when, and why newer ones are not (`mistakes`).

    `copied` says that the rules were broken at the start, and these are the last good ones.
    """

    loaded: Loaded
    since: datetime
    mistakes: tuple[str, ...] = ()
    copied: bool = False

    def told(self) -> list[str]:
        """What is wrong, in lines for people; none when all is well."""
        if not self.mistakes:
            return []
        which = "the last good rules" if self.copied else "the rules as they were before"
        count = len(self.loaded.rules.rules)
        head = f"the rules are broken; {which} stay in force ({count} of them):"
        return [head, *(shown(line, _LONGEST) for line in first(self.mistakes))]


class RulesInForce:
    """The rules of a running service. `open` it once, then `watch`."""

    state: State

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._used: Mapping[str, datetime] = {}
        self._books: Books = {}
        self._tried: Stamps = {}
        self._good = settings.data / GOOD
        self._older = self._good.with_name(f"{GOOD}.old")

    @property
    def rules(self) -> RuleSet:
        """The rules in force: a call takes them as it comes in, and keeps them to its end."""
        return self.state.loaded.rules

    def open(self) -> None:
        """Read the rules; where they are broken, the last good ones.

        Raises ConfigError where they are broken and there are none.
        """
        self._tried = look(self._settings, self._settings.rules)
        try:
            loaded = self._read()
        except ConfigError as broken:
            self.state = State(self._last_good(broken), datetime.now(UTC), broken.mistakes, True)
        else:
            self._adopt(loaded)
        self._log()

    def expire_by(self, used: Mapping[str, datetime]) -> None:
        """Let rules expire by this record of when each was last used, which may go on changing."""
        self._used = used
        rules = self.rules
        rules = RuleSet(rules.rules, replace(rules.shelf, used=used))
        warm(rules)
        self.state = replace(self.state, loaded=replace(self.state.loaded, rules=rules))

    async def watch(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Take over what changes, until cancelled; `changed` is awaited after each time.

        What is broken is tried again from time to time: it may have been the disk's fault.
        """
        loop = asyncio.get_running_loop()
        seen = self._tried
        since = tried = loop.time()
        while True:
            await asyncio.sleep(_POLL)
            now = await asyncio.to_thread(look, self._settings, self._settings.rules)
            if now != seen:
                seen, since = now, loop.time()
            again = bool(self.state.mistakes) and loop.time() - tried > _AGAIN
            if (now == self._tried and not again) or loop.time() - since < _rest(self._tried, now):
                continue
            other = await asyncio.to_thread(self._take_over, now)
            tried = loop.time()
            if again or other:
                await changed()

    def _take_over(self, stamps: Stamps) -> bool:
        """Read the rules anew; whether the state is another one now."""
        self._tried = stamps
        old = list(self.rules.rules)
        try:
            self._adopt(self._read())
        except ConfigError as broken:
            if broken.mistakes == self.state.mistakes:
                return False
            self.state = replace(self.state, mistakes=broken.mistakes)
        # A hundred thousand rules are forgotten in this thread and little by little: all at once,
        # or in the event loop, that would hold up calls for 0.1 s.
        while old:
            del old[-1000:]
        self._log()
        return True

    def _read(self) -> Loaded:
        # Whether anything in a hundred thousand rules is garbage, nobody shall look all over again
        # and again: it stops all threads for 0.1 s, and calls with them. Neither later (gc.freeze).
        usual = gc.get_threshold()
        gc.set_threshold(*usual[:2], _NEVER)
        try:
            loaded = read(self._settings, used=self._used, books=self._books)
            gc.freeze()
        finally:
            gc.set_threshold(*usual)
        for path in [path for path in self._books if str(path) not in loaded.stamps]:
            del self._books[path]
        return loaded

    def _adopt(self, loaded: Loaded) -> None:
        self.state = State(loaded, datetime.now(UTC))
        self._tried = loaded.stamps
        try:
            self._copy(loaded)
            (self._settings.data / _TOLD).unlink(missing_ok=True)
        except OSError as error:
            log.warning("no copy of the rules could be kept in %s: %s", self._good, error)

    def _log(self) -> None:
        state = self.state
        if state.mistakes:
            for line in state.told():
                log.error("%s", line)
            return
        log.info("%d rules are in force", len(self.rules.rules))
        for line in first(state.loaded.troubles):
            log.warning("%s", shown(line, _LONGEST))

    # The last good rules

    def _copy(self, loaded: Loaded) -> None:
        """Keep a copy of the files that these rules were read from. Raises OSError."""
        new, old = self._good.with_name(f"{GOOD}.new"), self._older
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700, parents=True)  # address books are nobody else's
        for path in lying_in(self._settings.rules, loaded.stamps):
            with Path(shutil.copy(path, new)).open("rb") as copied:
                os.fsync(copied.fileno())  # or a power cut leaves it empty, and no rules are good
        if look(self._settings, self._settings.rules) != loaded.stamps:
            shutil.rmtree(new)  # changed meanwhile: this is not what was read
            return
        if self._good.exists():  # else the older copy is all there is
            shutil.rmtree(old, ignore_errors=True)
            self._good.rename(old)
        new.rename(self._good)
        replacement.to_disk(self._good.parent)
        shutil.rmtree(old, ignore_errors=True)

    def _last_good(self, broken: ConfigError) -> Loaded:
        """The last good rules, of which a crash may have left only the older copy."""
        for folder in (self._good, self._older):
            if not folder.is_dir():
                continue
            try:
                return read(self._settings, folder, self._used)
            except ConfigError as lost:
                log.error("the last good rules cannot be used any more: %s", lost)
        raise broken

    # What the owner is told

    def untold(self) -> Notice | None:
        """The notice that the owner has still to get; None when he has, or all is well."""
        state, owner = self.state, self._settings.mail.owner
        if not state.mistakes or not owner or _mark(state.mistakes) in self._marks():
            return None
        return notice(owner, state)

    def told(self) -> None:
        """The owner's notice is on its way: he gets no second one until the rules were good."""
        try:
            with (self._settings.data / _TOLD).open("a", encoding="ascii") as file:
                file.write(f"{_mark(self.state.mistakes)}\n")
        except OSError as error:
            log.warning("the owner may be told of the same mistakes again: %s", error)

    def _marks(self) -> frozenset[str]:
        try:
            text = (self._settings.data / _TOLD).read_text(encoding="ascii", errors="replace")
        except OSError:
            return frozenset()
        return frozenset(text.split())


def _rest(before: Stamps, now: Stamps) -> float:
    """How long files must have been still before they are read."""
    gone = before.keys() - now.keys()
    emptied = (path for path, stamp in now.items() if not stamp[2] and stamp != before.get(path))
    return _STILL_GONE if gone or any(emptied) else STILL


def notice(owner: tuple[str, ...], state: State) -> Notice:
    """What the owner is told of rules that are broken."""
    count = len(state.mistakes)
    head, *mistakes = state.told()
    return Notice(
        owner,
        "Your rules have a mistake" if count == 1 else "Your rules have mistakes",
        (
            head[:1].upper() + head[1:],
            "",
            *(f"  {line}" for line in mistakes),
            "",
            "Correct what is wrong and save the file: it is read again within a second.",
            "`screener rules check` shows the mistakes, `screener status` whether all is well.",
        ),
    )


def _mark(mistakes: tuple[str, ...]) -> str:
    text = "\n".join(mistakes).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()
