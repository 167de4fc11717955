"""For how long what is known of callers is kept: [keep] of screener.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from screener.core.spans import read_span
from screener.settings.tables import Reading, Table, UnfitError

KEYS = ("calls", "messages", "transcripts", "heard", "events")
"""The keys of [keep]."""

MOVED = {"mail.keep_days": "keep.messages", "speech.keep_heard": "keep.heard"}
"""The keys that said the same before there was [keep]."""

_ALWAYS = "always"
_NOTHING = re.compile("0+(?:y|mo|w|d|h|m|s)", re.IGNORECASE)
_YEAR, _DAY = timedelta(days=365), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """How long each kind is kept; None: always.

    `calls` are their rows and stories, and what our phones dialled; `messages` those that were
    mailed; `transcripts` what a machine wrote down of these; `heard` what the ear heard of calls
    (nothing: not kept at all); `events` what else happened.
    """

    calls: timedelta | None = 2 * _YEAR
    messages: timedelta | None = 90 * _DAY
    transcripts: timedelta | None = 90 * _DAY
    heard: timedelta = 30 * _DAY
    events: timedelta | None = 2 * _YEAR


def read(root: Table) -> KeepSettings:
    """[keep]."""
    table = root.table("keep", KEYS)
    usual = KeepSettings()
    return KeepSettings(
        calls=table.take("calls", _span(_DAY), usual.calls),
        messages=table.take("messages", _span(_DAY), usual.messages),
        transcripts=table.take("transcripts", _span(timedelta()), usual.transcripts),
        heard=table.take("heard", _heard, usual.heard),
        events=table.take("events", _span(_DAY), usual.events),
    )


def _span(least: timedelta) -> Reading[timedelta | None]:
    """How long, or always (None)."""

    def reading(value: object) -> timedelta | None:
        if value == _ALWAYS:
            return None
        least_told = "no less than a day" if least else '"0d" for not at all'
        expected = UnfitError(f'expected how long, like "90d" or "2y", or "always"; {least_told}')
        try:
            span = _time(value)
        except ValueError:
            raise expected from None
        if span < least:
            raise expected
        return span

    return reading


def _heard(value: object) -> timedelta:
    # Three minutes of each call, always, would fill any disk.
    try:
        return _time(value)
    except ValueError:
        raise UnfitError('expected how long, like "30d" or "12h"; "0d" for nothing') from None


def _time(value: object) -> timedelta:
    """Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError
    return timedelta() if _NOTHING.fullmatch(value) else read_span(value)
