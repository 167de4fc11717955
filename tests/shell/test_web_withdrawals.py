"""The pages of a report's links: a rule is switched off, a recording forgotten, or neither."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import pytest_asyncio
from click.testing import CliRunner

from screener import config
from screener.campaigns import campaignfile
from screener.cli import main
from screener.core.campaign import Campaign, Standing
from screener.core.withdrawal import OFF, mark_of
from screener.mail.links import LIFE, USED, Ground
from screener.rules.rulesfolder import RulesFolder
from tests.calls.sip import free_port
from tests.fixtures.browser import chromium
from tests.shell.household import PLAIN, Write
from tests.shell.test_campaignfile import campaigns_of, kept
from tests.shell.test_web import NOT_ONE, Page, Site, served

FILE = "2-block.rules"
MEANT = 'block name "<b onclick=x>survey</b>", *poll*   "pollsters & <i>co</i>"  play busy'
RULES = f"""# My own.
block from 900*   "premium"
{MEANT}  # dear
block from 866*   "toll-free"
"""


@dataclass
class Report(Site):
    """A front door's pages, and the links of a report that names a rule and a campaign."""

    def to(self, ground: Ground, age: timedelta | None = None) -> str:
        made = datetime.now(UTC) - (age or timedelta())
        if ground is Ground.CAMPAIGN:
            return self.links.to_undo(ground, self.campaign.id.encode(), made)
        return self.links.to_undo(ground, self.mark, made)

    def __post_init__(self) -> None:
        [self.campaign] = campaigns_of(1)
        self.where = campaignfile.folder(self.settings.data)
        kept(self.where, self.campaign)
        folder = RulesFolder(self.settings.rules, "US").read()
        self.mark = mark_of(next(rule for rule in folder.rules if "pollsters" in rule.label))

    @property
    def text(self) -> str:
        return self.file.read_text()

    @property
    def file(self) -> Path:
        return self.settings.rules / FILE

    @property
    def known(self) -> Campaign | None:
        return campaignfile.read(self.where, self.campaign.id)

    def as_it_was(self) -> bool:
        return (self.text, self.known) == (RULES, self.campaign)


@pytest_asyncio.fixture
async def report(write: Write) -> AsyncIterator[Report]:
    read = config.load(write(f'{PLAIN}[web]\nlisten = "127.0.0.1:{free_port()}"\n'))
    (read.rules / FILE).write_text(RULES)
    async with served(read) as site:
        yield Report(site.settings, site.links, site.session)


def commands(page: Page) -> list[str]:
    return [unescape(code) for code in re.findall(r"<code>(.*?)</code>", page.text)]


# What a link does --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("ground", list(Ground))
async def test_following_a_link_changes_nothing_however_often(
    report: Report, method: str, ground: Ground
) -> None:
    for _ in range(3):
        page = await report.ask(method, report.to(ground))
        assert page.status == (200 if method in {"GET", "HEAD"} else 405)
    assert report.as_it_was()
    assert not (report.settings.data / USED).exists()


async def test_the_page_says_which_rule_and_the_button_makes_a_comment_of_it(
    report: Report,
) -> None:
    url = report.to(Ground.RULE)
    asked = await report.ask("GET", url)
    assert asked.title == "Switch this rule off?"
    assert "<b onclick" not in asked.text
    assert f"{MEANT}  # dear" in commands(asked)
    assert "screener rules remove 2-block.rules:3" in commands(asked)
    assert "moved" not in asked.text
    assert asked.text.count("<button") == asked.text.count('<form method="post">') == 1
    done = await report.ask("POST", url)
    assert (done.status, done.title) == (200, "This rule is switched off")
    assert report.text == RULES.replace(MEANT, OFF + MEANT)


