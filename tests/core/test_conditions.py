"""What rules ask: each condition holds, does not hold or is not shown by a call, and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core import hours
from screener.core.call import Call
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
from screener.core.history import History
from screener.core.number import Number, read
from screener.core.pattern import NamePattern, NumberPattern
from screener.core.shelf import Shelf
from screener.core.signature import Signature

ZONE = ZoneInfo("America/Los_Angeles")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=ZONE)  # a Friday


@dataclass(frozen=True)
class Reports:
    """A number list: each number's times of being reported."""

    times: Mapping[str, tuple[datetime, ...]]

    def reports(self, number: str, since: datetime | None = None) -> int:
        return sum(since is None or time >= since for time in self.times.get(number, ()))


def ago(days: float) -> datetime:
    return NOON - timedelta(days=days)


SHELF = Shelf(
    lists={
        "ftc.csv": Reports({"+14155550100": (ago(90), ago(3), ago(2))}),
        "plain": Reports({"+14155550100": (ago(0),), "+12125550100": (ago(0),)}),
    },
    contacts={"family.vcf": {"+18182225555": "Mom \x1b[2J"}, "work.vcf": {}},
)


def call(number: str = "+14155550100", name: str = "", **more: object) -> Call:
    made = Call("uid", "+18182223333", read(number, "US"), NOON, name)
    return replace(made, **more)  # type: ignore[arg-type]  # the tests name fields of Call


def numbers(*texts: str) -> tuple[NumberPattern, ...]:
    return tuple(map(NumberPattern, texts))


def names(*texts: str) -> tuple[NamePattern, ...]:
    return tuple(map(NamePattern, texts))


SIGNED = call(signature=Signature("C", "failed"))
KNOWN = call(
    history=History(
        calls=(ago(40), ago(5), ago(1)), answered=(ago(40),), messages=(ago(5),), dialled=(ago(1),)
    )
)
WITHHELD = call("anonymous")
PBX = call("mom")

