"""A message's sound over HTTP on loopback: whole and in ranges, to whoever holds its link."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from screener import config
from screener.core.frontdoor import SoundFormat
from screener.mail.links import LIFE, Links
from screener.mail.spool import Spool
from screener.messages.inbox import Messages
from screener.sound import recording
from screener.sound.recording import Encoded
from screener.web import allowance
from screener.web.sounds import TYPES
from tests.calls.sip import free_port
from tests.shell.household import PLAIN, Write
from tests.shell.post import LETTER, seconds_of, wav
from tests.shell.test_web import served

SECONDS = 3.0
LARGE = 30_000_000


@dataclass
class Listener:
    """Somebody who was sent the link to a message of three seconds."""

    session: aiohttp.ClientSession
    links: Links
    messages: Messages
    name: str
    url: str

    async def get(
        self, method: str = "GET", url: str = "", **headers: str
    ) -> tuple[int, bytes, Mapping[str, str]]:
        asked = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, url or self.url, headers=asked) as answer:
            return answer.status, await answer.read(), answer.headers


@pytest_asyncio.fixture
async def listener(write: Write, tmp_path: Path) -> AsyncIterator[Listener]:
    port = free_port()
    settings = config.load(write(f'{PLAIN}[web]\nlisten = "127.0.0.1:{port}"\n'))
    spool = Spool(settings.data / "outbox")
    name = spool.keep(wav(tmp_path / "said.wav", SECONDS), LETTER, "door@example.org")
    async with served(settings) as site:
        url = site.links.to_sound(name, datetime.now(UTC))
        messages = Messages(settings.data / "outbox")
        yield Listener(site.session, site.links, messages, name, url)


async def test_a_link_opens_the_whole_sound_as_often_as_one_likes(
    listener: Listener, tmp_path: Path
) -> None:
    for _ in range(3):
        status, sound, headers = await listener.get()
        assert (status, headers["Content-Type"]) == (200, TYPES[SoundFormat.MP3])
        assert int(headers["Content-Length"]) == len(sound) > 1000
    assert seconds_of(sound, tmp_path) == pytest.approx(SECONDS, abs=0.3)
    assert headers["Accept-Ranges"] == "bytes"
    named = headers["Content-Disposition"]
    assert re.fullmatch(r'inline; filename="message 2026-11-\d\d \d\d.\d\d.mp3"', named)
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "screener"
    assert "default-src 'none'; media-src 'self'" in headers["Content-Security-Policy"]


async def test_head_says_all_that_get_says_and_sends_nothing(listener: Listener) -> None:
    _, sound, got = await listener.get()
    status, nothing, headers = await listener.get("HEAD")
    assert (status, nothing) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
        assert headers[name] == got[name]
    assert int(headers["Content-Length"]) == len(sound)


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=10-10", 10, 11),
        ("bytes=0-99999999", 0, None),
        ("bytes=-99999999", 0, None),
    ],
)
async def test_a_range_is_that_part_of_the_sound(
    listener: Listener, asked: str, first: int, end: int | None
) -> None:
    _, whole, _ = await listener.get()
    status, part, headers = await listener.get(Range=asked)
    assert (status, part) == (206, whole[first:end])
    start = first % len(whole)
    assert headers["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(whole)}"
    assert int(headers["Content-Length"]) == len(part)


async def test_a_range_behind_the_end_cannot_be_had(listener: Listener) -> None:
    _, whole, _ = await listener.get()
    status, _, headers = await listener.get(Range=f"bytes={len(whole)}-")
    assert status == 416
    assert headers["Content-Range"] == f"bytes */{len(whole)}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-9,20-29", "seconds=0-1", "bytes=x", "bytes=5", "x" * 99]
)
async def test_a_range_that_is_not_understood_is_ignored(listener: Listener, asked: str) -> None:
    _, whole, _ = await listener.get()
    status, sound, _ = await listener.get(Range=asked)
    assert (status, sound) == (200, whole)


async def test_who_has_it_already_is_told_that_it_has_not_changed(listener: Listener) -> None:
    _, _, headers = await listener.get()
    for asked in (
        {"If_None_Match": headers["ETag"]},
        {"If_Modified_Since": headers["Last-Modified"]},
    ):
        status, nothing, again = await listener.get(**asked)
        assert (status, nothing, again["ETag"]) == (304, b"", headers["ETag"])
    status, _, _ = await listener.get(If_Match='"another"')
    assert status == 412


async def test_a_part_is_put_only_to_the_sound_that_it_is_of(listener: Listener) -> None:
    _, whole, headers = await listener.get()
    for same in (headers["ETag"], headers["Last-Modified"]):
        status, part, _ = await listener.get(Range="bytes=100-", If_Range=same)
        assert (status, part) == (206, whole[100:])
    for other in ('"another"', f"W/{headers['ETag']}", "Sat, 01 Jan 2000 00:00:00 GMT"):
        status, sound, _ = await listener.get(Range="bytes=100-", If_Range=other)
        assert (status, sound) == (200, whole)


async def test_parts_that_were_fetched_one_by_one_are_the_whole(listener: Listener) -> None:
    _, whole, _ = await listener.get()
    parts = [
        (await listener.get(Range=f"bytes={at}-{at + 1999}"))[1]
        for at in range(0, len(whole), 2000)
    ]
    assert b"".join(parts) == whole


async def test_ffmpeg_plays_it_from_the_middle(listener: Listener) -> None:
    run = ["ffmpeg", "-v", "error", "-ss", "2", "-i", listener.url, "-f", "s16le", "-ar", "8000"]
    player = await asyncio.create_subprocess_exec(*run, "-", stdout=subprocess.PIPE)
    played, _ = await player.communicate()
    assert player.returncode == 0
    assert len(played) / 16000 == pytest.approx(SECONDS - 2, abs=0.3)


async def test_what_has_expired_or_is_no_link_opens_nothing(listener: Listener) -> None:
    old = listener.links.to_sound(listener.name, datetime.now(UTC) - LIFE - timedelta(seconds=2))
    assert (await listener.get(url=old))[0] == 410
    another = listener.url.replace(listener.name, listener.name[:-1] + "_")
    for url in (another, listener.url[:-1], listener.url + "x"):
        assert (await listener.get(url=url))[0] == 403
    assert (await listener.get("POST"))[0] == 405


async def test_a_message_that_is_gone_is_gone(listener: Listener) -> None:
    listener.messages.remove(listener.name)  # from its box: it is still what was mailed
    assert (await listener.get())[0] == 200
    kept = listener.messages.get(listener.name)
    assert kept is not None
    shutil.rmtree(kept.folder)
    assert (await listener.get())[0] == 410


async def test_a_message_is_found_wherever_it_was_moved_to(listener: Listener) -> None:
    _, whole, _ = await listener.get()
    kept = listener.messages.get(listener.name)
    assert kept is not None
    kept.folder.rename(kept.folder.parents[1] / "sent" / kept.id)
    assert (await listener.get())[1] == whole


async def test_a_player_comes_back_often_and_is_let_in(listener: Listener) -> None:
    statuses = [(await listener.get(Range="bytes=0-9"))[0] for _ in range(100)]
    assert set(statuses) == {206}


async def test_a_download_outlives_a_page_and_then_is_put_out(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = allowance.Downloads()
    connection = asyncio.Protocol()
    assert not downloads.may_stay(connection)
    assert downloads.begin(connection)
    assert downloads.may_stay(connection)
    monkeypatch.setattr(allowance, "_LONGEST_DOWNLOAD", 0.0)
    assert not downloads.may_stay(connection)


async def test_places_of_connections_that_were_lost_are_given_anew() -> None:
    downloads = allowance.Downloads()
    connections = [asyncio.Protocol() for _ in range(17)]
    assert [downloads.begin(one) for one in connections] == [True] * 16 + [False]
    downloads.end(connections[0])
    assert downloads.begin(connections[16])
    downloads.end_all_but(connections[8:])
    assert [downloads.begin(one) for one in connections[:9]] == [True] * 7 + [False] * 2


async def test_who_reads_slowly_is_not_put_out_with_those_who_ask_for_nothing(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "_LONGEST_CONNECTION", 0.05)
    settings = config.load(write(f'{PLAIN}[web]\nlisten = "127.0.0.1:{free_port()}"\n'))
    spool = Spool(settings.data / "outbox")
    name = spool.keep(wav(tmp_path / "said.wav", SECONDS), LETTER, "door@example.org")
    monkeypatch.setattr(recording, "made", lambda *_: large_sound(tmp_path))
    async with served(settings) as site:
        door = urlsplit(site.links.to_sound(name, datetime.now(UTC)))
        reader, writer = await asyncio.open_connection(door.hostname, door.port, limit=1000)
        writer.write(f"GET {door.path} HTTP/1.1\r\nHost: door\r\n\r\n".encode())
        async with asyncio.timeout(60):
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(3):  # each time, the sweep has passed the download as well
                idle, other = await asyncio.open_connection(door.hostname, door.port)
                assert await idle.read() == b""
                other.close()
            assert len(await reader.readexactly(LARGE)) == LARGE
        writer.close()


def large_sound(folder: Path) -> Encoded:
    """More than the sockets' buffers hold: it cannot all go out at once."""
    large = folder / "large"
    with large.open("wb") as file:
        file.truncate(LARGE)
    return Encoded(large, SoundFormat.WAV, 0, 1.0, LARGE)


