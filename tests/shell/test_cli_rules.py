"""`screener rules`: what a household types, what it is told, and what then stands in its files."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener import config
from screener.cli import main
from screener.config import Settings
from screener.core.rules import Rule
from screener.records.calllog import DATABASE
from screener.records.store import CallEnd, CallStart, Store
from screener.rules.rulebook import load

NOW = datetime.now(UTC)


def screener(*arguments: object, **environment: str) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, words, env={"SCREENER_HOME": None, **environment})


ALLOWED = """\
# Who rings straight through.
#
# allow from +14155550199            "not yet"
"""

BLOCKED = """\
# Who is turned away.

# Numbers that cost the one who calls them call nobody.
block from +1900*                    "premium numbers"   play sit
block name *political*, "*survey*"   "campaigns"         play sit

# To let someone meet the attendant whom a later line would block, screen him before it:
# screen from +14155550199           "the pharmacy's robot"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What `screener init` hands out, with rules of our own: two, 2-block.rules:4 and :5."""
    home = tmp_path / "home"
    assert screener("init", home).exit_code == 0
    (home / "rules" / "1-allow.rules").write_text(ALLOWED)
    (home / "rules" / "2-block.rules").write_text(BLOCKED)
    return home


@pytest.fixture
def settings(home: Path) -> Settings:
    return config.load(home / "screener.toml")


def rules(home: Path, *arguments: object) -> Result:
    """`screener rules ...` at home, which must do what it is told."""
    result = screener("rules", "--dir", home, *arguments)
    assert result.exit_code == 0, result.output
    return result


def refused(home: Path, *arguments: object) -> str:
    """What `screener rules ...` says on stderr when it does not do what it is told."""
    result = screener("rules", "--dir", home, *arguments)
    assert result.exit_code in (1, 2), result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "rules").iterdir()}


def undo(result: Result) -> None:
    """Type the command that it printed."""
    command = result.stdout.splitlines()[-1].removeprefix("undo:  screener ")
    done = screener(*shlex.split(command))
    assert done.exit_code == 0, done.output


def rule_at(settings: Settings, line: int) -> Rule:
    return next(rule for rule in load(settings).rules if rule.line == line)


# explain -----------------------------------------------------------------------------------------


def test_explain_names_the_rule_that_decides_and_why_the_others_do_not(home: Path) -> None:
    rules(home, "add", "allow", "from", "415-555-0100", "Mom")
    told = rules(home, "explain", "(900) 555-0100", "--at", "2026-11-20 23:10").stdout.splitlines()
    assert told[0] == (
        'block play sit "premium numbers" (2-block.rules:4): +1 900 555 0100 is one of +1900*'
    )
    assert "to +1 818 222 3333, Fri 20 Nov 2026 23:10: no phone rings" in told[1]
    assert told[-1] == '  1-allow.rules:4  "Mom"  +1 900 555 0100 is not +14155550100'


def test_explain_a_call_that_no_rule_matches(home: Path) -> None:
    told = rules(home, "explain", "withheld").stdout
    assert told.startswith(
        "no rule matches: screened\nA call from a withheld number to +1 818 222 3333"
    )
    assert "the caller meets the attendant." in told
    assert "The rules, and why none decides:" in told


def test_explain_a_call_whose_caller_is_asked_the_challenge(home: Path) -> None:
    rules(home, "add", "screen", "from", "+1310*", "gateways", "challenge")
    told = rules(home, "explain", "+13105550142").stdout
    assert told.startswith('screen challenge "gateways" (')
    assert "the attendant asks the caller the challenge first." in told


