"""`screener forget`: what is known of a number is shown, then gone from every file, while screener
runs; what is another's stays."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from screener import config
from screener.calls.heardaudio import HeardAudio
from screener.campaigns import campaignfile
from screener.cli import main
from screener.config import Settings
from screener.core import rulefile
from screener.core.campaign import Campaign, Standing, mark, named
from screener.core.delivery import State
from screener.core.event import Event, EventKind
from screener.core.letter import Letter
from screener.mail import letterfile
from screener.mail.outbox import Outbox
from screener.mail.spool import Spool
from screener.privacy import forgetting
from screener.records.calllog import DATABASE, CallLog
from screener.records.store import CallEnd, CallStart, Store
from tests.calls.sip import free_port
from tests.shell.household import PLAIN, Write
from tests.shell.post import LETTER, wav

MOM, DAD = "+18055550142", "+14155550100"
NOW = datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC)
# Its digits, with whatever may stand between them.
DIGITS = re.compile(rb"805[^0-9]{0,4}555[^0-9]{0,4}0142")


@dataclass
class House:
    """A front door that runs: its store is open while `screener forget` works beside it."""

    settings: Settings
    store: Store
    spool: Spool
    sounds: Path

    @property
    def data(self) -> Path:
        return self.settings.data

    async def call(self, number: str, at: datetime = NOW, story: str = "answered") -> int:
        name = "Mom" if number == MOM else "Dad"
        call = await self.store.begin(CallStart(f"uid-{at}", at, "+18182223333", number, name))
        for line in (story, f"call from {number}", "x" * 300):
            await self.store.tell(call, 0.0, line)
        reason = f"{number} said nothing" if number == MOM else "nobody answered"
        await self.store.end(call, CallEnd(at, "message", reason, evidence=(f"as {number}",)))
        return call

    def message(self, number: str, state: State, **changes: object) -> str:
        letter: Letter = replace(LETTER, number=number, **changes)  # type: ignore[arg-type]
        name = self.spool.keep(wav(self.sounds / "said.wav", 0.5), letter, "door@example.org")
        if state is not State.QUEUED:
            letterfile.move(self.spool.folder(name), self.data / "outbox" / state)
        return name

    def messages(self) -> dict[str, str]:
        """The messages that lie in the outbox, and where."""
        return {
            folder.name: folder.parent.name
            for folder in (self.data / "outbox").glob("*/*")
            if folder.is_dir()
        }

    def forget(self, *words: str, said: str = "") -> Result:
        asked = ["forget", *words, "--dir", str(self.settings.path.parent)]
        return CliRunner().invoke(main, asked, input=said, env={"SCREENER_HOME": None})

    def named_in(self) -> list[str]:
        """The files that hold the number's digits, the store's own among them."""
        return sorted(
            path.name
            for path in self.data.rglob("*")
            if path.is_file() and DIGITS.search(path.read_bytes())
        )

    def calls(self) -> list[str]:
        with CallLog(self.data / DATABASE) as log:
            return [row.number for row in log.past()]


@pytest_asyncio.fixture
async def house(write: Write, tmp_path: Path) -> AsyncIterator[House]:
    settings = config.load(write(PLAIN))
    store = Store(settings.data / DATABASE, patience=60.0)  # each write is done when it returns
    yield House(settings, store, Spool(settings.data / "outbox"), tmp_path)
    await store.close()


def campaign_of(*numbers: str) -> Campaign:
    sound = bytes(range(200)) * 4
    marks = tuple(found for number in numbers if (found := mark(number)) is not None)
    return Campaign(
        id=named(sound, b""),
        standing=Standing.UNWANTED,
        first=NOW,
        last=NOW,
        calls=2,
        numbers=2,
        sound=sound,
        shingles=b"",
        phrases=("press one",),
        marks=marks,
    )


async def lived_in(house: House) -> None:
    """All that may come to be known of a caller."""
    for day in range(40):
        await house.call(MOM, NOW - timedelta(days=day))
        await house.call(DAD, NOW - timedelta(days=day, hours=1))
    await house.call(DAD, NOW, story="asked to be called back at +1 805 555 0142, and waits")
    await house.store.dialled(MOM, NOW)
    await house.store.dialled(DAD, NOW)
    await house.store.happened(Event(NOW, EventKind.MAIL_DEFERRED, f"a message from {MOM} waits"))
    await house.store.used(f'allow from {MOM} "Mom"', NOW)
    await house.store.used(f'allow from {DAD} "Dad"', NOW)
    heard = HeardAudio(house.data, 86400.0)
    heard.keep(1, b"mom" * 100)
    heard.keep(2, b"dad" * 100)
    with campaignfile.locked(campaignfile.folder(house.data)):
        campaignfile.write(campaignfile.folder(house.data), [campaign_of(MOM, DAD)])


async def report(house: House) -> str:
    """A weekly report that names the caller waits in the outbox."""
    mail = EmailMessage()
    mail["Subject"] = "This week 41 calls"
    mail.set_content("Gave up: +1 805 555 0142 \u201cMom\u201d, twice", cte="base64")
    mail.add_alternative("<p>Gave up: <b>+1&nbsp;805 555 0142</b></p>", subtype="html")
    outbox = Outbox(house.data / "outbox", house.settings.mail)
    return await outbox.post(("you@example.net",), mail, "weekly report 2026-W46")


# Everything --------------------------------------------------------------------------------------


async def test_nothing_is_left_of_a_forgotten_number_in_any_file(house: House) -> None:
    await lived_in(house)
    house.message(MOM, State.SENT)
    dads = house.message(DAD, State.SENT)
    named = house.message(DAD, State.SENT, why="asked to be called back at 805-555-0142")
    letterfile.move(house.spool.folder(await report(house)), house.data / "outbox" / State.SENT)
    assert {DATABASE, f"{DATABASE}-wal", "letter.json"} <= set(house.named_in())
    done = house.forget("805-555-0142", "--yes")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "+1 805 555 0142 is forgotten"
    assert house.named_in() == []
    assert house.calls() == [DAD] * 41
    assert house.messages() == {dads: "sent", named: "sent"}
    assert not HeardAudio(house.data, 1.0).path(1).exists()
    assert HeardAudio(house.data, 1.0).path(2).exists()
    (known,), _ = campaignfile.read_all(campaignfile.folder(house.data))
    assert (known.marks, known.numbers) == ((mark(DAD),), 2)
    with CallLog(house.data / DATABASE) as log:
        assert [number for _, number in log.dialled()] == [DAD]
        assert list(log.uses()) == [f'allow from {DAD} "Dad"']
        [event] = log.events(NOW, NOW + timedelta(seconds=1))
        assert event.text == "a message from a forgotten number waits"
        found = log.call(81)
        assert found is not None
        assert "asked to be called back at a forgotten number, and waits" in [
            line.text for line in found[1]
        ]
    # The running screener goes on writing as if nothing had been.
    assert await house.call(DAD) == 82


async def test_what_there_is_is_shown_and_a_dry_run_deletes_nothing(house: House) -> None:
    await lived_in(house)
    sent, waiting = house.message(MOM, State.SENT), house.message(MOM, State.QUEUED)
    await report(house)
    before = house.messages()
    for words in ((), ("--dry-run", "--yes")):
        shown = house.forget(MOM, *words, said="n\n")
        for line in (
            "+1 805 555 0142 is known by",
            "  40 calls and their stories",
            "  1 time that your phones dialled it",
            "  2 texts of other calls that name it",
            "  1 message that was mailed",
            "  1 message that was NOT mailed yet",
            "  1 report that was NOT mailed yet",
            "  1 recording of what it said",
            "  1 campaign that it played",
            "  1 rule that is no more",
        ):
            assert line in shown.stdout.splitlines(), (line, shown.stdout)
        assert "forgotten" not in shown.stdout
    assert house.messages() == before
    assert {sent, waiting} <= before.keys()
    assert len(house.calls()) == 81


async def test_when_a_rule_for_the_number_was_used_is_forgotten_and_the_rule_stays(
    house: House,
) -> None:
    lines = (
        f"allow from {MOM}",
        f"block from {MOM}, {DAD}",
        f"allow from {MOM} to 818-222-3333 expires 9mo",
    )
    file = house.settings.rules / "1-allow.rules"
    file.write_text("\n".join(lines) + "\n")
    keys = [rule.key for rule in rulefile.parse(file.read_text(), file.name, "US")[0]]
    for key in keys:
        await house.store.used(key, NOW)
    shown = house.forget(MOM, "--dry-run").stdout
    assert "  1 rule's last use" in shown.splitlines()
    done = house.forget(MOM, "--yes")
    assert done.exit_code == 0
    with CallLog(house.data / DATABASE) as log:
        assert sorted(log.uses()) == sorted(keys[1:])
    assert f"still named in {DATABASE}" in done.stdout  # by the other two
    assert file.read_text().splitlines() == [*lines]


async def test_what_was_not_mailed_is_asked_for_separately(house: House) -> None:
    await house.call(MOM)
    waiting = house.message(MOM, State.QUEUED)
    failed = house.message(MOM, State.FAILED)
    kept = house.forget(MOM, said="y\nn\n")
    assert kept.exit_code == 0
    assert "Delete all of this, but the 2 that were not mailed yet?" in kept.stdout
    assert "the 2 that were not mailed yet stay: `screener outbox` shows them" in kept.stdout
    assert house.messages() == {waiting: "queued", failed: "failed"}
    assert house.calls() == []
    assert "still named in outbox/" in kept.stdout
    gone = house.forget(MOM, said="y\ny\n")
    assert gone.exit_code == 0
    assert house.messages() == {}
    assert house.named_in() == []


async def test_yes_takes_nothing_unsent_and_unsent_does(house: House) -> None:
    house.message(MOM, State.QUEUED)
    assert house.forget(MOM, "--yes").exit_code == 0
    assert len(house.messages()) == 1
    assert house.forget(MOM, "--yes", "--unsent").exit_code == 0
    assert house.messages() == {}


async def test_a_recording_that_is_on_no_way_yet_is_shown_and_goes_with_what_was_not_mailed(
    house: House,
) -> None:
    """screener died before it could be put into the outbox (settlement.py)."""
    await house.call(MOM)
    await house.call(DAD)
    await house.store.begin(CallStart("now", NOW, "+18182223333", MOM, "Mom"))
    takes = house.data / "takes"
    takes.mkdir()
    over, dads = f"uid-{NOW}", f"dad-{NOW}"
    await house.store.begin(CallStart(dads, NOW, "+18182223333", DAD, "Dad"))
    await house.store.end(4, CallEnd(NOW, "lost", "x"))
    for uid in (over, "now", dads):
        wav(takes / f"{uid}_screener_take-family-1.wav", 0.5)
    kept = house.forget(MOM, "--yes")
    assert "  1 recording that is NOT a mail yet" in kept.stdout.splitlines()
    assert "what was not mailed yet stays" in kept.stdout
    assert len([*takes.iterdir()]) == 3


async def test_a_recording_that_is_on_no_way_yet_is_deleted(house: House) -> None:
    await house.call(MOM)
    await house.store.begin(CallStart("now", NOW, "+18182223333", MOM, "Mom"))
    takes = house.data / "takes"
    takes.mkdir()
    for uid in (f"uid-{NOW}", "now", "another"):
        wav(takes / f"{uid}_screener_take-family-1.wav", 0.5)
    assert house.forget(MOM, "--yes", "--unsent").exit_code == 0
    assert sorted(path.name.partition("_")[0] for path in takes.iterdir()) == ["another", "now"]


def held(house: House, *names: str) -> Path:
    """Recordings in the private Asterisk's own store."""
    folder = house.data / "asterisk" / "spool" / "recording"
    folder.mkdir(parents=True)
    for name in names:
        wav(folder / f"{name}.wav", 0.5)
    return folder


