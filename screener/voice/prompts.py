"""Prompt name and language -> sound file: speaks texts, takes recordings, makes tones.

Every sound is a WAV of 8 kHz, 16 bit, mono (what Asterisk plays without work) under
data/sounds/LANGUAGE, its name ending in a digest of what it was made from: a changed text, voice or
recording gives another file, and nothing else is ever made again. What is said, and which recording
wins over it, is read in wording.py. All is made at set-up and start, nothing during a call.
"""

from __future__ import annotations

import hashlib
import os
import threading
import wave
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from screener.config import Settings
from screener.core import number, signals, studio, visit, voicemail
from screener.core.loudness import RATE, even_out, trim
from screener.core.ownvoice import Fault
from screener.errors import ConfigError, PromptMissing
from screener.settings.tables import Mistakes, nearest
from screener.voice import voices, wording
from screener.voice.wording import Wording

# All ten: a challenge is made of them (core/challenge.py), and numbers are read back.
_DIGITS = tuple(f"digit-{digit}" for digit in range(10))
SPOKEN = (
    *("greeting", "again", "press-now", "no-such-extension", "connecting"),
    *("closed", "operator", "message", "confirm-hearing", "press-keys"),
    *("directory", "call-back", "an-emergency"),
    *("spell-name", "no-such-name", "several-names", "for", "press"),
    *("challenge", "challenge-press", "how-much-is", "plus", *_DIGITS, "person-press-key"),
    *("nobody-answers", "nobody-at-home", "leave-message", "review", "kept", "dropped"),
    *("call-back-offer", "call-back-other", "call-back-key", "call-back-read", "call-back-right"),
    *("call-back-no-number", "call-back-kept", "call-back-not-kept", "emergency"),
    *("nothing-recorded", "not-kept", "partly-kept", "goodbye", "not-in-service"),
    *("paused", "half-a-minute-left", "one-moment", "no-room", "no-more-room", "may-be-recorded"),
    *("expecting-on", "expecting-off"),
    *("say-your-name", "call-from", "no-number", "choose-call", "take-call"),
    *("still-ringing", "turned-away", "dnd-on", "dnd-off"),
    *visit.PROMPTS,
    *studio.PROMPTS,
    *voicemail.PROMPTS,
)
MADE = ("beep", "sit", "nearly-over", "working")
REQUIRED = (*SPOKEN, *MADE)
"""The names that call scripts use, besides what is composed of screener.toml (wording.py)."""

