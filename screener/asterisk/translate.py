"""ARI's JSON <-> what the rest of screener speaks of. Pure.

`event(text)` gives one of the dataclasses below, or None for an event that nobody here needs
(ARI sends many, and newer Asterisks send more). JSON that is none, or an event without what it must
have, raises `UnreadableError`; the connection logs it and goes on.
Source: Asterisk's rest-api/api-docs/events.json.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from screener.core.keypad import Told
from screener.core.ringing import Said


class UnreadableError(ValueError):
    """What Asterisk sent is not an event as its documents describe it."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A channel has entered our application, with the arguments that the dialplan or we gave it."""

    channel: str
    args: tuple[str, ...]
    number: str
    name: str
    state: str

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What the call's SIP headers show: (name, value), as far as the dialplan hands them on.

        A dialplan of an earlier version hands on none. What cannot be read is left out.
        """
        lines = (_header(arg) for arg in self.args[2:])
        return tuple((name, value) for name, _, value in lines if value)


@dataclass(frozen=True, slots=True)
class Left:
    """A channel has left our application: it hung up, or went back to the dialplan."""

    channel: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """Somebody has hung up a channel. It is no more in a moment; or, where it was told to call
    elsewhere and never told what came of that, only in minutes (Asterisk 22.10)."""

    channel: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A channel is no more. `cause` is Q.850, `tech_cause` the SIP status where there was one."""

    channel: str
    cause: int
    tech_cause: int


@dataclass(frozen=True, slots=True)
class Key:
    """A key was let go, or, by core/keypad.py, is told of once more."""

    channel: str
    told: Told


