"""The weekly report: what its words count, what is in it, and that strangers write nothing else."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.core import reportdata, reporthtml, reporttext
from screener.core.call import Outcome
from screener.core.course import HUNG_UP_SILENT
from screener.core.event import Event, EventKind
from screener.core.fate import Fate, fate
from screener.core.headline import headline, subject, title
from screener.core.reckoning import gather, kind_of
from screener.core.report import LEAST_SPARED, MOST_SPARED, Past, Recording, Report
from screener.core.reportparts import Undoing, Way
from screener.core.reportpicture import SHOWN, bars, calls_told, hours_told
from screener.core.rules import Action
from screener.core.story import CallRow
from screener.core.week import Period, week_named
from screener.core.withdrawal import Forget, SwitchOff
from tests.fixtures import quarter

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = week_named("2026-W46")
AT = datetime(2026, 11, 11, 9, 30, tzinfo=UTC)  # a Wednesday, 10:30 in Berlin
NUMBER = "+18055550142"


def call(number: int, outcome: str, **more: object) -> CallRow:
    row = CallRow(number, f"c{number}", AT, "+18182223333", NUMBER, ruled="screen")
    return replace(row, ended=AT, outcome=outcome, seconds=30.0, **more)  # type: ignore[arg-type]


def of(*rows: CallRow, **more: object) -> Report:
    return gather(WEEK, rows, BERLIN, **more)  # type: ignore[arg-type]


REACHED = call(1, Outcome.CONNECTED, answered_by="kitchen")
ROBOT = call(2, Outcome.TREATED, verdict="unwanted robot", reason="unwanted robot: talked on")
MESSAGE = call(3, Outcome.MESSAGE, verdict="unsure", reason="unsure: talked")
GAVE_UP = call(4, Outcome.GAVE_UP, verdict="unsure", reason="the caller hung up while being asked")
WORDLESS = call(5, Outcome.SILENT, verdict="silent", reason=f"{HUNG_UP_SILENT} while being asked")


# What the words count ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "became"),
    [
        (REACHED, Fate.REACHED),
        (replace(REACHED, verdict="unwanted robot"), Fate.REACHED),
        (MESSAGE, Fate.MESSAGE),
        (replace(MESSAGE, outcome=Outcome.ASKED_BACK), Fate.MESSAGE),
        (replace(MESSAGE, verdict="wanted robot"), Fate.REMINDER),
        (ROBOT, Fate.ROBOT),
        (replace(ROBOT, verdict=""), Fate.ROBOT),
        (replace(ROBOT, answered_by="kitchen"), Fate.DECLINED),
        (GAVE_UP, Fate.GAVE_UP),
        (replace(GAVE_UP, verdict="unwanted robot"), Fate.ROBOT),
        (replace(GAVE_UP, outcome=Outcome.NO_MESSAGE), Fate.GAVE_UP),
        (call(5, Outcome.SILENT, reason="nothing was said, asked twice"), Fate.ROBOT),
        (call(5, Outcome.SILENT, reason=f"{HUNG_UP_SILENT} while being asked"), Fate.WORDLESS),
        (call(5, Outcome.UNANSWERED), Fate.MISSED),
        (call(5, Outcome.REDIRECTED), Fate.ELSEWHERE),
        (call(5, Outcome.FAILED), Fate.FAILED),
        (call(5, Outcome.LOST), Fate.FAILED),
        (call(5, ""), Fate.OPEN),
    ],
)
def test_each_call_has_one_fate(row: CallRow, became: Fate) -> None:
    assert fate(row.outcome, row.verdict, row.answered_by, row.reason) is became
    assert of(row).fates == {became: 1}


def test_no_outcome_is_forgotten() -> None:
    known = {each for each in Outcome if fate(each, "", "", "") is not Fate.FAILED}
    assert set(Outcome) - known == {Outcome.FAILED, Outcome.LOST}


def test_the_first_sentence_says_how_many_and_what_was_spared() -> None:
    rows = [REACHED, REACHED, MESSAGE, GAVE_UP, *[replace(ROBOT, seconds=50.0)] * 26]
    assert headline(of(*rows)) == (
        "This week 30 calls: 2 people reached you, 26 robots did not, 1 message, 1 gave up;"
        " the phone was spared 26 rings and about 22 minutes."
    )
    assert subject(of(*rows)) == "Week 46: 30 calls, 1 gave up, 1 message, 26 robots kept out"


def test_where_nobody_reached_you_the_robots_did_not_do_what_nobody_did() -> None:
    assert headline(of(ROBOT, MESSAGE)).startswith(
        "This week 2 calls: 1 robot was kept out, 1 message"
    )
    two = headline(of(ROBOT, replace(ROBOT, id=9)))
    assert two.startswith("This week 2 calls: 2 robots were kept out;")


def test_the_sentence_and_the_picture_call_trouble_the_same() -> None:
    report = of(call(9, Outcome.FAILED, reason="Asterisk is away"))
    assert "1 ended in trouble" in headline(report)
    assert "9 Nov: 1 (1 ended in trouble)" in calls_told(report)


@pytest.mark.parametrize(
    "broke_off",
    [
        call(9, Outcome.FAILED, reason="Asterisk is away"),
        call(9, Outcome.LOST, reason="screener stopped in the middle of this call"),
        replace(GAVE_UP, id=9),
        call(9, Outcome.GAVE_UP, verdict="unwanted robot"),
    ],
)
def test_a_message_of_a_call_that_broke_off_is_told_and_counted(broke_off: CallRow) -> None:
    kept = {9: Recording(12.0, "office", "please ring me at noon"), 3: Recording(5.0, "office")}
    report = of(MESSAGE, broke_off, recordings=kept)
    assert [each.caller.call for each in report.messages] == [9, 3]
    assert report.calls == 2
    assert "; 1 message came of calls that broke off" in headline(report)
    assert ", 2 messages" in subject(report)
    text = " ".join(reporttext.tell(report, BERLIN).split())
    assert "please ring me at noon" in text
    assert reportdata.as_json(report, BERLIN)["messages_of_calls_that_broke_off"] == 1
    assert "broke off" not in headline(of(MESSAGE, broke_off, recordings={3: kept[3]}))


@pytest.mark.parametrize("rows", [(), (REACHED,)])
def test_messages_that_nobody_got_are_told_even_where_nobody_called(
    rows: tuple[CallRow, ...],
) -> None:
    report = of(*rows, undelivered=3)
    text = " ".join(reporttext.tell(report, BERLIN).split())
    assert "3 messages could not be mailed" in text
    assert "screener outbox list --state failed" in text
    assert "screener outbox list --state failed" in reporthtml.page(report, BERLIN)
    assert "Enjoy the quiet" not in text
    assert not report.empty
    assert "could not be mailed" not in reporttext.tell(of(*rows), BERLIN)


@pytest.mark.parametrize(
    ("seconds", "counted"),
    [(None, LEAST_SPARED), (0.4, LEAST_SPARED), (45.0, 45.0), (3600.0, MOST_SPARED)],
)
def test_a_robots_call_costs_what_it_took_within_bounds(
    seconds: float | None, counted: float
) -> None:
    assert of(replace(ROBOT, seconds=seconds)).spared_seconds == counted


def test_in_shadow_mode_nothing_is_spared_and_the_report_says_what_would_have_been() -> None:
    rang = replace(REACHED, shadow=True, ruled="block play sit")
    report = of(rang, replace(rang, id=2, ruled="screen"))
    assert (report.spared_rings, report.shadow, report.would_block) == (0, 2, 1)
    told = " ".join(reporttext.tell(report, BERLIN).split())
    assert "2 calls rang whatever your rules say; they would have turned away 1." in told


def test_a_quiet_week_says_so_kindly_and_one_that_goes_on_says_so_far() -> None:
    report = of(so_far=True)
    text = reporttext.tell(report, BERLIN)
    assert headline(report) == "This week so far nobody called."
    assert "Enjoy the quiet." in text
    assert "so far" in title(report)
    assert "Enjoy the quiet." in reporthtml.page(report, BERLIN)
    assert subject(report) == "Week 46 so far: nobody called"


def test_the_title_names_the_days() -> None:
    assert title(of()) == "Week 46, 9 to 15 November 2026"
    turn = gather(week_named("2026-W53"), (), BERLIN)
    assert title(turn) == "Week 53, 28 December 2026 to 3 January 2027"
    day = Period(WEEK.first, WEEK.first)
    assert title(gather(day, (), BERLIN)) == "9 November 2026"


# What is in it -----------------------------------------------------------------------------------


def test_callers_are_grouped_by_number_and_the_newest_call_speaks_for_them() -> None:
    newest = replace(ROBOT, id=9, name="CAR WARRANTY", started=AT + timedelta(hours=2))
    other = replace(ROBOT, id=5, number="+18665550101")
    report = of(ROBOT, other, newest, heard={2, 9})
    first, second = report.kept_out
    assert (first.calls, first.call, first.name, first.heard) == (2, 9, "CAR WARRANTY", (9, 2))
    assert (second.calls, second.number) == (1, "+18665550101")
    assert first.undo is Action.ALLOW


def test_withheld_numbers_are_one_and_nothing_can_be_undone_for_them() -> None:
    hidden = replace(GAVE_UP, number="", withheld=True)
    report = of(hidden, replace(hidden, id=8))
    assert [(each.calls, each.undo) for each in report.gave_up] == [(2, None)]
    assert "screener calls allow" not in reporttext.tell(report, BERLIN)


def test_who_was_let_in_by_a_rule_is_not_offered_to_be_let_in() -> None:
    known = replace(MESSAGE, ruled="allow", rule='"Mom" (1-allow.rules:3)')
    assert of(known).messages[0].caller.undo is None
    assert of(replace(REACHED, ruled="allow")).strangers == ()


def test_a_stranger_who_reached_us_can_be_blocked() -> None:
    report = of(REACHED)
    assert [each.undo for each in report.strangers] == [Action.BLOCK]
    assert f"screener calls block {REACHED.id}" in reporttext.tell(report, BERLIN)


def test_who_gave_up_comes_first_with_what_he_was_heard_to_say() -> None:
    report = of(ROBOT, GAVE_UP, MESSAGE, REACHED, heard={4})
    text = reporttext.tell(report, BERLIN)
    places = [text.index(name) for name in ("Who gave up", "Messages\n", "Kept from the phones")]
    assert places == sorted(places)
    assert "screener listen --call 4" in text


def test_who_said_nothing_comes_next_shortly_and_can_be_let_in() -> None:
    again = replace(WORDLESS, id=6, seconds=7.2)
    text = reporttext.tell(of(GAVE_UP, WORDLESS, again, MESSAGE), BERLIN)
    assert (
        "Without a word\n--------------\n"
        "2 calls ended before anything was said or keyed: diallers, or people.\n\n"
        "* +1 805 555 0142\n"
        "  2 calls, the last Wed 11 Nov 10:30, 7 s\n"
        "  Let in from now on: screener calls allow 6\n\n"
        "Messages\n"
    ) in text
    assert text.index("Who gave up") < text.index("Without a word")


def test_the_newest_message_comes_first_as_the_newest_caller_does() -> None:
    rows = [
        replace(row, id=n, number=f"+1805555{n:04d}", started=AT + timedelta(minutes=n))
        for row in (MESSAGE, GAVE_UP, replace(MESSAGE, verdict="wanted robot"))
        for n in range(100, 103)
    ]
    report = of(*rows)
    for found in (
        [each.caller for each in report.messages],
        [each.caller for each in report.reminders],
        report.gave_up,
    ):
        assert [each.call for each in found] == [102, 101, 100]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "10:30"), (7.4, "10:30, 7 s"), (59.4, "10:30, 59 s"),
                          (59.6, "10:30, 1:00 min"), (3603.0, "10:30, 1:00:03 h")],
)  # fmt: skip
def test_how_long_a_call_was_is_told_in_its_unit(seconds: float, told: str) -> None:
    lines = reporttext.tell(of(replace(GAVE_UP, seconds=seconds)), BERLIN).splitlines()
    assert f"  Wed 11 Nov {told}" in lines


def test_a_message_is_told_with_its_length_box_and_words() -> None:
    kept = {3: Recording(61.0, "family", "call me\nback <b>")}
    text = reporttext.tell(of(MESSAGE, recordings=kept), BERLIN)
    assert "Wed 11 Nov 10:30, 1:01 min, for family" in text
    assert '"call me back <b>" (written down by a machine)' in text


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ('said "your (car) warranty" (warranty) at 3.0 s', 'said "warranty"'),
        ('said "a\nb" (last call) at 3.0 s', 'said "last call"'),
        ("said 4 more of the same kind (money) up to 9.0 s", 'said "money"'),
        ("talked through the prompt 0.5-8.9 s", "talked through the prompt"),
        ("talked 0.5-8.9 s", ""),
        ("same words as 1 call since Mon 16 Nov (at 6.8 s)", "same words as earlier calls"),
        ("fax tone 1.0-2.0 s", "fax tone"),
        ("no answer until 8.0 s", "gave no answer"),
        ("keyed 1 at 3.1 s", ""),
        ("words were not listened for: too slow", ""),
    ],
)
def test_a_sentence_of_evidence_counts_as_its_kind(sentence: str, kind: str) -> None:
    assert kind_of(sentence) == kind


def test_evidence_rules_campaigns_and_redirects_are_counted_by_calls() -> None:
    twice = ('said "a" (money) at 1.0 s', 'said "b" (money) at 2.0 s')
    robot = replace(ROBOT, evidence=twice, campaign="abcd2345")
    blocked = replace(ROBOT, id=7, number="+18665550101", rule='"pest" (2.rules:1)', ruled="block")
    rang = replace(REACHED, redirects=("kitchen redirected to 200: ignored",))
    report = of(robot, replace(robot, id=6), blocked, rang)
    assert [(each.what, each.calls) for each in report.evidence] == [('said "money"', 2)]
    assert [(each.what, each.calls, each.numbers) for each in report.campaigns] == [
        ("abcd2345", 2, 1)
    ]
    assert [(each.what, each.calls) for each in report.rules] == [
        ("no rule matches: screened", 3),
        ('"pest" (2.rules:1)', 1),
    ]
    assert [each.calls for each in report.redirects] == [1]


def test_a_rule_and_a_campaign_can_be_undone_and_no_rule_cannot() -> None:
    pest = replace(ROBOT, rule='"pest" (2-block.rules:12)', ruled="block", campaign="abcd2345")
    odd = replace(ROBOT, id=7, number="+18665550101", rule='"x" (my old.rules:3)', ruled="block")
    report = of(pest, replace(pest, id=6), ROBOT, odd)
    links = {'"pest" (2-block.rules:12)': "https://door.example/rule/1", "abcd2345": "https://c/2"}

    def way_of(undo: Undoing) -> Way:
        match undo:
            case SwitchOff(name):
                return Way(links.get(name, ""), "screener rules remove pest")
            case Forget(name):
                return Way(links.get(name, ""), undo.command)
        return Way()

    text = reporttext.tell(report, BERLIN, way_of)
    assert (
        '* "pest" (2-block.rules:12)\n  2 calls\n'
        "  Switch off: screener rules remove pest\n  https://door.example/rule/1\n"
    ) in text
    assert "* no rule matches: screened\n  1 call\n\n" in text
    assert '* "x" (my old.rules:3)\n  1 call\n\n' in text
    assert "  Forget it: screener campaigns forget abcd2345\n  https://c/2\n" in text
    html = reporthtml.page(report, BERLIN, way_of)
    assert '<a class="accent" href="https://door.example/rule/1"' in html
    assert ">Switch off</a>" in html
    without = reporttext.tell(report, BERLIN)
    assert "Switch off" not in without  # only the rule files know where it stands now
    assert "Switch off" not in reporthtml.page(report, BERLIN)
    assert "screener campaigns forget abcd2345" in without
    assert "https://" not in without


def test_what_has_a_link_and_no_command_or_a_command_and_no_link_has_just_that() -> None:
    report = of(replace(ROBOT, rule='"pest" (2-block.rules:12)', ruled="block"))
    url = "https://door.example/rule/1"
    text = reporttext.tell(report, BERLIN, lambda _: Way(url))
    assert f"\n  Switch off:\n  {url}\n" in text
    html = reporthtml.page(report, BERLIN, lambda _: Way(url))
    assert ">Switch off</a></div>" in html
    html = reporthtml.page(report, BERLIN, lambda _: Way(command="screener rules remove pest"))
    assert "Switch off &nbsp;" in html
    assert ">screener rules remove pest</span></div>" in html


def test_troubles_are_counted_by_kind_and_what_was_deleted_stands_apart() -> None:
    events = [
        Event(AT + timedelta(minutes=n), EventKind.MAIL_DEFERRED, f"451 try {n % 5}", 2)
        for n in range(10)
    ]
    deleted = Event(AT, EventKind.DELETED, "3 recordings", 3)
    report = of(events=[*events, deleted])
    [trouble] = report.troubles
    assert (trouble.count, trouble.texts) == (20, ("451 try 4", "451 try 3", "451 try 2"))
    assert [each.count for each in report.deleted] == [3]
    assert not report.empty


def test_hours_are_the_owners_over_a_doubled_one() -> None:
    # Sunday 25 October 2026: in Berlin 02:30 comes twice, an hour apart.
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    rows = [replace(REACHED, started=first + timedelta(hours=n)) for n in range(3)]
    report = gather(week_named("2026-W43"), rows, BERLIN)
    assert report.hours[6][2:4] == (2, 1)
    assert "the busiest hour was Sun 02:00 to 03:00 with 2" in hours_told(report)


def test_the_pictures_figures_are_those_of_the_report_and_the_weeks_before() -> None:
    before = [Past("2026-W44", {}), Past("2026-W45", {Fate.ROBOT: 3, Fate.DECLINED: 1})]
    found = bars(of(REACHED, ROBOT, before=before))
    assert [(bar.label, bar.calls) for bar in found] == [("26 Oct", 0), ("2 Nov", 4), ("9 Nov", 2)]
    assert found[1].counts == (0, 0, 0, 0, 4, 0, 0)
    told = calls_told(of(REACHED, ROBOT, before=before))
    assert "9 Nov: 2 (1 reached you, 1 kept out)" in told


def test_the_pictures_say_the_figures_of_the_first_sentence() -> None:
    report = of(GAVE_UP, *[WORDLESS] * 4)
    assert "1 gave up, 4 hung up without a word" in headline(report)
    assert "9 Nov: 5 (1 gave up, 4 without a word)" in calls_told(report)
    assert {each for fates in SHOWN.values() for each in fates} == set(Fate)


def test_what_is_too_much_is_counted_and_the_command_that_shows_it_named() -> None:
    rows = [replace(MESSAGE, id=n, number=f"+1805555{n:04d}") for n in range(100, 130)]
    text = reporttext.tell(of(*rows), BERLIN)
    assert "and 15 more: screener report --week 2026-W46 --format csv" in text
    assert len(reportdata.as_json(of(*rows), BERLIN)["messages"]) == 30


@pytest.mark.parametrize("row", [ROBOT, WORDLESS])
def test_of_those_who_matter_less_a_few_are_shown_and_the_csv_undoes_all(row: CallRow) -> None:
    rows = [replace(row, id=n, number=f"+1805555{n:04d}") for n in range(100, 130)]
    text = reporttext.tell(of(*rows), BERLIN)
    assert text.count("Let in from now on: screener calls allow ") == 5
    assert "and 25 more: screener report --week 2026-W46 --format csv" in text
    told = csv.DictReader(io.StringIO(reportdata.as_csv(rows, BERLIN)))
    assert [each["undo"] for each in told] == [f"screener calls allow {row.id}" for row in rows]


def test_the_csv_undoes_what_a_rule_can_undo_and_nothing_else() -> None:
    let_in = replace(REACHED, ruled="allow")
    hidden = replace(ROBOT, number="", withheld=True)
    odd = replace(ROBOT, number="=cmd|' /C calc'!A0")
    rows = [REACHED, let_in, hidden, odd]
    told = csv.DictReader(io.StringIO(reportdata.as_csv(rows, BERLIN)))
    assert [each["undo"] for each in told] == ["screener calls block 1", "", "", ""]


def long_way(_: Undoing) -> Way:
    return Way(f"https://door.example/{'A' * 60}", f"screener rules remove {'a' * 40}")


def test_a_busy_weeks_page_is_not_cut_off_by_mail_programs() -> None:
    made = quarter.rows(weeks=1, busier=30.0)
    report = gather(quarter.LAST, made, quarter.ZONE, events=quarter.events())
    page = reporthtml.page(report, quarter.ZONE, long_way)
    assert report.calls > 1000
    assert len(page.encode()) < 90_000  # Gmail cuts at 102 kB


# The same rows, the same report ------------------------------------------------------------------


def test_the_same_week_always_gives_the_same_report() -> None:
    made = quarter.rows()
    reports = [gather(quarter.LAST, quarter.week(made), quarter.ZONE) for _ in range(2)]
    texts = {reporttext.tell(report, quarter.ZONE) for report in reports}
    data = {json.dumps(reportdata.as_json(report, quarter.ZONE)) for report in reports}
    assert reports[0] == reports[1]
    assert (len(texts), len(data)) == (1, 1)


def test_no_call_of_a_quarter_is_lost_or_counted_twice() -> None:
    made = quarter.rows()
    weeks = [gather(quarter.LAST, quarter.week(made, n), quarter.ZONE) for n in range(13)]
    assert sum(report.calls for report in weeks) == len(made)
    for report in weeks:
        assert sum(map(sum, report.hours)) == report.calls
        listed = (report.gave_up, report.wordless, report.kept_out, report.others)
        counted = sum(each.calls for callers in listed for each in callers)
        counted += len(report.messages) + len(report.reminders)
        assert counted + report.fates.get(Fate.REACHED, 0) == report.calls


# Strangers ---------------------------------------------------------------------------------------

NASTY = (
    *('"><script>alert(1)</script>', "\r\nBcc: all@example.org", "\u202e\u2066\x1b[2J", "A" * 4096),
    *("=cmd|' /C calc'!A0", "\t=1+1", "+1;=2", "'; DROP TABLE calls; --", "\ud800", "\x00", "&lt;"),
)
text = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))


class Elements(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            if name.startswith("on") or name in ("srcset", "background", "action"):
                self.odd.append(name)


KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "table", "tr", "td", "th", "h2", "p"),
    *("div", "span", "a", "b", "img", "br", "bdi", "tbody"),
}


@settings(max_examples=50)
@given(st.lists(st.tuples(text, text, text, text, st.sampled_from(list(Outcome))), max_size=5))
def test_strangers_write_no_markup_no_lines_and_no_formulas(
    said: list[tuple[str, str, str, str, Outcome]],
) -> None:
    rows = [
        call(n, outcome, name=name, reason=why, rule=rule, evidence=(why,), redirects=(rule,))
        for n, (_, name, why, rule, outcome) in enumerate(said, 1)
    ]
    rows = [replace(row, number=number) for row, (number, *_) in zip(rows, said, strict=True)]
    kept = {row.id: Recording(3.0, row.name, row.reason) for row in rows}
    events = [Event(AT, EventKind.RULES_BROKEN, row.reason) for row in rows]
    report = of(*rows, recordings=kept, events=events, heard={row.id for row in rows})

    def way_of(undo: Undoing) -> Way:
        return Way(f"https://door.example/{undo.name}", undo.name)

    page = Elements()
    page.feed(reporthtml.page(report, BERLIN, way_of))
    assert set(page.tags) <= KNOWN
    assert not page.odd
    assert all(link.startswith(("https://door.example/", "cid:")) for link in page.links)
    told = reporttext.tell(report, BERLIN)
    assert all(char.isprintable() or char == "\n" for char in told)
    assert not any(line.startswith("Bcc:") for line in told.splitlines())
    told.encode("utf-8")
    json.dumps(reportdata.as_json(report, BERLIN))
    for line in reportdata.as_csv(rows, BERLIN).split("\r\n")[1:]:
        assert not line.startswith(("=", "@"))


@pytest.mark.parametrize("formula", ["=cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "+1;=2", "-1+1"])
def test_no_cell_is_a_formula(formula: str) -> None:
    row = replace(ROBOT, name=formula, reason=formula, number=formula)
    line = reportdata.as_csv([row], BERLIN).splitlines()[1]
    assert line.count(f"'{formula.strip()}") == 3 or line.count(f"'{formula}") == 3


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_no_cell_is_divided_or_drives_a_terminal(texts: list[str]) -> None:
    rows = [replace(ROBOT, id=n, name=text, reason=text) for n, text in enumerate(texts, 1)]
    told = reportdata.as_csv(rows, BERLIN)
    assert all(char.isprintable() or char in "\t\r\n" for char in told)
    assert told.count("\n") == told.count("\r\n") == told.count("\r") == len(texts) + 1
    for mark in ",;\t":  # whatever a program divides lines at, what is quoted stays one cell
        bare = re.sub('"[^"]*"', "", told)
        assert mark == "," or mark not in bare
    assert len({len(row) for row in csv.reader(io.StringIO(told))}) == 1


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("a;=WEBSERVICE(A1)", '"a;=WEBSERVICE(A1)"'),
        ("a\t=1+1", '"a\t=1+1"'),
        ('say "hi"', '"say ""hi"""'),
        ("\x1b]0;owned\x07", '"\\x1b]0;owned\\x07"'),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("x\x00y", "x\\x00y"),
        ("Zoë Müller", "Zoë Müller"),
    ],
)
def test_a_name_stands_in_the_csv_so(name: str, cell: str) -> None:
    line = reportdata.as_csv([replace(ROBOT, name=name)], BERLIN).split("\r\n")[1]
    assert line.startswith(f"2,2026-11-11T10:30:00+01:00,{NUMBER},{cell},")


def test_a_number_in_the_csv_is_a_number() -> None:
    line = reportdata.as_csv([ROBOT], BERLIN).splitlines()[1]
    assert line.startswith(f"2,2026-11-11T10:30:00+01:00,{NUMBER},")


def test_a_text_of_random_strangers_has_no_line_wider_than_a_mail_may_be() -> None:
    chance = random.Random(7)
    rows = [replace(ROBOT, id=n, name="x" * chance.randrange(4000)) for n in range(1, 20)]
    told = reporttext.tell(of(*rows), BERLIN)
    assert max(map(len, told.splitlines())) <= 998  # RFC 5322, 2.1.1
