"""Reports of what is on disk, the rows and the messages: as data, as a mail, as a page.

Nothing here is for the event loop: a report reads a week's calls and draws pictures (a second).
"""

from __future__ import annotations

import logging
import shlex
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from email.message import EmailMessage
from email.policy import SMTP

from screener.calls.heardaudio import HeardAudio
from screener.config import Settings
from screener.core import amendment, reckoning, reporthtml, reporttext
from screener.core.callerid import shown
from screener.core.delivery import State
from screener.core.frontdoor import nothing
from screener.core.headline import subject
from screener.core.report import Past, Recording, Report
from screener.core.reportparts import NAMED, Undo, Undoing, Way, clip_name
from screener.core.reporttext import WayOf
from screener.core.rules import Rule
from screener.core.story import CallRow
from screener.core.week import Period
from screener.core.withdrawal import Forget, SwitchOff, mark_of, titled
from screener.errors import ScreenerError
from screener.mail.links import MARKS, Ground, Links
from screener.messages.inbox import Kept, Messages
from screener.records.calllog import DATABASE
from screener.records.reportlog import ReportLog
from screener.report import charts
from screener.report.snippets import snippet
from screener.rules.rulesfolder import RulesFolder

log = logging.getLogger(__name__)

WEEKS_BEFORE = 7
"""So many weeks, or stretches of as many days, stand beside the one that is reported."""
_LABEL = 100  # characters of a label that somebody can be asked to type
_CLIPS = 6  # of 60 kB at most: they go through any mail server


def report_of(settings: Settings, period: Period, now: datetime) -> Report:
    """The report of a period as of `now`. Raises StoreError, OutboxError."""
    zone = settings.zone
    since, until = period.since(zone), period.until(zone)
    so_far = now < until
    database = settings.data / DATABASE
    if not database.exists():
        return reckoning.gather(period, (), zone, so_far=so_far)
    messages = [
        each for each in Messages(settings.data / "outbox").all() if each.letter.when < until
    ]
    with ReportLog(database) as log:
        return reckoning.gather(
            period,
            log.between(since, until),
            zone,
            events=log.events(since, until),
            before=_before(log, period, zone),
            recordings=_recordings(kept for kept in messages if since <= kept.letter.when),
            heard=HeardAudio(settings.data, settings.keep.heard.total_seconds()).numbers(),
            undelivered=sum(kept.state is State.FAILED for kept in messages),
            so_far=so_far,
        )


def calls_of(settings: Settings, period: Period) -> list[CallRow]:
    """The calls of a period, in the order in which they came in. Raises StoreError."""
    database = settings.data / DATABASE
    if not database.exists():
        return []
    with ReportLog(database) as log:
        return list(log.between(period.since(settings.zone), period.until(settings.zone)))


def _before(log: ReportLog, period: Period, zone: tzinfo | None) -> list[Past]:
    """The fates of the periods before; none from before the first call."""
    first = log.first()
    return [
        Past(each.name, log.fates(each.since(zone), each.until(zone)))
        for each in period.earlier(WEEKS_BEFORE)
        if first is not None and first < each.until(zone)
    ]


def _recordings(messages: Iterable[Kept]) -> Mapping[int, Recording]:
    """What the report says of messages that lie in the outbox still, by their calls."""
    found = {}
    for kept in messages:
        letter = kept.letter
        heard = kept.transcript
        said = heard.shown() if heard is not None else letter.transcript
        if letter.call:  # else its call is no row of the report
            found[letter.call] = Recording(kept.seconds, letter.box, said)
    return found


def clips_of(settings: Settings, report: Report) -> dict[int, bytes]:
    """What those said who gave up, the newest call of each, as MP3 by the calls; a few of them."""
    heard = HeardAudio(settings.data, settings.keep.heard.total_seconds())
    calls = [caller.heard[0] for caller in report.gave_up[:NAMED] if caller.heard]
    found = {}
    for call in sorted(calls, reverse=True)[:_CLIPS]:
        clip = snippet(heard.path(call))
        if clip is not None:
            found[call] = clip
    return found


def links_of(settings: Settings) -> Links:
    """The links of a front door's mails. Raises LinkError."""
    links = Links(settings.data)
    if settings.web.listen is not None:
        links.open()
        links.url = settings.web.url
    return links


def undoing(settings: Settings, links: Links, now: datetime) -> WayOf:
    """The pages and commands that undo decisions; none for a rule that is there no more. Made on
    the same day (UTC) under the same rules, they are the same, so that the same report is."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = day + timedelta(days=1)
    rules = _rules_of(settings)

    def way_of(undo: Undoing) -> Way:
        match undo:
            case Undo(action, call, number):
                offered = links.offered(call, number, since)
                url = next((link.url for link in offered if link.action is action), "")
                return Way(url, undo.command)
            case SwitchOff(title):
                rule = titled(rules, title)
                if rule is None:
                    return Way()
                url = links.to_undo(Ground.RULE, mark_of(rule), since)
                return Way(url, _removing(rule, rules, settings.country))
            case Forget(campaign):
                mark = campaign.encode()
                fits = len(mark) == MARKS[Ground.CAMPAIGN]
                url = links.to_undo(Ground.CAMPAIGN, mark, since) if fits else ""
                return Way(url, undo.command)

    return way_of


def _removing(rule: Rule, rules: Sequence[Rule], country: str) -> str:
    """The command that takes this rule out; "" where none is sure to.

    It asks nothing, and may be typed when the mail is days old: by its label it means this rule
    wherever that stands by then, and no other.
    """
    label = rule.label
    typed = shown(label, _LABEL) == label and not label.startswith("-")
    if not typed or amendment.meant(rules, label, country) != [(rule, None)]:
        return ""
    return f"screener rules remove {shlex.quote(label)}"


def _rules_of(settings: Settings) -> tuple[Rule, ...]:
    """The rules as they are now; none where their files cannot be read."""
    try:
        return RulesFolder(settings.rules, settings.country).read().rules
    except ScreenerError as unreadable:
        log.warning("the report cannot say how rules are switched off: %s", unreadable)
        return ()


def mail_of(
    report: Report,
    zone: tzinfo | None,
    way_of: WayOf,
    clips: Mapping[int, bytes] = nothing(),
    draw: Callable[[Report], Mapping[str, bytes]] = charts.draw,
) -> EmailMessage:
    """The report as a mail: a text, a page that says the same, the pictures in it as `draw` makes
    them, what was heard in calls (MP3). Who it is from and for says the outbox."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = subject(report)
    mail.set_content(reporttext.tell(report, zone, way_of, clips), cte="quoted-printable")
    mail.add_alternative(
        reporthtml.page(report, zone, way_of, clips), subtype="html", cte="quoted-printable"
    )
    page = mail.get_payload()[1]  # type: ignore[index]
    assert isinstance(page, EmailMessage)
    for name, png in draw(report).items():
        page.add_related(
            png,
            maintype="image",
            subtype="png",
            cid=f"<{reporthtml.content_id(name)}>",
            filename=f"{name}.png",
            disposition="inline",
        )
    for call, mp3 in clips.items():
        mail.add_attachment(mp3, maintype="audio", subtype="mpeg", filename=clip_name(call))
    return mail


def page_of(report: Report, zone: tzinfo | None, way_of: WayOf) -> str:
    """The report as a page by itself, its pictures in it."""
    html = reporthtml.page(report, zone, way_of)
    for name, png in charts.draw(report).items():
        data = f"data:image/png;base64,{b64encode(png).decode('ascii')}"
        html = html.replace(f'src="cid:{reporthtml.content_id(name)}"', f'src="{data}"')
    return html
