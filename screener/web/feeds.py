"""Boxes as private podcasts, over HTTP, to whoever knows a box's address.

A feed lists the messages whose sound is encoded, with the length that it has; what is not yet is
encoded one by one, in a process that gives way to calls. So a feed of 1,000 messages is a matter of
looking, and a message comes into it within a minute.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
import wave
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path

from aiohttp import ETag, hdrs, web

from screener import background
from screener.config import Settings
from screener.core import episode
from screener.core.episode import Episode
from screener.core.frontdoor import MessageBox, SoundFormat
from screener.disk import told
from screener.errors import DiskError, OutboxError
from screener.mail.links import Links
from screener.messages import podcast
from screener.messages.inbox import Kept, Messages
from screener.messages.podcast import MP3, Podcast
from screener.messages.subscriptions import Subscriptions
from screener.sound import cover, recording
from screener.sound.recording import Encoded
from screener.web import pages
from screener.web.allowance import Downloads
from screener.web.answers import html, sentences
from screener.web.sounds import Sound, placed

log = logging.getLogger(__name__)

FEED = "feed"
"""What stands before the secret of a feed in its address."""

_LOOK_AGAIN = 30.0  # seconds after which it is looked whether a message has come
_LOOKS = 3  # how often a message is looked for that moves on
_TRY_AGAIN = 3600.0  # seconds after which what could not be encoded is: the disk was full, say
_LEAST_BITS = 32000  # a second, of speech as MP3
_COVERS = "covers"  # their folder in the data folder
_COVER = "cover.png"
_RSS = "application/rss+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Made:
    """A feed as it was last made: of what, its text, its tag, and since when it is so."""

    of: tuple[object, ...]
    text: bytes
    tag: str
    since: datetime


class Feeds:
    """The feeds of one front door's boxes."""

    def __init__(self, settings: Settings, links: Links, downloads: Downloads) -> None:
        self._settings = settings
        self._links = links
        self._downloads = downloads
        self._messages = Messages(settings.data / "outbox")
        self._subscriptions = Subscriptions(settings.data)
        self._boxes = {name: box for name, box in settings.boxes.items() if box.feed}
        self._made: dict[str, _Made] = {}
        self._drawing = asyncio.Lock()
        self._known: dict[str, Encoded] = {}  # as last seen; the folder moves
        self._without: dict[str, float] = {}  # what could not be encoded, and when it may be

    def routes(self) -> list[web.AbstractRouteDef]:
        """Where the feeds are."""
        at = f"/{FEED}/{{secret}}"
        return [
            web.get(f"{at}/", self._page),
            web.get(f"{at}/feed.xml", self._feed),
            web.get(f"{at}/{_COVER}", self._cover),
            web.get(f"{at}/{{id}}.mp3", self._sound),
        ]

    async def keep_ready(self) -> None:
        """Encode what comes into the boxes, until cancelled."""
        while self._boxes:
            for kept in await asyncio.to_thread(self._unready):
                await background.done(partial(self._encode, kept), f"feed {kept.id}")
            await asyncio.sleep(_LOOK_AGAIN)
        await asyncio.Event().wait()

    # What is asked for

    async def _page(self, request: web.Request) -> web.StreamResponse:
        """For whoever opens the address in a browser: what to do with it."""
        box = await self._box(request)
        return html(200, pages.subscribe(_title(box), self._url(request, "feed.xml")))

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        """The feed itself, or that it has not changed (RFC 9110, 13)."""
        box = await self._box(request)
        made = await asyncio.to_thread(self._renewed, box, request.match_info["secret"])
        answer = web.Response(body=made.text)
        answer.headers[hdrs.CONTENT_TYPE] = _RSS
        if _has(request, made):
            answer = web.Response(status=304)
        answer.headers[hdrs.CACHE_CONTROL] = "private, no-cache"
        answer.etag = ETag(made.tag)
        answer.last_modified = made.since
        return answer

    async def _cover(self, request: web.Request) -> web.StreamResponse:
        box = await self._box(request)
        async with self._drawing:
            folder = self._settings.data / _COVERS
            path = await asyncio.to_thread(_drawn, folder, box.name)
        return self._sent(path, "image/png")

    async def _sound(self, request: web.Request) -> web.StreamResponse:
        box = await self._box(request)
        name = request.match_info["id"]
        return await placed(self._downloads, request, partial(self._message, box, name))

    async def _message(self, box: MessageBox, name: str) -> web.StreamResponse:
        found = await asyncio.to_thread(self._ready, box, name)
        if found is None:
            return sentences(410, "This message is gone", "It is not in this box any more.")
        return self._sent(found.path, MP3)

    def _sent(self, path: Path, kind: str) -> web.StreamResponse:
        sent = Sound(path, kind, self._downloads)
        # A player in a browser is a page of somebody else's.
        sent.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return sent

    async def _box(self, request: web.Request) -> MessageBox:
        """The box whose address it is. Raises HTTPNotFound."""
        secret = request.match_info["secret"]
        box = self._boxes.get(await asyncio.to_thread(self._subscriptions.box, secret))
        if box is None:
            raise web.HTTPNotFound
        return box

    def _url(self, request: web.Request, name: str) -> str:
        return address(self._links.url, request.match_info["secret"], name)

    # The feed

    def _renewed(self, box: MessageBox, secret: str) -> _Made:
        """The feed as it is now; made anew only where something has changed."""
        listed = [
            (kept, sound)
            for kept in self._messages.in_box(box.name)
            if (sound := self._made_of(kept)) is not None
        ]
        of = (self._links.url, secret, *((k.id, _changed(k), s.size) for k, s in listed))
        last = self._made.get(box.name)
        if last is not None and last.of == of:
            return last
        now = datetime.now(UTC).replace(microsecond=0)
        at = partial(address, self._links.url, secret)
        newest = max((kept.letter.when for kept, _ in listed), default=now)
        show = Podcast(
            title=_title(box),
            about=f"Messages that callers have left in the box {box.name}. This feed is private:"
            " whoever has its address can hear all of them.",
            url=at("feed.xml"),
            home=at(""),
            cover=at(_COVER),
            language=self._settings.speech.language,
            email=self._settings.mail.sender,
            changed=newest,
        )
        zone = self._settings.zone
        text = podcast.rss(show, [_episode(k, s, at(f"{k.id}.mp3"), zone) for k, s in listed])
        tag = hashlib.sha256(text).hexdigest()[:32]
        since = last.since if last is not None and last.tag == tag else now
        self._made[box.name] = made = _Made(of, text, tag, since)
        return made

    # Its sounds

    def _ready(self, box: MessageBox, name: str) -> Encoded | None:
        """The sound of a message in a box, where it is there and encoded."""
        kept = self._messages.get(name)
        if kept is None or kept.removed or kept.letter.box != box.name:
            return None
        return self._made_of(kept)

    def _unready(self) -> list[Kept]:
        """The messages whose sound is to be encoded, newest first."""
        there = self._messages.all()
        self._known = {k.id: self._known[k.id] for k in there if k.id in self._known}
        self._without = {k.id: self._without[k.id] for k in there if k.id in self._without}
        now = time.monotonic()
        return [
            kept
            for kept in there
            if kept.letter.box in self._boxes
            and not kept.removed
            and self._without.get(kept.id, now) <= now
            and self._made_of(kept) is None
        ]

    def _made_of(self, kept: Kept) -> Encoded | None:
        """A message's sound, where it is encoded; it may move on while it is looked at."""
        for _ in range(_LOOKS):
            made = self._made_in(kept)
            if made is not None or kept.folder.exists():
                return made
            found = self._messages.get(kept.id)
            if found is None:
                return None
            kept = found
        return None

    def _made_in(self, kept: Kept) -> Encoded | None:
        """The same where it lies. How long one plays is read once: in a thousand that takes a
        second."""
        known = self._known.get(kept.id)
        try:
            if known is not None:
                path = kept.folder / known.path.name
                if path.stat().st_size == known.size:
                    return replace(known, path=path)
            found = recording.made(kept.folder, SoundFormat.MP3, _bits(kept))
        except (OSError, EOFError, wave.Error):
            return None
        if found is None or found.form is not SoundFormat.MP3:
            return None
        self._known[kept.id] = found
        return found

    def _encode(self, kept: Kept) -> None:
        try:
            found = recording.encoded(kept.folder, SoundFormat.MP3, _bits(kept))
        except FileNotFoundError:  # it has moved on: the next look finds it
            return
        except (OSError, OutboxError) as trouble:
            self._leave_out(kept, str(trouble))
            return
        if found.form is not SoundFormat.MP3:
            self._leave_out(kept, found.remark)

    def _leave_out(self, kept: Kept, why: str) -> None:
        if kept.id not in self._without:
            log.warning("message %s is not in the feed of its box: %s", kept.id, why)
        self._without[kept.id] = time.monotonic() + _TRY_AGAIN