_HEADER = 44  # bytes of a WAV file that holds nothing
_VERSION = "4"  # of the making of sounds: a new one makes all anew


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt in one language: what it is made from and the file that it becomes.

    `text` is what is said, "" for a recording or a tone; `recording` is its file, or None.
    """

    name: str
    language: str
    text: str
    recording: Path | None
    file: Path

    @property
    def has_sound(self) -> bool:
        """Whether its file is there; one that a power cut has emptied is not."""
        try:
            return self.file.stat().st_size > _HEADER
        except OSError:
            return False


class Prompts:
    """The prompts of one front door, in each language that it speaks.

    `languages` are these, that of the settings first; where none is named, that one is meant.
    """

    def __init__(
        self,
        prompts: Iterable[Prompt],
        settings: Settings,
        warnings: tuple[str, ...],
        made_from: frozenset[tuple[str, int, int]],
    ) -> None:
        self._prompts = {(prompt.language, prompt.name): prompt for prompt in prompts}
        self._settings = settings
        self._made_from = made_from
        self._renewing = threading.Lock()
        self.warnings = warnings

    @classmethod
    def open(cls, settings: Settings) -> Prompts:
        """Read the texts and look for recordings; renders nothing.

        `warnings` name the prompts that the owner's folder lacks and have their shipped text.
        Raises `ConfigError` with every mistake: a text that is missing, a name that nothing plays.
        """
        made_from = _state(settings.sounds)
        sentences: list[str] = []
        prompts: list[Prompt] = []
        warnings: list[str] = []
        for language in _languages(settings):
            file = settings.sounds / f"{language}.toml"
            mistakes = Mistakes(str(file))
            names = (SPOKEN, MADE)
            usual = settings.speech.language
            doors = settings.doors.values()
            here = [door for door in doors if (door.language or usual) == language]
            read = wording.read(
                *(settings.sounds, language, names, settings.directory),
                here=here,
                mistakes=mistakes,
            )
            for name in read.names:
                try:
                    prompts.append(_prompt(name, language, read, settings))
                except OSError as error:  # it has just gone, or may not be read
                    recording = read.recordings[name]
                    mistakes.sentences.append(f"{recording}: cannot be read ({error.strerror})")
            sentences += mistakes.sentences
            if read.shipped:
                warnings.append(
                    f"{file}: {', '.join(read.shipped)}: no text, so the one that comes with"
                    f' screener is spoken; to word it yourself, add {read.shipped[0]} = "..."'
                )
        if sentences:
            raise ConfigError(sentences)
        return cls(prompts, settings, tuple(warnings), made_from)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(language for language, _ in self._prompts))

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self._prompts.values())

    def missing(self) -> list[str]:
        """The prompts that have no sound yet: by their name, or "de/greeting"."""
        return [self.title(prompt) for prompt in self if not prompt.has_sound]

    def build(self, tell: Callable[[str], None]) -> None:
        """Make every sound that is missing; `tell` is given a line for each, and the warnings.

        Raises `PromptMissing` where one cannot be made. Takes seconds: not for the event loop.
        """
        for warning in self.warnings:
            tell(f"warning: {warning}")
        missing = [prompt for prompt in self if not prompt.has_sound]
        for done, prompt in enumerate(missing, start=1):
            tell(f"making sound {done} of {len(missing)}: {self.title(prompt)}")
            try:
                prompt.file.parent.mkdir(parents=True, exist_ok=True)
                voices.write(prompt.file, self._render(prompt))
            except OSError as error:
                raise PromptMissing(
                    f"the prompt {prompt.name} cannot be written to {prompt.file}"
                    f" ({error.strerror})"
                ) from None

    def renew(self, tell: Callable[[str], None]) -> None:
        """Take over texts and recordings that have changed, for the next sound that is played.

        Raises `ConfigError` and `PromptMissing`; then all stays as it is.
        """
        with self._renewing:
            self._made_from = _state(self._settings.sounds)  # what is wrong now is told once
            new = Prompts.open(self._settings)
            new.build(tell)
            self._prompts, self.warnings = new._prompts, new.warnings

    def renew_if_changed(self, tell: Callable[[str], None]) -> None:
        """As `renew`, if any text or recording has changed since they were last taken over."""
        if _state(self._settings.sounds) != self._made_from:
            self.renew(tell)

    def prompt(self, name: str, language: str = "") -> Prompt:
        """One prompt, whether or not it has its sound. Raises `PromptMissing` for no such one."""
        language = language or self._settings.speech.language
        prompt = self._prompts.get((language, name))
        if prompt is None and language not in self.languages:
            advice = nearest(language, self.languages)
            raise PromptMissing(f"there are no prompts in the language {language}; {advice}")
        if prompt is None:
            names = [each.name for each in self if each.language == language]
            raise PromptMissing(f"there is no prompt {name}; {nearest(name, names)}")
        return prompt

    def path(self, name: str, language: str = "") -> Path:
        """The sound file. Raises `PromptMissing` where there is no such prompt or no sound yet."""
        prompt = self.prompt(name, language)
        if not prompt.has_sound:
            raise PromptMissing(
                f"the prompt {self.title(prompt)} has no sound yet: run `screener sounds build`"
            )
        return prompt.file

    def uri(self, name: str, language: str = "") -> str:
        """What ARI's play wants: "sound:" and the path without its extension."""
        return f"sound:{self.path(name, language).with_suffix('')}"

    def seconds(self, name: str, language: str = "") -> float:
        """How long the prompt plays."""
        with wave.open(str(self.path(name, language)), "rb") as sound:
            return sound.getnframes() / sound.getframerate()

    def sound(self, names: Iterable[str], language: str = "") -> tuple[tuple[str, ...], float]:
        """Prompts one after the other as ARI wants them, and their length together in seconds."""
        names = tuple(names)
        uris = tuple(self.uri(name, language) for name in names)
        return uris, sum(self.seconds(name, language) for name in names)

    def title(self, prompt: Prompt) -> str:
        """How it is named where all languages are: "greeting", "de/greeting"."""
        ours = prompt.language == self._settings.speech.language
        return prompt.name if ours else f"{prompt.language}/{prompt.name}"

    def _render(self, prompt: Prompt) -> bytes:
        if prompt.name in MADE and prompt.recording is None:
            return even_out(signals.synthesise(tones(prompt.name, self._settings.country)))
        if prompt.recording is not None:
            sound = voices.decode(prompt.recording)
            if len(sound) > voices.LONGEST * RATE * 2:
                raise PromptMissing(f"the prompt {prompt.name}: {prompt.recording} {Fault.LONG}")
        else:
            voice = self._settings.speech.voice_of(prompt.language)
            sound = trim(voices.speak(prompt.text, voice))
        evened = even_out(sound)
        if not evened:
            what = prompt.recording or f'"{prompt.text}"'
            raise PromptMissing(f"the prompt {prompt.name} is silent: {what} holds no voice")
        return evened


