"""Holidays out of a calendar file, and every kind of file that is none."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.config import load
from screener.core.frontdoor import Holiday
from screener.settings.holidays import read
from screener.settings.tables import UnfitError
from tests.shell.household import Write, assert_refused, changed

TODAY = date(2026, 11, 21)
DID = '[dids."+18182223333"]\n'


def event(*lines: str, uid: str = "one") -> str:
    head = f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20200101T000000Z\r\n"
    return head + "".join(f"{line}\r\n" for line in lines) + "END:VEVENT\r\n"


def calendar(*events: str) -> str:
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//house//holidays//EN\r\n"
    return f"{head}{''.join(events)}END:VCALENDAR\r\n"


CHRISTMAS = event(
    "SUMMARY:Christmas",
    "DTSTART;VALUE=DATE:20201225",
    "DTEND;VALUE=DATE:20201227",
    "RRULE:FREQ=YEARLY",
    uid="christmas",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "holidays.ics"


def holidays(file: Path, text: str) -> list[tuple[str, str, str]]:
    """The holidays in a text: name, first and last day."""
    file.write_text(text, encoding="utf-8", newline="")
    found, _ = read(file, TODAY)
    return [(day.name, str(day.first), str(day.last)) for day in found]


def warnings(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8", newline="")
    return [warning.removeprefix(f"{file}: ") for warning in read(file, TODAY)[1]]


def refused(file: Path, content: str | bytes) -> str:
    data = content if isinstance(content, bytes) else content.encode()
    file.write_bytes(data)
    with pytest.raises(UnfitError) as caught:
        read(file, TODAY)
    assert str(file) in str(caught.value)
    return str(caught.value).removeprefix(str(file))


# What is taken ------------------------------------------------------------------------------------


def test_what_repeats_without_end_is_known_for_two_years(file: Path) -> None:
    assert holidays(file, calendar(CHRISTMAS)) == [
        ("Christmas", "2026-12-25", "2026-12-26"),
        ("Christmas", "2027-12-25", "2027-12-26"),
    ]


def test_days_of_a_rule_are_reckoned(file: Path) -> None:
    rule = "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"
    text = calendar(event("SUMMARY:Thanksgiving", "DTSTART;VALUE=DATE:20201126", rule))
    assert [first for _, first, _ in holidays(file, text)] == ["2026-11-26", "2027-11-25"]


def test_one_that_was_moved_and_one_that_was_left_out(file: Path) -> None:
    yearly = ("SUMMARY:Founders", "DTSTART;VALUE=DATE:20200701", "RRULE:FREQ=YEARLY")
    moved = ("SUMMARY:Founders", "RECURRENCE-ID;VALUE=DATE:20270701", "DTSTART;VALUE=DATE:20270705")
    text = calendar(event(*yearly, "EXDATE;VALUE=DATE:20280701"), event(*moved))
    assert holidays(file, text) == [("Founders", "2027-07-05", "2027-07-05")]


def test_what_is_cancelled_closes_no_door(file: Path) -> None:
    party = event("SUMMARY:Party", "STATUS:CANCELLED", "DTSTART;VALUE=DATE:20261201", uid="party")
    not_this_year = event(
        *("SUMMARY:Christmas", "STATUS:cancelled", "DTSTART;VALUE=DATE:20261225"),
        *("DTEND;VALUE=DATE:20261227", "RECURRENCE-ID;VALUE=DATE:20261225"),
        uid="christmas",
    )
    text = calendar(party, CHRISTMAS, not_this_year)
    assert holidays(file, text) == [("Christmas", "2027-12-25", "2027-12-26")]
    assert warnings(file, text) == []


def test_a_day_with_no_end_and_a_length_in_days(file: Path) -> None:
    one = event("SUMMARY:Epiphany\\, or so", "DTSTART;VALUE=DATE:20270106")
    three = event("DTSTART;VALUE=DATE:20270301", "DURATION:P3D", uid="two")
    assert holidays(file, calendar(one, three)) == [
        ("Epiphany, or so", "2027-01-06", "2027-01-06"),
        ("holiday", "2027-03-01", "2027-03-03"),
    ]


def test_several_calendars_and_a_mark_at_the_beginning(file: Path) -> None:
    other = event("SUMMARY:May Day", "DTSTART;VALUE=DATE:20270501")
    names = [
        name for name, _, _ in holidays(file, "\ufeff" + calendar(CHRISTMAS) + calendar(other))
    ]
    assert names == ["Christmas", "May Day", "Christmas"]


def test_what_goes_on_today_is_a_holiday_and_what_is_past_is_none(file: Path) -> None:
    lasting = event("SUMMARY:x", "DTSTART;VALUE=DATE:20261120", "DTEND;VALUE=DATE:20261123")
    past = event("SUMMARY:y", "DTSTART;VALUE=DATE:20261119", uid="y")
    assert holidays(file, calendar(lasting, past)) == [("x", "2026-11-20", "2026-11-22")]


# What is warned about -----------------------------------------------------------------------------

HOUR = "it begins at an hour: whole days are taken, no others"
ODD = "it repeats in a way that no holiday does"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["DTSTART:20270101T100000Z", "DTEND:20270101T110000Z"], HOUR),
        (["DTSTART;TZID=Europe/Berlin:20270101T100000"], HOUR),
        (["DTSTART;VALUE=DATE:20270101", "DURATION:PT3H"], HOUR.replace("begins", "ends")),
        (["DTSTART;VALUE=DATE:20279901"], "its time cannot be read"),
        (["DESCRIPTION:without a day"], "its time cannot be read"),
        (
            ["DTSTART;VALUE=DATE:20270101", "RRULE:FREQ=YEARLY;BYDAY=99XX"],
            "its time cannot be read",
        ),
        (
            ["DTSTART;VALUE=DATE:20270102", "DTEND;VALUE=DATE:20270101"],
            "it ends before it begins",
        ),
        (
            ["DTSTART;VALUE=DATE:20270101", "DTEND;VALUE=DATE:20990101"],
            "it is longer than 120 days",
        ),
        (["DTSTART;VALUE=DATE:20270101", "DURATION:P9999D"], "it is longer than 120 days"),
        (["DTSTART;VALUE=DATE:20270101", "RRULE:FREQ=SECONDLY"], ODD),
        (["DTSTART;VALUE=DATE:20270101", "RRULE:FREQ=DAILY;INTERVAL=0"], ODD),
        (["DTSTART;VALUE=DATE:20270101", "RRULE:FREQ=DAILY;BYSECOND=1,2,3"], ODD),
        (["DTSTART;VALUE=DATE:00010101", "RRULE:FREQ=DAILY"], ODD),
        (["DTSTART;VALUE=DATE:20270101", "RRULE:nonsense"], ODD),
    ],
)
def test_what_is_no_whole_day_is_warned_about_and_the_rest_is_taken(
    file: Path, lines: list[str], why: str
) -> None:
    text = calendar(event("SUMMARY:Party", *lines), CHRISTMAS)
    assert warnings(file, text) == [f"Party is no holiday: {why}"]
    assert len(holidays(file, text)) == 2


def test_a_day_that_never_comes(file: Path) -> None:
    rule = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"
    text = calendar(event("SUMMARY:x", "DTSTART;VALUE=DATE:20200101", rule))
    assert warnings(file, text) == ["it has no whole day from 2026-11-21 on"]


def test_of_many_warnings_the_last_counts_the_others(file: Path) -> None:
    timed = [event(f"SUMMARY:{n}", "DTSTART:20270101T100000Z", uid=str(n)) for n in range(9)]
    told = warnings(file, calendar(*timed, CHRISTMAS))
    assert len(told) == 4
    assert told[-1] == "and 6 more events are no holidays"


def test_a_strangers_name_drives_no_terminal(file: Path) -> None:
    text = calendar(event("SUMMARY:\x1b[31mred", "DTSTART;VALUE=DATE:20270101"))
    [(name, _, _)] = holidays(file, text)
    assert "\x1b" not in name


# What is no calendar ------------------------------------------------------------------------------


def test_no_file(file: Path) -> None:
    with pytest.raises(UnfitError, match="cannot be read"):
        read(file, TODAY)
    file.mkdir()
    with pytest.raises(UnfitError, match="cannot be read"):
        read(file, TODAY)


@pytest.mark.parametrize("content", ["", "\r\n \n", "\ufeff"])
def test_an_empty_file(file: Path, content: str) -> None:
    assert refused(file, content) == " is empty"


@pytest.mark.parametrize(
    "content", ["hello\n", "<html>BEGIN:VCALENDAR", "{}", "BEGIN:VCARD\nEND:V"]
)
def test_something_else(file: Path, content: str) -> None:
    assert "is no calendar: expected BEGIN:VCALENDAR" in refused(file, content)


def test_a_calendar_without_events(file: Path) -> None:
    assert warnings(file, calendar()) == ["it has no whole day from 2026-11-21 on"]


def test_a_file_that_was_cut_off_anywhere(file: Path) -> None:
    whole = calendar(CHRISTMAS).rstrip()
    for end in range(len("BEGIN:VCALENDAR"), len(whole)):
        assert refused(file, whole[:end]) == " ends without END:VCALENDAR: it was cut off"


@pytest.mark.parametrize(
    "middle", ["BEGIN:VEVENT\r\n", "END:VEVENT\r\n", "no property\r\n", "BEGIN:VCALENDAR\r\n"]
)
def test_a_file_with_a_part_missing(file: Path, middle: str) -> None:
    file.write_text(calendar(CHRISTMAS, middle), encoding="utf-8", newline="")
    try:
        found, _ = read(file, TODAY)
    except UnfitError as unfit:
        assert str(file) in str(unfit)
    else:
        assert {day.name for day in found} <= {"Christmas"}


def test_another_encoding_names_the_line(file: Path) -> None:
    text = calendar(event("SUMMARY:Weihnachtstag für alle", "DTSTART;VALUE=DATE:20261225"))
    assert refused(file, text.encode("latin-1")) == ":7: this is not UTF-8: save it as UTF-8"
    assert "this is not UTF-8" in refused(file, text.encode("utf-16"))


def test_a_hundred_thousand_events_are_no_calendar_of_holidays(file: Path) -> None:
    one = event("SUMMARY:x", "DTSTART;VALUE=DATE:20270101")
    assert "more than 2,000 events" in refused(file, calendar(*[one] * 100_000))
    assert "more than 2,000 events" in refused(file, calendar(*[one] * 2_001))
    many = [CHRISTMAS.replace("UID:", f"UID:{n}-") for n in range(301)]
    assert "more than 300 events that repeat" in refused(file, calendar(*many))


_LINES = (
    *calendar(CHRISTMAS).splitlines(),
    *("BEGIN:VEVENT", "END:VEVENT", "DTSTART:20270101T100000Z", "DTEND;VALUE=DATE:20270103"),
    *("RECURRENCE-ID:20270101T100000Z", "RDATE;VALUE=PERIOD:20270101T180000Z/PT1H", "DURATION:P1D"),
    *("EXDATE:20270101T100000Z", "RRULE:FREQ=YEARLY;COUNT=2", "DTSTART;VALUE=DATE:99990101"),
    *("DTSTART;VALUE=A,B:1", "DTSTART;TZID=Nowhere:20270101T000000", "X-WR-TIMEZONE:Nowhere", ":"),
)


@given(st.lists(st.sampled_from(_LINES), max_size=12), st.integers(0, 12))
def test_whatever_is_in_a_file_ends_in_holidays_or_a_sentence(lines: list[str], at: int) -> None:
    whole = calendar(CHRISTMAS).splitlines()
    text = "\r\n".join((*whole[:at], *lines, *whole[at:]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "holidays.ics"
        file.write_text(text, encoding="utf-8", newline="")
        try:
            found, _ = read(file, TODAY)
        except UnfitError as unfit:
            assert str(file) in str(unfit)
        else:
            assert all(day.first <= day.last for day in found)


# In screener.toml ---------------------------------------------------------------------------------


def test_a_number_has_the_holidays_of_a_file_beside_screener_toml(write: Write) -> None:
    begin = (date.today() + timedelta(days=10)).strftime("%Y%m%d")
    path = write(changed(DID, f'{DID}holidays = "holidays.ics"\n'))
    text = calendar(
        event("SUMMARY:Fair", f"DTSTART;VALUE=DATE:{begin}"), event("DTSTART:x", uid="y")
    )
    path.with_name("holidays.ics").write_text(text, encoding="utf-8")
    settings = load(path)
    [fair] = settings.doors["+18182223333"].holidays
    assert fair == Holiday("Fair", fair.first, fair.first)
    assert any("an event is no holiday" in warning for warning in settings.warnings)


def test_a_mistake_names_key_and_file(write: Write) -> None:
    path = write(changed(DID, f'{DID}holidays = "holidays.ics"\n'))
    there = path.with_name("holidays.ics")
    assert_refused(path, f'holidays = "holidays.ics": {there} cannot be read (No such file')
    there.write_text("", encoding="utf-8")
    assert_refused(path, f'holidays = "holidays.ics": {there} is empty')


def test_a_greeting_for_holidays_needs_holidays(write: Write) -> None:
    path = write(changed(DID, f'{DID}holiday = {{ greeting = "closed" }}\n'))
    assert_refused(path, 'dids."+18182223333".holidays is missing')
