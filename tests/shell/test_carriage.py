"""Messages carried to real SMTP servers on loopback that take only so much."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screener.core.delivery import Answers, Delivery, Record
from screener.core.frontdoor import SoundFormat
from screener.core.ladder import Limit, steps
from screener.core.letter import Letter
from screener.core.transcript import Transcript, Word
from screener.mail import carriage
from screener.mail.carriage import Carrier
from screener.mail.mailing import FEW_PARTS
from screener.mail.postman import Postman
from screener.mail.progress import FILE, Progress
from screener.sound import recording, transcripts
from tests.shell.post import LETTER, MailServer, attached, body, names, seconds_of, settings, wav

MOM, DAD = "mom@example.org", "dad@example.org"
NOW = datetime(2026, 11, 20, 22, 4, tzinfo=UTC)
URL = "https://door.example.net/sound/17/AbC"
SECONDS = 60.0
LONG = replace(LETTER, to=(MOM, DAD), seconds=SECONDS)
SHORT = replace(LONG, seconds=20.0)


def no_link(_id: str, _now: datetime) -> str:
    return ""


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A message of a minute in what is made of it when it must be smaller: once for all."""
    made = tmp_path_factory.mktemp("carriage")
    folder = made / "message"
    folder.mkdir()
    recording.keep(wav(made / "take.wav", SECONDS), folder)
    for form, bits in steps(SoundFormat.MP3, 32000):
        recording.encoded(folder, form, bits)
    for largest in (32768, 65536):
        recording.parts(folder, form, bits, largest)
    return folder


@pytest.fixture
def folder(encoded: Path, tmp_path: Path) -> Path:
    """That message: 240 kB as MP3, and a third more in a mail."""
    return Path(shutil.copytree(encoded, tmp_path / "message"))


async def carry(
    server: MailServer,
    folder: Path,
    letter: Letter = LONG,
    to_sound: Callable[[str, datetime], str] = no_link,
    to: tuple[str, ...] = (MOM, DAD),
) -> Answers:
    record = Record.begun("17", letter, "door@example.org", NOW)

    def visit() -> Answers:
        with Postman(settings(server)) as postman:
            return Carrier("door@example.org", UTC, to_sound).carry(
                record, letter, folder, to, postman
            )

    return await asyncio.to_thread(visit)


async def test_what_is_small_enough_goes_as_the_box_wants(folder: Path, tmp_path: Path) -> None:
    server = MailServer()
    async with server.up():
        answers = await carry(server, folder)
    assert answers == dict.fromkeys((MOM, DAD), (Delivery.ACCEPTED, "250 kept"))
    [mail] = server.mails
    assert mail["Message-ID"] == "<screener-17@example.org>"
    assert seconds_of(attached(mail), tmp_path) == pytest.approx(SECONDS, abs=1)
    assert "kbit/s" not in body(mail)


async def test_the_size_that_the_server_announces_is_kept_to(folder: Path, tmp_path: Path) -> None:
    """It is never sent what it would refuse."""
    server = MailServer()
    async with server.up(data_size_limit=220_000):
        answers = await carry(server, folder)
    assert answers[MOM] == (Delivery.ACCEPTED, "250 kept")
    [mail] = server.mails
    assert server.sizes == [len(server.raw[0])]
    assert mail["Message-ID"] == "<screener-17.mp3-16k@example.org>"
    assert seconds_of(attached(mail), tmp_path) == pytest.approx(SECONDS, abs=1)
    told = "For mails of at most 0.2 MB, which the mail server takes, it is encoded at 16 kbit/s."
    assert told in body(mail)


