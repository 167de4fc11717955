"""The rules in force: watched, and never taken over broken or by half."""

import asyncio
import gc
import shutil
import stat
import weakref
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
from screener.rules.inforce import GOOD, RulesInForce
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


def opened(settings: Settings) -> RulesInForce:
    in_force = RulesInForce(settings)
    in_force.open()
    return in_force


def labels(in_force: RulesInForce) -> list[str]:
    return [rule.label for rule in in_force.rules.rules]


def test_a_rule_expires_by_a_record_that_goes_on(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text(f'block from {MOM} "old" expires 9mo\n')
    in_force = opened(settings)
    assert in_force.rules.judge(CALL).action is Action.BLOCK
    used: dict[str, datetime] = {}
    in_force.expire_by(used)
    [rule] = in_force.rules.rules
    used[rule.key] = CALL.at - timedelta(days=400)
    assert in_force.rules.judge(CALL).action is Action.SCREEN


@asynccontextmanager
async def watched(in_force: RulesInForce) -> AsyncIterator[asyncio.Queue[list[str]]]:
    """The rules are being watched; each change brings the labels that are in force from then on."""
    changes: asyncio.Queue[list[str]] = asyncio.Queue()

    async def changed() -> None:
        changes.put_nowait(labels(in_force))

    task = asyncio.create_task(in_force.watch(changed))
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
    in_force = opened(settings)
    before = in_force.rules
    async with watched(in_force) as changes:
        save(rules / "1.rules", 'screen withheld "two"\n')
        assert await changes.get() == ["two"]
    assert [rule.label for rule in before.rules] == ["one"]


async def test_rules_that_are_out_of_force_are_forgotten_at_once(
    settings: Settings, rules: Path
) -> None:
    """By the thread that read the new ones: a call must not wait for it."""
    (rules / "1.rules").write_text('screen withheld "one"\n' * 3000)
    in_force = opened(settings)
    usual, old = gc.get_threshold(), weakref.ref(in_force.rules)
    async with watched(in_force) as changes:
        (rules / "1.rules").write_text('screen withheld "two"\n')
        assert await changes.get() == ["two"]
        assert old() is None
    assert gc.get_threshold() == usual


async def test_a_file_that_is_being_written_is_not_read_by_half(
    settings: Settings, rules: Path
) -> None:
    """What is in force is always one of the two whole files, never the empty or the torn one."""
    (rules / "1.rules").write_text('screen withheld "old"\n')
    in_force = opened(settings)
    async with watched(in_force) as changes:
        with (rules / "1.rules").open("w") as file:
            for number in range(30):
                file.write(f'block from +1415555{number:04} "new"\nblo')
                file.flush()
                await asyncio.sleep(0.01)
                file.write("ck withheld\n")
                assert labels(in_force) == ["old"]
        assert len(await changes.get()) == 60
    assert in_force.state.mistakes == ()


async def test_broken_rules_leave_the_last_good_ones_in_force(
    settings: Settings, rules: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (rules / "1.rules").write_text('screen withheld "good"\n')
    in_force = opened(settings)
    since = in_force.state.since
    async with watched(in_force) as changes:
        (rules / "1.rules").write_text("scren withheld\n")
        assert await changes.get() == ["good"]
        assert in_force.state.mistakes[0].startswith(f"{rules}/1.rules:1:1: 'scren' is not")
        assert in_force.state.since == since
        shutil.rmtree(rules)
        assert await changes.get() == ["good"]
        assert list(in_force.state.mistakes) == [
            f"{rules}: cannot be read (No such file or directory)"
        ]
        await asyncio.to_thread(rules.mkdir)
        (rules / "1.rules").write_text('screen withheld "better"\n')
        assert await changes.get() == ["better"]
        assert in_force.state.mistakes == ()
        assert changes.empty()
    logged = [record.getMessage() for record in caplog.records]
    assert len([line for line in logged if "'scren' is not" in line]) == 1


async def test_an_address_book_and_a_list_are_watched_too(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text('allow contacts family.vcf "all"\n')
    (rules / "family.vcf").write_text(CARD.replace(MOM, "+12125550100"))
    in_force = opened(settings)
    assert in_force.rules.judge(CALL).action is Action.SCREEN
    async with watched(in_force) as changes:
        (rules / "family.vcf").write_text(CARD)
        await changes.get()
        assert in_force.rules.judge(CALL).action is Action.ALLOW
        (settings.data / "lists").mkdir(parents=True)
        (settings.data / "lists" / "pests.numbers").write_bytes(b"torn")
        await changes.get()
        assert "pests.numbers" in in_force.state.loaded.troubles[0]


async def test_a_list_that_is_imported_anew_is_asked_from_then_on(
    settings: Settings, rules: Path, tmp_path: Path
) -> None:
    def imported(number: str) -> None:
        (tmp_path / "pests.txt").write_text(f"{number}\n")
        command = ["lists", "import", str(tmp_path / "pests.txt"), "--dir", str(tmp_path)]
        assert CliRunner().invoke(main, command).exit_code == 0

    imported("+12125550100")
    (rules / "1.rules").write_text("block list pests.txt\n")
    in_force = opened(settings)
    before = in_force.rules
    async with watched(in_force) as changes:
        imported(MOM)
        await changes.get()
    assert in_force.rules.judge(CALL).action is Action.BLOCK
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
    in_force = opened(settings)
    assert labels(in_force) == ["good"]
    assert in_force.rules.judge(CALL).action is Action.ALLOW
    assert in_force.state.copied
    assert in_force.state.mistakes[0].startswith(f"{rules}/1.rules:1:1: ")


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
    in_force = opened(settings)
    assert in_force.untold() is None
    async with watched(in_force) as changes:
        (rules / "1.rules").write_text("scren withheld\n")
        await changes.get()
        notice = in_force.untold()
        assert notice is not None
        assert notice.to == ("you@example.net",)
        assert notice.subject == "Your rules have a mistake"
        assert any(f"{rules}/1.rules:1:1: 'scren' is not" in line for line in notice.lines)
        in_force.told()
        assert in_force.untold() is None
        (rules / "1.rules").write_text("# a word\nscreen withheld\nscreen witheld\n")
        await changes.get()
        assert in_force.untold() is not None
        (rules / "1.rules").write_text("scren withheld\n")
        await changes.get()
        assert in_force.untold() is None
        assert opened(settings).untold() is None  # a restart does not forget it
        (rules / "1.rules").write_text("screen withheld\n")
        await changes.get()
        (rules / "1.rules").write_text("scren withheld\n")
        await changes.get()
        assert in_force.untold() is not None


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