def test_explain_as_json_is_for_programs(home: Path) -> None:
    found = json.loads(rules(home, "explain", "+19005550100", "--json").stdout)
    assert found["action"] == "block"
    assert found["effect"] == "block play sit"
    assert found["rule"] == '"premium numbers" (2-block.rules:4)'
    assert (found["file"], found["line"]) == ("2-block.rules", 4)
    assert found["reason"].endswith("+1 900 555 0100 is one of +1900*")
    assert found["passed"] == []
    none = json.loads(rules(home, "explain", "+14155550100", "--json").stdout)
    assert (none["action"], none["rule"], none["file"], none["line"]) == ("screen", "", None, None)
    assert [rule["line"] for rule in none["passed"]] == [4, 5]


def test_explain_takes_all_that_a_call_can_show(home: Path) -> None:
    for rule in (
        "send on fri 22:00-24:00 from +1818* message family",
        "screen attestation C",
        "block verstat failed",
        "allow emergency",
        "allow expecting",
        'screen name "eve*"',
    ):
        rules(home, "add", rule, "--file", "5-all.rules")

    def effect(*options: str) -> str:
        return str(json.loads(rules(home, "explain", *options, "--json").stdout)["effect"])

    friday = ("--at", "2026-11-20 23:10")
    assert effect("+18185550100", *friday) == "send message family"
    assert effect("+14155550100", "--attestation", "c") == "screen"
    assert effect("+14155550100", "--verstat", "failed") == "block play sit"
    assert effect("+14155550100", "--emergency") == "allow"
    assert effect("withheld", "--expecting") == "allow"
    told = rules(home, "explain", "+14155550100", "--name", "Eve\x1b[2J").stdout
    assert told.startswith('screen "screen name')
    assert "\x1b" not in told


async def test_explain_knows_what_has_been_between_us(home: Path, settings: Settings) -> None:
    store = Store(settings.data / DATABASE)
    at = NOW - timedelta(days=3)
    call = await store.begin(CallStart("1.1", at, "+18182223333", "+14155550100", ""))
    await store.end(call, CallEnd(at, "connected", "Mom"))
    await store.close()
    rules(home, "add", "allow answered-before within 30d")
    known = ("explain", "415-555-0100")
    assert rules(home, *known).stdout.startswith("allow ")
    before = at - timedelta(days=1)
    past = rules(home, *known, "--at", before.strftime("%Y-%m-%d %H:%M")).stdout
    assert past.startswith("no rule matches")


def test_explain_shows_of_many_rules_those_that_are_about_the_caller(home: Path) -> None:
    many = "".join(f"allow from +1415555{n:04}\n" for n in range(999))
    (home / "rules" / "1-allow.rules").write_text(many + "block name *x* calls>=0001\n")
    (home / "rules" / "2-block.rules").write_text("screen from +1212* on mon\n")
    told = rules(home, "explain", "+12125550100", "--at", "2026-11-20 12:00").stdout
    assert len(told.splitlines()) < 10
    assert "2-block.rules:1" in told
    assert "and 1000 that are about other callers: --all shows them" in told
    whole = rules(home, "explain", "+12125550100", "--all").stdout
    assert len(whole.splitlines()) > 1000


def test_explain_says_what_it_does_not_understand(home: Path) -> None:
    assert "expected a time like" in refused(home, "explain", "+14155550100", "--at", "25:10")
    never = refused(home, "explain", "+14155550100", "--at", "0001-01-01 00:00")
    assert "from 1970 to 2999" in never
    wrong = refused(home, "explain", "+14155550100", "--to", "+4930123456")
    assert "is none of your numbers: +18182223333" in wrong
    told = rules(home, "explain", "+1415").stdout
    assert "+1 415 is not a telephone number in US" in told


def test_explain_in_shadow_mode_says_that_it_rings_all_the_same(home: Path) -> None:
    toml = home / "screener.toml"
    toml.write_text('mode = "shadow"\n' + toml.read_text().replace('\nmode = "', '\n# mode = "'))
    assert "for now it rings like any other" in rules(home, "explain", "+19005550100").stdout


# check -------------------------------------------------------------------------------------------


