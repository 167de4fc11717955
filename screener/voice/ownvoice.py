"""The owner's own voice in place of a text: recordings beside the texts, and the earlier ones.

A recording is taken in as sounds/LANGUAGE/NAME.wav, whole or not at all. What was there before is
kept in sounds/LANGUAGE/.earlier, so that it can be brought back: `undo` exchanges the two, and
undone once more they are exchanged again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from screener.core.loudness import RATE, even_out, trim
from screener.core.ownvoice import Fault, fault
from screener.errors import RecordingError
from screener.voice import voices
from screener.voice.wording import RECORDINGS

_EARLIER = ".earlier"
_NONE = ".none"  # there was no recording before: the text was spoken


def fit(path: Path, *, voice: bool = True) -> bytes:
    """A sound file as PCM that may become a prompt: trimmed and evened out.

    Raises RecordingError, with the reason, where it cannot (`voice`: it has to be one), and
    PromptMissing where it is no sound file.
    """
    pcm, found = examined(path, voice=voice)
    if found is not None:
        raise RecordingError(f"{path} {found}")
    return pcm


def examined(path: Path, *, voice: bool = True) -> tuple[bytes, Fault | None]:
    """A sound file as PCM, trimmed and evened out; and what is wrong with it."""
    whole = voices.decode(path)
    pcm = trim(whole)
    found = fault(pcm, voice=voice)
    if found is None and len(whole) > voices.LONGEST * RATE * 2:  # what follows is cut off
        found = Fault.LONG
    return even_out(pcm), found


def take_in(folder: Path, name: str, pcm: bytes) -> Path:
    """Make PCM the recording of a prompt in a language's folder; its file.

    Raises RecordingError where it cannot be written; then all is as it was.
    """
    path = folder / f"{name}.wav"
    try:
        (folder / _EARLIER).mkdir(parents=True, exist_ok=True)
        old = _present(folder, name)
        aside = folder / _EARLIER / f"{name}{old.suffix if old else _NONE}"
        draft = aside.with_name(f".{aside.name}")
        try:
            if old is None:
                draft.touch()
            else:
                shutil.copyfile(old, draft)
            voices.write(path, pcm, durable=True)  # what can fail comes before what is given up
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        if old is not None and old != path:
            old.unlink()  # of two recordings nobody could say which counts
        _clear(folder / _EARLIER, name)
        draft.replace(aside)
    except OSError as error:
        raise _failed(path, error) from None
    return path


def undo(folder: Path, name: str) -> Path | None:
    """Bring the earlier recording of a prompt back; its file, None where its text is spoken again.

    Raises RecordingError where there is none, or where it cannot be written.
    """
    earlier = _present(folder / _EARLIER, name)
    if earlier is None:
        raise RecordingError(f"there is no earlier recording of {name} to bring back")
    now = _present(folder, name)
    back = folder / f"{name}{earlier.suffix}"
    kept = folder / _EARLIER / f"{name}{now.suffix if now else _NONE}"
    try:
        waiting = earlier.replace(earlier.with_name(f".{earlier.name}"))
        if now is None:
            kept.touch()
        else:
            now.replace(kept)
        if back.suffix == _NONE:
            waiting.unlink()
            return None
        return waiting.replace(back)
    except OSError as error:
        raise _failed(back, error) from None


def _present(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}{suffix}" for suffix in (*RECORDINGS, _NONE))
    return next((path for path in paths if path.is_file()), None)


def _clear(folder: Path, name: str) -> None:
    while (path := _present(folder, name)) is not None:
        path.unlink()


def _failed(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{path} cannot be written ({error.strerror})")
