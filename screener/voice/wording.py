"""What is said in one language: sounds/LANGUAGE.toml, the recordings beside it, what is shipped.

The owner's recording goes before his text, and both before the text that comes with screener. What
is composed of screener.toml, the menus, the names of extensions and boxes, he may word or record
as well.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from screener import starter, textfile
from screener.core.frontdoor import Choice, Directory, FrontDoor, Menu, Step
from screener.core.voicemail import NUMBERS, box_prompt
from screener.errors import ConfigError
from screener.settings.menus import CALLED, reached
from screener.settings.tables import Mistakes, nearest

TEMPLATES: Mapping[str, tuple[str, ...]] = {"menu": ("name", "number"), "menu-unnamed": ()}
"""Texts that prompts are composed of, and the fields in braces that each may have."""

# The prompts that say what a choice is which the owner has given no name.
_TITLES: Mapping[Step, str] = {
    Step.MESSAGE: "message",
    Step.OPERATOR: "operator",
    Step.DIRECTORY: "directory",
    Step.CALL_BACK: "call-back",
    Step.EMERGENCY: "an-emergency",
}

RECORDINGS = (".wav", ".mp3", ".ogg", ".flac", ".m4a", ".opus")
"""What a recording's name may end in."""

_NOTES = (".txt", ".md")
_LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Wording:
    """The prompts of one language: their names, what is said, the recordings that win over it.

    `shipped` are those that the owner has neither worded nor recorded: these have the text that
    comes with screener.
    """

    names: tuple[str, ...]
    texts: Mapping[str, str]
    recordings: Mapping[str, Path]
    shipped: tuple[str, ...]


def read(
    sounds: Path,
    language: str,
    names: tuple[Collection[str], Collection[str]],
    directory: Directory,
    *,
    here: Collection[FrontDoor],
    mistakes: Mistakes,
) -> Wording:
    """The wording of a language; every mistake is noted, prompts that nobody has worded among them.

    `names` are the prompts that are spoken, and those that are made (a tone has no text); `here`
    are the front doors that speak the language. What the owner names for others may be worded.
    """
    spoken, made = tuple(dict.fromkeys((*names[0], *named(here, directory.menus)))), names[1]
    elsewhere = {*named(directory.doors.values(), directory.menus)} - {*spoken}
    every = (*spoken, *made, *composed(directory, dict.fromkeys(TEMPLATES, "")))
    worded = {*every, *TEMPLATES, *elsewhere} - {*made}
    own = _texts(sounds / f"{language}.toml", worded, mistakes)
    recordings = _recordings(sounds / language, {*every, *elsewhere}, mistakes)
    every += tuple(name for name in sorted(elsewhere) if name in own or name in recordings)
    lacking = [n for n in (*spoken, *TEMPLATES) if n not in own and n not in recordings]
    shipped = {name: text for name, text in _shipped(language).items() if name in lacking}
    for name in lacking:
        if name not in shipped:
            or_recording = "" if name in TEMPLATES else f", or a recording {language}/{name}.wav"
            mistakes.missing(name, f"expected its text{or_recording}")
    texts = {**dict.fromkeys(TEMPLATES, ""), **shipped, **own}
    return Wording(every, composed(directory, texts) | texts, recordings, tuple(shipped))


# What is composed of screener.toml ---------------------------------------------------------------


def composed(directory: Directory, texts: Mapping[str, str]) -> dict[str, str]:
    """The prompts that screener.toml makes, by name, with their words."""
    titles = {e.prompt: texts.get(e.prompt, e.title) for e in directory.extensions.values()}
    for menu in directory.menus.values():
        for choice in menu.choices.values():
            titles.setdefault(menu.prompt_for(choice), _title(choice, texts))
    titles |= {name: texts[name] for name in titles if texts.get(name)}
    doors = {door.menu: _menu(door, titles, texts) for door in directory.doors.values()}
    menus = {menu.prompt: _read_out(menu, titles, texts) for menu in directory.menus.values()}
    return {**doors, **menus, **titles, **_voicemail(directory)}


