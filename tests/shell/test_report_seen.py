"""The weekly report of a made-up quarter, as a browser shows the mail: on a telephone and on a
desktop, by day and in the dark. Hostile callers write and speak in it, too."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from screener.core.call import Outcome
from screener.core.reckoning import gather
from screener.core.report import Past, Recording, Report
from screener.core.reportparts import Undoing, Way
from screener.core.story import CallRow
from screener.core.withdrawal import SwitchOff
from screener.report.reporting import mail_of, page_of
from tests.fixtures import quarter
from tests.fixtures.browser import Browser, chromium


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as opened:
        yield opened


SPOKEN = "call me <b onclick=x>back</b>\u202e at once " * 90
"""Four thousand characters of a transcript."""

PARTS = (
    *("Who gave up", "Without a word", "Messages", "Wanted robots", "Weeks compared"),
    *("When they called", "Kept from the phones", "Campaigns", "Strangers who reached you"),
    *("Other calls", "What your rules decided", "What gave robots away"),
    *("Redirects of your phones", "Not delivered", "Troubles", "Deleted, as your settings say"),
)
"""The headings of all that a report can hold, in their order."""


RECORDED = (Outcome.MESSAGE, Outcome.FAILED)
"""Messages are kept of calls that broke off, too."""


def seldom() -> Iterator[CallRow]:
    """Calls of a kind that few weeks have."""
    row = CallRow(
        *(0, "", quarter.LAST.since(quarter.ZONE) + timedelta(days=6, hours=19), quarter.DID),
        *("+18185550190", quarter.HOSTILE),
        seconds=40.0,
    )
    screened = replace(row, ruled="screen")
    why = f"wanted robot: {SPOKEN}"
    yield replace(screened, outcome=Outcome.MESSAGE, verdict="wanted robot", reason=why)
    yield replace(screened, outcome=Outcome.TREATED, answered_by="study", reason="key 9")
    yield replace(screened, outcome=Outcome.UNANSWERED, reason="nobody came to the door")
    yield replace(row, outcome=Outcome.REDIRECTED, ruled="send 200", reason='"nights" (1.rules:7)')
    yield replace(screened, outcome=Outcome.FAILED, reason="Asterisk: no such channel")
    yield replace(
        row,
        outcome=Outcome.CONNECTED,
        answered_by="kitchen",
        shadow=True,
        ruled="block refuse 607",
        redirects=(f"mobile redirected to {quarter.HOSTILE}: ignored",),
    )


def whole() -> Report:
    """The last week before it is over, with all that a report can hold."""
    made = quarter.rows()
    week = list(quarter.week(made))
    week += [replace(row, id=made[-1].id + n) for n, row in enumerate(seldom(), 1)]
    said = Recording(3725.0, "family <b>", SPOKEN)
    before = [
        Past(str(n), gather(quarter.LAST, quarter.week(made, n), quarter.ZONE).fates)
        for n in range(7, 0, -1)
    ]
    return gather(
        quarter.LAST,
        week,
        quarter.ZONE,
        events=quarter.events(),
        before=before,
        recordings={row.id: said for row in week if row.outcome in RECORDED},
        undelivered=2,
        heard={row.id for row in week},
        so_far=True,
    )


TOLD = (
    *("Switch off \xa0screener rules remove reported", "no rule matches: screened\n"),
    "Forget it \xa0screener campaigns forget k3bq7xza",
    "Shadow mode: 1 call rang whatever your rules say; they would have turned away 1.",
    "Sun 15 Nov 19:00, 1:02:05 h, for family <b>",
    '"call me <b onclick=x>back</b>\\u202e at once call me',
    "(written down by a machine)",
    "What he said is attached: call 696.mp3",
    "1 turned away by you, 1 not answered, 1 sent elsewhere, 1 ended in trouble",
    "1 message came of calls that broke off",
    "41 recordings of a caller",
)


def way_of(undo: Undoing) -> Way:
    command = "screener rules remove reported" if isinstance(undo, SwitchOff) else undo.command
    url = f"https://door.example.net/let-in/{'A' * 44}?{command.replace(' ', '+')}"
    return Way(url, command)


def as_shown(mail: EmailMessage) -> str:
    """The page of a mail with its pictures in it, as a mail program puts them there."""
    body = mail.get_body(("html",))
    assert isinstance(body, EmailMessage)
    html: str = body.get_content()
    for part in mail.walk():
        if cid := part["Content-ID"]:
            png = b64encode(part.get_content()).decode("ascii")
            html = html.replace(f"cid:{cid.strip('<>')}", f"data:image/png;base64,{png}")
    return html


async def test_the_report_is_seen_whole_at_every_width_and_fetches_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    report = whole()
    clips = {caller.heard[0]: b"mp3" for caller in report.gave_up}
    mail = mail_of(report, quarter.ZONE, way_of, clips)
    page.write_text(as_shown(mail), encoding="utf-8")
    address = page.as_uri()
    for width in (320, 390, 1200):
        seen = {dark: await browser.show(address, width, dark=dark) for dark in (False, True)}
        for shown in seen.values():
            assert (shown.width, shown.far) == (width, [])
            assert tuple(shown.headings) == ("Week 46, 9 to 15 November 2026, so far", *PARTS)
            for told in TOLD:
                assert told in shown.text
            assert [wide > 0 for _, wide in shown.images] == [True, True]
            assert all(alt.startswith("Calls by ") for alt, _ in shown.images)
            remote = [url for url in shown.fetched if not url.startswith((address, "data:image/"))]
            assert remote == []
            assert (shown.scripts, shown.handlers) == (0, 0)
        assert brightness(seen[False].sheet) - brightness(seen[False].ink) > 200
        assert brightness(seen[True].ink) - brightness(seen[True].sheet) > 180


async def test_a_picture_that_is_not_there_and_what_stands_out_would_be_noticed(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    html = page_of(whole(), quarter.ZONE, way_of).replace("data:image/png;base64,iVB", "data:,")
    wide = '<p style="width:700px">wide</p><img src="http://127.0.0.1:9/x.png" alt="">'
    page.write_text(html.replace("</body>", wide + "</body>"), encoding="utf-8")
    seen = await browser.show(page.as_uri(), 390)
    assert seen.width > 390
    assert [wide for _, wide in seen.images] == [0, 0, 0]
    assert "http://127.0.0.1:9/x.png" in seen.fetched


def brightness(colour: str) -> float:
    """The mean of "rgb(1, 2, 3)"."""
    parts = colour.removeprefix("rgb(").removesuffix(")").split(",")
    return sum(map(float, parts)) / len(parts)
