"""Text files from elsewhere, line by line: any of the usual encodings, no line too long to hold.

UTF-8 (with or without a byte order mark) and UTF-16 are told apart by the file's first bytes. What
is not UTF-8 comes as surrogates (PEP 383), and `readable` makes Windows-1252 of it, which is what
such files are. Nothing raises for content; OSError for a file that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

LONGEST = 2000
"""Characters of a line that are kept; the rest of it is read and dropped."""
_LOOKED_AT = 4096


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, from 1, without their ends."""
    errors = "surrogateescape" if (encoding := _encoding(path)) == "utf-8-sig" else "replace"
    with path.open(encoding=encoding, errors=errors) as file:
        line = 0
        begun = False
        while piece := file.readline(LONGEST):
            if not begun:
                line += 1
                yield line, piece.rstrip("\n")
            begun = not piece.endswith("\n")


def readable(text: str, charset: str = "cp1252") -> str:
    """A line without surrogates: what was not UTF-8 is `charset`. LookupError: there is no such."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode(charset, "replace")
    return text


def is_text(path: Path) -> bool:
    """Whether the file can be text at all: it has no zero bytes, or is UTF-16."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    return b"\0" not in head or _encoding(path) != "utf-8-sig"


def not_utf8(error: UnicodeDecodeError) -> str:
    """What is said of a file that should be UTF-8: at which line and column it is not, what to do.

    Files that the owner writes for screener are UTF-8: in another encoding his words would be read,
    but not as he wrote them.
    """
    before = error.object[: error.start]
    line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
    return f"{line}:{column}: not UTF-8 text; save the file as UTF-8"


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(head) == 4 and head[0] == head[2] == 0 != head[1]:
        return "utf-16-be"
    if len(head) == 4 and head[1] == head[3] == 0 != head[0]:
        return "utf-16-le"
    return "utf-8-sig"
