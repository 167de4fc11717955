"""Phones and ring groups as screener.toml says them, and every mistake with its key."""

from __future__ import annotations

import pytest

from screener.asterisk.dialplan import dial
from screener.config import load
from screener.core.frontdoor import Announced, Phone, Redirects, RingGroup, Strategy
from screener.core.hours import read
from tests.shell.household import PLAIN, Write, assert_refused, changed

OWN_ASTERISK = PLAIN + '[asterisk]\nurl = "http://127.0.0.1:8088/ari"\nsecret_file = "secret"\n'


def furnished(write: Write, phone: str, group: str = "") -> tuple[Phone, RingGroup]:
    """The household with another kitchen and more lines in its group."""
    text = changed('kitchen = "PJSIP/kitchen"', f"kitchen = {phone}", OWN_ASTERISK)
    text = changed('phones = ["kitchen", "study"]', f'phones = ["kitchen"]\n{group}', text)
    path = write(text)
    (path.parent / "secret").write_text("geheim\n")
    (path.parent / "secret").chmod(0o600)
    settings = load(path)
    return settings.phones["kitchen"], settings.groups["family"]


def test_a_phone_may_be_a_table(write: Write) -> None:
    phone, _ = furnished(
        write,
        '{ dial = "PJSIP/k", confirm = true, delay = "10s", hours = "mon-fri 08:00-22:00",'
        ' redirects = "inside", alert = "<http://x/Bellcore-dr2>" }',
    )
    assert phone == Phone(
        "kitchen",
        "PJSIP/k",
        confirm=True,
        delay=10.0,
        hours=read("mon-fri 08:00-22:00"),
        redirects=Redirects.INSIDE,
        alert="<http://x/Bellcore-dr2>",
    )


@pytest.mark.parametrize(
    ("written", "confirms"),
    [
        ('"PJSIP/kitchen"', False),
        ('"PJSIP/+18055550100@trunk"', True),
        ('{ dial = "PJSIP/+18055550100@trunk" }', True),
        ('{ dial = "PJSIP/+18055550100@trunk", confirm = false }', False),
    ],
)
def test_whoever_answers_a_number_over_a_trunk_must_confirm(
    write: Write, written: str, confirms: bool
) -> None:
    phone, _ = furnished(write, written)
    assert phone.confirm is confirms


def test_a_group_with_all_that_it_may_say(write: Write) -> None:
    _, group = furnished(
        write,
        '"PJSIP/kitchen"',
        'seconds = 60\nstrategy = "memory-hunt"\neach = "8s"\ncall_waiting = true\n'
        'redirects = "listed"\nredirect_to = ["+18055550100"]\nannounced = "unknown"\n'
        'prefix = "DOOR:"\nunproved_prefix = "?:"\nalert = "info=door"\nmusic = "jazz"\n'
        'told_every = "20s"\n',
    )
    assert group == RingGroup(
        "family",
        group.phones,
        seconds=60.0,
        strategy=Strategy.MEMORY_HUNT,
        each=8.0,
        call_waiting=True,
        redirects=Redirects.LISTED,
        redirect_to=("+18055550100",),
        announced=Announced.UNKNOWN,
        prefix="DOOR:",
        unproved_prefix="?:",
        alert="info=door",
        music="jazz",
        told_every=20.0,
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('strategy = "hunt"', 'groups.family.strategy = "hunt": expected one of all'),
        ("each = 1", "groups.family.each = 1: expected a time"),
        ('call_waiting = "yes"', "expected true or false"),
        ('redirects = "insid"', 'did you mean "inside"?'),
        ('redirect_to = ["911"]', "expected a whole number with +"),
        ('announced = "sometimes"', "expected one of always, never, unknown"),
        ('prefix = "DO\\"OR"', "expected what stands before a caller's name"),
        ('prefix = "DOOR\\r\\nX: y"', "expected what stands before a caller's name"),
        ('unproved_prefix = ""', "expected what stands before a caller's name"),
        ('alert = "x\\nEvil: y"', "expected an Alert-Info"),
        ('alert = "gr\\u00fcn"', "expected an Alert-Info"),
        ('music = "../jazz"', "expected a name of letters"),
        ("told_every = 3", "expected a time"),
        ("told_evry = 30", 'did you mean "told_every"?'),
    ],
)
def test_a_mistake_in_a_group_names_its_key(write: Write, line: str, said: str) -> None:
    assert_refused(write(changed("[boxes.family]", f"{line}\n[boxes.family]")), said)


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        ("{ delay = 3 }", "phones.kitchen.dial is missing"),
        ('{ dial = "PJSIP/study" }', "is the same phone as phones."),
        ('{ dial = "PJSIP/kitchen", delay = "1h" }', "phones.kitchen.delay"),
        ('{ dial = "PJSIP/kitchen", hours = "someday" }', "'someday' is no day"),
        ('{ dial = "PJSIP/kitchen", alert = "" }', "expected an Alert-Info"),
        ('{ dial = "PJSIP/kitchen", ring = 3 }', "phones.kitchen.ring = 3: unknown key"),
        ('{ dial = "PJSIP/+18055550100@trunk" }', 'expected "PJSIP/" and a name of letters'),
        ("3", 'expected "PJSIP/" and a name of letters'),
    ],
)
def test_a_mistake_in_a_phone_names_its_key(write: Write, phone: str, said: str) -> None:
    assert_refused(write(changed('kitchen = "PJSIP/kitchen"', f"kitchen = {phone}")), said)


