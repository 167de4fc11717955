"""The links of mails: only ours work, until they expire, and once; through a crash as well."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screener.core.rules import Action
from screener.errors import LinkError
from screener.links import KEY, LIFE, USED, Links, Standing, Ticket

NOW = datetime(2026, 11, 20, 22, 3, 11, 250_000, tzinfo=UTC)
PHARMACY = "+18665550142"


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return opened(tmp_path)


def opened(data: Path) -> Links:
    links = Links(data)
    links.open()
    links.url = "http://127.0.0.1:8190"
    return links


def token(links: Links, action: Action = Action.ALLOW, number: str = PHARMACY) -> str:
    urls = {link.action: link.url for link in links.offered(17, number, NOW)}
    return urls[action].rpartition("/")[2]


def ticket(links: Links, action: Action = Action.ALLOW) -> Ticket:
    read = links.read(token(links, action))
    assert read is not None
    return read


def test_a_link_says_what_it_was_made_for(links: Links) -> None:
    allow, block = links.offered(17, PHARMACY, NOW)
    assert allow.url.startswith("http://127.0.0.1:8190/let-in/")
    assert block.url.startswith("http://127.0.0.1:8190/block/")
    assert len(allow.url) <= 76  # it is not cut where mail programs cut lines
    read = ticket(links)
    assert (read.action, read.call, read.number) == (Action.ALLOW, 17, PHARMACY)
    assert read.until == allow.until == NOW.replace(microsecond=0) + LIFE
    assert ticket(links, Action.BLOCK).action is Action.BLOCK


@given(at=st.integers(0, 43), by=st.sampled_from("ABCxyz019-_"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_link_that_was_changed_anywhere_is_none(links: Links, at: int, by: str) -> None:
    good = token(links)
    changed = good[:at] + by + good[at + 1 :]
    assert (links.read(changed) is None) == (changed != good)


@given(text=st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_whatever_is_a_link(links: Links, text: str) -> None:
    assert links.read(text) is None


def test_a_link_of_another_front_door_is_none(links: Links, tmp_path: Path) -> None:
    other = opened(tmp_path / "other")
    assert other.read(token(links)) is None


def test_before_the_key_is_read_nothing_is_a_link(links: Links, tmp_path: Path) -> None:
    shut = Links(tmp_path)
    shut.url = links.url
    assert shut.read(token(links)) is None
    assert shut.offered(17, PHARMACY, NOW) == ()


def test_the_key_is_made_once_for_its_owner_only(links: Links, tmp_path: Path) -> None:
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
    assert opened(tmp_path).read(token(links)) == ticket(links)
    assert [path.name for path in tmp_path.iterdir()] == [KEY]


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", "schlüssel".encode() * 9])
def test_a_damaged_key_vouches_for_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY).write_bytes(content)
    links = Links(tmp_path)
    with pytest.raises(LinkError, match="link-key"):
        links.open()
    links.url = "http://127.0.0.1:8190"
    assert links.offered(17, PHARMACY, NOW) == ()


def test_a_link_works_until_it_expires(links: Links) -> None:
    read = ticket(links)
    last = read.until - timedelta(seconds=1)
    assert links.standing(read, last) is Standing.GOOD
    assert links.standing(read, read.until) is Standing.EXPIRED
    assert links.use(read, read.until) is Standing.EXPIRED
    assert links.use(read, last) is Standing.GOOD


def test_a_link_works_once_also_after_a_restart(links: Links, tmp_path: Path) -> None:
    read = ticket(links)
    assert links.use(read, NOW) is Standing.GOOD
    assert links.use(read, NOW) is Standing.USED
    assert links.standing(read, NOW) is Standing.USED
    assert links.standing(ticket(links, Action.BLOCK), NOW) is Standing.GOOD
    assert opened(tmp_path).use(read, NOW) is Standing.USED


def test_a_used_link_is_on_disk_with_its_name(
    links: Links, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut after the rename would bring back the record of before: fsync(2)."""
    synced: list[int] = []
    fsync = os.fsync

    def spied(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", spied)
    links.use(ticket(links), NOW)
    assert synced == [(tmp_path / USED).stat().st_ino, tmp_path.stat().st_ino]


def test_a_link_whose_use_came_to_nothing_works_again(links: Links) -> None:
    read = ticket(links)
    links.use(read, NOW)
    links.take_back(read)
    assert links.use(read, NOW) is Standing.GOOD


def test_of_many_at_once_one_uses_the_link(links: Links) -> None:
    read = ticket(links)
    came: list[Standing] = []
    threads = [threading.Thread(target=lambda: came.append(links.use(read, NOW))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == [Standing.GOOD] + [Standing.USED] * 7


def test_what_has_expired_is_not_remembered(links: Links, tmp_path: Path) -> None:
    old = ticket(links)
    links.use(old, NOW)
    later = replace(old, seal="11" * 16, until=old.until + LIFE)
    links.use(later, old.until + timedelta(days=1))
    remembered = (tmp_path / USED).read_text()
    assert later.seal in remembered
    assert old.seal not in remembered


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": "b"}', '{"a": null}'])
def test_a_damaged_record_says_what_to_do_and_uses_nothing(
    links: Links, tmp_path: Path, content: str
) -> None:
    (tmp_path / USED).write_text(content)
    with pytest.raises(LinkError, match="mend or delete it"):
        links.use(ticket(links), NOW)
    assert (tmp_path / USED).read_text() == content


def test_a_record_that_cannot_be_written_uses_nothing(links: Links, tmp_path: Path) -> None:
    (tmp_path / USED).with_suffix(".part").mkdir()
    with pytest.raises(LinkError, match="cannot be written"):
        links.use(ticket(links), NOW)
    assert links.standing(ticket(links), NOW) is Standing.GOOD


@pytest.mark.parametrize("number", ["", "*", "anonymous", "+1866*", "201"])
def test_there_is_no_link_for_a_caller_whom_no_rule_can_name(links: Links, number: str) -> None:
    assert links.offered(17, number, NOW) == ()


def test_there_is_no_link_without_pages_or_without_a_call(links: Links) -> None:
    assert links.offered(0, PHARMACY, NOW) == ()
    links.url = ""
    assert links.offered(17, PHARMACY, NOW) == ()


@pytest.mark.parametrize("year", [1970, 2019, 2106, 9000])
def test_a_clock_that_was_never_set_makes_no_links(links: Links, year: int) -> None:
    assert links.offered(17, PHARMACY, NOW.replace(year=year, month=12)) == ()
