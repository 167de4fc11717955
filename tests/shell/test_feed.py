"""A box's podcast through our own server: found by a real parser, played by ffmpeg, revoked."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import feedparser
import pytest
import pytest_asyncio

from screener import config
from screener.config import Settings
from screener.core.frontdoor import SoundFormat
from screener.core.letter import Letter
from screener.core.notice import Notice
from screener.mail.links import Links
from screener.mail.spool import Spool
from screener.messages.inbox import Kept, Messages
from screener.messages.subscriptions import FILE, Subscriptions
from screener.sound import recording
from screener.web import feeds
from screener.web.feeds import address
from tests.calls.sip import free_port
from tests.shell.household import Write, changed
from tests.shell.podcastrules import mistakes
from tests.shell.post import LETTER, seconds_of, wav
from tests.shell.test_web import served

FAMILY = replace(LETTER, box="family")
HOSTILE = '<b onclick="x">WALGREENS</b>\r\n\u202e& "RX"\x00'
MAIL = 'mail = ["you@example.net"]\n'


@dataclass
class Friend:
    """Somebody with a podcast player, who was given the address of the family's box."""

    settings: Settings
    session: aiohttp.ClientSession
    links: Links
    spool: Spool
    messages: Messages
    sounds: Path

    @property
    def url(self) -> str:
        known = Subscriptions(self.settings.data).opened(["family"], datetime.now(UTC))
        return address(self.links.url, known["family"].secret)

    async def get(
        self, url: str, method: str = "GET", **headers: str
    ) -> tuple[int, bytes, Mapping[str, str]]:
        asked = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, url, headers=asked) as answer:
            return answer.status, await answer.read(), answer.headers

    async def feed(self) -> Any:
        """The feed as feedparser, which many players stand on, reads it from its address."""
        return await asyncio.to_thread(feedparser.parse, self.url)

    async def shows(self, titles: list[str]) -> Any:
        """The feed when these episodes are in it, newest first."""
        async with asyncio.timeout(120):
            while True:
                feed = await self.feed()
                if [entry.title for entry in feed.entries] == titles:
                    return feed
                await asyncio.sleep(0.1)

    def left(self, letter: Letter = FAMILY, seconds: float = 2.0) -> str:
        """A caller has left a message."""
        sound = wav(self.sounds / "said.wav", seconds)
        return self.spool.keep(sound, replace(letter, seconds=seconds), "door@example.org")


@asynccontextmanager
async def subscribed(write: Write, tmp_path: Path) -> AsyncIterator[Friend]:
    web = f'[web]\nlisten = "127.0.0.1:{free_port()}"\n'
    settings = config.load(write(changed(MAIL, MAIL + "feed = true\n") + web))
    root = settings.data / "outbox"
    spool = Spool(root)
    async with served(settings) as site:
        yield Friend(settings, site.session, site.links, spool, Messages(root), tmp_path)


@pytest_asyncio.fixture
async def friend(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Friend]:
    monkeypatch.setattr(feeds, "_LOOK_AGAIN", 0.05)
    async with subscribed(write, tmp_path) as friend:
        yield friend


# What a player finds -----------------------------------------------------------------------------


async def test_a_player_finds_the_messages_newest_first_and_plays_them(
    friend: Friend, tmp_path: Path
) -> None:
    friend.left(seconds=2.0)
    hour = timedelta(hours=1)
    friend.left(replace(FAMILY, name=HOSTILE, number="", when=FAMILY.when + hour), seconds=5.0)
    friend.left(replace(LETTER, box="office"))
    hostile = (
        'Message from (b onclick="x")WALGREENS(/b)\\r\\n\\u202e& "RX"\\x00 (a withheld number)'
    )
    feed = await friend.shows([hostile, "Message from Mom (+1 805 555 0142)"])
    assert not feed.bozo
    assert feed.feed.title == "Messages: family"
    assert feed.feed.itunes_block == 1
    assert feed.feed.language == "en"
    for entry, seconds in zip(feed.entries, (5.0, 2.0), strict=True):
        [enclosure] = entry.enclosures
        status, sound, headers = await friend.get(enclosure.href)
        assert (status, headers["Content-Type"]) == (200, enclosure.type)
        assert len(sound) == int(enclosure.length)
        assert seconds_of(sound, tmp_path) == pytest.approx(seconds, abs=0.3)
        assert entry.itunes_duration == f"0:0{seconds:.0f}"
        assert not entry.guidislink