def address(url: str, secret: str, name: str = "feed.xml") -> str:
    """Where something of a box's feed is; `url` is where the pages are."""
    return f"{url}/{FEED}/{secret}/{name}"


def _title(box: MessageBox) -> str:
    return f"Messages: {box.name}"


def _has(request: web.Request, made: _Made) -> bool:
    """Whether who asks has the feed as it is (a tag counts for more than a time)."""
    if request.if_none_match is not None:
        return any(tag.value in {made.tag, "*"} for tag in request.if_none_match)
    since = request.if_modified_since
    return since is not None and made.since <= since


def _bits(kept: Kept) -> int:
    own = kept.letter.form is SoundFormat.MP3  # bits of Opus say nothing of MP3
    return max(kept.letter.bits, _LEAST_BITS) if own else _LEAST_BITS


def _changed(kept: Kept) -> int:
    """When something was last put beside a message's sound: its transcript, for one."""
    try:
        return kept.folder.stat().st_mtime_ns
    except OSError:
        return 0


def _episode(kept: Kept, sound: Encoded, url: str, zone: tzinfo | None) -> Episode:
    letter = kept.letter
    return Episode(
        id=kept.id,
        title=episode.title(letter),
        author=episode.author(letter),
        when=letter.when,
        notes=episode.notes(letter, kept.transcript, zone),
        url=url,
        size=sound.size,
        seconds=sound.seconds,
    )


def _drawn(folder: Path, box: str) -> Path:
    try:
        return cover.of(folder, box)
    except OSError as error:
        raise DiskError(f"the cover cannot be kept: {told(error)}") from error
