"""One line of screener.toml changed, all else left as its owner wrote it.

What is read here is read without complaint: a model can be chosen though other settings are wrong,
and because they are. A change is taken only if the file then says what was meant and nothing else.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from screener import replacement, textfile
from screener.errors import ConfigError
from screener.settings.surroundings import Engine

_SPEECH = "speech"
_HEADER = re.compile(r"\s*\[\s*speech\s*\]\s*(?:#.*)?")
_ANY_HEADER = re.compile(r"\s*\[")
_VALUE = r"""(?P<value>"(?:[^"\\]|\\.)*"|'[^']*')"""


@dataclass(frozen=True, slots=True)
class Speech:
    """What screener.toml says of speech, and where its data folder is."""

    engine: Engine
    model: Path | None
    data: Path


def speech_of(file: Path) -> Speech:
    """Read without complaint what can be read. Raises ConfigError where the file cannot be."""
    _, table = _read(file)
    folder = file.resolve().parent
    speech, paths = (_table(table, name) for name in (_SPEECH, "paths"))
    engine, model, data = speech.get("engine"), speech.get("model"), paths.get("data")
    return Speech(
        engine=Engine(engine) if engine in [each.value for each in Engine] else Engine.AUTO,
        model=_path(folder, model) if isinstance(model, str) and model else None,
        data=_path(folder, data if isinstance(data, str) and data else "data"),
    )


def choose(file: Path, engine: Engine, model: Path | None) -> bool:
    """Write which engine and which model (None: none named) listen; whether that was a change.

    An engine that the file means already is not written. Raises ConfigError.
    """
    before, table = _read(file)
    folder = file.resolve().parent
    speech = _table(table, _SPEECH)
    text = before.decode("utf-8")
    wanted = {"model": None if model is None else _shown(folder, model)}
    if speech.get("engine", Engine.AUTO.value) != engine.value:
        wanted["engine"] = engine.value
    changed = text
    for key, value in wanted.items():
        if speech.get(key) != value:
            changed = _with(changed, key, value)
    if changed == text:
        return False
    meant = {k: v for k, v in {**speech, **wanted}.items() if v is not None}
    if not _says(changed, {**table, _SPEECH: meant}, _SPEECH in table):
        lines = " and ".join(f"{k} = {json.dumps(v)}" for k, v in wanted.items() if v is not None)
        raise ConfigError(
            [f"{file}: [speech] is not written line by line, and not changed: write {lines} there"]
            if lines
            else [f"{file}: [speech] is not written line by line: take its model out yourself"]
        )
    try:
        done = replacement.replace(file.resolve(), before, changed.encode("utf-8"))
    except OSError as error:
        raise ConfigError([f"{file} was not changed ({error.strerror})"]) from None
    if not done:
        raise ConfigError([f"{file} was changed by somebody else meanwhile: say it again"])
    return True


def _read(file: Path) -> tuple[bytes, dict[str, object]]:
    try:
        content = file.read_bytes()
        return content, tomllib.loads(content.decode("utf-8-sig"))
    except FileNotFoundError:
        advice = f"no such file; `screener init {file.parent}` writes one"
        raise ConfigError([f"{file}: {advice}"]) from None
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}:{textfile.not_utf8(error)}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{file}: {error}"]) from None


def _table(root: Mapping[str, object], name: str) -> dict[str, object]:
    table = root.get(name)
    return table if isinstance(table, dict) else {}


def _path(folder: Path, text: str) -> Path:
    return (folder / Path(text).expanduser()).absolute()


def _shown(folder: Path, model: Path) -> str:
    """A model's folder as the file has it: seen from the file where it lies below it."""
    return str(model.relative_to(folder) if model.is_relative_to(folder) else model)


def _says(text: str, meant: Mapping[str, object], had: bool) -> bool:
    """Whether the text says what is meant, and nothing else."""
    try:
        said = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return False
    return said == meant or (not had and not meant[_SPEECH] and said == {**meant, _SPEECH: {}})


def _with(text: str, key: str, value: str | None) -> str:
    """The text with `key` of [speech] set, or with its line made a comment (None)."""
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    written = json.dumps(value, ensure_ascii=False) if value is not None else ""
    first = next((n for n, line in enumerate(lines) if _HEADER.fullmatch(_bare(line))), None)
    if first is None:
        gap = "" if not text or text.endswith(("\n", "\r")) else end
        return f"{text}{gap}{end}[speech]{end}{key} = {written}{end}"
    after = range(first + 1, len(lines))
    last = next((n for n in after if _ANY_HEADER.match(lines[n])), len(lines))
    active = re.compile(rf"(?P<before>\s*{key}\s*=\s*){_VALUE}(?P<after>\s*(?:#.*)?)")
    example = re.compile(rf"(?P<before>#\s*{key}\s*=\s*){_VALUE}(?P<after>\s*(?:#.*)?)")
    for kind in (active, example):
        for n in range(first + 1, last):
            if not (found := kind.fullmatch(_bare(lines[n]))):
                continue
            tail = found["after"] + lines[n][len(_bare(lines[n])) :]
            before = found["before"] if kind is active else found["before"].lstrip("# \t")
            lines[n] = f"{before}{written}{tail}" if value else f"# {before}{found['value']}{tail}"
            return "".join(lines)
    lines.insert(first + 1, f"{key} = {written}{end}")
    return "".join(lines)


def _bare(line: str) -> str:
    return line.rstrip("\r\n").removeprefix("\ufeff")
