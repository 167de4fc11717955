"""Secrets: from the environment, from a file of the owner's, or made and kept in the data folder.

A secret is never in screener.toml itself, and in no message of ours.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path
from shlex import quote

from screener import disk, replacement
from screener.settings.tables import Mistakes, Table, path_from

_PIN = re.compile("[0-9]{4,10}", re.ASCII)


def read(
    table: Table, key: str, variable: str, folder: Path, warnings: list[str], *, make: str = ""
) -> str | None:
    """A secret from the environment or else from the file that `key` names; never shown.

    `make` is the command that prints one, where any will do.
    """
    if from_environment := os.environ.get(variable):
        return from_environment
    path = table.take(key, path_from(folder), None)
    if path is None:
        return None
    try:
        secret = path.read_text(encoding="utf-8").strip()
        mode = path.stat().st_mode
    except FileNotFoundError:
        missing = "there is no such file"
        if make:
            missing += f"; to make it: {make} > {quote(str(path))}; chmod 600 {quote(str(path))}"
        table.mistakes.note(table.name(key), table[key], missing)
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        table.mistakes.note(table.name(key), table[key], f"cannot be read ({reason})")
        return None
    if not secret.isprintable() or not secret:
        table.mistakes.note(table.name(key), table[key], "expected a file with one line in it")
        return None
    if mode & stat.S_IROTH:
        warnings.append(f"{path} can be read by every user of this machine; chmod 600 it")
    return secret


def pin(table: Table, key: str, folder: Path, variable: str = "") -> str:
    """A PIN, from the environment or from a file that nobody but its owner can read; "": none."""
    found = read(table, key, variable, folder, [])
    if found is None:
        return ""
    path = table.take(key, path_from(folder), None)
    shown = str(path) if path else f"${variable}"
    if path and path.is_file() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        expected = "can be read by others than its owner: chmod 600 it"
        table.mistakes.note(table.name(key), shown, expected)
    if not _PIN.fullmatch(found):
        table.mistakes.note(table.name(key), shown, "expected a PIN of 4 to 10 digits in it")
    return found


def kept(data: Path, mistakes: Mistakes) -> str:
    """The private Asterisk's secret, made on the first start. Whoever comes second reads it."""
    try:
        return made(data / "ari-secret")
    except OSError as error:
        mistakes.note("paths.data", str(data), disk.unwritable(error))
        return ""


def made(path: Path) -> str:
    """The secret that a file keeps, 32 characters; made where there is none. Raises OSError.

    Only its owner can read it. Whoever comes second reads what the first one made.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}-{os.getpid()}")
        draft.unlink(missing_ok=True)  # left by a process of the same number that was killed
        draft.touch(mode=0o600)
        with draft.open("w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves an empty one
        with contextlib.suppress(FileExistsError):  # which a rename would not notice
            path.hardlink_to(draft)
        draft.unlink()
        replacement.to_disk(path.parent)
    return path.read_text(encoding="ascii").strip()