async def test_what_is_too_large_at_the_lowest_rate_goes_in_parts(
    folder: Path, tmp_path: Path
) -> None:
    server = MailServer()
    async with server.up(data_size_limit=110_000):
        answers = await carry(server, folder)
    assert answers[DAD] == (Delivery.ACCEPTED, "250 kept (in 3 parts)")
    assert all(size <= 110_000 for size in server.sizes)
    assert [str(mail["Subject"])[-8:] for mail in server.mails] == [
        f"({part} of 3)" for part in (1, 2, 3)
    ]
    ids = [f"<screener-17.mp3-16k-{part}of3@example.org>" for part in (1, 2, 3)]
    assert server.ids == ids
    assert [mail["References"] for mail in server.mails] == [None, ids[0], ids[0]]
    whole = sum(seconds_of(attached(mail), tmp_path) for mail in server.mails)
    assert whole == pytest.approx(SECONDS, abs=1)
    assert "16 kbit/s, in parts." in body(server.mails[2])


async def test_what_would_be_many_parts_goes_as_a_link_where_there_are_pages(folder: Path) -> None:
    asked = []

    def to_sound(name: str, now: datetime) -> str:
        asked.append((name, now))
        return URL

    server = MailServer()
    async with server.up(data_size_limit=60_000):
        answers = await carry(server, folder, to_sound=to_sound)
    assert answers[MOM] == (Delivery.ACCEPTED, "250 kept")
    [mail] = server.mails
    assert list(mail.iter_attachments()) == []
    assert f"  {URL}" in body(mail).splitlines()
    assert "too large for a mail: mails of at most 60 kB are taken" in body(mail)
    assert "until Sunday 20 December 2026" in body(mail)
    assert asked == [("17", NOW)]  # not by the time of the attempt: a repeat has the same link


async def test_without_pages_it_goes_in_many_parts(folder: Path, tmp_path: Path) -> None:
    server = MailServer()
    async with server.up(data_size_limit=60_000):
        answers = await carry(server, folder)
    assert answers[MOM][0] is Delivery.ACCEPTED
    assert len(server.mails) > FEW_PARTS
    assert len(set(server.ids)) == len(server.mails)
    whole = sum(seconds_of(attached(mail), tmp_path) for mail in server.mails)
    assert whole == pytest.approx(SECONDS, abs=1)


async def test_a_server_that_takes_next_to_nothing_refuses_and_nothing_is_sent(
    folder: Path,
) -> None:
    server = MailServer()
    async with server.up(data_size_limit=4_000):
        answers = await carry(server, folder)
    told = "too large, in parts as well: mails of at most 4 kB are taken"
    assert answers == dict.fromkeys((MOM, DAD), (Delivery.REFUSED, told))
    assert server.mails == []


async def test_a_link_is_short_enough_for_nearly_every_server(folder: Path) -> None:
    server = MailServer()
    async with server.up(data_size_limit=16_000):
        await carry(server, folder, to_sound=lambda _id, _now: URL)
    assert f"  {URL}" in body(server.mails[0]).splitlines()


async def test_a_server_that_says_it_only_when_the_mail_has_come(folder: Path) -> None:
    server = MailServer(limit=220_000)
    async with server.up(data_size_limit=None):
        answers = await carry(server, folder)
    assert answers[MOM] == (Delivery.ACCEPTED, "250 kept")
    assert server.ids == ["<screener-17.mp3-16k@example.org>"]
    assert len(server.sizes) == 2  # the one that was refused, and the one that was taken


@pytest.mark.parametrize("reply", ["552 5.3.4 too big", "552-5.2.3 it exceeds\r\n552 5.2.3 limits"])
async def test_a_recipient_for_whom_it_is_too_large_gets_it_smaller(
    folder: Path, reply: str
) -> None:
    """The other one has it by then, and gets it once."""
    server = MailServer()
    server.rcpt = lambda to: reply if to == DAD and server.asked[DAD] == 1 else "250 OK"
    async with server.up():
        answers = await carry(server, folder)
    assert answers == dict.fromkeys((MOM, DAD), (Delivery.ACCEPTED, "250 kept"))
    assert server.to == [[MOM], [DAD]]
    assert server.ids == ["<screener-17@example.org>", "<screener-17.mp3-16k@example.org>"]


