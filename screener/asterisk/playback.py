"""Sounds that play on the channels of a call, each until its end or until it is cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TypeAlias

from screener.asterisk.belongings import Belongings
from screener.asterisk.client import Client
from screener.asterisk.translate import Played
from screener.errors import AriDown, AriError, AriNotInStasis

# How much longer than its length a sound may take before we no longer wait for its end.
GRACE = 5.0

# Media URIs to be played one after the other, and their length together in seconds.
Sound: TypeAlias = tuple[tuple[str, ...], float]


class Playbacks:
    """The sounds of one call that play now."""

    def __init__(self, client: Client, own: Belongings) -> None:
        self._client = client
        self._own = own
        self._playing: dict[str, asyncio.Future[bool]] = {}

    def over(self, event: Played) -> None:
        """Asterisk says that a sound is over."""
        playing = self._playing.pop(event.playback, None)
        if playing is not None and not playing.done():
            playing.set_result(not event.failed)

    async def play(
        self, channel: str, media: tuple[str, ...], seconds: float, offset: float = 0.0
    ) -> None:
        """Play media URIs to their end, which is `seconds` away; of the first, what comes after
        `offset` seconds. Cancelling stops the sound."""
        if not media:
            return
        playback = self._own.name("play")
        over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._playing[playback] = over
        start = asyncio.ensure_future(self._client.play(channel, playback, media, offset))
        try:
            await asyncio.shield(start)
            async with asyncio.timeout(seconds + GRACE):
                played = await over
            if not played:
                raise AriNotInStasis(f"Asterisk could not play {media[0]}: can it read the file?")
        except TimeoutError as stuck:
            raise AriDown(f"Asterisk did not finish playing {media[0]}") from stuck
        finally:
            if self._playing.pop(playback, None) is not None:
                # To its end, whoever else is cancelled: Asterisk takes a caller into no bridge
                # before the sound that he hears is over, and the phone may have answered.
                await asyncio.shield(self._stop(playback, start))

    async def _stop(self, playback: str, start: asyncio.Future[None]) -> None:
        """Stop a sound, once Asterisk has been told to start it."""
        with suppress(AriError):
            await start
            await self._client.stop_playback(playback)
