"""A phone's redirect: who is followed, who never is, and what the call's row says of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.core.frontdoor import Directory, Outside, Phone, Redirects, RingGroup
from screener.core.redirection import (
    BUSY,
    HOPS,
    IGNORED,
    Became,
    Follow,
    Redirections,
    Refused,
    Way,
    judge,
    reachable,
)
from screener.core.ringing import State
from tests.core.lines import BOX, DOOR, FAMILY, KITCHEN, OFFICE, STUDY

MOBILE = "+18055550100"
LONDON = "+442079460123"
TRUNK = Outside("US", "PJSIP/{number}@trunk")
LISTED = replace(FAMILY, redirects=Redirects.LISTED, redirect_to=(MOBILE, LONDON, "+19005550123"))
INSIDE = replace(FAMILY, redirects=Redirects.INSIDE)
OLD = Phone("attic", "PJSIP/200")
HOUSE = Directory(
    {DOOR.did: DOOR},
    {phone.name: phone for phone in (KITCHEN, STUDY, OLD)},
    {group.name: group for group in (FAMILY, OFFICE)},
    {BOX.name: BOX},
    DOOR.extensions,
    outside=TRUNK,
)
FROM_KITCHEN = Way((KITCHEN.endpoint,))


def became(target: str, group: RingGroup = LISTED, way: Way = FROM_KITCHEN) -> str:
    """What becomes of a redirect by the kitchen's phone, in the words of the row."""
    return str(judge(target, KITCHEN, group, way, HOUSE))


@pytest.mark.parametrize(
    ("target", "phones"),
    [
        ("study", (STUDY,)),
        ("200", (OLD,)),  # by what follows PJSIP/
        ("attic", (OLD,)),
        ("20", (STUDY,)),  # an extension's group
        ("family", (STUDY,)),  # without the kitchen, where the call has been
        ("sip:study@192.0.2.1:5060;transport=udp", (STUDY,)),
        ('"The study" <sip:study@192.0.2.1>;q=0.5', (STUDY,)),
        ("SIPS:20:secret@home.example", (STUDY,)),
        ("sip:%73tudy@192.0.2.1", (STUDY,)),
    ],
)
@pytest.mark.parametrize("group", [INSIDE, LISTED])
def test_inside_targets_are_followed(
    target: str, phones: tuple[Phone, ...], group: RingGroup
) -> None:
    found = judge(target, KITCHEN, group, FROM_KITCHEN, HOUSE)
    assert isinstance(found, Follow)
    assert found.phones == phones


def test_a_redirect_is_ignored_unless_its_owner_says_otherwise() -> None:
    assert judge("study", KITCHEN, FAMILY, FROM_KITCHEN, HOUSE) == IGNORED
    assert judge("study", replace(KITCHEN, redirects=Redirects.IGNORE), LISTED, Way(()), HOUSE) == (
        IGNORED
    )
    busy = replace(FAMILY, redirects=Redirects.BUSY)
    assert judge("study", KITCHEN, busy, FROM_KITCHEN, HOUSE) == BUSY
    own = replace(KITCHEN, redirects=Redirects.INSIDE)
    assert isinstance(judge("study", own, FAMILY, FROM_KITCHEN, HOUSE), Follow)


@pytest.mark.parametrize(
    "target",
    [MOBILE, f"sip:{MOBILE}@trunk.example", "(805)555-0100", "tel:+1-805-555-0100", "18055550100"],
)
def test_a_listed_number_is_dialled_over_the_trunk_and_whoever_answers_must_press_a_key(
    target: str,
) -> None:
    assert judge(target, KITCHEN, LISTED, FROM_KITCHEN, HOUSE) == Follow(
        (Phone(MOBILE, f"PJSIP/{MOBILE}@trunk", confirm=True),), MOBILE
    )


def test_a_listed_number_is_dialled_though_it_is_abroad_or_dear() -> None:
    assert became(LONDON) == f"followed to {LONDON}"
    assert became("+1-900-555-0123") == "followed to +19005550123"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("+19002345678", "not followed, premium"),
        ("sip:+19002345678@trunk", "not followed, premium"),
        ("+447012345678", "not followed, personal"),
        ("+34913123456", "not followed, international"),
        ("+18765550123", "not followed, international"),  # Jamaica: +1, and not the US
        ("00442079460124", "not followed, international"),
        ("805-555-0142", "not followed, not listed"),
        ("911", "not followed, an emergency number"),
        ("sip:112@192.0.2.1", "not followed, an emergency number"),
        ("*97", "not followed, not inside"),
        ("voicemail", "not followed, not inside"),
        (DOOR.did, "not followed, it would come back in by the front door"),
        ("kitchen", "not followed, the call has been there"),
        ("", "not followed, it is no telephone number and no name"),
        ("sip:192.0.2.1", "not followed, it is no telephone number and no name"),
        ("stu dy", "not followed, it is no telephone number and no name"),
        ("study\r\nRoute: <sip:x>", "not followed, it is no telephone number and no name"),
        ("9" * 201, "not followed, it is no telephone number and no name"),
    ],
)
def test_what_is_never_followed(target: str, reason: str) -> None:
    assert became(target) == reason


