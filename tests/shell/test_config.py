"""screener.toml: what a right one becomes, and how every wrong one is refused."""

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener import config, starter
from screener.config import KEYS, Engine, MailSecurity, load, load_rules
from screener.errors import ConfigError

PLAIN = """
country = "US"
[dids."+18182223333"]
ring = "family"
box = "family"
[extensions.1]
names = ["family", "Doctor Smith"]
ring = "family"
box = "family"
[phones]
kitchen = "PJSIP/kitchen"
study = "PJSIP/study"
[groups.family]
phones = ["kitchen", "study"]
[boxes.family]
mail = ["you@example.net"]
[mail]
sender = "screener@example.net"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a screener.toml into a folder that has all the folders it needs."""
    for variable in (config.ARI_SECRET, config.MAIL_PASSWORD):
        monkeypatch.delenv(variable, raising=False)
    for folder in ("rules", "grammars", "sounds"):
        (tmp_path / folder).mkdir()

    def write(text: str) -> Path:
        path = tmp_path / "screener.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def mistakes_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return list(caught.value.mistakes)


def changed(old: str, new: str, text: str = PLAIN) -> str:
    assert old in text
    return text.replace(old, new, 1)


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
    assert load_rules(read).rules


def test_every_commented_example_of_the_starter_file_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(config.ARI_SECRET, raising=False)
    home = tmp_path / "home"
    starter.write(home)
    (home / "models" / "vosk-small-en").mkdir(parents=True)
    for secret in ("ari-secret", "mail-password"):
        (home / secret).write_text("hidden\n")
        (home / secret).chmod(0o600)
    path = home / "screener.toml"
    examples = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)
    path.write_text(examples.sub("", path.read_text()))
    read = load(path)
    assert read.asterisk.url == "http://127.0.0.1:8088/ari"
    assert (read.asterisk.secret, read.mail.password) == ("hidden", "hidden")
    assert (read.mail.security, read.mail.port) == (MailSecurity.STARTTLS, 587)
    assert read.speech.model == home / "models" / "vosk-small-en"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [('"25s"', 25), ('"2m"', 120), ('"1.5 m"', 90), ("40", 40), ("7.5", 7.5)],
)
def test_times_are_read(write: Write, written: str, seconds: float) -> None:
    text = changed('phones = ["kitchen", "study"]', f'phones = ["study"]\nseconds = {written}')
    assert load(write(text)).groups["family"].seconds == seconds


def test_a_did_is_read_as_people_write_it_in_the_country(write: Write) -> None:
    assert "+18182223333" in load(write(changed('"+18182223333"', '"(818) 222-3333"'))).doors


def test_each_did_may_offer_its_own_extensions(write: Write) -> None:
    text = changed("[phones]", '[extensions.2]\nring = "family"\nbox = "family"\n[phones]')
    text += '[dids."+18182224444"]\nring = "family"\nbox = "family"\nextensions = ["2"]\n'
    doors = load(write(text)).doors
    assert set(doors["+18182223333"].extensions) == {"1", "2"}
    assert set(doors["+18182224444"].extensions) == {"2"}


def test_a_file_from_a_windows_editor_is_read(write: Write) -> None:
    path = write("")
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert load(path).country == "US"