CASES: list[tuple[Condition, Call, bool | None, str]] = [
    (From(numbers("+14155550100")), call(), True, "+1 415 555 0100 is +14155550100"),
    (From(numbers("+1900*", "+1415*")), call(), True, "+1 415 555 0100 is one of +1415*"),
    (From(numbers("+1900*")), call(), False, "+1 415 555 0100 is not +1900*"),
    (From(numbers("+1?*", "*")), WITHHELD, False, "the number is withheld"),
    (From(numbers("*")), PBX, True, "mom is one of *"),
    (From(numbers("611")), call("611"), True, "611 is 611"),
    (
        From(numbers("+1901*", "+1902*", "+1903*", "+1904*", "+1905*")),
        call(),
        False,
        "+1 415 555 0100 is not +1901*, +1902*, +1903* or one of 2 more",
    ),
    (
        To(numbers("+18182223333")),
        call(),
        True,
        "the number called, +1 818 222 3333, is +18182223333",
    ),
    (
        To(numbers("+1212*")),
        call(),
        False,
        "the number called, +1 818 222 3333, is not +1212*",
    ),
    (
        Named(names("*survey*")),
        call(name="Big SURVEY Inc"),
        True,
        'the name "Big SURVEY Inc" matches *survey*',
    ),
    (
        Named(names("*survey*", "/^v[0-9]+$/")),
        call(name="\x1b[2JMom"),
        False,
        r'the name "\x1b[2JMom" does not match *survey* or /^v[0-9]+$/',
    ),
    (Named(names("*")), call(name=" "), False, "the call shows no name"),
    (Named(names("*")), call(), False, "the call shows no name"),
    (Withheld(), WITHHELD, True, "the number is withheld"),
    (Withheld(), call(), False, "the number is not withheld"),
    (
        Impossible("US"),
        call("+11115550100"),
        True,
        "+1 1115550100 is a number that no numbering plan has",
    ),
    (Impossible("US"), call("12"), True, "12 is a number that no numbering plan has"),
    (Impossible("US"), call("bob"), True, "bob is no telephone number at all"),
    (Impossible("US"), call("611"), False, "611 is a number that can be assigned"),
    (
        Impossible("US"),
        call("555-0100"),
        None,
        "555-0100 lacks its area code: nothing can be said of it",
    ),
    (
        Impossible("US"),
        call("+15550100"),
        True,
        "+1 5550100 is a number that no numbering plan has",
    ),
    (
        Impossible("US"),
        call("+12125550142"),
        False,
        "+1 212 555 0142 is a number that can be assigned",
    ),
    (Impossible("US"), WITHHELD, None, "the number is withheld: nothing can be said of it"),
    (OfKind(("premium",)), call("+19002345678"), True, "+1 900 234 5678 is premium"),
    (
        OfKind(("premium", "pager")),
        call("+12125550142"),
        False,
        "+1 212 555 0142 is landline or mobile, not premium or pager",
    ),
    (OfKind(("mobile",)), WITHHELD, None, "the kind of the withheld number is not known"),
    (OfKind(("mobile",)), PBX, None, "the kind of mom is not known"),
    (InCountry(("US", "CA")), call(), True, "+1 415 555 0100 is a number of US"),
    (
        InCountry(("US",)),
        call("+4930123456"),
        False,
        "+49 30 123456 is a number of DE, not of US",
    ),
    (InCountry(("US",)), WITHHELD, None, "the country of the withheld number is not known"),
    (
        Neighbour(),
        call("+18182229999"),
        True,
        "+1 818 222 9999 begins like your +18182223333 (+1818222)",
    ),
    (
        Neighbour(4),
        call("+18189999999"),
        True,
        "+1 818 999 9999 begins like your +18182223333 (+1818)",
    ),
    (
        Neighbour(),
        call(),
        False,
        "+1 415 555 0100 does not begin like your +18182223333 (+1818222)",
    ),
    (
        Neighbour(),
        call("+18182225555"),
        False,
        r'+1 818 222 5555 is "Mom \x1b[2J" of your contacts',
    ),
    (Neighbour(), WITHHELD, None, "the call shows no number that could be a neighbour's"),
    (
        During(hours.read("mon-fri 9:00-17:00")),
        call(),
        True,
        "Fri 20 Nov 2026 12:00 is within mon-fri 09:00-17:00",
    ),
    (
        During(hours.read("sat, sun")),
        call(),
        False,
        "Fri 20 Nov 2026 12:00 is not within sat, sun",
    ),
    (Attested(("B", "C")), SIGNED, True, "the attestation is C"),
    (Attested(("A",)), SIGNED, False, "the attestation is C, not A"),
    (
        Attested(("C",)),
        call(),
        None,
        "the call carries no attestation, which counts neither way",
    ),
    (Verified(("failed",)), SIGNED, True, "the signature's verification failed"),
    (Verified(("passed",)), SIGNED, False, "the signature's verification failed"),
    (Verified(("failed",)), call(), None, "no signature was verified, which counts neither way"),
    (Listed(("plain",)), call(), True, "+1 415 555 0100 is in plain"),
    (
        Listed(("plain", "ftc.csv")),
        call("+13105550100"),
        False,
        "+1 310 555 0100 is not in plain or ftc.csv",
    ),
    (Listed(("ftc.csv",), 3), call(), True, "+1 415 555 0100 has 3 reports in ftc.csv"),
    (
        Listed(("ftc.csv",), 3, timedelta(days=30)),
        call(),
        False,
        "+1 415 555 0100 has 2 reports within 30 days in ftc.csv, fewer than 3",
    ),
    (Listed(("gone",)), call(), False, "+1 415 555 0100 is not in gone"),
    (Listed(("plain",)), WITHHELD, False, "the withheld number is not in plain"),
    (Listed(("ftc.csv",), 3), WITHHELD, False, "the withheld number is not in ftc.csv"),
    (
        InContacts(("work.vcf", "family.vcf")),
        call("+18182225555"),
        True,
        r'+1 818 222 5555 is "Mom \x1b[2J" in family.vcf',
    ),
    (InContacts(("family.vcf",)), call(), False, "+1 415 555 0100 is not in family.vcf"),
    (InContacts(("gone.vcf",)), WITHHELD, False, "the withheld number is not in gone.vcf"),
    (
        Happened(Event.ANSWERED),
        KNOWN,
        True,
        "+1 415 555 0100 was answered here on Sun 11 Oct 2026 12:00",
    ),
    (
        Happened(Event.ANSWERED, timedelta(days=30)),
        KNOWN,
        False,
        "+1 415 555 0100 was never answered here within 30 days",
    ),
    (
        Happened(Event.DIALLED),
        KNOWN,
        True,
        "+1 415 555 0100 was dialled from here on Thu 19 Nov 2026 12:00",
    ),
    (Happened(Event.DIALLED), call(), False, "+1 415 555 0100 was never dialled from here"),
    (
        Happened(Event.MESSAGE, timedelta(days=9)),
        KNOWN,
        True,
        "+1 415 555 0100 left a message on Sun 15 Nov 2026 12:00",
    ),
    (Happened(Event.MESSAGE), WITHHELD, False, "the withheld number never left a message"),
    (Called(3), KNOWN, True, "+1 415 555 0100 called 3 times before"),
    (
        Called(3, timedelta(days=7)),
        KNOWN,
        False,
        "+1 415 555 0100 called 2 times before within 7 days, fewer than 3",
    ),
    (Called(1), call(), False, "+1 415 555 0100 called 0 times before, fewer than 1"),
    (
        Expecting(),
        call(expecting="you opened it at 11:00 until 13:00"),
        True,
        "you expect a call: you opened it at 11:00 until 13:00",
    ),
    (Expecting(), call(), False, "no call is expected"),
    (
        Emergency(),
        call(emergency="kitchen dialled 911 at 11:58"),
        True,
        "kitchen dialled 911 at 11:58",
    ),
    (Emergency(), call(), False, "there is no emergency"),
]


