"""The addresses of boxes' feeds: not to be guessed, kept through a crash, revoked at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from screener.errors import LinkError
from screener.messages.subscriptions import FILE, SECRET, Subscriptions

NOW = datetime(2026, 11, 20, 22, 3, 11, 250_000, tzinfo=UTC)


@pytest.fixture
def addresses(tmp_path: Path) -> Subscriptions:
    return Subscriptions(tmp_path)


def test_a_box_is_given_an_address_once(addresses: Subscriptions, tmp_path: Path) -> None:
    first = addresses.opened(["family", "office"], NOW)
    assert SECRET.fullmatch(first["family"].secret)
    assert first["family"].secret != first["office"].secret
    assert first["family"].since == NOW.replace(microsecond=0)
    assert Subscriptions(tmp_path).opened(["family"], NOW) == first
    assert addresses.box(first["office"].secret) == "office"


def test_a_secret_has_more_than_128_random_bits(addresses: Subscriptions) -> None:
    secrets = [addresses.renew("family", NOW).secret for _ in range(50)]
    assert len(set(secrets)) == 50
    assert all(len(secret) * 6 >= 128 for secret in secrets)
    # Every character varies: none of it is a name, a counter or a clock.
    assert all(len({secret[at] for secret in secrets}) > 10 for at in range(32))


def test_who_has_the_old_address_has_nothing(addresses: Subscriptions, tmp_path: Path) -> None:
    other = Subscriptions(tmp_path)  # as the running service has it open
    old = addresses.opened(["family"], NOW)["family"].secret
    assert other.box(old) == "family"
    new = addresses.renew("family", NOW).secret
    assert (other.box(old), other.box(new)) == ("", "family")
    addresses.revoke("family", NOW)
    assert (other.box(new), other.box("")) == ("", "")
    assert addresses.opened(["family"], NOW)["family"].secret == ""  # it stays off


@pytest.mark.parametrize("guess", ["", "x", "x" * 32, "\0", "ü" * 32, "x" * 10_000])
def test_a_guess_opens_nothing(addresses: Subscriptions, guess: str) -> None:
    addresses.opened(["family"], NOW)
    assert addresses.box(guess) == ""


def test_nobody_else_may_read_them(addresses: Subscriptions, tmp_path: Path) -> None:
    addresses.opened(["family"], NOW)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / FILE).with_suffix(".part").write_text("of a crash")
    addresses.renew("family", NOW)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_many_at_once_lose_none_of_each_others(tmp_path: Path) -> None:
    def open_one(number: int) -> None:
        Subscriptions(tmp_path).opened([f"box{number}"], NOW)

    threads = [threading.Thread(target=open_one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Subscriptions(tmp_path).all()) == 12


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[1]",
        '{"family": 1}',
        '{"family": {"secret": "short", "since": "2026-11-20"}}',
    ],
)
def test_what_is_damaged_says_what_to_do_and_opens_nothing(
    addresses: Subscriptions, tmp_path: Path, content: str
) -> None:
    (tmp_path / FILE).write_text(content)
    for work in (lambda: addresses.box("x" * 32), lambda: addresses.renew("family", NOW)):
        with pytest.raises(LinkError, match="mend or delete it"):
            work()
    assert (tmp_path / FILE).read_text() == content


def test_what_cannot_be_written_changes_nothing(addresses: Subscriptions, tmp_path: Path) -> None:
    before = addresses.opened(["family"], NOW)
    (tmp_path / FILE).with_suffix(".part").mkdir()
    with pytest.raises(LinkError, match="cannot be written"):
        addresses.renew("family", NOW)
    assert addresses.all() == before
