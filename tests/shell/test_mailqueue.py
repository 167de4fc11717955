"""Messages for people, on a real disk: swept when old, found while they move, unreadable ones."""

import json
import os
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screener.core.delivery import Delivery, State, Status
from screener.errors import OutboxError
from screener.mail.links import LIFE
from screener.mail.mailqueue import KEPT_DROPPED, Item, MailQueue
from screener.mail.progress import Progress
from screener.mail.spool import Spool
from tests.shell.post import LETTER

SENDER = "door@example.org"
NOW = datetime.now(UTC)
FIRST_RELEASE = Path(__file__).parents[1] / "fixtures" / "outbox" / "letter.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def spool(root: Path) -> Spool:
    return Spool(root)


def gone(spool: Spool, name: str, delivery: Delivery) -> None:
    record = spool.begin(name, NOW)
    assert record is not None
    answers = dict.fromkeys(record.waiting, (delivery, "said"))
    spool.write_down(*record.after(answers, NOW, NOW).settled(7.0, NOW))


def test_only_what_was_sent_is_swept_and_only_when_old(
    spool: Spool, root: Path, audio: Path
) -> None:
    for delivery in Delivery:
        gone(spool, spool.keep(audio, LETTER, SENDER), delivery)
    queue = MailQueue(root)
    assert queue.sweep(timedelta(days=30), NOW + timedelta(days=29)) == 0
    assert queue.sweep(timedelta(days=30), NOW + timedelta(days=31)) == 1
    assert [item.status for item in queue.items()] == [Status.DEFERRED, Status.FAILED]


def test_what_was_heard_lately_was_sent_when_it_was_sent(
    spool: Spool, root: Path, audio: Path
) -> None:
    """A mark beside a message changes its folder's time, not its own."""
    name = spool.keep(audio, LETTER, SENDER)
    gone(spool, name, Delivery.ACCEPTED)
    (root / "sent" / name / "heard").touch()
    late = (NOW + timedelta(days=99)).timestamp()
    os.utime(root / "sent" / name, (late, late))
    assert MailQueue(root).sweep(timedelta(days=30), NOW + timedelta(days=31)) == 1