async def test_whoever_has_it_does_not_get_it_again_when_the_smaller_one_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails while it is encoded for the other one."""
    encoded = recording.encoded

    def failing(folder: Path, form: SoundFormat, bits: int) -> recording.Encoded:
        if bits < 32000:
            raise OSError(5, "Input/output error")
        return encoded(folder, form, bits)

    monkeypatch.setattr(recording, "encoded", failing)
    server = MailServer()
    server.rcpt = lambda to: "552 5.3.4 too big" if to == DAD else "250 OK"
    async with server.up():
        answers = await carry(server, folder)
    assert answers[MOM] == (Delivery.ACCEPTED, "250 kept")
    assert answers[DAD] == (Delivery.WAITING, "[Errno 5] Input/output error")


async def test_a_full_mailbox_is_no_reason_to_make_it_smaller(folder: Path) -> None:
    server = MailServer()
    server.rcpt = lambda _: "552 5.2.2 mailbox full"
    async with server.up():
        answers = await carry(server, folder)
    assert answers[MOM] == (Delivery.WAITING, "552 5.2.2 mailbox full")
    assert server.asked[MOM] == 1


# Too large, or a full mailbox ---------------------------------------------------------------------

EXCEEDED = "552 Requested mail action aborted: exceeded storage allocation"  # RFC 5321's own words
FULL = f"{EXCEEDED} (so was the smallest mail: the mailbox seems to be full)"


@pytest.mark.parametrize("limit", [220_000, 110_000])
async def test_a_server_that_does_not_say_which_is_offered_less(
    folder: Path, tmp_path: Path, limit: int
) -> None:
    server = MailServer(limit=limit, too_big=EXCEEDED)
    async with server.up(data_size_limit=None):
        answers = await carry(server, folder)
    assert {delivery for delivery, _ in answers.values()} == {Delivery.ACCEPTED}
    assert all(len(raw) <= limit for raw in server.raw)
    whole = sum(seconds_of(attached(mail), tmp_path) for mail in server.mails)
    assert whole == pytest.approx(SECONDS, abs=1)


@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_when_even_the_smallest_is_refused_the_mailbox_is_full(folder: Path, at: str) -> None:
    """There is room again by the next attempt: the mail is the one that the box wants."""
    server = MailServer()
    setattr(server, at, lambda *_: EXCEEDED)
    async with server.up(data_size_limit=None):
        answers = await carry(server, folder, to=(MOM,))
        assert answers == {MOM: (Delivery.WAITING, FULL)}
        assert server.asked[MOM] >= 3
        assert server.sizes == sorted(server.sizes, reverse=True)
        assert Progress.read(folder) == Progress()
        setattr(server, at, lambda *_: "250 kept")
        assert (await carry(server, folder, to=(MOM,)))[MOM] == (Delivery.ACCEPTED, "250 kept")
    assert server.ids == ["<screener-17@example.org>"]


async def test_a_full_mailbox_keeps_none_of_the_others_from_theirs(folder: Path) -> None:
    """Who has it does not get it again, neither smaller nor at the next attempt."""
    server = MailServer()
    server.rcpt = lambda to: EXCEEDED if to == DAD else "250 OK"
    async with server.up(data_size_limit=220_000):
        answers = await carry(server, folder)
        assert answers == {MOM: (Delivery.ACCEPTED, "250 kept"), DAD: (Delivery.WAITING, FULL)}
        server.rcpt = lambda _: "250 OK"
        assert (await carry(server, folder))[DAD] == (Delivery.ACCEPTED, "250 kept")
    assert server.to == [[MOM], [DAD]]
    assert len(set(server.ids)) == 1  # as large as the server says that it takes


async def test_what_the_server_says_of_the_size_itself_holds_when_the_mailbox_is_full(
    folder: Path,
) -> None:
    server = MailServer(limit=220_000)
    server.data = lambda: EXCEEDED
    async with server.up(data_size_limit=None):
        assert (await carry(server, folder, to=(MOM,)))[MOM] == (Delivery.WAITING, FULL)
        refused = len(server.sizes)
        server.data = lambda: "250 kept"
        await carry(server, folder, to=(MOM,))
    assert server.ids == ["<screener-17.mp3-16k@example.org>"]
    assert len(server.sizes) == refused + 1  # what it had called too large is not tried again


async def test_a_mailbox_that_is_full_in_the_middle_of_the_parts_gets_the_others_later(
    folder: Path,
) -> None:
    """It took a part as large: that the next one is too large cannot be."""
    server = MailServer()
    server.data = lambda: EXCEEDED if len(server.mails) == 1 else "250 kept"
    async with server.up(data_size_limit=110_000):
        answers = await carry(server, folder, to=(MOM,))
        assert answers == {MOM: (Delivery.WAITING, EXCEEDED)}
        server.data = lambda: "250 kept"
        await carry(server, folder, to=(MOM,))
    assert [i.rpartition("-")[2][:4] for i in server.ids] == ["1of3", "2of3", "3of3"]


async def test_a_crash_at_the_smallest_refuses_nothing_for_good(folder: Path) -> None:
    """What it leaves: a limit below all that can be sent, by a word that was not certain."""
    Progress(Limit(900)).write(folder)
    server = MailServer()
    async with server.up():
        assert (await carry(server, folder, to=(MOM,)))[MOM][0] is Delivery.WAITING
        await carry(server, folder, to=(MOM,))
    assert server.ids == ["<screener-17@example.org>"]


TOO_BIG = "552 5.3.4 message too big"
TOO_LARGE = "too large, in parts as well: mails of at most "


def mixed(server: MailServer) -> None:
    """For one of them it is too large, whatever it is; of the other one that is not certain."""
    server.rcpt = lambda to: TOO_BIG if to == MOM else EXCEEDED


async def test_what_is_too_large_for_one_is_no_word_of_anothers_full_mailbox(folder: Path) -> None:
    server = MailServer()
    mixed(server)
    async with server.up(data_size_limit=None):
        answers = await carry(server, folder)
        assert answers[MOM][0] is Delivery.REFUSED
        assert answers[MOM][1].startswith(TOO_LARGE)
        assert answers[DAD] == (Delivery.WAITING, FULL)
        server.rcpt = lambda _: "250 OK"
        assert (await carry(server, folder, to=(DAD,)))[DAD] == (Delivery.ACCEPTED, "250 kept")
    assert server.ids == ["<screener-17@example.org>"]


async def test_nor_of_one_who_was_told_to_wait(folder: Path) -> None:
    """The mail server had not yet said of him how large a mail may be."""
    server = MailServer()
    server.rcpt = lambda to: TOO_BIG if to == MOM else "451 4.7.1 greylisted"
    async with server.up(data_size_limit=None):
        answers = await carry(server, folder)
        assert answers[MOM][0] is Delivery.REFUSED
        assert answers[DAD] == (Delivery.WAITING, "451 4.7.1 greylisted")
        server.rcpt = lambda _: "250 OK"
        assert (await carry(server, folder, to=(DAD,)))[DAD] == (Delivery.ACCEPTED, "250 kept")
    assert server.ids == ["<screener-17@example.org>"]


async def test_nor_whenever_it_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before or after whatever is written down: what is read again has one verdict for each."""
    folder, write, server = tmp_path / "message", Progress.write, MailServer()
    folder.mkdir()
    recording.keep(wav(tmp_path / "take.wav", SHORT.seconds), folder)
    async with server.up(data_size_limit=None):
        ends: list[Answers | None] = []
        lives = 0
        while not ends or ends[-1] is None:
            lives, left = lives + 1, lives

            def killed(progress: Progress, folder: Path) -> None:
                nonlocal left
                if left == 0:
                    raise KeyboardInterrupt
                write(progress, folder)
                if left == 1:
                    raise KeyboardInterrupt
                left -= 2

            (folder / FILE).unlink(missing_ok=True)
            mixed(server)
            with monkeypatch.context() as deadly:
                deadly.setattr(Progress, "write", killed)
                ends.append(await carried_until_killed(server, folder))
            answers = await carry(server, folder, SHORT)
            assert answers[MOM][0] is Delivery.REFUSED, lives
            assert answers[DAD][0] is Delivery.WAITING, lives
            server.rcpt = lambda _: "250 OK"
            answers = await carry(server, folder, SHORT, to=(DAD,))
            assert answers[DAD][0] is Delivery.ACCEPTED, lives
    assert len(ends) > 8
    assert server.ids == ["<screener-17@example.org>"] * len(ends)


