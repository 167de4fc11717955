"""Prompt name -> sound file: speaks texts of sounds/LANGUAGE.toml, takes recordings, makes tones.

Every sound is a WAV of 8 kHz, 16 bit, mono (what Asterisk plays without work) under
data/sounds/LANGUAGE, its name ending in a digest of what it was made from: a changed text, voice or
recording gives another file, and nothing else is ever made again. A recording beside the texts
(sounds/en/greeting.wav) wins over the text. All is made at set-up and start, nothing during a call.
"""

from __future__ import annotations

import functools
import hashlib
import os
import string
import subprocess
import tempfile
import tomllib
import wave
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from screener import starter, textfile
from screener.config import Settings
from screener.core import number, signals
from screener.core.frontdoor import FrontDoor
from screener.core.loudness import RATE, even_out, trim
from screener.errors import ConfigError, PromptMissing
from screener.tables import Mistakes, nearest

# The digits that a challenge is made of (core/challenge.py).
_DIGITS = tuple(f"digit-{digit}" for digit in range(9))
SPOKEN = (
    *("greeting", "again", "press-now", "no-such-extension", "connecting"),
    *("challenge", "challenge-press", "how-much-is", "plus", *_DIGITS, "person-press-key"),
    *("nobody-answers", "leave-message", "review", "kept", "dropped"),
    *("nothing-recorded", "not-kept", "goodbye", "not-in-service"),
    *("expecting-on", "expecting-off"),
)
MADE = ("beep", "sit")
REQUIRED = (*SPOKEN, *MADE)
"""The names that call scripts use, besides the menu of each door (`FrontDoor.menu`)."""

_TEMPLATES = ("menu", "menu-unnamed")
_YOUNGER = (
    *("expecting-on", "expecting-off"),
    *(
        "press-now",
        "challenge",
        "challenge-press",
        "how-much-is",
        "plus",
        *_DIGITS,
        "person-press-key",
    ),
)
"""What a folder written by an older `screener init` has no text for: the shipped one is spoken."""

