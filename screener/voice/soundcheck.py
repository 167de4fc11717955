"""Which words of the rendered prompts a recogniser does not understand: callers may not, either.

What was found is kept in data/sounds/understood.json, by the sound's file name, which tells what it
was made from: a prompt is listened to once.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Callable, Mapping
from contextlib import closing

from screener import replacement
from screener.config import Settings
from screener.errors import SetupError
from screener.recogniser.proofhearing import LANGUAGE, ProofHearing
from screener.voice.prompts import Prompt, Prompts

_FILE = "understood.json"


def found(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """The words that were not understood, by the file names of the sounds listened to so far."""
    try:
        written = json.loads((settings.data / "sounds" / _FILE).read_text(encoding="utf-8"))
        return {name: tuple(map(str, words)) for name, words in written.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # whatever became of the file: all is listened to again


def listen(prompts: Prompts, settings: Settings, tell: Callable[[str], None]) -> None:
    """Listen to the spoken prompts that were never listened to; `tell` is given a line for each.

    Raises RecogniserError, and SetupError where what was found cannot be written.
    """
    known = found(settings)
    new = [p for p in prompts if is_heard(p) and p.file.name not in known]
    if not new:
        return
    texts = [prompt.text for prompt in prompts if is_heard(prompt)]
    with closing(ProofHearing(texts, settings.grammars)) as hearing:
        for done, prompt in enumerate(new, start=1):
            tell(f"listening to sound {done} of {len(new)}: {prompt.name}")
            with wave.open(str(prompt.file)) as sound:
                missed = hearing.missed(prompt.text, sound.readframes(sound.getnframes()))
            known = {**known, prompt.file.name: missed}
    path = settings.data / "sounds" / _FILE
    content = json.dumps(known, indent=0, sort_keys=True).encode()
    try:
        before = path.read_bytes() if path.exists() else None
        replacement.replace(path, before, content)
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror})") from None


def is_heard(prompt: Prompt) -> bool:
    """Whether the recogniser can say anything of it: it is a text, in a language that it knows."""
    return bool(prompt.text) and understands(prompt.language)


def understands(language: str) -> bool:
    """Whether the recogniser has a model of a language."""
    return language == LANGUAGE