def test_check_says_all_mistakes_and_fails(home: Path) -> None:
    (home / "rules" / "1-allow.rules").write_text("alow withheld\nallow form +14155550100\n")
    stderr = refused(home, "check")
    assert "1-allow.rules:1:1: 'alow' is not an action" in stderr
    assert "1-allow.rules:2:7: 'form' is not a condition" in stderr
    assert "these rules are not in force" in stderr
    assert "    ^" not in stderr  # for programs, one line a mistake


def test_check_points_at_the_mistake_on_a_terminal(home: Path) -> None:
    (home / "rules" / "1-allow.rules").write_text("allow\tform\x1b +14155550100\n")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "screener", "rules", "check", "--dir", str(home)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 1
    assert "    allow\tform? +14155550100\r\n" in shown
    assert "    ^" in shown or "\t" in shown.split("form?")[1]
    assert "\x1b" not in shown


def test_check_warns_and_only_strict_fails(home: Path) -> None:
    fit = rules(home, "check")
    assert (fit.stdout, fit.stderr) == ("2 rules without a mistake\n", "")
    (home / "rules" / "3-rules.rules").write_text("screen from +19005550100\n")
    warned = rules(home, "check")
    assert warned.stderr == (
        'warning: 3-rules.rules:1: it never decides: 2-block.rules:4 ("premium numbers")'
        " before it takes all its calls\n"
    )
    assert screener("rules", "check", "--strict", "--dir", home).exit_code == 1


async def some_calls(settings: Settings, count: int, days: int) -> None:
    store = Store(settings.data / DATABASE)
    for at in range(count):
        started = NOW - timedelta(days=days) + timedelta(days=days) * at / count
        call = await store.begin(
            CallStart(f"{at}", started, "+18182223333", "+19005550100", "Office")
        )
        await store.end(call, CallEnd(started, "connected", "no reason"))
    await store.close()


@pytest.mark.parametrize(("count", "days", "said"), [(60, 90, 1), (40, 90, 0), (60, 20, 0)])
async def test_check_names_rules_that_no_call_matched_when_there_were_calls_enough(
    home: Path, settings: Settings, count: int, days: int, said: int
) -> None:
    await some_calls(settings, count, days)
    stderr = rules(home, "check").stderr
    assert stderr.count("2-block.rules:5: no call of the last year matched it") == said
    assert "2-block.rules:4" not in stderr


async def test_check_counts_what_a_rule_did_when_the_calls_are_judged_otherwise(
    home: Path, settings: Settings
) -> None:
    await some_calls(settings, 60, 90)
    store = Store(settings.data / DATABASE)
    await store.used(rule_at(settings, 5).key, NOW - timedelta(days=100))
    await store.close()
    assert rules(home, "check").stderr == ""


# list --------------------------------------------------------------------------------------------