async def test_what_is_served_follows_the_rules(friend: Friend) -> None:
    friend.left(replace(FAMILY, name=HOSTILE, why=HOSTILE))
    friend.left(replace(FAMILY, when=FAMILY.when - timedelta(hours=1)))
    async with asyncio.timeout(120):
        while len((await friend.feed()).entries) < 2:  # noqa: ASYNC110  # it sets no event
            await asyncio.sleep(0.1)
    status, xml, headers = await friend.get(friend.url)
    assert (status, headers["Content-Type"]) == (200, "application/rss+xml; charset=utf-8")
    assert mistakes(xml, friend.url) == []
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Server"] == "screener"


async def test_the_cover_and_the_page_lie_at_the_same_secret_address(friend: Friend) -> None:
    feed = await friend.feed()
    status, cover, headers = await friend.get(feed.feed.image.href)
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert cover.startswith(b"\x89PNG")
    status, page, headers = await friend.get(feed.feed.link)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert friend.url.encode() in page
    secret = friend.url.split("/")[-2]
    assert secret in feed.feed.image.href
    assert secret in feed.feed.link


async def test_a_sound_is_served_in_ranges_and_head_tells_its_length(friend: Friend) -> None:
    friend.left()
    feed = await friend.shows(["Message from Mom (+1 805 555 0142)"])
    [enclosure] = feed.entries[0].enclosures
    status, _, headers = await friend.get(enclosure.href, "HEAD")
    assert (status, headers["Content-Length"]) == (200, enclosure.length)
    assert headers["Accept-Ranges"] == "bytes"
    status, part, _ = await friend.get(enclosure.href, Range="bytes=100-199")
    assert (status, len(part)) == (206, 100)


async def test_whoever_has_the_feed_is_told_that_it_has_not_changed(friend: Friend) -> None:
    friend.left()
    await friend.shows(["Message from Mom (+1 805 555 0142)"])
    _, _, headers = await friend.get(friend.url)
    for name, value in (
        ("If_None_Match", headers["ETag"]),
        ("If_Modified_Since", headers["Last-Modified"]),
    ):
        status, nothing, again = await friend.get(friend.url, **{name: value})
        assert (status, nothing) == (304, b"")
        assert again["ETag"] == headers["ETag"]
    hour = timedelta(hours=1)
    friend.left(replace(FAMILY, when=FAMILY.when + hour, name="Dad"))
    dad, mom = (f"Message from {who} (+1 805 555 0142)" for who in ("Dad", "Mom"))
    await friend.shows([dad, mom])
    status, _, again = await friend.get(friend.url, If_None_Match=headers["ETag"])
    assert status == 200
    assert again["ETag"] != headers["ETag"]


# What vanishes -----------------------------------------------------------------------------------


async def test_a_message_that_is_removed_or_forgotten_vanishes(friend: Friend) -> None:
    first = friend.left()
    second = friend.left(replace(FAMILY, name="Dad", when=FAMILY.when - timedelta(hours=1)))
    mom, dad = (f"Message from {who} (+1 805 555 0142)" for who in ("Mom", "Dad"))
    feed = await friend.shows([mom, dad])
    sounds = [entry.enclosures[0].href for entry in feed.entries]
    friend.messages.remove(first)
    await friend.shows([dad])
    kept = friend.messages.get(second)
    assert kept is not None
    shutil.rmtree(kept.folder)
    await friend.shows([])
    assert [(await friend.get(url))[0] for url in sounds] == [410, 410]
    friend.messages.bring_back(first)
    await friend.shows([mom])


async def test_a_new_address_revokes_the_old_and_all_below_it(friend: Friend) -> None:
    friend.left()
    feed = await friend.shows(["Message from Mom (+1 805 555 0142)"])
    old = [friend.url, feed.feed.image.href, feed.feed.link, feed.entries[0].enclosures[0].href]
    Subscriptions(friend.settings.data).renew("family", datetime.now(UTC))
    assert [(await friend.get(url))[0] for url in old] == [404] * 4
    again = await friend.shows(["Message from Mom (+1 805 555 0142)"])
    # The same episode: a player that is given the new address does not show it as another.
    assert again.entries[0].id == feed.entries[0].id
    Subscriptions(friend.settings.data).revoke("family", datetime.now(UTC))
    off = friend.url.replace("/feed//", "/feed/x/")
    assert (await friend.get(off))[0] == 404


