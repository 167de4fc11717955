"""screener.toml: what a right one becomes, and how every wrong one is refused."""

import re
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener import starter
from screener.config import KEYS, load
from screener.core.frontdoor import Outside, SoundFormat
from screener.rules import rulebook
from screener.settings import codes
from screener.settings.codes import StudioSettings, WindowSettings
from screener.settings.surroundings import ARI_SECRET, MAIL_PASSWORD, Engine, MailSecurity
from tests.shell.household import PLAIN, Write, assert_refused, changed, mistakes_of

# What a right file becomes -----------------------------------------------------------------------


def test_a_short_file_says_all_that_a_household_needs(write: Write, tmp_path: Path) -> None:
    read = load(write(PLAIN))
    door = read.doors["+18182223333"]
    assert door.group is read.groups["family"]
    assert door.box.mail == ("you@example.net",)
    assert door.tries == 3
    extension = door.extensions["1"]
    assert extension.names == ("family", "doctor smith")
    assert [phone.endpoint for phone in extension.group.phones] == ["PJSIP/kitchen", "PJSIP/study"]
    assert (extension.group.seconds, extension.box.limit) == (25.0, 300.0)
    assert (read.mail.host, read.mail.port, read.mail.security) == ("localhost", 25, "none")
    assert (read.speech.engine, read.speech.voice) == (Engine.AUTO, "flite:slt")
    assert read.rules == tmp_path / "rules"
    assert read.data == tmp_path / "data"
    assert read.asterisk.url is None
    assert read.warnings == ()


def test_the_starter_file_loads_and_its_rules_with_it(tmp_path: Path) -> None:
    starter.write(tmp_path / "home")
    read = load(tmp_path / "home" / "screener.toml")
    assert set(next(iter(read.doors.values())).extensions) == {"1", "2"}
    assert rulebook.load(read).rules


