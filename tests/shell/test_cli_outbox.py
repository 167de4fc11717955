"""`screener outbox`: what it prints of messages in every state, and what it does to them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener import config, lock
from screener.cli import main
from screener.config import Settings
from screener.core.delivery import Delivery, State
from screener.core.notice import Notice
from screener.mail.spool import Spool
from tests.shell.post import LETTER

SENDER = "door@example.org"
HOSTILE = 'Eve"\x1b[31m\r\nBcc: all@example.org\u202e<b>' + "x" * 4000
WAITS = (Delivery.WAITING, "451 4.3.0 try again\x1b later")
HAS_IT = (Delivery.ACCEPTED, "250 kept")
REFUSED = (Delivery.REFUSED, "550 no such user")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert screener("init", tmp_path / "home").exit_code == 0
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    return config.load(home / "screener.toml")


@pytest.fixture
def spool(settings: Settings) -> Spool:
    return Spool(settings.data / "outbox")


def screener(*arguments: object, typed: str | None = None) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, words, input=typed, env={"SCREENER_HOME": None})


class Told:
    """Runs `screener outbox` for one front door."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *arguments: object, typed: str | None = None) -> str:
        result = screener("outbox", *arguments, "--dir", self._home, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *arguments: object, typed: str | None = None) -> str:
        result = screener("outbox", *arguments, "--dir", self._home, typed=typed)
        assert result.exit_code != 0, result.output
        assert "Traceback" not in result.output
        return result.stderr


@pytest.fixture
def told(home: Path) -> Told:
    return Told(home)


def tried(spool: Spool, name: str, answer: tuple[Delivery, str]) -> None:
    """An attempt to deliver a message has come to this."""
    now = datetime.now(UTC)
    record = spool.begin(name, now)
    assert record is not None
    after, state = record.after(dict.fromkeys(record.waiting, answer), now, now).settled(7.0, now)
    spool.write_down(after, state)


def lines(text: str) -> dict[str, str]:
    """The table's lines by the id that they begin with."""
    return {line.split()[0]: line for line in text.splitlines()[1:]}


# list --------------------------------------------------------------------------------------------


def test_an_empty_outbox_says_so_and_nothing_is_made(told: Told, settings: Settings) -> None:
    assert told("list") == told() == "no messages yet\n"
    assert told("list", "--state", "failed") == "no such messages\n"
    assert told("retry", "--all") == "no message has failed, and none waits for another try\n"
    assert not (settings.data / "outbox").exists()


def test_messages_in_every_state_are_listed_newest_first(
    told: Told, spool: Spool, audio: Path, settings: Settings
) -> None:
    queued = spool.keep(audio, replace(LETTER, name=HOSTILE), SENDER)
    deferred, sent, failed = (spool.keep(audio, LETTER, SENDER) for _ in range(3))
    notice = spool.keep(None, Notice(("me@example.net",), "Rules\x1b broken", ("no",)), SENDER)
    sending = spool.keep(audio, replace(LETTER, box="attic"), SENDER)
    for name, answer in ((deferred, WAITS), (sent, HAS_IT), (failed, REFUSED)):
        tried(spool, name, answer)
    spool.begin(sending, datetime.now(UTC))
    with lock.lock(settings.data):  # a screener runs
        text = told("list")
        assert told() == text
    assert "\x1b" not in text
    assert "\u202e" not in text
    found = lines(text)
    assert list(found) == sorted(found, reverse=True)
    assert all(len(line) <= 140 for line in found.values())
    assert re.search(r"queued +2026-11-20 \S+ +office +0:02 .*not tried yet", found[queued])
    assert re.search(r'deferred .* "Mom" +mom@example\.org: waiting \(451', found[deferred])
    assert re.search(r"sent .*mom@example\.org: accepted \(250", found[sent])
    assert re.search(r"failed .*refused \(550 no ", found[failed])
    assert re.search(r"queued .*notice: Rules\\x1b broken", found[notice])
    assert re.search(r"sending .* attic ", found[sending])


def test_a_list_can_be_narrowed(told: Told, spool: Spool, audio: Path) -> None:
    ours = spool.keep(audio, LETTER, SENDER)
    attic = spool.keep(audio, replace(LETTER, box="attic"), SENDER)
    tried(spool, attic, WAITS)
    assert set(lines(told("list", "--box", "attic"))) == {attic}
    assert set(lines(told("list", "--state", "queued"))) == {ours}
    assert told("list", "--state", "queued", "--box", "attic") == "no such messages\n"


