"""The weekly report of real calls: each call and each trouble of an evening is in it, and it comes
out of a real mail server."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from screener.asterisk.installation import Installation
from screener.core.call import Outcome
from tests.calls.patience import has_said, talk
from tests.calls.sip import LOOPBACK
from tests.calls.stage import FRIEND, PEST, REPOSITORY, RULES, Stage
from tests.calls.test_interruptions import until_connected_again
from tests.calls.test_rulebook import BROKEN, save

HOSTILE = "<b>Mom"


async def asked(stage: Stage, *options: str) -> str:
    """What `screener report` says of today."""
    today = datetime.now(UTC).astimezone(stage.settings.zone).date()
    days = ("--from", str(today.replace(day=1)), *options, "--dir", str(stage.home))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "screener", "report", *days),
        cwd=REPOSITORY,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    return out.decode()


async def an_evening(stage: Stage) -> None:
    """A friend whose call a phone redirects, a pest, a broken rule file, a restart of Asterisk."""
    await stage.phones["kitchen"].will("redirect", rings=0.3, contact=f"sip:study@{LOOPBACK}")
    async with stage.caller(FRIEND, name=HOSTILE) as call:
        await stage.phones["study"].answered(within=10)
        await call.answered()
        await talk(stage, call)
    await stage.row(within=20)
    async with stage.caller(PEST) as call:
        await call.refused()
    await stage.row(within=20, number=2)
    rules = stage.home / "rules" / "stage.rules"
    save(rules, BROKEN)
    await has_said(stage, lambda now: bool(now.mistakes))
    save(rules, RULES)
    await has_said(stage, lambda now: not now.mistakes)
    await stage.asterisk.restart()
    await until_connected_again(stage)


async def test_an_evening_is_reported_and_the_mail_arrives(installation: Installation) -> None:
    async with Stage(installation) as stage:
        await an_evening(stage)
        data: dict[str, Any] = json.loads(await asked(stage, "--format", "json"))
        assert data["calls"] == 2
        assert data["so_far"]
        assert data["fates"] == {"reached you": 1, "robots": 1}
        told = [each["what"] for each in data["redirects"]]
        assert told == ["kitchen redirected to study: ignored"]
        kinds = {each["kind"]: each["count"] for each in data["troubles"]}
        assert kinds.keys() == {"rules broken", "asterisk away"}
        assert [each["number"] for each in data["kept_out"]] == [PEST]
        stage.mail.forget()
        await asked(stage, "--send")
        mail = await arrived(stage)
        text, page = mail.get_body(("plain",)), mail.get_body(("html",))
        assert text is not None
        assert page is not None
        assert "Rules broken: once" in text.get_content()
        assert "kitchen redirected to study: ignored" in page.get_content()
        assert "<b>Mom" not in page.get_content()
        images = [part for part in mail.walk() if part.get_content_type() == "image/png"]
        assert len(images) == 2


async def arrived(stage: Stage) -> EmailMessage:
    """The report, once the mail server has taken it; the notice of broken rules may come before."""
    number = 1
    while True:
        letter = await stage.mail.letter(within=90, number=number)
        if "robot" in letter.subject:
            return letter.message
        number += 1


async def test_a_call_that_fails_is_a_trouble_of_the_report(stage: Stage) -> None:
    await stage.phones["study"].will("never")
    sounds = stage.settings.data / "sounds"
    elsewhere = sounds.rename(sounds.with_name("vanished"))
    try:
        async with stage.caller() as call:
            await stage.phones["kitchen"].answered(within=10)
            await call.answered()
    finally:
        elsewhere.rename(sounds)
    row = await stage.row(within=20)
    assert row.outcome == Outcome.FAILED
    data = json.loads(await asked(stage, "--format", "json"))
    [trouble] = [each for each in data["troubles"] if each["kind"] == "asterisk away"]
    assert any(f"call {row.id}: the phones rang without us" in text for text in trouble["texts"])
