"""What the ear heard of each call, kept for a while: `screener listen --call ID` hears it again.

Only what a caller said to us, never to a phone that answered: a WAV of 8 kHz mu-law in data/heard,
named by the call's number, that only the owner of the folder may read. It is no message: nobody is
promised that it is there, so a disk that is nearly full or fails costs it and nothing else.
"""

from __future__ import annotations

import logging
import os
import shutil
import struct
from pathlib import Path

from screener import replacement
from screener.core.audio import RATE
from screener.core.rules import CLOCKLESS

log = logging.getLogger(__name__)

# What is kept of one call (seconds): by then every verdict is reached, and a message is kept
# elsewhere.
LONGEST = 180
# Bytes that stay free on the disk: messages and the database need them more.
_LEAST_FREE = 200 << 20
_FOLDER = "heard"
# WAV's code for mu-law (mmreg.h).
_MULAW = 7


class HeardAudio:
    """The folder of what was heard, in the data folder; each call's stays for so many seconds.

    0 seconds: nothing is kept, and what was is removed. Its methods are not for the event loop:
    they take some milliseconds. Failures are logged.
    """

    def __init__(self, data: Path, seconds: float) -> None:
        self._folder = data / _FOLDER
        self._seconds = seconds

    def path(self, number: int) -> Path:
        """Where a call's sound is, if it was kept."""
        return self._folder / f"{number}.wav"

    def numbers(self) -> frozenset[int]:
        """The calls whose sound is kept."""
        try:
            names = [file.stem for file in self._folder.iterdir() if file.suffix == ".wav"]
        except OSError:
            return frozenset()
        return frozenset(int(name) for name in names if name.isdecimal())

    def keep(self, number: int, heard: bytes) -> None:
        """Keep what was heard of a call (8 kHz mu-law)."""
        if not self._seconds or not heard:
            return
        place = self.path(number)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if shutil.disk_usage(self._folder).free < _LEAST_FREE:
                log.warning("what call %d sounded like is not kept: the disk is full", number)
                return
            wav = _wav(heard[: LONGEST * RATE])
            replacement.write(place, wav, mode=0o600, durable=False)  # it is a recording of many
        except OSError as error:
            log.warning("what call %d sounded like could not be kept: %s", number, error)

    def remove_old(self, now: float) -> int:
        """Remove what has been kept for long enough at a time (seconds since 1970); how many."""
        removed = 0
        try:
            files = list(self._folder.iterdir()) if self._folder.is_dir() else []
        except OSError as error:
            log.warning("what old calls sounded like could not be removed: %s", error)
            return 0
        for file in files:
            try:
                kept = file.suffix in (".wav", ".part")
                written = file.stat().st_mtime
                if kept and written < CLOCKLESS.timestamp() <= now:
                    os.utime(file, (now, now))  # a clock that was not set says nothing of its age
                elif kept and written < now - self._seconds:
                    file.unlink(missing_ok=True)
                    removed += 1
            except OSError as error:  # that one stays, and the others go
                log.warning("%s could not be removed: %s", file, error)
        return removed

    def remove(self, number: int) -> None:
        """Remove what was heard of a call, and what a crash left of it. Raises OSError."""
        self.path(number).unlink(missing_ok=True)
        self.path(number).with_suffix(".part").unlink(missing_ok=True)


def _wav(mulaw: bytes) -> bytes:
    """A WAV file; of what is no PCM it says how many samples there are (the chunk "fact")."""
    form = struct.pack("<HHIIHHH", _MULAW, 1, RATE, RATE, 1, 8, 0)
    chunks = [(b"fmt ", form), (b"fact", struct.pack("<I", len(mulaw))), (b"data", mulaw)]
    body = b"WAVE" + b"".join(
        struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)
        for name, content in chunks
    )
    return struct.pack("<4sI", b"RIFF", len(body)) + body