_RECORDINGS = (".wav", ".mp3", ".ogg", ".flac", ".m4a", ".opus")
_NOTES = (".txt", ".md")
_VERSION = "1"  # of the making of sounds: a new one makes all anew
_LONGEST_TEXT = 1000
_LONGEST_RECORDING = 120
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: what it is made from and the file that it becomes.

    `text` is what is said, "" for a recording or a tone; `recording` is its file, or None.
    """

    name: str
    text: str
    recording: Path | None
    file: Path


class Prompts:
    """The prompts of one language, for one front door."""

    def __init__(
        self, prompts: Iterable[Prompt], settings: Settings, warnings: tuple[str, ...] = ()
    ) -> None:
        self._prompts = {prompt.name: prompt for prompt in prompts}
        self._settings = settings
        self.warnings = warnings

    @classmethod
    def open(cls, settings: Settings) -> Prompts:
        """Read the texts and look for recordings; renders nothing.

        `warnings` name the prompts that are younger than the folder and have their shipped text.
        Raises `ConfigError` with every mistake: a text that is missing, a name that nothing plays.
        """
        language = settings.speech.language
        file = settings.sounds / f"{language}.toml"
        mistakes = Mistakes(str(file))
        menus = {door.menu: door for door in settings.doors.values()}
        known = (*REQUIRED, *_TEMPLATES, *menus)
        texts = _texts(file, known, mistakes)
        recordings = _recordings(settings.sounds / language, known, mistakes)
        texts |= {name: _menu(door, texts) for name, door in menus.items() if name not in texts}
        lacking = [name for name in _YOUNGER if name not in texts and name not in recordings]
        shipped = _shipped(language, lacking)
        texts |= shipped
        warnings = tuple(
            f"{file}: {name} is missing, so the text that comes with screener is spoken;"
            f' to word it yourself, add {name} = "..."'
            for name in shipped
        )
        prompts = []
        for name in (*REQUIRED, *menus):
            if name in SPOKEN and name not in texts and name not in recordings:
                mistakes.missing(name, f"expected its text, or a recording {language}/{name}.wav")
            prompts.append(_prompt(name, texts.get(name, ""), recordings.get(name), settings))
        if mistakes.sentences:
            raise ConfigError(mistakes.sentences)
        return cls(prompts, settings, warnings)

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self._prompts.values())

    def missing(self) -> list[str]:
        """The names of the prompts that have no sound yet."""
        return [prompt.name for prompt in self if not prompt.file.is_file()]

    def build(self, tell: Callable[[str], None]) -> None:
        """Make every sound that is missing; `tell` is given a line for each, and the warnings.

        Raises `PromptMissing` where one cannot be made. Takes seconds: not for the event loop.
        """
        for warning in self.warnings:
            tell(f"warning: {warning}")
        missing = self.missing()
        for done, name in enumerate(missing, start=1):
            prompt = self._prompts[name]
            tell(f"making sound {done} of {len(missing)}: {name}")
            try:
                prompt.file.parent.mkdir(parents=True, exist_ok=True)
                _write(prompt.file, self._render(prompt))
            except OSError as error:
                raise PromptMissing(
                    f"the prompt {name} cannot be written to {prompt.file} ({error.strerror})"
                ) from None

    def path(self, name: str) -> Path:
        """The sound file. Raises `PromptMissing` where there is no such prompt or no sound yet."""
        prompt = self._prompts.get(name)
        if prompt is None:
            raise PromptMissing(f"there is no prompt {name}; {nearest(name, self._prompts)}")
        if not prompt.file.is_file():
            raise PromptMissing(f"the prompt {name} has no sound yet: run `screener sounds build`")
        return prompt.file

    def uri(self, name: str) -> str:
        """What ARI's play wants: "sound:" and the path without its extension."""
        return f"sound:{self.path(name).with_suffix('')}"

    def seconds(self, name: str) -> float:
        """How long the prompt plays."""
        with wave.open(str(self.path(name)), "rb") as sound:
            return sound.getnframes() / sound.getframerate()

    def _render(self, prompt: Prompt) -> bytes:
        if prompt.name in MADE and prompt.recording is None:
            return signals.synthesise(_tones(prompt.name, self._settings.country))
        if prompt.recording is not None:
            sound = _decode(prompt.recording)
        else:
            sound = trim(speak(prompt.text, self._settings.speech.voice))
        evened = even_out(sound)
        if not evened:
            what = prompt.recording or f'"{prompt.text}"'
            raise PromptMissing(f"the prompt {prompt.name} is silent: {what} holds no voice")
        return evened


# What there is -----------------------------------------------------------------------------------


def _texts(file: Path, known: Iterable[str], mistakes: Mistakes) -> dict[str, str]:
    """The texts of one language, by prompt name."""
    try:
        written = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}:{textfile.not_utf8(error)}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{file}: {error}"]) from None
    texts: dict[str, str] = {}
    for name, text in written.items():
        if name not in known or name in MADE:
            mistakes.note(name, text, f"nothing plays such a prompt; {nearest(name, known)}")
        elif not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_TEXT:
            expected = f"expected what is said, in quotes ({_LONGEST_TEXT} letters at most)"
            mistakes.note(name, text, expected)
        elif unfit := _unfit_fields(name, text):
            mistakes.note(name, text, unfit)
        else:
            texts[name] = " ".join(text.split())
    for name in _TEMPLATES:
        if name not in written:
            mistakes.missing(name, "expected its text")
        texts.setdefault(name, "")
    return texts


def _shipped(language: str, names: Iterable[str]) -> dict[str, str]:
    """The texts of prompts as `screener init` writes them; English where a language has none."""
    wanted = tuple(names)
    if not wanted:
        return {}
    folder = starter.origin("sounds")
    own = folder / f"{language}.toml"
    file = own if own.is_file() else folder / "en.toml"
    written = tomllib.loads(file.read_text("utf-8"))
    return {name: written[name] for name in wanted}


def _unfit_fields(name: str, text: str) -> str:
    """What is wrong with the {fields} of a text; only `menu` may have any."""
    allowed = ("name", "number") if name == "menu" else ()
    try:
        fields = [field for field in string.Formatter().parse(text) if field[1] is not None]
    except ValueError as error:
        return f"expected every {{ to have its }} ({error})"
    plain = all(field in allowed and not form and not how for _, field, form, how in fields)
    if plain:
        return ""
    return (
        f"expected no fields in braces but {', '.join(allowed)}"
        if allowed
        else ("expected no braces: only menu has fields")
    )


