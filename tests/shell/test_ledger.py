"""A call's entry, on a real disk: its row, its story, and the use of the rule that decided."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from screener.calls.ledger import Entry
from screener.core.call import Call, Ending, Outcome
from screener.core.course import Course
from screener.core.event import EventKind
from screener.core.evidence import Evidence
from screener.core.reception import receive
from screener.core.rulefile import parse
from screener.core.rules import Action, RuleSet, Ruling
from screener.core.script import Heard, HeardBy, Likeness, Rang, Span
from screener.core.shelf import Shelf
from screener.core.signature import Signature
from screener.core.story import CallRow, tell_call
from screener.records.calllog import CallLog
from screener.records.store import Store
from tests.core.lines import answered, play, reception, stranger

PEST = replace(
    stranger("+19005550100", "PRIZES"),
    signature=Signature("C", "failed"),
    expecting="you said so",
    emergency="one of your phones dialled 911",
)


def rules(store: Store, text: str) -> RuleSet:
    parsed, mistakes = parse(text, "50.rules", "US")
    assert not mistakes
    return RuleSet(parsed, Shelf(used=store.last_used))


async def written(store: Store, call: Call, rules: RuleSet, *, shadow: bool = False) -> CallRow:
    """The row of a call that these rules block, unless it rings in shadow mode."""
    steps = [answered("kitchen", 3.2)] if shadow else []
    ending, _ = play(receive(call, reception(rules, shadow=shadow)), steps)
    entry = Entry(store)
    await entry.begin(call, shadow=shadow)
    await entry.end(ending)
    with CallLog(store._path) as calls:
        found = calls.call(entry.number)
    assert found is not None
    return found[0]


async def test_the_row_keeps_what_the_call_showed_and_what_was_ruled(store: Store) -> None:
    row = await written(store, PEST, rules(store, 'block from +1900* "premium" play busy'))
    assert (row.attestation, row.verstat) == ("C", "failed")
    assert (row.expecting, row.emergency) == ("you said so", "one of your phones dialled 911")
    assert (row.ruled, row.outcome, row.shadow) == ("block play busy", "turned away", False)


async def test_the_row_and_the_log_say_why_in_the_words_of_explain(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    numbers = ", ".join(f"+1900555{n:04d}" for n in range(40))
    ruled = rules(store, f'block from {numbers} "{"premium " * 20}" play busy')
    row = await written(store, replace(PEST, caller=stranger("+19005550030").caller), ruled)
    why = ruled.explain(replace(PEST, caller=stranger("+19005550030").caller)).ruling.reason
    assert len(why) > 200
    assert row.reason == why
    assert why in caplog.text
    assert why in tell_call(row, [], None)


async def test_in_shadow_mode_the_row_says_what_would_have_been(store: Store) -> None:
    row = await written(store, PEST, rules(store, 'block from +1900* "premium"'), shadow=True)
    assert (row.ruled, row.outcome, row.shadow) == ("block play sit", "connected", True)
    assert "shadow mode, it rang; would have been: block play sit" in tell_call(row, [], None)


@pytest.mark.parametrize("shadow", [False, True])
async def test_a_rule_that_decides_is_counted(store: Store, shadow: bool) -> None:
    ruled = rules(store, 'block from +1900* "premium"\nallow from +14155550100 "Mom"')
    for _ in range(2):
        await written(store, PEST, ruled, shadow=shadow)
    premium, mom = (rule.key for rule in ruled.rules)
    assert store.uses()[premium].hits == 2
    assert mom not in store.uses()


async def test_the_built_in_last_rule_is_not_counted(store: Store) -> None:
    entry = Entry(store)
    await entry.begin(PEST)
    await entry.end(Ending(Outcome.GAVE_UP, "the caller hung up", ruled="screen"))
    assert store.uses() == {}


async def test_a_rule_expires_and_its_use_keeps_it_alive_without_a_reload(store: Store) -> None:
    ruled = rules(store, 'block from +1900* "premium" expires 2d')
    [rule] = ruled.rules
    entry = Entry(store)
    await store.seen([rule.key], entry.started - timedelta(days=3))
    call = replace(PEST, at=entry.started)
    assert ruled.deciding(call) is None
    assert "has expired" in ruled.explain(call).passed[0][1]
    await store.used(rule.key, entry.started - timedelta(days=1))
    assert ruled.deciding(call) is rule


async def test_a_database_that_fails_costs_the_entry_and_not_the_use(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store._db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'no more'); END"
    )
    entry = Entry(store)
    await entry.begin(PEST)
    assert entry.number == 0
    await entry.tell("not written anywhere")
    await entry.end(Ending(Outcome.TREATED, "blocked", rule_key="a"))
    assert "no more" in caplog.text
    assert store.uses()["a"].hits == 1


async def test_a_call_has_its_row_where_there_is_room_by_its_end(store: Store) -> None:
    store._db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'no more'); END"
    )
    entry = Entry(store)
    await entry.begin(PEST)
    store._db.execute("DROP TRIGGER full")
    await entry.end(Ending(Outcome.TREATED, "blocked"))
    with CallLog(store._path) as calls:
        [row] = calls.calls(10)
    assert (row.number, row.outcome, row.id) == (PEST.caller.shows, "turned away", entry.number)
    assert row.started == entry.started.replace(microsecond=row.started.microsecond)


# For the weekly report ---------------------------------------------------------------------------

HOSTILE = "kitchen redirected to \\u202e<b>: ignored"


async def test_the_row_keeps_what_came_of_redirects_and_which_recording_it_was(
    store: Store,
) -> None:
    course = Course(Ruling(Action.SCREEN, "no rule matches: screened"), "", Evidence())
    course.rang = Rang("study", 2.0, ("attic is busy", HOSTILE))
    likeness = Likeness("abcd2345", 3, "Mon 16 Nov", "sound", 6.8)
    span = Span(0.0, 1.0)
    course.listened_to(Heard(HeardBy.TALK, talk=(span,), likeness=likeness))
    entry = Entry(store)
    await entry.begin(PEST)
    await entry.end(course.ending(Outcome.CONNECTED, "somebody answered"))
    with CallLog(store._path) as calls:
        found = calls.call(entry.number)
    assert found is not None
    assert (found[0].redirects, found[0].campaign) == ((HOSTILE,), "abcd2345")


@pytest.mark.parametrize(
    ("ending", "kind", "text"),
    [
        (
            Ending(Outcome.MESSAGE, "", deaf="the recogniser is too slow"),
            EventKind.RECOGNISER_AWAY,
            "call 1: the recogniser is too slow",
        ),
        (
            Ending(Outcome.CONNECTED, "", unheard="none of his sound came"),
            EventKind.CALLERS_UNHEARD,
            "call 1: none of his sound came",
        ),
        (
            Ending(Outcome.FAILED, "AriDown: gone"),
            EventKind.ASTERISK_AWAY,
            "call 1: the phones rang without us: AriDown: gone",
        ),
    ],
)
async def test_a_calls_trouble_is_an_event(
    store: Store, ending: Ending, kind: EventKind, text: str
) -> None:
    entry = Entry(store)
    await entry.begin(PEST)
    await entry.end(ending)
    with CallLog(store._path) as calls:
        events = calls.events(entry.started, entry.started + timedelta(seconds=1))
    assert [(event.kind, event.text) for event in events] == [(kind, text)]
