"""How calls read on a terminal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from screener.core.callerid import columns
from screener.core.story import CallRow, StoryLine, calls_table, tell_call

PACIFIC = timezone(timedelta(hours=-8))
STARTED = datetime(2026, 11, 20, 22, 3, 11, tzinfo=UTC)
STRANGER = CallRow(
    id=17,
    uid="1790000000.17",
    started=STARTED,
    did="+18182223333",
    number="+18055550142",
    name="UNKNOWN",
    ended=STARTED + timedelta(seconds=35.1),
    outcome="connected",
    reason="the caller keyed 2",
    answered_by="study",
    rang_after=6.1,
    seconds=35.1,
)
STORY = [
    StoryLine(0.0, "no rule matches: screened"),
    StoryLine(0.1, 'answered; "greeting"'),
    StoryLine(2.4, "keyed 2 over the prompt: extension 2, office"),
    StoryLine(2.5, "ringing study, desk"),
    StoryLine(8.6, "study answered"),
    StoryLine(35.1, "the caller hung up"),
]
ROBOT = replace(
    STRANGER,
    id=18,
    number="",
    withheld=True,
    name="",
    outcome="turned away",
    reason="it talked on over the prompt",
    rule="screen everyone else",
    verdict="unwanted robot",
    evidence=("talked over the prompt from 0.4 s to 4.9 s", 'said "press one" at 3.2 s'),
    answered_by="",
    rang_after=None,
)


def test_the_story_of_a_stranger_who_got_through() -> None:
    assert tell_call(STRANGER, STORY, PACIFIC) == (
        'call 17   Fri 20 Nov 2026, 14:03:11   +1 805 555 0142 "UNKNOWN"  to  +1 818 222 3333\n'
        "  0.0 s   no rule matches: screened\n"
        '  0.1 s   answered; "greeting"\n'
        "  2.4 s   keyed 2 over the prompt: extension 2, office\n"
        "  2.5 s   ringing study, desk\n"
        "  8.6 s   study answered\n"
        " 35.1 s   the caller hung up\n"
        "connected to study after 6.1 s, because the caller keyed 2"
    )


def test_the_story_of_a_robot_shows_its_rule_verdict_and_evidence() -> None:
    assert tell_call(ROBOT, [], PACIFIC) == (
        "call 18   Fri 20 Nov 2026, 14:03:11   withheld  to  +1 818 222 3333\n"
        "turned away, because it talked on over the prompt\n"
        "rule: screen everyone else\n"
        "verdict: unwanted robot\n"
        "  - talked over the prompt from 0.4 s to 4.9 s\n"
        '  - said "press one" at 3.2 s'
    )


def test_the_story_says_what_the_rules_said_where_the_reason_does_not() -> None:
    ruling = "screen (50.rules:3): the number is withheld"
    told = tell_call(replace(STRANGER, ruling=ruling, rule="(50.rules:3)"), [], PACIFIC)
    assert told.splitlines()[-1] == f"rules: {ruling}"
    blocked = replace(STRANGER, reason=ruling, ruling=ruling, rule="(50.rules:3)")
    assert tell_call(blocked, [], PACIFIC).count("the number is withheld") == 1


def test_the_story_of_a_call_in_shadow_mode_says_what_would_have_been() -> None:
    row = replace(STRANGER, shadow=True, ruled="block play sit", rule='"mine" (50.rules:3)')
    assert tell_call(row, [], PACIFIC).splitlines()[-3:] == [
        "connected to study after 6.1 s, because the caller keyed 2",
        "shadow mode, it rang; would have been: block play sit",
        'rule: "mine" (50.rules:3)',
    ]


def test_a_call_in_progress_says_so() -> None:
    row = CallRow(3, "uid", STARTED, "+18182223333", "+18055550142")
    assert tell_call(row, STORY[:1], UTC).splitlines()[-1] == "in progress"


def test_the_times_of_a_long_call_stay_in_line() -> None:
    lines = [StoryLine(0.0, "a"), StoryLine(1234.56, "b")]
    assert tell_call(STRANGER, lines, UTC).splitlines()[1:3] == [
        "   0.0 s   a",
        "1234.6 s   b",
    ]


def test_the_table() -> None:
    assert calls_table([ROBOT, replace(STRANGER, name="Bo")], PACIFIC).split("\n") == [
        "call  when              who called            to               "
        "what came of it                 why",
        "  18  2026-11-20 14:03  withheld              +1 818 222 3333  "
        "turned away                     it talked on over the prompt",
        '  17  2026-11-20 14:03  +1 805 555 0142 "Bo"  +1 818 222 3333  '
        "connected to study after 6.1 s  the caller keyed 2",
    ]


def test_a_table_without_calls_says_so() -> None:
    assert calls_table([], UTC) == "no calls yet"


@given(
    st.lists(st.tuples(st.text(max_size=400), st.text(max_size=400)), min_size=1, max_size=4),
    st.integers(120, 200),
)
def test_strangers_cannot_break_the_table(texts: list[tuple[str, str]], width: int) -> None:
    rows = [replace(STRANGER, name=name, reason=reason, number=name) for name, reason in texts]
    lines = calls_table(rows, PACIFIC, width).split("\n")
    assert len(lines) == len(rows) + 1
    assert all(line.isprintable() and columns(line) <= width for line in lines)


@given(st.text(max_size=1000))
def test_strangers_cannot_add_a_line_to_a_story(text: str) -> None:
    row = replace(ROBOT, name=text, withheld=False, reason=text, evidence=(text,), rule="r")
    lines = tell_call(row, [StoryLine(1.0, text)], PACIFIC).split("\n")
    assert len(lines) == 6
    assert all(line.isprintable() and len(line) <= 560 for line in lines)
