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
from screener.mail.links import KEY, LIFE, MARKS, USED, Ground, Links, Standing, Ticket

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


# To a message's sound ----------------------------------------------------------------------------

MESSAGE = "20261120T220311-1f2e3d4c"


def to_sound(links: Links, id: str = MESSAGE) -> str:
    return links.to_sound(id, NOW).rpartition("/")[2]


def test_a_link_to_a_sound_works_until_it_expires_however_often(links: Links) -> None:
    url = links.to_sound(MESSAGE, NOW)
    assert url.startswith(f"http://127.0.0.1:8190/sound/{MESSAGE}/")
    for _ in range(2):
        assert links.sound_until(MESSAGE, to_sound(links)) == NOW.replace(microsecond=0) + LIFE


@given(at=st.integers(0, 26), by=st.sampled_from("ABCxyz019-_"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_link_to_a_sound_that_was_changed_anywhere_is_none(
    links: Links, at: int, by: str
) -> None:
    good = to_sound(links)
    changed = good[:at] + by + good[at + 1 :]
    assert (links.sound_until(MESSAGE, changed) is None) == (changed != good)


@given(id=st.text(max_size=80), token=st.text(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_whatever_is_a_link_to_a_sound(links: Links, id: str, token: str) -> None:
    assert links.sound_until(id, token) is None


def test_a_link_opens_the_sound_it_was_made_for_and_nothing_else(
    links: Links, tmp_path: Path
) -> None:
    assert links.sound_until("20261120T220311-1f2e3d4d", to_sound(links)) is None
    assert links.read(to_sound(links)) is None
    assert links.sound_until(MESSAGE, token(links)) is None
    assert opened(tmp_path / "other").sound_until(MESSAGE, to_sound(links)) is None


@pytest.mark.parametrize("id", ["", "..", "a/b", "../x", "a\nb", "\u0660", "x" * 65])
def test_what_is_no_id_of_a_message_has_no_link(links: Links, id: str) -> None:
    assert links.to_sound(id, NOW) == ""


def test_there_is_no_link_to_a_sound_without_pages_or_clock(links: Links) -> None:
    assert links.to_sound(MESSAGE, NOW.replace(year=1970)) == ""
    assert links.to_sound(MESSAGE, NOW.replace(year=9000)) == ""
    links.url = ""
    assert links.to_sound(MESSAGE, NOW) == ""


# What a report's links take back ------------------------------------------------------------------

MARKED = {ground: bytes(range(size)) for ground, size in MARKS.items()}


def to_undo(links: Links, ground: Ground) -> str:
    return links.to_undo(ground, MARKED[ground], NOW).rpartition("/")[2]


@pytest.mark.parametrize("ground", list(Ground))
def test_a_link_of_a_report_says_what_it_takes_back_and_works_once(
    links: Links, ground: Ground, tmp_path: Path
) -> None:
    url = links.to_undo(ground, MARKED[ground], NOW)
    assert url.startswith(f"http://127.0.0.1:8190/{ground}/")
    assert len(url) <= 76
    assert links.to_undo(ground, MARKED[ground], NOW) == url
    read = links.withdrawal(ground, to_undo(links, ground))
    assert read is not None
    assert (read.ground, read.mark) == (ground, MARKED[ground])
    assert read.until == NOW.replace(microsecond=0) + LIFE
    assert links.standing(read, read.until) is Standing.EXPIRED
    assert links.use(read, NOW) is Standing.GOOD
    assert opened(tmp_path).use(read, NOW) is Standing.USED
    links.take_back(read)
    assert links.standing(read, NOW) is Standing.GOOD


@given(at=st.integers(0, 37), by=st.sampled_from("ABCxyz019-_"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("ground", list(Ground))
def test_a_link_of_a_report_that_was_changed_anywhere_is_none(
    links: Links, ground: Ground, at: int, by: str
) -> None:
    good = to_undo(links, ground)
    changed = good[:at] + by + good[at + 1 :]
    assert (links.withdrawal(ground, changed) is None) == (changed != good)


@given(text=st.text(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_whatever_is_a_link_of_a_report(links: Links, text: str) -> None:
    assert all(links.withdrawal(ground, text) is None for ground in Ground)


def test_a_link_of_a_report_is_good_for_nothing_else(links: Links, tmp_path: Path) -> None:
    rule, one = (to_undo(links, ground) for ground in (Ground.RULE, Ground.CAMPAIGN))
    assert links.withdrawal(Ground.CAMPAIGN, rule) is None
    assert links.withdrawal(Ground.RULE, one) is None
    assert links.withdrawal(Ground.RULE, token(links)) is None
    assert links.read(rule) is None
    assert links.sound_until(MESSAGE, one) is None
    assert opened(tmp_path / "other").withdrawal(Ground.RULE, rule) is None


def test_there_is_no_link_to_take_back_without_pages_or_clock(links: Links) -> None:
    mark = MARKED[Ground.RULE]
    assert links.to_undo(Ground.RULE, mark, NOW.replace(year=1970)) == ""
    links.url = ""
    assert links.to_undo(Ground.RULE, mark, NOW) == ""


# Links that were mailed before --------------------------------------------------------------------

OLD_KEY = "a-key-of-a-front-door-of-32-char"
UNTIL = NOW.replace(microsecond=0) + LIFE
OLD = {
    "let-in": "AGsoUJ8AAAARAAAABFiNsT7dLFVKeCX2k9BBCMGmOZRq",
    "block": "AWsoUJ8AAAARAAAABFiNsT5NdsqISe3TGAz8bYY4YU6f",
    "rule": "ayhQnwABAgMEBQYHCAkKCwyqnGdjAKs7VqUOVTCnEqH6",
    "campaign": "ayhQnwABAgMEBQYHZO7P5U2yjKP7uCWdoSxwgg",
    f"sound/{MESSAGE}": "ayhQn5f_ynVzEaN7cchgPQWWEsI",
}
"""A link of each kind, by its path, as it was mailed on the day of NOW."""


@pytest.fixture
def old(tmp_path: Path) -> Links:
    (tmp_path / KEY).write_text(f"{OLD_KEY}\n", encoding="ascii")
    return opened(tmp_path)


def test_links_that_were_mailed_before_say_what_they_said(old: Links) -> None:
    seal = "dd2c554a7825f693d04108c1a639946a"  # by which it is in the record, if it was used
    assert old.read(OLD["let-in"]) == Ticket(Action.ALLOW, 17, PHARMACY, UNTIL, seal)
    blocking = old.read(OLD["block"])
    assert blocking is not None
    assert (blocking.action, blocking.until) == (Action.BLOCK, UNTIL)
    for ground, seal in (
        (Ground.RULE, "aa9c676300ab3b56a50e5530a712a1fa"),
        (Ground.CAMPAIGN, "64eecfe54db28ca3fbb8259da12c7082"),
    ):
        read = old.withdrawal(ground, OLD[ground])
        assert read is not None
        assert (read.mark, read.until, read.seal) == (MARKED[ground], UNTIL, seal)
    assert old.sound_until(MESSAGE, OLD[f"sound/{MESSAGE}"]) == UNTIL


def test_links_are_made_as_they_were_before(old: Links) -> None:
    links = [link.url for link in old.offered(17, PHARMACY, NOW)]
    links += [old.to_undo(ground, MARKED[ground], NOW) for ground in Ground]
    links.append(old.to_sound(MESSAGE, NOW))
    assert links == [f"{old.url}/{path}/{token}" for path, token in OLD.items()]