def test_a_number_is_followed_only_where_the_owner_allows_numbers_and_has_a_trunk() -> None:
    assert became(MOBILE, INSIDE) == "not followed, not inside"
    assert became("+19002345678", INSIDE) == "not followed, premium"
    without = replace(HOUSE, outside=Outside("US"))
    found = judge(MOBILE, KITCHEN, LISTED, FROM_KITCHEN, without)
    assert found == Refused("not followed, asterisk.trunk in screener.toml names no trunk")


def test_a_loop_and_a_long_way_end() -> None:
    been = Way((KITCHEN.endpoint, STUDY.endpoint))
    assert became("study", way=been) == "not followed, the call has been there"
    assert became("family", way=been) == "not followed, the call has been there"
    assert became(MOBILE, way=Way((f"PJSIP/{MOBILE}@trunk",))) == (
        "not followed, the call has been there"
    )
    assert became("attic", way=Way((KITCHEN.endpoint,), HOPS - 1)) == "followed to attic"
    assert (
        became("attic", way=Way((KITCHEN.endpoint,), HOPS)) == "not followed, more than 3 redirects"
    )


def test_a_redirect_and_what_became_of_it_is_one_remark() -> None:
    asked = Redirections(LISTED, HOUSE)
    asked.rings(KITCHEN)
    refused = asked.redirected("kitchen", ["+19002345678"])
    assert refused == Became((), "kitchen redirected to +19002345678: not followed, premium")
    followed = asked.redirected("kitchen", ["\x1b[2J20", "20"])
    assert followed.phones == (STUDY,)
    assert followed.remark == (
        r"kitchen redirected to \x1b[2J20: not followed, it is no telephone number and no name;"
        " to 20: followed to extension 20, office"
    )
    assert asked.path("study") == ("kitchen",)
    assert asked.path("kitchen") == ()


def test_several_contacts_are_tried_in_their_order() -> None:
    asked = Redirections(LISTED, HOUSE)
    asked.rings(KITCHEN)
    first = asked.redirected("kitchen", ["study", "+19002345678", "attic", MOBILE])
    assert first.phones == (STUDY,)
    asked.rings(STUDY)
    second = asked.failed("study", "study is busy")
    assert second is not None
    assert [phone.name for phone in second.phones] == ["attic"]
    assert second.remark == (
        "study is busy; kitchen redirected to +19002345678: not followed, premium;"
        " to attic: followed to attic"
    )
    asked.rings(OLD)
    third = asked.redirected("attic", ["kitchen"])  # a loop: then the kitchen's last contact
    assert [phone.name for phone in third.phones] == [MOBILE]
    assert asked.path(MOBILE) == ("kitchen",)
    assert asked.failed(MOBILE, "it is busy") is None
    assert asked.failed("kitchen", "it is busy") is None


def test_where_a_group_was_followed_to_the_next_contact_waits_for_all_of_it() -> None:
    both = replace(OFFICE, phones=(STUDY, OLD))
    house = replace(HOUSE, groups={"office": both})
    asked = Redirections(LISTED, house)
    asked.rings(KITCHEN)
    assert asked.redirected("kitchen", ["office", MOBILE]).phones == (STUDY, OLD)
    assert asked.failed("study", "study is busy") is None
    last = asked.failed("attic", "attic is busy")
    assert last is not None
    assert last.phones[0].name == MOBILE


def test_redirects_behind_one_another_end() -> None:
    chain = [Phone(f"p{n}", f"PJSIP/p{n}") for n in range(HOPS + 2)]
    house = replace(HOUSE, phones={phone.name: phone for phone in chain})
    asked = Redirections(INSIDE, house)
    followed = 0
    for phone, following in pairwise(chain):
        asked.rings(phone)
        became = asked.redirected(phone.name, [following.name])
        followed += bool(became.phones)
    assert followed == HOPS
    assert (
        became.remark == f"p{HOPS} redirected to p{HOPS + 1}: not followed, more than 3 redirects"
    )
    assert asked.path(f"p{HOPS}") == ("p0", "p1", "p2")


