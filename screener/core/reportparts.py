"""The weekly report in words: its parts in their order, for the text and the page alike.

Both are made of the same parts, so they say the same. Whatever a stranger could have written passes
through core/callerid.py here; the page escapes it once more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeAlias

from screener.core.callerid import quoted, shown, shown_number
from screener.core.event import EventKind
from screener.core.fate import Fate
from screener.core.headline import many
from screener.core.letter import length_told
from screener.core.report import LEAST_SPARED, MOST_SPARED, Caller, Count, Message, Report, Trouble
from screener.core.reportpicture import CALLS, HOURS, Picture, calls_told, hours_told
from screener.core.rules import Action
from screener.core.withdrawal import Forget, SwitchOff, place_in

_WHY = 240  # characters of a reason
_SPOKEN = 300  # characters of a transcript
_MOST = 15  # of a part's items; of the others it says how many they are
_FEW = 5  # of those that matter less, so that a telephone shows what comes after them
_CLIPS = 3  # recordings that are named of one caller
NAMED = _MOST
"""So many of the callers who gave up are named; of no other is anything attached."""

_DO = {Action.ALLOW: "Let in from now on", Action.BLOCK: "Block from now on"}


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoes a decision: a rule about the caller of a call."""

    action: Action
    call: int
    number: str

    @property
    def name(self) -> str:
        return _DO[self.action]

    @property
    def command(self) -> str:
        return f"screener calls {self.action} {self.call}"


Undoing: TypeAlias = Undo | SwitchOff | Forget
"""What can be undone of a report."""


