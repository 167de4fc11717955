"""The dialplan that carries screener: how a call reaches us, and what rings when we are not there.

Six contexts, the same in the private Asterisk and in a user's own:

    screener-in         every call to a DID comes in here, the number in any form
    screener-door       hands it to screener (Stasis), with what its SIP headers show; `T` catches a
                        call whose screener has died
    screener-refuse     ends a call with the SIP status that screener wants
    screener-away       sends an answered call elsewhere (SIP REFER), and tells screener if it fails
    screener-failsafe   rings the DID's default group without us: promise 1, the phone rings
    screener-ring       which phones those are, one extension for each form of each DID

and one that only a house's own phones can come to, never a caller from outside:

    screener-code       the key codes: say that a call is expected, or that a phone is
                        not to be disturbed; lead to the studio, to the voicemail

and one that only screener dials, where Asterisk has no other way for it:

    screener-lamps      says how many messages a box holds, for the phones' lamps

What Asterisk 22 does when we are away, tried on a real one (tests/shell/test_private.py):
an application that never connected, or whose event socket is closed, makes Stasis() return at once
with STASISSTATUS=FAILED, and the next priority rings the phones. A call that is *inside* Stasis()
when its screener dies stays there, silent, until somebody hangs up: for this there is `PATIENCE`.

Everything that goes into these lines is checked here once more, whoever has checked it before:
a line of a dialplan is a program.
Sources: Asterisk docs, "Stasis()", "Dial()", "Channel variables: TIMEOUT"; extensions.conf.sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import phonenumbers

from screener.config import Settings
from screener.core.frontdoor import FrontDoor, RingGroup
from screener.errors import ConfigError

ARRIVALS = "screener-in"
DOOR = "screener-door"
FAILSAFE = "screener-failsafe"
FAILSAFE_EXTENSION = "s"
PHONES = "screener-phones"
REFUSE = "screener-refuse"
AWAY = "screener-away"
AWAY_EXTENSION = "s"
AWAY_TO = "SCREENER_AWAY"
"""The channel variable with the SIP URI that `AWAY` sends a call to."""
BACK = "back"
"""The first argument of a call that comes back from `AWAY`; the second is the SIP status or "0"."""
AWAY_PATIENCE = 30.0
"""Seconds after which an answered call that is sent elsewhere, and of which nothing more is heard,
is taken to the phones."""
CODE = "screener-code"
EXPECT = "expect"
STUDIO = "studio"
VOICEMAIL = "voicemail"
DND_ON, DND_OFF = "dnd-on", "dnd-off"
"""The extensions in `CODE`, and what a key code's channel is given as its second argument."""

LAMPS = "screener-lamps"
_OURS = "screener"  # what our mailboxes have behind their "@", so that they are nobody else's

DEADLINE = "TIMEOUT(absolute)"
"""The channel function that the dialplan sets before Stasis(), and a running screener sets anew on
each caller in its care before it runs out; when it has, Asterisk takes it to `screener-door,T`
and rings the phones: out of Stasis(), a bridge, a playback or a recording, answered or not. "0"
lifts it: two people who talk must not be parted because we died."""
PATIENCE = 15.0
"""Seconds that a caller waits for a dead screener."""


# The headers in which a call shows whether its number is verified, whether it is a call back in an
# emergency, and where it was dialled first (core/signature.py, acquaintance.py, core/diversion.py):
# name, which of several, and how many of its last characters are handed on (less than 0: of its
# first). What counts stands at the end, a name of any length before it; in History-Info, at the
# beginning. All together, in base64, must fit into the 8191 characters of an application's data.
_SHOWN = (
    ("P-Asserted-Identity", 1, 1500),
    ("P-Asserted-Identity", 2, 1000),
    ("From", 1, 1000),
    ("Attestation-Info", 1, 64),
    ("X-Attestation-Info", 1, 64),
    ("P-Attestation-Indicator", 1, 64),
    ("X-Twilio-VerStat", 1, 64),
    ("Priority", 1, 64),
    *(("Diversion", which, 300) for which in (1, 2, 3)),
    *(("History-Info", which, -300) for which in (1, 2)),
)
VERIFIED = "STIR_SHAKEN"
"""What Asterisk's own verification is called among the headers: its result and the attestation."""
COLON = r"\x1a"
"""What stands for ":" in what is handed on: no SIP header holds it."""