def test_a_box_that_is_none_is_named_with_those_there_are(
    told: Told, spool: Spool, audio: Path
) -> None:
    spool.keep(audio, replace(LETTER, box="attic"), SENDER)  # a box that was
    refused = told.refused("list", "--box", "nobody")
    assert "there is no box 'nobody': expected one of family, attic" in refused
    assert told("list", "--box", "family") == "no such messages\n"


def test_of_what_was_sent_the_newest_are_listed(told: Told, spool: Spool, audio: Path) -> None:
    names = [spool.keep(audio, LETTER, SENDER) for _ in range(4)]
    for name in names:
        tried(spool, name, HAS_IT)
    waiting = spool.keep(audio, LETTER, SENDER)
    text = told("list", "--limit", "1")
    assert text.endswith("and 3 more that were sent: --limit 4\n")
    assert len(lines(text)) == 1 + 1 + 1
    assert waiting in text
    assert set(lines(told("list", "--limit", "4"))) == {*names, waiting}


def test_what_a_crash_left_is_not_said_to_be_sent_now(
    told: Told, spool: Spool, audio: Path
) -> None:
    """No screener runs: nothing is being sent."""
    name = spool.keep(audio, LETTER, SENDER)
    spool.begin(name, datetime.now(UTC))
    assert re.search(r"queued .*cut short", lines(told("list"))[name])
    assert "cut short" in told("show", name)


# show --------------------------------------------------------------------------------------------


def test_a_message_is_shown_with_its_whole_way(told: Told, spool: Spool, audio: Path) -> None:
    two = replace(LETTER, to=("mom@example.org", "dad@example.org"), name=HOSTILE)
    name = spool.keep(audio, two, SENDER)
    now = datetime.now(UTC)
    record = spool.begin(name, now)
    assert record is not None
    answers = {"mom@example.org": HAS_IT, "dad@example.org": WAITS}
    spool.write_down(record.after(answers, now, now), State.QUEUED)
    text = told("show", name)
    assert "\x1b" not in text
    assert "\r" not in text
    assert text.startswith(f"{name}: deferred\n")
    assert f"{spool.folder(name) / 'audio.wav'}  32 kB\n" in text
    assert "  mom@example.org  accepted  250 kept\n" in text
    assert "  dad@example.org  waiting   451 4.3.0 try again\\x1b later\n" in text
    assert f"<screener-{name}@example.org>" in text
    history = text[text.index("History") :]
    states = re.findall(r"\d\d:\d\d:\d\d  (\w+)", history)
    assert states == ["queued", "sending", "deferred", "is"]  # the last: when it is tried next
    assert "is when it is tried next" in history
    tried(spool, name, HAS_IT)
    history = told("show", name).partition("History")[2]
    states = re.findall(r"\d\d:\d\d:\d\d  (\w+)", history)
    assert states == ["queued", "sending", "deferred", "sending", "sent"]