def test_every_commented_example_of_the_starter_file_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ARI_SECRET, raising=False)
    home = tmp_path / "home"
    starter.write(home)
    (home / "models" / "vosk-small-en").mkdir(parents=True)
    secrets = {
        **{"ari-secret": "hidden", "mail-password": "hidden"},
        **{"studio-pin": "2468", "family-pin": "1357"},
    }
    for secret, text in secrets.items():
        (home / secret).write_text(f"{text}\n")
        (home / secret).chmod(0o600)
    (home / "holidays.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    path = home / "screener.toml"
    examples = re.compile(r"^# (?=[a-z_0-9]+ = |\[menus|\[phones)", re.MULTILINE)
    path.write_text(examples.sub("", path.read_text()))
    read = load(path)
    assert read.asterisk.url == "http://127.0.0.1:8088/ari"
    assert (read.asterisk.secret, read.mail.password) == ("hidden", "hidden")
    assert (read.mail.security, read.mail.port) == (MailSecurity.STARTTLS, 587)
    assert read.speech.model == home / "models" / "vosk-small-en"
    assert read.studio == StudioSettings("*77", "2468")
    assert read.voicemail == "*97"
    assert (read.boxes["family"].pin, read.boxes["family"].lamps) == ("1357", ("kitchen",))


def test_a_file_from_a_windows_editor_is_read(write: Write) -> None:
    path = write("")
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert load(path).country == "US"


def test_the_owner_hears_of_trouble_in_the_first_box_unless_he_says_otherwise(write: Write) -> None:
    assert load(write(PLAIN)).mail.owner == ("you@example.net",)
    elsewhere = changed("[mail]", '[mail]\nowner = ["me@example.org", "dad@example.org"]')
    assert load(write(elsewhere)).mail.owner == ("me@example.org", "dad@example.org")
    assert load(write(changed("[mail]", "[mail]\nowner = []"))).mail.owner == ()


def test_a_time_zone_and_a_mode_are_what_the_owner_says(write: Write) -> None:
    plain = load(write(PLAIN))
    assert (plain.zone, plain.shadow) == (None, False)
    read = load(write(changed("[dids", 'timezone = "Europe/Berlin"\nmode = "shadow"\n[dids')))
    assert (read.zone, read.shadow) == (ZoneInfo("Europe/Berlin"), True)


def test_a_local_sendmail_alone_or_behind_the_server(write: Write) -> None:
    alone = load(write(changed("[mail]", '[mail]\nsendmail = "/usr/sbin/sendmail"'))).mail
    assert (alone.host, alone.sendmail) == ("", "/usr/sbin/sendmail")
    behind = '[mail]\nsendmail = "/usr/sbin/sendmail"\nhost = "mx.example.net"'
    both = load(write(changed("[mail]", behind))).mail
    assert (both.host, both.port, both.sendmail) == ("mx.example.net", 25, "/usr/sbin/sendmail")
    assert load(write(PLAIN)).mail.sendmail == ""


def test_a_box_may_serve_people_in_another_time_zone(write: Write) -> None:
    there = changed(
        "[mail]", '[boxes.far]\nmail = ["a@example.net"]\ntimezone = "Asia/Tokyo"\n[mail]'
    )
    boxes = load(write(there)).boxes
    assert (boxes["far"].zone, boxes["family"].zone) == ("Asia/Tokyo", "")


def test_a_fingerprint_may_have_colons_and_capitals(write: Write) -> None:
    written = "sha256:" + ":".join(["AB"] * 32)
    text = f'[mail]\nsecurity = "tls"\nfingerprint = "{written}"'
    assert load(write(changed("[mail]", text))).mail.fingerprint == "sha256:" + "ab" * 32


def test_a_wrong_security_is_one_mistake_with_a_fingerprint_too(write: Write) -> None:
    text = f'[mail]\nsecurity = "ssl"\nfingerprint = "sha256:{64 * "0"}"'
    [mistake] = mistakes_of(write(changed("[mail]", text)))
    assert 'mail.security = "ssl": expected one of none, starttls' in mistake


# How a wrong one is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('country = "US"', "", 'country is missing: expected a country code like "US"'),
        ('country = "US"', 'country = "USA"', 'country = "USA": expected a country code of two'),
        ('country = "US"', 'contry = "US"', 'contry = "US": unknown key; did you mean "country"?'),
        ("[mail]", '[studio]\npin = "4711"\n[mail]', 'studio.pin = "...": unknown key; write it'),
        ("[mail]", "[studio]\nPIN = 4711\n[mail]", 'studio.PIN = "...": unknown key; write it'),
        ("[mail]", '[mail]\npassword = "p"', 'mail.password = "...": unknown key; write it into'),
        ("[mail]", '[asterisk]\nsecret = "s"\n[mail]', 'name that: secret_file = "FILE"'),
        ("[mail]", '[mail]\nopinion = "loud"', 'mail.opinion = "loud": unknown key'),
        ('sender = "screener@example.net"', "", "mail.sender is missing"),
        ("[phones]", "[[phones]]", "expected a table, written [phones]"),
        ("[mail]", '[mail]\nport = "25"', 'mail.port = "25": expected a whole number from 1'),
        ("[mail]", "[mail]\nport = true", "mail.port = true: expected a whole number from 1"),
        ("[mail]", '[mail]\nsecurity = "ssl"', 'security = "ssl": expected one of none, starttls'),
        ("[mail]", "[mail]\nretry_days = nan", "mail.retry_days = NaN: expected a number"),
        ("[mail]", '[mail]\nuser = "me"', "mail.password_file is missing"),
        (
            "[mail]",
            '[mail]\nsendmail = "sendmail"',
            'sendmail = "sendmail": expected the whole path',
        ),
        ("[mail]", '[mail]\nsendmail = "/x"\nport = 25', "mail.host is missing: expected the mail"),
        ("[mail]", '[mail]\nfingerprint = "sha1:00"', 'fingerprint = "sha1:00": expected what'),
        ("[mail]", f'[mail]\nfingerprint = "sha256:{64 * "0"}"', "mail.security is missing"),
        (
            "[mail]",
            f'[mail]\nsecurity = "none"\nfingerprint = "sha256:{64 * "0"}"',
            'mail.security = "none": expected "starttls" or "tls"',
        ),
        ("[mail]", '[mail]\nowner = "me@example.net"', "mail.owner = "),
        ("[mail]", '[mail]\nowner = ["me"]', 'owner = ["me"]: '),
        ("[dids", 'timezone = "Mars/Olympus"\n[dids', 'expected a time zone like "America/Los_'),
        ("[dids", 'timezone = "../../etc/passwd"\n[dids', "expected a time zone like"),
        ("[dids", 'mode = "shado"\n[dids', 'mode = "shado": did you mean "shadow"?'),
        ("[mail]", '[mail]\npassword_file = "no"', "there is no such file"),
        ("[mail]", '[asterisk]\nurl = "host"\n[mail]', "expected ARI's address like"),
        ("[mail]", '[asterisk]\nurl = "http://u:p@h/ari"\n[mail]', "expected ARI's address like"),
        ("[mail]", '[asterisk]\nurl = "http://h/ari"\n[mail]', "asterisk.secret_file is missing"),
        ("[mail]", "[asterisk]\nrtp_ports = [9, 1]\n[mail]", "expected the first and the last"),
        ("[mail]", "[asterisk]\nhep_port = 80\n[mail]", "expected a port from 1024 to 65535"),
        ("[mail]", '[asterisk]\ntrunk = "PJSIP/trunk"\n[mail]', "PJSIP/{number}@trunk"),
        ("[mail]", '[asterisk]\ntrunk = "{number}, x"\n[mail]', "PJSIP/{number}@trunk"),
        ("[mail]", '[asterisk]\nsend_away = "refer"\n[mail]', "expected one of bridge, redirect"),
        ("[mail]", '[asterisk]\nsend_away = "bridge"\n[mail]', "asterisk.trunk is missing"),
        ("[mail]", '[speech]\nvoice = "slt"\n[mail]', "expected a program and its voice"),
        ("[mail]", '[speech]\nmodel = "nowhere"\n[mail]', "there is no folder"),
        ("[mail]", '[paths]\nrules = "rulez"\n[mail]', "there is no folder"),
        ("[mail]", '[paths]\ndata = "a,b"\n[mail]', "expected a path without a comma"),
    ],
)
def test_a_mistake_names_file_key_value_and_what_was_expected(
    write: Write, old: str, new: str, said: str
) -> None:
    assert_refused(write(changed(old, new)), said)


