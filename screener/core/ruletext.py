"""The text of one line of rules: the words it falls into, and how a value is written in it.

Words are parted by blanks; a comma is a word of its own. What stands in "quotes" is one word, a
quote in it is written twice. What stands between /slashes/ is one word too, a regular expression, a
slash in it is written \\/. A # where a word would begin begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from screener.core.callerid import shown

LONGEST_LINE = 10_000
"""Characters that a line of rules may have."""
LONGEST_LABEL = 200
"""Characters that a label may have."""

# Signs that nobody sees and that mislead who reads the line: controls, marks that turn the reading
# direction (Unicode TR 36), blanks without width, halves of surrogate pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_LINE = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n)|[^\r\n]++")
_TOKEN = re.compile(
    r"""\s*+(?:
        (?P<comment>\#.*) | (?P<quoted>"(?:[^"]|"")*+") | (?P<regex>/(?:[^/\\]|\\.)*+/)
        | (?P<comma>,) | (?P<open>["/]) | (?P<word>[^\s,"]+)
    )""",
    re.VERBOSE,
)
_REGEX = re.compile(r"/(?:[^/\\]|\\.)++/")
_BARE = re.compile(r'[^\s,"#/\u2018-\u201f][^\s,"]*')


def lines(text: str, keepends: bool = False) -> list[str]:
    """The lines of a rule file, as its owner sees and counts them.

    `str.splitlines` also ends a line at a form feed or at U+2028: what an editor shows inside of a
    comment would be a rule.
    """
    if keepends:
        return _LINE.findall(text)
    found = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return found if found[-1] else found[:-1]


class WrongError(Exception):
    """One thing that is wrong in a line: where (`column` from 1), and what was expected.

    `word` is what stands there, `known` what might have been meant: whoever shows the mistake looks
    for the nearest, which takes its time.
    """

    def __init__(self, column: int, text: str, word: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.column = column
        self.text = text
        self.word = word
        self.known = known


class Sort:
    """What a word of a line is, by its looks: the groups of the pattern above."""

    WORD = "word"
    QUOTED = "quoted"
    REGEX = "regex"
    COMMA = "comma"


class Token(NamedTuple):
    """One word of a line. `text` is as it means: of a quoted one, what is between the quotes.
    `start` and `end` are where it stands in the line."""

    text: str
    sort: str
    start: int
    end: int

    @property
    def column(self) -> int:
        return self.start + 1

    @property
    def shown(self) -> str:
        """The word in a sentence: in quotes, and cut where it is long."""
        return f"'{shown(self.text, 40)}'"


def tokens(line: str) -> list[Token]:
    """The words of a line, without its comment. Raises WrongError."""
    if len(line) > LONGEST_LINE:
        raise WrongError(
            1,
            f"a line has at most {LONGEST_LINE:,} characters; put many numbers into a list"
            " (`screener lists import`)",
        )
    line = line.rstrip()
    words: list[Token] = []
    for found in _TOKEN.finditer(line):  # every sign of the line is in one of its groups
        sort = found.lastgroup or ""
        if sort == "comment":
            break
        text, (start, end) = found[sort], found.span(sort)
        if sort == Sort.QUOTED:
            text = text[1:-1].replace('""', '"')
        elif sort != Sort.COMMA:
            _check(line, sort, start, end)
        words.append(Token(text, sort, start, end))
    unseen = _UNSEEN.search(line)
    if unseen is not None and words and unseen.start() < words[-1].end:  # in a comment it may be
        sign = unseen[0].encode("unicode_escape").decode("ascii")
        raise WrongError(unseen.start() + 1, f"an invisible sign ({sign}) stands here; delete it")
    return words


def _check(line: str, sort: str, start: int, end: int) -> None:
    if sort == Sort.WORD:
        if line[start] < "\u2018" or line[start] > "\u201f":
            return
        raise WrongError(start + 1, 'these are typographic quotes; write straight ones: "Mom"')
    if sort == "open" and line[start] == '"':
        raise WrongError(start + 1, 'this quote is never closed; expected a second "')
    if sort == "open":
        raise WrongError(
            start + 1, "this expression is never closed; expected a second / (a slash in it is \\/)"
        )
    if sort == Sort.REGEX and not re.match(r"[\s,]|$", line[end : end + 1]):
        raise WrongError(
            end + 1,
            "expected a blank or a comma after the expression's closing /; a slash in an expression"
            " is written \\/, and upper or lower case never matters",
        )


def is_regex(text: str) -> bool:
    """Whether the text is a regular expression as rules write it: between slashes."""
    return _REGEX.fullmatch(text) is not None


def unseen(text: str) -> bool:
    """Whether there is a sign in the text that a line of rules cannot have."""
    return _UNSEEN.search(text) is not None


def quoted(text: str) -> str:
    """The text as one quoted word. What a line cannot have becomes its escape: always one line."""
    plain = _UNSEEN.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), text)
    return '"' + plain.replace('"', '""') + '"'


def written(value: str) -> str:
    """The value as one word that reads back as it is: in quotes where it needs them."""
    return value if _BARE.fullmatch(value) and not unseen(value) else quoted(value)


def written_out(tokens: Iterable[Token]) -> str:
    """A rule as its owner wrote it, without the comment: what it is called when it has no label."""
    words = (f"'{t.text}'" if t.sort == Sort.QUOTED else t.text for t in tokens)
    text = " ".join(words).replace(" ,", ",").replace('"', "'")
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
