"""The call script of the studio: the owner records what callers hear, by telephone.

One of the house's phones has dialled studio.code. Whoever knows the PIN hears a menu, keys the
number of a prompt (as `screener sounds list` numbers them) or an extension, hears what callers hear
now, speaks after the beep until #, hears himself, and keeps it, says it again or leaves all as it
was. A recording without a voice, or one that is clipped, is not kept.
Prompts are named as in "greeting", or "de/greeting" for another language's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from screener.core.ownvoice import Fault
from screener.core.script import Command, Drop, Hangup, Note, Play, Script, do
from screener.core.visit import Ask, digits, let_in

PROMPTS = (
    *("studio-pin", "studio-wrong-pin", "studio-busy", "studio-menu", "studio-language"),
    *("studio-number", "studio-extension", "studio-none", "studio-prompt", "studio-now"),
    *("studio-record", "studio-review", "studio-kept", "studio-left", "studio-not-kept"),
    *("studio-silent", "studio-clipped", "studio-short", "studio-long"),
)
"""What is said in the studio, besides digits and "goodbye"."""

_TAKES = 9  # how often something may be recorded in one go
_UNANSWERED = 2  # how often nothing is keyed before the call is over
_SAID = {
    Fault.SILENT: "studio-silent",
    Fault.CLIPPED: "studio-clipped",
    Fault.SHORT: "studio-short",
    Fault.LONG: "studio-long",
}


# What a studio asks of the line ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of `TakeDown`: the name of the take, and what is wrong with it."""

    take: str
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class TakeDown(Command[Taken]):
    """Record until #."""


@dataclass(frozen=True, slots=True)
class Adopt(Command[bool]):
    """Make a take the sound of a prompt, for all calls from now on: whether that could be done."""

    take: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Repertoire:
    """What can be recorded: in each language its prompts, in their order, and the extensions.

    `languages` begins with the owner's own. `extensions` are the prompts by the digits.
    """

    languages: tuple[str, ...]
    prompts: Mapping[str, tuple[str, ...]]
    extensions: Mapping[str, str]


# The script --------------------------------------------------------------------------------------


def record_prompts(repertoire: Repertoire) -> Script[None]:
    """A call to the studio, from the answer to its end. It is closed when he hangs up."""
    if (yield from let_in("studio-pin", "studio-wrong-pin")):
        yield from _work(repertoire)
    yield from do(Play(("goodbye",)))
    yield from do(Hangup())


def _work(repertoire: Repertoire) -> Script[None]:
    """The menu, until nothing more is chosen."""
    language = 0
    unanswered = 0
    while unanswered < _UNANSWERED:
        several = len(repertoire.languages) > 1
        menu = ("studio-menu", "studio-language") if several else ("studio-menu",)
        keys = yield from do(Ask(menu))
        unanswered = 0 if keys else unanswered + 1
        here = repertoire.languages[language]
        if keys == "1":
            yield from _by_number(repertoire.prompts[here], here)
        elif keys == "2":
            yield from _by_extension(repertoire.extensions, here)
        elif keys == "3":
            yield from _list(repertoire.prompts[here], here)
        elif keys == "4" and several:
            language = (language + 1) % len(repertoire.languages)
            yield from do(Note(f"the language is {repertoire.languages[language]}"))
            yield from do(Play((f"{repertoire.languages[language]}/greeting",)))


def _by_number(prompts: tuple[str, ...], language: str) -> Script[None]:
    keys = yield from do(Ask(("studio-number",), len(str(len(prompts)))))
    if keys.isdigit() and 1 <= int(keys) <= len(prompts):
        name = f"{language}/{prompts[int(keys) - 1]}"
        yield from do(Play(("studio-prompt", *digits(keys))))
        yield from _record(name)
    elif keys:
        yield from do(Play(("studio-none",)))


def _by_extension(extensions: Mapping[str, str], language: str) -> Script[None]:
    longest = max(map(len, extensions), default=1)
    keys = yield from do(Ask(("studio-extension",), longest))
    if keys in extensions:
        yield from _record(f"{language}/{extensions[keys]}")
    elif keys:
        yield from do(Play(("no-such-extension",)))


def _list(prompts: tuple[str, ...], language: str) -> Script[None]:
    """All prompts with their numbers, until a key is pressed."""
    for number, prompt in enumerate(prompts, 1):
        said = (*digits(str(number)), f"{language}/{prompt}")
        if (yield from do(Ask(said, wait=0.7))):
            return


def _record(prompt: str) -> Script[None]:
    """Let one prompt be heard, and recorded until its owner is content or gives it up."""
    yield from do(Play(("studio-now", prompt)))
    for _ in range(_TAKES):
        yield from do(Play(("studio-record", "beep")))
        taken = yield from do(TakeDown())
        if taken.fault is not None:
            yield from do(Note(f"the recording {taken.fault}"))
            yield from do(Drop(taken.take))
            yield from do(Play((_SAID[taken.fault],)))
            if taken.fault is Fault.SILENT:
                return  # perhaps nobody is there any more: to the menu, which ends the call
            continue
        keys = yield from do(Ask(("studio-review",), take=taken.take, wait=10.0))
        if keys == "1":
            kept = yield from do(Adopt(taken.take, prompt))
            yield from do(Play(("studio-kept" if kept else "studio-not-kept",)))
            return
        yield from do(Drop(taken.take))
        if keys != "2":
            break
    yield from do(Play(("studio-left",)))
