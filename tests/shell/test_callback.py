"""Calls back that callers ask for: a mail that is kept, and a text message that may fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.asterisk.client import Client
from screener.calls.callback import pass_on
from screener.core.callback import Request
from screener.core.frontdoor import MessageBox
from screener.core.notice import Notice
from screener.mail.outbox import Outbox
from tests.calls.sip import free_port
from tests.shell.post import MailServer, settings

BOX = MessageBox("calls", ("you@example.net",))
REQUEST = Request(
    *("+14155550100", 7, "+18055550142", "Ann", "+18182223333"),
    *("Friday 20 November 2026, 14:03", "the caller keyed 7"),
)


@pytest.fixture
def outbox(tmp_path: Path, server: MailServer) -> Outbox:
    return Outbox(tmp_path / "outbox", settings(server))


@pytest.fixture
def nobody() -> Client:
    """An Asterisk that is not there."""
    return Client(f"http://127.0.0.1:{free_port()}/ari", "screener", "secret", "screener")


async def test_the_mail_is_kept_before_anything_else(outbox: Outbox, nobody: Client) -> None:
    async with nobody as client:
        assert await pass_on(REQUEST, BOX, outbox, client)
    [item] = outbox.items()
    assert item.record is not None
    assert item.record.letter == Notice(BOX.mail, REQUEST.subject, REQUEST.lines)


async def test_a_text_message_that_cannot_be_sent_costs_nothing_but_itself(
    outbox: Outbox, nobody: Client, caplog: pytest.LogCaptureFixture
) -> None:
    box = MessageBox("calls", BOX.mail, notify="PJSIP/kitchen")
    async with nobody as client:
        assert await pass_on(REQUEST, box, outbox, client)
    assert len(outbox.items()) == 1
    assert "call 7: no text message to PJSIP/kitchen" in caplog.text


async def test_a_request_that_cannot_be_kept_is_told(
    outbox: Outbox, nobody: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    new = tmp_path / "outbox" / "new"
    new.rmdir()
    new.write_text("in the way")
    async with nobody as client:
        assert not await pass_on(REQUEST, BOX, outbox, client)
    assert "call 7: the number was not kept" in caplog.text
