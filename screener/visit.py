"""A visit of one of our own phones: what is said and done on its line until it hangs up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from screener.asterisk.line import Line
from screener.asterisk.translate import Arrived, endpoint_of
from screener.config import Settings
from screener.errors import AriError, ScreenerError

log = logging.getLogger(__name__)


async def carry_out(line: Line, work: Coroutine[Any, Any, None], what: str) -> None:
    """Do `work` on the line until it is done or the phone has hung up, and hang up; `what` it is
    stands in the log where something fails."""
    events = asyncio.ensure_future(line.run())
    talk = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(line.gone.wait())
    try:
        await asyncio.wait({talk, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (talk, gone):
            task.cancel()
        for ended in await asyncio.gather(talk, gone, return_exceptions=True):
            if isinstance(ended, ScreenerError):
                log.warning("%s was not carried out to its end: %s", what, ended)
            elif isinstance(ended, Exception):
                raise ended  # the dialplan hangs up, when the channel's deadline is over
        with suppress(AriError):
            await line.hangup()
    finally:
        await line.close()
        for task in (talk, gone, events):
            task.cancel()


def phone_name(settings: Settings, arrived: Arrived) -> str:
    """The name in screener.toml of the phone that dialled; its channel's name is the third argument
    (asterisk/dialplan.py)."""
    endpoint = endpoint_of(arrived.args[2]) if len(arrived.args) > 2 else ""
    names = {p.endpoint.casefold(): p.name for p in settings.phones.values()}
    return names.get(endpoint.casefold()) or endpoint.partition("/")[2] or "a phone"
