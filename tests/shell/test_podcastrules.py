"""The rules that feeds are held to here do complain: a good feed, broken in one thing at a time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from screener.messages.podcast import rss
from tests.shell.podcastrules import mistakes
from tests.shell.post import LETTER
from tests.shell.test_podcast import AT, SHOW, of

GOOD = rss(
    SHOW,
    [of(replace(LETTER, when=LETTER.when + timedelta(hours=n)), n) for n in (1, 2)],
).decode()
ITEM = re.search("<item>.*?</item>", GOOD, re.DOTALL)
assert ITEM is not None

BREAKS = [
    # The whole, and what stands in it.
    ("<\\?xml.*?\\?>", "<?xml version='1.0' encoding='latin-1'?>", "that it is XML in UTF-8"),
    ('version="2.0"', 'version="0.91"', "not one channel of RSS 2.0"),
    ("</channel>", "</channel><channel/>", "not one channel of RSS 2.0"),
    ("<language>", "<tongue/><language>", "<channel> knows no <tongue>"),
    ("<language>en</language>", "", "<channel> has no <language>"),
    ("<language>", "<language>de</language><language>", "<language> stands 2 times"),
    ("<title>.*?</title>", "<title> </title>", "<title> of <channel> is empty"),
    ("<title>.*?</title>", "<title><b>x</b>y</title>", "<title> has elements in it"),
    ("<title>.*?</title>", "<title>&lt;b&gt;x</title>", "<title> has HTML in it"),
    ("<description>.*?</description>", "<description/>", "<description> of <channel> is empty"),
    # The channel.
    (f'href="{AT}"', 'href="https://example.org/"', "atom:link rel=self is not where it was read"),
    ("application/rss\\+xml", "text/xml", "atom:link rel=self has another type"),
    ("(?<=<link>)https", "ftp", "link is no whole address: ftp:"),
    ("(?<=<link>)https", "http", "link goes in clear"),
    ("<language>en<", "<language>English!<", "language is none"),
    ("(?<=<lastBuildDate>)\\w+,", "", "lastBuildDate is no date"),
    ("(?<=<lastBuildDate>)Fri", "Sat", "lastBuildDate was no Sat"),
    ("<itunes:explicit>.*?</itunes:explicit>", "", "explicit of the channel is neither"),
    ("<itunes:block>.*?</itunes:block>", "", "itunes:block is not yes"),
    ("<itunes:type>.*?</itunes:type>", "", "itunes:type is neither"),
    ("<itunes:email>.*?</itunes:email>", "", "itunes:owner has no itunes:email"),
    ("<itunes:author>.*?</itunes:author>", "", "itunes:author is none"),
    ("Society &amp; Culture", "Gossip", "itunes:category is none of Apple's"),
    ("(<itunes:image href=.*?)\\.png", "\\1.gif", "itunes:image ends neither in .jpg nor in .png"),
    ("(?<=<itunes:image href=\")https://[^/]*", "", "itunes:image is no whole address"),
    ("<url>.*?</url>", "<url>x</url>", "image is no whole address: x"),
    ("(?s)(<image>.*?)<title>.*?</title>", "\\1<title>x</title>", "<title> of <image> is not the"),
    # An item.
    ("<guid", "<mark/><guid", "<item> knows no <mark>"),
    ("<guid", "<guid>x</guid><guid", "<guid> stands 2 times in <item>"),
    ("<guid.*?</guid>", "", "guid is none, or taken for an address"),
    ('isPermaLink="false"', "", "guid is none, or taken for an address"),
    ("(?<=<pubDate>)Fri", "Mon", "pubDate was no Mon"),
    ("(?<=<pubDate>).*?(?=<)", "2026-11-20", "pubDate is no date of RFC 2822: '2026-11-20'"),
    ("<itunes:duration>.*?<", "<itunes:duration>1.5 s<", "itunes:duration is none"),
    ("(?s)(<item>.*?)<itunes:explicit>.*?</itunes:explicit>", "\\1", "explicit of an item is"),
    ("(?s)(<item>.*?)<itunes:author>.*?</itunes:author>", "\\1", "itunes:author of an item"),
    ("<enclosure.*?/>", "", "there is no enclosure"),
    ('length="12345"', 'length="0"', "the enclosure's length is none"),
    ('length="12345"', "", "the enclosure's length is none"),
    ('type="audio/mpeg"', 'type="audio/ogg"', "nothing that every player plays"),
    ('(<enclosure[^>]*url=")https', "\\1http", "enclosure goes in clear"),
    # Two of them.
    ("</channel>", f"{ITEM[0]}</channel>", "guid screener:"),
    ("</channel>", f"{ITEM[0]}</channel>", "enclosure https://door.example.net/feed/x/"),
]  # fmt: skip


def test_what_is_broken_here_is_good() -> None:
    assert mistakes(GOOD.encode(), AT) == []


@pytest.mark.parametrize(("old", "new", "said"), BREAKS, ids=[said for *_, said in BREAKS])
def test_one_thing_that_is_wrong_is_said(old: str, new: str, said: str) -> None:
    broken = re.sub(old, new, GOOD, count=1)
    assert broken != GOOD
    assert [told for told in mistakes(broken.encode(), AT) if said in told]
