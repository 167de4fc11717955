"""ARI's JSON, as Asterisk sends it and as it never should."""

from __future__ import annotations

import json
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
    Key,
    Played,
    RecordingOver,
    UnreadableError,
    Up,
    dialled,
    event,
    said,
)
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
    assert event(text("ChannelDtmfReceived", channel=CHANNEL, digit="2")) == Key(
        "1795218116.0", "2"
    )
    assert event(text("ChannelStateChange", channel=up)) == Up("leg")
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