def test_a_trunk_says_how_numbers_outside_are_dialled(write: Write) -> None:
    trunk = '[asterisk]\ntrunk = "PJSIP/{number}@trunk"\nsend_away = "bridge"\n[mail]'
    outside = load(write(changed("[mail]", trunk))).directory.outside
    assert outside == Outside("US", "PJSIP/{number}@trunk", bridged=True)
    assert load(write(changed("[mail]", "[mail]"))).directory.outside == Outside("US")


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    text = changed('country = "US"', 'country = "XX"')
    text = changed('"kitchen", "study"', '"kitchn"', text)
    text = changed('"you@example.net"', '"nobody"', text)
    assert len(mistakes_of(write(text))) == 3


@pytest.mark.parametrize(
    ("section", "key"),
    [(section, key) for section, keys in KEYS.items() for key in keys],
)
def test_every_key_is_read_and_refuses_what_it_cannot_be(
    write: Write, section: str, key: str
) -> None:
    """A date is no value of any key: one that is not noticed is a key that is not read."""
    heads = {
        "": "",
        "dids": '[dids."+18182225555"]',
        "extensions": "[extensions.7]",
        "groups": "[groups.other]",
        "boxes": "[boxes.other]",
    }
    own = {"": "", "dids": 'dids."+18182225555".', "extensions": "extensions.7."}
    where = own.get(section, f"{section}.other." if section in heads else f"{section}.")
    head = heads.get(section, f"[{section}]")
    path = write(f"{head}\n{key} = {date(2024, 2, 29)}\n")
    assert any(f"{where}{key} = 2024-02-29: expected" in m for m in mistakes_of(path)), mistakes_of(
        path
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'country = "US"\nring = = 1\n', ":2: Invalid value at column 8"),
        (b'country = "US', ":1: "),
        (
            b"country = US # here\n",
            ':1: text stands in straight quotes: "US" at column 11\n    country = US # here\n'
            "              ^",
        ),
        ("ring = “family”\n".encode(), ':1: text stands in straight quotes: "family" at column 8'),
        (b"names = [\n  family, office]\n", ':2: text stands in straight quotes: "family" at'),
        (
            b'[a]\n  x = 1\n  x = "two"\n',
            ':3: this key is there twice at column 3\n      x = "two"\n      ^',
        ),
        (b"[a]\nx = 1\n[a]\n", ":3: this key is there twice at column 1\n    [a]\n    ^"),
        (b'country = "US"\n# \xff\n', ":2:3: not UTF-8 text; save"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(write: Write, content: bytes, said: str) -> None:
    path = write("")
    path.write_bytes(content)
    assert mistakes_of(path)[0].startswith(f"{path}{said}")


def test_a_country_that_has_another_code_is_told_it(write: Write) -> None:
    assert_refused(write(changed('"US"', '"UK"')), 'did you mean "GB"?')


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    assert f"screener init {tmp_path}" in mistakes_of(tmp_path / "screener.toml")[0]


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path) == [f"{tmp_path}: cannot be read (Is a directory)"]


