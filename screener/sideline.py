"""Work beside the calls, such as reports and lamps: a mistake in it does not close the door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)

_AGAIN = 60.0  # seconds after which what had failed begins again


async def sideline(work: Callable[[], Coroutine[None, None, None]], what: str) -> None:
    """Do `work` until it has ended or we are cancelled. Where it fails, that is logged with `what`
    it is, and it begins again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s failed, and will begin again", what)
            await asyncio.sleep(_AGAIN)
        else:
            return
