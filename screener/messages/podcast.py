"""A message box as a podcast: RSS 2.0 with Apple's tags, as the W3C's validator and players ask.

Private: `itunes:block` keeps it out of every directory, and who has its address has all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from screener.core.episode import Episode
from screener.core.letter import length

MP3 = "audio/mpeg"
"""What each episode is: the one kind of sound that every player plays."""

_APPLE = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_ABOUT = ("Society & Culture", "Personal Journals")


@dataclass(frozen=True, slots=True)
class Podcast:
    """A box. `url` is where its feed lies, `home` its page, `cover` its picture; `email` is whom a
    player may name as its owner; `changed` (aware) is when it last did."""

    title: str
    about: str
    url: str
    home: str
    cover: str
    language: str
    email: str
    changed: datetime


def rss(podcast: Podcast, episodes: Sequence[Episode]) -> bytes:
    """The feed, its episodes in the order given."""
    from feedgen.feed import FeedGenerator  # noqa: PLC0415 - 0.1 s, and only where there is a feed

    feed = FeedGenerator()
    show, episode = _extensions()
    feed.register_extension("podcast", show, episode)
    feed.title(podcast.title)
    feed.link(href=podcast.url, rel="self", type="application/rss+xml")
    feed.link(href=podcast.home, rel="alternate")  # the last one is RSS's own
    feed.description(podcast.about)
    feed.language(podcast.language)
    feed.lastBuildDate(podcast.changed)
    feed.generator("screener")
    feed.image(url=podcast.cover, title=podcast.title, link=podcast.home)
    feed.podcast.itunes_author("screener")
    feed.podcast.itunes_owner(name=podcast.title, email=podcast.email)
    feed.podcast.itunes_category(*_ABOUT)
    feed.podcast.itunes_image(podcast.cover)
    feed.podcast.itunes_block(True)
    feed.podcast.itunes_type("episodic")
    for one in episodes:
        _add(feed, one)
    made: bytes = feed.rss_str()
    return made


def _add(feed: Any, episode: Episode) -> None:
    entry = feed.add_entry(order="append")
    entry.title(episode.title)
    entry.guid(f"screener:{episode.id}", permalink=False)
    entry.pubDate(episode.when)
    # Players show it as HTML. Each paragraph is text, escaped, whatever a stranger wrote.
    entry.description("".join(f"<p>{escape(line)}</p>" for line in episode.notes))
    entry.enclosure(episode.url, str(episode.size), MP3)
    entry.podcast.itunes_author(episode.author)
    entry.podcast.itunes_duration(length(episode.seconds))
    entry.podcast.itunes_episode_type("full")


def _extensions() -> tuple[type, type]:
    """feedgen's own for podcasts, saying "false" where Apple has not taken a "no" since 2019."""
    from feedgen.ext.podcast import PodcastExtension  # noqa: PLC0415
    from feedgen.ext.podcast_entry import PodcastEntryExtension  # noqa: PLC0415
    from feedgen.util import xml_elem  # noqa: PLC0415

    class Show(PodcastExtension):  # type: ignore[misc]  # feedgen ships no types
        def extend_rss(self, rss: Any) -> Any:
            xml_elem(f"{{{_APPLE}}}explicit", rss[0]).text = "false"
            return super().extend_rss(rss)

    class Item(PodcastEntryExtension):  # type: ignore[misc]
        def extend_rss(self, entry: Any) -> Any:
            xml_elem(f"{{{_APPLE}}}explicit", entry).text = "false"
            return super().extend_rss(entry)

    return Show, Item