async def test_what_asterisk_has_recorded_itself_goes_with_what_was_not_mailed(
    house: House,
) -> None:
    """Asterisk records where none of the caller's sound comes to us (calls/tape.py)."""
    await house.call(MOM)
    await house.store.begin(CallStart("now", NOW, "+18182223333", MOM, "Mom"))
    over = f"uid-{NOW}"
    take, spoken = f"{over}_screener_take-family-1", f"{over}_screener_name-2"
    others = ["now_screener_take-family-1", "dad_screener_take-family-1", f"{over}-own-recording"]
    folder = held(house, take, spoken, *others)
    (house.data / "takes").mkdir()
    wav(house.data / "takes" / f"{take}.wav", 0.5)  # fetched, and not deleted there: it is one
    kept = house.forget(MOM, "--dry-run")
    assert "  1 recording that is NOT a mail yet" in kept.stdout.splitlines()
    assert house.forget(MOM, "--yes", "--unsent").exit_code == 0
    assert sorted(path.stem for path in folder.iterdir()) == sorted(others)


async def test_a_store_of_asterisks_that_cannot_be_used_is_called_what_it_is(house: House) -> None:
    await house.call(MOM)
    spoken = f"uid-{NOW}_screener_name-1"
    folder = held(house, spoken)
    (folder / f"{spoken}.wav").unlink()
    (folder / f"{spoken}.wav").mkdir()  # so it cannot be deleted
    told = house.forget(MOM, "--yes")
    assert told.exit_code == 1
    assert f"Asterisk's recordings in {folder} cannot be used: Is a directory" in told.stderr
    assert "the outbox" not in told.stderr


