"""The rules on disk: read as one, watched, and never taken over broken or by half."""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from screener.cli import main
from screener.config import Settings, load
from screener.core.call import Call
from screener.core.number import Number
from screener.core.rules import Action
from screener.errors import ConfigError
from screener.rulebook import GOOD, Rulebook
from screener.rulebook import load as load_rules
from screener.rulebook import read as read_rules
from tests.shell.household import PLAIN, Write

MOM = "+14155550100"
CARD = f"BEGIN:VCARD\nVERSION:3.0\nFN:Mom\nTEL:{MOM}\nEND:VCARD\n"
CALL = Call("1", "+18182223333", Number(MOM, MOM), datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def settings(write: Write) -> Settings:
    return load(write(PLAIN))


@pytest.fixture
def rules(settings: Settings) -> Path:
    return settings.rules


def mistakes(settings: Settings) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_rules(settings)
    return list(caught.value.mistakes)


def opened(settings: Settings) -> Rulebook:
    book = Rulebook(settings)
    book.open()
    return book


def labels(book: Rulebook) -> list[str]:
    return [rule.label for rule in book.rules.rules]


# Reading -----------------------------------------------------------------------------------------


def test_rule_files_are_read_in_the_order_of_their_names(settings: Settings, rules: Path) -> None:
    (rules / "2.rules").write_text('block withheld "second"\n')
    (rules / "1.rules").write_bytes(b'\xef\xbb\xbfallow from +14155550100 "first"\r\n')
    (rules / ".1.rules").write_text("hidden\n")
    (rules / ".#1.rules").symlink_to("somebody@somewhere.1234")  # Emacs marks so what it has open
    (rules / "1.rules~").write_text("a copy\n")
    (rules / "notes.txt").write_text("about them\n")
    read = read_rules(settings)
    assert [rule.label for rule in read.rules.rules] == ["first", "second"]
    assert (read.files, read.troubles) == (2, ())


def test_the_mistakes_of_all_rule_files_are_told_with_their_places(
    settings: Settings, rules: Path
) -> None:
    (rules / "1.rules").write_text("\nalow withheld\n")
    (rules / "2.rules").write_bytes(b"#\n# \xc3\n")
    (rules / "3.rules").symlink_to("nowhere")
    first, second, third = mistakes(settings)
    assert first.startswith(f"{rules}/1.rules:2:1: ")
    assert second == f"{rules}/2.rules:2:3: not UTF-8 text; save the file as UTF-8"
    assert third == f"{rules}/3.rules: cannot be read (No such file or directory)"


def test_a_file_of_a_million_lines_is_sent_to_a_list(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("block from +14155550100\n" * 1_000_000)
    [mistake] = mistakes(settings)
    assert mistake.startswith(f"{rules}/1.rules: more than 16 MB is too much for a rule file")
    assert "screener lists import" in mistake


def test_what_cannot_be_read_is_said(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").mkdir()
    os.mkfifo(rules / "2.rules")  # whoever reads it waits for ever
    os.mkfifo(rules / "family.vcf")
    (rules / "3.rules").write_text("allow contacts family.vcf\n")
    assert mistakes(settings) == [
        f"{rules}/1.rules: cannot be read (it is a folder)",
        f"{rules}/2.rules: cannot be read (it is no file)",
        f"{rules}/3.rules:1:16: {rules}/family.vcf cannot be read (it is no file)",
    ]


def test_a_folder_that_is_gone_is_a_mistake(settings: Settings, rules: Path) -> None:
    shutil.rmtree(rules)
    assert mistakes(settings) == [f"{rules}: cannot be read (No such file or directory)"]


def test_other_rules_can_be_read_from_another_folder(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "1.rules").write_text('block withheld "tried"\n')
    [rule] = load_rules(settings, other).rules
    assert rule.title == '"tried" (1.rules:1)'
    (other / "1.rules").write_text("blok withheld\n")
    with pytest.raises(ConfigError, match=f"^{other}/1.rules:1:1: "):
        load_rules(settings, other)


def test_a_rule_expires_by_the_uses_it_is_given(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text(f'block from {MOM} "old" expires 9mo\n')
    [rule] = load_rules(settings).rules
    used = {rule.key: CALL.at - timedelta(days=400)}
    assert load_rules(settings, None, used).judge(CALL).action is Action.SCREEN
    used[rule.key] = CALL.at  # the record goes on
    assert load_rules(settings, None, used).judge(CALL).action is Action.BLOCK
    book = opened(settings)
    assert book.rules.judge(CALL).action is Action.BLOCK
    live: dict[str, datetime] = {}
    book.expire_by(live)
    live[rule.key] = CALL.at - timedelta(days=400)
    assert book.rules.judge(CALL).action is Action.SCREEN


# Address books and lists -------------------------------------------------------------------------


def test_an_address_book_beside_the_rules_is_asked(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("allow contacts family.vcf\n")
    (rules / "family.vcf").write_text(CARD)
    assert load_rules(settings).judge(CALL).action is Action.ALLOW


def test_a_broken_entry_of_an_address_book_is_told_and_stops_nothing(
    settings: Settings, rules: Path
) -> None:
    (rules / "1.rules").write_text("allow contacts family.vcf\n")
    (rules / "family.vcf").write_text(
        CARD + "BEGIN:VCARD\nVERSION:3.0\nFN:Dad\nTEL:ask him\nEND:VCARD\n"
    )
    read = read_rules(settings)
    assert read.rules.judge(CALL).action is Action.ALLOW
    [trouble] = read.troubles
    assert trouble.startswith(f"{rules}/family.vcf:9: ")


def test_an_address_book_that_no_rule_names_is_left_alone(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("screen withheld\n")
    (rules / "family.vcf").write_text("nonsense")
    assert read_rules(settings).troubles == ()


def test_a_neighbour_is_nobody_of_any_address_book(settings: Settings, rules: Path) -> None:
    near = Call("1", "+18182223333", Number("", "+18182224444"), CALL.at)
    (rules / "1.rules").write_text("block neighbour\n")
    assert load_rules(settings).judge(near).action is Action.BLOCK
    (rules / "family.vcf").write_text(CARD.replace(MOM, "+18182224444"))
    assert load_rules(settings).judge(near).action is Action.SCREEN


def test_a_list_that_was_never_imported_says_how(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("screen withheld\nblock not list ftc.csv\n")
    (rules / "ftc.csv").write_text("8055550142\n")
    [mistake] = mistakes(settings)
    assert mistake == (
        f"{rules}/1.rules:2:16: the list ftc.csv is not imported yet:"
        f" `screener lists import {rules}/ftc.csv`"
    )


def test_a_damaged_list_that_a_rule_names_is_a_mistake_and_else_a_trouble(
    settings: Settings, rules: Path
) -> None:
    (settings.data / "lists").mkdir(parents=True)
    (settings.data / "lists" / "pests.numbers").write_bytes(b"torn")
    (rules / "1.rules").write_text("screen withheld\n")
    [trouble] = read_rules(settings).troubles
    assert "pests.numbers" in trouble
    (rules / "1.rules").write_text("block list pests\n")
    [mistake] = mistakes(settings)
    assert mistake.startswith(f"{rules}/1.rules:1:12: ")
    assert "pests.numbers" in mistake


# Watching ----------------------------------------------------------------------------------------


@asynccontextmanager
async def watched(book: Rulebook) -> AsyncIterator[asyncio.Queue[list[str]]]:
    """The book is being watched; each change brings the labels that are in force from then on."""
    changes: asyncio.Queue[list[str]] = asyncio.Queue()

    async def changed() -> None:
        changes.put_nowait(labels(book))

    task = asyncio.create_task(book.watch(changed))
    try:
        async with asyncio.timeout(30):
            yield changes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def by_truncating(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)


def by_renaming(path: Path, text: str) -> None:
    path.rename(path.with_name(f"{path.name}~"))
    path.write_text(text)


def by_replacing(path: Path, text: str) -> None:
    draft = path.with_name(".draft")
    draft.write_text(text)
    draft.replace(path)


@pytest.mark.parametrize("save", [by_truncating, by_renaming, by_replacing])
async def test_a_change_is_taken_over_however_it_was_saved(
    settings: Settings, rules: Path, save: Callable[[Path, str], None]
) -> None:
    (rules / "1.rules").write_text('screen withheld "one"\n')
    book = opened(settings)
    before = book.rules
    async with watched(book) as changes:
        save(rules / "1.rules", 'screen withheld "two"\n')
        assert await changes.get() == ["two"]
    assert [rule.label for rule in before.rules] == ["one"]


async def test_a_file_that_is_being_written_is_not_read_by_half(
    settings: Settings, rules: Path
) -> None:
    """What is in force is always one of the two whole files, never the empty or the torn one."""
    (rules / "1.rules").write_text('screen withheld "old"\n')
    book = opened(settings)
    async with watched(book) as changes:
        with (rules / "1.rules").open("w") as file:
            for number in range(30):
                file.write(f'block from +1415555{number:04} "new"\nblo')
                file.flush()
                await asyncio.sleep(0.01)
                file.write("ck withheld\n")
                assert labels(book) == ["old"]
        assert len(await changes.get()) == 60
    assert book.state.mistakes == ()


async def test_broken_rules_leave_the_last_good_ones_in_force(
    settings: Settings, rules: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (rules / "1.rules").write_text('screen withheld "good"\n')
    book = opened(settings)
    since = book.state.since
    async with watched(book) as changes:
        (rules / "1.rules").write_text("scren withheld\n")
        assert await changes.get() == ["good"]
        assert book.state.mistakes[0].startswith(f"{rules}/1.rules:1:1: 'scren' is not")
        assert book.state.since == since
        shutil.rmtree(rules)
        assert await changes.get() == ["good"]
        assert list(book.state.mistakes) == [f"{rules}: cannot be read (No such file or directory)"]
        await asyncio.to_thread(rules.mkdir)
        (rules / "1.rules").write_text('screen withheld "better"\n')
        assert await changes.get() == ["better"]
        assert book.state.mistakes == ()
        assert changes.empty()
    logged = [record.getMessage() for record in caplog.records]
    assert len([line for line in logged if "'scren' is not" in line]) == 1


async def test_an_address_book_and_a_list_are_watched_too(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text('allow contacts family.vcf "all"\n')
    (rules / "family.vcf").write_text(CARD.replace(MOM, "+12125550100"))
    book = opened(settings)
    assert book.rules.judge(CALL).action is Action.SCREEN
    async with watched(book) as changes:
        (rules / "family.vcf").write_text(CARD)
        await changes.get()
        assert book.rules.judge(CALL).action is Action.ALLOW
        (settings.data / "lists").mkdir(parents=True)
        (settings.data / "lists" / "pests.numbers").write_bytes(b"torn")
        await changes.get()
        assert "pests.numbers" in book.state.loaded.troubles[0]


async def test_a_list_that_is_imported_anew_is_asked_from_then_on(
    settings: Settings, rules: Path, tmp_path: Path
) -> None:
    def imported(number: str) -> None:
        (tmp_path / "pests.txt").write_text(f"{number}\n")
        command = ["lists", "import", str(tmp_path / "pests.txt"), "--dir", str(tmp_path)]
        assert CliRunner().invoke(main, command).exit_code == 0

    imported("+12125550100")
    (rules / "1.rules").write_text("block list pests.txt\n")
    book = opened(settings)
    before = book.rules
    async with watched(book) as changes:
        imported(MOM)
        await changes.get()
    assert book.rules.judge(CALL).action is Action.BLOCK
    assert before.judge(CALL).action is Action.SCREEN  # a call in progress has the old one whole


# The last good rules -----------------------------------------------------------------------------


def test_a_start_with_broken_rules_takes_the_last_good_ones(
    settings: Settings, rules: Path
) -> None:
    (rules / "1.rules").write_text('allow contacts family.vcf "good"\n')
    (rules / "family.vcf").write_text(CARD)
    opened(settings)
    (rules / "1.rules").write_text("allw withheld\n")
    (rules / "family.vcf").unlink()
    book = opened(settings)
    assert labels(book) == ["good"]
    assert book.rules.judge(CALL).action is Action.ALLOW
    assert book.state.copied
    assert book.state.mistakes[0].startswith(f"{rules}/1.rules:1:1: ")


def test_a_copy_that_a_crash_left_half_made_is_not_taken(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text('screen withheld "good"\n')
    opened(settings)
    good = settings.data / GOOD
    # Killed while the new copy was put in the old one's place, after a part of it was copied.
    good.rename(good.with_name(f"{GOOD}.old"))
    (settings.data / f"{GOOD}.new").mkdir()
    (settings.data / f"{GOOD}.new" / "1.rules").write_text("")
    (rules / "1.rules").write_text("scren withheld\n")
    assert labels(opened(settings)) == ["good"]


def test_a_first_start_with_broken_rules_is_refused(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("alow withheld\n")
    with pytest.raises(ConfigError, match=r"1\.rules:1:1"):
        opened(settings)


def test_rules_are_in_force_though_no_copy_can_be_kept(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text('screen withheld "good"\n')
    (settings.data / f"{GOOD}.new").write_text("a file where a folder should be")
    assert labels(opened(settings)) == ["good"]


def test_the_copy_is_readable_as_the_rules_were(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("screen withheld\n")
    (rules / "1.rules").chmod(0o600)
    opened(settings)
    assert stat.S_IMODE((settings.data / GOOD / "1.rules").stat().st_mode) == 0o600


# What the owner is told --------------------------------------------------------------------------


async def test_the_owner_is_told_once_of_what_is_broken_and_anew_when_it_was_good(
    settings: Settings, rules: Path
) -> None:
    (rules / "1.rules").write_text("screen withheld\n")
    book = opened(settings)
    assert book.untold() is None
    async with watched(book) as changes:
        (rules / "1.rules").write_text("scren withheld\n")
        await changes.get()
        notice = book.untold()
        assert notice is not None
        assert notice.to == ("you@example.net",)
        assert notice.subject == "Your rules have a mistake"
        assert any(f"{rules}/1.rules:1:1: 'scren' is not" in line for line in notice.lines)
        book.told()
        assert book.untold() is None
        (rules / "1.rules").write_text("# a word\nscreen withheld\nscreen witheld\n")
        await changes.get()
        assert book.untold() is not None
        (rules / "1.rules").write_text("scren withheld\n")
        await changes.get()
        assert book.untold() is None
        assert opened(settings).untold() is None  # a restart does not forget it
        (rules / "1.rules").write_text("screen withheld\n")
        await changes.get()
        (rules / "1.rules").write_text("scren withheld\n")
        await changes.get()
        assert book.untold() is not None


def test_a_notice_of_a_thousand_mistakes_tells_the_first(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("screen withheld\n")
    opened(settings)
    (rules / "1.rules").write_text("scren withheld\n" * 1000)
    notice = opened(settings).untold()
    assert notice is not None
    assert notice.subject == "Your rules have mistakes"
    assert len(notice.lines) < 30
    assert any(line.startswith("  and ") and line.endswith(" more") for line in notice.lines)


def test_an_owner_without_an_address_is_told_nothing(write: Write, rules: Path) -> None:
    settings = load(write(PLAIN.replace("[mail]", "[mail]\nowner = []")))
    (rules / "1.rules").write_text("screen withheld\n")
    opened(settings)
    (rules / "1.rules").write_text("scren withheld\n")
    assert opened(settings).untold() is None