def test_what_was_mailed_as_a_link_stays_as_long_as_the_link_works(
    spool: Spool, root: Path, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    Progress(linked=True).write(root / "queued" / name)
    gone(spool, name, Delivery.ACCEPTED)
    queue = MailQueue(root)
    now = datetime.now(UTC)
    assert queue.sweep(timedelta(days=1), now + LIFE - timedelta(minutes=1)) == 0
    assert [item.status for item in queue.items()] == [Status.SENT]
    assert queue.sweep(timedelta(days=1), now + LIFE + timedelta(minutes=1)) == 1


def test_what_cannot_be_deleted_is_no_reason_to_leave_the_others(
    spool: Spool, root: Path, audio: Path
) -> None:
    (root / "sent" / "20200101T000000-stray").write_text("no folder")
    (root / "new" / "stray").write_text("no folder")
    gone(spool, spool.keep(audio, LETTER, SENDER), Delivery.ACCEPTED)
    assert spool.recover(NOW) == []
    assert MailQueue(root).sweep(timedelta(days=1), NOW + timedelta(days=3)) == 1


def test_a_retry_that_is_asked_for_during_an_attempt_follows_it(
    spool: Spool, root: Path, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    now = datetime.now(UTC) - timedelta(seconds=1)  # since when the attempt goes on
    record = spool.begin(name, now)
    assert record is not None
    MailQueue(root).retry(name)
    answers = dict.fromkeys(LETTER.to, (Delivery.WAITING, "451 later"))
    spool.write_down(record.after(answers, now, now), State.QUEUED)
    assert spool.queue(now)[name] == now
    again = spool.begin(name, datetime.now(UTC))
    assert again is not None
    spool.write_down(again.after(answers, now, now), State.QUEUED)
    assert spool.queue(now)[name] > now


def test_a_retry_that_is_asked_for_during_a_refusal_follows_it(
    spool: Spool, root: Path, audio: Path
) -> None:
    """The owner has mended the address, and the server refuses the old one for good."""
    name = spool.keep(audio, LETTER, SENDER)
    now = datetime.now(UTC) - timedelta(seconds=1)  # since when the attempt goes on
    record = spool.begin(name, now)
    assert record is not None
    MailQueue(root).retry(name)
    refused = dict.fromkeys(LETTER.to, (Delivery.REFUSED, "550 no such user"))
    spool.write_down(*record.after(refused, now, now).settled(7.0, now))
    assert spool.queue(now) == {name: now}
    again = spool.begin(name, datetime.now(UTC))
    assert again is not None
    assert again.waiting == LETTER.to
    spool.write_down(*again.after(refused, NOW, NOW).settled(7.0, NOW))
    assert spool.queue(NOW) == {}  # nobody has asked since
    assert [item.status for item in MailQueue(root).items()] == [Status.FAILED]


def test_a_retry_goes_to_the_addresses_that_the_box_has_by_now(
    spool: Spool, root: Path, audio: Path
) -> None:
    """Of two one was mistyped; who has it does not get it again."""
    mom, mistyped, dad = "mom@example.org", "dad@exmaple.org", "dad@example.org"
    name = spool.keep(audio, replace(LETTER, to=(mom, mistyped)), SENDER)
    record = spool.begin(name, NOW)
    assert record is not None
    answers = {mom: (Delivery.ACCEPTED, "250 kept"), mistyped: (Delivery.REFUSED, "550 no")}
    after, _ = record.after(answers, NOW, NOW).settled(7.0, NOW)
    spool.write_down(after, State.FAILED)
    queue = MailQueue(root)
    boxes = {"office": (mom, dad), "family": ("aunt@example.org",)}
    assert queue.retry(name, boxes).record == queue.find(name).record
    again = Spool(root).begin(name, datetime.now(UTC))
    assert again is not None
    assert again.waiting == (dad,)
    assert again.letter.to == (mom, dad)
    assert queue.find(name).arrived


@pytest.mark.parametrize("boxes", [{}, {"office": ()}, {"family": ("aunt@example.org",)}])
def test_a_retry_of_a_box_that_is_gone_goes_where_it_went(
    spool: Spool, root: Path, audio: Path, boxes: dict[str, tuple[str, ...]]
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    gone(spool, name, Delivery.REFUSED)
    MailQueue(root).retry(name, boxes)
    again = spool.begin(name, datetime.now(UTC))
    assert again is not None
    assert again.waiting == LETTER.to


@pytest.mark.parametrize(
    ("delivery", "arrived"), [(Delivery.REFUSED, False), (Delivery.ACCEPTED, True)]
)
def test_whether_it_arrived_is_not_taken_from_a_servers_words(
    spool: Spool, root: Path, audio: Path, delivery: Delivery, arrived: bool
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    record = spool.begin(name, NOW)
    assert record is not None
    said = {address: (delivery, "5.7.1 x: accepted (never)") for address in LETTER.to}
    spool.write_down(*record.after(said, NOW, NOW).settled(7.0, NOW))
    assert MailQueue(root).find(name).arrived is arrived


def test_what_cannot_be_read_is_swept_by_its_folders_time(
    spool: Spool, root: Path, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    gone(spool, name, Delivery.ACCEPTED)
    (root / "sent" / name / "letter.json").write_text("{")
    queue = MailQueue(root)
    assert queue.sweep(timedelta(days=30), NOW + timedelta(days=29)) == 0
    assert queue.sweep(timedelta(days=30), NOW + timedelta(days=32)) == 1


def test_what_was_dropped_can_be_brought_back_for_a_while(
    spool: Spool, root: Path, audio: Path
) -> None:
    queue = MailQueue(root)
    queue.drop(spool.keep(audio, LETTER, SENDER), NOW)
    queue.sweep(timedelta(), NOW + KEPT_DROPPED - timedelta(minutes=1))
    assert [item.status for item in queue.dropped()] == [Status.DROPPED]
    queue.sweep(timedelta(), NOW + KEPT_DROPPED + timedelta(hours=1))
    assert queue.dropped() == []


def test_an_outbox_that_is_not_there_is_empty(root: Path) -> None:
    queue = MailQueue(root)
    assert queue.items() == queue.dropped() == []
    assert queue.sweep(timedelta(), NOW) == 0
    with pytest.raises(OutboxError, match="there is no message x"):
        queue.find("x")
    assert not root.exists()


def test_a_message_of_the_first_release_is_read(spool: Spool, root: Path) -> None:
    name = json.loads(FIRST_RELEASE.read_text())["id"]
    (root / "queued" / name).mkdir()
    shutil.copy(FIRST_RELEASE, root / "queued" / name / "letter.json")
    [item] = MailQueue(root).items()
    assert (item.status, item.box, item.arrived) == (Status.QUEUED, "office", False)


@pytest.mark.parametrize("said", [Delivery.ACCEPTED, Delivery.WAITING])
def test_what_is_dropped_while_it_is_sent_stays_dropped_and_is_told(
    spool: Spool, root: Path, audio: Path, said: Delivery
) -> None:
    """An attempt began between the look and the drop."""
    name = spool.keep(audio, LETTER, SENDER)
    record = spool.begin(name, NOW)
    assert record is not None
    (spool.folder(name) / "sending").unlink()
    queue = MailQueue(root)
    queue.drop(name, NOW)
    answers = dict.fromkeys(record.waiting, (said, "said"))
    spool.write_down(*record.after(answers, NOW, NOW).settled(7.0, NOW))
    [item] = queue.dropped()
    assert item.record is not None
    assert item.record.recipients[0].delivery is said
    assert spool.queue(NOW) == {}
    assert queue.items() == []


def test_what_an_attempt_settled_between_the_look_and_the_drop_is_kept(
    spool: Spool, root: Path, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the message gets no second copy when it is brought back."""
    mom, dad = "mom@example.org", "dad@example.org"
    name = spool.keep(audio, replace(LETTER, to=(mom, dad)), SENDER)
    queue = MailQueue(root)
    find = queue.find

    def looked(text: str) -> Item:
        item = find(text)
        record = spool.begin(name, NOW)
        assert record is not None
        answers = {mom: (Delivery.ACCEPTED, "250 kept"), dad: (Delivery.WAITING, "451 later")}
        spool.write_down(*record.after(answers, NOW, NOW).settled(7.0, NOW))
        return item

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(queue, "find", looked)
        queue.drop(name, NOW)
    [dropped] = queue.dropped()
    assert dropped.arrived
    back = queue.bring_back(name, NOW)
    assert back.record is not None
    assert (back.record.waiting, back.record.tries) == ((dad,), 1)


def test_messages_that_move_while_they_are_listed_are_listed_once(
    spool: Spool, root: Path, audio: Path
) -> None:
    names = {spool.keep(audio, LETTER, SENDER) for _ in range(30)}

    def deliver() -> None:
        for name in sorted(names):
            gone(spool, name, Delivery.ACCEPTED)

    moving = threading.Thread(target=deliver)
    queue = MailQueue(root)
    moving.start()
    seen = []
    while moving.is_alive():
        seen.append([item.id for item in queue.items()])
    moving.join()
    assert all(len(ids) == len(set(ids)) for ids in seen)
    assert all(set(ids) == names for ids in seen)
    assert {item.status for item in queue.items()} == {Status.SENT}
    assert len(list((root / State.SENT).iterdir())) == 30