async def carried_until_killed(server: MailServer, folder: Path) -> Answers | None:
    """What came of an attempt; None where it was killed."""
    record = Record.begun("17", SHORT, "door@example.org", NOW)

    def visit() -> Answers | None:
        carrier = Carrier("door@example.org", UTC, no_link)
        with Postman(settings(server)) as postman, contextlib.suppress(KeyboardInterrupt):
            return carrier.carry(record, SHORT, folder, (MOM, DAD), postman)
        return None

    return await asyncio.to_thread(visit)


async def test_what_is_too_large_for_all_is_offered_anew_when_its_owner_has_it_tried_again(
    folder: Path,
) -> None:
    server = MailServer()
    server.rcpt = lambda _: TOO_BIG
    async with server.up(data_size_limit=None):
        assert (await carry(server, folder, to=(MOM,)))[MOM][0] is Delivery.REFUSED
        server.rcpt = lambda _: "250 OK"
        assert (await carry(server, folder, to=(MOM,)))[MOM] == (Delivery.ACCEPTED, "250 kept")
    assert server.ids == ["<screener-17@example.org>"]


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ('"sure": 0', Limit(900)),
        ('"sure": 220000', Limit(900, 220_000)),
        ('"sure": null', Limit(900, 900)),
        ('"linked": false', Limit(900, 900)),
    ],
)
def test_what_an_earlier_version_was_sure_of_is_certain_of_all(
    tmp_path: Path, before: str, then: Limit
) -> None:
    told = '{"largest": 900, "load": "", "had": {}, "done": {"m@x.org": "250"}, "linked": false, '
    (tmp_path / FILE).write_text(f"{told}{before}}}")
    assert Progress.read(tmp_path) == Progress(then, done={"m@x.org": "250"})


