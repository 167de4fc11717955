"""Who rings when: each strategy as a script, and what holds whatever phones say."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.frontdoor import Phone, RingGroup, Strategy
from screener.core.ringing import (
    Ask,
    Circumstances,
    Order,
    PhoneEvent,
    Ringing,
    Said,
    Start,
    State,
    Stop,
    unanswered,
)
from screener.core.script import Decision

A, B, C = (Phone(name, f"PJSIP/{name}") for name in "abc")
MOBILE = Phone("mobile", "PJSIP/+18055550100@trunk", confirm=True, delay=10.0)
UNANNOUNCED_A = "a answered, and nobody pressed a key"
IN_TURN = (Strategy.IN_TURN, Strategy.ROUND_ROBIN, Strategy.RANDOM, Strategy.LEAST_RECENT)


def group(
    strategy: Strategy = Strategy.ALL, *phones: Phone, each: float = 15.0, seconds: float = 25.0
) -> RingGroup:
    return RingGroup("family", phones or (A, B, C), seconds, strategy, each)


def said(phone: str, what: Said = Said.ANSWERED, target: str = "") -> PhoneEvent:
    return PhoneEvent(phone, what, target)


def told(orders: list[Order]) -> str:
    """Orders in short: "+a 25" rings a for 25 s, "-a" stops it, "?a" asks who answered it."""
    words = []
    for order in orders:
        match order:
            case Start(phone, seconds):
                words.append(f"+{phone.name} {seconds:g}")
            case Stop(phone):
                words.append(f"-{phone}")
            case Ask(phone):
                words.append(f"?{phone}")
    return ", ".join(words)


def plan(ringing: Ringing) -> list[str]:
    """What happens if nobody answers: "0 +a 15"."""
    return [f"{at:g} {told(orders)}" for at, orders in unanswered(ringing)]


# Strategies --------------------------------------------------------------------------------------


def test_all_ring_at_once() -> None:
    assert plan(Ringing(group())) == ["0 +a 25, +b 25, +c 25", "25 -a, -b, -c"]


def test_the_mobile_joins_later() -> None:
    assert plan(Ringing(group(Strategy.ALL, MOBILE, A))) == [
        "0 +a 25",
        "10 +mobile 15",
        "25 -a, -mobile",
    ]


def test_a_mobile_need_not_wait_for_phones_that_do_not_ring() -> None:
    ringing = Ringing(group(Strategy.ALL, A, MOBILE))
    assert told(ringing.tick(0.0)) == "+a 25"
    assert told(ringing.said(said("a", Said.BUSY), 1.0)) == "+mobile 24"
    offline = Circumstances({"a": State.OFFLINE})
    assert plan(Ringing(group(Strategy.ALL, A, MOBILE), offline))[0] == "0 +mobile 25"


def test_a_phone_alone_waits_as_long_as_it_was_told_to() -> None:
    assert plan(Ringing(group(Strategy.ALL, MOBILE))) == ["0 ", "10 +mobile 15", "25 -mobile"]


def test_in_turn_each_rings_for_its_time() -> None:
    ringing = Ringing(group(Strategy.IN_TURN, each=10.0))
    assert plan(ringing) == ["0 +a 10", "10 -a, +b 10", "20 -b, +c 5", "25 -c"]
    assert ringing.remarks == ["a did not answer", "b did not answer", "c did not answer"]


def test_who_has_no_turn_any_more_is_told() -> None:
    ringing = Ringing(group(Strategy.IN_TURN, each=15.0, seconds=15.0))
    assert plan(ringing) == ["0 +a 15", "15 -a"]
    assert ringing.remarks[1:] == [
        "b was not rung: the time was over",
        "c was not rung: the time was over",
    ]


@pytest.mark.parametrize("what", [Said.BUSY, Said.DECLINED, Said.UNREACHABLE, Said.REDIRECTED])
def test_in_turn_goes_on_at_once_when_a_phone_is_out(what: Said) -> None:
    ringing = Ringing(group(Strategy.IN_TURN, each=10.0))
    ringing.tick(0.0)
    assert told(ringing.said(said("a", what, "*97"), 3.0)) == "+b 10"
    assert ringing.next == 13.0


def test_a_turn_begins_after_its_phones_delay() -> None:
    late = replace(B, delay=4.0)
    ringing = Ringing(group(Strategy.IN_TURN, A, late, each=10.0, seconds=60.0))
    assert plan(ringing) == ["0 +a 10", "10 -a", "14 +b 10", "24 -b"]


def test_a_memory_hunt_adds_one_phone_after_the_other() -> None:
    ringing = Ringing(group(Strategy.MEMORY_HUNT, each=8.0))
    assert plan(ringing) == ["0 +a 25", "8 +b 17", "16 +c 9", "25 -a, -b, -c"]


def test_a_memory_hunt_goes_on_at_once_when_nobody_rings_any_more() -> None:
    ringing = Ringing(group(Strategy.MEMORY_HUNT, each=8.0))
    ringing.tick(0.0)
    assert told(ringing.said(said("a", Said.DECLINED), 2.0)) == "+b 23"
    assert ringing.next == 10.0
    assert told(ringing.tick(10.0)) == "+c 15"


def test_round_robin_begins_behind_the_one_that_the_last_call_began_with() -> None:
    hunt = group(Strategy.ROUND_ROBIN, each=5.0)
    assert plan(Ringing(hunt))[0] == "0 +a 5"
    assert plan(Ringing(hunt, Circumstances(began_with="a")))[0] == "0 +b 5"
    assert plan(Ringing(hunt, Circumstances(began_with="c")))[0] == "0 +a 5"
    assert plan(Ringing(hunt, Circumstances(began_with="sold")))[0] == "0 +a 5"
    passed_over = Circumstances({"b": State.OFFLINE}, began_with="a")
    ringing = Ringing(hunt, passed_over)
    assert plan(ringing) == ["0 +c 5", "5 -c, +a 5", "10 -a"]
    assert ringing.first == "c"


def test_random_draws_every_order_from_chance() -> None:
    hunt = group(Strategy.RANDOM)
    orders = {tuple(plan(Ringing(hunt, Circumstances(chance=n)))) for n in range(6)}
    assert len(orders) == 6


def test_first_available_rings_one_phone_to_the_end() -> None:
    hunt = group(Strategy.FIRST_AVAILABLE)
    ringing = Ringing(hunt, Circumstances({"a": State.IN_CALL}))
    assert plan(ringing) == ["0 +b 25", "25 -b"]
    assert ringing.remarks[0] == "a is in a call: passed over"


def test_first_available_tells_nothing_of_those_that_would_not_have_rung() -> None:
    ringing = Ringing(group(Strategy.FIRST_AVAILABLE))
    plan(ringing)
    assert ringing.remarks == ["a did not answer"]


def test_first_available_goes_on_where_it_finds_a_phone_busy_but_not_where_it_declines() -> None:
    ringing = Ringing(group(Strategy.FIRST_AVAILABLE))
    ringing.tick(0.0)
    assert told(ringing.said(said("a", Said.BUSY), 1.0)) == "+b 24"
    assert told(ringing.said(said("b", Said.DECLINED), 2.0)) == ""
    assert ringing.over
    assert ringing.remarks == ["a is busy", "b declined"]


def test_who_has_not_answered_for_the_longest_time_rings_first() -> None:
    hunt = group(Strategy.LEAST_RECENT, each=5.0)
    known = Circumstances(answered={"a": 300.0, "c": 100.0})
    assert plan(Ringing(hunt, known)) == ["0 +b 5", "5 -b, +c 5", "10 -c, +a 5", "15 -a"]


# Passing over ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "remark"),
    [
        (State.OFFLINE, "a is not registered: passed over"),
        (State.IN_CALL, "a is in a call: passed over"),
        (State.UNDISTURBED, "a is not to be disturbed: passed over"),
        (State.CLOSED, "a rings at other hours: passed over"),
    ],
)
@pytest.mark.parametrize("strategy", Strategy)
def test_a_phone_that_cannot_ring_is_passed_over(
    strategy: Strategy, state: State, remark: str
) -> None:
    ringing = Ringing(group(strategy), Circumstances({"a": state}))
    assert not [line for line in plan(ringing) if "a" in line.replace("-", "+").split("+")]
    assert remark in ringing.remarks


def test_a_phone_in_a_call_rings_where_it_may_be_told_of_another() -> None:
    busy = Circumstances({"a": State.IN_CALL})
    ringing = Ringing(replace(group(), call_waiting=True), busy)
    assert told(ringing.tick(0.0)) == "+a 25, +b 25, +c 25"


@pytest.mark.parametrize("strategy", Strategy)
def test_a_group_without_anyone_to_ring_is_over_at_once(strategy: Strategy) -> None:
    assert Ringing(replace(group(strategy), phones=())).over
    offline = Circumstances(dict.fromkeys("abc", State.OFFLINE))
    ringing = Ringing(group(strategy), offline)
    assert ringing.over
    assert ringing.next == math.inf
    assert ringing.tick(0.0) == []


# Answers -----------------------------------------------------------------------------------------


def test_the_first_answer_wins_and_the_others_stop() -> None:
    ringing = Ringing(group())
    ringing.tick(0.0)
    assert told(ringing.said(said("b"), 2.0)) == "-a, -c"
    assert ringing.said(said("a"), 2.0) == []
    assert ringing.over
    assert (ringing.winner, ringing.remarks) == ("b", [])


def test_a_redirect_is_ignored_and_the_other_phone_rings_on() -> None:
    ringing = Ringing(group(Strategy.ALL, A, B))
    ringing.tick(0.0)
    ringing.said(said("a", Said.REDIRECTED, "*97"), 1.0)
    assert not ringing.over
    ringing.said(said("a", Said.UNREACHABLE), 1.0)  # its channel ends after the 302
    ringing.said(said("b"), 2.0)
    assert ringing.winner == "b"
    assert ringing.remarks == ["a redirected to *97: ignored"]


def test_a_redirect_that_is_followed_rings_others_in_its_place() -> None:
    ringing = Ringing(group(Strategy.IN_TURN, A, B, each=10.0))
    ringing.tick(0.0)
    assert told(ringing.replaced("a", (C, B), "a redirected to 2: followed", 4.0)) == "+c 10, +b 10"
    assert told(ringing.tick(14.0)) == "-c, -b"
    assert ringing.over
    assert ringing.remarks[0] == "a redirected to 2: followed"


def test_a_redirect_to_one_that_rings_already_takes_only_itself_out() -> None:
    ringing = Ringing(group(Strategy.ALL, A, B))
    ringing.tick(0.0)
    assert ringing.replaced("a", (B,), "a redirected to b: followed", 1.0) == []
    ringing.said(said("b"), 2.0)
    assert ringing.winner == "b"


def test_who_is_asked_and_redirects_leaves_nothing_ringing() -> None:
    ringing = Ringing(group(Strategy.ALL, A), announced=True)
    ringing.tick(0.0)
    ringing.said(said("a"), 2.0)
    assert told(ringing.replaced("a", (B,), "a redirected to b: followed", 3.0)) == "+b 22"
    assert told(ringing.said(said("b", Said.BUSY), 4.0)) == ""
    assert ringing.over


def test_when_every_phone_is_out_it_is_over() -> None:
    ringing = Ringing(group(Strategy.ALL, A, B))
    ringing.tick(0.0)
    ringing.said(said("a", Said.BUSY), 1.0)
    ringing.said(said("b", Said.DECLINED), 1.0)
    assert ringing.over
    assert ringing.winner == ""
    assert ringing.remarks == ["a is busy", "b declined"]


# Asking ------------------------------------------------------------------------------------------


def test_a_voicemail_that_presses_nothing_never_has_the_call() -> None:
    ringing = Ringing(group(Strategy.ALL, A, replace(MOBILE, delay=0.0)))
    ringing.tick(0.0)
    assert told(ringing.said(said("mobile"), 2.0)) == "?mobile"
    assert not ringing.over
    assert told(ringing.unchosen("mobile", 14.0)) == "-mobile"
    assert told(ringing.said(said("a"), 15.0)) == ""
    assert ringing.winner == "a"
    assert ringing.remarks == ["mobile answered, and nobody pressed a key"]


def test_the_first_decision_counts() -> None:
    ringing = Ringing(group(), announced=True)
    ringing.tick(0.0)
    assert told(ringing.said(said("a"), 2.0) + ringing.said(said("b"), 3.0)) == "?a, ?b"
    assert told(ringing.chosen("b", Decision.BLOCK, 9.0)) == "-c, -a"
    assert ringing.chosen("a", Decision.TAKE, 9.0) == []
    assert (ringing.winner, ringing.decision) == ("b", Decision.BLOCK)


def test_who_is_asked_may_choose_when_the_time_is_over_and_nobody_rings_meanwhile() -> None:
    ringing = Ringing(group(Strategy.ALL, A, B), announced=True)
    ringing.tick(0.0)
    ringing.said(said("a"), 24.0)
    assert told(ringing.tick(25.0)) == "-b"
    assert not ringing.over
    assert ringing.next == math.inf
    ringing.chosen("a", Decision.TAKE, 30.0)
    assert ringing.winner == "a"


def test_in_turn_the_next_one_waits_for_who_is_asked() -> None:
    ringing = Ringing(group(Strategy.IN_TURN, each=10.0), announced=True)
    ringing.tick(0.0)
    ringing.said(said("a"), 4.0)
    assert ringing.tick(12.0) == []
    assert told(ringing.said(said("a", Said.UNREACHABLE), 13.0)) == "-a, +b 10"  # he hung up


def test_the_groups_time_stands_still_while_the_next_one_waits() -> None:
    ringing = Ringing(group(Strategy.IN_TURN, A, B, C, each=10.0), announced=True)
    ringing.tick(0.0)
    ringing.said(said("a"), 8.0)
    assert ringing.next == math.inf
    assert ringing.tick(26.0) == []  # 25 s have passed, and of the group's time 8
    assert told(ringing.unchosen("a", 30.0)) == "-a, +b 10"
    assert told(ringing.tick(40.0)) == "-b, +c 7"
    assert told(ringing.tick(47.0)) == "-c"
    assert ringing.over


def test_in_a_memory_hunt_who_rang_meanwhile_has_no_more_time_than_before() -> None:
    ringing = Ringing(group(Strategy.MEMORY_HUNT, each=8.0), announced=True)
    ringing.tick(0.0)
    ringing.tick(8.0)
    ringing.said(said("a"), 10.0)
    assert told(ringing.tick(25.0)) == "-b"
    assert told(ringing.unchosen("a", 30.0)) == "-a, +c 15"
    assert ringing.remarks == ["b did not answer", UNANNOUNCED_A]


# Whatever phones say -----------------------------------------------------------------------------

_phones = st.builds(
    Phone,
    st.sampled_from("abcdef"),
    st.just("PJSIP/x"),
    st.booleans(),
    st.sampled_from([0.0, 0.0, 3.0, 40.0]),
)
_groups = st.builds(
    RingGroup,
    st.just("family"),
    st.lists(_phones, max_size=5, unique_by=lambda phone: phone.name).map(tuple),
    st.sampled_from([5.0, 25.0, 60.0]),
    st.sampled_from(Strategy),
    st.sampled_from([5.0, 15.0]),
    st.booleans(),
)
_known = st.builds(
    Circumstances,
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(State)),
    st.sampled_from("abcdefx"),
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 9)),
    st.integers(0, 1 << 64),
)
Step = tuple[float, str, Said | Decision | None]
_steps = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 4.0, 20.0]),
        st.sampled_from("abcdefx"),
        st.sampled_from([*Said, *Decision, None]),
    ),
    max_size=20,
)


class Bell:
    """Does what it is ordered, and checks that an order makes sense."""

    def __init__(self, group: RingGroup) -> None:
        self.group = group
        self.ringing: set[str] = set()
        self.rung: set[str] = set()
        self.answered: set[str] = set()
        self.asked: set[str] = set()
        self.asked_since = 0.0
        self.most = group.seconds  # and as long as somebody was asked: the time may stand still

    def do(self, orders: list[Order], now: float) -> None:
        for order in orders:
            match order:
                case Start(phone, seconds):
                    assert phone.name not in self.rung
                    assert seconds > 0
                    assert now + seconds <= self.most + 1e-9
                    self.ringing.add(phone.name)
                    self.rung.add(phone.name)
                case Stop(phone):
                    assert phone in self.rung
                    self.ringing.discard(phone)
                    self.most += now - self.asked_since if self.asked == {phone} else 0.0
                    self.asked.discard(phone)
                case Ask(phone):
                    assert phone in self.ringing
                    self.asked_since = self.asked_since if self.asked else now
                    self.asked.add(phone)
        if self.group.strategy in {*IN_TURN, Strategy.FIRST_AVAILABLE}:
            assert len(self.ringing) <= 1
        if now >= self.most:
            assert not self.ringing - self.answered


@given(_groups, _known, _steps)
def test_whatever_phones_say(group: RingGroup, known: Circumstances, steps: list[Step]) -> None:
    ringing, bell, now = Ringing(group, known), Bell(group), 0.0
    bell.do(ringing.tick(now), now)
    for wait, phone, what in steps:
        until = now + wait
        while ringing.next <= until:
            now = max(now, ringing.next)
            bell.do(ringing.tick(now), now)
        now = until
        if isinstance(what, Said):
            orders = ringing.said(said(phone, what), now)
            bell.answered |= bell.ringing & {phone} if what is Said.ANSWERED else set()
            bell.ringing -= {phone} if what not in (Said.RINGS, Said.ANSWERED) else set()
        elif isinstance(what, Decision):
            orders = ringing.chosen(phone, what, now)
        else:
            orders = ringing.unchosen(phone, now)
        bell.do(orders, now)
        assert ringing.winner in {"", *bell.rung}
        if ringing.over:
            assert bell.ringing <= {ringing.winner}


@given(_groups, _known)
def test_with_nobody_answering_it_ends_in_time_and_says_what_became_of_each(
    group: RingGroup, known: Circumstances
) -> None:
    ringing, bell = Ringing(group, known), Bell(group)
    for at, orders in unanswered(ringing):
        assert at <= group.seconds
        bell.do(orders, at)
    assert not bell.ringing
    passed_over = {r.split()[0] for r in ringing.remarks if r.endswith("passed over")}
    if group.strategy is not Strategy.FIRST_AVAILABLE:
        assert {r.split()[0] for r in ringing.remarks} == {p.name for p in group.phones}
    if group.strategy is Strategy.ALL:
        able = {p.name for p in group.phones} - passed_over
        joins = {p.name for p in group.phones if p.delay < group.seconds}
        assert able & joins <= bell.rung