def _voicemail(directory: Directory) -> dict[str, str]:
    """What is said of the boxes where any can be heard by phone: their names, and numbers."""
    if not any(box.pin for box in directory.boxes.values()):
        return {}
    names = (re.sub("[-_]+", " ", name).strip() or name for name in directory.boxes)
    boxes = zip(map(box_prompt, directory.boxes), names, strict=True)
    return {**dict(boxes), **{name: name.rpartition("-")[2] for name in NUMBERS}}


def _title(choice: Choice, texts: Mapping[str, str]) -> str:
    """How a choice of a menu is called: as the owner says, else in the words of the language."""
    own = choice.names != CALLED.get(choice.step)
    title = texts.get(_TITLES[choice.step], "") if choice.step in _TITLES and not own else ""
    return title or (choice.names[0] if choice.names else str(choice))


def named(doors: Iterable[FrontDoor], menus: Mapping[str, Menu]) -> Iterator[str]:
    """The prompts that the owner names in screener.toml for these doors: his greetings, and what
    the menus say that callers can come to."""
    for door in doors:
        for reply in (door.open, door.closed, door.holiday):
            if reply is not None:
                yield reply.greeting
        for menu in reached(door, menus):
            yield from (choice.aim for choice in menu.choices.values() if choice.step is Step.SAY)


def _menu(door: FrontDoor, titles: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """What reads out a door's extensions."""
    extensions = (extension for _, extension in sorted(door.extensions.items()))
    offered = [(titles.get(e.prompt, e.title), e.number) for e in extensions if e.names]
    return _offering(offered, texts)


def _read_out(menu: Menu, titles: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """What reads out a menu, in the order in which it is written."""
    named = (choice for choice in menu.choices.values() if choice.names)
    return _offering([(titles[menu.prompt_for(each)], each.keys) for each in named], texts)


def _offering(offered: Iterable[tuple[str, str]], texts: Mapping[str, str]) -> str:
    """Titles, each with its keys. Digits stand apart, or "12" would be said "twelve"."""
    said = [texts["menu"].format(name=title, number=" ".join(keys)) for title, keys in offered]
    return " ".join(said) or texts["menu-unnamed"]


# The files ---------------------------------------------------------------------------------------


def _texts(file: Path, known: Collection[str], mistakes: Mistakes) -> dict[str, str]:
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
        if name not in known:
            mistakes.note(name, text, f"nothing plays such a prompt; {nearest(name, known)}")
        elif not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_TEXT:
            expected = f"expected what is said, in quotes ({_LONGEST_TEXT} letters at most)"
            mistakes.note(name, text, expected)
            texts[name] = ""
        elif unfit := _unfit_fields(name, text):
            mistakes.note(name, text, unfit)
            texts[name] = ""
        else:
            texts[name] = " ".join(text.split())
    return texts


def shipped_file(language: str) -> Path | None:
    """The texts that come with screener in a language, if any do."""
    file = starter.origin("sounds") / f"{language}.toml"
    return file if file.is_file() else None


def _shipped(language: str) -> dict[str, str]:
    """The texts as `screener init` writes them; none of a language that does not come with us."""
    file = shipped_file(language)
    if file is None:
        return {}
    return {name: str(text) for name, text in tomllib.loads(file.read_text("utf-8")).items()}


def _unfit_fields(name: str, text: str) -> str:
    """What is wrong with the {fields} of a text; only templates may have any."""
    allowed = TEMPLATES.get(name, ())
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
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return found
    except OSError as error:
        mistakes.sentences.append(f"{folder}: cannot be read ({error.strerror})")
        return found
    for path in paths:
        if path.name.startswith(".") or path.suffix.lower() in _NOTES:
            continue
        if path.suffix.lower() not in RECORDINGS:
            mistakes.sentences.append(f"{path}: expected a recording: {', '.join(RECORDINGS)}")
        elif path.stem in TEMPLATES:
            only = f"menus are put together from the text {path.stem}, so it cannot be recorded"
            mistakes.sentences.append(f"{path}: {only}: record menu-NUMBER or menu-NAME")
        elif path.stem not in known:
            advice = nearest(path.stem, known)
            mistakes.sentences.append(f"{path}: nothing plays such a prompt; {advice}")
        elif path.stem in found:
            mistakes.sentences.append(f"{path}: {found[path.stem].name} is there already; keep one")
        else:
            found[path.stem] = path
    return found
