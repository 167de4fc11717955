"""A message's sound over HTTP, to whoever holds its link: whole, or a range of it (RFC 9110, 14).

A link changes nothing, so it may be followed as often as one likes until it expires: players come
back for each range of an hour's message.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from screener import background
from screener.config import Settings
from screener.core.frontdoor import SoundFormat
from screener.disk import told
from screener.errors import MessageError
from screener.mail.links import Links
from screener.messages.inbox import Kept, Messages
from screener.sound import recording
from screener.sound.recording import Encoded
from screener.web.allowance import Downloads
from screener.web.answers import forged, later, sentences

TYPES: Mapping[SoundFormat, str] = {
    SoundFormat.MP3: "audio/mpeg",
    SoundFormat.OPUS: "audio/ogg",
    SoundFormat.WAV: "audio/wav",
}
"""What each kind of sound is called on the wire."""

_Look = Callable[[Path, SoundFormat, int], Encoded | None]

_LOOKS = 3  # how often a message is looked for that moves on while its sound is opened
_RANGE = re.compile(r"bytes *= *(?:[0-9]{1,18} *- *(?:[0-9]{1,18})?|- *[0-9]{1,18}) *", re.ASCII)
# A browser that is sent sound makes a page of its own around it, and asks for it again there.
_PLAYED = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class Sound(web.FileResponse):
    """A sound file; its connection has a place among the downloads until it is sent."""

    def __init__(self, path: Path, kind: str, downloads: Downloads, shown_as: str = "") -> None:
        headers = {
            hdrs.CONTENT_TYPE: kind,
            hdrs.CACHE_CONTROL: "private, no-cache",  # kept by a player, asked for again each time
            "Content-Security-Policy": _PLAYED,
        }
        if shown_as:
            headers[hdrs.CONTENT_DISPOSITION] = f'inline; filename="{shown_as}"'
        super().__init__(path, headers=headers)
        self._file = path
        self._downloads = downloads

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        try:
            return await super().prepare(await asyncio.to_thread(self._fit, request))
        finally:
            self._downloads.end(request.protocol)

    def _fit(self, request: web.BaseRequest) -> web.BaseRequest:
        """The request without a Range that has to be ignored.

        aiohttp takes an If-Range that is an entity tag for none at all, and would put a range of
        today's file to the beginning of yesterday's; and it refuses more than one range at once.
        """
        asked = request.headers.get(hdrs.RANGE)
        if asked is None or (_RANGE.fullmatch(asked) and self._is_the_same(request)):
            return request
        headers = request.headers.copy()
        headers.popall(hdrs.RANGE, None)
        return request.clone(headers=headers)

    def _is_the_same(self, request: web.BaseRequest) -> bool:
        """Whether If-Range, where it is an entity tag, is that of the file as it is now."""
        tag = request.headers.get(hdrs.IF_RANGE, "").strip()
        if not tag.startswith(('"', "W/")):
            return True
        try:
            now = self._file.stat()
        except OSError:
            return False
        return tag == f'"{now.st_mtime_ns:x}-{now.st_size:x}"'  # a weak tag never is: 13.1.5


async def placed(
    downloads: Downloads, request: web.Request, find: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What `find` finds, where there is a place for one more download. It is taken before anything
    is looked for: of many who ask at once only so many are sent sound."""
    if not downloads.begin(request.protocol):
        return later(503, "Too many listen at once")
    answer: web.StreamResponse | None = None
    try:
        answer = await find()
        return answer
    finally:
        if not isinstance(answer, Sound):
            downloads.end(request.protocol)


class Sounds:
    """What the links to messages' sound open."""

    def __init__(self, settings: Settings, links: Links, downloads: Downloads) -> None:
        self._zone = settings.zone
        self._links = links
        self._downloads = downloads
        self._messages = Messages(settings.data / "outbox")
        self._one = asyncio.Lock()  # one sound is encoded at a time

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The sound of the message that the link names."""
        name = request.match_info["id"]
        until = self._links.sound_until(name, request.match_info["token"])
        if until is None:
            return forged()
        if datetime.now(UTC) >= until:
            return _gone("This link has expired", "The message may still be in its box.")
        return await placed(self._downloads, request, partial(self._sent, name))

    async def _sent(self, name: str) -> web.StreamResponse:
        found = await asyncio.to_thread(self._found, name, recording.made)
        if found is None:
            async with self._one:
                work = partial(self._found, name, recording.encoded)
                found = await background.done(work, f"sound {name}")
        if found is None:
            return _gone("This message is gone", "It was kept for as long as its owner wished.")
        kept, sound = found
        when = kept.letter.when.astimezone(self._zone)
        shown_as = f"message {when:%Y-%m-%d %H.%M}.{sound.form}"
        return Sound(sound.path, TYPES[sound.form], self._downloads, shown_as)

    def _found(self, name: str, looked_up: _Look) -> tuple[Kept, Encoded] | None:
        """A message and its sound as it is mailed; None where it is gone, or not `looked_up`.

        Raises MessageError.
        """
        for _ in range(_LOOKS):
            # Removed from its box, it is still what was mailed, and here only: to several perhaps.
            kept = self._messages.get(name)
            if kept is None:
                return None
            try:
                sound = looked_up(kept.folder, kept.letter.form, kept.letter.bits)
            except FileNotFoundError:  # it has moved on
                continue
            except OSError as error:
                raise MessageError(f"the sound cannot be read: {told(error)}") from error
            return None if sound is None else (kept, sound)
        return None


def _gone(title: str, *texts: str) -> web.Response:
    return sentences(410, title, *texts)