def test_what_is_certain_of_each_is_read_as_it_was_written(tmp_path: Path) -> None:
    progress = Progress(Limit(900, 60_000, {MOM: 900}), "link", {DAD: 1}, {}, linked=True)
    progress.write(tmp_path)
    assert Progress.read(tmp_path) == progress


async def test_a_smaller_mail_that_may_have_been_taken_is_repeated_as_it_was(folder: Path) -> None:
    server = MailServer(limit=220_000, too_big=EXCEEDED)
    server.data = lambda: None
    async with server.up(data_size_limit=None):
        assert "closed" in (await carry(server, folder, to=(MOM,)))[MOM][1]
        server.data = lambda: "250 kept"
        await carry(server, folder, to=(MOM,))
    assert server.ids == ["<screener-17.mp3-16k@example.org>"]


async def test_no_server_waits_while_an_hour_is_encoded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriage, "PATIENCE", -1.0)
    server = MailServer()
    async with server.up(data_size_limit=220_000):
        answers = await carry(server, folder)
    assert answers[MOM][0] is Delivery.ACCEPTED
    assert (server.left, len(server.mails)) == (2, 1)


# A repeat is the same -----------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [None, 220_000, 110_000])
async def test_a_repeat_is_the_same_byte_for_byte(folder: Path, limit: int | None) -> None:
    """What was taken was not written down: the power failed."""
    first, again = MailServer(), MailServer()
    for server in (first, again):
        async with server.up(data_size_limit=limit):
            await carry(server, folder)
        (folder / FILE).unlink(missing_ok=True)
    assert again.raw == first.raw
    assert len(set(first.ids)) == len(first.ids)