# How a wrong one is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('country = "US"', "", 'country is missing: expected a country code like "US"'),
        ('country = "US"', 'country = "USA"', 'country = "USA": expected a country code of two'),
        ('country = "US"', 'contry = "US"', 'contry = "US": unknown key; did you mean "country"?'),
        ('[dids."+18182223333"]', '[dids."+1"]', 'dids."+1" = "+1": expected a telephone number'),
        ('ring = "family"', 'ring = "famly"', 'ring = "famly": there is no such ring group'),
        ('ring = "family"', 'ring = "famly"', 'did you mean "family"?'),
        ('box = "family"', "", 'dids."+18182223333".box is missing'),
        ('["kitchen", "study"]', "[]", "groups.family.phones = []: a group needs at least one"),
        ('["kitchen", "study"]', '["kitchn"]', '"kitchn" in it: there is no such phone'),
        ('["kitchen", "study"]', '["study", "study"]', '"study" stands in it twice'),
        ('["kitchen", "study"]', '"kitchen"', 'expected a list like ["kitchen"]'),
        ("[extensions.1]", "[extensions.one]", "expected an extension of 1 to 8 digits"),
        ("[extensions.1]", '[extensions."\\u0661"]', "expected an extension of 1 to 8 digits"),
        ('"Doctor Smith"', '"family"', '"family" stands in it twice'),
        ('"Doctor Smith"', '"door 5"', '"door 5" in it: expected words of letters only'),
        ('"Doctor Smith"', '"a | b"', "expected words of letters only"),
        ('"Doctor Smith"', '""', "expected words of letters only"),
        ('"you@example.net"', '"you"', '"you" in it: expected a mail address'),
        ('"you@example.net"', '"a@b\\nBcc: c@d"', "expected a mail address"),
        ('["you@example.net"]', "[]", "boxes.family.mail = []: a box needs at least one"),
        ('sender = "screener@example.net"', "", "mail.sender is missing"),
        ("[groups.family]", '[groups."my family"]', "expected a name of letters a-z, digits"),
        ("kitchen = ", '"a,b" = ', 'phones."a,b" = "a,b": expected a name of letters'),
        ('"PJSIP/kitchen"', '"PJSIP/a&PJSIP/b"', 'expected "PJSIP/" and a name'),
        ('"PJSIP/kitchen"', '"SIP/kitchen"', 'expected "PJSIP/" and a name'),
        ('"PJSIP/kitchen"', '"PJSIP/study"', "is the same phone as phones."),
        ("[phones]", "[[phones]]", "expected a table, written [phones]"),
        ("[mail]", '[mail]\nport = "25"', 'mail.port = "25": expected a whole number from 1'),
        ("[mail]", "[mail]\nport = true", "mail.port = true: expected a whole number from 1"),
        ("[mail]", '[mail]\nsecurity = "ssl"', 'security = "ssl": expected one of none, starttls'),
        ("[mail]", "[mail]\nretry_days = nan", "mail.retry_days = NaN: expected a number"),
        ("[mail]", '[mail]\nuser = "me"', "mail.password_file is missing"),
        ("[mail]", '[mail]\npassword_file = "no"', "cannot be read (No such file or directory)"),
        ("[mail]", '[asterisk]\nurl = "host"\n[mail]', "expected ARI's address like"),
        ("[mail]", '[asterisk]\nurl = "http://u:p@h/ari"\n[mail]', "expected ARI's address like"),
        ("[mail]", '[asterisk]\nurl = "http://h/ari"\n[mail]', "asterisk.secret_file is missing"),
        ("[mail]", "[asterisk]\nrtp_ports = [9, 1]\n[mail]", "expected the first and the last"),
        ("[mail]", '[speech]\nvoice = "slt"\n[mail]', "expected a program and its voice"),
        ("[mail]", '[speech]\nmodel = "nowhere"\n[mail]', "there is no folder"),
        ("[mail]", '[paths]\nrules = "rulez"\n[mail]', "there is no folder"),
        ("[mail]", '[paths]\ndata = "a,b"\n[mail]', "expected a path without a comma"),
    ],
)
def test_a_mistake_names_file_key_value_and_what_was_expected(
    write: Write, old: str, new: str, said: str
) -> None:
    path = write(changed(old, new))
    mistakes = mistakes_of(path)
    assert any(said in mistake for mistake in mistakes), mistakes
    assert all(mistake.startswith(f"{path}: ") for mistake in mistakes)
    assert not any("\n" in mistake for mistake in mistakes)


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


def test_no_extension_at_all_is_refused(write: Write) -> None:
    text = re.sub(r"\[extensions\.1\].*?(?=\[phones\])", "", PLAIN, flags=re.DOTALL)
    assert "unknown callers could reach nobody" in mistakes_of(write(text))[0]


def test_an_extension_that_no_did_offers_is_refused(write: Write) -> None:
    text = changed('box = "family"', 'box = "family"\nextensions = ["1"]')
    text += '[extensions.2]\nring = "family"\nbox = "family"\n'
    assert mistakes_of(write(text))[0].endswith("so no caller could reach it")


def test_a_spoken_name_reaches_one_extension(write: Write) -> None:
    text = PLAIN + '[extensions.2]\nnames = ["doctor SMITH"]\nring = "family"\nbox = "family"\n'
    assert "extension 1 of dids" in mistakes_of(write(text))[0]


def test_a_spoken_name_is_not_anothers_number(write: Write) -> None:
    text = PLAIN + '[extensions.2]\nnames = ["one"]\nring = "family"\nbox = "family"\n'
    assert "is how a caller says extension 1" in mistakes_of(write(text))[0]


