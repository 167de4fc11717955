"""Dates of reports, in the forms in which files have them."""

from datetime import UTC, datetime, timedelta

import pytest

from screener.core.numberlist import EPOCH
from screener.core.reportdate import Dates


@pytest.mark.parametrize(
    ("country", "text", "when"),
    [
        ("US", "2024-01-02 00:11:22", datetime(2024, 1, 2, 0, 11, 22)),
        ("US", "2024-01-02", datetime(2024, 1, 2)),
        ("US", "2024-01-02T01:11:22+01:00", datetime(2024, 1, 2, 0, 11, 22)),
        ("US", "2024-01-02 01:11+02", datetime(2024, 1, 1, 23, 11)),
        ("US", "1/2/2024 1:05:00 PM", datetime(2024, 1, 2, 13, 5)),
        ("US", "12/31/2023 12:30 AM", datetime(2023, 12, 31, 0, 30)),
        ("US", "31/12/2023", datetime(2023, 12, 31)),
        ("GB", "1/2/2024 13:05", datetime(2024, 2, 1, 13, 5)),
        ("DE", "01.02.2024", datetime(2024, 2, 1)),
        ("US", "2024/01/02", datetime(2024, 1, 2)),
        ("US", "1704154282", datetime(2024, 1, 2, 0, 11, 22)),
        ("US", "1066-10-14", datetime(2000, 1, 1, 0, 0, 1)),
    ],
)
def test_dates_are_read_in_many_forms(country: str, text: str, when: datetime) -> None:
    dates = Dates(country)
    read = [dates.read(text.encode()) for _ in range(2)]  # the second time it is looked up
    assert [EPOCH + timedelta(seconds=one) for one in read] == [when.replace(tzinfo=UTC)] * 2


@pytest.mark.parametrize("text", ["", "2024-13-01", "9" * 10 + "9", "\x00", "31.31.2024", "now"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert Dates("US").read(text.encode()) == 0


def test_a_day_and_a_time_of_day_that_came_before_are_put_together() -> None:
    dates = Dates("US")
    for text in ("2024-01-02 00:11:22", "2024-03-04 13:05:00"):
        dates.read(text.encode())
    when = EPOCH + timedelta(seconds=dates.read(b"2024-01-02 13:05:00"))
    assert when == datetime(2024, 1, 2, 13, 5, tzinfo=UTC)
