"""What an hour-long message takes: while it is spoken, and from its caller's last key to the queue.

    python -m tests.bench.messages

The hour is spoken as fast as it is taken, through what takes a call's: frames to the dictation, in
fifths of a second to the reel. Beside it, in the same run, so many bytes are written and brought to
the same disk. Peak memory is that of a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np

from screener.asterisk.line import Line
from screener.calls.tape import Tape
from screener.core.audio import FRAME_BYTES, FRAME_SECONDS
from screener.core.delivery import State
from screener.core.dictation import Dictation
from screener.core.frontdoor import MessageBox
from screener.core.letter import Letter
from screener.core.script import Record, RecordedBy
from screener.mail.outbox import Outbox
from screener.settings.surroundings import MailSecurity, MailSettings

SPOKEN = 3600.0
KEPT_TARGET_S = 1.0
"""Issue 6: from the caller's last key until an hour-long message is kept and queued."""
_BOX = MessageBox("family", ("family@example.net",), limit=3600.0, silence=0.0)
_PIECE = 10  # frames that are written at a time
_LETTER = Letter(
    call=1,
    box=_BOX.name,
    to=_BOX.mail,
    number="+18055550142",
    name="",
    did="+18182223333",
    when=datetime(2026, 11, 20, 22, 3, tzinfo=UTC),
    seconds=0.0,
    why="measured",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message of so many `seconds`: `kept` is from the last key to the queue (seconds), `disk`
    what the disk takes to write as many bytes and to have them; `share` is of one core, while it is
    spoken. `memory` is the peak of the process, and `short` that of one that takes a minute (MB).
    """

    seconds: float
    kept: float
    disk: float
    share: float
    memory: float
    short: float


class _NoLine:
    """Names a take."""

    def take(self, box: str) -> str:
        return f"call_screener_take-{box}-1"


def messages(seconds: float = SPOKEN) -> Kept:
    """Measure a message of this length, and one of a minute beside it."""
    long, short = _in_a_process(seconds), _in_a_process(min(60.0, seconds))
    return Kept(seconds, *long[:3], long[3], short[3])


def _in_a_process(seconds: float) -> tuple[float, float, float, float]:
    """(kept, disk, share, peak memory) of a message, measured in a process of its own."""
    command = (sys.executable, "-W", "ignore", "-m", "tests.bench.messages", str(seconds))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept, disk, share, memory = map(float, done.stdout.split())
    return kept, disk, share, memory


async def _one(seconds: float, folder: Path) -> tuple[float, float, float, float]:
    takes = folder / "takes"
    takes.mkdir()
    nobody = ("127.0.0.1", 9, MailSecurity.NONE, "", "", "door@example.net", 14.0)
    outbox = Outbox(folder / "outbox", MailSettings(*nobody))
    tape = Tape(cast(Line, _NoLine()), takes, outbox)
    reel, dictation = tape.reel(_BOX.name), Dictation(Record(_BOX))
    dictation.played()
    words = _words()
    begun = time.process_time()
    for number in range(round(seconds / FRAME_SECONDS / _PIECE)):
        at = number * _PIECE * FRAME_BYTES % len(words)
        piece = words[at : at + _PIECE * FRAME_BYTES]
        for n in range(0, len(piece), FRAME_BYTES):
            dictation.frame(piece[n : n + FRAME_BYTES])
        reel.add(piece)
        await reel.settle()
    share = (time.process_time() - begun) / seconds
    key = time.perf_counter()
    recorded = await tape.recorded(reel, RecordedBy.KEY, dictation.speech)
    assert await tape.keep(recorded.take, _LETTER)
    kept = time.perf_counter() - key
    [queued] = (folder / "outbox" / State.QUEUED).iterdir()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    size = (queued / "audio.wav").stat().st_size
    return kept, _written(folder / "bare", size), share, memory


def _words() -> bytes:
    """A minute that has the loudness of speech, and its pauses."""
    chance = np.random.default_rng(6)
    at = np.arange(60 * 8000) / 8000
    loud = np.clip(np.sin(2 * np.pi * 0.7 * at) * 4, 0, 1) * (1 + np.sin(2 * np.pi * 4 * at))
    voice = sum(np.sin(2 * np.pi * 120 * n * at) / n for n in range(1, 12))
    sound = 2500 * loud * (voice + 0.3 * chance.normal(0, 1, len(at)))
    whole: bytes = sound.clip(-32768, 32767).astype("<i2").tobytes()
    return whole


def _written(path: Path, size: int) -> float:
    """Seconds to write so many bytes and to have them on disk."""
    piece = bytes(1 << 20)
    begun = time.perf_counter()
    with path.open("wb") as file:
        while size > 0:
            size -= file.write(piece[: min(size, len(piece))])
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - begun


def main() -> None:
    if sys.argv[1:]:
        with tempfile.TemporaryDirectory(prefix="screener-messages-") as folder:
            print(*asyncio.run(_one(float(sys.argv[1]), Path(folder))))
        return
    for name, value in asdict(messages()).items():
        print(f"{name:8} {value:.4f}")


if __name__ == "__main__":
    main()