async def test_a_spoken_name_goes_and_a_message_that_was_not_mailed_stays(house: House) -> None:
    await house.call(MOM)
    over = f"uid-{NOW}"
    folder = held(house, f"{over}_screener_take-family-1", f"{over}_screener_name-2")
    told = house.forget(MOM, "--yes")
    assert "what was not mailed yet stays" in told.stdout
    assert [path.stem for path in folder.iterdir()] == [f"{over}_screener_take-family-1"]


async def test_an_asterisk_that_cannot_be_asked_is_told_before_and_after(house: House) -> None:
    toml = house.settings.path
    table = f'[asterisk]\nurl = "http://127.0.0.1:{free_port()}/ari"\nsecret_file = "secret"\n'
    toml.write_text(toml.read_text() + table)
    (toml.parent / "secret").write_text("x" * 32)
    (toml.parent / "secret").chmod(0o600)
    await house.call(MOM)
    shown = await asyncio.to_thread(house.forget, MOM, "--dry-run")
    assert "what Asterisk has recorded itself is not reached: " in shown.stdout
    assert "start it first" in shown.stdout
    told = await asyncio.to_thread(house.forget, MOM, "--yes")
    assert told.exit_code == 1
    assert "  what Asterisk has recorded itself was not reached: " in told.stdout
    assert house.calls() == []
    assert (await asyncio.to_thread(house.forget, DAD)).stdout.startswith("nothing is known of")


