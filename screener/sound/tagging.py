"""Tags and a cover in a sound file: ID3 in MP3 and WAV, Vorbis comments in Opus."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from mutagen import flac, id3
from mutagen.mp3 import MP3
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE

from screener.core.frontdoor import SoundFormat
from screener.core.tags import Tags

COVER = "message.png"
"""The picture of every message, 1400 pixels wide and high; our own drawing, as free as the rest."""

COVER_SIDE = 1400
_PODCAST = "Podcast"


def cover() -> bytes:
    """The cover as PNG."""
    return (files("screener.sound") / COVER).read_bytes()


def tag(path: Path, form: SoundFormat, tags: Tags) -> None:
    """Write tags and the cover into a file of this format, in place of any that it has.

    Raises OSError and mutagen.MutagenError.
    """
    _WRITERS[form](path, tags)


def seconds(path: Path, form: SoundFormat) -> float:
    """How long a file says that it plays. Raises OSError and mutagen.MutagenError."""
    kinds = {SoundFormat.MP3: MP3, SoundFormat.OPUS: OggOpus, SoundFormat.WAV: WAVE}
    return float(kinds[form](path).info.length)


def _into_mp3(path: Path, tags: Tags) -> None:
    frames = _frames(tags)
    frames.save(path)


def _into_wav(path: Path, tags: Tags) -> None:
    sound = WAVE(path)
    if sound.tags is None:
        sound.add_tags()
    sound.tags.clear()
    for frame in _frames(tags).values():
        sound.tags.add(frame)
    sound.save()


def _frames(tags: Tags) -> id3.ID3:
    """ID3v2.4 frames (id3.org)."""
    frames = id3.ID3()
    for frame, text in (
        (id3.TIT2, tags.title),
        (id3.TPE1, tags.artist),
        (id3.TALB, tags.album),
        (id3.TDRC, tags.date),
        (id3.TRCK, tags.track),
        (id3.TCON, _PODCAST),
    ):
        if text:
            frames.add(frame(encoding=id3.Encoding.UTF8, text=[text]))
    if tags.comment:
        comment = id3.COMM(encoding=id3.Encoding.UTF8, lang="eng", desc="", text=[tags.comment])
        frames.add(comment)
    frames.add(
        id3.APIC(
            encoding=id3.Encoding.LATIN1,
            mime="image/png",
            type=id3.PictureType.COVER_FRONT,
            desc="",
            data=cover(),
        )
    )
    return frames


def _into_opus(path: Path, tags: Tags) -> None:
    """Vorbis comments (RFC 7845, section 5.2; the picture as FLAC has it)."""
    sound = OggOpus(path)
    comments: Mapping[str, str] = {
        "title": tags.title,
        "artist": tags.artist,
        "album": tags.album,
        "date": tags.date,
        "comment": tags.comment,
        "genre": _PODCAST,
        "tracknumber": str(tags.part or ""),
        "tracktotal": str(tags.parts or ""),
    }
    sound.delete()
    for name, text in comments.items():
        if text:
            sound[name] = text
    sound["metadata_block_picture"] = base64.b64encode(_picture()).decode("ascii")
    sound.save()


def _picture() -> bytes:
    """The cover as FLAC's picture block (RFC 9639, section 8.8)."""
    picture: Any = flac.Picture
    block = picture()
    block.data = cover()
    block.type = id3.PictureType.COVER_FRONT
    block.mime = "image/png"
    block.width = block.height = COVER_SIDE
    block.depth = 8
    return bytes(block.write())


_WRITERS: Mapping[SoundFormat, Callable[[Path, Tags], None]] = {
    SoundFormat.MP3: _into_mp3,
    SoundFormat.OPUS: _into_opus,
    SoundFormat.WAV: _into_wav,
}