async def test_only_boxes_that_are_podcasts_have_an_address_that_leads_somewhere(
    friend: Friend,
) -> None:
    known = Subscriptions(friend.settings.data).opened(["office"], datetime.now(UTC))
    url = address(friend.links.url, known["office"].secret)
    assert (await friend.get(url))[0] == 404
    for guess in ("x", "x" * 32, "../../link-key", "%00"):
        assert (await friend.get(address(friend.links.url, guess)))[0] in {403, 404}


async def test_a_message_of_another_box_is_not_to_be_had_by_this_ones_address(
    friend: Friend,
) -> None:
    other = friend.left(replace(LETTER, box="office"))
    own = friend.left()
    await friend.shows(["Message from Mom (+1 805 555 0142)"])
    at = friend.url.removesuffix("feed.xml")
    assert (await friend.get(f"{at}{own}.mp3"))[0] == 200
    for name in (other, "..", "%2e%2e", "x" * 200):
        assert (await friend.get(f"{at}{name}.mp3"))[0] in {404, 410}


async def test_what_has_no_sound_is_left_out_and_the_rest_is_there(
    friend: Friend, caplog: pytest.LogCaptureFixture
) -> None:
    broken = friend.left(replace(FAMILY, name="Dad"))
    (friend.settings.data / "outbox" / "queued" / broken / "audio.wav").write_bytes(b"RIFF")
    friend.spool.keep(None, Notice(("you@example.net",), "Hello", ("x",)), "door@example.org")
    friend.left()
    await friend.shows(["Message from Mom (+1 805 555 0142)"])
    async with asyncio.timeout(120):
        while broken not in caplog.text:  # noqa: ASYNC110  # it sets no event
            await asyncio.sleep(0.05)


async def test_a_box_of_another_format_is_a_podcast_that_every_player_plays(
    friend: Friend,
) -> None:
    friend.left(replace(FAMILY, form=SoundFormat.OPUS, bits=16000))
    feed = await friend.shows(["Message from Mom (+1 805 555 0142)"])
    [enclosure] = feed.entries[0].enclosures
    assert (enclosure.type, enclosure.href[-4:]) == ("audio/mpeg", ".mp3")


async def test_a_message_that_moves_on_while_it_is_looked_at_is_there(
    friend: Friend, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = friend.left()
    await friend.shows(["Message from Mom (+1 805 555 0142)"])
    outbox = friend.settings.data / "outbox"
    in_box = Messages.in_box

    def mailed(messages: Messages, box: str) -> list[Kept]:
        found = in_box(messages, box)
        if (outbox / "queued" / name).exists():
            (outbox / "queued" / name).rename(outbox / "sent" / name)
        return found

    monkeypatch.setattr(Messages, "in_box", mailed)
    assert [entry.id for entry in (await friend.feed()).entries] == [f"screener:{name}"]
    assert (outbox / "sent" / name).exists()


# Many --------------------------------------------------------------------------------------------


async def test_a_feed_of_a_thousand_encodes_nothing_when_it_is_asked_for(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_LOOK_AGAIN", 3600.0)
    async with subscribed(write, tmp_path) as friend:
        friend.left()
        kept = friend.messages.in_box("family")[0]
        recording.encoded(kept.folder, SoundFormat.MP3, 32000)
        for number in range(1, 1000):
            name = f"20261120T220311-{number:08x}"
            shutil.copytree(kept.folder, kept.folder.with_name(name), copy_function=shutil.copyfile)

        def nothing(*_: object) -> None:
            raise AssertionError("it encodes")

        monkeypatch.setattr(recording, "encoded", nothing)
        feed = await friend.feed()
        assert len(feed.entries) == 1000
        assert len({entry.id for entry in feed.entries}) == 1000
        assert (await friend.get(friend.url))[0] == 200


async def test_the_file_of_addresses_is_its_owners_alone(friend: Friend) -> None:
    assert friend.url
    assert (friend.settings.data / FILE).stat().st_mode & 0o777 == 0o600