async def test_what_was_decided_stays_though_the_server_takes_more_by_now(folder: Path) -> None:
    server = MailServer()
    server.data = lambda: "451 4.3.0 later"
    async with server.up(data_size_limit=220_000):
        assert (await carry(server, folder))[MOM][0] is Delivery.WAITING
    server.data = lambda: "250 kept"
    async with server.up():
        await carry(server, folder)
    assert server.ids == ["<screener-17.mp3-16k@example.org>"]


async def test_only_the_parts_that_somebody_lacks_are_sent_again(folder: Path) -> None:
    server = MailServer()
    server.data = lambda: None if len(server.sizes) == 2 else "250 kept"
    async with server.up(data_size_limit=110_000):
        answers = await carry(server, folder)
        assert answers[MOM][0] is Delivery.WAITING
        assert "closed" in answers[MOM][1]
        assert await carry(server, folder) == dict.fromkeys(
            (MOM, DAD), (Delivery.ACCEPTED, "250 kept (in 3 parts)")
        )
    assert [i.rpartition("-")[2][:4] for i in server.ids] == ["1of3", "2of3", "3of3"]


async def test_a_recipient_who_is_refused_in_the_middle_gets_no_more(folder: Path) -> None:
    server = MailServer()
    server.rcpt = lambda to: "550 gone" if to == DAD and server.asked[DAD] == 2 else "250 OK"
    async with server.up(data_size_limit=110_000):
        answers = await carry(server, folder)
    assert answers[DAD] == (Delivery.REFUSED, "550 gone")
    assert answers[MOM][0] is Delivery.ACCEPTED
    assert server.to == [[MOM, DAD], [MOM], [MOM]]


async def test_what_was_remembered_and_cannot_be_read_begins_anew(folder: Path) -> None:
    (folder / FILE).write_text('{"largest": "much"}')
    server = MailServer()
    async with server.up():
        assert (await carry(server, folder))[MOM][0] is Delivery.ACCEPTED


async def test_only_what_is_needed_is_encoded(tmp_path: Path) -> None:
    server, folder = MailServer(), tmp_path / "message"
    folder.mkdir()
    recording.keep(wav(tmp_path / "take.wav", 2.0), folder)
    async with server.up():
        await carry(server, folder)
    assert [name for name in names(folder) if name.endswith(".mp3")] == ["message-32k.mp3"]


def test_of_what_a_lower_limit_makes_nobody_has_a_part() -> None:
    begun = Progress(Limit(500, 500), "mp3-16k", {MOM: 1}, {DAD: "250 kept"}, linked=True)
    assert begun.within(Limit(500, 500)) == begun
    lower = Progress(Limit(400, 400), done={DAD: "250 kept"}, linked=True)
    assert begun.within(Limit(400, 400)) == lower


def test_nobody_has_a_part_of_another_load() -> None:
    begun = Progress(Limit(500), "mp3-16k-16384/9", {MOM: 3}, {DAD: "250 kept"})
    assert begun.with_load("mp3-16k-16384/9") == begun
    linked = Progress(Limit(500), "link", {}, {DAD: "250 kept"}, linked=True)
    assert begun.with_load("link") == linked


# What was begun is gone on with -------------------------------------------------------------------


async def test_parts_that_were_begun_before_there_were_pages_are_gone_on_with(
    folder: Path, tmp_path: Path
) -> None:
    """Of many parts three were taken; by the next attempt a link could be sent."""
    server = MailServer()
    server.data = lambda: None if len(server.sizes) == 4 else "250 kept"
    async with server.up(data_size_limit=60_000):
        assert (await carry(server, folder))[MOM][0] is Delivery.WAITING
        assert len(server.mails) == 3
        answers = await carry(server, folder, to_sound=lambda _id, _now: URL)
    assert answers[MOM][0] is Delivery.ACCEPTED
    whole = sum(seconds_of(attached(mail), tmp_path) for mail in server.mails)
    assert whole == pytest.approx(SECONDS, abs=1)
    assert len(set(server.ids)) == len(server.mails)


