"""What the links of a report open: a rule is switched off, a campaign is forgotten.

As everywhere here a GET shows, the button does, and a link works once. What it was made for may be
gone or changed by now: then that is said, nothing is changed, and the link is not used up.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from datetime import UTC, datetime

from aiohttp import web

from screener.campaigns import campaignfile
from screener.campaigns.learning import judge
from screener.config import Settings
from screener.core import campaign, withdrawal
from screener.core.callerid import shown
from screener.core.campaign import Campaign
from screener.core.rules import Rule
from screener.errors import ScreenerError
from screener.mail.links import Ground, Links, Standing, Withdrawal
from screener.rules.rulesfolder import Contents, RulesFolder
from screener.web import pages
from screener.web.answers import forged, html

log = logging.getLogger(__name__)

_LINE = 500  # characters of a rule
_OK, _GONE = 200, 410
_Page = tuple[int, str]


class Withdrawals:
    """The pages that take back what a report names; `one` is held while something is changed."""

    def __init__(self, settings: Settings, links: Links, one: asyncio.Lock) -> None:
        self._settings = settings
        self._links = links
        self._one = one
        self._folder = RulesFolder(settings.rules, settings.country)
        self._campaigns = campaignfile.folder(settings.data)

    def routes(self) -> list[web.RouteDef]:
        path = "/{ground:" + "|".join(Ground) + "}/{token}"
        return [web.get(path, self._ask), web.post(path, self._do)]

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        """Show what would be done. Changes nothing."""
        asked = self._asked(request)
        if asked is None:
            return forged()
        return html(*await asyncio.to_thread(self._shown, asked))

    async def _do(self, request: web.Request) -> web.StreamResponse:
        """Do it: the button was pressed."""
        asked = self._asked(request)
        if asked is None:
            return forged()
        async with self._one:
            # To its end, whoever hangs up meanwhile: a link is not used up by half a change.
            return html(*await asyncio.shield(asyncio.to_thread(self._done, asked)))

    def _asked(self, request: web.Request) -> Withdrawal | None:
        ground = Ground(request.match_info["ground"])
        return self._links.withdrawal(ground, request.match_info["token"])

    def _shown(self, asked: Withdrawal) -> _Page:
        standing = self._links.standing(asked, datetime.now(UTC))
        if standing is not Standing.GOOD:
            return _over(asked, standing)
        zone = self._settings.zone
        if asked.ground is Ground.CAMPAIGN:
            known = self._campaign(asked)
            if known is None or known.standing is campaign.Standing.NEVER:
                return _no_campaign(asked, known)
            return _OK, pages.ask_to_forget(known, asked.until, zone)
        contents = self._folder.read()
        rule = withdrawal.marked(contents.rules, asked.mark)
        if rule is None:
            return _no_rule(asked, contents)
        line, moved = _line(contents, rule), withdrawal.moved(rule, asked.mark)
        return _OK, pages.ask_to_switch_off(line, rule.place, asked.until, zone, moved=moved)

    def _done(self, asked: Withdrawal) -> _Page:
        """Use the link, and do what it says; where that cannot be, it works again."""
        standing = self._links.use(asked, datetime.now(UTC))
        if standing is not Standing.GOOD:
            return _over(asked, standing)
        try:
            act = self._forget if asked.ground is Ground.CAMPAIGN else self._switch_off
            status, page = act(asked)
        except ScreenerError:
            self._links.take_back(asked)
            raise
        if status != _OK:
            self._links.take_back(asked)
        return status, page

    def _switch_off(self, asked: Withdrawal) -> _Page:
        contents = self._folder.read()
        rule = withdrawal.marked(contents.rules, asked.mark)
        if rule is None:
            return _no_rule(asked, contents)
        self._folder.switch_off(rule, contents.line(rule))
        line = _line(contents, rule)
        log.info("a link was used: switched off %s (%s)", line, rule.place)
        whole = shlex.quote(contents.line(rule).strip())
        back = f"--file {shlex.quote(rule.file)} --line {rule.line} {whole}"
        undo = f"screener rules add {back}"
        return _OK, pages.switched_off(line, rule.place, undo, broken=bool(contents.mistakes))

    def _forget(self, asked: Withdrawal) -> _Page:
        known = self._campaign(asked)
        if known is None or known.standing is campaign.Standing.NEVER:
            return _no_campaign(asked, known)
        judge(self._campaigns, known.id, campaign.Standing.NEVER)
        log.info("a link was used: campaign %s is forgotten", known.id)
        return _OK, pages.forgotten(f"{_restore(known.id)}{' --wanted' * known.wanted}")

    def _campaign(self, asked: Withdrawal) -> Campaign | None:
        return campaignfile.read(self._campaigns, asked.mark.decode("ascii"))


def _line(contents: Contents, rule: Rule) -> str:
    return shown(contents.line(rule).strip(), _LINE)


def _restore(name: str) -> str:
    return f"screener campaigns restore {name}"


def _over(asked: Withdrawal, standing: Standing) -> _Page:
    """The link does not work any more."""
    used = standing is Standing.USED
    title = "This link has been used" if used else "This link has expired"
    said = "Each link works once." if used else "Nothing was changed."
    if asked.ground is Ground.CAMPAIGN:
        name = asked.mark.decode("ascii")
        undo = f"`{_restore(name)}` takes back what it did."
        now = undo if used else f"`screener campaigns forget {name}` does what it would have done."
    elif used:
        now = "The rule that it switched off stands in its file as a comment, unless somebody has"
        now += " changed that since."
    else:
        now = "`screener rules list` shows the rules, and `screener rules remove` takes one out."
    return _GONE, pages.sentences(title, said, now)


def _no_rule(asked: Withdrawal, contents: Contents) -> _Page:
    """The rule is not there any more as it was: it is not guessed which other one is meant."""
    told = ["It was changed, switched off or removed since the report was made. Nothing was changed"
            " now."]  # fmt: skip
    other = withdrawal.in_its_place(contents.rules, asked.mark)
    if other is not None:
        told.append(f"Where it stood stands now, at {other.place}: {_line(contents, other)}")
    told.append("`screener rules list` shows all rules.")
    return _GONE, pages.sentences("This rule is not there any more", *told)


def _no_campaign(asked: Withdrawal, known: Campaign | None) -> _Page:
    if known is None:
        told = f"Nothing is known of {asked.mark.decode('ascii')} any more. Nothing was changed."
        return _GONE, pages.sentences("This recording is not known any more", told)
    told = f"Nothing was changed. `{_restore(known.id)}` has it known again."
    return _GONE, pages.sentences("This recording is forgotten already", told)
