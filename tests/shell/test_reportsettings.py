"""The table [report] of screener.toml."""

import pytest

from screener.config import load
from screener.core.week import weekly_time
from tests.shell.household import PLAIN, Write, assert_refused


def test_unless_given_it_comes_on_monday_morning_to_the_owner(write: Write) -> None:
    report = load(write(PLAIN)).report
    assert (report.on, report.to) == (weekly_time("mon 08:00"), ("you@example.net",))


def test_its_hour_and_who_gets_it_are_the_owners_choice(write: Write) -> None:
    given = '\n[report]\non = "sun 19:30"\nto = ["a@example.net", "b@example.net"]\n'
    report = load(write(PLAIN + given)).report
    assert (report.on, report.to) == (weekly_time("sun 19:30"), ("a@example.net", "b@example.net"))
    assert load(write(f'{PLAIN}\n[report]\non = ""\n')).report.on is None


def test_a_report_that_nobody_gets_is_warned_of(write: Write) -> None:
    settings = load(write(f'{PLAIN}\n[report]\non = "mon 08:00"\nto = []\n'))
    assert any("nobody gets the report" in warning for warning in settings.warnings)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('on = "monday morning"', 'report.on = "monday morning": expected a day and a time like'),
        ("on = 8", "report.on = 8: expected a day and a time like"),
        ('on = "mon 25:00"', "expected a day and a time like"),
        ('to = "you@example.net"', 'report.to = "you@example.net": expected a list like'),
        ('to = ["you"]', "report.to"),
        ('to = ["a@example.net", "a@example.net"]', "stands in it twice"),
        ('at = "mon 08:00"', "report.at"),
    ],
)
def test_a_mistake_names_key_value_and_what_was_expected(
    write: Write, line: str, said: str
) -> None:
    assert_refused(write(f"{PLAIN}\n[report]\n{line}\n"), said)