async def test_that_a_link_may_be_out_is_remembered_before_it_is(folder: Path) -> None:
    """And stays so, though the one who was refused gets something smaller then."""
    server = MailServer()
    server.data = lambda: "451 4.3.0 later"
    async with server.up(data_size_limit=60_000):
        await carry(server, folder, to_sound=lambda _id, _now: URL)
    assert Progress.read(folder) == Progress(Limit(60_000, 60_000), "link", linked=True)
    smaller = Progress.read(folder).taken({MOM: "250 kept"}).within(Limit(500))
    assert smaller == Progress(Limit(500), done={MOM: "250 kept"}, linked=True)
    assert smaller.with_load("mp3-16k-16384/9").linked


async def test_a_link_works_as_long_when_it_is_sent_by_hand_much_later(folder: Path) -> None:
    """A month after it was recorded, its owner has it tried again."""
    asked = []

    def to_sound(_id: str, now: datetime) -> str:
        asked.append(now)
        return URL

    server, late = MailServer(), NOW + timedelta(days=31)
    record = Record.begun("17", LONG, "door@example.org", NOW).renewed(late)

    def visit() -> None:
        with Postman(settings(server)) as postman:
            Carrier("door@example.org", UTC, to_sound).carry(record, LONG, folder, (MOM,), postman)

    async with server.up(data_size_limit=60_000):
        await asyncio.to_thread(visit)
    assert asked == [late]
    assert "until Wednesday 20 January 2027" in body(server.mails[0])


async def test_of_what_is_sent_instead_of_a_link_nobody_has_a_part(
    folder: Path, tmp_path: Path
) -> None:
    """The link was begun, and there are no pages any more."""
    (folder / FILE).write_text(
        '{"largest": 60000, "load": "link", "had": {"mom@example.org": 1, "dad@example.org": 1},'
        ' "done": {}, "linked": true}'
    )
    server = MailServer()
    async with server.up(data_size_limit=60_000):
        answers = await carry(server, folder)
    assert answers[MOM][0] is Delivery.ACCEPTED
    assert len(server.mails) > FEW_PARTS
    whole = sum(seconds_of(attached(mail), tmp_path) for mail in server.mails)
    assert whole == pytest.approx(SECONDS, abs=1)


async def test_whoever_has_it_gets_no_smaller_one_after_a_crash(folder: Path) -> None:
    """One recipient has it, for the other it is too large; what comes next is never written down
    in letter.json."""
    server = MailServer()
    server.rcpt = lambda to: "552 5.3.4 too big" if to == DAD and server.asked[DAD] == 1 else "250"
    server.data = lambda: "250 kept" if not server.mails else "451 4.3.0 later"
    async with server.up():
        assert (await carry(server, folder))[DAD][0] is Delivery.WAITING
        server.data = lambda: "250 kept"
        answers = await carry(server, folder)
    assert answers == dict.fromkeys((MOM, DAD), (Delivery.ACCEPTED, "250 kept"))
    assert server.to == [[MOM], [DAD]]
    assert server.ids == ["<screener-17@example.org>", "<screener-17.mp3-16k@example.org>"]


async def test_whoever_has_it_is_known_before_the_smaller_one_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = recording.encoded

    def killed(folder: Path, form: SoundFormat, bits: int) -> recording.Encoded:
        if bits < 32000:
            raise KeyboardInterrupt
        return encoded(folder, form, bits)

    monkeypatch.setattr(recording, "encoded", killed)
    server = MailServer()
    server.rcpt = lambda to: "552 5.3.4 too big" if to == DAD else "250 OK"
    record = Record.begun("17", LONG, "door@example.org", NOW)

    def visit() -> bool:
        with Postman(settings(server)) as postman:
            try:
                Carrier("door@example.org", UTC, no_link).carry(
                    record, LONG, folder, (MOM, DAD), postman
                )
            except KeyboardInterrupt:
                return True
        return False

    async with server.up():
        assert await asyncio.to_thread(visit)
    assert Progress.read(folder).done == {MOM: "250 kept"}