def test_a_missing_folder_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "rules").rmdir()
    assert "paths.rules is missing: expected a folder" in mistakes_of(write(PLAIN))[0]


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text(), st.integers(0, 12))
def test_no_text_whatever_brings_loading_down(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: str, line: int
) -> None:
    folder = tmp_path_factory.mktemp("home")
    lines = PLAIN.splitlines()
    lines[line] = f"{name} = {value}"
    path = folder / "screener.toml"
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    assert mistakes_of(path)


# What is allowed and yet unwise ------------------------------------------------------------------


def test_a_password_in_clear_over_the_network_is_warned_of(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MAIL_PASSWORD, "hunter2")
    text = changed("[mail]", '[mail]\nuser = "me"\nhost = "mail.example.net"')
    assert load(write(text)).warnings == (
        "the mail password goes to mail.example.net in clear: set mail.security to starttls",
    )


def test_windows_are_as_they_are_usually_unless_told_otherwise(write: Write) -> None:
    assert load(write(PLAIN)).windows == WindowSettings("*39", 7200.0, 14_400.0)
    told = '[windows]\ncode = ""\nexpecting = "30m"\nemergency = 0\n'
    assert load(write(PLAIN + told)).windows == WindowSettings("", 1800.0, 0.0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('code = "911"', 'windows.code = "911": expected what a phone dials'),
        ('code = "*39,1,System(x)"', "expected what a phone dials"),
        ("code = 39", "expected what a phone dials"),
        ('expecting = "0s"', "windows.expecting"),
        ('expecting = "200h"', "from 1m to 7d"),
        ('emergency = "-1h"', "windows.emergency"),
    ],
)
def test_unfit_windows_are_refused(write: Write, line: str, said: str) -> None:
    assert_refused(write(f"{PLAIN}[windows]\n{line}\n"), said)


# The studio --------------------------------------------------------------------------------------


def with_pin(write: Write, content: str, mode: int = 0o600, more: str = "") -> Path:
    path = write(f'{PLAIN}\n[studio]\npin_file = "pin"\n{more}')
    (path.parent / "pin").write_text(content)
    (path.parent / "pin").chmod(mode)
    return path


