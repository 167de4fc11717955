"""What a podcast's feed has to be: RSS 2.0, what the W3C's validator looks at, what Apple asks.

Written from the RSS 2.0 specification, the validator's published rules and Apple's requirements for
podcasters; each mistake is a sentence.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"

# RSS 2.0's own elements, and those that we use of the others' names.
CHANNEL = {
    *("title", "link", "description", "language", "copyright", "managingEditor", "webMaster"),
    *("pubDate", "lastBuildDate", "category", "generator", "docs", "cloud", "ttl", "image"),
    *("rating", "textInput", "skipHours", "skipDays", "item"),
    *(ITUNES + name for name in ("author", "owner", "category", "image", "block", "explicit")),
    *(ITUNES + "type", ATOM + "link"),
}
ITEM = {
    *("title", "link", "description", "author", "category", "comments", "enclosure", "guid"),
    *("pubDate", "source"),
    *(ITUNES + name for name in ("author", "duration", "explicit", "episodeType", "image")),
}
DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r" \d\d:\d\d:\d\d ([+-]\d{4}|GMT)"
)
DURATION = re.compile(r"([0-9]?[0-9]:)?[0-5]?[0-9]:[0-5][0-9]")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
# Those that Apple's players play, by the end of the address.
SOUNDS = {"mp3": "audio/mpeg", "m4a": "audio/x-m4a"}


def mistakes(xml: bytes, at: str) -> list[str]:
    """What is wrong with a feed that was read at an address."""
    return list(_feed(xml, at))


def _feed(xml: bytes, at: str) -> Iterator[str]:
    if not re.match(rb"<\?xml version=['\"]1.0['\"] encoding=['\"](utf-8|UTF-8)['\"]", xml):
        yield "it does not say that it is XML in UTF-8"
    root = ET.fromstring(xml)
    if (root.tag, root.get("version")) != ("rss", "2.0") or [c.tag for c in root] != ["channel"]:
        yield "it is not one channel of RSS 2.0"
    channel = root[0]
    yield from _children(channel, CHANNEL, {"item", "category", ITUNES + "category"})
    for name in ("title", "link", "description", "language", ITUNES + "image", ITUNES + "category"):
        if channel.find(name) is None:
            yield f"<channel> has no <{name}>"
    yield from _texts(channel)
    yield from _itself(channel, at)
    yield from _apples(channel)
    yield from _image(channel)
    items = channel.findall("item")
    for item in items:
        yield from _item(item)
    yield from _once(items)


def _itself(channel: ET.Element, at: str) -> Iterator[str]:
    itself = [link for link in channel.findall(ATOM + "link") if link.get("rel") == "self"]
    if [link.get("href") for link in itself] != [at]:
        yield f"atom:link rel=self is not where it was read: {at}"
    if itself and itself[0].get("type") != "application/rss+xml":
        yield "atom:link rel=self has another type"
    yield from _url(channel.findtext("link", ""), "link")
    if not LANGUAGE.fullmatch(channel.findtext("language", "")):
        yield "language is none"
    yield from _date(channel.findtext("lastBuildDate", ""), "lastBuildDate")


def _once(items: list[ET.Element]) -> Iterator[str]:
    for what, found in (
        ("guid", [item.findtext("guid") for item in items]),
        ("enclosure", [e.get("url") for item in items for e in item.findall("enclosure")]),
    ):
        for twice, times in Counter(found).items():
            if times > 1:
                yield f"{what} {twice} stands there {times} times"


def _children(parent: ET.Element, known: set[str], several: set[str]) -> Iterator[str]:
    for tag, times in Counter(child.tag for child in parent).items():
        if tag not in known:
            yield f"<{parent.tag}> knows no <{tag}>"
        if times > 1 and tag not in several:
            yield f"<{tag}> stands {times} times in <{parent.tag}>"


def _texts(parent: ET.Element) -> Iterator[str]:
    for name in ("title", "description"):
        if not parent.findtext(name, "").strip():
            yield f"<{name}> of <{parent.tag}> is empty"
        for element in parent.findall(name):
            if len(element):
                yield f"<{name}> has elements in it"
    if "<" in parent.findtext("title", ""):
        yield "<title> has HTML in it"


def _apples(channel: ET.Element) -> Iterator[str]:
    if channel.findtext(ITUNES + "explicit") not in {"true", "false"}:
        yield "itunes:explicit of the channel is neither true nor false"
    if channel.findtext(ITUNES + "block") != "yes":
        yield "itunes:block is not yes: directories may list it"
    if channel.findtext(ITUNES + "type") not in {"episodic", "serial"}:
        yield "itunes:type is neither episodic nor serial"
    if "@" not in channel.findtext(f"{ITUNES}owner/{ITUNES}email", ""):
        yield "itunes:owner has no itunes:email"
    if not 0 < len(channel.findtext(ITUNES + "author", "")) <= 255:
        yield "itunes:author is none, or too long"
    category = channel.find(ITUNES + "category")
    if category is None or category.get("text") != "Society & Culture":
        yield "itunes:category is none of Apple's"
    image = channel.find(ITUNES + "image")
    href = image.get("href", "") if image is not None else ""
    yield from _url(href, "itunes:image")
    if not href.endswith((".jpg", ".png")):
        yield "itunes:image ends neither in .jpg nor in .png"


def _image(channel: ET.Element) -> Iterator[str]:
    image = channel.find("image")
    if image is None:
        return
    yield from _url(image.findtext("url", ""), "image")
    for name in ("title", "link"):  # they should be the channel's own
        if image.findtext(name) != channel.findtext(name):
            yield f"<{name}> of <image> is not the channel's"


def _item(item: ET.Element) -> Iterator[str]:
    yield from _children(item, ITEM, {"category"})
    yield from _texts(item)
    guid = item.find("guid")
    if guid is None or not guid.text or guid.get("isPermaLink") != "false":
        yield "guid is none, or taken for an address"
    yield from _date(item.findtext("pubDate", ""), "pubDate")
    if not DURATION.fullmatch(item.findtext(ITUNES + "duration", "")):
        yield "itunes:duration is none"
    if item.findtext(ITUNES + "explicit") not in {"true", "false"}:
        yield "itunes:explicit of an item is neither true nor false"
    if not 0 < len(item.findtext(ITUNES + "author", "")) <= 255:
        yield "itunes:author of an item is none, or too long"
    enclosure = item.find("enclosure")
    if enclosure is None:
        yield "there is no enclosure"
        return
    url = enclosure.get("url", "")
    yield from _url(url, "enclosure")
    if not re.fullmatch("[1-9][0-9]*", enclosure.get("length", "")):
        yield "the enclosure's length is none"
    if enclosure.get("type") != SOUNDS.get(url.rpartition(".")[2]):
        yield "the enclosure is nothing that every player plays"


def _url(url: str, what: str) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii():
        yield f"{what} is no whole address: {url}"
    if parts.scheme == "http" and parts.hostname != "127.0.0.1":
        yield f"{what} goes in clear"


def _date(text: str, what: str) -> Iterator[str]:
    if not DATE.fullmatch(text):
        yield f"{what} is no date of RFC 2822: {text!r}"
        return
    read: datetime = parsedate_to_datetime(text)
    if read.strftime("%a") != text[:3]:
        yield f"{what} was no {text[:3]}"