async def test_what_could_not_be_encoded_at_first_is_the_same_mail_when_it_can_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have arrived as a WAV file: the repeat is known by its Message-ID."""

    def plain(folder: Path, form: SoundFormat, bits: int) -> recording.Encoded:
        sound = folder / "audio.wav"
        told = "It is a WAV file because ffmpeg could make no MP3 of it: killed"
        size = sound.stat().st_size
        return recording.Encoded(sound, SoundFormat.WAV, bits, SECONDS, size, told)

    server = MailServer()
    async with server.up():
        with monkeypatch.context() as broken:
            broken.setattr(recording, "encoded", plain)
            await carry(server, folder)
        (folder / FILE).unlink()
        await carry(server, folder)
    wav_mail, mp3_mail = server.mails
    assert "because ffmpeg could make no MP3" in body(wav_mail)
    assert "because ffmpeg" not in body(mp3_mail)
    assert wav_mail["Message-ID"] == mp3_mail["Message-ID"] == "<screener-17@example.org>"


# A long transcript --------------------------------------------------------------------------------

SAID = "Здравствуйте, это сообщение. "


async def test_parts_leave_room_for_the_transcript_in_the_first(
    folder: Path, tmp_path: Path
) -> None:
    letter = replace(LONG, transcript=(SAID * 110).strip(), confidence=0.9)
    server = MailServer()
    async with server.up(data_size_limit=90_000):
        answers = await carry(server, folder, letter)
    assert answers[MOM][0] is Delivery.ACCEPTED
    assert all(size <= 90_000 for size in server.sizes)
    assert SAID.strip() in body(server.mails[0])
    whole = sum(seconds_of(attached(mail), tmp_path) for mail in server.mails)
    assert whole == pytest.approx(SECONDS, abs=1)


async def test_a_transcript_that_leaves_no_room_for_the_sound_stays_behind(
    folder: Path, tmp_path: Path
) -> None:
    letter = replace(LONG, transcript=(SAID * 800).strip(), confidence=0.9)
    server = MailServer()
    async with server.up(data_size_limit=60_000):
        answers = await carry(server, folder, letter)
    assert answers[MOM][0] is Delivery.ACCEPTED
    assert "What a machine wrote down of it is too long for these mails." in body(server.mails[0])
    whole = sum(seconds_of(attached(mail), tmp_path) for mail in server.mails)
    assert whole == pytest.approx(SECONDS, abs=1)


async def test_what_a_machine_made_of_it_is_in_the_mail(folder: Path) -> None:
    words = (Word("hello", 0.0, 0.5, 0.9), Word("grandma", 0.6, 1.0, 0.7))
    said = Transcript(words).as_data() | {"shown": True}
    (folder / transcripts.FILE).write_text(json.dumps(said))
    server = MailServer()
    async with server.up():
        await carry(server, folder)
    text = body(server.mails[0])
    assert "Written down by a machine, which is 80 % sure of it" in text
    assert "  hello grandma" in text.splitlines()


# Nothing to send ----------------------------------------------------------------------------------


async def test_a_recording_of_no_bytes_poses_as_no_message(folder: Path) -> None:
    (folder / "audio.wav").write_bytes(b"")
    server = MailServer()
    async with server.up():
        answers = await carry(server, folder)
    told = "told only that its recording is lost (250 kept)"  # so it is not deleted as if sent
    assert answers == dict.fromkeys((MOM, DAD), (Delivery.REFUSED, told))
    [mail] = server.mails
    assert mail["Subject"] == "Call from Mom (+1 805 555 0142): its recording is lost"
    assert list(mail.iter_attachments()) == []
    assert mail["Message-ID"] == "<screener-17.lost@example.org>"


@pytest.mark.parametrize("form", SoundFormat)
@pytest.mark.parametrize("bits", [8000, 32000, 64000])
def test_each_step_down_is_smaller(form: SoundFormat, bits: int) -> None:
    first, *rest = steps(form, bits)
    assert first[0] is form
    rates = [first[1], *(lower for _, lower in rest)]
    assert rates == sorted(set(rates), reverse=True)