def test_the_studio_has_a_code_where_there_is_a_pin(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(codes.STUDIO_PIN, raising=False)
    assert load(write(PLAIN)).studio.code == ""
    studio = load(with_pin(write, "2468\n")).studio
    assert (studio.code, studio.pin) == ("*77", "2468")
    assert "2468" not in repr(studio)
    assert load(with_pin(write, "2468", more='code = "*88"')).studio.code == "*88"
    assert load(with_pin(write, "2468", more='code = ""')).studio == StudioSettings()
    monkeypatch.setenv(codes.STUDIO_PIN, "135790")
    assert load(write(PLAIN)).studio.pin == "135790"


@pytest.mark.parametrize(
    ("content", "mode", "more", "said"),
    [
        ("123", 0o600, "", "expected a PIN of 4 to 10 digits in it"),
        ("12345678901", 0o600, "", "expected a PIN of 4 to 10 digits in it"),
        ("12a4", 0o600, "", "expected a PIN of 4 to 10 digits in it"),
        ("2468", 0o640, "", "can be read by others than its owner: chmod 600 it"),
        ("2468", 0o644, "", "can be read by others than its owner: chmod 600 it"),
        ("2468", 0o600, 'code = "77"', 'studio.code = "77": expected what a phone dials'),
        ("2468", 0o600, 'code = "*39"', 'studio.code = "*39": is windows.code as well'),
    ],
)
def test_a_studio_that_is_not_fit_is_refused(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    content: str,
    mode: int,
    more: str,
    said: str,
) -> None:
    monkeypatch.delenv(codes.STUDIO_PIN, raising=False)
    path = with_pin(write, content, mode, more)
    assert_refused(path, said)
    if len(content) > 4:
        assert not any(content in mistake for mistake in mistakes_of(path))


def test_a_code_without_a_pin_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(codes.STUDIO_PIN, raising=False)
    path = write(f'{PLAIN}\n[studio]\ncode = "*77"\n')
    assert_refused(path, "studio.pin_file is missing: expected the file with the PIN")


# The voicemail -----------------------------------------------------------------------------------


def with_box_pin(write: Write, content: str, mode: int = 0o600, more: str = "") -> Path:
    path = write(changed("[boxes.family]", '[boxes.family]\npin_file = "pin"') + more)
    (path.parent / "pin").write_text(content)
    (path.parent / "pin").chmod(mode)
    return path


def test_a_box_with_a_pin_is_heard_by_phone(write: Write) -> None:
    assert load(write(PLAIN)).voicemail == ""
    read = load(with_box_pin(write, "2468\n"))
    assert (read.voicemail, read.boxes["family"].pin, read.warnings) == ("*97", "2468", ())
    assert "2468" not in repr(read)
    other = load(with_box_pin(write, "2468", more='\n[voicemail]\ncode = "*98"\n'))
    assert other.voicemail == "*98"


def test_a_box_that_no_phone_can_dial_is_warned_of(write: Write) -> None:
    read = load(with_box_pin(write, "2468", more='\n[voicemail]\ncode = ""\n'))
    assert read.warnings == (
        "boxes.family.pin_file: no phone can dial the box: voicemail.code is missing",
    )
    alone = load(write(f'{PLAIN}\n[voicemail]\ncode = "*97"\n'))
    assert alone.voicemail == ""
    assert alone.warnings == (
        'voicemail.code: "*97" leads to no box: boxes.NAME.pin_file is missing',
    )


def test_an_asterisk_of_ones_own_has_no_voicemail_unless_it_is_given(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ARI_SECRET, "hidden")
    own = '\n[asterisk]\nurl = "http://127.0.0.1:8088/ari"\n'
    assert load(with_box_pin(write, "2468", more=own)).voicemail == ""
    given = f'{own}[voicemail]\ncode = "*97"\n'
    assert load(with_box_pin(write, "2468", more=given)).voicemail == "*97"


@pytest.mark.parametrize(
    ("content", "mode", "more", "said"),
    [
        ("123", 0o600, "", "boxes.family.pin_file = "),
        ("123", 0o600, "", "expected a PIN of 4 to 10 digits in it"),
        ("2468", 0o640, "", "can be read by others than its owner: chmod 600 it"),
        ("2468", 0o600, 'code = "97"', 'voicemail.code = "97": expected what a phone dials'),
        ("2468", 0o600, 'code = "*39"', 'voicemail.code = "*39": is a code already'),
    ],
)
def test_a_box_that_cannot_be_locked_is_refused(
    write: Write, content: str, mode: int, more: str, said: str
) -> None:
    path = with_box_pin(write, content, mode, f"\n[voicemail]\n{more}\n")
    assert_refused(path, said)


@pytest.mark.parametrize(
    ("lamps", "said"),
    [
        ('["kitchn"]', 'there is no such phone in [phones]; did you mean "kitchen"?'),
        ('["kitchen", "kitchen"]', "stands in it twice"),
        ('"kitchen"', 'expected a list like ["kitchen"]'),
    ],
)
def test_lamps_are_the_phones_of_the_house(write: Write, lamps: str, said: str) -> None:
    assert_refused(write(changed("[boxes.family]", f"[boxes.family]\nlamps = {lamps}")), said)
    lit = write(changed("[boxes.family]", '[boxes.family]\nlamps = ["kitchen"]'))
    assert load(lit).boxes["family"].lamps == ("kitchen",)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('format = "flac"', 'boxes.family.format = "flac": expected one of mp3, opus, wav'),
        ('format = ["mp3"]', 'boxes.family.format = ["mp3"]: expected one of mp3, opus, wav'),
        ('bitrate = "33k"', 'boxes.family.bitrate = "33k": expected one of 16k, 24k, 32k, 40k'),
        ("bitrate = 32000", "boxes.family.bitrate = 32000: expected one of 16k, 24k, 32k, 40k"),
        ('format = "opus"\nbitrate = "6k"', 'boxes.family.bitrate = "6k": expected from "8k" to'),
        ('format = "opus"\nbitrate = "8 k"', 'boxes.family.bitrate = "8 k": expected from "8k" to'),
        ('format = "wav"\nbitrate = "32k"', 'boxes.family.bitrate = "32k": a WAV file is as large'),
        ('transcript = "no"', 'boxes.family.transcript = "no": expected true or false'),
    ],
)
def test_what_a_box_cannot_be_mailed_as_is_refused(write: Write, lines: str, said: str) -> None:
    assert_refused(write(changed("[boxes.family]", f"[boxes.family]\n{lines}")), said)