def described(value: object) -> str:
    return str(value) if isinstance(value, Condition | bool) else ""


@pytest.mark.parametrize(("condition", "which", "held", "words"), CASES, ids=described)
def test_a_condition_and_its_not(
    condition: Condition, which: Call, held: bool | None, words: str
) -> None:
    assert condition.holds(which, SHELF) is held
    assert condition.told(which, SHELF) == words
    turned = Not(condition)
    assert turned.holds(which, SHELF) is (None if held is None else not held)
    assert turned.told(which, SHELF) == words
    assert str(turned) == f"not {condition}"


def test_every_condition_is_among_the_cases() -> None:
    kinds = {type(condition) for condition, *_ in CASES}
    assert {*kinds, Not} == set(Condition.__args__)


def test_what_is_asked_is_seen_by_the_owners_clock() -> None:
    utc = call(at=NOON.astimezone(ZoneInfo("UTC")))
    assert During(hours.read("12:00-12:01")).holds(call(), SHELF)
    assert not During(hours.read("12:00-12:01")).holds(utc, SHELF)  # the call's zone is the owner's


def test_a_call_from_the_future_of_a_clock_that_was_set_back_counts_as_recent() -> None:
    later = call(history=History(answered=(NOON + timedelta(hours=1),)))
    assert Happened(Event.ANSWERED, timedelta(minutes=1)).holds(later, SHELF)


@given(st.text(st.characters(), max_size=100), st.text(st.characters(), max_size=100))
def test_what_strangers_write_is_one_printable_line(number: str, name: str) -> None:
    for condition, *_ in CASES:
        words = condition.told(call(number, name), SHELF)
        assert len(words) < 400
        assert words.isprintable()


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_an_expression_that_backtracks_without_end_answers_at_once(expression: str) -> None:
    asked = Named(names(f"/{expression}/"))
    # With backtracking, this question would outlast the sun.
    assert asked.holds(call(name="a" * 299 + "!"), SHELF) is False


@given(
    st.lists(st.integers(-3, 40), max_size=8),
    st.integers(1, 6),
    st.none() | st.integers(1, 30),
)
def test_what_happened_within_a_time_is_counted_one_by_one(
    days: list[int], times: int, within: int | None
) -> None:
    past = tuple(sorted(ago(day).astimezone(UTC) for day in days))
    span = None if within is None else timedelta(days=within)
    recent = [at for at in past if span is None or at >= NOON.astimezone(UTC) - span]
    met = call(history=History(calls=past, answered=past))
    assert Called(times, span).holds(met, Shelf()) is (len(recent) >= times)
    assert Happened(Event.ANSWERED, span).holds(met, Shelf()) is bool(recent)
    assert f" {len(recent)} time" in Called(times, span).told(met, Shelf())


@pytest.mark.parametrize(
    ("text", "country"),
    [("112", "DE"), ("116117", "DE"), ("133", "AT"), ("116123", "GB"), ("999", "GB")],
)
def test_a_service_that_calls_back_is_not_impossible(text: str, country: str) -> None:
    """Where numbers may be as short as three digits, they could be read as local ones."""
    caller = read(text, country)
    assert caller == Number(text, "")
    asked = replace(call(), caller=caller)
    assert Impossible(country).holds(asked, SHELF) is False
    assert From(numbers(text)).holds(asked, SHELF)
