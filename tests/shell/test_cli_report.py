"""`screener report`: its formats, its days, its mistakes."""

from __future__ import annotations

import csv
import json
import shlex
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from screener import config
from screener.cli import main
from screener.core.call import Outcome
from screener.core.delivery import State
from screener.core.week import week_of
from screener.mail import letterfile
from screener.mail.spool import Spool
from screener.records.calllog import DATABASE
from tests.fixtures import quarter
from tests.shell.post import LETTER, wav


def screener(home: Path, *arguments: str) -> Result:
    words = ["report", *arguments, "--dir", str(home)]
    return CliRunner().invoke(main, words, env={"SCREENER_HOME": None, "COLUMNS": "200"})


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    settings = folder / "screener.toml"
    zone = f'timezone = "{quarter.ZONE.key}"\n'
    settings.write_text(zone + settings.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.fixture
def home(empty: Path) -> Path:
    data = config.load(empty / "screener.toml").data
    data.mkdir(exist_ok=True)
    quarter.write(data / DATABASE, quarter.rows(), quarter.events())
    return empty


def test_a_week_in_each_format_says_the_same(home: Path) -> None:
    told = {form: screener(home, "--week", "2026-W46", "--format", form) for form in
            ("text", "html", "json", "csv")}  # fmt: skip
    assert {form: result.exit_code for form, result in told.items()} == dict.fromkeys(told, 0)
    data = json.loads(told["json"].stdout)
    assert data["headline"] in " ".join(told["text"].stdout.split())
    assert data["headline"] in told["html"].stdout
    rows = list(csv.DictReader(told["csv"].stdout.splitlines()))
    assert len(rows) == data["calls"] == 45
    assert sum(row["fate"] == "robots" for row in rows) == data["fates"]["robots"]
    assert not data["so_far"]


def test_the_same_week_gives_the_same_report_byte_for_byte_on_the_same_day(home: Path) -> None:
    for form in ("text", "html", "json", "csv"):
        told = {screener(home, "--week", "2026w46", "--format", form).stdout for _ in range(2)}
        assert len(told) == 1


def test_what_a_stranger_called_himself_drives_no_terminal(home: Path) -> None:
    odd = "\x1b[2J\x9b2J\u202eZo\xeb"
    with closing(sqlite3.connect(config.load(home / "screener.toml").data / DATABASE)) as db:
        db.execute("UPDATE calls SET name = ?", (odd,))
        db.commit()
    for form in ("text", "html", "json", "csv"):
        told = screener(home, "--week", "2026-W46", "--format", form).stdout
        assert all(char.isprintable() or char in "\r\n" for char in told), form
    data = screener(home, "--week", "2026-W46", "--format", "json").stdout
    assert data.isascii()
    assert "Zo\\u00eb" in data


PESTS = 'block from 866-555-0101  "reported"\n' + 29 * "# \n"
"""Of the rules that have decided calls of the quarter, one that is there still: it has moved."""


def links_in(home: Path) -> list[str]:
    told = screener(home, "--week", "2026-W46").stdout
    return [line.strip() for line in told.splitlines() if line.startswith("  http://")]


def test_rules_and_campaigns_have_links_where_there_are_pages_the_same_each_time(
    home: Path,
) -> None:
    (home / "rules" / "2-block.rules").write_text(PESTS, encoding="utf-8")
    found = links_in(home)
    assert [sum(f"/{each}/" in link for link in found) for each in ("rule", "campaign")] == [1, 3]
    assert links_in(home) == found
    (home / "rules" / "2-block.rules").write_text(f"{PESTS}blok nonsense\n", encoding="utf-8")
    assert links_in(home) == found  # a mistake elsewhere takes no link away
    (home / "rules" / "2-block.rules").write_text(f"# {PESTS}", encoding="utf-8")
    assert links_in(home) == [link for link in found if "/rule/" not in link]


def test_without_pages_there_are_commands(home: Path) -> None:
    (home / "rules" / "2-block.rules").write_text(PESTS, encoding="utf-8")
    settings = home / "screener.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("[web]\n", '[web]\nlisten = ""\n'), encoding="utf-8")
    assert links_in(home) == []
    told = screener(home, "--week", "2026-W46").stdout
    assert "Switch off: screener rules remove reported" in told
    assert "Forget it: screener campaigns forget k3bq7xza" in told


# The command that takes a rule out ----------------------------------------------------------------


def removing(home: Path) -> str:
    """The one command of the report that takes a rule out; "" where there is none."""
    told = screener(home, "--week", "2026-W46").stdout.splitlines()
    found = {line.strip() for line in told if "screener rules remove" in line}
    assert len(found) <= 1
    return "".join(found).removeprefix("Switch off: ")


def remove(home: Path, command: str) -> Result:
    words = shlex.split(command)
    assert words[0] == "screener"
    return CliRunner().invoke(main, [*words[1:], "--dir", str(home)])


@pytest.mark.parametrize(
    "above", ["allow from 415-555-0142", 'block from 900*  "premium"', "# the others"]
)
def test_the_command_takes_out_the_rule_that_has_moved_and_not_what_stands_there_now(
    home: Path, above: str
) -> None:
    file = home / "rules" / "2-block.rules"
    others = [f"{above}\n"]
    file.write_text(29 * "# \n" + "".join(others) + PESTS, encoding="utf-8")
    command = removing(home)
    file.write_text("".join([*others, file.read_text(encoding="utf-8")]), encoding="utf-8")
    before = file.read_text(encoding="utf-8").splitlines()  # the mail was read some days later
    assert remove(home, command).exit_code == 0
    after = file.read_text(encoding="utf-8").splitlines()
    gone = [line for line in before if line not in after]
    assert gone == ['block from 866-555-0101  "reported"']
    assert len(after) == len(before) - 1


def test_a_rule_that_was_removed_has_no_command_whatever_stands_in_its_place(home: Path) -> None:
    file = home / "rules" / "2-block.rules"
    file.write_text(29 * "# \n" + 'block from 900*  "premium"\n', encoding="utf-8")
    assert '* "reported" (2-block.rules:30)' in screener(home, "--week", "2026-W46").stdout
    assert removing(home) == ""


def test_a_command_of_a_mail_does_nothing_once_its_rule_is_gone(home: Path) -> None:
    file = home / "rules" / "2-block.rules"
    file.write_text(PESTS, encoding="utf-8")
    command = removing(home)
    assert remove(home, command).exit_code == 0
    left = 30 * 'block from 900*  "premium"\n'
    file.write_text(left, encoding="utf-8")
    assert remove(home, command).exit_code == 1
    assert file.read_text(encoding="utf-8") == left


@pytest.mark.parametrize(
    "other",
    [
        'block from 866-555-0109  "reported"',
        'allow from 866-555-0109  "Reported"',
    ],
)
def test_where_two_rules_are_called_so_there_is_no_command(home: Path, other: str) -> None:
    (home / "rules" / "2-block.rules").write_text(PESTS, encoding="utf-8")
    assert removing(home)
    (home / "rules" / "3-rules.rules").write_text(f"{other}\n", encoding="utf-8")
    assert removing(home) == ""
    assert sum("/rule/" in link for link in links_in(home)) == 1  # its page shows which, and asks


@pytest.mark.parametrize(
    ("line", "label", "command"),
    [
        ("block from 866-555-0101", "block from 866-555-0101", True),
        ('block name "it\'s *$(reboot)*"', "block name 'it's *$(reboot)*'", True),
        ('block from 866-555-0101 "a survey"', "a survey", True),
        ('block from 866-555-0101 "--yes"', "--yes", False),
        ('block from 866-555-0101 "2-block.rules:1"', "2-block.rules:1", False),
        ('block from 866-555-0101 "866-555-0101"', "866-555-0101", False),
        (f'block from 866-555-0101 "{"x" * 101}"', "x" * 101, False),
    ],
)
def test_a_label_is_typed_as_it_is_or_not_at_all(
    empty: Path, line: str, label: str, command: bool
) -> None:
    rows = [replace(row, rule=f'"{label}" (2-block.rules:2)') for row in quarter.rows()]
    data = config.load(empty / "screener.toml").data
    data.mkdir(exist_ok=True)
    quarter.write(data / DATABASE, rows, ())
    file = empty / "rules" / "2-block.rules"
    file.write_text(f"# \n{line}\n# \n", encoding="utf-8")
    assert sum("/rule/" in link for link in links_in(empty)) == 1
    typed = removing(empty)
    assert bool(typed) == command
    if command:
        assert remove(empty, typed).exit_code == 0
        assert file.read_text(encoding="utf-8") == "# \n# \n"


def test_a_page_by_itself_holds_its_pictures_and_names_nothing_elsewhere(home: Path) -> None:
    page = home / "week.html"
    result = screener(home, "--week", "2026-W46", "--format", "html", "--output", str(page))
    assert (result.exit_code, result.stdout) == (0, "")
    html = page.read_text(encoding="utf-8")
    assert html.count('src="data:image/png;base64,') == 2
    assert "cid:" not in html


@pytest.mark.parametrize("form", ["text", "html", "json", "csv"])
def test_a_file_that_is_there_is_never_overwritten(home: Path, form: str) -> None:
    mine = home / "screener.toml"
    before = mine.read_bytes()
    result = screener(home, "--week", "2026-W46", "--format", form, "--output", str(mine))
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{mine} is there already: remove it, or give another name" in result.stderr
    assert mine.read_bytes() == before


def test_other_days_are_both_included(home: Path) -> None:
    days = screener(home, "--from", "2026-11-09", "--to", "2026-11-15", "--format", "json")
    week = screener(home, "--week", "2026-W46", "--format", "json")
    assert days.stdout == week.stdout
    day = screener(home, "--from", "2026-11-15", "--to", "2026-11-15", "--format", "csv")
    assert all(line.split(",")[1][:10] == "2026-11-15" for line in day.stdout.splitlines()[1:])


def test_what_lies_in_the_outbox_is_told_of_the_weeks_that_it_concerns(
    home: Path, tmp_path: Path
) -> None:
    lost = next(row for row in quarter.rows() if row.outcome == Outcome.GAVE_UP)
    outbox = config.load(home / "screener.toml").data / "outbox"
    spool = Spool(outbox)
    letter = replace(LETTER, call=lost.id, when=lost.started, seconds=7.0)
    name = spool.keep(wav(tmp_path / "said.wav", 0.5), letter, "door@example.org")
    letterfile.move(spool.folder(name), outbox / State.FAILED)
    week = week_of(lost.started, quarter.ZONE)

    def told(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            screener(home, "--week", name, "--format", "json").stdout
        )
        return found

    report = told(week.name)
    assert lost.id in [each["newest"] for each in report["messages"]]
    assert report["messages_of_calls_that_broke_off"] == report["undelivered"] == 1
    assert told(week.before.name)["undelivered"] == 0
    later = told(week_of(lost.started + timedelta(days=7), quarter.ZONE).name)
    assert (later["undelivered"], later["messages_of_calls_that_broke_off"]) == (1, 0)


def test_without_a_call_ever_it_says_so_kindly(empty: Path) -> None:
    result = screener(empty)
    assert result.exit_code == 0
    assert "This week nobody called." in result.stdout
    assert "Enjoy the quiet." in result.stdout
    for form in ("html", "json", "csv"):
        assert screener(empty, "--format", form).exit_code == 0


def test_the_week_that_goes_on_is_marked_so_far(empty: Path) -> None:
    week = week_of(datetime.now(UTC) + timedelta(minutes=1), quarter.ZONE).name
    assert ", so far" in screener(empty, "--week", week).stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--week", "2027-W53"), "expected a week like 2026-W46; 2027 has 52 weeks"),
        (("--week", "46"), "expected a week like 2026-W46"),
        (("--from", "yesterday"), "'yesterday': expected a day like 2026-11-09"),
        (("--from", "2026-11-09", "--to", "2026-11-01"), "there are no days from 2026-11-09"),
        (("--week", "2199-W20"), "2199-W20 has not begun"),
        (("--week", "2199-W20", "--send"), "2199-W20 has not begun"),
        (("--from", "2199-05-01"), "2199-05-01 has not begun"),
        (("--from", "2199-05-01", "--to", "2199-05-02"), "2199-05-01 has not begun"),
        (("--to", "2026-11-01"), "--to needs --from"),
        (("--week", "2026-W46", "--from", "2026-11-09"), "leave out --from and --to"),
        (("--send", "--format", "csv"), "no --format, no --output"),
        (("--format", "pdf"), "'pdf' is not one of"),
        (("--output", "/nowhere/at/all.txt"), "No such file or directory"),
    ],
)
def test_what_cannot_be_is_said_clearly(home: Path, arguments: tuple[str, ...], said: str) -> None:
    result = screener(home, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_it_is_mailed_to_those_who_get_the_weekly_one(home: Path) -> None:
    result = screener(home, "--week", "2026-W46", "--send")
    assert result.exit_code == 0, result.output
    assert "weekly report 2026-W46 is on its way to you@example.net" in result.stdout
    listed = CliRunner().invoke(main, ["outbox", "list", "--dir", str(home)])
    assert "weekly report 2026-W46" in listed.stdout


def test_nobody_to_mail_it_to_is_said(home: Path) -> None:
    settings = home / "screener.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("[report]", "[report]\nto = []"), encoding="utf-8")
    result = screener(home, "--send")
    assert result.exit_code == 1
    assert "nobody gets the report: name him in report.to" in result.stderr
