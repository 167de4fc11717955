"""One line of rules, read from left to right. What the language is, is told in rulefile.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, TypeVar

import phonenumbers

from screener.core import hours, number
from screener.core.conditions import (
    Attested,
    Called,
    Condition,
    During,
    Emergency,
    Event,
    Expecting,
    From,
    Happened,
    Impossible,
    InContacts,
    InCountry,
    Listed,
    Named,
    Neighbour,
    Not,
    OfKind,
    To,
    Verified,
    Withheld,
)
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.rules import Action, Rule, Target, Where
from screener.core.ruletext import Sort, Token, WrongError, tokens
from screener.core.script import Refusal, Treatment
from screener.core.spans import read_span

LONGEST_LABEL = 200
"""Characters that a label may have."""

CONDITIONS = (
    *("from", "to", "name", "withheld", "impossible", "kind", "country", "neighbour"),
    *("on", "attestation", "verstat", "list", "contacts"),
    *("calls>=", "answered-before", "dialled-before", "message-before"),
    *("expecting", "emergency"),
)
_MOST_WRONG = 20  # mistakes in values, until the rest of a line is left alone

_ACTIONS = {action.value: action for action in Action}
TARGETS = tuple(where.value for where in Where)
TAILS = ("play", "refuse", *TARGETS, "expires")
LEVELS = ("A", "B", "C")
OUTCOMES = ("passed", "failed")

_STARTS = frozenset({*CONDITIONS, *TAILS, "neighbor", "calls", "not", "when"})
_HEAD = re.compile("[a-z-]*")
_DIGITS = re.compile(r"(\.\.)?\+?[0-9().*?xX/\u2010-\u2013-]+")
_AT_LEAST = re.compile(r"(?:>=|=>|\u2265)0*([1-9][0-9]{0,5})")
_FILE = re.compile(r"[^\W_][\w .&+@()-]{0,99}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_EXTENSION = re.compile(r"[0-9]{1,8}")
_URI_WORD = r"[A-Za-z0-9._~%+!*'-]{1,64}"
_SIP = re.compile(
    rf"sips?:({_URI_WORD}@)?([A-Za-z0-9.-]{{1,120}}|\[[0-9A-Fa-f:.]{{2,45}}\])(:[0-9]{{1,5}})?"
    rf"(;{_URI_WORD}(={_URI_WORD})?){{0,4}}",
    re.IGNORECASE,
)
_LONGEST_URI = 200

# What people write who come from another language, and what to write here.
_ELSEWHERE = {
    "and": "conditions that stand side by side must all hold: leave the word out",
    "or": "values with commas between them mean or; for other conditions write a second rule",
    "if": "write the conditions as they are, or the word when",
    "unless": "write: not CONDITION",
    "deny": "write: block",
    "within": "it stands behind list, calls>=N, answered-before, dialled-before or message-before",
    "reports": "it stands behind list: list ftc.csv reports>=3",
    "in": "write: within 30d",
    **dict.fromkeys(("anonymous", "unknown", "private", "hidden"), "write: withheld"),
    **dict.fromkeys(("number", "caller", "prefix"), "write: from +14155550100, or from 900*"),
    **dict.fromkeys(("all", "any", "anyone", "always", "everyone"), "for every call write: to *"),
    **dict.fromkeys(("everything", "everybody", "anybody"), "for every call write: to *"),
    "contact": "write: contacts family.vcf",
    "voicemail": "write: message BOX",
    "mailbox": "write: message BOX",
}

_MISSING = frozenset({"none", "missing", "no", "absent", "no-tn-validation"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Names:
    """What rules may name: ring groups, message boxes, extensions, DIDs (E.164), and the files of
    number lists ("ftc.csv") and address books ("family.vcf")."""

    groups: frozenset[str] = frozenset()
    boxes: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    dids: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()


class Line:
    """A line, and how far it has been read. What is wrong is kept in `wrong`.

    A mistake in a value leaves the rest of the line to be read; one in the grammar ends it.
    """

    def __init__(self, content: str, country: str, names: Names | None) -> None:
        self.wrong: list[WrongError] = []
        self._content = content.rstrip()
        self._country = country
        self._names = names
        self._tokens: list[Token] = []
        self._at = 0
        self._label: Token | None = None
        self._tails: dict[str, int] = {}
        self._treatment: Treatment | Refusal = Treatment.SIT
        self._target: Target | None = None
        self._expires: timedelta | None = None

    def rule(self, file: str, at: int) -> Rule | None:
        """The rule in the line; None where there is none, or where something is wrong."""
        try:
            self._tokens = tokens(self._content)
            if not self._tokens:
                return None
            action = self._action()
            conditions = self._conditions()
            self._rest(action)
        except WrongError as wrong:
            self.wrong.append(wrong)
        if self.wrong:
            return None
        label = (self._label.text if self._label else "") or written_out(self._tokens)
        return Rule(
            action, conditions, label, self._treatment, self._target, self._expires, file, at
        )

    # The words of the line ------------------------------------------------------------------------

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _word(self) -> str:
        """The next word as the language knows it; "" where there is none, or a quoted one."""
        token = self._peek()
        return token.text.lower() if token is not None and token.sort == Sort.WORD else ""

    def _column(self) -> int:
        """Where the next word stands, or would."""
        token = self._peek()
        return token.column if token is not None else len(self._content) + 1

    def _expected(self, what: str) -> NoReturn:
        raise WrongError(self._column(), f"expected {what}")

    def _values(self, after: str, example: str) -> Iterator[Token]:
        """The values after a word: at least one, with commas between them."""
        while True:
            token = self._peek()
            if token is None or token.sort == Sort.COMMA:
                self._expected(f"a value after {after}: {example}")
            yield self._take()
            follows = self._peek()
            if follows is None or follows.sort != Sort.COMMA:
                return
            self._take()

    def _note(self, token: Token, text: str, known: Iterable[str] = ()) -> None:
        """Keep a mistake, and go on; not for ever."""
        wrong = WrongError(token.column, text, token.text, tuple(known))
        if len(self.wrong) >= _MOST_WRONG:
            raise wrong
        self.wrong.append(wrong)

    def _known(self, tokens: Iterable[Token], known: Iterable[str], what: str) -> tuple[str, ...]:
        """The values, each of which must be known; case does not matter."""
        values = {value.lower(): value for value in known}
        found: list[str] = []
        for token in tokens:
            value = values.get(token.text.lower())
            if value is None:
                expected = ", ".join(values.values())
                text = f"{token.shown} is not {what}; expected {expected}"
                self._note(token, text, values.values())
            else:
                found.append(value)
        return tuple(dict.fromkeys(found))

    def _read(self, token: Token, reading: Callable[[str], T]) -> T | None:
        """What a reading makes of a value; None, and a mistake, where it does not take it."""
        try:
            return reading(token.text)
        except ValueError as error:
            self._note(token, str(error))
            return None

    # Actions and conditions -----------------------------------------------------------------------

    def _action(self) -> Action:
        first = self._take()
        action = _ACTIONS.get(first.text.lower()) if first.sort == Sort.WORD else None
        if action is None:
            raise _unknown(first, "an action", tuple(_ACTIONS))
        return action

    def _conditions(self) -> tuple[Condition, ...]:
        found: list[Condition] = []
        needed = True
        while (token := self._peek()) is not None and token.sort == Sort.WORD:
            word = self._word()
            if word in TAILS:
                break
            if word == "when":
                self._take()
                needed = True
                continue
            if found and word not in _STARTS:
                self._check_goes_on(found[-1], token)
            found.append(self._negated() if word == "not" else self._condition())
            needed = False
        if needed:
            token = self._peek()
            if token is not None and token.sort == Sort.REGEX:
                self._expected("the word name before an expression: name /.../")
            self._expected(f"a condition: {', '.join(CONDITIONS)}")
        return tuple(found)

    def _negated(self) -> Condition:
        self._take()
        if self._word() == "when":
            self._take()
        if self._word() == "not":
            self._expected("a condition after not; a second not only undoes the first")
        if not self._word() or self._word() in TAILS:
            self._expected(f"a condition after not: {', '.join(CONDITIONS)}")
        return Not(self._condition())

    def _condition(self) -> Condition:
        token = self._take()
        word = token.text.lower()
        found = _HEAD.match(word)
        head = found[0] if found else ""
        reading = _READING.get(head)
        if reading is None or head not in (word, "calls"):
            raise _unknown(token, "a condition", (*CONDITIONS, *TAILS, "not"))
        return reading(self, token)

    def _check_goes_on(self, before: Condition, token: Token) -> None:
        """Whether an unknown word was meant to be one more word of the name before it."""
        head = _HEAD.match(token.text.lower())
        if isinstance(before, Named | Listed | InContacts) and (
            not head or head[0] not in _READING
        ):
            known = (*CONDITIONS, *TAILS)
            text = f"{token.shown} is not a condition; a name of several words stands in quotes"
            raise WrongError(token.column, f'{text}: name "John Smith"', token.text, known)

    def _from(self, token: Token) -> Condition:
        return From(self._numbers("from"))

    def _to(self, token: Token) -> Condition:
        if self._word() in TARGETS:
            self._expected(
                "a number of yours after to; where a call is sent stands at the end of the line,"
                f" without to: {self._word()} ..."
            )
        if self._word()[:3] in hours.DAYS:
            self._expected("a number of yours after to; for days write: on mon-fri")
        return To(self._numbers("to"))

    def _numbers(self, word: str) -> tuple[NumberPattern, ...]:
        found = []
        for token in self._values(word, f"a number like {number.example(self._country)}, or 900*"):
            whole = self._whole(token)
            text = self._read(whole, lambda text: number.read_pattern(text, self._country))
            if text is not None:
                found.append(NumberPattern(text))
        return tuple(dict.fromkeys(found))

    def _whole(self, token: Token) -> Token:
        """A number with all of its words: people write (415) 555 0100."""
        while (after := self._peek()) is not None and after.sort == Sort.WORD:
            if token.sort != Sort.WORD or not _DIGITS.fullmatch(after.text):
                break
            begins = after.text.startswith("+") and not token.text.endswith("..")
            if begins or token.text.endswith("*"):
                self._expected("a comma between two numbers")
            self._take()
            token = Token(f"{token.text} {after.text}", token.sort, token.start, after.end)
        return token

    def _name(self, token: Token) -> Condition:
        found = []
        for value in self._values("name", 'a name like *survey*, "John Smith" or /regex/'):
            if value.sort == Sort.REGEX and len(value.text) == 2:
                self._note(value, "this expression is empty; for any name write: name *")
            elif not value.text.strip():
                self._note(value, "a name is empty; for calls without one write: not name *")
            elif (pattern := self._read(value, NamePattern)) is not None:
                found.append(pattern)
        return Named(tuple(dict.fromkeys(found)))

    def _kind(self, token: Token) -> Condition:
        values = self._values("kind", ", ".join(number.KINDS))
        return OfKind(self._known(values, number.KINDS, "a kind of number"))

    def _country_of(self, token: Token) -> Condition:
        found = []
        for value in self._values("country", "US, CA"):
            if value.text.upper() in phonenumbers.SUPPORTED_REGIONS:
                found.append(value.text.upper())
            else:
                text = f"{value.shown} is not a country; expected a code of two letters, such as"
                self._note(value, f"{text} US, GB or DE (ISO 3166)")
        return InCountry(tuple(dict.fromkeys(found)))

    def _neighbour(self, token: Token) -> Condition:
        if not self._word().isdigit():
            return Neighbour()
        digits = self._take()
        if not re.fullmatch("[1-9]|1[0-4]", digits.text):
            self._note(
                digits,
                f"{digits.shown} is too many or too few; expected how many digits of your number"
                " are the same, country code included: 1 to 14",
            )
            return Neighbour()
        return Neighbour(int(digits.text))

    def _on(self, token: Token) -> Condition:
        first = self._at
        while (after := self._peek()) is not None and after.sort in (Sort.WORD, Sort.COMMA):
            found = _HEAD.match(self._word())
            if found and found[0] in _STARTS:
                break
            self._take()
        if first == self._at:
            self._expected("hours after on: mon-fri 22:00-07:00, or sat, sun, or 2026-12-24")
        start, end = self._tokens[first].start, self._tokens[self._at - 1].end
        try:
            return During(hours.read(self._content[start:end]))
        except hours.UnreadError as unread:
            known = (*hours.DAYS, *CONDITIONS, *TAILS, "not")
            column = start + unread.at + 1
            raise WrongError(column, str(unread), unread.word, known) from None

    def _attestation(self, token: Token) -> Condition:
        values = list(self._values("attestation", "A, B or C"))
        self._check_missing(values, "A, B or C")
        return Attested(self._known(values, LEVELS, "an attestation"))

    def _verstat(self, token: Token) -> Condition:
        values = list(self._values("verstat", "passed or failed"))
        self._check_missing(values, "passed or failed")
        return Verified(self._known(values, OUTCOMES, "an outcome"))

    def _check_missing(self, values: Iterable[Token], expected: str) -> None:
        for value in values:
            if value.text.lower() in _MISSING:
                text = "a missing signature never counts against a caller, so no rule can ask for"
                raise WrongError(value.column, f"{text} one; expected {expected}")

    def _list(self, token: Token) -> Condition:
        files = self._files("list", "ftc.csv", "number list")
        reports: int | None = None
        within: timedelta | None = None
        while True:
            word = self._word()
            if re.match(r"reports\b", word) and reports is None:
                reports = self._at_least(self._take(), "reports")
            elif word == "within" and within is None:
                within = self._within()
            else:
                return Listed(files, reports or 1, within)

    def _contacts(self, token: Token) -> Condition:
        return InContacts(self._files("contacts", "family.vcf", "address book"))

    def _files(self, word: str, example: str, what: str) -> tuple[str, ...]:
        """Names of number lists or address books."""
        found = []
        for value in self._values(word, f"the name of {_a(what)}, such as {example}"):
            named = _FILE.fullmatch(value.text) and not value.text.endswith(" ")
            if not named or (word == "contacts" and not value.text.lower().endswith(".vcf")):
                self._note(value, f"{value.shown} is no {what}; expected a name like {example}")
            elif self._there(word, value):
                found.append(value.text)
        return tuple(dict.fromkeys(found))

    def _there(self, word: str, value: Token) -> bool:
        """Whether there is such a list or address book, as far as that is known."""
        if self._names is None:
            return True
        known = self._names.lists if word == "list" else self._names.contacts
        if value.text in known:
            return True
        todo = f"import it: `screener lists import {value.text}`"
        if word == "contacts":
            todo = f"lay {value.text} beside the rules"
        what = "list" if word == "list" else "address book"
        self._note(value, f"there is no {what} {value.text}; {todo}", sorted(known))
        return False

    def _calls(self, token: Token) -> Condition:
        times = self._at_least(token, "calls")
        return Called(times, self._within() if self._word() == "within" else None)

    def _happened(self, token: Token) -> Condition:
        event = Event(token.text.lower())
        return Happened(event, self._within() if self._word() == "within" else None)

    def _at_least(self, token: Token, word: str) -> int:
        """The number of `calls>=3`, in one word or in several."""
        rest = token.text[len(word) :]
        while self._word() and rest in ("", ">", "=", ">=", "=>", "\u2265"):
            rest += self._take().text
        found = _AT_LEAST.fullmatch(rest)
        if found is None:
            text = f"expected a count like {word}>=3 (from 1 to 999999)"
            raise WrongError(token.column, text)
        return int(found[1])

    def _within(self) -> timedelta | None:
        self._take()
        return self._span("within")

    def _span(self, word: str) -> timedelta | None:
        if not self._word() or self._word() in _STARTS:
            self._expected(f"a time after {word}: 30m, 2h, 90d, 3w, 9mo or 1y")
        return self._read(self._take(), read_span)

    # Label and tails ------------------------------------------------------------------------------

    def _rest(self, action: Action) -> None:
        """Everything behind the conditions."""
        while (token := self._peek()) is not None:
            if token.sort == Sort.QUOTED and self._label is None:
                self._label = self._take()
                if len(token.text) > LONGEST_LABEL:
                    self._note(token, f"a label has at most {LONGEST_LABEL} characters")
            elif self._word() in TAILS:
                self._tail(action)
            else:
                self._too_much(token)
        if action is Action.SEND and "target" not in self._tails:
            self._expected(f"where send sends the call: {_TARGETS_SHOWN}")

    def _too_much(self, token: Token) -> NoReturn:
        head = _HEAD.match(self._word())
        if head and head[0] in _STARTS:
            raise WrongError(
                token.column,
                f"{token.text} is a condition: it stands before the label and what is"
                " done with the call",
            )
        if token.sort == Sort.WORD:
            raise _unknown(token, "a word that may stand here", TAILS)
        if token.sort == Sort.COMMA:
            raise WrongError(
                token.column,
                "a comma stands only between values; conditions that stand side by side must all"
                " hold",
            )
        second = "; a rule has one label" if token.sort == Sort.QUOTED else ""
        raise WrongError(
            token.column, f"{token.shown} is too much{second}; expected the end of the line"
        )

    def _tail(self, action: Action) -> None:
        token = self._take()
        word = token.text.lower()
        owner = _owner(word)
        if action not in owner:
            raise WrongError(
                token.column, f"{word} belongs to {' and '.join(owner)}, not to {action}"
            )
        group = "target" if word in TARGETS else "treatment" if word != "expires" else word
        if group in self._tails:
            raise WrongError(token.column, f"this is a second {group}; a rule has one")
        self._tails[group] = token.column
        if word == "expires":
            self._expires = self._span(word)
        elif word == "play":
            self._treatment = self._played()
        elif word == "refuse":
            self._treatment = self._refused()
        else:
            self._target = self._aimed(Where(word))

    def _played(self) -> Treatment:
        kinds = tuple(kind.value for kind in Treatment)
        if self._peek() is None:
            self._expected(f"after play: {', '.join(kinds)}")
        token = self._take()
        if token.text.lower() not in kinds:
            raise _unknown(token, "a treatment", kinds)
        return Treatment(token.text.lower())

    def _refused(self) -> Refusal:
        if self._peek() is None:
            self._expected("a SIP status after refuse: 400 to 699, such as 607 (unwanted)")
        token = self._take()
        if not re.fullmatch("[456][0-9][0-9]", token.text):
            text = f"{token.shown} is no SIP status that refuses; expected 400 to 699, such as 607"
            self._note(token, f"{text} (unwanted) or 603 (declined)")
            return Refusal(603)
        return Refusal(int(token.text))

    def _aimed(self, where: Where) -> Target | None:
        if self._peek() is None:
            self._expected(f"after {where}: {_AIMS[where]}")
        token = self._take()
        if where is Where.REDIRECT:
            return self._redirected(token)
        if where is Where.MENU:
            whole = self._whole(token)
            e164 = number.read(whole.text, self._country).e164
            token = whole._replace(text=e164 or whole.text)
            fits = bool(e164)
        else:
            fits = bool((_EXTENSION if where is Where.EXTENSION else _NAME).fullmatch(token.text))
        if not fits:
            self._note(token, f"{token.shown} does not fit; expected {_AIMS[where]}")
            return None
        return self._aim(where, token)

    def _aim(self, where: Where, token: Token) -> Target:
        """The target, which must be one that there is, as far as that is known."""
        if self._names is not None:
            known, what = {
                Where.RING: (self._names.groups, "ring group"),
                Where.EXTENSION: (self._names.extensions, "extension"),
                Where.MENU: (self._names.dids, "number of yours"),
            }.get(where, (self._names.boxes, "message box"))
            if token.text not in known:
                listed = ", ".join(sorted(known)) or "none"
                text = f"{token.text} is no {what} in screener.toml; expected {listed}"
                self._note(token, text, sorted(known))
        return Target(where, token.text)

    def _redirected(self, token: Token) -> Target | None:
        if re.match("sips?:", token.text, re.IGNORECASE):
            if len(token.text) > _LONGEST_URI or not _SIP.fullmatch(token.text):
                self._note(
                    token, "this is no plain SIP address; expected one like sip:me@example.net"
                )
                return None
            return Target(Where.REDIRECT, token.text)
        whole = self._whole(token)
        if not re.search("[0-9]", whole.text):
            self._note(whole, f"{whole.shown} does not fit; expected {_AIMS[Where.REDIRECT]}")
            return None
        text = self._read(whole, lambda text: number.read_pattern(text, self._country))
        if text is not None and not re.fullmatch(r"\+[0-9]+", text):
            self._note(whole, f"{whole.shown} is not one whole number; a call goes to one place")
        return Target(Where.REDIRECT, text) if text else None


_READING: Mapping[str, Callable[[Line, Token], Condition]] = {
    "from": Line._from,
    "to": Line._to,
    "name": Line._name,
    "withheld": lambda line, token: Withheld(),
    "impossible": lambda line, token: Impossible(line._country),
    "kind": Line._kind,
    "country": Line._country_of,
    "neighbour": Line._neighbour,
    "neighbor": Line._neighbour,
    "on": Line._on,
    "attestation": Line._attestation,
    "verstat": Line._verstat,
    "list": Line._list,
    "contacts": Line._contacts,
    "calls": Line._calls,
    **{event.value: Line._happened for event in Event},
    "expecting": lambda line, token: Expecting(),
    "emergency": lambda line, token: Emergency(),
}
_AIMS: Mapping[Where, str] = {
    Where.RING: "the name of a ring group",
    Where.EXTENSION: "an extension of 1 to 8 digits",
    Where.MENU: "one of your numbers, whose menu it is",
    Where.MESSAGE: "the name of a message box",
    Where.REDIRECT: "a SIP address (sip:me@example.net) or a telephone number",
}
_TARGETS_SHOWN = "ring GROUP, extension DIGITS, menu NUMBER, message BOX or redirect ADDRESS"


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _owner(word: str) -> tuple[Action, ...]:
    """The actions that a tail belongs to."""
    if word == "expires":
        return tuple(Action)
    if word in ("play", "refuse"):
        return (Action.BLOCK,)
    return (Action.ALLOW, Action.SEND) if word == "ring" else (Action.SEND,)


def _unknown(token: Token, what: str, known: tuple[str, ...]) -> WrongError:
    """The mistake of a word that is not the language's."""
    word = token.text.lower()
    head = _HEAD.match(word)
    teaching = _ELSEWHERE.get(head[0]) if head else None
    if word.startswith("'"):
        teaching = 'a label, and a name of several words, stands in double quotes: "Mom"'
    if teaching:
        return WrongError(token.column, f"{token.shown} is not {what}; {teaching}")
    expected = known if len(known) < len(CONDITIONS) else CONDITIONS
    text = f"{token.shown} is not {what}; expected {', '.join(expected)}"
    return WrongError(token.column, text, word, known)


def written_out(tokens: Iterable[Token]) -> str:
    """A rule as its owner wrote it, without the comment: what it is called when it has no label."""
    words = (f"'{t.text}'" if t.sort == Sort.QUOTED else t.text for t in tokens)
    text = " ".join(words).replace(" ,", ",").replace('"', "'")
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