def refusal(code: int, cause: int) -> str:
    """The extension in `REFUSE` that ends a call by SIP status, or where that cannot be, by cause.

    >>> refusal(607, 21)
    '607*21'
    """
    return f"{code}*{cause}"


def mailbox(box: str) -> str:
    """What Asterisk calls a message box: the `mailboxes` of a phone's endpoint name it."""
    return f"{name('boxes', box)}@{_OURS}"


def waiting(box: str, new: int, heard: int) -> str:
    """The extension in `LAMPS` that says how many messages are in a box.

    >>> waiting("family", 1, 2)
    '1*2*family'
    """
    return f"{new}*{heard}*{name('boxes', box)}"


def deadline_of(channel: str) -> str:
    """The *global* variable that sets `DEADLINE` on a channel, by its id, whatever it is doing.

    For `POST /asterisk/variable`. The channel's own `POST /channels/ID/variable` waits until the
    playback or recording that runs on the channel is over (Asterisk 22.10), which for a long
    message is too late.
    """
    return f"EXPORT({channel},{DEADLINE})"


def diverting_of(channel: str) -> str:
    """The *global* variable that says whether a channel's call was diverted: "0", it was not."""
    return f"EXPORT({channel},REDIRECTING(from-num-valid,i))"


_ENDPOINT = re.compile(r"[A-Za-z0-9]{2,20}/[A-Za-z0-9_.+:@/-]{1,200}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_DID = re.compile(r"\+[0-9]{3,15}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_KEY_CODE = re.compile(r"(?=.*[*#])[0-9*#]{2,8}")


def checked(pattern: re.Pattern[str], what: str, value: str) -> str:
    """`value`, if `pattern` matches the whole of it; a ConfigError that names it otherwise."""
    if pattern.fullmatch(value) is None:
        raise ConfigError([f"{what} {value!r} cannot be written into Asterisk's configuration"])
    return value


def name(what: str, value: str) -> str:
    """A name that Asterisk's files can carry: letters, digits, `_`, `.` and `-`."""
    return checked(_NAME, what, value)


def comment(text: str) -> str:
    """`text` as a comment of one line, whatever is in it."""
    # `;--` would open a comment that goes on over many lines.
    plain = "".join(c if c.isprintable() else " " for c in text).strip().lstrip("-")
    return f"; {plain}"


def did_forms(did: str) -> tuple[str, ...]:
    """The ways in which lines write a DID: E.164, without the plus, and as dialled at home.

    >>> did_forms("+441632960123")
    ('+441632960123', '441632960123', '1632960123', '01632960123')
    """
    checked(_DID, "the DID", did)
    forms = [did, did[1:]]
    try:
        number = phonenumbers.parse(did)
    except phonenumbers.NumberParseException:
        return tuple(forms)
    at_home = phonenumbers.national_significant_number(number)
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    prefix = phonenumbers.ndd_prefix_for_region(region, True) or ""
    forms += [at_home, prefix + at_home]
    return tuple(dict.fromkeys(forms))


def dial(group: RingGroup) -> str:
    """`Dial()` for a ring group: all of its phones at once, whatever its strategy.

    One whose answer has to be confirmed rings only where there is no other: nobody here asks for
    the key, and a mobile's voicemail would take the call. Option i: a phone's redirect (302) is
    passed over.
    """
    phones = [phone for phone in group.phones if not phone.confirm] or group.phones
    endpoints = (checked(_ENDPOINT, "the phone", phone.endpoint) for phone in phones)
    return f"Dial({'&'.join(endpoints)},{max(1, round(group.seconds))},i)"


def arrivals(settings: Settings) -> str:
    """The six contexts, complete."""
    app = name("asterisk.app", settings.asterisk.app)
    lines = [
        f"[{ARRIVALS}]",
        "; Only digits and a leading + ever reach screener; who calls is in the channel.",
        "exten => _X!,1,Set(SCREENER_DID=${FILTER(0-9,${EXTEN})})",
        f" same => n,Goto({DOOR},s,1)",
        "exten => _+X!,1,Set(SCREENER_DID=+${FILTER(0-9,${EXTEN})})",
        f" same => n,Goto({DOOR},s,1)",
        "; FreePBX comes in here: its inbound routes leave the number in FROM_DID.",
        "exten => s,1,Set(SCREENER_DID=${FILTER(+0-9,${FROM_DID})})",
        f" same => n,Goto({DOOR},s,1)",
        "",
        f"[{DOOR}]",
        f"exten => s,1,Set({DEADLINE}={PATIENCE:.0f})",
        *_shown(),
        f" same => n(door),Stasis({app},did,${{SCREENER_DID}}${{SCREENER_SHOWN}})",
        "; Back here: screener is away, or hands the call back.",
        f" same => n,Goto({FAILSAFE},{FAILSAFE_EXTENSION},1)",
        "; Screener died, or hangs, with this call in its care: its deadline has run out.",
        f"exten => T,1,Goto({FAILSAFE},{FAILSAFE_EXTENSION},1)",
        "",
        *_refusals(),
        "",
        *_away(app),
        "",
        f"[{FAILSAFE}]",
        f"exten => {FAILSAFE_EXTENSION},1,Set({DEADLINE}=0)",
        " same => n,Goto(screener-ring,did${SCREENER_DID},1)",
        "",
        *_ring(settings.doors),
    ]
    return "\n".join(lines) + "\n"


def _shown() -> Iterator[str]:
    """Collect what a call's SIP headers show, as arguments for Stasis(), each in base64.

    A header is a stranger's text, and must be text whatever is in it. It goes through a variable,
    whose value Asterisk expands no further. But an argument of a function ends, to Asterisk, at a
    ":" that a ")" comes before: with both in his name a caller could hide what his provider says of
    him. So there is no ":" in what is encoded. A channel that is not SIP has no headers.
    """
    yield "; Who vouches for the caller, and is it an emergency? SIP headers, harmless as base64."
    yield " same => n,Set(SCREENER_SHOWN=)"
    yield ' same => n,GotoIf($["${CHANNEL(channeltype)}"!="PJSIP"]?door)'
    for header, which, most in _SHOWN:
        part = f"-{most}" if most > 0 else f"0:{-most}"
        yield f" same => n,Set(SCREENER_TEXT=${{PJSIP_HEADER(read,{header},{which}):{part}}})"
        yield from _hand_on(header)
    yield ' same => n,GotoIf($["${IFMODULE(res_stir_shaken.so)}"!="1"]?door)'
    yield ' same => n,GotoIf($["${STIR_SHAKEN(count)}"="0"]?door)'
    yield (
        " same => n,Set(SCREENER_TEXT="
        "${STIR_SHAKEN(0,verify_result)} ${STIR_SHAKEN(0,attestation):0:16})"
    )
    yield from _hand_on(VERIFIED)


def _hand_on(header: str) -> Iterator[str]:
    yield f" same => n,Set(SCREENER_TEXT=${{REPLACE(SCREENER_TEXT,:,{COLON})}})"
    yield (
        " same => n,Set(SCREENER_SHOWN="
        f"${{SCREENER_SHOWN}},${{BASE64_ENCODE({header} ${{SCREENER_TEXT}})}})"
    )


def _refusals() -> Iterator[str]:
    """One extension for each status and cause (`refusal`). PJSIPHangup: 18.21, 20.6, 21.1 on."""
    yield f"[{REFUSE}]"
    yield "; STATUS*CAUSE. Where Asterisk knows no PJSIPHangup, the cause gives the nearest status."
    yield f"exten => _[456]XX*.,1,Set({DEADLINE}=0)"
    yield ' same => n,GotoIf($["${CHANNEL(channeltype)}"!="PJSIP"]?cause)'
    yield " same => n,TryExec(PJSIPHangup(${EXTEN:0:3}))"
    yield " same => n(cause),Hangup(${EXTEN:4})"
    yield "exten => T,1,Hangup(21)"


def _away(app: str) -> Iterator[str]:
    """REFER, and what came of it: success once the other end has told that it got through.

    A call that it did not come to comes back to us, with the SIP status that says why.
    """
    yield f"[{AWAY}]"
    yield f"exten => {AWAY_EXTENSION},1,Set({DEADLINE}={AWAY_PATIENCE:.0f})"
    yield f" same => n,TryExec(Transfer(PJSIP/${{{AWAY_TO}}}))"
    yield ' same => n,GotoIf($["${TRANSFERSTATUS}"="SUCCESS"]?gone)'
    yield f" same => n,Set({DEADLINE}={PATIENCE:.0f})"
    yield f" same => n,Stasis({app},{BACK},${{TRANSFERSTATUSPROTOCOL}})"
    yield f" same => n,Goto({FAILSAFE},{FAILSAFE_EXTENSION},1)"
    yield " same => n(gone),Hangup(16)"
    yield f"exten => T,1,Goto({FAILSAFE},{FAILSAFE_EXTENSION},1)"


def _ring(doors: Mapping[str, FrontDoor]) -> Iterator[str]:
    """Which phones ring when screener does not answer; nobody's number rings at the first door."""
    yield "[screener-ring]"
    taken: set[str] = set()
    first = next(iter(doors.values()), None)
    for door in doors.values():
        forms = [form for form in did_forms(door.did) if form not in taken]
        taken.update(forms)
        for form in forms:
            yield f"exten => did{form},1,{dial(door.group)}"
            yield from _nobody_answers()
    if first is not None:
        yield f"exten => _did!,1,{dial(first.group)}"
        yield from _nobody_answers()


def _nobody_answers() -> Iterator[str]:
    # Q.850: 17 user busy (486), 19 no answer from user (480).
    yield ' same => n,Hangup(${IF($["${DIALSTATUS}"="BUSY"]?17:19)})'


def key_codes(settings: Settings) -> Mapping[str, str]:
    """The extensions in `CODE` by what a phone dials for them; none where none is set."""
    codes = {
        settings.windows.code: ("windows.code", EXPECT),
        settings.studio.code: ("studio.code", STUDIO),
        settings.voicemail: ("voicemail.code", VOICEMAIL),
        settings.dnd.on: ("dnd.on", DND_ON),
        settings.dnd.off: ("dnd.off", DND_OFF),
    }
    return {checked(_KEY_CODE, key, code): to for code, (key, to) in codes.items() if code}


def key_code(settings: Settings) -> str:
    """What a phone that dials a key code comes to; "" where there is none.

    It hears congestion when screener is away. One that is inside Stasis() when screener dies is
    hung up on when its time is over: the window is opened before anything is said.
    """
    codes = key_codes(settings)
    if not codes:
        return ""
    app = name("asterisk.app", settings.asterisk.app)
    lines = [f"[{CODE}]"]
    for extension in codes.values():
        lines += [
            f"exten => {extension},1,Set({DEADLINE}={PATIENCE:.0f})",
            f" same => n,Stasis({app},code,{extension},${{CHANNEL(name)}})",
            " same => n,Hangup(34)",
        ]
    lines.append("exten => T,1,Hangup(34)")
    return "\n".join(lines) + "\n"


def key_code_extensions(settings: Settings) -> list[str]:
    """The lines that belong into the context of the phones, and into no other; none for none."""
    return [f"exten => {code},1,Goto({CODE},{to},1)" for code, to in key_codes(settings).items()]


def lamps(settings: Settings) -> str:
    """The context `LAMPS`; "" where no phone has a lamp."""
    if not any(box.lamps for box in settings.boxes.values()):
        return ""
    count = "0,${CUT(EXTEN,*,1)},${CUT(EXTEN,*,2)}"
    lines = [
        f"[{LAMPS}]",
        "; NEW*HEARD*BOX: only screener dials it.",
        f"exten => _X!,1,MinivmMWI(${{CUT(EXTEN,*,3)}}@{_OURS},{count})",
        " same => n,Hangup(16)",
    ]
    return "\n".join(lines) + "\n"


def between_phones(settings: Settings) -> str:
    """The context of the private Asterisk's own phones: they call each other, and nobody else.

    A number outside is answered by congestion at once, an emergency number too: there is no line
    that it could go out by. It is dialled all the same, which outgoing.py hears.
    """
    lines = [
        f"[{PHONES}]",
        *key_code_extensions(settings),
        "; No line leads outside, not even to those who help.",
        "exten => _[0-9*#+]X.,1,Hangup(34)",
    ]
    extensions = {
        number: extension
        for door in settings.doors.values()
        for number, extension in door.extensions.items()
    }
    for number, extension in extensions.items():
        lines.append(f"exten => {checked(_DIGITS, 'extension', number)},1,{dial(extension.group)}")
    for phone in settings.phones.values():
        endpoint = checked(_ENDPOINT, "the phone", phone.endpoint)
        if "@" in endpoint:  # behind a trunk: no phone of the house
            continue
        resource = name("the phone", endpoint.partition("/")[2])
        if resource not in extensions:
            lines.append(f"exten => {resource},1,Dial({endpoint},25,i)")
    return "\n".join(lines) + "\n"
