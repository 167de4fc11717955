"""What the house's own phones dial: the key codes of screener.toml, and what stands behind each.

An Asterisk of the user's own may have some of them itself: there, what is usual is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from screener.core.frontdoor import MessageBox
from screener.settings import secret
from screener.settings.tables import Table, duration, matching

KEYS: Mapping[str, tuple[str, ...]] = {
    "windows": ("code", "expecting", "emergency"),
    "studio": ("code", "pin_file"),
    "voicemail": ("code",),
    "dnd": ("on", "off"),
}
"""The keys of each table."""

_LONGEST_WINDOW = 604_800.0  # core/window.py takes none that is longer
# With a * or # in it: it can be no extension, and never the number of those who help.
_KEY_CODE = re.compile(r"(?:(?=.*[*#])[0-9*#]{2,8})?")

STUDIO_PIN = "SCREENER_STUDIO_PIN"


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """When the windows of life open, and for how many seconds (core/window.py).

    `code` is what a phone dials to say that a call is expected, "" for nothing. The hours after a
    call for help belong to all who may call because of it: dispatchers in minutes, then ambulance,
    police, hospital, neighbours, often with numbers withheld or never seen; after four of them
    another robot that rings weighs more than one more of these calls. 0: no such window.
    """

    code: str = "*39"
    expecting: float = 7200.0
    emergency: float = 14400.0


@dataclass(frozen=True, slots=True)
class DndSettings:
    """What a phone dials to be left in peace, and to ring again; "" for nothing."""

    on: str = ""
    off: str = ""


@dataclass(frozen=True, slots=True)
class StudioSettings:
    """Where the owner records what callers hear: what a phone dials, and the PIN that he keys.

    Without a PIN there is no studio: `code` is "".
    """

    code: str = ""
    pin: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Codes:
    """All of them. `voicemail` is what is dialled to hear a box that has a PIN, "" for nothing."""

    windows: WindowSettings
    studio: StudioSettings
    voicemail: str
    dnd: DndSettings


def read(
    root: Table,
    folder: Path,
    boxes: Mapping[str, MessageBox],
    warnings: list[str],
    *,
    private: bool,
) -> Codes:
    """The codes, no two the same; `folder` is that of the file, `private` says that the phones are
    on our own Asterisk."""
    windows = _windows(root)
    studio = _studio(root, folder, windows.code)
    taken = (windows.code, studio.code)
    voicemail = _voicemail(root, boxes, taken, warnings, private=private)
    return Codes(windows, studio, voicemail, _dnd(root, (*taken, voicemail), private=private))


def _windows(root: Table) -> WindowSettings:
    table = root.table("windows", KEYS["windows"])
    usual = WindowSettings()
    return WindowSettings(
        code=table.take("code", _key_code, usual.code),
        expecting=table.take("expecting", duration(60, _LONGEST_WINDOW), usual.expecting),
        emergency=table.take("emergency", duration(0, _LONGEST_WINDOW), usual.emergency),
    )


def _studio(root: Table, folder: Path, taken: str) -> StudioSettings:
    """The studio. Its code is not `taken`; nobody but its owner can read the file of its PIN."""
    table = root.table("studio", KEYS["studio"])
    code = table.take("code", _key_code, "*77")
    pin = secret.pin(table, "pin_file", folder, STUDIO_PIN)
    if not pin:
        if "code" in table and "pin_file" not in table and code:
            expected = f"expected the file with the PIN that the owner keys, or ${STUDIO_PIN}"
            table.mistakes.missing(table.name("pin_file"), expected)
        return StudioSettings()
    if code and code == taken:
        table.mistakes.note(table.name("code"), code, "is windows.code as well: choose another")
    return StudioSettings(code, pin) if code else StudioSettings()


def _voicemail(
    root: Table,
    boxes: Mapping[str, MessageBox],
    taken: tuple[str, ...],
    warnings: list[str],
    *,
    private: bool,
) -> str:
    """What a phone dials to hear a box; a FreePBX has its own *97 and *98, and must be told."""
    table = root.table("voicemail", KEYS["voicemail"])
    locked = [box.name for box in boxes.values() if box.pin]
    usual = "*97" if private and locked else ""
    code = table.take("code", _key_code, "" if usual in taken else usual)
    if code and code in taken:
        table.mistakes.note(table.name("code"), code, "is a code already: choose another")
    if code and not locked:
        warnings.append(f'voicemail.code: "{code}" leads to no box: boxes.NAME.pin_file is missing')
    if locked and not code:
        warnings.append(
            f"boxes.{locked[0]}.pin_file: no phone can dial the box: voicemail.code is missing"
        )
    return code if locked else ""


def _dnd(root: Table, taken: tuple[str, ...], *, private: bool) -> DndSettings:
    """The codes of do-not-disturb, none of them `taken`; a FreePBX has codes of its own for it."""
    table = root.table("dnd", KEYS["dnd"])
    usual = DndSettings("*78", "*79") if private else DndSettings()
    on = table.take("on", _key_code, "" if usual.on in taken else usual.on)
    off = table.take("off", _key_code, "" if usual.off in (*taken, on) else usual.off)
    for key, code, others in (("on", on, taken), ("off", off, (*taken, on))):
        if code and code in others:
            table.mistakes.note(table.name(key), code, "is a code already: choose another")
    return DndSettings(on, off)


_key_code = matching(
    _KEY_CODE, 'expected what a phone dials, like "*39" (2 to 8 of 0-9, * and #), or ""'
)
