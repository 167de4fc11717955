"""Blocks of lines in the usual forms, read all at once: ten times as fast as one by one.

The usual forms are those of national files in North America: ten digits (with or without 1 or +1)
on a line, and the FTC's complaints, which begin with ten digits and a date. What is not exactly so
is left to be read with care (entries.py), which gives the same for what is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from screener.core.numberlist import EPOCH

Numbers: TypeAlias = NDArray[np.uint64]
Found: TypeAlias = tuple[Numbers, NDArray[np.uint32], NDArray[np.bool_]]
"""The integers of numbers, when (empty for plain ones), and which of the lines they stand on."""

# A digit where there is a #.
_PLAIN = "##########", "1##########", "+1##########"
_COMPLAINTS = "##########,####-##-## ##:##:##", '"##########","####-##-## ##:##:##"'
_AREA = 2, 9  # an area code begins with 2 to 9
_LF, _CR, _COMMA = 10, 13, 44
_DAY = 86_400


def plain(lines: Sequence[bytes]) -> Found:
    """Lines that are a number and nothing else."""
    block, starts = _laid_out(lines)
    numbers = np.zeros(len(starts), np.uint64)
    fits = np.zeros(len(starts), np.bool_)
    for form in _PLAIN:
        rows = _rows(block, starts, len(form) + 1)
        own = _alike(rows, form) & ((rows[:, -1] == _LF) | (rows[:, -1] == _CR)) & ~fits
        at = form.index("#")
        numbers[own] = _number(rows[own, at : at + 10])
        fits |= own & (numbers > 0)
    return numbers[fits], np.empty(0, np.uint32), fits


def complaints(lines: Sequence[bytes]) -> Found:
    """Lines whose first column is a number, and the second a date with a time (UTC)."""
    block, starts = _laid_out(lines)
    numbers = np.zeros(len(starts), np.uint64)
    whens = np.zeros(len(starts), np.uint32)
    fits = np.zeros(len(starts), np.bool_)
    for form in _COMPLAINTS:
        rows = _rows(block, starts, len(form) + 1)
        own = _alike(rows, form) & np.isin(rows[:, -1], (_LF, _CR, _COMMA))
        at = form.index("#")
        date = form.index("####-")
        numbers[own] = _number(rows[own, at : at + 10])
        whens[own] = _moment(rows[own, date : date + 19])
        fits |= own & (numbers > 0) & (whens > 0)
    return numbers[fits], whens[fits], fits


def _laid_out(lines: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The lines one after the other, and where each begins; no form reaches over the end."""
    block = np.frombuffer(b"\n".join(lines) + b"\n" + bytes(64), np.uint8)
    lengths = np.fromiter(map(len, lines), np.intp, len(lines)) + 1
    return block, np.cumsum(lengths) - lengths


def _rows(block: NDArray[np.uint8], starts: NDArray[np.intp], width: int) -> NDArray[np.uint8]:
    return np.lib.stride_tricks.sliding_window_view(block, width)[starts]


def _alike(rows: NDArray[np.uint8], form: str) -> NDArray[np.bool_]:
    """Which rows have a form."""
    digits = [at for at, sign in enumerate(form) if sign == "#"]
    others = [at for at, sign in enumerate(form) if sign != "#"]
    signs = np.frombuffer("".join(form[at] for at in others).encode(), np.uint8)
    found: NDArray[np.bool_] = (rows[:, digits] - 48 < 10).all(1) & (rows[:, others] == signs).all(
        1
    )
    return found


def _value(digits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The integers that rows of digits are."""
    powers = 10 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64)
    value: NDArray[np.int64] = (digits.astype(np.int64) - 48) @ powers
    return value


def _number(digits: NDArray[np.uint8]) -> Numbers:
    """E.164 of ten digits; 0 for what is no number of the North American plan."""
    area = digits[:, 0] - 48
    real = (area >= _AREA[0]) & (area <= _AREA[1])
    return np.where(real, _value(digits) + 10_000_000_000, 0).astype(np.uint64)


def _moment(text: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Seconds since 2000 of rows like "2024-01-02 00:11:22"; 0 for what is no moment since then."""
    year, month, day = _value(text[:, :4]), _value(text[:, 5:7]), _value(text[:, 8:10])
    hour, minute, second = _value(text[:, 11:13]), _value(text[:, 14:16]), _value(text[:, 17:19])
    real = (year >= EPOCH.year) & (year <= 2135) & (month >= 1) & (month <= 12) & (day >= 1)
    real &= (hour < 24) & (minute < 60) & (second < 60)
    first = (12 * (np.where(real, year, 2000) - 1970) + np.where(real, month, 1) - 1).astype(
        "datetime64[M]"
    )
    date = first.astype("datetime64[D]")
    days_in_month = ((first + 1).astype("datetime64[D]") - date).astype(np.int64)
    days = (date - np.datetime64("2000-01-01")).astype(np.int64) + day - 1
    seconds = days * _DAY + 3600 * hour + 60 * minute + second
    return np.where(real & (day <= days_in_month), seconds, 0).astype(np.uint32)
