"""Names spelled on a telephone's keys: ITU-T E.161, 2 ABC to 9 WXYZ.

A caller keys the beginning of a given or a family name; accents are not there: "Müller" is 685537.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from screener.core.frontdoor import Extension

FEWEST = 3
"""So many keys at least are waited for, where nothing says that there are no more."""

_LETTERS: Mapping[str, str] = {
    letter: key
    for key, letters in zip(
        "23456789", ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"), strict=True
    )
    for letter in letters
}
# Letters that are no letter and an accent: how those spell them who have not got them.
_FOLDED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"}
)


def keys_of(name: str) -> str:
    """The keys that spell a name; signs and blanks have none."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_FOLDED))
    return "".join(_LETTERS.get(letter, "") for letter in plain)


def spellings(extension: Extension) -> frozenset[str]:
    """The keys of each of an extension's names, whole, and from each of its words on."""
    found = set()
    for name in extension.names:
        words = name.split()
        found |= {keys_of("".join(words[first:])) for first in range(len(words))}
    return frozenset(found - {""})


def matching(keys: str, extensions: Iterable[Extension]) -> tuple[Extension, ...]:
    """Those a name of which begins with these keys, by their names; none for no keys."""
    if not keys:
        return ()
    fit = (e for e in extensions if any(s.startswith(keys) for s in spellings(e)))
    return tuple(sorted(fit, key=lambda extension: (extension.title, extension.number)))


def sufficient(extensions: Iterable[Extension]) -> frozenset[str]:
    """The keys after which there is nothing to wait for: one is left, or the name is spelled."""
    people = tuple(extensions)
    found = set()
    for spelling in frozenset().union(*map(spellings, people)):
        lengths = range(min(FEWEST, len(spelling)), len(spelling))
        alone = (n for n in lengths if len(matching(spelling[:n], people)) == 1)
        found.add(spelling[: next(alone, len(spelling))])
    return frozenset(found)
