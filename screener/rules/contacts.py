"""Address books: the vCard files that phones and mail programs export, as numbers and names.

They lie beside the rules as *.vcf. vCard 2.1 (the versit specification, with its quoted-printable
lines as Android still writes them), 3.0 (RFC 2426) and 4.0 (RFC 6350) are read, in UTF-8, UTF-16
or, where a line is neither, Windows-1252. The file is cut into cards and lines here, and vobject
decodes their values: a photograph is most of a card and is passed over, one broken card costs only
itself, and vobject's expression for a line can take for ever over parameters that somebody made for
it. Nothing in a file raises: what cannot be read is skipped and told. Limits: `MOST_BYTES` and
`MOST_LINES` of file, `MOST_CARDS` cards, `textfile.LONGEST` characters of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import vobject.base as vobject
from vobject.vcard import splitFields

from screener import textfile
from screener.core import foreign, number
from screener.core.callerid import quoted, shown

MOST_BYTES = 64 << 20
MOST_LINES = 1_000_000
MOST_CARDS = 20_000
_PER_CARD = 100  # numbers of one card that are looked at
_TOLD = 20  # troubles that are told one by one
_NAME = 200
_UTF8 = frozenset({"UTF-8", "UTF8", "US-ASCII"})  # what lines name that are none of it

_WANTED = frozenset({"FN", "N", "NICKNAME", "ORG", "TEL"})
_HEAD = re.compile(r"""[^:"]*+(?:"[^"]*+"[^:"]*+)*+(?=:)""")
_PARAMETER = re.compile(r""";([^;"]*+(?:"[^"]*+"[^;"]*+)*+)""")
_PROPERTY = re.compile(r"(?:[A-Za-z0-9_-]{1,40}\.)?([A-Za-z0-9-]{1,40})[;:]")


def names(folder: Path) -> frozenset[str]:
    """The address books that lie in `folder`: names of *.vcf files, as rules call them."""
    return frozenset(path.name for path in folder.glob("*.vcf"))


def read(path: Path, country: str) -> tuple[dict[str, str], list[str]]:
    """The numbers of an address book (E.164 -> name), and what of it was skipped, as sentences.

    Numbers are read as people write them in `country` (ISO 3166). Of two names for one number the
    first counts. A file that cannot be read at all, or is too large, gives one trouble and no
    numbers; of one with too many cards, the first `MOST_CARDS` count.
    """
    book = _Book(path.name, country)
    try:
        size = path.stat().st_size
        if not path.is_file():
            return {}, [f"{path.name}: is no file"]
        if size > MOST_BYTES:
            return {}, [
                f"{path.name}: {size >> 20} MB is too much for an address book, at most "
                f"{MOST_BYTES >> 20} MB are read: export it without photographs"
            ]
        book.fill(_cards(_logical(book.bounded(textfile.lines(path)))))
    except OSError as error:
        return {}, [f"{path.name}: cannot be read ({error.strerror})"]
    return book.numbers, book.troubles()


def _logical(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Unfolded lines of the wanted properties, and of BEGIN and END.

    A line that begins with a blank goes on from the one before (RFC 6350, 3.2); in 2.1 a
    quoted-printable line goes on where it ends in "=".
    """
    at, text, soft = 0, "", False
    for line, piece in lines:
        if soft:
            text, soft = text[:-1] + piece.lstrip(" \t"), False
        elif piece[:1] in (" ", "\t"):
            if text:
                text += piece[1:]
        else:
            if text:
                yield at, text
            found = _PROPERTY.match(piece)
            wanted = found is not None and found[1].upper() in {*_WANTED, "BEGIN", "END"}
            at, text = line, piece if wanted else ""
        if len(text) > textfile.LONGEST:
            text = text[: textfile.LONGEST]
        elif text.endswith("=") and "QUOTED-PRINTABLE" in text.partition(":")[0].upper():
            soft = True
    if text:
        yield at, text


@dataclass(slots=True)
class _Card:
    line: int
    lines: list[tuple[int, str]] = field(default_factory=list)
    ended: bool = False


def _cards(lines: Iterable[tuple[int, str]]) -> Iterator[_Card]:
    card: _Card | None = None
    for line, text in lines:
        match text.replace(" ", "").upper():
            case "BEGIN:VCARD":
                if card is not None:
                    yield card
                card = _Card(line)
            case "END:VCARD":
                if card is not None:
                    card.ended = True
                    yield card
                card = None
            case _:
                if card is not None and len(card.lines) < _PER_CARD:
                    card.lines.append((line, text))
    if card is not None:
        yield card


class _Book:
    """An address book that is being filled."""

    def __init__(self, file: str, country: str) -> None:
        self.numbers: dict[str, str] = {}
        self._file = file
        self._country = country
        self._told: list[str] = []
        self._skipped = 0

    def bounded(self, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """The lines, as many as an address book may have."""
        for line, text in lines:
            if line > MOST_LINES:
                self._told.append(
                    f"{self._file}: more than {MOST_LINES:,} lines; the rest is left out"
                )
                return
            yield line, text

    def fill(self, cards: Iterable[_Card]) -> None:
        count = 0
        for card in cards:
            if count == MOST_CARDS:
                self._told.append(
                    f"{self._file}:{card.line}: more than {MOST_CARDS:,} cards; the rest is left "
                    "out: for so many numbers use a list (screener lists import)"
                )
                return
            count += 1
            self._take(card)
        if not count:
            self._told.append(f"{self._file}: no vCard in it (no line says BEGIN:VCARD)")

    def troubles(self) -> list[str]:
        more = self._skipped - _TOLD
        told = [f"{self._file}: {more} more entries were skipped"] if more > 0 else []
        return self._told + told

    def _skip(self, line: int, why: str) -> None:
        self._skipped += 1
        if self._skipped <= _TOLD:
            self._told.append(f"{self._file}:{line}: {why}")

    def _take(self, card: _Card) -> None:
        if not card.ended:
            name = self._name(card)
            whose = f" of {quoted(name)}" if name else ""
            self._skip(card.line, f"the card{whose} was skipped: it has no END:VCARD")
            return
        name = self._name(card)
        for line, text in card.lines:
            if _called(text) == "TEL":
                value = self._value(line, text)
                if value is not None:
                    self._enter(line, _unescaped(value), name)

    def _name(self, card: _Card) -> str:
        """What the card's owner is called: FN, else N, else ORG, else NICKNAME."""
        for wanted, told in _NAMES.items():
            for line, text in card.lines:
                if _called(text) == wanted and (name := _line(told(self._value(line, text) or ""))):
                    return name
        return ""

    def _value(self, line: int, text: str) -> str | None:
        """A line's value as text; None for a line that is none of a vCard's."""
        try:
            return _decoded(text)
        except (vobject.VObjectError, UnicodeError, LookupError):
            self._skip(line, f"{shown(text)!r} was skipped: it is no line of a vCard")
            return None

    def _enter(self, line: int, value: str, name: str) -> None:
        written = foreign.bare_number(value)
        if not written:
            return  # an empty field of a form
        e164 = number.read(written, self._country).e164
        if e164 and not number.is_local(e164):
            self.numbers.setdefault(e164, name or e164)
            return
        whose = f" of {quoted(name)}" if name else ""
        why = "it has no area code" if e164 else "it is no telephone number"
        self._skip(line, f"{quoted(value)}{whose} was skipped: {why}")


def _called(text: str) -> str:
    """The name of a line's property, without its group."""
    found = _PROPERTY.match(text)
    return found[1].upper() if found else ""


def _decoded(text: str) -> str:
    """The value of a line. Raises VObjectError, UnicodeError, or LookupError (unknown charset)."""
    head = _HEAD.match(text)
    if head is None:
        raise vobject.ParseError("no colon")
    value, charset, printable = text[head.end() + 1 :], "UTF-8", False
    for parameter in _PARAMETER.findall(head[0].upper()):
        name, _, given = parameter.partition("=")
        charset = given.strip('"') if name == "CHARSET" else charset
        printable = printable or "QUOTED-PRINTABLE" in (given, name)
    if printable:
        encoding = [["ENCODING", "QUOTED-PRINTABLE"], ["CHARSET", charset]]
        value = vobject.ContentLine("X", encoding, textfile.readable(value)).value
    return textfile.readable(value, "cp1252" if charset in _UTF8 else charset)


def _spoken(value: str) -> str:
    """N (family; given; middle; prefix; suffix) as people say it."""
    family, given, middle, prefix, suffix = (_fields(value) + [""] * 5)[:5]
    return " ".join((prefix, given, middle, family, suffix))


def _company(value: str) -> str:
    return ", ".join(part for part in _fields(value) if part.strip())


def _fields(value: str) -> list[str]:
    """The parts of a structured value, their escapes undone (RFC 6350, 3.4)."""
    parts = splitFields(value) if value else []
    return [" ".join(part) if isinstance(part, list) else part for part in parts]


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: " " if found[1] in "nN" else found[1], value)


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_NAME].strip()


_NAMES = {"FN": _unescaped, "N": _spoken, "ORG": _company, "NICKNAME": _unescaped}