# What there is -----------------------------------------------------------------------------------


def _languages(settings: Settings) -> tuple[str, ...]:
    """That of the settings, then those that numbers name. Raises ConfigError: one has no texts."""
    mistakes = Mistakes(str(settings.path))
    try:
        # Not glob, which finds nothing in a folder that it may not read, and says nothing.
        files = [Path(entry.path) for entry in os.scandir(settings.sounds)]
    except OSError as error:
        unread = f"cannot be read ({error.strerror}): give the user who runs screener the right to"
        mistakes.note("paths.sounds", str(settings.sounds), unread)
        raise ConfigError(mistakes.sentences) from None
    there = [path.stem for path in files if path.suffix == ".toml"]
    named = {settings.speech.language: "speech.language"}
    for did, door in settings.doors.items():
        named.setdefault(door.language or settings.speech.language, f'dids."{did}".language')
    for language, key in named.items():
        if language not in there:
            expected = f"expected a language whose texts are in {settings.sounds}"
            shipped = wording.shipped_file(language)
            advice = f"copy {shipped} there" if shipped else nearest(language, there)
            mistakes.note(key, language, f"{expected}; {advice}")
    if mistakes.sentences:
        raise ConfigError(mistakes.sentences)
    return tuple(named)


def _prompt(name: str, language: str, read: Wording, settings: Settings) -> Prompt:
    """The prompt and its file, whose name ends in a digest of what the sound is made from.

    Raises OSError where its recording cannot be read.
    """
    text, recording = read.texts.get(name, ""), read.recordings.get(name)
    if recording is not None:
        made_from = recording.read_bytes()
    elif name in MADE:
        made_from = repr(tones(name, settings.country)).encode()
    else:
        made_from = f"{settings.speech.voice_of(language)}\n{text}".encode()
    digest = hashlib.sha256(_VERSION.encode() + b"\n" + made_from).hexdigest()[:12]
    file = settings.data / "sounds" / language / f"{name}-{digest}.wav"
    return Prompt(name, language, "" if recording else text, recording, file)


def _state(sounds: Path) -> frozenset[tuple[str, int, int]]:
    """What tells that a file in the folder of texts and recordings is another: name, time, size."""
    found: set[tuple[str, int, int]] = set()
    paths: list[Path] = []
    with suppress(OSError):  # a folder has just gone
        paths += (*sounds.glob("*.toml"), *sounds.glob("[!.]*/[!.]*"))
    for path in paths:
        with suppress(OSError):  # it has just gone
            stat = path.stat()
            found.add((str(path), stat.st_mtime_ns, stat.st_size))
    return frozenset(found)


_TONES = {
    "beep": signals.BEEP,
    "nearly-over": signals.NEARLY_OVER,
    "working": signals.WORKING,
}


def tones(name: str, country: str) -> tuple[signals.Tone, ...]:
    """What a prompt that is no speech (one of `MADE`) is made of."""
    if name in _TONES:
        return _TONES[name]
    north_america = number.calling_code(country) == 1
    return signals.SIT_VACANT_CODE if north_america else signals.SIT_ITU