async def test_the_command_that_the_page_names_brings_the_rule_back(report: Report) -> None:
    done = await report.ask("POST", report.to(Ground.RULE))
    [undo] = [each for each in commands(done) if each.startswith("screener rules add ")]
    words = [*shlex.split(undo)[1:], "--dir", str(report.settings.rules.parent)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert f"\n{MEANT}  # dear\n{OFF}{MEANT}" in report.text


async def test_the_page_says_which_recording_and_the_button_forgets_it(report: Report) -> None:
    url = report.to(Ground.CAMPAIGN)
    asked = await report.ask("GET", url)
    assert asked.title == "Forget this recording?"
    for said in (report.campaign.id, "unwanted", "1 call from 1 number<", "press one"):
        assert said in asked.text
    done = await report.ask("POST", url)
    assert (done.status, done.title) == (200, "This recording is forgotten")
    assert f"screener campaigns restore {report.campaign.id}" in commands(done)
    assert report.known == replace(report.campaign, standing=Standing.NEVER)


async def test_a_wanted_recording_is_brought_back_as_wanted(report: Report) -> None:
    kept(report.where, replace(report.campaign, standing=Standing.WANTED))
    done = await report.ask("POST", report.to(Ground.CAMPAIGN))
    assert f"screener campaigns restore {report.campaign.id} --wanted" in commands(done)


@pytest.mark.parametrize("ground", list(Ground))
async def test_a_link_works_once_and_says_so(report: Report, ground: Ground) -> None:
    url = report.to(ground)
    first = await asyncio.gather(*(report.ask("POST", url) for _ in range(6)))
    assert sorted(page.status for page in first) == [200] + [410] * 5
    report.file.write_text(RULES)
    kept(report.where, report.campaign)
    for method in ("GET", "POST"):
        page = await report.ask(method, url)
        assert (page.status, page.title) == (410, "This link has been used")
    assert report.as_it_was()


@pytest.mark.parametrize("ground", list(Ground))
async def test_a_link_that_has_expired_says_so(report: Report, ground: Ground) -> None:
    for method in ("GET", "POST"):
        page = await report.ask(method, report.to(ground, age=LIFE))
        assert (page.status, page.title) == (410, "This link has expired")
        assert "screener " in page.text
    assert report.as_it_was()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("ground", list(Ground))
async def test_a_forged_link_is_none(report: Report, method: str, ground: Ground) -> None:
    good = report.to(ground)
    other = report.to(Ground.RULE if ground is Ground.CAMPAIGN else Ground.CAMPAIGN)
    token = other.rpartition("/")[2]
    for url in (good[:-3] + "AAA", good[:-9], good + "A", f"{report.links.url}/{ground}/{token}"):
        page = await report.ask(method, url)
        assert (page.status, page.title) == (403, NOT_ONE), url
    assert report.as_it_was()


# What is not any more as it was ------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        MEANT.replace("*poll*", "*polls*"),
        MEANT.replace("busy", "sit"),
        f"{OFF}{MEANT}",
        'block from 800*  "others"',
        "",
    ],
)
async def test_a_rule_that_was_changed_or_removed_is_left_alone(report: Report, line: str) -> None:
    url = report.to(Ground.RULE)
    now = RULES.replace(f"{MEANT}  # dear\n", f"{line}\n" if line else "")
    report.file.write_text(now)
    for method in ("GET", "POST", "POST"):
        page = await report.ask(method, url)
        assert (page.status, page.title) == (410, "This rule is not there any more")
        assert "Nothing was changed now" in page.text
        if not line:
            assert f"{FILE}:3: block from 866*" in page.text
    assert report.text == now
    report.file.write_text(RULES)  # it is as it was: so is the link
    assert (await report.ask("POST", url)).status == 200


async def test_a_rule_that_has_moved_is_switched_off_where_it_is(report: Report) -> None:
    url = report.to(Ground.RULE)
    report.file.write_text(f"# One line more.\n{RULES}")
    asked = await report.ask("GET", url)
    assert "It has moved since the report was made" in asked.text
    assert f"{FILE}:4" in commands(asked)
    done = await report.ask("POST", url)
    assert done.status == 200
    assert report.text == f"# One line more.\n{RULES.replace(MEANT, OFF + MEANT)}"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_recording_that_is_not_known_or_forgotten_already(
    report: Report, method: str
) -> None:
    never = replace(report.campaign, standing=Standing.NEVER)
    kept(report.where, never)
    page = await report.ask(method, report.to(Ground.CAMPAIGN))
    assert (page.status, page.title) == (410, "This recording is forgotten already")
    assert report.known == never
    with campaignfile.locked(report.where):
        campaignfile.remove(report.where, [never.id])
    page = await report.ask(method, report.to(Ground.CAMPAIGN))
    assert (page.status, page.title) == (410, "This recording is not known any more")


async def test_what_cannot_be_written_leaves_the_link_good(report: Report) -> None:
    url = report.to(Ground.RULE)
    folder = report.settings.rules
    folder.rename(folder.with_name("away"))
    folder.write_text("no folder")
    page = await report.ask("POST", url)
    assert page.status in {410, 503}
    folder.unlink()
    folder.with_name("away").rename(folder)
    assert (await report.ask("POST", url)).status == 200


async def test_mistakes_elsewhere_are_said_to_hold_it_up(report: Report) -> None:
    (report.settings.rules / "3-mine.rules").write_text("blok everything\n")
    page = await report.ask("POST", report.to(Ground.RULE))
    assert page.status == 200
    assert "mistakes in the rule files" in page.text


# As it looks -------------------------------------------------------------------------------------


async def test_the_pages_are_seen_whole_at_every_width(report: Report, tmp_path: Path) -> None:
    async with chromium(tmp_path / "profile") as browser:
        for ground, heading in (
            (Ground.RULE, "Switch this rule off?"),
            (Ground.CAMPAIGN, "Forget this recording?"),
        ):
            for width in (320, 390, 1200):
                shown = await browser.show(report.to(ground), width)
                assert (shown.width, shown.far) == (width, [])
                assert heading in shown.text
                assert (shown.scripts, shown.handlers) == (0, 0)
