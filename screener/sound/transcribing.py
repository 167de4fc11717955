"""A message's speech written down. A program of its own, as encoding.py is one.

`python -m screener.sound.transcribing SCREENER.TOML AUDIO.WAV` prints transcript.json. The engine
is the one that listens to callers, with the same model: words that it does not know, it mishears.
It gives way to calls and to mails, and ends with who started it.
"""

from __future__ import annotations

import json
import os
import sys
import wave
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from screener import config, recogniser
from screener.core.audio import RATE
from screener.core.mastering import Stretch
from screener.core.transcript import Transcript
from screener.errors import ScreenerError
from screener.recogniser.engine import Decoder
from screener.settings.surroundings import Engine
from screener.sound.encoding import end_with_parent, pieces
from screener.sound.transcripts import LONGEST

_GIVE_WAY = 19  # how much less of the processor than all else (nice)
_PORTION = RATE // 5 * 2  # bytes: as a call's speech comes to the decoder

# How many words there must be. What PocketSphinx makes of short utterances is wrong, as sure as it
# may seem: of 30 of at most 16 words, each had more wrong words than were said.
_LEAST: Mapping[Engine, int] = {Engine.POCKETSPHINX: 20, Engine.VOSK: 1}


def transcribed(settings: config.Settings, audio: Path) -> str:
    """The text of transcript.json for a WAV file. Raises ScreenerError, OSError, wave.Error."""
    loaded = recogniser.load(settings)
    try:
        decoder = loaded.engine.decoder()
        made = heard(decoder, audio)
        decoder.close()
    finally:
        loaded.close()
    engine, _ = recogniser.chosen(settings.speech.engine, settings.speech.model, settings.data)
    shown = made.is_worth_showing(_LEAST[engine])
    data = {"engine": loaded.name, "shown": shown, "confidence": round(made.confidence, 3)}
    return json.dumps(data | made.as_data(), ensure_ascii=False, indent=1) + "\n"


def heard(decoder: Decoder, audio: Path) -> Transcript:
    with wave.open(str(audio)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
        for piece in pieces(sound, Stretch(0.0, min(seconds, LONGEST))):
            pcm = piece.set_frame_rate(RATE).raw_data
            for at in range(0, len(pcm), _PORTION):
                decoder.hear(pcm[at : at + _PORTION])
    return replace(decoder.transcript(), until=LONGEST if seconds > LONGEST else 0.0)


def run(arguments: Sequence[str]) -> str:
    """The program; what went wrong, "" for nothing."""
    os.nice(_GIVE_WAY)
    end_with_parent()
    settings, audio = map(Path, arguments)
    try:
        sys.stdout.write(transcribed(config.load(settings), audio))
    except (ScreenerError, OSError, EOFError, wave.Error) as failed:
        return str(failed).partition("\n")[0] or type(failed).__name__
    return ""


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]) or 0)