@dataclass(frozen=True, slots=True)
class Up:
    """A channel was answered."""

    channel: str


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A phone that we rang answered 3xx: it wants the call to go to `target`."""

    channel: str
    target: str


@dataclass(frozen=True, slots=True)
class Played:
    """A playback is over."""

    channel: str
    playback: str
    failed: bool


@dataclass(frozen=True, slots=True)
class RecordingOver:
    """A recording is over."""

    channel: str
    recording: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Dialled:
    """Somebody at an endpoint ("PJSIP/kitchen") has dialled a number; it is as he dialled it."""

    endpoint: str
    number: str


Event: TypeAlias = Arrived | Left | HungUp | Gone | Key | Up | Forwarded | Played | RecordingOver


# The events that are read here, for the connection to ask for no others.
TYPES = (
    "StasisStart",
    "StasisEnd",
    "ChannelHangupRequest",
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelStateChange",
    "Dial",
    "PlaybackFinished",
    "RecordingFinished",
    "RecordingFailed",
)


DIALLED = "ChannelCreated"
"""The event that `dialled` reads."""


def dialled(text: str) -> Dialled | None:
    """Read one message of the event socket of outgoing.py: what a phone dialled, or None.

    The state tells who began: "Ring" is a channel on which somebody calls Asterisk, with what he
    dialled; "Down" one that Asterisk makes to call a phone (Asterisk 22.10).
    """
    body = _body(text)
    try:
        channel = body["channel"]
        if body["type"] != DIALLED or channel["state"] != "Ring":
            return None
        return Dialled(endpoint_of(str(channel["name"])), str(channel["dialplan"]["exten"]))
    except (KeyError, TypeError, AttributeError) as wrong:
        raise UnreadableError(f"{body['type'][:40]!r} lacks {wrong}") from wrong


def endpoint_of(name: str) -> str:
    """The endpoint that a channel belongs to: "PJSIP/kitchen-0000001a" -> "PJSIP/kitchen"."""
    return name.rpartition("-")[0]


def event(text: str) -> Event | None:
    """Read one message of the event socket."""
    body = _body(text)
    try:
        return _read(body)
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise UnreadableError(f"{body['type'][:40]!r} lacks {wrong}") from wrong


def _body(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as wrong:
        raise UnreadableError(f"not JSON: {text[:80]!r}") from wrong
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise UnreadableError(f"not an event: {text[:80]!r}")
    return body


def _read(body: Mapping[str, Any]) -> Event | None:
    match body["type"]:
        case "StasisStart":
            return arrived(body["channel"], tuple(str(arg) for arg in body.get("args", ())))
        case "StasisEnd":
            return Left(_id(body["channel"]))
        case "ChannelHangupRequest":
            return HungUp(_id(body["channel"]))
        case "ChannelDestroyed":
            return Gone(
                _id(body["channel"]), int(body.get("cause", 0)), int(body.get("tech_cause", 0))
            )
        case "ChannelDtmfReceived":
            return Key(_id(body["channel"]), _told(body))
        case "ChannelStateChange" if body["channel"]["state"] == "Up":
            return Up(_id(body["channel"]))
        case "Dial" if body.get("forward"):
            return Forwarded(_id(body["peer"]), str(body["forward"]))
        case "PlaybackFinished":
            playback = body["playback"]
            failed = playback.get("state") == "failed"
            return Played(_target(playback), str(playback["id"]), failed)
        case "RecordingFinished" | "RecordingFailed" as kind:
            recording = body["recording"]
            failed = kind == "RecordingFailed"
            return RecordingOver(_target(recording), str(recording["name"]), failed)
    return None


def arrived(channel: Mapping[str, Any], args: tuple[str, ...]) -> Arrived:
    """A channel of ours, as an event or a list of channels describes it."""
    caller = channel.get("caller") or {}
    return Arrived(
        _id(channel),
        args,
        str(caller.get("number") or ""),
        str(caller.get("name") or ""),
        str(channel.get("state") or ""),
    )


def _header(arg: str) -> tuple[str, str, str]:
    """One header as the dialplan hands it on (dialplan.py): name, space, value, in base64."""
    try:
        line = b64decode(arg, validate=True).decode("utf-8", "replace")
    except ValueError:
        return "", "", ""
    return line.replace("\x1a", ":").partition(" ")


def _id(channel: Mapping[str, Any]) -> str:
    return str(channel["id"])


def _told(body: Mapping[str, Any]) -> Told:
    at = datetime.fromisoformat(body["timestamp"])
    return Told(str(body["digit"])[:1], at.timestamp(), int(body["duration_ms"]) / 1000)


def _target(thing: Mapping[str, Any]) -> str:
    kind, _, target = str(thing["target_uri"]).partition(":")
    if kind != "channel":
        raise ValueError(f"target {kind!r}")
    return target


# Why a phone's channel ended -> what the phone said. SIP statuses by RFC 3261; Q.850 causes for
# other technologies, and where Asterisk reports no status.
_BY_STATUS = {
    486: Said.BUSY,
    600: Said.BUSY,
    603: Said.DECLINED,
    408: Said.UNREACHABLE,
    404: Said.UNREACHABLE,
    410: Said.UNREACHABLE,
    480: Said.UNREACHABLE,
    500: Said.UNREACHABLE,
    503: Said.UNREACHABLE,
}
_BY_CAUSE = {
    17: Said.BUSY,
    21: Said.DECLINED,
    18: Said.SILENT,
    19: Said.SILENT,
}


def said(gone: Gone) -> Said:
    """What a phone said whose channel ended without an answer."""
    if gone.tech_cause in _BY_STATUS:
        return _BY_STATUS[gone.tech_cause]
    if 400 <= gone.tech_cause < 700:
        return Said.DECLINED
    return _BY_CAUSE.get(gone.cause, Said.UNREACHABLE)


# SIP status -> the Q.850 cause that Asterisk answers with the same status, or the nearest to it
# (res_pjsip's hangup_cause2sip). 21, call rejected, is 403.
_CAUSE_OF = {
    **dict.fromkeys((404, 410, 484, 485, 604), 1),
    **dict.fromkeys((486, 600), 17),
    **dict.fromkeys((408, 480), 19),
    **dict.fromkeys((488, 606), 58),
    **dict.fromkeys((500, 502, 503, 504), 34),
}


def cause_of(status: int) -> int:
    """The Q.850 cause that comes nearest to a SIP status that refuses a call."""
    return _CAUSE_OF.get(status, 21)


_URI_TEXT = r"[A-Za-z0-9_.!~*'()&=+$,/%-]"
_HOST = r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(?::[0-9]{1,5})?"
HOST = re.compile(_HOST)
"""A SIP host, with or without a port."""
_SIP_URI = re.compile(
    rf"sips?:(?:{_URI_TEXT}{{1,100}}@)?{_HOST}(?:;{_URI_TEXT}{{1,100}}){{0,8}}", re.IGNORECASE
)
_CONTACT_HOST = re.compile(rf"<?sips?:(?:[^@<>\s]*@)?({_HOST})(?:[;>?].*)?", re.IGNORECASE)
_E164 = re.compile(r"\+[0-9]{3,15}")


def redirect_uri(target: str, contact: str) -> str:
    """Where a caller is told to call instead: a SIP URI as it is, a number as one; "" for neither.

    A number goes back to the network that the call comes from, by the address at which that takes
    requests: `contact`, the caller's Contact as Asterisk has it.

    >>> redirect_uri("+18055550100", "sip:+14155550142@192.0.2.7:5060;transport=udp")
    'sip:+18055550100@192.0.2.7:5060;user=phone'
    """
    if _E164.fullmatch(target):
        host = _CONTACT_HOST.fullmatch(contact)
        return f"sip:{target}@{host[1]};user=phone" if host else ""
    return target if _SIP_URI.fullmatch(target) else ""