async def test_of_many_who_ask_at_the_same_moment_so_many_are_sent_sound(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds a place has it from then on, not from when his first byte goes out."""
    monkeypatch.setattr(recording, "made", lambda *_: large_sound(tmp_path))
    door = urlsplit(listener.url)

    async def ask() -> tuple[bytes, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(door.hostname, door.port, limit=1000)
        writer.write(f"GET {door.path} HTTP/1.1\r\nHost: door\r\n\r\n".encode())
        return (await reader.readline())[9:12], writer

    answers = await asyncio.gather(*(ask() for _ in range(40)))
    assert sorted(status for status, _ in answers) == [b"200"] * 16 + [b"503"] * 24
    for _, writer in answers:
        writer.close()


async def test_so_many_download_at_once_and_the_next_comes_back_later(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads nothing of what he asked for holds one place of a few, and no page waits."""
    monkeypatch.setattr(recording, "made", lambda *_: large_sound(tmp_path))
    door = urlsplit(listener.url)
    writers = []
    for _ in range(16):
        reader, writer = await asyncio.open_connection(door.hostname, door.port, limit=1000)
        writer.write(f"GET {door.path} HTTP/1.1\r\nHost: door\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writers.append(writer)
    async with listener.session.get(listener.url) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
    async with listener.session.get(listener.links.url) as answer:
        assert answer.status == 404
    for writer in writers:
        writer.close()
    async with asyncio.timeout(120):
        while True:
            async with listener.session.get(listener.url, headers={"Range": "bytes=0-9"}) as answer:
                if answer.status == 206:
                    break
