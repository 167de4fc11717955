"""Putting a message away: where that takes a while, the caller hears that work goes on.

Keeping what is on the outbox's own disk takes no time, however long it is. A disk that is slow, or
another one, may take seconds; the caller may hang up meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from screener.asterisk.line import Line
from screener.asterisk.playback import Sound
from screener.errors import AriError

log = logging.getLogger(__name__)

# So long (seconds) nobody wonders; then he is told, and so often he hears that it still goes on.
PATIENCE = 0.7
OFTEN = 1.5
_TOLD, _STILL = ("one-moment",), ("working",)


async def put_away(
    keeping: Coroutine[Any, Any, bool], line: Line, sound: Callable[[tuple[str, ...]], Sound]
) -> bool:
    """What comes of `keeping`. The caller of `line` hears meanwhile what `sound` makes of names."""
    kept = asyncio.ensure_future(keeping)
    telling = asyncio.ensure_future(_tell(line, sound))
    try:
        return await kept
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell(line: Line, sound: Callable[[tuple[str, ...]], Sound]) -> None:
    await asyncio.sleep(PATIENCE)
    try:
        await line.play(*sound(_TOLD))
        while not line.gone.is_set():
            await asyncio.sleep(OFTEN)
            await line.play(*sound(_STILL))
    except AriError as failed:
        log.info("the caller does not hear that his message is put away: %s", failed)