@pytest.mark.parametrize("strategy", Strategy)
def test_it_is_said_where_not_every_phone_has_a_turn(write: Write, strategy: Strategy) -> None:
    text = changed("[boxes.family]", f'seconds = 15\nstrategy = "{strategy}"\n[boxes.family]')
    said = "groups.family: within 15 s only 1 of its 2 phones have a turn"
    together = strategy in (Strategy.ALL, Strategy.FIRST_AVAILABLE)
    assert any(said in warning for warning in load(write(text)).warnings) is not together


def test_without_us_nobody_confirms_so_a_mobile_rings_only_alone() -> None:
    kitchen = Phone("kitchen", "PJSIP/kitchen")
    mobile = Phone("mobile", "PJSIP/+18055550100@trunk", confirm=True)
    assert dial(RingGroup("family", (mobile, kitchen))) == "Dial(PJSIP/kitchen,25,i)"
    assert dial(RingGroup("family", (mobile,))) == "Dial(PJSIP/+18055550100@trunk,25,i)"


@pytest.mark.parametrize(
    ("phone", "group", "told"),
    [
        ('"PJSIP/k"', 'redirects = "listed"', 'redirects = "listed" needs redirect_to'),
        ('{ dial = "PJSIP/k", redirects = "listed" }', "", 'redirects = "listed" needs'),
        ('"PJSIP/k"', 'redirect_to = ["+18055550100"]', 'redirect_to needs redirects = "listed"'),
        (
            '{ dial = "PJSIP/k", delay = "60s" }',
            "",
            "kitchen joins after 60 s, and it rings for 25 s",
        ),
        (
            '{ dial = "PJSIP/k", delay = "25s" }',
            'strategy = "in-turn"\neach = "15s"',
            "kitchen joins after 25 s, and it rings for 25 s",
        ),
        ('{ dial = "PJSIP/k", delay = "24s" }', "", ""),
        ('{ dial = "PJSIP/k", redirects = "listed" }', 'redirect_to = ["+18055550100"]', ""),
    ],
)
def test_what_can_never_work_is_warned_of(write: Write, phone: str, group: str, told: str) -> None:
    text = changed('kitchen = "PJSIP/kitchen"', f"kitchen = {phone}")
    text = changed('phones = ["kitchen", "study"]', f'phones = ["kitchen"]\n{group}', text)
    trunk = '[asterisk]\ntrunk = "PJSIP/{number}@trunk"\n'
    warnings = load(write(text + trunk)).warnings
    assert len(warnings) == bool(told)
    assert all(warning.startswith("groups.family: ") and told in warning for warning in warnings)


def test_numbers_that_redirects_may_lead_to_need_a_trunk(write: Write) -> None:
    listed = 'redirects = "listed"\nredirect_to = ["+18055550100"]'
    text = changed('phones = ["kitchen", "study"]', f'phones = ["kitchen", "study"]\n{listed}')
    assert load(write(text)).warnings == (
        "groups.family: redirect_to needs asterisk.trunk: no number outside is dialled",
    )