def _recordings(folder: Path, known: Iterable[str], mistakes: Mistakes) -> dict[str, Path]:
    """The recordings laid beside the texts, by prompt name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.suffix.lower() in _NOTES:
            continue
        if path.suffix.lower() not in _RECORDINGS:
            mistakes.sentences.append(f"{path}: expected a recording: {', '.join(_RECORDINGS)}")
        elif path.stem not in known or path.stem in _TEMPLATES:
            advice = nearest(path.stem, known)
            mistakes.sentences.append(f"{path}: nothing plays such a prompt; {advice}")
        elif path.stem in found:
            mistakes.sentences.append(f"{path}: {found[path.stem].name} is there already; keep one")
        else:
            found[path.stem] = path
    return found


def _menu(door: FrontDoor, texts: Mapping[str, str]) -> str:
    """What reads out a door's extensions. Digits stand apart, or "12" would be said "twelve"."""
    offered = [
        texts["menu"].format(name=extension.names[0], number=" ".join(extension.number))
        for _, extension in sorted(door.extensions.items())
        if extension.names
    ]
    return " ".join(offered) or texts["menu-unnamed"]


def _prompt(name: str, text: str, recording: Path | None, settings: Settings) -> Prompt:
    """The prompt and its file, whose name ends in a digest of what the sound is made from."""
    if recording is not None:
        made_from = recording.read_bytes()
    elif name in MADE:
        made_from = repr(_tones(name, settings.country)).encode()
    else:
        made_from = f"{settings.speech.voice}\n{text}".encode()
    digest = hashlib.sha256(_VERSION.encode() + b"\n" + made_from).hexdigest()[:12]
    folder = settings.data / "sounds" / settings.speech.language
    return Prompt(name, "" if recording else text, recording, folder / f"{name}-{digest}.wav")


def _tones(name: str, country: str) -> tuple[signals.Tone, ...]:
    if name == "beep":
        return signals.BEEP
    north_america = number.calling_code(country) == 1
    return signals.SIT_VACANT_CODE if north_america else signals.SIT_ITU


# Making sound ------------------------------------------------------------------------------------


def speak(text: str, voice: str) -> bytes:
    """Speak a text; returns 16-bit little-endian mono PCM at 8 kHz.

    `voice` is "program:voice". Raises `PromptMissing` when the program or the voice is not there.
    """
    program, _, name = voice.partition(":")
    with tempfile.TemporaryDirectory(prefix="screener-") as folder:
        said, sound = Path(folder, "text"), Path(folder, "sound.wav")
        said.write_text(text, encoding="utf-8")
        if program == "flite":
            _check_flite(name)
            _run(["flite", "-voice", name, "-f", str(said), "-o", str(sound)], "speak")
        else:
            _run(["espeak-ng", "-v", name, "-f", str(said), "-w", str(sound)], "speak")
        return _decode(sound)


@functools.cache
def _check_flite(voice: str) -> None:
    """Flite takes another voice without a word where it does not know the one asked for."""
    listed = _run(["flite", "-lv"], "list its voices").decode(errors="replace")
    voices = listed.partition(":")[2].split()
    if voice not in voices:
        there = ", ".join(sorted(voices))
        raise PromptMissing(f'speech.voice: flite has no voice "{voice}"; it has {there}')


def _decode(path: Path) -> bytes:
    """Any recording as 16-bit little-endian mono PCM at 8 kHz, two minutes at most."""
    form = ["-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
    limit = ["-t", str(_LONGEST_RECORDING)]
    source = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"file:{path}"]
    return _run([*source, *limit, *form], f"read {path}")


def _run(command: list[str], doing: str) -> bytes:
    """Run a program to its end; returns what it wrote."""
    program = command[0]
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise PromptMissing(f"{program} is not installed: apt-get install {program}") from None
    except subprocess.TimeoutExpired:
        raise PromptMissing(f"{program} did not {doing} within {_PATIENCE:g} seconds") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else "it gave no reason"
        raise PromptMissing(f"{program} could not {doing}: {reason}") from None
    return done.stdout


def _write(path: Path, pcm: bytes) -> None:
    """Write a WAV so that it is there whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with wave.open(str(draft), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(pcm)
    draft.replace(path)