async def test_an_attempt_that_a_crash_cut_short_keeps_nothing(house: House) -> None:
    await house.call(MOM)
    name = house.message(MOM, State.QUEUED)
    with house.spool.alone():
        house.spool.begin(name, NOW)
    done = house.forget(MOM, "--yes", "--unsent")
    assert done.exit_code == 0
    assert house.messages() == {}
    assert house.named_in() == []


async def test_what_cannot_go_now_is_told_and_the_rest_goes(house: House) -> None:
    await house.call(MOM)
    sending = house.message(MOM, State.QUEUED)
    house.message(MOM, State.FAILED)
    dads = house.message(DAD, State.QUEUED, why="asked to be called back at 805-555-0142")
    with house.spool.alone():
        house.spool.begin(sending, NOW)
        done = house.forget(MOM, "--yes", "--unsent")
    assert done.exit_code == 1
    assert house.messages() == {sending: "queued", dads: "queued"}
    assert house.calls() == []
    told = done.stdout.splitlines()
    assert told[told.index("+1 805 555 0142 is forgotten, but:") + 1 :][:2] == [
        f"  message {sending} is being sent at this moment: wait for that.",
        f"  message {dads} of another caller names it, and was not mailed yet.",
    ]


async def test_rows_that_are_still_on_the_disk_are_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "_PATIENCE", 0.1)
    await house.call(MOM)
    with closing(sqlite3.connect(house.data / DATABASE)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM calls").fetchone() == (1,)
        done = house.forget(MOM, "--yes")
    assert done.exit_code == 1
    assert "is forgotten, but:" in done.stdout
    assert f"  {DATABASE} still holds deleted rows: another" in done.stdout
    assert house.calls() == []


async def test_a_call_in_progress_stays_and_is_told(house: House) -> None:
    await house.call(MOM)
    await house.store.begin(CallStart("now", NOW, "+18182223333", MOM, "Mom"))
    done = house.forget(MOM, "--yes")
    assert "a call that is in progress: it stays" in done.stdout
    assert house.calls() == [MOM]
    await house.store.end(2, CallEnd(NOW, "connected", "x"))
    house.forget(MOM, "--yes")
    assert house.calls() == []


async def test_what_a_crash_left_of_a_voice_goes_too(house: House) -> None:
    heard = HeardAudio(house.data, 86400.0)
    for number in (MOM, DAD):
        call = await house.call(number)
        heard.keep(call, b"said" * 100)
        heard.path(call).rename(heard.path(call).with_suffix(".part"))
    assert house.forget(MOM, "--yes").exit_code == 0
    assert [path.name for path in heard.path(1).parent.iterdir()] == ["2.part"]


async def test_what_is_left_of_a_row_beside_others_is_overwritten(house: House) -> None:
    """A page that was divided has had copies of rows; here they are put there by hand."""
    with closing(sqlite3.connect(house.data / DATABASE)) as db:
        db.execute("PRAGMA secure_delete = OFF")
        rows = [(f"u{n}", MOM, "Mom") for n in range(200)]
        db.executemany(
            "INSERT INTO calls (uid, started, did, number, name, withheld, state)"
            " VALUES (?, '2026-11-20T00:00:00.000+00:00', '+1', ?, ?, 0, 'over')",
            rows,
        )
        db.commit()
        db.execute("DELETE FROM calls")
        db.commit()
    house.store._next_call = 1
    await house.call(MOM)
    await house.call(DAD)
    assert DATABASE in house.named_in() or f"{DATABASE}-wal" in house.named_in()
    done = house.forget(MOM, "--yes")
    assert (done.exit_code, house.named_in()) == (0, [])
    assert house.calls() == [DAD]
    await house.call(DAD)  # the store goes on in the file that was written anew
    assert house.calls() == [DAD, DAD]


# What is not ours --------------------------------------------------------------------------------


async def test_rules_and_address_books_stay_and_are_named(house: House) -> None:
    rules = house.settings.rules
    (rules / "1-allow.rules").write_text('# allow from 8055550142\nallow from 805-555-0142 "Mom"\n')
    (rules / "family.vcf").write_text(
        "BEGIN:VCARD\nVERSION:3.0\nFN:Mom\nTEL:+1 805 555 0142\nEND:VCARD\n"
    )
    before = {path.name: path.read_bytes() for path in rules.iterdir()}
    nothing = house.forget(MOM)
    assert nothing.stdout.splitlines() == [
        "nothing is known of +1 805 555 0142",
        "these name it, and stay as they are: 1-allow.rules:2, family.vcf",
    ]
    await house.call(MOM)
    await house.store.used('allow from 805-555-0142 "Mom"', NOW)
    done = house.forget(MOM, "--yes")
    assert "1-allow.rules:2, family.vcf" in done.stdout
    assert {path.name: path.read_bytes() for path in rules.iterdir()} == before


async def test_a_file_that_names_it_still_is_told(house: House) -> None:
    await house.call(MOM)
    (house.data / "asterisk").mkdir()
    (house.data / "asterisk" / "messages").write_text("NOTICE: call from 18055550142\n")
    done = house.forget(MOM, "--yes")
    assert done.stdout.splitlines()[-1] == "still named in asterisk/messages"


@pytest.mark.parametrize("before", [0, forgetting._PIECE - 5, 2 * forgetting._PIECE - 11])
async def test_a_large_file_that_names_it_is_told_also_where_nothing_else_is_known(
    house: House, before: int
) -> None:
    """It is read in pieces: the number may stand where one ends."""
    (house.data / "asterisk").mkdir()
    with (house.data / "asterisk" / "messages").open("wb") as file:
        file.seek(before)
        file.write(b" 18055550142 \n")
        file.truncate(3 * forgetting._PIECE)
    nothing = house.forget(MOM)
    assert nothing.stdout.splitlines() == [
        "nothing is known of +1 805 555 0142",
        "still named in asterisk/messages",
    ]
    assert "still named" not in house.forget(DAD).stdout


@pytest.mark.parametrize("text", ["", "anonymous", "withheld"])
def test_who_withholds_his_number_is_nobody(house: House, text: str) -> None:
    refused = house.forget(text)
    assert refused.exit_code == 2
    assert "expected a number; calls from hidden numbers cannot be told apart" in refused.output


async def test_what_is_no_number_in_any_plan_is_forgotten_as_it_arrived(house: House) -> None:
    hostile = "\u202e<b>0142"
    arrived = config.load(house.settings.path)
    assert arrived.country == "US"
    await house.call("0142x")
    await house.call(DAD)
    assert house.forget("0142x", "--yes").exit_code == 0
    assert house.calls() == [DAD]
    assert house.forget(hostile, "--yes").exit_code == 1
    assert "\u202e" not in house.forget(hostile, "--yes").output


async def test_a_number_that_is_part_of_another_is_another(house: House) -> None:
    other = "+180555501429"
    await house.call(MOM)
    await house.call(other)
    house.forget(MOM, "--yes")
    assert house.calls() == [other]


async def test_a_front_door_that_never_ran_knows_nobody(write: Write) -> None:
    toml = write(PLAIN)
    words = ["forget", MOM, "--dir", str(toml.parent)]
    nothing = CliRunner().invoke(main, words, env={"SCREENER_HOME": None})
    assert nothing.exit_code == 0
    assert nothing.stdout == "nothing is known of +1 805 555 0142\n"


@pytest.mark.parametrize("text", ["415-555-01999", "banana"])
async def test_what_is_no_number_and_not_known_is_told_as_that(house: House, text: str) -> None:
    await house.call(DAD)
    result = await asyncio.to_thread(house.forget, text)
    assert result.exit_code == 1
    assert result.stdout == f"nothing is known of {text}\n"
    assert f"{text} is not a telephone number in US" in result.stderr


async def test_what_is_no_number_and_was_shown_by_a_caller_is_forgotten(house: House) -> None:
    await house.call("banana")
    result = await asyncio.to_thread(house.forget, "banana", "--yes")
    assert result.exit_code == 0, result.output
    assert house.calls() == []


async def test_it_works_in_a_process_of_its_own_while_calls_are_written(house: House) -> None:
    for day in range(20):
        await house.call(MOM, NOW - timedelta(days=day))
    house.message(MOM, State.SENT)
    words = ["forget", MOM, "--yes", "--dir", str(house.settings.path.parent)]
    forgetting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "screener", *words), stdout=asyncio.subprocess.PIPE
    )
    ended = asyncio.ensure_future(forgetting.communicate())
    written = 0
    while not ended.done():
        await house.call(DAD)
        written += 1
    said, _ = await ended
    assert forgetting.returncode == 0
    assert said.decode().splitlines()[-1] == "+1 805 555 0142 is forgotten"
    assert house.calls() == [DAD] * written
    assert house.named_in() == []