@pytest.mark.parametrize(
    ("lines", "form", "bits"),
    [
        ("", SoundFormat.MP3, 32000),
        ('bitrate = "64k"', SoundFormat.MP3, 64000),
        ('format = "opus"', SoundFormat.OPUS, 24000),
        ('format = "opus"\nbitrate = "13k"', SoundFormat.OPUS, 13000),
        ('format = "wav"', SoundFormat.WAV, 32000),
    ],
)
def test_what_a_box_is_mailed_as(write: Write, lines: str, form: SoundFormat, bits: int) -> None:
    read = load(write(changed("[boxes.family]", f"[boxes.family]\n{lines}"))).boxes["family"]
    assert (read.form, read.bits, read.transcript) == (form, bits, True)


def test_do_not_disturb_has_codes_on_our_own_asterisk_only(write: Write) -> None:
    assert load(write(PLAIN)).dnd == codes.DndSettings("*78", "*79")
    assert load(write(PLAIN + '[windows]\ncode = "*78"\n')).dnd == codes.DndSettings("", "*79")
    own = write(PLAIN + '[asterisk]\nurl = "http://127.0.0.1:8088/ari"\nsecret_file = "secret"\n')
    (own.parent / "secret").write_text("geheim\n")
    (own.parent / "secret").chmod(0o600)
    assert load(own).dnd == codes.DndSettings()
    assert load(write(PLAIN + '[dnd]\non = "*60"\noff = ""\n')).dnd == codes.DndSettings("*60", "")


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ('on = "78"', 'dnd.on = "78": expected what a phone dials'),
        ('on = "*39"', 'dnd.on = "*39": is a code already'),
        ('on = "*60"\noff = "*60"', 'dnd.off = "*60": is a code already'),
    ],
)
def test_codes_of_do_not_disturb_that_are_not_fit_are_refused(
    write: Write, codes: str, said: str
) -> None:
    assert_refused(write(f"{PLAIN}[dnd]\n{codes}\n"), said)


@pytest.mark.parametrize(
    ("lines", "silence"),
    [("", 6.0), ("silence = 0", 0.0), ('silence = "2s"', 2.0), ('silence = "5m"', 300.0)],
)
def test_the_silence_that_ends_a_message(write: Write, lines: str, silence: float) -> None:
    path = write(changed("[boxes.family]", f"[boxes.family]\n{lines}"))
    assert load(path).boxes["family"].silence == silence


@pytest.mark.parametrize("value", ['"6m"', "-1", '"never"', "true"])
def test_a_silence_that_is_none_is_refused(write: Write, value: str) -> None:
    path = write(changed("[boxes.family]", f"[boxes.family]\nsilence = {value}"))
    assert_refused(path, f"boxes.family.silence = {value}: expected a time like")


def test_a_number_says_whether_its_callers_are_told_of_recordings(write: Write) -> None:
    did = '[dids."+18182223333"]'
    assert not load(write(PLAIN)).doors["+18182223333"].notice
    assert load(write(changed(did, f"{did}\nnotice = true"))).doors["+18182223333"].notice
    path = write(changed(did, f'{did}\nnotice = "yes"'))
    assert_refused(path, 'dids."+18182223333".notice = "yes": expected true or false')