async def test_list_shows_each_rule_with_its_use(home: Path, settings: Settings) -> None:
    rules(home, "add", 'block from +1809* "the isles" expires 90d')
    old, used = rule_at(settings, 9), rule_at(settings, 4)
    store = Store(settings.data / DATABASE)
    await store.used(used.key, NOW)
    await store.used(used.key, NOW)
    await store.used(old.key, NOW - timedelta(days=100))
    await store.close()
    lines = rules(home, "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["calls", "2", "0", "1"]
    assert "2-block.rules:4" in lines[1]
    assert "never" in lines[2]
    assert lines[3].endswith('block from +1809* "the isles" expires 90d  (expired)')
    assert rules(home, "list", "--action", "allow").stdout == "no allow rules\n"
    (first, _, last) = json.loads(rules(home, "list", "--json").stdout)
    assert (first["file"], first["line"], first["hits"]) == ("2-block.rules", 4, 2)
    assert (last["expired"], first["expired"]) == (True, False)

    removed = rules(home, "remove", "--expired")
    assert "removed 2-block.rules:9" in removed.stdout
    assert rules(home, "remove", "--expired").stdout == "no rule has expired\n"
    added = rules(home, "add", 'block from +1809* "the isles" expires 90d')
    assert "warning: it has expired" in added.stderr


def test_list_of_no_rules_says_what_that_means(home: Path) -> None:
    for path in (home / "rules").iterdir():
        path.write_text("")
    assert rules(home, "list").stdout == "no rules: every call is screened\n"


# add ---------------------------------------------------------------------------------------------


def test_add_writes_the_rule_and_its_undo_takes_it_back(home: Path) -> None:
    before = files(home)
    added = rules(home, "add", "block", "from", "+1976*", "so dear")
    assert added.stdout.splitlines()[0] == '''added 2-block.rules:9  block from +1976* "so dear"'''
    assert "+1 976 555 0100 is one of +1976*" in rules(home, "explain", "+19765550100").stdout
    undo(added)
    assert files(home) == before


def test_add_says_nothing_of_the_folder_where_it_is_the_usual_one(home: Path) -> None:
    result = screener("rules", "add", "block from +1976*", SCREENER_HOME=str(home))
    assert result.stdout.endswith("undo:  screener rules remove 2-block.rules:9\n")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("alow withheld", "did you mean allow?"),
        ("block list ftc", "there is no list ftc"),
        ("allow contacts family.vcf", "there is no address book family.vcf"),
        ("allow withheld ring famly", "did you mean family?"),
    ],
)
def test_add_writes_no_rule_that_would_break_the_others(home: Path, rule: str, said: str) -> None:
    before = files(home)
    stderr = refused(home, "add", rule)
    assert said in stderr
    assert f"    {rule}\n    " in stderr
    assert "/tmp" not in stderr.replace(str(home), "")
    assert files(home) == before


def test_add_takes_a_list_and_an_address_book_that_are_there(
    home: Path, settings: Settings
) -> None:
    (home / "rules" / "family.vcf").write_text(
        "BEGIN:VCARD\nVERSION:3.0\nFN:Mom\nTEL:+14155550100\nEND:VCARD\n"
    )
    rules(home, "add", "allow contacts family.vcf")
    told = rules(home, "explain", "+14155550100").stdout
    assert '+1 415 555 0100 is "Mom" in family.vcf' in told


def test_add_warns_of_an_earlier_rule_and_says_how_to_be_asked_first(home: Path) -> None:
    added = rules(home, "add", "screen from +19005550100")
    assert 'it decides nothing: 2-block.rules:4 "premium numbers" before it' in added.stderr
    rules(home, "remove", "3-rules.rules:1")
    place = added.stderr.partition("add it with ")[2].split()
    rules(home, "add", *place, "screen from +19005550100")
    assert rules(home, "explain", "+19005550100").stdout.startswith("screen ")
    same = rules(home, "add", "block from +19005550101")
    assert 'it changes nothing: the same is done by 2-block.rules:5 "premium' in same.stderr


def test_add_what_is_there_already_changes_nothing(home: Path) -> None:
    before = files(home)
    again = rules(home, "add", "block from +1900* play sit")
    assert again.stdout.startswith("it is there already: 2-block.rules:4  block from +1900*")
    assert files(home) == before


def test_add_tells_that_other_mistakes_keep_it_from_coming_into_force(home: Path) -> None:
    (home / "rules" / "1-allow.rules").write_text("alow withheld\n")
    added = rules(home, "add", "block from +1976*")
    assert "1 mistake in the rule files must be mended before this comes" in added.stderr


def test_add_takes_one_place_and_one_folder_only(home: Path) -> None:
    assert "two places" in refused(home, "add", "--first", "--line", 2, "block withheld")
    assert "name of a rule file" in refused(home, "add", "--file", "../x.rules", "block withheld")


# remove ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["2-block.rules:4", "premium numbers", "+1900*", "900*"])
def test_remove_by_place_name_or_number_and_its_undo_brings_it_back(home: Path, what: str) -> None:
    before = files(home)
    removed = rules(home, "remove", what)
    assert removed.stdout.startswith("removed 2-block.rules:4  block from +1900*")
    assert "no rule matches" in rules(home, "explain", "+19005550100").stdout
    undo(removed)
    assert files(home) == before


