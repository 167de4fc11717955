"""Who rings and where messages go, as screener.toml says it.

`read` makes of the tables the front doors that calls come to (core/frontdoor.py), and notes every
mistake: what is missing, what is named and not there, and what no caller could ever reach. Phones
and groups are read in ringgroups.py, boxes in boxes.py, menus in menus.py, the rest in doors.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from screener.core.frontdoor import Directory
from screener.settings import boxes, doors, menus, ringgroups
from screener.settings.engines import Languages
from screener.settings.tables import Table

KEYS: Mapping[str, tuple[str, ...]] = {
    **doors.KEYS,
    **ringgroups.KEYS,
    "boxes": boxes.KEYS,
}
"""The keys of each table; they stand one level deeper, under the owner's own name
(`[groups.family]`). In `phones`, the owner's own names are the keys."""


def read(
    root: Table,
    folder: Path,
    country: str,
    languages: Languages,
    warnings: list[str],
    *,
    private: bool,
) -> Directory:
    """The directory in the file's tables; `private` says that its phones are on our own Asterisk.

    `folder` is that of the file.
    Mistakes are noted in `root.mistakes`; with any of them, the directory is of no use.
    """
    phones = ringgroups.phones(root, private)
    groups = ringgroups.groups(root, phones, warnings)
    kept_in = boxes.read(root, folder, phones, warnings)
    extensions = doors.extensions(root, groups, kept_in)
    choices = menus.menus(root, extensions, kept_in)
    behind = doors.Behind(folder, country, languages, groups, kept_in, extensions, choices)
    fronts = doors.doors(root, behind, warnings)
    return Directory(fronts, phones, groups, kept_in, extensions, choices)
