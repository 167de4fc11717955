"""`screener lists`: what it prints, and what it says when it cannot."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from screener.cli import main

FTC = "Company_Phone_Number,Created_Date,Subject\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert CliRunner().invoke(main, ["init", str(tmp_path / "home")]).exit_code == 0
    return tmp_path / "home"


def run(home: Path, *words: object) -> Result:
    arguments = ["lists", *map(str, words)]
    return CliRunner().invoke(main, arguments, env={"SCREENER_HOME": str(home)})


def said(home: Path, *words: object) -> str:
    result = run(home, *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(home: Path, *words: object) -> str:
    result = run(home, *words)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.stderr
    return result.stderr


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def ftc(tmp_path: Path) -> Path:
    rows = "4155550100,2024-01-02 00:11:22,x\n4155550100,2024-03-01 10:00:00,x\n555,2024-01-01,x\n"
    return written(tmp_path / "ftc.csv", FTC + rows + ",2024-01-01,x\n")


def test_an_import_says_what_it_found_and_what_it_left_out(home: Path, ftc: Path) -> None:
    shown = said(home, "import", ftc)
    assert shown.splitlines()[0] == "ftc.csv: 1 number, 2 reports; 5 lines read"
    assert "1 line without a number" in shown
    assert "1 line skipped, such as\n    ftc.csv:4: 555 is not" in shown.replace("'555'", "555")
    assert (home / "data/lists/ftc.csv.numbers").exists()


def test_lists_are_shown_with_their_counts(home: Path, ftc: Path, tmp_path: Path) -> None:
    assert "no lists yet" in said(home)
    said(home, "import", ftc)
    said(home, "import", written(tmp_path / "own.txt", "4155550100\n+1900*\n"))
    header, first, second = said(home, "show").splitlines()
    assert header.split() == [
        *("list", "numbers", "reports", "newest", "report", "sources", "imported", "size"),
    ]
    assert first.split()[:6] == ["ftc.csv", "1", "2", "01", "Mar", "2024"]
    assert second.startswith("own.txt  1 + 1 prefix")
    one = said(home, "show", "ftc.csv")
    assert "newest report: 01 Mar 2024 10:00 UTC" in one
    assert f"made from: {ftc}\n    {ftc}: 5 lines" in one


def test_a_number_is_found_in_the_lists_that_hold_it(home: Path, ftc: Path, tmp_path: Path) -> None:
    said(home, "import", ftc)
    said(home, "import", written(tmp_path / "own.txt", "4155550*\n"))
    shown = said(home, "show", "--number", "(415) 555-0100")
    assert shown.splitlines() == [
        "ftc.csv: +14155550100 is in it, 2 reports",
        "  01 Mar 2024 10:00 UTC",
        "  02 Jan 2024 00:11 UTC",
        "own.txt: +14155550100 is in it",
    ]
    assert said(home, "show", "own.txt", "--number", "2125550100") == (
        "+12125550100 is not in own.txt\n"
    )
    assert said(home, "show", "--number", "2125550100") == "+12125550100 is in no list\n"
    assert "is not a number in US" in refused(home, "show", "--number", "nonsense")


def test_an_update_reads_what_is_new_and_goes_on_after_a_trouble(
    home: Path, tmp_path: Path
) -> None:
    assert "no lists yet" in said(home, "update")
    written(tmp_path / "days/1.csv", FTC + "4155550100,2024-01-01 00:00:01,x\n")
    said(home, "import", tmp_path / "days" / "*.csv", "--name", "ftc.csv")
    assert said(home, "update") == "ftc.csv: nothing new\n"
    written(tmp_path / "days/2.csv", FTC + "4155550100,2024-01-02 00:00:01,x\n")
    (home / "data/lists/a.numbers").write_text("damaged")
    result = run(home, "update")
    assert result.exit_code == 1
    assert (
        result.stdout == "ftc.csv: 1 number, 2 reports; 2 lines read; 1 more report than before\n"
    )
    assert "a.numbers is no number list" in result.stderr
    assert refused(home, "show").count("\n") == 1


def test_add_adds_and_import_replaces(home: Path, tmp_path: Path) -> None:
    first = written(tmp_path / "a.txt", "4155550100\n")
    second = written(tmp_path / "b.txt", "4155550101\n")
    said(home, "import", first, "--name", "own")
    assert "2 numbers; 1 line read; 1 more" in said(
        home, "import", second, "--name", "own", "--add"
    )
    assert said(home, "import", second, "--name", "own") == "own: 1 number; 1 line read\n"


def test_a_list_is_removed_once(home: Path, ftc: Path) -> None:
    said(home, "import", ftc)
    assert "ftc.csv is deleted" in said(home, "remove", "ftc.csv")
    assert "there is no list ftc.csv; there are: none yet" in refused(home, "remove", "ftc.csv")
    assert "there is no list ftc.csv" in refused(home, "show", "ftc.csv")
    assert "there is no list ftc.csv" in refused(home, "update", "ftc.csv")


def test_a_list_that_a_rule_asks_for_stays(home: Path, ftc: Path) -> None:
    said(home, "import", ftc)
    (home / "rules/3-more.rules").write_text("block list ftc.csv\n")
    stays = refused(home, "remove", "ftc.csv")
    assert "ftc.csv is not deleted: 3-more.rules:1 asks for it" in stays
    assert "`screener rules remove 3-more.rules:1`" in stays
    assert "ftc.csv" in said(home, "show")
    (home / "rules/3-more.rules").unlink()
    assert said(home, "remove", "ftc.csv") == "ftc.csv is deleted\n"


def test_times_are_told_by_the_owners_clock(home: Path, ftc: Path) -> None:
    toml = home / "screener.toml"
    text = toml.read_text()
    assert "# timezone = " in text
    shown = []
    for zone in ("Pacific/Honolulu", "Pacific/Auckland"):
        toml.write_text(text.replace("# timezone = ", f'timezone = "{zone}" # '))
        said(home, "import", ftc)
        shown.append(said(home, "show", "ftc.csv").partition("imported: ")[2][:17])
    honolulu, auckland = (datetime.strptime(time, "%d %b %Y %H:%M") for time in shown)
    assert auckland - honolulu > timedelta(hours=20)


def test_a_name_is_asked_for_where_none_is_at_hand(home: Path, ftc: Path, tmp_path: Path) -> None:
    odd = written(tmp_path / "my list.txt", "4155550100\n")
    for words in ((ftc, ftc), (odd,), ("-",)):
        assert "Add --name NAME" in refused(home, "import", *words)
    assert "no such file" in refused(home, "import", tmp_path / "nix.csv")


def test_a_packed_file_gives_its_name_without_the_packing(home: Path, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "ftc.csv.gz"
    path.write_bytes(gzip.compress(b"number\n4155550100\n"))
    assert said(home, "import", path).startswith("ftc.csv: 1 number")


def test_what_is_piped_in_is_imported_and_not_looked_for_later(home: Path) -> None:
    command = [sys.executable, "-m", "screener", "lists"]
    environment = {**os.environ, "SCREENER_HOME": str(home)}
    words = [*command, "import", "-", "--name", "piped"]
    subprocess.run(words, input=b"4155550100\n", env=environment, check=True)
    updated = subprocess.run([*command, "update"], env=environment, check=True, capture_output=True)
    assert updated.stdout == b"piped: nothing new\n"


def test_on_a_terminal_there_is_a_bar_and_elsewhere_none(home: Path, ftc: Path) -> None:
    assert run(home, "import", ftc).stderr == ""
    leader, follower = pty.openpty()
    words = [sys.executable, "-m", "screener", "lists", "import", str(ftc)]
    environment = {**os.environ, "SCREENER_HOME": str(home), "TERM": "xterm"}
    subprocess.run(words, stderr=follower, stdout=subprocess.PIPE, env=environment, check=True)
    os.close(follower)
    bar = os.read(leader, 65_536).decode()
    os.close(leader)
    assert "ftc.csv" in bar
    assert "━" in bar
