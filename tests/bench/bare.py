"""The bare libraries at work: webrtcvad and PocketSphinx, and nothing of screener between them.

    python -m tests.bench.bare HOUSE SECONDS STAYS CALL.pcm...

Each file is a caller who talks without end, 8 kHz 16-bit mono. What screener's ear would make of
the audio is prepared beforehand: which frames are speech, and the sample rate that the model wants.
Then, as fast as callers speak, every frame goes to the one, each 0.1 s of speech to the other, with
the model, the settings, the words and the language model of HOUSE; each STAYS seconds a caller is
another one, who needs a decoder of his own. Prints {"used": seconds of processor time, "audio":
seconds of callers' audio}.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pocketsphinx
import webrtcvad

from screener import config, recogniser
from screener.core.audio import FRAME_BYTES, FRAME_SECONDS, RATE
from screener.core.hearing import Hearing
from screener.core.script import Listen
from screener.recogniser.sphinx import Sphinx
from screener.recogniser.upsampling import Upsampling

TICK = 0.1
_FRAMES = round(TICK / FRAME_SECONDS)


@dataclass
class Call:
    """One caller's audio, tick by tick: its frames, and the speech that is due by then."""

    frames: list[list[bytes]]
    speech: list[bytes]
    decoder: Any = None
    detector: Any = field(default_factory=lambda: webrtcvad.Vad(2))


def prepared(pcm: bytes, stays: float, rate: int) -> Call:
    """What comes of so many seconds of a caller's audio, over and over."""
    count = round(stays / FRAME_SECONDS)
    whole = pcm * (1 + count * FRAME_BYTES // max(1, len(pcm)))
    frames = [whole[n * FRAME_BYTES :][:FRAME_BYTES] for n in range(count)]
    hearing, upsampling = Hearing(()), Upsampling(rate)
    hearing.begin(Listen(("prompt",), frozenset()))
    spoken = [hearing.frame(frame) for frame in frames]
    ticks = range(0, count - _FRAMES + 1, _FRAMES)
    return Call(
        [frames[n : n + _FRAMES] for n in ticks],
        [
            upsampling(b"".join(frames[n + m] for m in range(_FRAMES) if spoken[n + m]))
            for n in ticks
        ],
    )


class Bare:
    """PocketSphinx as its own Python class offers it, set up as screener sets it up."""

    def __init__(self, engine: Sphinx) -> None:
        self._engine = engine
        self.rate = int(engine._talk_options["samprate"])

    def decoder(self) -> Any:
        engine = self._engine
        settings = pocketsphinx.Config.parse_json(json.dumps(dict(engine._talk_options)))
        decoder = pocketsphinx.Decoder(settings)
        decoder.add_lm_file("search", str(engine._model))
        decoder.activate_search("search")
        decoder.start_utt()
        return decoder


def work(calls: list[Call], bare: Bare, seconds: float) -> float:
    """Serve all of them for so long; seconds of processor time in the two libraries."""
    used = 0.0
    due = time.monotonic()
    for tick in range(round(seconds / TICK)):
        begun = time.process_time()
        for number, call in enumerate(calls):
            at = (tick + number * len(call.frames) // len(calls)) % len(call.frames)
            if call.decoder is None or at == 0:
                call.decoder = bare.decoder()
            for frame in call.frames[at]:
                call.detector.is_speech(frame, RATE)
            if call.speech[at]:
                call.decoder.process_raw(call.speech[at])
                call.decoder.hyp()
        used += time.process_time() - begun
        due += TICK
        time.sleep(max(0.0, due - time.monotonic()))
    return used


def main(arguments: list[str]) -> None:
    logging.disable(logging.CRITICAL)
    house, seconds, stays = Path(arguments[0]), float(arguments[1]), float(arguments[2])
    with tempfile.TemporaryDirectory(prefix="bare-") as folder:  # for what the engine writes
        settings = replace(config.load(house / config.FILE), data=Path(folder))
        engine = recogniser.load(settings).engine
        assert isinstance(engine, Sphinx)
        bare = Bare(engine)
        calls = [prepared(Path(file).read_bytes(), stays, bare.rate) for file in arguments[3:]]
        work(calls, bare, 2.0)  # every caller is there, and warm
        used = work(calls, bare, seconds)
    print(json.dumps({"used": used, "audio": seconds * len(calls)}))


if __name__ == "__main__":
    main(sys.argv[1:])