def test_the_same_did_in_two_spellings_is_refused(write: Write) -> None:
    text = PLAIN + '[dids."818-222-3333"]\nring = "family"\nbox = "family"\n'
    assert "is the same number as +18182223333" in mistakes_of(write(text))[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'country = "US"\nring = = 1\n', ":2: Invalid value at column 8"),
        (b'country = "US', ":1: "),
        (b'country = "US"\n# \xff\n', ":2: not UTF-8 text"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(write: Write, content: bytes, said: str) -> None:
    path = write("")
    path.write_bytes(content)
    assert mistakes_of(path)[0].startswith(f"{path}{said}")


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


# Secrets -----------------------------------------------------------------------------------------


def with_own_asterisk(text: str = PLAIN) -> str:
    return changed(
        "[mail]",
        '[asterisk]\nurl = "http://127.0.0.1:8088/ari"\nsecret_file = "secret"\n[mail]',
        text,
    )


def test_the_private_asterisks_secret_is_made_once_and_for_its_owner_only(
    write: Write, tmp_path: Path
) -> None:
    path = write(PLAIN)
    first = load(path).asterisk.secret
    assert len(first) >= 24
    assert load(path).asterisk.secret == first
    kept = [file for file in (tmp_path / "data").iterdir() if first in file.read_text()]
    assert len(kept) == 1
    assert kept[0].stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_when_there_are_mistakes(write: Write, tmp_path: Path) -> None:
    mistakes_of(write(changed('"US"', '"XX"')))
    assert not (tmp_path / "data").exists()


def test_a_secret_comes_from_its_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o600)
    read = load(write(with_own_asterisk()))
    assert read.asterisk.secret == "s3cret"
    assert read.warnings == ()


def test_the_environment_goes_before_the_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv(config.ARI_SECRET, "from the environment")
    monkeypatch.setenv(config.MAIL_PASSWORD, "mail password")
    read = load(write(changed("[mail]", '[mail]\nuser = "me"', with_own_asterisk())))
    assert read.asterisk.secret == "from the environment"
    assert read.mail.password == "mail password"


def test_a_secret_that_everybody_can_read_is_warned_of(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o644)
    assert "chmod 600" in load(write(with_own_asterisk())).warnings[0]


@pytest.mark.parametrize("content", ["", "\n", "two\nlines"])
def test_an_empty_or_long_secret_is_refused(write: Write, tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_text(content)
    assert "expected a file with one line in it" in mistakes_of(write(with_own_asterisk()))[0]


def test_no_secret_is_ever_printed(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    text = changed("[mail]", '[mail]\npassword = "hunter2"', with_own_asterisk())
    assert "s3cret" not in repr(load(write(with_own_asterisk())))
    mistakes = mistakes_of(write(text))
    assert 'did you mean "password_file"?' in mistakes[0]
    assert not any("hunter2" in mistake for mistake in mistakes)


def test_a_password_in_clear_over_the_network_is_warned_of(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(config.MAIL_PASSWORD, "hunter2")
    text = changed("[mail]", '[mail]\nuser = "me"\nhost = "mail.example.net"')
    assert load(write(text)).warnings == (
        "the mail password goes to mail.example.net in clear: set mail.security to starttls",
    )


def test_a_data_folder_that_cannot_be_written_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands in its place")
    assert "the ARI secret cannot be kept in it" in mistakes_of(write(PLAIN))[0]


# Rules -------------------------------------------------------------------------------------------


def test_rule_files_are_read_in_the_order_of_their_names(write: Write, tmp_path: Path) -> None:
    (tmp_path / "rules" / "2.rules").write_text('block withheld "second"\n')
    (tmp_path / "rules" / "1.rules").write_text('allow from +14155550100 "first"\n')
    rules = load_rules(load(write(PLAIN))).rules
    assert [rule.label for rule in rules] == ["first", "second"]


def test_the_mistakes_of_all_rule_files_are_told_with_their_places(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "rules" / "1.rules").write_text("\nalow withheld\n")
    (tmp_path / "rules" / "2.rules").write_bytes(b"# \xff\n")
    read = load(write(PLAIN))
    with pytest.raises(ConfigError) as caught:
        load_rules(read)
    first, second = caught.value.mistakes
    assert first.startswith(f"{tmp_path}{os.sep}rules{os.sep}1.rules:2:1: ")
    assert second.endswith("2.rules:1: not UTF-8 text; save the file as UTF-8")
