"""The recordings in Asterisk's own store: of a message that it recorded in our place, or of a name.

There they lie until they are fetched (calls/tape.py) or settled (calls/settlement.py); their names
tell the calls in which they were made. The private Asterisk's store is a folder of ours, whether it
runs or not; one of the owner's is asked through ARI.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from screener.asterisk.belongings import NAME, TAKE, owner
from screener.asterisk.client import Client
from screener.config import Settings
from screener.disk import usable
from screener.errors import AriGone


def is_message(recording: str) -> bool:
    """Whether it is what a caller left, and not only his spoken name."""
    return NAME not in recording


class Stored:
    """What the Asterisk of a front door holds."""

    def __init__(self, settings: Settings) -> None:
        self._asterisk = settings.asterisk
        self._folder = settings.data / "asterisk" / "spool" / "recording"

    def made_in(self, calls: Collection[str]) -> tuple[str, ...]:
        """The names of the recordings of these calls (their callers' channels). Raises AriError."""
        if not calls:
            return ()
        if self._asterisk.url:
            found = asyncio.run(self._asked())
        else:
            found = [path.stem for path in self._folder.glob("*.wav")]
        ours = (each for each in found if TAKE in each or NAME in each)
        return tuple(sorted(each for each in ours if owner(each) in calls))

    def delete(self, names: Collection[str]) -> None:
        """Delete recordings, those that are still there. Raises AriError, DiskError."""
        if self._asterisk.url and names:
            asyncio.run(self._deleted(names))
        elif names:
            with usable("Asterisk's recordings in", self._folder):
                for name in names:
                    (self._folder / f"{name}.wav").unlink(missing_ok=True)

    async def _asked(self) -> list[str]:
        async with self._client() as client:
            return await client.stored_recordings()

    async def _deleted(self, names: Collection[str]) -> None:
        async with self._client() as client:
            for name in names:
                try:
                    await client.delete_recording(name)
                except AriGone:  # fetched, and settled
                    continue

    def _client(self) -> Client:
        ours = self._asterisk
        return Client(ours.url or "", ours.user, ours.secret, ours.app)
