"""Who is taken for a machine: by screener, by Asterisk's AMD(), and by a count of words.

All three judge the same clips (../shared/data/speech): recordings that begin 0.3 s after the
answer, people who talk as soon, and people who wait until they are asked.
- AMD() with its default settings is called over SIP, each clip a caller. For people who wait it is
  begun when the prompt is over (7 s): from the answer on it would take their waiting for a machine.
- The nine words rule is jambonz': who says nine words or more, within the 15 s in which it decides,
  is a machine. The words are those of screener's recogniser.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from screener import config, recogniser
from screener.asterisk.installation import Installation
from screener.core.audio import FRAME_BYTES, FRAME_SECONDS
from screener.core.hearing import Hearing
from screener.core.manifest import Entry, Label
from screener.core.script import Listen
from screener.core.verdict import Kind
from screener.recogniser.sphinx import Sphinx
from screener.rehearsal import clips, evaluation
from screener.rehearsal.panel import house
from screener.settings.surroundings import Engine
from tests.bench.figures import Judged
from tests.bench.traffic import Traffic
from tests.calls import speech
from tests.calls.plain import PlainAsterisk
from tests.calls.sip import CallError

WORDS, WITHIN = 9, 15.0
AT_ONCE = 40
PROMPT = 7.0
ONSET = 0.3
_LISTENS = 8.0
_FRAMES = round(WITHIN / FRAME_SECONDS)
_PORTION = 5 * FRAME_BYTES
_ROBOT = (Kind.UNWANTED_ROBOT, Kind.WANTED_ROBOT)
_ROBOTS, _EAGER, _ASKED = "recordings", "people who talk at once", "people who wait to be asked"
_DIALPLAN = f"""
[incoming]
exten => _1XXX,1,Answer()
 same => n,Goto(judge,${{EXTEN}},1)
exten => _2XXX,1,Answer()
 same => n,Wait({PROMPT:g})
 same => n,Goto(judge,${{EXTEN}},1)
[judge]
exten => _X.,1,AMD()
 same => n,Log(NOTICE,judged ${{EXTEN}} ${{AMDSTATUS}} ${{AMDCAUSE}})
 same => n,Hangup()