def test_the_phones_of_the_house_are_asked_only_where_one_may_be_redirected_to() -> None:
    assert reachable(FAMILY, HOUSE) is FAMILY
    assert [phone.name for phone in reachable(INSIDE, HOUSE).phones] == [
        "kitchen",
        "study",
        "attic",
    ]
    asked = Redirections(INSIDE, HOUSE)
    asked.rings(KITCHEN)
    assert asked.asks("kitchen")
    assert not asked.asks("study")
    still = Redirections(FAMILY, HOUSE)
    still.rings(KITCHEN)
    assert not still.asks("kitchen")


def test_nobody_is_redirected_to_a_phone_that_is_not_to_ring() -> None:
    asked = Redirections(INSIDE, HOUSE, states={"study": State.UNDISTURBED, "attic": State.IN_CALL})
    asked.rings(KITCHEN)
    became = asked.redirected("kitchen", ["study", "attic"])
    assert [phone.name for phone in became.phones] == ["attic"]
    assert became.remark == (
        "kitchen redirected to study: not followed, study is not to be disturbed;"
        " to attic: followed to attic"
    )


def test_a_group_that_passes_over_its_phone_in_a_call_sends_nobody_there() -> None:
    in_call = {"study": State.IN_CALL}
    asked = Redirections(INSIDE, HOUSE, states=in_call)
    asked.rings(KITCHEN)
    became = asked.redirected("kitchen", ["study", "attic"])
    assert [phone.name for phone in became.phones] == ["attic"]
    assert became.remark.startswith(
        "kitchen redirected to study: not followed, study is in a call; to attic: "
    )
    waiting = Redirections(replace(INSIDE, call_waiting=True), HOUSE, states=in_call)
    waiting.rings(KITCHEN)
    assert waiting.redirected("kitchen", ["study"]).phones == (STUDY,)


def test_who_is_followed_to_is_told_who_sent_the_call() -> None:
    asked = Redirections(LISTED, HOUSE, DOOR.did)
    asked.rings(KITCHEN)
    assert asked.onward(KITCHEN, "192.0.2.1", ()) == {}
    (study,) = asked.redirected("kitchen", ["study"]).phones
    assert asked.onward(study, "192.0.2.1", ())["Diversion"] == (
        '"kitchen" <sip:kitchen@192.0.2.1>;reason=deflection'
    )
    (mobile,) = asked.redirected("kitchen", [MOBILE]).phones
    assert asked.onward(mobile, "192.0.2.1", ())["Diversion"] == (
        f'"kitchen" <sip:{DOOR.did}@192.0.2.1>;reason=deflection'
    )


def test_a_sip_address_goes_out_over_the_trunk_as_well() -> None:
    assert TRUNK.endpoint("sip:me@example.net") == "PJSIP/trunk/sip:me@example.net"
    long_form = Outside("US", "PJSIP/trunk/sip:{number}@198.51.100.1")
    assert long_form.endpoint("sip:me@example.net") == "PJSIP/trunk/sip:me@example.net"
    assert long_form.endpoint(MOBILE) == f"PJSIP/trunk/sip:{MOBILE}@198.51.100.1"
    assert Outside("US", "Local/{number}@out").endpoint("sip:me@example.net") == ""
    assert Outside("US").endpoint(MOBILE) == ""


@given(st.text(max_size=250), st.integers(0, 5), st.sampled_from(Redirects))
def test_no_text_reaches_what_the_owner_has_not_set_up(
    target: str, hops: int, redirects: Redirects
) -> None:
    group = replace(LISTED, redirects=redirects)
    found = judge(target, KITCHEN, group, Way((KITCHEN.endpoint,), hops), HOUSE)
    ours = {phone.endpoint for phone in HOUSE.phones.values()}
    ours |= {TRUNK.endpoint(listed) for listed in LISTED.redirect_to}
    if isinstance(found, Follow):
        assert redirects in (Redirects.INSIDE, Redirects.LISTED)
        assert hops < HOPS
        assert {phone.endpoint for phone in found.phones} <= ours - {KITCHEN.endpoint}
    asked = Redirections(group, HOUSE)
    asked.rings(KITCHEN)
    assert asked.redirected("kitchen", [target]).remark.isprintable()
