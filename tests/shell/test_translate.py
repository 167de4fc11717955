"""ARI's JSON, as Asterisk sends it and as it never should."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.asterisk.translate import (
    TYPES,
    Arrived,
    Dialled,
    Forwarded,
    Gone,
    HungUp,
    Key,
    Played,
    RecordingOver,
    UnreadableError,
    Up,
    cause_of,
    dialled,
    event,
    redirect_uri,
    said,
)
from screener.core.keypad import Told
from screener.core.ringing import Said

CHANNEL = {
    "id": "1795218116.0",
    "state": "Ring",
    "caller": {"name": 'Mom "the best"', "number": "+14155550100"},
}


def text(kind: str, **body: object) -> str:
    return json.dumps({"type": kind, "application": "screener", **body})


def test_a_call_arrives() -> None:
    found = event(text("StasisStart", channel=CHANNEL, args=["did", "+18182223333"]))
    assert found == Arrived(
        "1795218116.0", ("did", "+18182223333"), "+14155550100", 'Mom "the best"', "Ring"
    )


def test_keys_answers_redirects_and_ends() -> None:
    up = {"id": "leg", "state": "Up"}
    at = {"timestamp": "1970-01-02T01:00:00.618+0100", "duration_ms": 100}
    assert event(text("ChannelDtmfReceived", channel=CHANNEL, digit="2", **at)) == Key(
        "1795218116.0", Told("2", 86400.618, 0.1)
    )
    assert event(text("ChannelStateChange", channel=up)) == Up("leg")
    assert event(text("ChannelHangupRequest", channel=up)) == HungUp("leg")
    assert event(text("ChannelStateChange", channel=CHANNEL)) is None
    assert event(text("Dial", peer={"id": "leg"}, forward="*97", dialstatus="")) == Forwarded(
        "leg", "*97"
    )
    assert event(text("Dial", peer={"id": "leg"}, forward="", dialstatus="RINGING")) is None
    assert event(text("ChannelDestroyed", channel=up, cause=0, tech_cause=302)) == Gone(
        "leg", 0, 302
    )


def test_sounds_and_recordings_end() -> None:
    playback = {"id": "p", "target_uri": "channel:c", "state": "done"}
    recording = {"name": "take", "target_uri": "channel:c", "silence_duration": 6}
    assert event(text("PlaybackFinished", playback=playback)) == Played("c", "p", failed=False)
    assert event(text("RecordingFinished", recording=recording)) == RecordingOver(
        "c", "take", failed=False
    )


@pytest.mark.parametrize(
    "wrong",
    ["", "{", "[]", "17", '{"type": 5}', text("StasisStart"), text("StasisStart", channel=5)],
)
def test_what_is_no_event_is_named_as_such(wrong: str) -> None:
    with pytest.raises(UnreadableError):
        event(wrong)


def test_an_event_of_a_later_asterisk_is_passed_over() -> None:
    assert event(text("ChannelTeleported", channel=CHANNEL)) is None


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    ),
    st.sampled_from(TYPES),
    st.sampled_from(["channel", "peer", "playback", "recording", "digit", "forward"]),
)
def test_no_json_does_any_harm(value: object, kind: str, key: str) -> None:
    with suppress(UnreadableError):
        event(text(kind, **{key: value}))


@pytest.mark.parametrize(
    ("status", "cause", "word"),
    [
        (486, 17, Said.BUSY),
        (603, 21, Said.DECLINED),
        (480, 18, Said.UNREACHABLE),
        (0, 19, Said.SILENT),
        (0, 17, Said.BUSY),
        (488, 0, Said.DECLINED),
        (0, 0, Said.UNREACHABLE),
    ],
)
def test_what_a_phone_said_by_its_end(status: int, cause: int, word: Said) -> None:
    assert said(Gone("leg", cause, status)) is word


def created(name: str, state: str, number: str) -> str:
    return text(
        "ChannelCreated",
        channel={"id": "c", "name": name, "state": state, "dialplan": {"exten": number}},
    )


def test_what_a_phone_dials_is_told_with_its_endpoint() -> None:
    heard = dialled(created("PJSIP/kitchen-2-0000001a", "Ring", "911"))
    assert heard == Dialled("PJSIP/kitchen-2", "911")


def test_a_channel_that_asterisk_makes_to_call_a_phone_dials_nothing() -> None:
    assert dialled(created("PJSIP/kitchen-0000001a", "Down", "s")) is None
    assert dialled(text("ChannelDestroyed", channel={"id": "c"})) is None


@pytest.mark.parametrize("channel", [None, [], {}, {"state": "Ring"}, {"state": "Ring", "name": 1}])
def test_a_channel_without_its_parts_cannot_be_read(channel: object) -> None:
    with pytest.raises(UnreadableError):
        dialled(text("ChannelCreated", channel=channel))


# What a call shows --------------------------------------------------------------------------------


def encoded(line: str) -> str:
    return b64encode(line.encode()).decode()


def came(*args: str) -> Arrived:
    return Arrived("c", ("did", "+18182223333", *args), "+14155550100", "", "Ring")


def test_headers_are_handed_on_by_name() -> None:
    arrived = came(encoded('From "a, b" <sip\x1aa@h>'), encoded("Priority "), encoded("X-A A"))
    assert arrived.headers == (("From", '"a, b" <sip:a@h>'), ("X-A", "A"))


@pytest.mark.parametrize("args", [(), ("",), ("leg",), ("!", "=", "QQ"), (encoded("From"),)])
def test_a_dialplan_that_hands_on_no_headers_shows_none(args: tuple[str, ...]) -> None:
    assert came(*args).headers == ()


def test_a_header_that_was_cut_within_a_letter_is_still_one() -> None:
    cut = b64encode("From é <sip:a@h>".encode()[:6] + b" x").decode()
    assert came(cut).headers == (("From", "\ufffd x"),)


@given(st.lists(st.text(), max_size=5))
def test_no_argument_does_any_harm(args: list[str]) -> None:
    assert len(came(*args).headers) <= len(args)


# Where a call is sent -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "contact", "uri"),
    [
        ("sip:desk@example.net", "", "sip:desk@example.net"),
        ("SIPS:a@[2001:db8::1]:5061;x=y", "", "SIPS:a@[2001:db8::1]:5061;x=y"),
        ("sip:example.net", "", "sip:example.net"),
        ("+18055550100", "sip:a@192.0.2.7", "sip:+18055550100@192.0.2.7;user=phone"),
        ("+18055550100", "<sip:192.0.2.7:5080>", "sip:+18055550100@192.0.2.7:5080;user=phone"),
        ("+18055550100", "sips:a@[::1]:5061;lr", "sip:+18055550100@[::1]:5061;user=phone"),
        ("+18055550100", "", ""),
        ("+18055550100", "tel:+14155550100", ""),
        ("+18055550100", "sip:a@h h", ""),
        ("+18055550100", "sip:a@h,b@c", ""),
        ("8055550100", "sip:a@h", ""),
        ("tel:+18055550100", "sip:a@h", ""),  # it would crash Asterisk 22.10
        ("sip:a b@h", "", ""),
        ("sip:a@h>;q=1", "", ""),
        ("sip:a@h\r\nX: y", "", ""),
        ("sip:a@h?Subject=x", "", ""),
        ("sip:", "", ""),
        ("Local/1@outside", "", ""),
    ],
)
def test_where_a_caller_is_told_to_call(target: str, contact: str, uri: str) -> None:
    assert redirect_uri(target, contact) == uri


@given(st.text(), st.text())
def test_what_is_redirected_to_is_one_sip_uri(target: str, contact: str) -> None:
    uri = redirect_uri(target, contact)
    assert uri == "" or uri.lower().startswith(("sip:", "sips:"))
    assert not set(uri) & set(' <>"\r\n')


@pytest.mark.parametrize(
    ("status", "cause"),
    [(404, 1), (486, 17), (480, 19), (503, 34), (488, 58), (603, 21), (607, 21)],
)
def test_the_nearest_cause_to_a_status(status: int, cause: int) -> None:
    assert cause_of(status) == cause
