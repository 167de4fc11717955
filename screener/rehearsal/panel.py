"""What recorded callers are heard with: a front door with its grammars and prompts, and an engine.

The owner's own front door, or where there is none, one that stands for it: as `screener init`
hands it out, or the house of `screener evaluate`, in which every spoken digit is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from screener import config, recogniser, starter
from screener.campaigns.learning import CallTracker, day, known_in
from screener.config import Settings
from screener.core.call import Call
from screener.core.frontdoor import FrontDoor
from screener.core.number import read
from screener.core.reception import Reception, receive
from screener.core.rules import RuleSet
from screener.core.timeline import Played
from screener.errors import SetupError
from screener.rehearsal.audition import Audition, Recording
from screener.settings.surroundings import Engine
from screener.voice.prompts import MADE, Prompts, tones

# How fast prompts are spoken that have no sound yet: 18 texts of sounds/en.toml by flite's slt and
# espeak-ng's en-us take 2.6 words a second, pauses included, each within 0.9 s.
_WORDS_A_SECOND = 2.6
# Seconds of what nobody knows anything about.
_UNKNOWN = 2.5
# A recorded caller has a number from which nobody calls; no rule is asked about him.
_CALLER = "+18055550142"
_WHEN = datetime(2026, 1, 1, 12, tzinfo=UTC)

HOUSE = """\
# The house of `screener evaluate`: ten extensions of one digit are the hardest for robots, because
# every digit that is spoken is an answer.
country = "US"
[dids."+18182223333"]
ring = "family"
box = "family"
{extensions}
[phones]
kitchen = "PJSIP/kitchen"
[groups.family]
phones = ["kitchen"]
[boxes.family]
mail = ["you@example.net"]
limit = "1m"
[mail]
sender = "screener@example.net"
"""
_NAMES = {"1": '"family", "home"', "2": '"office"', "0": '"operator"'}


def starter_door(folder: Path) -> Path:
    """Write the front door that `screener init` hands out; its screener.toml."""
    starter.write(folder)
    return folder / config.FILE


def house(folder: Path) -> Path:
    """Write the house of `screener evaluate` into a folder that is not there; its screener.toml."""
    file = starter_door(folder)
    extensions = "\n".join(
        f'[extensions.{digit}]\nnames = [{_NAMES.get(digit, "")}]\nring = "family"\nbox = "family"'
        for digit in "1234567890"
    )
    file.write_text(HOUSE.format(extensions=extensions), encoding="utf-8")
    return file


def engines(settings: Settings) -> Mapping[Engine, Path | None]:
    """The engines that a front door can hear with, each with its model: first the one that hears
    its calls, then the other. PocketSphinx is always there (None: the English model that it brings
    along), Vosk where a model of it is installed."""
    speech = settings.speech
    engine, model = recogniser.chosen(speech.engine, speech.model, settings.data)
    there = {engine: model}
    there.setdefault(Engine.POCKETSPHINX, None)
    for installed in recogniser.installed(settings.data):
        there.setdefault(recogniser.kind_of(installed), installed)
    return there


class Panel:
    """Hears recorded callers, one after the other, at one front door with one engine.

    `engine` and `model` are one of `engines`; `data` is a folder for what the engine writes. `did`
    is the number that they dial, the first of the front door's unless it is one of them.
    Raises ScreenerError where something is missing; loading takes seconds. `warnings` are
    sentences about what could be read in part only.
    """

    def __init__(
        self,
        settings: Settings,
        data: Path,
        engine: Engine,
        model: Path | None,
        did: str = "",
    ) -> None:
        asking = (door for door in settings.doors.values() if not door.doorbell)
        door = settings.doors.get(did) or next(asking, None)
        if door is None:
            raise SetupError(
                f"{settings.path} has no front door that asks anything: give it a table"
                " [dids.NUMBER] without doorbell"
            )
        if engine is Engine.VOSK and model is None:
            raise SetupError(
                f"speech.engine is vosk, but no model is in {settings.data / recogniser.MODELS}:"
                " `screener models` says how to get one, or set speech.engine to auto"
            )
        speech = replace(settings.speech, engine=engine, model=model)
        loaded = recogniser.load(replace(settings, speech=speech, data=data))
        loaded.close()  # its threads: nobody waits here
        self.engine = loaded.engine
        self.door: FrontDoor = door
        self.prompt_seconds = lengths(settings)
        self._classes = recogniser.phrase_classes(settings.grammars)
        self._directory = settings.directory
        self._zone = settings.zone
        self._known, self.warnings = known_in(settings.data)

    def hear(
        self, recording: Recording, *, campaigns: bool = True, watching: bool = False
    ) -> Played:
        """Take a recorded caller through the script of a call that no rule decides.

        `campaigns` are asked, unless it is a call that may have taught one of them. With `watching`
        the verdict over time is noted. Raises ClipError when the recording is a file that cannot be
        read.
        """
        tracker = CallTracker(lambda: self._known, self._told) if campaigns else None
        audition = Audition(
            recording, self.engine, self._classes, self.prompt_seconds, tracker, watching=watching
        )
        call = Call("audition", self.door.did, read(_CALLER, "US"), _WHEN)
        return audition.play(receive(call, Reception(self.door, self._directory, RuleSet())))

    def _told(self, when: datetime) -> str:
        return day(when, self._zone, datetime.now(UTC))


def lengths(settings: Settings) -> Callable[[str], float]:
    """How many seconds each prompt plays: its sound where there is one, else by its text."""
    prompts = Prompts.open(settings)
    known: dict[str, float] = {}
    for prompt in prompts:
        if prompt.language != settings.speech.language:
            continue
        if prompt.has_sound:
            known[prompt.name] = prompts.seconds(prompt.name)
        elif prompt.text:
            known[prompt.name] = len(prompt.text.split()) / _WORDS_A_SECOND
        elif prompt.name in MADE:
            known[prompt.name] = sum(t.seconds for t in tones(prompt.name, settings.country))
    return lambda name: known.get(name, _UNKNOWN)
