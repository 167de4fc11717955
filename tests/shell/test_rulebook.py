"""The rules on disk, read as one."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screener.config import Settings, load
from screener.core.call import Call
from screener.core.number import Number
from screener.core.rules import Action
from screener.errors import ConfigError
from screener.rules.rulebook import load as load_rules
from screener.rules.rulebook import read as read_rules
from tests.shell.household import PLAIN, Write

MOM = "+14155550100"
CARD = f"BEGIN:VCARD\nVERSION:3.0\nFN:Mom\nTEL:{MOM}\nEND:VCARD\n"
CALL = Call("1", "+18182223333", Number(MOM, MOM), datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def settings(write: Write) -> Settings:
    return load(write(PLAIN))


@pytest.fixture
def rules(settings: Settings) -> Path:
    return settings.rules


def mistakes(settings: Settings) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_rules(settings)
    return list(caught.value.mistakes)


def test_rule_files_are_read_in_the_order_of_their_names(settings: Settings, rules: Path) -> None:
    (rules / "2.rules").write_text('block withheld "second"\n')
    (rules / "1.rules").write_bytes(b'\xef\xbb\xbfallow from +14155550100 "first"\r\n')
    (rules / ".1.rules").write_text("hidden\n")
    (rules / ".#1.rules").symlink_to("somebody@somewhere.1234")  # Emacs marks so what it has open
    (rules / "1.rules~").write_text("a copy\n")
    (rules / "notes.txt").write_text("about them\n")
    read = read_rules(settings)
    assert [rule.label for rule in read.rules.rules] == ["first", "second"]
    assert (read.files, read.troubles) == (2, ())


def test_the_mistakes_of_all_rule_files_are_told_with_their_places(
    settings: Settings, rules: Path
) -> None:
    (rules / "1.rules").write_text("\nalow withheld\n")
    (rules / "2.rules").write_bytes(b"#\n# \xc3\n")
    (rules / "3.rules").symlink_to("nowhere")
    first, second, third = mistakes(settings)
    assert first.startswith(f"{rules}/1.rules:2:1: ")
    assert second == f"{rules}/2.rules:2:3: not UTF-8 text; save the file as UTF-8"
    assert third == f"{rules}/3.rules: cannot be read (No such file or directory)"


def test_a_file_of_a_million_lines_is_sent_to_a_list(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("block from +14155550100\n" * 1_000_000)
    [mistake] = mistakes(settings)
    assert mistake.startswith(f"{rules}/1.rules: more than 16 MB is too much for a rule file")
    assert "screener lists import" in mistake


def test_what_cannot_be_read_is_said(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").mkdir()
    os.mkfifo(rules / "2.rules")  # whoever reads it waits for ever
    os.mkfifo(rules / "family.vcf")
    (rules / "3.rules").write_text("allow contacts family.vcf\n")
    assert mistakes(settings) == [
        f"{rules}/1.rules: cannot be read (it is a folder)",
        f"{rules}/2.rules: cannot be read (it is no file)",
        f"{rules}/3.rules:1:16: {rules}/family.vcf cannot be read (it is no file)",
    ]


def test_a_folder_that_is_gone_is_a_mistake(settings: Settings, rules: Path) -> None:
    shutil.rmtree(rules)
    assert mistakes(settings) == [f"{rules}: cannot be read (No such file or directory)"]


def test_other_rules_can_be_read_from_another_folder(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "1.rules").write_text('block withheld "tried"\n')
    [rule] = load_rules(settings, other).rules
    assert rule.title == '"tried" (1.rules:1)'
    (other / "1.rules").write_text("blok withheld\n")
    with pytest.raises(ConfigError, match=f"^{other}/1.rules:1:1: "):
        load_rules(settings, other)


def test_a_rule_expires_by_the_uses_it_is_given(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text(f'block from {MOM} "old" expires 9mo\n')
    [rule] = load_rules(settings).rules
    used = {rule.key: CALL.at - timedelta(days=400)}
    assert load_rules(settings, None, used).judge(CALL).action is Action.SCREEN
    used[rule.key] = CALL.at  # the record goes on
    assert load_rules(settings, None, used).judge(CALL).action is Action.BLOCK


# Address books and lists -------------------------------------------------------------------------


def test_an_address_book_beside_the_rules_is_asked(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("allow contacts family.vcf\n")
    (rules / "family.vcf").write_text(CARD)
    assert load_rules(settings).judge(CALL).action is Action.ALLOW


def test_a_broken_entry_of_an_address_book_is_told_and_stops_nothing(
    settings: Settings, rules: Path
) -> None:
    (rules / "1.rules").write_text("allow contacts family.vcf\n")
    (rules / "family.vcf").write_text(
        CARD + "BEGIN:VCARD\nVERSION:3.0\nFN:Dad\nTEL:ask him\nEND:VCARD\n"
    )
    read = read_rules(settings)
    assert read.rules.judge(CALL).action is Action.ALLOW
    [trouble] = read.troubles
    assert trouble.startswith(f"{rules}/family.vcf:9: ")


def test_an_address_book_that_no_rule_names_is_left_alone(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("screen withheld\n")
    (rules / "family.vcf").write_text("nonsense")
    assert read_rules(settings).troubles == ()


def test_a_neighbour_is_nobody_of_any_address_book(settings: Settings, rules: Path) -> None:
    near = Call("1", "+18182223333", Number("", "+18182224444"), CALL.at)
    (rules / "1.rules").write_text("block neighbour\n")
    assert load_rules(settings).judge(near).action is Action.BLOCK
    (rules / "family.vcf").write_text(CARD.replace(MOM, "+18182224444"))
    assert load_rules(settings).judge(near).action is Action.SCREEN


def test_a_list_that_was_never_imported_says_how(settings: Settings, rules: Path) -> None:
    (rules / "1.rules").write_text("screen withheld\nblock not list ftc.csv\n")
    (rules / "ftc.csv").write_text("8055550142\n")
    [mistake] = mistakes(settings)
    assert mistake == (
        f"{rules}/1.rules:2:16: the list ftc.csv is not imported yet:"
        f" `screener lists import {rules}/ftc.csv`"
    )


def test_a_damaged_list_that_a_rule_names_is_a_mistake_and_else_a_trouble(
    settings: Settings, rules: Path
) -> None:
    (settings.data / "lists").mkdir(parents=True)
    (settings.data / "lists" / "pests.numbers").write_bytes(b"torn")
    (rules / "1.rules").write_text("screen withheld\n")
    [trouble] = read_rules(settings).troubles
    assert "pests.numbers" in trouble
    (rules / "1.rules").write_text("block list pests\n")
    [mistake] = mistakes(settings)
    assert mistake.startswith(f"{rules}/1.rules:1:12: ")
    assert "pests.numbers" in mistake


def test_a_service_without_an_address_book_holds_no_reader_of_them() -> None:
    ask = "import sys, screener.opening; print('vobject' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_a_rule_that_calls_elsewhere_without_a_trunk_is_a_mistake(
    settings: Settings, rules: Path
) -> None:
    (rules / "1.rules").write_text(f"send withheld bridge {MOM}\n")
    [mistake] = mistakes(settings)
    assert mistake.endswith(f"{MOM} cannot be called: asterisk.trunk names no trunk for it")
