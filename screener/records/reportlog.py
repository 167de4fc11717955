"""What the weekly report asks of the calls on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from screener.core.course import HUNG_UP_SILENT
from screener.core.fate import Fate, fate
from screener.core.story import CallRow
from screener.records.calllog import CallLog, call_row
from screener.records.database import explained, utc

# Of a call's reason and of who answered it no more than core/fate.py looks at.
_FATES = """
    SELECT outcome, verdict, answered_by <> '', instr(reason, ?) = 1, count(*)
    FROM calls WHERE started >= ? AND started < ? GROUP BY 1, 2, 3, 4
"""


class ReportLog(CallLog):
    """Reads calls by the time at which they came in."""

    def between(self, since: datetime, until: datetime) -> Iterator[CallRow]:
        """The calls from `since` on and before `until`, in the order in which they came in."""
        sql = "SELECT * FROM calls WHERE started >= ? AND started < ? ORDER BY started, id"
        with explained(self._path):
            for row in self._db.query(sql, [utc(since), utc(until)]):
                yield call_row(row)

    def fates(self, since: datetime, until: datetime) -> dict[Fate, int]:
        """How many calls from `since` on and before `until` had which fate."""
        found: Counter[Fate] = Counter()
        with explained(self._path):
            values = [HUNG_UP_SILENT, utc(since), utc(until)]
            for outcome, verdict, answered, silent, calls in self._db.execute(_FATES, values):
                by, reason = "a phone" * answered, HUNG_UP_SILENT * silent
                found[fate(outcome, verdict, by, reason)] += calls
        return {each: found[each] for each in Fate if found[each]}

    def first(self) -> datetime | None:
        """When the oldest call that is kept came in; None where there is none."""
        with explained(self._path):
            (found,) = self._db.execute("SELECT min(started) FROM calls").fetchone()
            return datetime.fromisoformat(found) if found else None