def test_a_message_that_cannot_be_read_is_shown_with_its_sound(
    told: Told, spool: Spool, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    (spool.folder(name) / "letter.json").write_text("{half")
    text = told("show", name)
    assert "cannot be read" in text
    assert str(spool.folder(name)) in text


def test_an_id_may_be_shortened_as_long_as_only_one_message_has_it(
    told: Told, spool: Spool, audio: Path
) -> None:
    one, two = (spool.keep(audio, LETTER, SENDER) for _ in range(2))
    assert told("show", one.partition("-")[2]) == told("show", one)
    stderr = told.refused("show", one[:8])
    assert "may be any of 2 messages" in stderr
    assert one in stderr
    assert two in stderr


@pytest.mark.parametrize("name", ["", "..", "../sent", "nothing", "/etc", "\x1b[31m", "x" * 5000])
def test_only_what_is_there_can_be_named(told: Told, spool: Spool, audio: Path, name: str) -> None:
    spool.keep(audio, LETTER, SENDER)
    for command in ("show", "retry", "drop"):
        stderr = told.refused(command, name)
        assert "there is no message" in stderr
        assert "\x1b" not in stderr


# retry -------------------------------------------------------------------------------------------


def test_a_failed_message_is_tried_again(
    told: Told, spool: Spool, audio: Path, settings: Settings
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    tried(spool, name, REFUSED)
    asked = spool.asked()
    assert told("retry", name) == f"{name} is tried again when screener runs\n"
    assert spool.asked() > asked
    later = datetime.now(UTC) + timedelta(days=9)
    assert spool.queue(later) == {name: later}
    record = spool.begin(name, later)
    assert record is not None
    assert (record.waiting, record.since) == (("mom@example.org",), later)
    with lock.lock(settings.data):
        assert "at once, by the screener that runs" in told("retry", name)


def test_a_message_that_goes_to_another_address_now_says_so(
    told: Told, spool: Spool, audio: Path, settings: Settings
) -> None:
    box = next(iter(settings.boxes.values()))
    name = spool.keep(audio, replace(LETTER, box=box.name, to=("me@exmaple.net",)), SENDER)
    tried(spool, name, REFUSED)
    goes = f"; it goes to {', '.join(box.mail)} now, as its box does"
    assert told("retry", name) == f"{name} is tried again when screener runs{goes}\n"
    assert "goes to" not in told("retry", name)
    record = spool.begin(name, datetime.now(UTC))
    assert record is not None
    assert record.waiting == box.mail


def test_all_that_failed_or_wait_are_tried_again(told: Told, spool: Spool, audio: Path) -> None:
    """What was never tried is not among them: its turn comes anyway."""
    names = [spool.keep(audio, LETTER, SENDER) for _ in range(3)]
    for name, answer in zip(names[:2], (REFUSED, (Delivery.WAITING, "451 later")), strict=True):
        tried(spool, name, answer)
    text = told("retry", "--all")
    assert {line.split()[0] for line in text.splitlines()} == {*names[:2]}
    assert not (spool.folder(names[2]) / "now").exists()


def test_what_was_sent_is_not_sent_again(told: Told, spool: Spool, audio: Path) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    tried(spool, name, HAS_IT)
    assert f"message {name} was sent: only what is waiting or failed" in told.refused("retry", name)


@pytest.mark.parametrize("arguments", [(), ("1f2e", "--all")])
def test_one_message_or_all_must_be_said(told: Told, arguments: tuple[str, ...]) -> None:
    assert "name one message, or say --all" in told.refused("retry", *arguments)


# drop --------------------------------------------------------------------------------------------


def test_a_message_is_dropped_after_a_question_and_brought_back(
    told: Told, spool: Spool, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    assert "never been delivered" in screener_output(told, name, "n")
    assert set(lines(told("list"))) == {name}
    assert f"drop {name} --undo` brings it back" in told("drop", name, typed="y\n")
    assert told("list") == "no messages yet\n"
    assert spool.queue(datetime.now(UTC)) == {}
    assert set(lines(told("list", "--state", "dropped"))) == {name}
    assert told("drop", name, "--undo") == f"{name} is back: queued\n"
    assert (spool.folder(name) / "audio.wav").read_bytes() == audio.read_bytes()
    assert [*spool.queue(datetime.now(UTC))] == [name]
    history = told("show", name).partition("History")[2]
    assert re.findall(r"\d\d  (dropped|queued)", history) == ["queued", "dropped", "queued"]


def screener_output(told: Told, name: str, answer: str) -> str:
    """The question, which stands on stdout, and is answered in the negative."""
    result = screener("outbox", "drop", name, "--dir", told._home, typed=f"{answer}\n")
    assert result.exit_code == 1
    return result.stdout


@pytest.mark.parametrize(
    ("answer", "state"), [(WAITS, "deferred"), (HAS_IT, "sent"), (REFUSED, "failed")]
)
def test_what_is_brought_back_is_what_it_was(
    told: Told, spool: Spool, audio: Path, answer: tuple[Delivery, str], state: str
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    tried(spool, name, answer)
    told("drop", name, "--yes")
    assert told("drop", name, "--undo") == f"{name} is back: {state}\n"


def test_what_was_delivered_is_dropped_without_that_warning(
    told: Told, spool: Spool, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    tried(spool, name, HAS_IT)
    assert "never been delivered" not in screener_output(told, name, "n")


def test_what_is_being_sent_cannot_be_dropped(told: Told, spool: Spool, audio: Path) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    with spool.alone():
        spool.begin(name, datetime.now(UTC))
        assert "is being sent at this moment" in told.refused("drop", name, "--yes")
    assert spool.folder(name).exists()


def test_what_a_crash_has_marked_as_being_sent_can_be_dropped(
    told: Told, spool: Spool, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    with spool.alone():
        spool.begin(name, datetime.now(UTC))
    told("drop", name, "--yes")
    assert not spool.folder(name).exists()
    assert told("drop", name, "--undo") == f"{name} is back: queued\n"


def test_nothing_is_dropped_twice_nor_brought_back_that_was_not_dropped(
    told: Told, spool: Spool, audio: Path
) -> None:
    name = spool.keep(audio, LETTER, SENDER)
    assert "was not dropped: it is queued" in told.refused("drop", name, "--undo")
    told("drop", name, "--yes")
    assert "was dropped already" in told.refused("drop", name, "--yes")
    assert "only what is waiting or failed" in told.refused("retry", name)


def test_each_command_teaches(told: Told) -> None:
    for command in ("list", "show", "retry", "drop"):
        text = told(command, "--help")
        assert "Example" in text
        assert f"screener outbox {command}" in text
