"""The dialplan's text: every form of a DID has its extension, and no name can add a line."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.asterisk import capture, dialplan
from screener.asterisk.configuration import private_files
from screener.asterisk.installation import Installation
from screener.asterisk.pbx import pbx_config
from screener.config import Settings
from screener.core.frontdoor import Directory, Extension, FrontDoor, MessageBox, Phone, RingGroup
from screener.errors import ConfigError
from screener.settings.codes import StudioSettings, WindowSettings
from screener.settings.surroundings import (
    AsteriskSettings,
    Engine,
    MailSecurity,
    MailSettings,
    SpeechSettings,
)

SECRET = "s3cret;with a semicolon"
NOWHERE = Path("/nowhere")
INSTALLATION = Installation(("asterisk",), NOWHERE, NOWHERE, "22.0.0")


def house(
    dids: tuple[str, ...] = ("+18182223333",),
    phones: Mapping[str, str] | None = None,
    app: str = "screener",
) -> Settings:
    """Settings with these DIDs and phones (name -> endpoint), all of which ring together."""
    endpoints = phones or {"kitchen": "PJSIP/kitchen", "study": "PJSIP/study"}
    rung = {name: Phone(name, endpoint) for name, endpoint in endpoints.items()}
    group = RingGroup("family", tuple(rung.values()), 25.0)
    box = MessageBox("family", ("you@example.net",))
    extensions = {"1": Extension("1", ("family",), group, box)}
    return Settings(
        path=NOWHERE / "screener.toml",
        country="US",
        zone=None,
        shadow=False,
        directory=Directory(
            {did: FrontDoor(did, group, box, extensions) for did in dids},
            rung,
            {"family": group},
            {"family": box},
            extensions,
        ),
        asterisk=AsteriskSettings(
            None, "screener", SECRET, app, "127.0.0.1", 5160, 8188, (12000, 12999)
        ),
        mail=MailSettings("localhost", 25, MailSecurity.NONE, "", "", "me@example.net", 14.0),
        speech=SpeechSettings(Engine.AUTO, None, "flite:slt"),
        rules=NOWHERE,
        grammars=NOWHERE,
        sounds=NOWHERE,
        data=NOWHERE,
    )


def files(settings: Settings) -> Mapping[str, str]:
    phones = {p.endpoint.partition("/")[2] for p in settings.phones.values()}
    return private_files(
        INSTALLATION,
        settings,
        NOWHERE,
        passwords=dict.fromkeys(phones, "password"),
        contacts={},
    )


def sections(text: str) -> dict[str, list[str]]:
    """An Asterisk file, read: section -> its lines without comments. Raises on any other line."""
    found: dict[str, list[str]] = {}
    here: list[str] | None = None
    for raw in text.splitlines():
        line = re.sub(r"(?<!\\);.*", "", raw).strip()
        if not line:
            continue
        head = re.fullmatch(r"\[([A-Za-z0-9_.-]+)\]", line)
        if head:
            here = found.setdefault(head[1], [])
        elif here is not None and re.match(r"[a-z_.]+ *=>? *\S", line):
            here.append(line)
        else:
            raise AssertionError(f"not a line of an Asterisk file: {raw!r}")
    return found


def extensions(lines: list[str]) -> list[str]:
    return [line.split(" ", 2)[2].split(",")[0] for line in lines if line.startswith("exten")]


def test_every_file_of_the_private_asterisk_is_well_formed() -> None:
    read = {name: sections(text) for name, text in files(house()).items()}
    assert read["http.conf"]["general"][1] == "bindaddr=127.0.0.1"
    assert "password=s3cret\\;with a semicolon" in read["ari.conf"]["screener"]
    assert set(read["pjsip.conf"]) == {"global", "udp", "tcp", "anonymous", "kitchen", "study"}
    binds = [line for lines in read["pjsip.conf"].values() for line in lines if "bind=" in line]
    assert binds == ["bind=127.0.0.1:5160"] * 2


def test_nothing_of_the_private_asterisk_listens_on_another_address() -> None:
    for name, text in files(house()).items():
        assert "0.0.0.0" not in text, name


def test_a_did_has_an_extension_in_each_form_that_lines_use() -> None:
    ring = sections(dialplan.arrivals(house(("+18182223333", "+441632960123"))))["screener-ring"]
    assert extensions(ring) == [
        *("did+18182223333", "did18182223333", "did8182223333"),
        *("did+441632960123", "did441632960123", "did1632960123", "did01632960123"),
        "_did!",
    ]


def test_arrivals_take_a_number_with_or_without_plus_and_none() -> None:
    assert extensions(sections(dialplan.arrivals(house()))["screener-in"]) == ["_X!", "_+X!", "s"]


def test_the_phones_ring_without_us_and_no_redirect_is_followed() -> None:
    ring = sections(dialplan.arrivals(house()))["screener-ring"]
    assert ring[0] == "exten => did+18182223333,1,Dial(PJSIP/kitchen&PJSIP/study,25,i)"


def test_what_a_call_shows_fits_into_what_an_application_is_given() -> None:
    door = sections(dialplan.arrivals(house(app="a" * 80)))["screener-door"]
    text = "\n".join(door)
    most = [int(found) for found in re.findall(r"PJSIP_HEADER\(read,[^)]*\):(?:-|0:)(\d+)", text)]
    names = re.findall(r"BASE64_ENCODE\(([\w-]+) ", text)
    assert len(names) == len(most) + 1  # and what Asterisk itself has verified
    lengths = [len(f"{name} ") + size for name, size in zip(names, [*most, 64], strict=True)]
    in_base64 = sum(len(b64encode(b"x" * length)) + len(",") for length in lengths)
    assert len("a" * 80 + ",did,+123456789012345") + in_base64 < 8191


def test_every_header_is_without_colons_before_it_is_encoded() -> None:
    door = sections(dialplan.arrivals(house()))["screener-door"]
    read = [
        at for at, line in enumerate(door) if "Set(SCREENER_TEXT=" in line and "REPLACE" not in line
    ]
    assert len(read) == 14
    for at in read:
        assert "Set(SCREENER_TEXT=${REPLACE(SCREENER_TEXT,:," in door[at + 1]
        assert "BASE64_ENCODE(" in door[at + 2]


def test_a_call_that_is_refused_has_no_deadline_and_rings_no_phone() -> None:
    refuse = sections(dialplan.arrivals(house()))["screener-refuse"]
    assert refuse[0] == "exten => _[456]XX*.,1,Set(TIMEOUT(absolute)=0)"
    assert extensions(refuse) == ["_[456]XX*.", "T"]
    assert not [line for line in refuse if "Dial(" in line or "failsafe" in line]


def test_a_call_that_is_sent_elsewhere_comes_back_or_rings_the_phones() -> None:
    away = sections(dialplan.arrivals(house()))["screener-away"]
    assert extensions(away) == ["s", "T"]
    assert "same => n,Stasis(screener,back,${TRANSFERSTATUSPROTOCOL})" in away
    assert away[-1] == "exten => T,1,Goto(screener-failsafe,s,1)"


def test_two_dids_that_share_a_form_ring_at_the_first() -> None:
    # 818-222-3333 in the USA, and Vietnam's +84 81... do not clash; these two do.
    ring = sections(dialplan.arrivals(house(("+4981822233", "+81822233"))))["screener-ring"]
    forms = extensions(ring)
    assert len(forms) == len(set(forms))


@pytest.mark.parametrize(
    "endpoint",
    [
        "PJSIP/kitchen\nexten => s,1,System(reboot)",
        "PJSIP/kitchen,25,U(evil)",
        "PJSIP/kitchen&Local/9@outside",
        "PJSIP/${EVIL}",
        "PJSIP/kitchen)",
        "PJSIP/",
        "kitchen",
        "PJSIP/kit;chen",
    ],
)
def test_a_hostile_endpoint_is_refused(endpoint: str) -> None:
    settings = house(phones={"kitchen": endpoint})
    with pytest.raises(ConfigError, match="cannot be written"):
        dialplan.arrivals(settings)


@pytest.mark.parametrize("app", ["screener,x", "a)\nexten => _X!,1,System(x)", "", "${X}", "a b"])
def test_a_hostile_application_is_refused(app: str) -> None:
    with pytest.raises(ConfigError, match=re.escape("asterisk.app")):
        dialplan.arrivals(house(app=app))


@pytest.mark.parametrize("resource", ["anonymous", "global", "udp", "TCP"])
def test_a_phone_cannot_take_the_place_of_another_section(resource: str) -> None:
    with pytest.raises(ConfigError, match=resource):
        files(house(phones={"x": f"PJSIP/{resource}"}))


@given(st.text(min_size=1, max_size=40))
def test_a_secret_is_one_line_or_refused(secret: str) -> None:
    settings = house()
    settings = replace(settings, asterisk=replace(settings.asterisk, secret=secret))
    try:
        text = files(settings)["ari.conf"]
    except ConfigError:
        return
    assert list(sections(text)) == ["general", "screener"]
    assert text.endswith(f"password={secret.replace(';', chr(92) + ';')}\n")


def test_sip_messages_are_copied_to_us_with_a_password_that_opens_nothing() -> None:
    read = house()
    copied = files(read)["hep.conf"]
    assert "capture_address=127.0.0.1:9160\n" in copied
    assert "s3cret" not in copied
    off = replace(read, asterisk=replace(read.asterisk, hep_port=0))
    assert files(off)["hep.conf"] == "[general]\nenabled=no\n"
    shown = f"capture_password={capture.password(SECRET)}\n"
    assert shown not in pbx_config(read)
    assert shown in pbx_config(read, SECRET)


def test_only_the_phones_can_dial_the_key_code() -> None:
    read = sections(files(house())["extensions.conf"])
    leads = [name for name, lines in read.items() for line in lines if "Goto(screener-code" in line]
    assert leads == ["screener-phones"]
    assert "exten => *39,1,Goto(screener-code,expect,1)" in read["screener-phones"]
    assert extensions(read["screener-code"]) == ["expect", "T"]


def test_a_number_outside_is_answered_at_once_and_by_no_application_of_ours() -> None:
    phones = sections(files(house())["extensions.conf"])["screener-phones"]
    assert "exten => _[0-9*#+]X.,1,Hangup(34)" in phones
    assert not [line for line in phones if "Stasis" in line]


def test_the_studio_has_a_code_as_well() -> None:
    studio = replace(house(), studio=StudioSettings("*77", "2468"))
    read = sections(files(studio)["extensions.conf"])
    assert "exten => *77,1,Goto(screener-code,studio,1)" in read["screener-phones"]
    assert extensions(read["screener-code"]) == ["expect", "studio", "T"]
    given = pbx_config(studio)
    assert "exten => *77,1,Goto(screener-code,studio,1)" in sections(given)["from-internal-custom"]
    assert "; Whoever dials *77 on a phone and knows the PIN records what callers hear" in given
    assert "2468" not in given + "".join(files(studio).values())
    alone = replace(studio, windows=WindowSettings(code=""))
    assert extensions(sections(pbx_config(alone))["screener-code"]) == ["studio", "T"]


def test_the_voicemail_has_a_code_as_well() -> None:
    heard = replace(house(), voicemail="*97")
    read = sections(files(heard)["extensions.conf"])
    assert "exten => *97,1,Goto(screener-code,voicemail,1)" in read["screener-phones"]
    assert extensions(read["screener-code"]) == ["expect", "voicemail", "T"]
    told = "; Whoever dials *97 on a phone and knows the PIN of a box hears its messages"
    assert told in pbx_config(heard)


def lit(*boxes: MessageBox) -> Settings:
    settings = house()
    named = {box.name: box for box in boxes}
    return replace(settings, directory=replace(settings.directory, boxes=named))


def test_the_phones_of_a_box_show_its_messages() -> None:
    mail = ("you@example.net",)
    settings = lit(
        MessageBox("family", mail, lamps=("kitchen", "study")),
        MessageBox("work", mail, lamps=("study",)),
    )
    written = files(settings)
    phones = sections(written["pjsip.conf"])
    assert "mailboxes=family@screener" in phones["kitchen"]
    assert "mailboxes=family@screener,work@screener" in phones["study"]
    assert not [line for line in phones["anonymous"] if "mailboxes" in line]
    count = "0,${CUT(EXTEN,*,1)},${CUT(EXTEN,*,2)}"
    plan = [
        f"exten => _X!,1,MinivmMWI(${{CUT(EXTEN,*,3)}}@screener,{count})",
        "same => n,Hangup(16)",
    ]
    assert sections(written["extensions.conf"])["screener-lamps"] == plan
    assert dialplan.waiting("family", 12, 3) == "12*3*family"
    given = pbx_config(settings)
    assert "[study](+type=endpoint)\nmailboxes=family@screener,work@screener\n" in given
    assert plan[0] in given


def test_without_lamps_there_is_nothing_for_them() -> None:
    written = files(house())
    assert "minivm" not in written["modules.conf"]
    assert "mailboxes" not in written["pjsip.conf"]
    assert "screener-lamps" not in written["extensions.conf"] + pbx_config(house())


@pytest.mark.parametrize("name", ["a,b", "a\nb", "${X}", "a*b", "a;b", "a@b"])
def test_a_hostile_box_is_written_nowhere(name: str) -> None:
    settings = lit(MessageBox(name, ("you@example.net",), lamps=("kitchen",)))
    for write in (files, pbx_config):
        with pytest.raises(ConfigError, match="cannot be written"):
            write(settings)
    with pytest.raises(ConfigError, match="cannot be written"):
        dialplan.waiting(name, 1, 0)


def test_without_a_key_code_there_is_none() -> None:
    none = replace(house(), windows=WindowSettings(code=""))
    for text in (files(none)["extensions.conf"], pbx_config(none)):
        assert "screener-code" not in text
        assert "from-internal-custom" not in text


@pytest.mark.parametrize("code", ["911", "*39,1,System(x)", "*3\n9", "_X*", "${X}*"])
def test_a_hostile_key_code_is_refused(code: str) -> None:
    settings = replace(house(), windows=WindowSettings(code=code))
    for write in (files, pbx_config):
        with pytest.raises(ConfigError, match=re.escape("windows.code")):
            write(settings)
