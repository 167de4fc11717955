"""The way of callers' sound from Asterisk to us, tried without a call."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress

from screener.asterisk.client import Client
from screener.asterisk.media import Media
from screener.errors import AriGone, AriNotInStasis

# The first packet is here after 20 ms (seconds).
_LONGEST = 3.0
_AGAIN = 0.05


async def is_open(client: Client, media: Media) -> bool:
    """Whether what Asterisk sends to `media` comes. Needs the event socket."""
    channel = f"check-{secrets.token_hex(8)}"
    came = asyncio.Event()
    source = await client.external_media(channel, media.address)
    stream = media.expect(source, lambda _: came.set())
    try:
        async with asyncio.timeout(_LONGEST):
            await _send_silence(client, channel)
            await came.wait()
    except TimeoutError:
        return False
    finally:
        media.forget(stream)
        with suppress(AriGone):
            await client.hangup(channel)
    return True


async def _send_silence(client: Client, channel: str) -> None:
    """Have silence sent, as soon as the channel has entered our application."""
    while True:
        try:
            return await client.silence(channel)
        except AriNotInStasis:
            await asyncio.sleep(_AGAIN)
