"""Work that takes long and may be left unfinished: it does not keep the process from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def done(work: Callable[[], T], name: str) -> T:
    """What `work` comes to, done in a thread of its own that a stop does not wait for (as it would
    for those of `asyncio.to_thread`)."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  # carried to whoever awaits it
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(future)