"""
_JUDGED = re.compile(r"judged ([0-9]+) ([A-Z]+) ")


def groups() -> Mapping[str, Sequence[Entry]]:
    """The clips of each kind of caller; empty where the recordings are away."""
    if not speech.recordings():
        return {}
    entries = evaluation.read_manifest(speech.RECORDINGS)
    people = [entry for entry in entries if entry.label is Label.HUMAN]
    return {
        _ROBOTS: [e for e in entries if e.label is Label.ROBOCALL],
        _EAGER: [replace(entry, onset=ONSET) for entry in people],
        _ASKED: people,
    }


async def rivals(
    installation: Installation, every: int, tell: Callable[[str], None]
) -> tuple[Judged, ...]:
    """How many of each kind each of the three takes for a machine, of every so-many-th clip."""
    chosen = {what: clips[::every] for what, clips in groups().items()}
    if not chosen:
        tell("screener, AMD() and nine words are not compared: ../shared/data/speech is away")
        return ()
    machines = await amd(installation, chosen)
    tell("AMD() has judged")
    with tempfile.TemporaryDirectory(prefix="rivals-") as folder:
        door = house(Path(folder) / "house")
        own = await asyncio.to_thread(_own, chosen, door, Path(folder))
        tell("screener has judged")
        spoken = {what: clips for what, clips in chosen.items() if what != _ASKED}
        wordy = await asyncio.to_thread(_wordy, spoken, door)
        wordy[_ASKED] = wordy[_EAGER]  # the same clips say as many words
        tell("nine words are counted")
    counts = {what: len(clips) for what, clips in chosen.items()}
    return (
        Judged("screener", counts, own),
        Judged("Asterisk's AMD()", counts, machines),
        Judged("nine words", counts, wordy),
    )


# Asterisk's AMD() --------------------------------------------------------------------------------


async def amd(
    installation: Installation, chosen: Mapping[str, Sequence[Entry]]
) -> Mapping[str, int]:
    """How many callers of each kind AMD() says MACHINE of."""
    numbered = [(what, entry) for what, entries in chosen.items() for entry in entries]
    kinds = {f"{2 if what == _ASKED else 1}{n:03}": what for n, (what, _) in enumerate(numbered)}
    waiting = list(zip(kinds, (entry for _, entry in numbered), strict=True))
    async with PlainAsterisk(installation, _DIALPLAN, more=("app_amd",)) as pbx:
        await asyncio.gather(*(_callers(pbx, waiting) for _ in range(AT_ONCE)))
        told = dict(_JUDGED.findall(pbx.log()))
    if missing := kinds.keys() - told.keys():
        raise CallError(f"AMD() has said nothing of {len(missing)} of {len(kinds)} callers")
    machines = Counter(kinds[did] for did, status in told.items() if status == "MACHINE")
    return {what: machines[what] for what in chosen}


async def _callers(pbx: PlainAsterisk, waiting: list[tuple[str, Entry]]) -> None:
    """Place calls one after the other, as long as there are some waiting."""
    while waiting:
        did, entry = waiting.pop()
        begins = ONSET + (PROMPT if entry.onset is None else 0.0)
        sound = speech.silence(begins) + _pcm(entry) + speech.silence(_LISTENS)
        caller = Traffic(pbx.address, did, stays=begins + _LISTENS, sound=speech.ulaw(sound))
        await caller.run(rate=10, calls=1)


def _pcm(entry: Entry) -> bytes:
    return b"".join(clips.open_clip(speech.RECORDINGS / entry.file).frames())


# screener, and nine words ------------------------------------------------------------------------


def _own(chosen: Mapping[str, Sequence[Entry]], door: Path, scratch: Path) -> dict[str, int]:
    """How many of each kind screener says a robot of."""
    hall = evaluation.Hall(door, Engine.POCKETSPHINX, None, scratch)
    entries = [entry for clips in chosen.values() for entry in clips]
    marks, unheard = evaluation.evaluate(entries, speech.RECORDINGS, hall, lambda _: None)
    if unheard:
        raise CallError(unheard[0].why)
    return _counted(chosen, [mark.verdict in _ROBOT for mark in marks])


def _wordy(chosen: Mapping[str, Sequence[Entry]], door: Path) -> dict[str, int]:
    """Of how many of each kind nine words are recognised in time."""
    entries = [entry for clips in chosen.values() for entry in clips]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(evaluation.cores(), context, _open, (door,)) as pool:
        return _counted(chosen, pool.map(_has_many_words, entries))


def _counted(chosen: Mapping[str, Sequence[Entry]], found: Iterable[bool]) -> dict[str, int]:
    """How many of each kind, of an answer for each clip in order."""
    answers = iter(found)
    return {what: sum(islice(answers, len(clips))) for what, clips in chosen.items()}


_engine: Sphinx | None = None


def _open(door: Path) -> None:
    global _engine  # noqa: PLW0603 - a process of a pool has nothing else that stays
    engine = recogniser.load(config.load(door)).engine
    assert isinstance(engine, Sphinx)
    _engine = engine


def _has_many_words(entry: Entry) -> bool:
    """Whether a clip's first 15 s have nine words, by the engine that listens to calls."""
    assert _engine is not None
    hearing, decoder = Hearing(()), _engine.decoder()
    hearing.begin(Listen(("prompt",), frozenset()))
    portion, said = b"", 0
    for frame in islice(clips.open_clip(speech.RECORDINGS / entry.file).frames(), _FRAMES):
        if hearing.frame(frame):
            portion += frame
        if len(portion) >= _PORTION:
            said, portion = len(decoder.hear(portion).words), b""
            if said >= WORDS:
                break
    decoder.close()
    return said >= WORDS