@dataclass(frozen=True, slots=True)
class Way:
    """How something is undone as things stand: the page that does it, and the command; "" where
    there is none."""

    url: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """Somebody or something: its title, what there is to say of it, what can be done about it."""

    title: str
    lines: tuple[str, ...] = ()
    undo: Undoing | None = None
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the report: a title, sentences, a picture, items, and rows of figures under their
    heads (the first column is text, the others are numbers)."""

    title: str
    text: tuple[str, ...] = ()
    picture: Picture | None = None
    items: tuple[Item, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    more: str = ""


def parts(
    report: Report, zone: tzinfo | None, attached: Collection[int] = frozenset()
) -> list[Part]:
    """What is in the report besides its title and first sentence; times of day are in `zone`. What
    was heard in the calls `attached` goes with it."""
    teller = _Teller(report, zone, attached)
    found = [
        teller.opening(),
        teller.gave_up(),
        teller.wordless(),
        teller.messages(),
        teller.reminders(),
        *teller.pictures(),
        teller.kept_out(),
        teller.campaigns(),
        teller.strangers(),
        teller.others(),
        teller.rules(),
        teller.counted("What gave robots away", "evidence", report.evidence),
        teller.counted("Redirects of your phones", "what came of it", report.redirects),
        teller.undelivered(),
        teller.troubles("Troubles", report.troubles),
        teller.troubles("Deleted, as your settings say", report.deleted),
        teller.ending(),
    ]
    return [part for part in found if part is not None]


class _Teller:
    """Puts the parts of one report into words; a part that has nothing to say is None."""

    def __init__(self, report: Report, zone: tzinfo | None, attached: Collection[int]) -> None:
        self._report = report
        self._attached = attached
        self._zone = zone

    def opening(self) -> Part | None:
        report = self._report
        if report.empty:
            quiet = "Nothing went wrong either. Enjoy the quiet."
            return Part("", (quiet,))
        told = []
        if report.shadow:
            told.append(
                f"Shadow mode: {many(report.shadow, 'call')} rang whatever your rules say; they"
                f" would have turned away {report.would_block:,}."
            )
        return Part("", tuple(told)) if told else None

    def gave_up(self) -> Part | None:
        """Who may be a person and got nowhere: first, because nothing else is as urgent."""
        found = self._report.gave_up
        if not found:
            return None
        text = "They hung up or left no message. These may be people."
        return self._of("Who gave up", found, text)

    def wordless(self) -> Part | None:
        """Who may be a person, too, and whose calls have nothing to tell but when."""
        found = self._report.wordless
        if not found:
            return None
        items = tuple(Item(_who(each), (self._times(each),), _undo(each)) for each in found[:_FEW])
        calls = many(sum(each.calls for each in found), "call")
        text = f"{calls} ended before anything was said or keyed: diallers, or people."
        return Part("Without a word", (text,), items=items, more=self._more(len(found), _FEW))

    def messages(self) -> Part | None:
        found = self._report.messages
        return self._left("Messages", found) if found else None

    def reminders(self) -> Part | None:
        found = self._report.reminders
        if not found:
            return None
        text = "Automatic calls that you may want: heard out and kept. No phone rang."
        return self._left("Wanted robots", found, text)

    def pictures(self) -> list[Part]:
        report = self._report
        if not report.calls:
            return []
        weeks = "Weeks" if report.period.is_week else "Days"
        before = f"{weeks} compared" if report.before else "What became of the calls"
        return [
            Part(before, picture=Picture(CALLS, calls_told(report))),
            Part("When they called", picture=Picture(HOURS, hours_told(report))),
        ]

    def kept_out(self) -> Part | None:
        found = self._report.kept_out
        if not found:
            return None
        text = "Who tried most often comes first. Somebody you know among them? Let him in."
        return self._of("Kept from the phones", found, text, most=_FEW)

    def campaigns(self) -> Part | None:
        found = self._report.campaigns
        if not found:
            return None
        items = tuple(
            Item(
                f"Recording {shown(each.what)}",
                (f"{many(each.calls, 'call')} from {many(each.numbers, 'number')}",),
                Forget(shown(each.what)),
                (f"screener campaigns show {shown(each.what)}",),
            )
            for each in found[:_MOST]
        )
        text = "Recordings that are known from earlier calls. Is one no robot's? Forget it."
        return Part("Campaigns", (text,), items=items, more=self._more(len(found)))

    def strangers(self) -> Part | None:
        found = self._report.strangers
        if not found:
            return None
        text = "No rule let them in: they got through by a key or an answer, and you talked."
        return self._of("Strangers who reached you", found, text)

    def others(self) -> Part | None:
        found = self._report.others
        return self._of("Other calls", found) if found else None

    def rules(self) -> Part | None:
        found = self._report.rules
        if not found:
            return None
        items = tuple(
            Item(shown(each.what, 100), (many(each.calls, "call"),), _switch_off(each.what))
            for each in found[:_MOST]
        )
        return Part("What your rules decided", items=items, more=self._more(len(found)))

    def counted(self, name: str, what: str, found: Sequence[Count]) -> Part | None:
        if not found:
            return None
        rows = tuple((shown(each.what, 100), f"{each.calls:,}") for each in found[:_MOST])
        return Part(name, head=(what, "calls"), rows=rows, more=self._more(len(found)))

    def undelivered(self) -> Part | None:
        """They are never deleted by themselves, so somebody has to see to them."""
        count = self._report.undelivered
        if not count:
            return None
        text = f"{many(count, 'message')} could not be mailed, and will not be tried again unless"
        text += " you say so. They are kept until then, whatever your settings say."
        command = "screener outbox list --state failed"
        return Part("Not delivered", (text,), items=(Item("See to them:", commands=(command,)),))

    def troubles(self, name: str, found: Sequence[Trouble]) -> Part | None:
        if not found:
            return None
        return Part(name, items=tuple(self._trouble(each) for each in found))

    def ending(self) -> Part | None:
        report = self._report
        if not report.calls:
            return None
        spared = ""
        if report.spared_rings:
            spared = (
                " Spared is the time that robots spent with screener instead of you: of each"
                f" between {LEAST_SPARED:.0f} seconds and {MOST_SPARED / 60:.0f} minutes."
            )
        return Part(
            "",
            (
                "Calls are counted, not callers: who calls twice counts twice. Robots are calls"
                " that a rule turned away, that were found to be machines, or that said nothing"
                f" when they were asked.{spared}",
                "A link asks before it changes anything, and works once, for 30 days. The same"
                f" report again: screener report {_asked(report)}",
            ),
        )

    # Items

    def _of(self, name: str, callers: Sequence[Caller], *text: str, most: int = _MOST) -> Part:
        items = tuple(self._caller(each) for each in callers[:most])
        return Part(name, text, items=items, more=self._more(len(callers), most))

    def _left(self, name: str, messages: Sequence[Message], *text: str) -> Part:
        items = tuple(self._message(each) for each in messages[:_MOST])
        return Part(name, text, items=items, more=self._more(len(messages)))

    def _more(self, count: int, most: int = _MOST) -> str:
        if count <= most:
            return ""
        return f"and {count - most:,} more: screener report {_asked(self._report)} --format csv"

    def _caller(self, caller: Caller) -> Item:
        heard = caller.heard[:_CLIPS] if caller.fate is Fate.GAVE_UP else ()
        listen = tuple(f"screener listen --call {call}" for call in heard)
        clips = ", ".join(clip_name(call) for call in heard if call in self._attached)
        said = f"What he said is attached: {clips}" if clips else ""
        lines = _said(self._times(caller), shown(caller.why, _WHY), said)
        return Item(_who(caller), tuple(lines), _undo(caller), listen)

    def _message(self, message: Message) -> Item:
        caller, recording = message.caller, message.recording
        facts = self._when(caller.at)
        said = ""
        if recording is not None:
            facts += f", {length_told(recording.seconds)}, for {shown(recording.box)}"
            said = quoted_words(recording.transcript)
        show = (f"screener calls show {caller.call}",)
        why = shown(caller.why, _WHY)
        return Item(_who(caller), tuple(_said(facts, said or why)), _undo(caller), show)

    def _trouble(self, trouble: Trouble) -> Item:
        count = f"{trouble.count:,} times" if trouble.count > 1 else "once"
        if trouble.kind is EventKind.DELETED:
            count = f"{trouble.count:,} in all"
        head = f"{str(trouble.kind).capitalize()}: {count}, the last {self._when(trouble.last)}"
        return Item(head, tuple(shown(text, _WHY) for text in trouble.texts[:_MOST]))

    def _times(self, caller: Caller) -> str:
        """When he called, for how long, and how often."""
        when = self._when(caller.at)
        if caller.seconds is not None and caller.seconds >= 1:
            when += f", {length_told(caller.seconds)}"
        return f"{many(caller.calls, 'call')}, the last {when}" if caller.calls > 1 else when

    def _when(self, at: datetime) -> str:
        here = at.astimezone(self._zone)
        return f"{here:%a} {here.day} {here:%b %H:%M}"


def clip_name(call: int) -> str:
    """What the file is called that holds what was heard in a call."""
    return f"call {call}.mp3"


def _who(caller: Caller) -> str:
    """'+1 805 555 0142 "UNKNOWN"', "withheld"."""
    number = "withheld" if caller.withheld else shown_number(caller.number)
    return f"{number} {quoted(caller.name)}" if caller.name.strip() else number


def quoted_words(transcript: str) -> str:
    """What a machine wrote down, in quotes; "" for nothing."""
    words = shown(" ".join(transcript.split()), _SPOKEN).replace('"', "'")
    return f'"{words}" (written down by a machine)' if words else ""


def _undo(caller: Caller) -> Undo | None:
    return Undo(caller.undo, caller.call, caller.number) if caller.undo else None


def _switch_off(title: str) -> SwitchOff | None:
    return SwitchOff(title) if place_in(title) else None


def _said(*lines: str) -> Iterable[str]:
    return (line for line in lines if line)


def _asked(report: Report) -> str:
    """The options that ask for this report again."""
    period = report.period
    if period.is_week:
        return f"--week {period.name}"
    return f"--from {period.first} --to {period.last}"