def test_remove_one_number_of_several_and_its_undo_brings_it_back(home: Path) -> None:
    rules(home, "add", 'allow from 415-555-0100,  212-555-0100 "the office"')
    removed = rules(home, "remove", "(415) 555-0100")
    assert removed.stdout.startswith(
        "removed +14155550100 from 1-allow.rules:4,"
        ' which is now:  allow from 212-555-0100 "the office"'
    )
    assert rules(home, "explain", "+14155550100").stdout.startswith("no rule")
    undo(removed)
    for number in ("+14155550100", "+12125550100"):
        assert rules(home, "explain", number).stdout.startswith('allow "the office"')


def test_remove_asks_which_of_several_it_should_be(home: Path) -> None:
    for rule in ("allow from +14155550100 on mon", "allow from +14155550100, +12125550100 on tue"):
        rules(home, "add", rule)
    stderr = refused(home, "remove", "+14155550100")
    assert "2 rules have +14155550100; name one of them by its place:" in stderr
    assert "1-allow.rules:4  allow from +14155550100 on mon" in stderr
    removed = rules(home, "remove", "1-allow.rules:5", "+14155550100")
    assert "which is now:  allow from +12125550100 on tue" in removed.stdout


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("Dad", "no rule has this number or name: Dad"),
        ("+19005550100", "no rule names +19005550100; it is among the numbers of:\n  2-block"),
        ("2-block.rules:1", "there is no such rule: 2-block.rules:1"),
        ("9-none.rules:1", "there is no such rule: 9-none.rules:1"),
        ("2-block.rules:4 +1976*", "there is no such rule: 2-block.rules:4 +1976*"),
        ("", "no rule has this number or name"),
    ],
)
def test_remove_what_is_not_there_changes_nothing(home: Path, what: str, said: str) -> None:
    before = files(home)
    assert said in refused(home, "remove", what)
    assert files(home) == before


def test_remove_of_nothing_says_what_it_needs(home: Path) -> None:
    assert "expected what to remove" in refused(home, "remove")
    assert "expected what to remove" in refused(home, "remove", "x", "--expired")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("message family", "it goes to the message box family."),
        ("ring family", "it goes to the phones of family."),
        ("menu +18182223333", "it goes to the menu of +1 818 222 3333."),
        ("redirect sip:me@example.net", "it goes to sip:me@example.net."),
    ],
)
def test_explain_says_in_words_where_a_call_is_sent(home: Path, target: str, words: str) -> None:
    (home / "rules" / "0.rules").write_text(f"send to * {target}\n")
    assert rules(home, "explain", "+12125550100").stdout.splitlines()[1].endswith(words)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("", "it is a doorbell's: the phones of family ring at once."),
        ("screen to * challenge", "it is a doorbell's: the phones of family ring at once."),
        ("send to * message family", "it is a doorbell's: the phones of family ring at once."),
        ("allow to * ring office", "it is a doorbell's: the phones of office ring at once."),
        ("send to * extension 2", "it is a doorbell's: the phones of extension 2 ring at once."),
        ("send to * redirect sip:me@example.net", "it goes to sip:me@example.net."),
        ("block to * play busy", "no phone rings; the caller gets a busy signal."),
    ],
)
def test_explain_knows_that_a_doorbell_is_asked_nothing(home: Path, rule: str, words: str) -> None:
    file = home / "screener.toml"
    bell = '[dids."+18182229999"]\nring = "family"\ndoorbell = true\n\n[phones]'
    file.write_text(file.read_text().replace("\n[phones]", f"\n{bell}", 1))
    (home / "rules" / "1-allow.rules").write_text(f"{rule}\n")
    told = rules(home, "explain", "+12125550100", "--to", "+18182229999").stdout
    assert told.splitlines()[1].endswith(words)
