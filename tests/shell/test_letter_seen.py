"""A message's mail as a browser shows it: on a telephone and a desktop, by day and in the dark."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from screener.core.enclosure import Enclosure
from screener.core.frontdoor import SoundFormat
from screener.core.letter import Letter, LetterKind, Link
from screener.core.lettermail import compose
from screener.core.rules import Action
from tests.fixtures.browser import chromium
from tests.shell.post import LETTER

if TYPE_CHECKING:
    from tests.fixtures.browser import Browser

UNTIL = datetime(2026, 12, 20, 22, 3, tzinfo=UTC)
MESSAGE = replace(
    LETTER,
    seconds=3672.0,
    ruling="screen (2-block.rules:3): not in the address book",
    transcript="hello dear it is grandma about … the garden " * 20,
    confidence=0.82,
    links=(
        Link(Action.ALLOW, "http://127.0.0.1:8190/let-in/AbC", UNTIL),
        Link(Action.BLOCK, "http://127.0.0.1:8190/block/DeF", UNTIL),
    ),
)
PART = Enclosure(SoundFormat.MP3, 1200.0, part=1, parts=3, remarks=("It is too large.",))
LINKED = Enclosure(SoundFormat.MP3, url="https://door.example.net/sound/17/" + "A" * 60)
HOSTILE = '"><script>alert(1)</script><img src=https://evil.example/x.png>' + "W" * 4000


async def shown(browser: Browser, folder: Path, letter: Letter, enclosure: Enclosure) -> str:
    """Where the HTML of the mail lies, after it was found to be whole at every width."""
    mail = compose(
        letter,
        enclosure,
        b"sound",
        sender="door@example.org",
        message_id="<17@example.org>",
        written=letter.when,
        zone=ZoneInfo("America/Los_Angeles"),
    )
    html = mail.get_body(("html",))
    assert html is not None
    page = folder / "mail.html"
    page.write_text(str(html.get_content()), encoding="utf-8")
    for width in (320, 390, 1200):
        for dark in (False, True):
            seen = await browser.show(page.as_uri(), width, dark=dark)
            assert (seen.width, seen.far) == (width, [])
            assert (seen.images, seen.scripts, seen.handlers) == ([], 0, 0)
            assert [url for url in seen.fetched if url != page.as_uri()] == []
    return page.as_uri()


@pytest.mark.parametrize(
    ("letter", "enclosure"),
    [
        (MESSAGE, PART),
        (replace(MESSAGE, kind=LetterKind.ROBOT), LINKED),
        (
            replace(
                MESSAGE,
                name=HOSTILE,
                number=HOSTILE,
                box=HOSTILE,
                why=HOSTILE,
                ruling=HOSTILE,
                transcript=HOSTILE,
            ),
            LINKED,
        ),
    ],
)
async def test_a_mail_is_seen_whole_at_every_width_and_fetches_nothing(
    tmp_path: Path, letter: Letter, enclosure: Enclosure
) -> None:
    async with chromium(tmp_path / "profile") as browser:
        await shown(browser, tmp_path, letter, enclosure)
