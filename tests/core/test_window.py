"""Whether a window is open: within its length of its opening, whatever the clock has done since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.conditions import Emergency, Expecting, Not, Withheld
from screener.core.rules import Action, Rule
from screener.core.window import LONGEST, Kind, Window, asking, clock, read, written

OPENED = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
HOURS_2 = timedelta(hours=2)
MINUTE = timedelta(minutes=1)

moments = st.datetimes(timezones=st.just(UTC))
lengths = st.timedeltas(min_value=timedelta(seconds=1), max_value=LONGEST)


def window(length: timedelta = HOURS_2, opened: datetime = OPENED) -> Window:
    return Window(opened, opened + length, "you opened it")


@pytest.mark.parametrize(
    ("after", "is_open"),
    [
        (timedelta(), True),
        (MINUTE, True),
        (HOURS_2 - MINUTE, True),
        (HOURS_2, False),
        (timedelta(days=4000), False),
        # the clock was set back meanwhile
        (-MINUTE, True),
        (-HOURS_2 + MINUTE, True),
        (-HOURS_2, False),
        # the clock was years ahead when it was opened
        (-timedelta(days=4000), False),
    ],
)
def test_it_is_open_for_its_length(after: timedelta, is_open: bool) -> None:
    assert window().is_open(OPENED + after) is is_open


def test_one_that_would_be_open_for_years_is_not() -> None:
    assert window(LONGEST).is_open(OPENED)
    assert not window(LONGEST + MINUTE).is_open(OPENED)


@given(moments, moments, st.timedeltas())
def test_no_clock_breaks_it_or_holds_it_open_for_longer_than_its_length_around_its_opening(
    opened: datetime, now: datetime, length: timedelta
) -> None:
    try:
        one = window(length, opened)
    except OverflowError:
        return
    assert one.is_open(now) is (abs(now - opened) < length <= LONGEST)


@given(moments, lengths, st.text(st.characters(exclude_categories=["C"]), max_size=40))
def test_what_is_written_is_read(opened: datetime, length: timedelta, why: str) -> None:
    try:
        one = Window(opened, opened + length, why)
    except OverflowError:
        return
    again = read(written(one))
    assert (again.opened, again.until) == (one.opened, one.until)
    assert again.why == "".join(c for c in why if c.isprintable())


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="screener writes"):
        read(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "screener writes"),
        ("[" * 20_000, "screener writes"),
        ('{"opened": 1, "until": 2, "why": ""}', "screener writes"),
        ('{"opened": "2026-11-20T14:05", "until": "2026-11-20T15:05", "why": ""}', "writes"),
        ('{"opened": "2026-11-20T14:05Z", "until": "2026-11-20T15:05", "why": ""}', "writes"),
        ('{"opened": "2026-11-20T14:05Z", "until": "2026-11-20T15:05Z", "why": 7}', "writes"),
        ('{"opened": "2026-11-20T14:05Z", "until": "2036-11-20T14:05Z", "why": ""}', "7 days"),
        ('{"opened": "2026-11-20T14:05Z", "until": "2026-11-20T14:05Z", "why": ""}', "not at all"),
    ],
)
def test_a_file_that_somebody_else_wrote_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(text)


def test_who_opened_it_cannot_add_a_line_to_the_log() -> None:
    one = Window(OPENED, OPENED + HOURS_2, "x\n2026 ERROR \x1b[31m" + "y" * 500)
    assert read(written(one)).why == ("x2026 ERROR [31m" + "y" * 500)[:100]


def test_it_tells_its_times_by_the_owners_clock() -> None:
    now = OPENED.astimezone(ZoneInfo("America/Los_Angeles"))
    assert window().told(Kind.EXPECTING, now) == "you opened it at 06:05 until 08:05"
    call = Window(OPENED, OPENED + HOURS_2, "kitchen dialled 911")
    assert call.told(Kind.EMERGENCY, now) == "kitchen dialled 911 at 06:05"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(hours=14), "00:05"),
        (timedelta(hours=15), "Thu 23:05"),
        (timedelta(days=-1), "Sat 14:05"),
        (timedelta(days=30), "21 Oct 2026 14:05"),
    ],
)
def test_a_time_of_another_day_says_which(before: timedelta, said: str) -> None:
    assert clock(OPENED - before, OPENED) == said


def test_the_rules_that_ask_are_found_with_not_and_without() -> None:
    allow = Rule(Action.ALLOW, (Withheld(), Expecting()))
    block = Rule(Action.BLOCK, (Not(Expecting()), Withheld()))
    other = Rule(Action.ALLOW, (Emergency(),))
    assert asking(Kind.EXPECTING, [allow, other, block]) == (allow, block)
    assert asking(Kind.EMERGENCY, [allow, other, block]) == (other,)
