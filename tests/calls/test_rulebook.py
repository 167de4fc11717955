"""Rules that change while screener runs: the next call goes by them, and never by broken ones."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from screener.core.call import Outcome
from screener.core.story import CallRow
from tests.calls.patience import has_said, talk
from tests.calls.stage import BUSY_PEST, FRIEND, PEST, REPOSITORY, RULES, Stage

BLOCKED = f'block from {FRIEND} "no more" play busy\n'
BROKEN = f"{BLOCKED}blok from {PEST}\n"


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def rules(stage: Stage) -> AsyncIterator[Path]:
    """The rule file of the house; afterwards it is in force again as it was."""
    path = stage.home / "rules" / "stage.rules"
    yield path
    await stage.open()
    save(path, RULES)
    await has_said(stage, lambda now: now.rules == 4 and not now.mistakes and not now.copied)


def save(rules: Path, text: str) -> None:
    rules.write_text(text, encoding="utf-8")


async def asked(stage: Stage, *options: str) -> tuple[int, str]:
    """What `screener status` says, and its exit status."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "screener", "status", "--dir", str(stage.home), *options),
        cwd=REPOSITORY,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert err == b""
    return process.returncode or 0, out.decode()


async def refused_as_busy(stage: Stage, number: str, nth: int) -> CallRow:
    async with stage.caller(number) as call:
        assert await call.refused() == 486
    return await stage.row(within=20, number=nth)


async def rings(stage: Stage, number: str, nth: int) -> CallRow:
    async with stage.caller(number) as call:
        await call.answered()
    return await stage.row(within=20, number=nth)


async def test_the_next_call_is_decided_by_the_changed_file(stage: Stage, rules: Path) -> None:
    assert (await rings(stage, FRIEND, 1)).rule == '"Mom" (stage.rules:1)'
    save(rules, BLOCKED)
    await has_said(stage, lambda now: now.rules == 1)
    assert (await refused_as_busy(stage, FRIEND, 2)).rule == '"no more" (stage.rules:1)'


async def test_a_call_in_progress_keeps_the_rules_that_it_came_in_under(
    stage: Stage, rules: Path
) -> None:
    await stage.phones["kitchen"].will("answer", rings=3.0)
    await stage.phones["study"].will("answer", rings=3.0)
    async with stage.caller(FRIEND) as call:
        await stage.phones["kitchen"].rang(within=5)
        save(rules, BLOCKED)
        await has_said(stage, lambda now: now.rules == 1)
        await call.answered()
        await talk(stage, call)
    row = await stage.row(within=20)
    assert (row.outcome, row.rule) == (Outcome.CONNECTED, '"Mom" (stage.rules:1)')


async def test_broken_rules_leave_the_last_good_ones_in_force_and_the_owner_hears_once(
    stage: Stage, rules: Path
) -> None:
    save(rules, BROKEN)
    await has_said(stage, lambda now: bool(now.mistakes))
    assert (await rings(stage, FRIEND, 1)).rule == '"Mom" (stage.rules:1)'

    exit_status, words = await asked(stage)
    assert exit_status == 1
    assert "THE NEWEST ARE BROKEN and not in force: 1 mistake" in words
    assert f"{rules}:2:1: 'blok' is not an action" in words
    exit_status, printed = await asked(stage, "--json")
    told: dict[str, Any] = json.loads(printed)
    assert (exit_status, told["ok"], told["running"], told["pid"]) == (1, False, True, stage.pid)
    assert told["service"]["mistakes"][0].startswith(f"{rules}:2:1: ")

    letter = await stage.mail.letter(within=120)
    assert letter.subject == "Your rules have a mistake"
    assert letter.recipients == ("you@example.net",)
    assert f"{rules}:2:1: 'blok' is not an action" in letter.text

    save(rules, f"# the same, a line further\n{BROKEN}")
    await has_said(stage, lambda now: any(":3:1: " in line for line in now.mistakes))
    save(rules, BROKEN)
    await has_said(stage, lambda now: any(":2:1: " in line for line in now.mistakes))
    save(rules, BLOCKED)
    await has_said(stage, lambda now: now.rules == 1 and not now.mistakes)
    assert (await refused_as_busy(stage, FRIEND, 2)).rule == '"no more" (stage.rules:1)'
    exit_status, words = await asked(stage)
    assert exit_status == 0, words
    assert "door       +1 818 222 3333 rings family" in words
    assert "rules      1 rule of 1 file in force since" in words
    assert "calls (" in words
    assert "messages   none waiting" in words
    assert [":2:1:" in mail.text for mail in stage.mail.letters] == [True, False]


async def test_a_restart_with_broken_rules_opens_the_door_with_the_last_good_ones(
    stage: Stage, rules: Path
) -> None:
    await stage.kill()
    exit_status, words = await asked(stage)
    assert exit_status == 1
    assert words.startswith("screener is not running: it ended without a word")
    save(rules, BROKEN)
    await stage.open()
    now = await has_said(stage, lambda now: now.connected)
    assert (now.copied, now.rules, now.wrong) == (True, 4, 1)
    assert (await refused_as_busy(stage, BUSY_PEST, 1)).rule == '"pollsters" (stage.rules:3)'
    assert "the last good rules stay in force (4 of them)" in stage.log.read_text()
    assert ":2:1: " in (await stage.mail.letter(within=120)).text
    assert await stage.stop() == 0
    assert (await asked(stage))[1].startswith("screener is not running: it ended on")
