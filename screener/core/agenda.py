"""When each message that waits is due: what the delivery loop asks instead of the disk.

The disk is looked through when the service starts, and now and then for what another process has
changed; between these, what is kept and what an attempt came to is entered here. A thousand
messages then cost one look, not one for each attempt. Pure: what time it is is given.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from datetime import datetime

from screener.core.delivery import LONGEST_RETRY


class Agenda:
    """Ids, and when each is due. An id is in it once, or not at all."""

    def __init__(self) -> None:
        self._due: dict[str, datetime] = {}
        # Every due time that was ever entered; one that `_due` knows no more is passed over.
        self._heap: list[tuple[datetime, str]] = []
        self._touched: set[str] = set()  # since the look began: the look is older news of these

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._due)

    def enter(self, name: str, due: datetime, now: datetime) -> None:
        """Enter a message, or change when it is due.

        A due time further off than any that is given was written under a wrong clock: it is now.
        """
        self._touched.add(name)
        if due > now + LONGEST_RETRY:
            due = now
        if self._due.get(name) == due:
            return
        self._due[name] = due
        heapq.heappush(self._heap, (due, name))
        if len(self._heap) > 2 * len(self._due) + 100:
            self._heap = [(when, which) for which, when in self._due.items()]
            heapq.heapify(self._heap)

    def look(self) -> None:
        """The disk is about to be looked through."""
        self._touched.clear()

    def looked(self, found: Mapping[str, datetime], trying: Collection[str], now: datetime) -> None:
        """Take over what was found on the disk. Those that are being tried at this moment come back
        when they have been; what happened since the look began is newer. One that is gone from
        the disk stays until it is due: an attempt then finds that out."""
        wrong = [name for name, due in self._due.items() if due > now + LONGEST_RETRY]
        for name, due in (*found.items(), *((name, now) for name in wrong)):
            if name not in trying and name not in self._touched:
                self.enter(name, due, now)
        self._touched.clear()

    def take(self, now: datetime) -> str | None:
        """The message that has been due for longest, which is then entered no more; None: no
        message is due."""
        due = self.next_due()
        if due is None or due > now:
            return None
        name = self._heap[0][1]
        heapq.heappop(self._heap)
        del self._due[name]
        self._touched.add(name)
        return name

    def next_due(self) -> datetime | None:
        """When the next message is due; None where there is none."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
