"""The lock that a PIN opens: whoever keys a wrong one has to wait before the next is looked at,
longer each time, also after hanging up and dialling again; it is logged. Where that would be long,
a PIN is not looked at, right or wrong."""

from __future__ import annotations

import asyncio
import hmac
import logging

from screener.core.visit import LONGEST_WAIT, pause_after

log = logging.getLogger(__name__)


class PinLock:
    """What `pin` opens; `where` stands in the log: "in the studio"."""

    def __init__(self, pin: str, where: str) -> None:
        self._pin = pin
        self._where = where
        self._wrong = 0
        self._looks_again = 0.0
        self._one_by_one = asyncio.Lock()  # or who has many phones would guess as many at once

    def locked_for(self) -> float:
        """How many seconds it is until a PIN is looked at."""
        return max(0.0, self._looks_again - asyncio.get_running_loop().time())

    async def opens(self, keys: str, phone: str) -> bool:
        """Whether these keys, of that phone, are the PIN; False where nobody looks at it for more
        than LONGEST_WAIT."""
        async with self._one_by_one:
            wait = self.locked_for()
            if wait > LONGEST_WAIT:
                log.warning("a PIN that %s keyed %s was not looked at", phone, self._where)
                return False
            await asyncio.sleep(wait)
            if hmac.compare_digest(keys, self._pin):
                self._wrong = 0
                log.info("%s keyed the PIN %s", phone, self._where)
                return True
            self._wrong += 1
            self._looks_again = asyncio.get_running_loop().time() + pause_after(self._wrong)
            log.warning("%s keyed a wrong PIN %s: %d in a row", phone, self._where, self._wrong)
            return False
